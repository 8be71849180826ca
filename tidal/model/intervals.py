"""How often workers report, and when in turn: the more there are, the less often. PURE.

What a master has to fold grows with the workers, so from so many on each of them waits longer. How long follows from
the plan, whose owners are in the log: every worker and every replay knows it, and another plan, made whenever somebody
comes or goes, changes it for all. What a report counts is still told second by second; only the figures come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.model.state import LogHalf

REPORTS_A_SECOND = 500
"""Of all workers together: some 300 µs each of a master's core, with 20 endpoints."""
INTERVAL_MAX_MS = 10_000
"""Whoever waits longer for a figure believes that the run stands still."""


def report_interval_ms(log: LogHalf) -> int:
    """The time from one report of a worker to its next, in whole seconds once there are many."""
    owners = len(log.plan.owners) if log.plan is not None else 0
    fair_ms = -(-owners // REPORTS_A_SECOND) * 1_000 if owners > REPORTS_A_SECOND else 0
    return max(log.options.report_interval_ms, min(fair_ms, INTERVAL_MAX_MS))


def report_turn_ms(log: LogHalf, incarnation: str) -> int:
    """So much later than the first owner a worker reports: if all did at once, a master would be behind each time.

    Some milliseconds in a small fleet; in a large one they come evenly over the whole interval.
    """
    owners = log.plan.owners if log.plan is not None else ()
    place = owners.index(incarnation) if incarnation in owners else 0
    return place * 1_000 // REPORTS_A_SECOND % report_interval_ms(log)
