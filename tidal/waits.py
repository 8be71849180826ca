"""How long a user waits between two tasks: functions from the user to seconds, for the `wait_time` attribute.

class Visitor(HttpUser):
    wait_time = between(1, 3)
"""

from __future__ import annotations

import random
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    class Paced(Protocol):
        """What pacing remembers on a user or task set."""

        _cp_last_run: float
        _cp_last_wait_time: float

    WaitTime = Callable[[Paced], float]


def between(min_wait: float, max_wait: float) -> WaitTime:
    """A random wait between two numbers of seconds."""
    return lambda _user: min_wait + random.random() * (max_wait - min_wait)


def constant(wait_time: float) -> WaitTime:
    """Always the same wait, in seconds."""
    return lambda _user: wait_time


def constant_pacing(wait_time: float) -> WaitTime:
    """Wait so that tasks begin every `wait_time` seconds; a task that takes longer is followed at once by the next."""

    def paced(user: Paced) -> float:
        now = perf_counter()
        ran_s = now - user._cp_last_run - user._cp_last_wait_time  # noqa: SLF001 - Locust keeps them on the user
        user._cp_last_wait_time = max(0.0, wait_time - ran_s)  # noqa: SLF001 - as above
        user._cp_last_run = now  # noqa: SLF001 - as above
        owner: Any = getattr(user, "_user", user)  # of a task set with a pace of its own: its user
        if wait_time > 0:
            owner._tidal_due = (now + wait_time - ran_s, wait_time)  # noqa: SLF001 - tidal's own
        return user._cp_last_wait_time  # noqa: SLF001 - as above

    paced.period_s = wait_time  # type: ignore[attr-defined] # the first iteration is on time, and its user keeps a pace
    return paced


def constant_throughput(task_runs_per_second: float) -> WaitTime:
    """Wait so that a user begins so many tasks a second: the inverse of `constant_pacing`."""
    if task_runs_per_second <= 0:
        raise ValueError(f"constant_throughput needs a positive rate, not {task_runs_per_second}")
    return constant_pacing(1 / task_runs_per_second)


def poisson(rate: float) -> WaitTime:
    """Random waits with the mean 1/`rate` seconds, so that tasks come as a Poisson process."""
    if rate <= 0:
        raise ValueError(f"poisson needs a positive rate, not {rate}")
    return lambda _user: random.expovariate(rate)
