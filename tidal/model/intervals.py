"""How often workers report, when in turn, and how many seconds together: the more there are, the less often. PURE.

What a master has to fold grows with the workers, so from so many on each of them waits longer, and puts the latencies
of its interval together: a histogram costs a master the same, whether of one second or of eight. Requests, failures and
user-time are still told second by second; only the figures come later. How long follows from the plan, whose owners are
in the log: every worker and every replay knows it, and another plan, made whenever somebody comes or goes, changes it
for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.each import EACH_MAX

if TYPE_CHECKING:
    from tidal.model.state import LogHalf

REPORTS_A_SECOND = 300
"""Of all workers together: some 400 µs each of a master's core, with 20 endpoints."""
SPAN_MAX_S = EACH_MAX


def report_span_s(log: LogHalf) -> int:
    """How many seconds a report puts together, from a multiple of it on: a power of two, so that charts can follow."""
    owners, span_s = len(log.plan.owners) if log.plan is not None else 0, 1
    while owners > REPORTS_A_SECOND * span_s and span_s < SPAN_MAX_S:
        span_s *= 2
    return span_s


def report_interval_ms(log: LogHalf) -> int:
    """The time from one report of a worker to its next, a multiple of the seconds that it puts together."""
    span_ms = report_span_s(log) * 1_000
    wanted_ms = log.options.report_interval_ms
    return wanted_ms if span_ms == 1_000 else -(-wanted_ms // span_ms) * span_ms


def report_turn_ms(log: LogHalf, incarnation: str) -> int:
    """So much later than the first owner a worker reports: if all did at once, a master would be behind each time.

    Some milliseconds in a small fleet; in a large one they come evenly over the whole interval.
    """
    owners = log.plan.owners if log.plan is not None else ()
    place = owners.index(incarnation) if incarnation in owners else 0
    interval_ms = report_interval_ms(log)
    return min(place * 1_000 // REPORTS_A_SECOND, place * interval_ms // max(1, len(owners))) % interval_ms
