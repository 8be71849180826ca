"""How long answers lay in the kernel before their generator read them: the client's own part of a latency. PURE.

A busy generator reads an answer late, and the time until then stands in the latency as if the target had taken it.
Where the kernel says when the bytes came, both are known: the delay, and the latency without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.rows import DelayRow
from tidal.model.words import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.findings import Finding
    from tidal.model.state import ReportHalf

LEAST = 20
"""Answers below which there is nothing to say."""
SUSPECT_US = 5_000
"""A p95 of the delay from which on latencies are not the target's; the timers of an idle machine are good to 1 ms."""
SUSPECT_PERMILLE = 100
"""And so much of the p95 without it: beside long latencies a short delay does not matter."""


def delay_row(reports: ReportHalf) -> DelayRow:
    """The delay, and the latency without it."""
    delay, undelayed = reports.delay, reports.undelayed
    p50_us, p95_us, p99_us = delay.percentiles_us(0.5, 0.95, 0.99)
    rest50_us, rest95_us, rest99_us = undelayed.percentiles_us(0.5, 0.95, 0.99)
    return DelayRow(delay.count, p50_us, p95_us, p99_us, delay.max_us, rest50_us, rest95_us, rest99_us)


def matters(row: DelayRow) -> bool:
    """Whether the client's own delay is a good part of the slowest latencies: worth a word beside p99, no judgement."""
    is_long = row.p99_us >= SUSPECT_US and row.p99_us * 1000 >= SUSPECT_PERMILLE * row.undelayed_p99_us
    return row.answers >= LEAST and is_long


def read_late(reports: ReportHalf) -> Iterator[Finding]:
    """Latencies that are the generators' own for a good part."""
    if reports.delay.count < LEAST:
        return
    row = delay_row(reports)
    if row.p95_us < SUSPECT_US or row.p95_us * 1000 < SUSPECT_PERMILLE * row.undelayed_p95_us:
        return
    late = f"of {number(row.answers)} answers a twentieth lay {row.p95_us // 1000} ms and more in the kernel"
    yield 1, f"generators read late: {late}; without that the latencies' p95 is {row.undelayed_p95_us / 1000:.1f} ms"
