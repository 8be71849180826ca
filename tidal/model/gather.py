"""A worker's report from the batches of its generators: sums, in integers, so that nothing depends on the cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tidal.model.events import Block, ExceptionTally, FailureTally, Reported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.events import GeneratorState
    from tidal.model.pipe import Batch

BLOCKS_MAX = 120
"""Seconds that a report keeps apart; beyond, the oldest are added together and say so in `span`."""
ROWS_MAX = 500
"""Distinct failures or exceptions in one report; further ones are counted under one row."""


@dataclass(slots=True)
class Gathering:
    """Batches come in, a report comes out, the next one begins where it ended."""

    from_ms: int
    _blocks: dict[int, Block] = field(default_factory=dict)
    _failures: dict[tuple[str, str, str], FailureTally] = field(default_factory=dict)
    _exceptions: dict[tuple[str, str], ExceptionTally] = field(default_factory=dict)
    _iterations: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured since the last report."""
        return not (self._blocks or self._failures or self._exceptions or any(self._iterations))

    def add(self, batch: Batch) -> None:
        """Take in one generator's batch."""
        _add_blocks(self._blocks, batch.blocks)
        _add_failures(self._failures, batch.failures)
        _add_exceptions(self._exceptions, batch.exceptions)
        self._iterations = _added(self._iterations, batch.iterations)

    def report(
        self, to_ms: int, users: dict[str, int], generators: tuple[GeneratorState, ...], cpu: int, memory: int
    ) -> Reported:
        """The report up to `to_ms`, with the gauges of the moment; the gathering starts anew from there."""
        made = Reported(
            from_ms=self.from_ms,
            to_ms=max(self.from_ms, to_ms),
            blocks=_ordered(self._blocks),
            failures=tuple(self._failures.values()),
            exceptions=tuple(self._exceptions.values()),
            users=users,
            generators=generators,
            cpu_permille=cpu,
            memory_bytes=memory,
            iterations=self._iterations,
        )
        self._blocks, self._failures, self._exceptions, self._iterations = {}, {}, {}, (0, 0, 0, 0)
        self.from_ms = made.to_ms
        return made


def merge_reports(a: Reported, b: Reported) -> Reported:
    """One report for two that follow each other: counts added, gauges of the later."""
    blocks: dict[int, Block] = {}
    failures: dict[tuple[str, str, str], FailureTally] = {}
    exceptions: dict[tuple[str, str], ExceptionTally] = {}
    for report in (a, b):
        _add_blocks(blocks, report.blocks)
        _add_failures(failures, report.failures)
        _add_exceptions(exceptions, report.exceptions)
    arrivals = (a.arrivals[0] + b.arrivals[0], a.arrivals[1] + b.arrivals[1], a.arrivals[2] + b.arrivals[2])
    return replace(
        b,
        from_ms=a.from_ms,
        blocks=_ordered(blocks),
        failures=tuple(failures.values()),
        exceptions=tuple(exceptions.values()),
        iterations=_added(a.iterations, b.iterations),
        arrivals=arrivals,
    )


def _added(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


def _ordered(blocks: dict[int, Block]) -> tuple[Block, ...]:
    return tuple(blocks[second] for second in sorted(blocks))


def _add_blocks(into: dict[int, Block], blocks: Iterable[Block]) -> None:
    for block in blocks:
        mine = into.get(block.second)
        if mine is None:
            mine = into[block.second] = Block(block.second, block.span)
        mine.span = max(mine.span, block.span)
        mine.merge(block)
    while len(into) > BLOCKS_MAX:
        oldest, second = sorted(into)[:2]
        gone = into.pop(second)
        into[oldest].merge(gone)
        into[oldest].span = second + gone.span - oldest


def _add_failures(into: dict[tuple[str, str, str], FailureTally], tallies: Iterable[FailureTally]) -> None:
    for tally in tallies:
        key = (tally.method, tally.name, tally.error)
        if key not in into and len(into) >= ROWS_MAX:
            key = ("", "(other)", "(other)")
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
            key = ("(other)", "")
        mine = into.setdefault(key, ExceptionTally(*key, 0))
        mine.occurrences += tally.occurrences
