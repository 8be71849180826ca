"""The ledger of arrivals: planned + surplus = started + dropped + unknown, in whole arrivals.

What was planned is computed from the plans in force, up to the moment of the last tick or of the stop, and is exact: it
is how many arrivals the curves have between two moments. What was started and dropped is reported. The rest is unknown:
lost with a process that died, or, while the run goes on, not reported yet. What was begun beyond the plan, before a
stop was heard of or by a worker that was cut off, is surplus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.arrivals import arrivals_of
from tidal.model.findings import weight_of
from tidal.model.ledger import add_up_plan, plan_at
from tidal.model.plan import value_at
from tidal.model.plantext import ARRIVALS
from tidal.model.struct import Struct
from tidal.model.words import part, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.findings import Finding
    from tidal.model.state import LogHalf, State

GRACE = 3
"""Arrivals: a short run is not judged by one."""


class ArrivalBooks(Struct, frozen=True):
    """Both sides of the ledger."""

    planned: int = 0
    started: int = 0
    dropped: int = 0
    unknown: int = 0
    surplus: int = 0


def add_up(log: LogHalf, at_ms: int) -> None:
    """Add what was planned since the last time, users and arrivals; nothing is planned once a stop was ordered."""
    add_up_plan(log, at_ms)
    if log.began_ms and log.stop is None and at_ms - log.began_ms > log.arrivals_to_ms:
        _add(log, (at_ms - 1) // 1000, _between(log, log.arrivals_to_ms, at_ms - log.began_ms))
        log.arrivals_to_ms = at_ms - log.began_ms


def take_back(log: LogHalf, from_ms: int) -> None:
    """A plan holds from a moment up to which arrivals were added up already: from there on it counts."""
    if from_ms < log.arrivals_to_ms:
        _add(log, (log.began_ms + log.arrivals_to_ms - 1) // 1000, -_between(log, from_ms, log.arrivals_to_ms))
        log.arrivals_to_ms = max(0, from_ms)


def _add(log: LogHalf, second: int, arrivals: int) -> None:
    log.arrivals_planned += arrivals
    if arrivals:
        log.held.arrivals.add(second, arrivals)


def _between(log: LogHalf, from_ms: int, to_ms: int) -> int:
    """How many arrivals the plans in force have in [from_ms, to_ms)."""
    edges = [from_ms, *sorted(p.from_ms for p in log.plans if from_ms < p.from_ms < to_ms), to_ms]
    return sum(_of_plan(log, edges[i], edges[i + 1]) for i in range(len(edges) - 1))


def _of_plan(log: LogHalf, from_ms: int, to_ms: int) -> int:
    plan, options = plan_at(log, from_ms), log.options
    total = 0
    for track in plan.tracks if plan is not None else ():
        if plan is not None and track.unit == ARRIVALS:
            curve = arrivals_of(track, plan.end_ms, options.spacing, options.seed)
            total += curve.count_before(to_ms * 1000) - curve.count_before(from_ms * 1000)
    return total


def rate_milli(log: LogHalf, plan_ms: int) -> int:
    """Arrivals a second that the plan wants at a moment, in thousandths."""
    plan = plan_at(log, plan_ms)
    if plan is None or plan_ms < 0 or (plan.end_ms is not None and plan_ms >= plan.end_ms):
        return 0
    return sum(round(value_at(t.points, plan_ms) * 1000) for t in plan.tracks if t.unit == ARRIVALS)


def arrival_books(state: State) -> ArrivalBooks:
    """The books so far; at the end of the run, for good."""
    planned, (started, dropped) = state.log.arrivals_planned, state.reports.arrivals
    left = planned - started - dropped
    return ArrivalBooks(planned, started, dropped, max(0, left), max(0, -left))


def arrival_cells(state: State) -> dict[str, int]:
    """The same for the ledger's row."""
    books = arrival_books(state)
    return {
        "arrivals_planned": books.planned,
        "arrivals_started": books.started,
        "arrivals_dropped": books.dropped,
        "arrivals_unknown": books.unknown,
        "arrivals_surplus": books.surplus,
    }


def not_begun(state: State, *, is_final: bool) -> Iterator[Finding]:
    """Arrivals that were dropped; at the end those, too, of which nobody knows."""
    books = arrival_books(state)
    if weight := weight_of(books.dropped, books.planned, GRACE):
        what = f"{plural(books.dropped, 'arrival')} dropped ({part(books.dropped, books.planned)})"
        yield weight, f"{what}: as many iterations were in flight as may be"
    is_over = is_final or state.log.phase == phases.CLOSED
    if is_over and (weight := weight_of(books.unknown, books.planned, GRACE)):
        what = f"{plural(books.unknown, 'arrival')} unknown ({part(books.unknown, books.planned)})"
        yield weight, f"{what}: they were due where something died, and were not reported"
