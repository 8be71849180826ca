"""Blocks of reports that were folded and are not counted yet. PURE.

A sample is in five places of the state. A thousand workers report the same second of the same endpoints, so their
blocks are added together first, once each, and then counted like the block of a single worker:

    report of w1 ─┐
    report of w2 ─┼─▶ Fresh: one block a second and kind ─▶ counting.settle ─▶ endpoints, series, lanes, stages, classes
    report of w3 ─┘

Sums do not tell how they were added up: the state is the same as if each block had been counted by itself.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from tidal.model.each import Each, added
from tidal.model.lanes import SLOWEST_KEPT, Slow
from tidal.model.packed import Packed  # noqa: TC001 - a field of a struct
from tidal.model.samples import Block
from tidal.model.sent import slow_of, summed
from tidal.model.stacked import summed_up
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tidal.model.each import Column
    from tidal.model.reports import Reported
    from tidal.model.stacked import SentTallies
    from tidal.model.stats import Spread, Tally

FRESH_MAX = 20_000
"""Blocks and tallies that wait to be counted: those of five hundred reports of twenty endpoints and two seconds."""

Key = tuple[str, str]
Kind = tuple[int, int, bool, str, str]
"""The second and, where each is known, how many; whether of the warm-up, the stage and the class of a block."""


class Heap(Struct):
    """The blocks of one second and kind: what each worker measured, by endpoint, and the user-time of all."""

    ran_ms: int = 0
    told: dict[Key, list[tuple[Tally, str]]] = field(default_factory=dict)  # with the incarnation
    each: list[Each] = field(default_factory=list)
    packed: dict[tuple[Key, ...], list[tuple[Packed, str]]] = field(default_factory=dict)  # by endpoints

    def take(self, block: Block, incarnation: str) -> int:
        """Take in a block of its second and kind; how many tallies it has."""
        sent = block.sent
        if sent is not None:
            self._take_packed(sent, incarnation)
        elif block.each is not None:
            self.each.append(block.each)
        told, tallies = self.told, block.tallies if sent is None else sent.rest
        for key, tally in tallies.items():
            if key in told:
                told[key].append((tally, incarnation))
            else:
                told[key] = [(tally, incarnation)]
        return len(tallies) if sent is None else sent.size

    def _take_packed(self, sent: SentTallies, incarnation: str) -> None:
        """What came packed, as it is; endpoints are known in the order that they have when each is taken by itself."""
        keys = sent.packed.keys
        if keys not in self.packed:
            self.packed[keys] = []
            for key in sorted([*keys, *sent.rest]):
                self.told.setdefault(key, [])
        self.packed[keys].append((sent.packed, incarnation))
        if sent.rest:
            self.each.append(sent.each)

    def block(self, kind: Kind) -> Block:
        """All of it as one block, whose seconds' user-time was counted before."""
        tallies = {key: summed([tally for tally, _ in told]) for key, told in self.told.items() if told}
        requests, failures = [each.requests for each in self.each], [each.failures for each in self.each]
        for keys, told in self.packed.items():
            sums, asked, failed = summed_up([packed for packed, _ in told])
            for key, tally in zip(keys, sums, strict=True):
                tallies[key] = summed([tallies[key], tally]) if key in tallies else tally
            requests.append(dict(zip(keys, asked, strict=True)))
            failures.append(dict(zip(keys, failed, strict=True)))
        each = Each({}, _joined(requests), _joined(failures)) if requests else None
        second, span, is_warmup, stage, user_class = kind
        ordered = {key: tallies[key] for key in self.told}
        return Block(second, span, ordered, {"": self.ran_ms}, is_warmup, stage, user_class, each=each)

    def slow(self, key: Key, least_us: int, second: int) -> list[Slow]:
        """What an endpoint has that is not faster."""
        return [(slow_us, second, who) for tally, who in self.told[key] if (slow_us := slow_of(tally)) >= least_us]

    def slow_packed(self, least_us: Mapping[Key, int], second: int) -> Iterator[tuple[Key, list[Slow]]]:
        """The same of what came packed."""
        for keys, told in self.packed.items():
            for key, most_us in zip(keys, zip(*[packed.most_us for packed, _ in told], strict=True), strict=True):
                least = least_us.get(key, 0)
                if max(most_us) >= least:
                    found = zip(most_us, told, strict=True)
                    yield key, [(slow_us, second, who) for slow_us, (_, who) in found if slow_us >= least]


def _joined(parts: Sequence[Mapping[Key, Column]]) -> dict[Key, Column]:
    """The columns of each endpoint added up."""
    told: dict[Key, list[Column]] = {}
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
        self.size += 1 + heap.take(block, incarnation)  # one without requests waits, too

    def hear(self, event: Reported) -> None:
        """Take in what a report says of its delays."""
        self.delays += [event.delay] if event.delay is not None else []
        self.undelayed += [event.undelayed] if event.undelayed is not None else []
        self.size += len(event.blocks) == 0  # else its blocks count

    def slowest(self, least_us: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], list[Slow]]:
        """The slowest samples that count, by endpoint, in order; of `least_us`: no faster ones are wanted."""
        found: dict[Key, list[Slow]] = {}
        for (second, _, is_warmup, _, _), heap in self.heaps.items():
            told = ((key, heap.slow(key, least_us.get(key, 0), second)) for key in heap.told)
            for key, slow in chain(told, heap.slow_packed(least_us, second)) if not is_warmup else ():
                if slow:
                    found[key] = sorted(found.get(key, []) + slow)[-SLOWEST_KEPT:]
        return found
