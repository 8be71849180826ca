"""A worker's report from the batches of its generators: sums, in integers, so that nothing depends on the cut."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from tidal.model.codec import ENTRY_BYTES_MAX, pack
from tidal.model.dated import add_dated, dated_of, said
from tidal.model.each import SECONDS, Each, Spans
from tidal.model.events import Block, ExceptionTally, FailedRequest, FailureTally, PaceTally, Reported
from tidal.model.intervals import SPAN_MAX_S
from tidal.model.loglines import few
from tidal.model.struct import Struct, field, replace
from tidal.model.wire import to_wire
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidal.model.dated import Dated
    from tidal.model.events import GeneratorState, LogLine
    from tidal.model.pipe import Batch
    from tidal.model.stats import Spread

_Row = TypeVar("_Row")
_Kind = tuple[bool, str, str]
"""Whether a block is none of the warm-up, its stage, its class."""
_Place = tuple[int, _Kind, int]
"""The second of a block, its kind; of how many seconds each is known."""
_Blocks = dict[_Place, Block]
BLOCKS_MAX = 120
"""Blocks that a report keeps apart; beyond, the oldest of a kind are added together and say so in `span`."""
KINDS_MAX = 50
"""Stages and classes that a report keeps apart; further ones are counted as (other)."""
GATHERED_MAX = 2 * KINDS_MAX * SPAN_MAX_S
"""Blocks of single seconds until a report puts them together: of its seconds, and of those that wait for the next."""
ROWS_MAX = 500
"""Distinct failures or exceptions in one report; further ones are counted under one row."""
CLASSES_MAX = 1_000
"""User classes that keep a pace."""
FAILED_MAX, FAILED_CHARS_MAX = 40, 40_000
"""Failed requests with their answers in one report, and their characters; further ones are let go."""
REPORT_BYTES_MAX = ENTRY_BYTES_MAX - 4_096
"""Packed, with room for the envelope: a larger entry would be refused, and all that it counts lost."""
SPAN_MAX = (1 << 20) - 1
_NONE = (None, None)


class Gathering(Struct):
    """Batches come in, a report comes out, the next one begins where it ended."""

    from_ms: int
    _blocks: _Blocks = field(default_factory=dict)
    _failures: dict[tuple[str, str, str], FailureTally] = field(default_factory=dict)
    _exceptions: dict[tuple[str, str], ExceptionTally] = field(default_factory=dict)
    _iterations: tuple[int, int, int, int] = (0, 0, 0, 0)
    _hook_failures: int = 0
    _ended: tuple[int, int, int] = (0, 0, 0)
    _pacing: dict[str, PaceTally] = field(default_factory=dict)
    _arrivals: tuple[int, int, int] = (0, 0, 0)
    _dated: Dated = field(default_factory=dict)
    _lateness: Spread | None = None
    _late: int = 0
    _delays: tuple[Spread | None, Spread | None] = (None, None)
    _failed: tuple[FailedRequest, ...] = ()
    _lines: tuple[LogLine, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured since the last report."""
        counts = (*self._iterations, self._hook_failures, *self._ended, *self._arrivals, len(self._pacing))
        return not (self._blocks or self._failures or self._exceptions or self._failed or self._lines or any(counts))

    def hear(self, lines: Iterable[LogLine]) -> None:
        """Take in what the logging of the agent or of a generator said."""
        self._lines = few((*self._lines, *lines))

    def add(self, batch: Batch) -> None:
        """Take in one generator's batch."""
        _add_blocks(self._blocks, batch.blocks, GATHERED_MAX)
        _add_failures(self._failures, batch.failures)
        _add_exceptions(self._exceptions, batch.exceptions)
        self._iterations = _added(self._iterations, batch.iterations)
        self._hook_failures += batch.hook_failures
        self._ended = _added_three(self._ended, batch.ended)
        add_paces(self._pacing, batch.pacing)
        self._arrivals = _added_three(self._arrivals, batch.arrivals)
        if any(sums := (*batch.arrivals[1:], batch.ended[2])):
            add_dated(self._dated, {max(batch.from_ms, batch.to_ms - 1) // 1000: sums})
        self._lateness = _spread_of(self._lateness, batch.lateness)
        self._late += batch.late
        self._delays = (_spread_of(self._delays[0], batch.delay), _spread_of(self._delays[1], batch.undelayed))
        self._failed = _few(*self._failed, *batch.failed)

    def report(
        self,
        to_ms: int,
        users: dict[str, int],
        generators: tuple[GeneratorState, ...],
        cpu: int,
        memory: int,
        *,
        spans: Spans = SECONDS,
        over_ms: int | None = None,
    ) -> Reported:
        """The report up to `to_ms`, with the gauges of the moment; the gathering starts anew from there.

        With spans of several seconds it has those that are over at `over_ms` (by default `to_ms`), and claims no more.
        A generator that is behind holds back the claim alone: what the others measured would be lost with the worker.
        """
        end_ms = spans.end_ms(to_ms if over_ms is None else over_ms)
        to_ms = min(to_ms, end_ms) if spans.is_wide else to_ms
        later = {key: block for key, block in self._blocks.items() if block.second * 1000 >= end_ms and spans.is_wide}
        told = _ordered({key: block for key, block in self._blocks.items() if key not in later})
        made = Reported(
            from_ms=self.from_ms,
            to_ms=max(self.from_ms, to_ms),
            blocks=_few_blocks(spans.joined(told)),
            failures=tuple(self._failures.values()),
            exceptions=tuple(self._exceptions.values()),
            users=users,
            generators=generators,
            cpu_permille=cpu,
            memory_bytes=memory,
            iterations=self._iterations,
            hook_failures=self._hook_failures,
            ended=self._ended,
            pacing=tuple(self._pacing.values()),
            arrivals=self._arrivals,
            lateness=self._lateness,
            late=self._late,
            failed=self._failed,
            delay=self._delays[0],
            undelayed=self._delays[1],
            lines=self._lines,
            dated=said(self._dated, max(self.from_ms, to_ms)),
        )
        self._blocks = later
        self._failures, self._exceptions, self._failed, self._lines = {}, {}, (), ()
        self._iterations, self._hook_failures, self._ended = (0, 0, 0, 0), 0, (0, 0, 0)
        self._pacing, self._arrivals, self._lateness, self._late = {}, (0, 0, 0), None, 0
        self._delays, self._dated = (None, None), {}
        self.from_ms = made.to_ms
        return made


def merge_reports(a: Reported, b: Reported) -> Reported:
    """One report for two that follow each other: counts added, gauges of the later.

    When it grows too large for an entry, neighbouring seconds are added together, down to one block.
    """
    blocks: _Blocks = {}
    failures: dict[tuple[str, str, str], FailureTally] = {}
    exceptions: dict[tuple[str, str], ExceptionTally] = {}
    paces: dict[str, PaceTally] = {}
    dated: Dated = {}
    for report in (a, b):
        add_dated(dated, dated_of(report))
        add_paces(paces, report.pacing)
        _add_blocks(blocks, report.blocks)
        _add_failures(failures, report.failures)
        _add_exceptions(exceptions, report.exceptions)
    merged = replace(
        b,
        from_ms=a.from_ms,
        blocks=_ordered(blocks),
        failures=tuple(failures.values()),
        exceptions=tuple(exceptions.values()),
        iterations=_added(a.iterations, b.iterations),
        arrivals=_added_three(a.arrivals, b.arrivals),
        hook_failures=a.hook_failures + b.hook_failures,
        ended=_added_three(a.ended, b.ended),
        pacing=tuple(paces.values()),
        lateness=_spread_of(a.lateness, b.lateness),
        late=a.late + b.late,
        delay=_spread_of(a.delay, b.delay),
        undelayed=_spread_of(a.undelayed, b.undelayed),
        failed=_few(*a.failed, *b.failed),
        lines=few((*a.lines, *b.lines)),
        dated=said(dated, b.to_ms),
    )
    count = 0
    while len(blocks) != count and not fits(merged):
        count = len(blocks)
        _add_neighbours(blocks)
        merged = replace(merged, blocks=_ordered(blocks))
    return merged


def fits(report: Reported) -> bool:
    """Whether an entry can carry it. It is packed only when it may well be too large."""
    return bytes_at_most(report) <= REPORT_BYTES_MAX or len(pack(to_wire(report))) <= REPORT_BYTES_MAX


def bytes_at_most(report: Reported) -> int:
    """A bound of what it takes when it is packed, found without doing so."""
    texts = [text for f in report.failures for text in (f.method, f.name, f.error)]
    texts += [text for e in report.exceptions for text in (e.message, e.traceback)]
    texts += [pace.user_class for pace in report.pacing] + [watch.of for watch in report.watch]
    texts += [generator.state for generator in report.generators]
    rows = (report.failures, report.exceptions, report.pacing, report.watch, report.generators, report.dated)
    by_class = [report.users, *(generator.classes for generator in report.generators)]
    by_class += [block.user_ms for block in report.blocks]
    texts += [name for counts in by_class for name in counts]
    cells = _cells(report.lateness, report.delay, report.undelayed)
    for block in report.blocks:
        cells += block.each.size if block.each is not None else 0
        cells += sum(len(tally.histogram) + _cells(tally.response) for tally in block.tallies.values())
        cells += block.measured.cells
        texts += [block.stage, block.user_class, *(text for key in block.tallies for text in key)]
        texts += block.measured.texts()
    count = sum(map(len, (*rows, *by_class))) + sum(1 + len(b.tallies) + 2 * b.measured.size for b in report.blocks)
    exchanges = sum(4 * each.size + 1_000 for each in report.failed)
    lines = sum(4 * each.size + 200 for each in report.lines)
    return 4 * sum(map(len, texts)) + 12 * cells + 200 * (count + 2) + exchanges + lines


def _cells(*spreads: Spread | None) -> int:
    return sum(8 + len(spread.histogram) for spread in spreads if spread is not None)


def fitting(report: Reported) -> list[Reported]:
    """Reports that fit and add up to this one; the gauges are in each of them."""
    if fits(report) or not _can_be_cut(report):
        return [report]
    (blocks, more_blocks) = _halves(report.blocks) if len(report.blocks) > 1 else _cut_block(report.blocks)
    failures, more_failures = _halves(report.failures)
    exceptions, more_exceptions = _halves(report.exceptions)
    failed, more_failed = _halves(report.failed)
    lines, more_lines = _halves(report.lines)
    one = replace(report, blocks=blocks, failures=failures, exceptions=exceptions, failed=failed, lines=lines)
    two = replace(report, blocks=more_blocks, failures=more_failures, exceptions=more_exceptions)
    two = replace(two, failed=more_failed, lines=more_lines, iterations=(0, 0, 0, 0), hook_failures=0)
    two = replace(two, arrivals=(0, 0, 0), ended=(0, 0, 0), dated={})
    two = replace(two, pacing=(), lateness=None, late=0, delay=None, undelayed=None)
    return [*fitting(one), *fitting(two)]


def _few(*failed: FailedRequest) -> tuple[FailedRequest, ...]:
    """The first of them, as many as a report carries beside its counts."""
    sizes = accumulate(each.size for each in failed)
    return tuple(each for each, size in zip(failed, sizes, strict=True) if size <= FAILED_CHARS_MAX)[:FAILED_MAX]


def _can_be_cut(report: Reported) -> bool:
    rows = (
        report.failures,
        report.exceptions,
        report.failed,
        report.lines,
        *(block.tallies for block in report.blocks),
    )
    return len(report.blocks) > 1 or max(map(len, rows)) > 1 or any(block.measured.size > 1 for block in report.blocks)


def _halves(rows: Sequence[_Row]) -> tuple[tuple[_Row, ...], tuple[_Row, ...]]:
    middle = (len(rows) + 1) // 2
    return tuple(rows[:middle]), tuple(rows[middle:])


def _cut_block(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """A block's rows in two; its user-time is in the first."""
    if not blocks:
        return (), ()
    (block,) = blocks
    first, rest = map(dict, _halves(list(block.tallies.items())))
    measured, more_measured = block.measured.halves()
    each, more_each = (block.each.only(*part) for part in ((first, block.user_ms), (rest, {}))) if block.each else _NONE
    more = (replace(block, tallies=rest, user_ms={}, measured=more_measured, each=more_each),)
    return (replace(block, tallies=first, measured=measured, each=each),), more if rest or more_measured else ()


def _added(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


def _added_three(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _spread_of(a: Spread | None, b: Spread | None) -> Spread | None:
    """Both together, as one of its own."""
    if a is None or b is None:
        return a or b
    total = a.copy()
    total.merge(b)
    return total


def add_paces(into: dict[str, PaceTally], tallies: Iterable[PaceTally]) -> None:
    """Add by user class; those of classes beyond the bound count under one name."""
    for tally in tallies:
        name = tally.user_class if tally.user_class in into or len(into) < CLASSES_MAX else OTHER
        mine = into.setdefault(name, PaceTally(name, 0, 0, 0))
        mine.begun += tally.begun
        mine.wanted_millionths += tally.wanted_millionths
        mine.late += tally.late


def _ordered(blocks: _Blocks) -> tuple[Block, ...]:
    return tuple(blocks[key] for key in sorted(blocks))


def _few_blocks(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """As many as a report keeps apart. Those of single seconds were put together before, else none would know each."""
    if len(blocks) <= BLOCKS_MAX:
        return blocks
    few: _Blocks = {}
    _add_blocks(few, blocks)
    return _ordered(few)


def _add_blocks(into: _Blocks, blocks: Iterable[Block], blocks_max: int = BLOCKS_MAX) -> None:
    kinds = {kind for _, kind, _ in into}
    for block in blocks:
        kind = (not block.is_warmup, block.stage, block.user_class)
        kind = kind if kind in kinds or len(kinds) < KINDS_MAX else (kind[0], OTHER, OTHER)
        kinds.add(kind)
        key = (block.second, kind, block.span if block.each is not None else 1)
        mine = into.get(key)
        if mine is None:
            each = None if block.each is None else Each()
            mine = into[key] = Block(block.second, block.span, {}, {}, not kind[0], *kind[1:], each=each)
        mine.merge(block)
        mine.span = max(mine.span, block.span)
    while len(into) > blocks_max:
        _add_together(into, *_oldest_of_a_kind(into))


def _by_kind(into: _Blocks) -> list[list[_Place]]:
    """The blocks of each kind, the oldest first; the kind with the oldest block first."""
    found: dict[_Kind, list[_Place]] = {}
    for key in sorted(into):
        found.setdefault(key[1], []).append(key)
    return list(found.values())


def _oldest_of_a_kind(into: _Blocks) -> tuple[_Place, _Place]:
    """The first two neighbours of one kind: there are more blocks than kinds."""
    first, second = next(keys for keys in _by_kind(into) if len(keys) > 1)[:2]
    return first, second


def _add_neighbours(into: _Blocks) -> None:
    for keys in _by_kind(into):
        for first, second in zip(keys[::2], keys[1::2], strict=False):
            _add_together(into, first, second)


def _add_together(into: _Blocks, first: _Place, second: _Place) -> None:
    gone = into.pop(second)
    into[first].merge(gone)
    into[first].span = min(SPAN_MAX, max(into[first].span, second[0] + gone.span - first[0]))


def _add_failures(into: dict[tuple[str, str, str], FailureTally], tallies: Iterable[FailureTally]) -> None:
    for tally in tallies:
        key = (tally.method, tally.name, tally.error)
        if key not in into and len(into) >= ROWS_MAX:
            key = ("", OTHER, OTHER)
        mine = into.get(key)
        if mine is None:
            into[key] = FailureTally(*key, tally.occurrences, tally.first_ms, tally.last_ms)
            continue
        mine.occurrences += tally.occurrences
        mine.first_ms = min(mine.first_ms, tally.first_ms)
        mine.last_ms = max(mine.last_ms, tally.last_ms)


def _add_exceptions(into: dict[tuple[str, str], ExceptionTally], tallies: Iterable[ExceptionTally]) -> None:
    for tally in tallies:
        key = (tally.message, tally.traceback)
        if key not in into and len(into) >= ROWS_MAX:
            key = (OTHER, "")
        mine = into.setdefault(key, ExceptionTally(*key, 0))
        mine.occurrences += tally.occurrences
