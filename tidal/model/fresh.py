"""Blocks of reports that were folded and are not counted yet. PURE.

A sample is in five places of the state. A thousand workers report the same second of the same endpoints, so their
blocks are added together first, once each, and then counted like the block of a single worker:

    report of w1 ─┐
    report of w2 ─┼─▶ Fresh: one block a second and kind ─▶ counting.settle ─▶ endpoints, series, lanes, stages, classes
    report of w3 ─┘

Sums do not tell how they were added up: the state is the same as if each block had been counted by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.each import Each, added
from tidal.model.lanes import SLOWEST_KEPT, Slow
from tidal.model.samples import Block
from tidal.model.sent import slow_of, summed
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.model.each import Column
    from tidal.model.reports import Reported
    from tidal.model.stats import Spread, Tally

FRESH_MAX = 20_000
"""Blocks and tallies that wait to be counted: those of five hundred reports of twenty endpoints and two seconds."""

Kind = tuple[int, int, bool, str, str]
"""The second and, where each is known, how many; whether of the warm-up, the stage and the class of a block."""


class Heap(Struct):
    """The blocks of one second and kind: what each worker measured, by endpoint, and the user-time of all."""

    ran_ms: int = 0
    told: dict[tuple[str, str], list[tuple[Tally, str]]] = field(default_factory=dict)  # with the incarnation
    each: list[Each] = field(default_factory=list)

    def block(self, kind: Kind) -> Block:
        """All of it as one block, whose seconds' user-time was counted before."""
        tallies = {key: summed([tally for tally, _ in told]) for key, told in self.told.items()}
        counts = _joined([each.requests for each in self.each]), _joined([each.failures for each in self.each])
        each = Each({}, *counts) if self.each else None
        second, span, is_warmup, stage, user_class = kind
        ran_ms = {"": self.ran_ms}
        return Block(second, span, tallies, ran_ms, is_warmup, stage, user_class, each=each)


def _joined(parts: Sequence[dict[tuple[str, str], Column]]) -> dict[tuple[str, str], Column]:
    """The columns of each endpoint added up."""
    told: dict[tuple[str, str], list[Column]] = {}
    for part in parts:
        for key, column in part.items():
            told.setdefault(key, []).append(column)
    return {key: added(columns) for key, columns in told.items()}


class Fresh(Struct):
    """Blocks that were folded and are not counted yet, those of one second and kind together."""

    heaps: dict[Kind, Heap] = field(default_factory=dict)
    delays: list[Spread] = field(default_factory=list)  # how long answers lay in the kernel
    undelayed: list[Spread] = field(default_factory=list)
    size: int = 0

    def take(self, block: Block, ran_ms: int, incarnation: str) -> None:
        """Take in a block of a report; neither it nor its tallies may be changed until all is counted."""
        each = block.each
        span = block.span if each is not None else 1
        kind = (block.second, span, block.is_warmup, block.stage, block.user_class)
        heap = self.heaps.get(kind)
        if heap is None:
            heap = self.heaps[kind] = Heap()
        heap.ran_ms += ran_ms
        if each is not None:
            heap.each.append(each)
        told = heap.told
        for key, tally in block.tallies.items():
            if key in told:
                told[key].append((tally, incarnation))
            else:
                told[key] = [(tally, incarnation)]
        self.size += 1 + len(block.tallies)  # one without requests waits, too

    def hear(self, event: Reported) -> None:
        """Take in what a report says of its delays."""
        self.delays += [event.delay] if event.delay is not None else []
        self.undelayed += [event.undelayed] if event.undelayed is not None else []
        self.size += len(event.blocks) == 0  # else its blocks count

    def slowest(self, least_us: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], list[Slow]]:
        """The slowest samples that count, by endpoint, in order; of `least_us`: no faster ones are wanted."""
        found: dict[tuple[str, str], list[Slow]] = {}
        for (second, _, is_warmup, _, _), heap in self.heaps.items():
            for key, told in heap.told.items() if not is_warmup else ():
                least = least_us.get(key, 0)
                slow = [(slow_us, second, who) for tally, who in told if (slow_us := slow_of(tally)) >= least]
                if slow:
                    found[key] = sorted(found.get(key, []) + slow)[-SLOWEST_KEPT:]
        return found
