"""What of a report no clock of its run can have said. PURE.

One block of another century would make the chart's points as wide as that, one end of a report in the future would make
every other worker look silent. So nobody's own moments are believed further than those of the entries' ids, which Redis
gave: nothing was measured long before the first report came, or after the one that tells it. What lies outside is left
out and told; the rest is not lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.events import GeneratorLost, Reported
from tidal.model.struct import Struct, replace
from tidal.model.words import plural

if TYPE_CHECKING:
    from tidal.model.events import ByWorker, Event, FailureTally

BEFORE_MS = 3_600_000
"""What was measured lies at most so far before the first report: Redis may have been away meanwhile."""
AFTER_MS = 60_000
"""And at most so far after the entry that tells it: a worker's clock is slewed to Redis'."""


class Reach(Struct, frozen=True):
    """Between which moments a report can tell of anything: when the run's first one came and when this one did."""

    first_ms: int
    came_ms: int

    def within(self, moment_ms: int) -> int:
        """A moment; of one that cannot have been the end that is nearer."""
        if moment_ms < self.first_ms - BEFORE_MS:
            return self.first_ms
        return moment_ms if moment_ms <= self.came_ms + AFTER_MS else self.came_ms

    def has(self, second: int, span: int = 1) -> bool:
        """Whether all of so many seconds can have been."""
        last_s = second + span - 1
        return self.first_ms - BEFORE_MS <= second * 1_000 and last_s * 1_000 <= self.came_ms + AFTER_MS


def believed(signed: ByWorker, reach: Reach) -> tuple[Event, str]:
    """What can have been, and what is left out of it; "" where nothing is."""
    event = kept = signed.event
    if isinstance(event, Reported):
        kept, gone = _of_report(event, reach)
    elif isinstance(event, GeneratorLost):
        from_ms, to_ms = reach.within(event.from_ms), reach.within(event.to_ms)
        kept = replace(event, from_ms=from_ms, to_ms=to_ms)
        gone = "" if kept == event else "what a generator lost"
    else:
        return event, ""
    where = f"far outside of the run, in a report of {signed.incarnation} that came at {reach.came_ms} ms"
    return kept, f"{gone} {where}" if gone else ""


def _of_report(event: Reported, reach: Reach) -> tuple[Reported, str]:
    blocks = tuple(block for block in event.blocks if reach.has(block.second, block.span))
    dated = event.dated if all(map(reach.has, event.dated)) else {}
    failures = tuple(_of_failure(failure, reach) for failure in event.failures)
    from_ms, to_ms = reach.within(event.from_ms), reach.within(event.to_ms)
    gone = [plural(len(event.blocks) - len(blocks), "block")] if len(blocks) < len(event.blocks) else []
    gone += ["seconds of arrivals"] if dated != event.dated else []
    gone += ["moments of failures"] if failures != event.failures else []
    gone += ["its end"] if to_ms != event.to_ms else []
    if not gone and from_ms == event.from_ms:
        return event, ""
    kept = replace(event, from_ms=min(from_ms, to_ms), to_ms=to_ms, blocks=blocks, dated=dated, failures=failures)
    return kept, " and ".join(gone)


def _of_failure(failure: FailureTally, reach: Reach) -> FailureTally:
    first_ms, last_ms = reach.within(failure.first_ms), reach.within(failure.last_ms)
    is_so = (first_ms, last_ms) == (failure.first_ms, failure.last_ms)
    return failure if is_so else replace(failure, first_ms=first_ms, last_ms=last_ms)
