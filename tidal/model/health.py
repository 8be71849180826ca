"""What tells later whether the numbers may be believed: lag, CPU, how Redis answered. Folded in bounded memory.

What workers say of it goes into their half of the state and commutes as all reports do; `verdict.py` reads both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.model.events import Reported
    from tidal.model.state import IncarnationRecord, LogHalf, ReportHalf

LAG_MAX_MS = 1_000
"""A lag counts as so much in a mean, at the most: one long stall is told by itself."""

CPU_MAX_PERMILLE, ANSWER_MAX_US = 1_000_000, 3_600_000_000
"""A thousand cores for one generator, an hour for one answer of Redis: what is said beyond counts as so much."""

STILL_MAX_MS = 600_000
"""What is said to stand still for longer tells of no later second than this: it is a worker's word only."""


def note_answer(log: LogHalf, at_ms: int, redis_rtt_us: int) -> None:
    """How long Redis took to answer the master, and whether its time went back."""
    log.clock_back_ms = max(log.clock_back_ms, log.ticked_ms - at_ms)
    if log.planned.last_s is not None:
        point = log.planned.at(log.planned.last_s)
        point.wait_us += min(max(0, redis_rtt_us), ANSWER_MAX_US)
        point.waits += 1


def note_strain(reports: ReportHalf, record: IncarnationRecord, event: Reported) -> None:
    """How the generators were while they ran users: the lag of the slowest, their CPU each."""
    alive = [g for g in event.generators if g.state != "gone"]
    if not alive or not event.users:
        return
    worst_ms = max(0, *(g.lag_ms for g in alive))
    second, lag_ms = _moment_ms(event, worst_ms) // 1000, min(worst_ms, LAG_MAX_MS)
    cpu_permille = min(max(0, event.cpu_permille // len(alive)), CPU_MAX_PERMILLE)
    record.strain.add(second, lag_ms, cpu_permille, worst_ms)
    point = reports.series.at(second)
    point.wait_us, point.waits = point.wait_us + lag_ms * 1000, point.waits + 1


def _moment_ms(event: Reported, worst_ms: int) -> int:
    """When the worker said so; one that reports no further waits for a generator, and has since then."""
    if event.to_ms > event.from_ms:
        return event.to_ms - 1
    return event.from_ms + min(worst_ms, STILL_MAX_MS) - 1
