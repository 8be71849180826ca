"""What of a report no clock of its run can have said. PURE.

One block of another century would make the chart's points as wide as that, one end of a report in the future would make
every other worker look silent. That part is left out and told; the rest is not lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import replace
from tidal.model.words import plural

if TYPE_CHECKING:
    from tidal.model.events import ByWorker, Reported

FAR_MS = 3_600_000
"""What was measured lies at most so far outside of its report, and a report ends at most so long after its sending."""


def believed(signed: ByWorker, event: Reported) -> tuple[Reported, str]:
    """What can have been, and what is left out of it; "" where nothing is."""
    to_ms = event.to_ms if event.to_ms <= signed.at_ms + FAR_MS else signed.at_ms
    first_s, last_s = (min(event.from_ms, signed.at_ms) - FAR_MS) / 1_000, (to_ms + FAR_MS) / 1_000
    near = tuple(block for block in event.blocks if first_s <= block.second <= last_s)
    dated = event.dated if all(first_s <= second <= last_s for second in event.dated) else {}
    gone = (
        f"{plural(len(event.blocks) - len(near), 'block')} far outside of it" if len(near) < len(event.blocks) else ""
    )
    gone = gone or ("seconds far outside of it" if dated != event.dated else "its end" if to_ms != event.to_ms else "")
    if not gone:
        return event, ""
    why = f"{gone} in a report of {signed.incarnation} up to {event.to_ms} ms, sent at {signed.at_ms} ms"
    return replace(event, from_ms=min(event.from_ms, to_ms), to_ms=to_ms, blocks=near, dated=dated), why
