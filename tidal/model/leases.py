"""Positions of a counter, lent in blocks: each to one worker, each once in a run, whoever dies. PURE.

    worker: BlockWanted(ask 1) ──▶ master: BlockLeased(ask 1, 0…99) ──▶ worker: BlockWanted(ask 2, still holds 90…99) …

A counter counts anything that is to be handed out once: the rows of a file, the iterations of a run. Its name says
what, then which: `rows:people.csv`. A position is free, held by one incarnation, or gone (used, or lost with who held
it). `fold_*` below are the only ones to move it, they know the log alone, and they believe nothing that would move a
position out of order; so no sequence of leases, losses, repeats and masters hands one out twice.

A wish is answered once: it has a number that rises within an incarnation and counter, and `LeaseRecord.ask` is the
last one answered. What a worker still holds it says with each wish, so that neither state nor loss is larger than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.events import BlockLeased, BlocksLost, BlocksReturned, BlockWanted
from tidal.model.spans import Span, in_words, merged, shared, total, without
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.events import Event
    from tidal.model.state import IncarnationRecord, LogHalf, State

COUNTERS_MAX = 256
BLOCK_MAX = 10_000
"""Positions of one lease."""
LOST_KEPT = 100
"""Spans that a counter remembers as lost; how many positions they were is counted beside it."""


class LeaseRecord(Struct):
    """What one incarnation has of a counter."""

    ask: int = 0  # its last wish that was answered
    first: int = 0  # the block that answered it
    count: int = 0
    why: str = ""  # why there was none
    spans: tuple[Span, ...] = ()  # all that it may still hold


class CounterRecord(Struct):
    """A counter: what was lent, to whom, and what became of it."""

    size: int = 0  # how many positions there are; 0: no end
    next: int = 0  # from here on nothing was ever lent
    free: tuple[Span, ...] = ()  # given back unused
    leases: dict[str, LeaseRecord] = field(default_factory=dict)  # by incarnation
    lost: tuple[Span, ...] = ()  # with who held them: the last LOST_KEPT spans
    lost_count: int = 0
    is_exhausted: bool = False  # somebody was told that there is none left

    @property
    def remaining(self) -> int | None:
        """How many positions could still be lent; None: no end."""
        return max(0, self.size - self.next) + total(self.free) if self.size else None


def in_story(counter: str, spans: tuple[Span, ...]) -> str:
    """Positions of a counter for people: rows 200-299 of people.csv."""
    unit, _, name = counter.partition(":")
    return f"{unit} {in_words(spans)} of {name}" if name else f"{in_words(spans)} of {counter}"


_ENDS = {"lost": "was lost", "left": "left", "refused": "was refused"}


# ------------------------------------------------------------------ fold


def _lease(log: LogHalf, counter: str, incarnation: str) -> LeaseRecord | None:
    record = log.counters.get(counter)
    return record.leases.get(incarnation) if record is not None else None


def fold_leased(log: LogHalf, event: BlockLeased, _: int) -> None:
    """Positions become a worker's, if nobody ever had them."""
    if event.counter not in log.counters:
        if len(log.counters) >= COUNTERS_MAX:
            return
        log.counters[event.counter] = CounterRecord(event.size)
    record = log.counters[event.counter]
    lease = record.leases.setdefault(event.incarnation, LeaseRecord())
    took = ((event.first, event.count),) if _take(record, event.first, event.count) else ()
    lease.spans = merged(shared(lease.spans, event.kept), took)
    if event.ask > lease.ask:
        lease.ask, lease.first, lease.count = event.ask, event.first, total(took)
        lease.why = event.why[:200]
        record.is_exhausted |= not event.count and not event.why


def _take(record: CounterRecord, first: int, count: int) -> bool:
    """Whether these positions were nobody's; now they are somebody's."""
    if count <= 0 or (record.size and first + count > record.size):
        return False
    if first >= record.next:
        record.next = first + count
        return True
    block = ((first, count),)
    if total(shared(record.free, block)) != count:
        return False
    record.free = without(record.free, block)
    return True


def fold_returned(log: LogHalf, event: BlocksReturned, _: int) -> None:
    """What a worker that goes did not use is free again; what it had used is gone, and it holds nothing."""
    lease = _lease(log, event.counter, event.incarnation)
    if lease is not None:
        record = log.counters[event.counter]
        record.free = merged(record.free, shared(lease.spans, event.spans))
        del record.leases[event.incarnation]


