"""States on the way through a recording without keyframes of use: whoever has gone it once gets back quickly.

A recording that another version of tidal made has keyframes that another fold made; its entries are as good as ever.
They are folded from the beginning, once: on the way some states are kept, as a keyframe would have them.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tidal.model.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tidal.model.codec import EntryId

KEPT_MAX = 64
APART_ENTRIES = 500
"""Fewer entries are folded anew in the time in which a state is loaded."""


class Waypoints:
    """States by the moment at which each was reached, evenly spread over a recording.

    Attributes:
        step_ms: from one to the next.
    """

    def __init__(self, first_ms: int, last_ms: int, entries: int) -> None:
        count = min(entries // APART_ENTRIES, KEPT_MAX)
        self.step_ms = max(1, (last_ms - first_ms) // (count + 1))
        self._moments = [first_ms + n * self.step_ms for n in range(1, count + 1)]
        self._kept: dict[int, tuple[bytes, Mapping[str, EntryId]]] = {}

    def between(self, after_ms: int, until_ms: int) -> Iterator[int]:
        """The moments at which a state ought to be kept, on a way from one moment to another."""
        return (at_ms for at_ms in self._moments if after_ms < at_ms < until_ms)

    def keep(self, at_ms: int, state: State, covered: Mapping[str, EntryId]) -> None:
        """Keep the state of a moment, the fold of every entry that is not later, and what it covers without them."""
        if at_ms not in self._kept:
            self._kept[at_ms] = zlib.compress(state.packed(), 1), dict(covered)

    def newest(self, until_ms: int) -> int:
        """The last moment of which the state is kept that is not after `until_ms`; -1 without one."""
        return max((at_ms for at_ms in self._kept if at_ms <= until_ms), default=-1)

    def at(self, at_ms: int) -> tuple[State, Mapping[str, EntryId]]:
        """What was kept of a moment, as a state of its own."""
        packed, covered = self._kept[at_ms]
        return State.unpacked(zlib.decompress(packed)), covered
