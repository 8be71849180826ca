"""The moments at which a user that keeps a pace was meant to begin its iterations.

`constant_pacing` and `constant_throughput` want one iteration a period, counted from the beginning of the one before:
that moment is the *intended* one. A user whose iteration took longer begins the next one late, and does not make up for
it, as with Locust. How late it began is added to the service times of its requests (the response time), and what the
user did not get to do is counted (`tidal.generator.lateness.Paces`).
"""
# ruff: noqa: SLF001 - what a user remembers of its pace is tidal's own

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.users import User


def keep_pace(user: User) -> None:
    """A user begins to live: whether it keeps a pace shows in its `wait_time`. Its first iteration is on time."""
    period_s = getattr(user.wait_time, "period_s", 0)
    if period_s > 0:
        user._tidal_due, user._late_us = (0.0, period_s), 0


def begin_paced(user: User) -> None:
    """An iteration begins: how late, if a moment was intended."""
    if user._tidal_due is None or user._visits:
        if user._tidal_over is not None and not user._visits:  # it waits in another way now
            user._tidal_over = user._late_us = None
        return
    due_s, period_s = user._tidal_due
    now_s = perf_counter()
    user._late_us = late_us = max(0, round((now_s - due_s) * 1e6)) if due_s else 0
    user._tidal_due, user._tidal_over = None, (now_s + period_s, period_s)
    _count(user, 1, late_us, period_s)


def cut_paced(user: User) -> None:
    """An iteration was cut off: what its user would have begun meanwhile was wanted, too."""
    if user._tidal_over is None:
        return
    due_s, period_s = user._tidal_over
    over_us = round((perf_counter() - due_s) * 1e6)
    if over_us > 0:
        _count(user, 0, over_us, period_s)


def _count(user: User, begun: int, late_us: int, period_s: float) -> None:
    paces = getattr(user.environment, "paces", None)
    if paces is not None and period_s > 0:
        paces.note(type(user).__name__, begun, late_us, period_s)
