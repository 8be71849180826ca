"""Blocks of reports that were folded and are not counted yet. PURE.

A sample is in five places of the state. A thousand workers report the same second of the same endpoints, so their
blocks are added together first, once each, and then counted like the block of a single worker:

    report of w1 ─┐
    report of w2 ─┼─▶ Fresh: one block a second and kind ─▶ counting.settle ─▶ endpoints, series, lanes, stages, classes
    report of w3 ─┘

Sums do not tell how they were added up: the state is the same as if each block had been counted by itself.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

from tidal.model.lanes import SLOWEST_KEPT, Slow
from tidal.model.samples import Block

FRESH_MAX = 20_000
"""Tallies that wait to be counted: ten thousand endpoints of two seconds."""


@dataclass(slots=True)
class Fresh:
    """Blocks that were folded and are not counted yet, those of one second and kind together."""

    blocks: dict[tuple[int, bool, str, str], Block] = field(default_factory=dict)
    slowest: dict[tuple[str, str], list[Slow]] = field(default_factory=dict)
    size: int = 0

    def take(self, block: Block, ran_ms: int, incarnation: str) -> None:
        """Take in a block of a report; it is not changed."""
        kind = (block.second, block.is_warmup, block.stage, block.user_class)
        mine = self.blocks.get(kind)
        if mine is None:
            mine = self.blocks[kind] = Block(block.second, 1, {}, {"": 0}, *kind[1:])
        mine.user_ms[""] += ran_ms
        known = mine.tallies
        for key, tally in block.tallies.items():
            if key in known:
                known[key].merge(tally)
            else:
                known[key] = tally.copy()
                self.size += 1
            if not block.is_warmup and tally.histogram:
                self._note_slow(key, (tally.max_us, block.second, incarnation))

    def _note_slow(self, key: tuple[str, str], sample: Slow) -> None:
        slowest = self.slowest.setdefault(key, [])
        if len(slowest) < SLOWEST_KEPT or sample > slowest[0]:
            insort(slowest, sample)
            del slowest[:-SLOWEST_KEPT]