def fold_lost(log: LogHalf, event: BlocksLost, _: int) -> None:
    """Positions are gone with who held them."""
    lease = _lease(log, event.counter, event.incarnation)
    if lease is None:
        return
    record = log.counters[event.counter]
    gone = shared(lease.spans, event.spans)
    record.lost = merged(record.lost, gone)[-LOST_KEPT:]
    record.lost_count += total(gone)
    lease.spans = without(lease.spans, gone)


def fold_wanted(record: IncarnationRecord, event: BlockWanted) -> None:
    """Keep an incarnation's newest wish for each counter."""
    former = record.wants.get(event.counter)
    if former is None and len(record.wants) >= COUNTERS_MAX:
        return
    if former is None or event.ask > former.ask:
        record.wants[event.counter] = event


# ------------------------------------------------------------------ decide


def lend(state: State) -> list[Event]:
    """Answers to the wishes that have none, and what was lost with the incarnations that ended."""
    events: list[Event] = []
    scratch: dict[str, CounterRecord] = {}
    known = state.reports.incarnations
    for incarnation in sorted([i for i, reports in known.items() if reports.wants]):
        for counter, want in sorted(known[incarnation].wants.items()):
            events += _answer(state, scratch, incarnation, want, _lease(state.log, counter, incarnation))
    return [*events, *_lost_with_workers(state, {e.incarnation for e in events if isinstance(e, BlocksReturned)})]


def _answer(
    state: State, scratch: dict[str, CounterRecord], incarnation: str, want: BlockWanted, lease: LeaseRecord | None
) -> Iterator[Event]:
    log = state.log
    is_new = want.ask > (lease.ask if lease is not None else 0)
    if not is_new or incarnation not in log.incarnations or (lease is None and want.is_last):
        return
    lost = shared(lease.spans, want.lost) if lease is not None else ()
    if lost:
        why = f"a generator of {log.incarnations[incarnation]} died with them"
        yield BlocksLost(want.counter, incarnation, lost, why)
    if want.is_last and lease is not None:
        unread = ((lease.first, lease.count),) if lease.ask > want.seen else ()
        yield BlocksReturned(want.counter, incarnation, want.ask, shared(lease.spans, (*want.held, *unread)))
    elif log.phase == phases.RUNNING and incarnation not in log.ended:
        record = scratch.get(want.counter)
        if record is None:
            if want.counter not in log.counters and len(log.counters) + len(scratch) >= COUNTERS_MAX:
                return
            known = log.counters.get(want.counter) or CounterRecord(want.size, reached(state, want.counter))
            record = scratch[want.counter] = CounterRecord(known.size, known.next, known.free)
        yield _block(state, record, incarnation, want)


def reached(state: State, counter: str) -> int:
    """The position up to which workers say they were lent: beyond what the log knows when its tail was lost."""
    wants = (reports.wants.get(counter) for reports in state.reports.incarnations.values())
    return max((want.reached for want in wants if want is not None), default=0)


def _block(state: State, record: CounterRecord, incarnation: str, want: BlockWanted) -> BlockLeased:
    """The lease for a wish; the record is taken from."""
    why = f"it has {want.size or 'endless'} where the run has {record.size or 'endless'}"
    why = why if want.size != record.size else ""
    record.next = max(record.next, min(reached(state, want.counter), record.size or 1 << 62))
    first, count = (0, 0) if why else _next_block(record, max(1, want.count), _workers(state.log))
    _take(record, first, count)
    return BlockLeased(want.counter, incarnation, want.ask, first, count, record.size, want.held, why)


def _next_block(record: CounterRecord, wanted: int, workers: int) -> Span:
    """Where the next block begins, and how long it is: the fewer are left, the shorter, so that nobody hoards them."""
    remaining = record.remaining
    fair = BLOCK_MAX if remaining is None else -(-remaining // (2 * workers))
    count = min(wanted, BLOCK_MAX, fair)
    if record.free:
        first, width = record.free[0]
        return first, min(count, width)
    return record.next, count


def _workers(log: LogHalf) -> int:
    return max(1, len(log.plan.owners)) if log.plan is not None else 1


def _lost_with_workers(state: State, returned: set[str]) -> Iterator[BlocksLost]:
    log = state.log
    for counter, record in sorted(log.counters.items()):
        for incarnation in sorted(record.leases.keys() & log.ended.keys() - returned):
            lease = record.leases[incarnation]
            reports = state.reports.incarnations.get(incarnation)
            want = reports.wants.get(counter) if reports is not None else None
            spans = lease.spans
            if want is not None and want.ask > lease.ask:
                spans = shared(spans, (*want.held, *want.lost))
            if spans:
                name = log.incarnations.get(incarnation, incarnation)
                yield BlocksLost(counter, incarnation, spans, f"{name} {_ENDS[log.ended[incarnation]]} with them")
