"""What users measure beside requests, as plain tables: transactions, metrics, checks, tags, failed requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.text import clean
from tidal.outputs.layout import NOTHING, Column, duration, latency, share, shorten, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.own_rows import CheckRow, MetricRow, SampleRow, TaggedRow, TransactionRow
    from tidal.model.rows import Frame

ROWS_MAX = 200
"""So many rows a table; the rest is counted in a line below it."""
SAMPLES_MAX, SAMPLE_LINES, LINE_CELLS = 5, 12, 160
"""Failed requests in the summary, lines of a body, and cells of a line."""

TRANSACTION_COLUMNS = (
    Column("transaction", number=False), Column("times"), Column("failed", rank=1), Column("requests", rank=5),
    Column("p50", rank=4), Column("p95"), Column("p99", rank=8), Column("average", rank=7), Column("max", rank=6),
    Column("p50 busy", rank=3), Column("p95 busy", rank=2), Column("average busy", rank=9),
)  # fmt: skip
METRIC_COLUMNS = (
    Column("metric", number=False), Column("kind", number=False, rank=2), Column("values", rank=1), Column("value"),
    Column("per s", rank=7), Column("min", rank=6), Column("p50", rank=5), Column("p95", rank=3),
    Column("p99", rank=8), Column("max", rank=4),
)  # fmt: skip
CHECK_COLUMNS = (Column("check", number=False), Column("passed"), Column("failed"), Column("share", rank=1))
TAGGED_COLUMNS = (
    Column("tags", number=False), Column("method", number=False, rank=3), Column("name", number=False),
    Column("requests"), Column("failed", rank=1), Column("p50", rank=2), Column("p95"), Column("p99", rank=4),
    Column("max", rank=5),
)  # fmt: skip


def measured_tables(frame: Frame, most: int | None) -> Iterator[str]:
    """The tables that have rows."""
    if frame.transactions:
        rows = [transaction_cells(row) for row in frame.transactions[:ROWS_MAX]]
        title = "Transactions (busy: without waiting)"
        yield _more(f"{title}\n{table(TRANSACTION_COLUMNS, rows, most=most)}", len(frame.transactions))
    if frame.checks:
        rows = [check_cells(row) for row in frame.checks[:ROWS_MAX]]
        yield _more(f"Checks\n{table(CHECK_COLUMNS, rows, most=most)}", len(frame.checks))
    if frame.metrics:
        rows = [metric_cells(row) for row in frame.metrics[:ROWS_MAX]]
        yield _more(f"Metrics\n{table(METRIC_COLUMNS, rows, most=most)}", len(frame.metrics))
    if frame.tagged:
        rows = [_tagged(row) for row in frame.tagged[:ROWS_MAX]]
        yield _more(f"Requests by tags\n{table(TAGGED_COLUMNS, rows, most=most)}", len(frame.tagged))


def transaction_cells(row: TransactionRow) -> list[str]:
    """A branch stands further in; a row by tags says them."""
    name = shorten(row.path[-1], 40) if not row.tags else f"{{{shorten(row.tags, 40)}}}"
    times = (row.median_us, row.p95_us, row.p99_us, row.average_us, row.max_us)
    busy = (row.busy_median_us, row.busy_p95_us, row.busy_average_us)
    return [
        "  " * (row.depth + bool(row.tags)) + name,
        str(row.times),
        share(row.failures, row.times) if row.times else NOTHING,
        str(row.requests),
        *(latency(value) if row.times else NOTHING for value in (*times, *busy)),
    ]


def metric_cells(row: MetricRow) -> list[str]:
    """Figures that a kind does not have are left out."""
    name = shorten(row.name, 40) + (f" ({shorten(row.unit, 12)})" if row.unit else "")
    spread = (row.min, row.median, row.p95, row.p99, row.max) if row.kind == "trend" else ()
    low, p50, p95, p99, high = map(figure, spread) if spread else [NOTHING] * 5
    if row.kind == "gauge":
        low, high = figure(row.min), figure(row.max)
    value = share(row.hits, row.count) if row.kind == "rate" else figure(row.value)
    rate = figure(row.rate) if row.kind == "counter" else NOTHING
    return [tagged_name(name, row.tags), row.kind, str(row.count), value, rate, low, p50, p95, p99, high]


def check_cells(row: CheckRow) -> list[str]:
    """How often it was so, and how often not."""
    rate = share(row.passes, row.passes + row.fails)
    return [tagged_name(shorten(row.name), row.tags), str(row.passes), str(row.fails), rate]


def tagged_name(name: str, tags: str) -> str:
    """The name, or below the row of all the tags of one."""
    return f"  {{{shorten(tags, 40)}}}" if tags else name


def _tagged(row: TaggedRow) -> list[str]:
    times = map(latency, (row.median_us, row.p95_us, row.p99_us, row.max_us))
    counts = [str(row.requests), share(row.failures, row.requests)]
    return [shorten(row.tags, 40), shorten(row.method, 12), shorten(row.name), *counts, *times]


def figure(value: float) -> str:
    """A number as people read it: whole ones with all their digits, others with four."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


# ------------------------------------------------------------------ failed requests


def sample_blocks(frame: Frame) -> str:
    """The first failed request of each kind, where a kind is an endpoint with an error."""
    if not frame.samples:
        return ""
    shown = _one_of_each(frame)[:SAMPLES_MAX]
    blocks = ["\n".join(_sample(row)) for row in shown]
    left = len(frame.samples) - len(shown)
    more = [f"… and {left} more: --json and the HTML report have them"] if left else []
    return "\n".join(["Failed requests, a few of them", *blocks, *more])


def _one_of_each(frame: Frame) -> list[SampleRow]:
    kinds: dict[tuple[str, str, str], SampleRow] = {}
    for row in frame.samples:
        kinds.setdefault((row.method, row.name, row.error), row)
    return list(kinds.values())


def _sample(row: SampleRow) -> Iterator[str]:
    took = f" after {latency(row.took_us)}" if row.took_us is not None else ""
    status = f"status {row.status}" if row.status else "no answer"
    yield f"{duration(row.offset_ms)}  {row.method} {shorten(row.url or row.name, LINE_CELLS)}: {status}{took}"
    yield f"    {shorten(row.error, LINE_CELLS)}  ({', '.join(_whereabouts(row))})"
    for mark, headers, body in (
        (">", row.request_headers, row.request_body),
        ("<", row.response_headers, row.response_body),
    ):
        yield from (f"    {mark} {shorten(f'{name}: {value}', LINE_CELLS)}" for name, value in headers[:SAMPLE_LINES])
        lines = [line for line in body.split("\n") if line.strip()]
        yield from (f"    {mark}   {clean(line, LINE_CELLS)}" for line in lines[:SAMPLE_LINES])


def _whereabouts(row: SampleRow) -> list[str]:
    parts = [f"worker {row.worker}", row.user and f"user {row.user}", row.tags]
    parts.append(f"in {' / '.join(row.transaction)}" if row.transaction else "")
    return [shorten(part) for part in parts if part]


def _more(text: str, there_are: int) -> str:
    return f"{text}\n… and {there_are - ROWS_MAX} more" if there_are > ROWS_MAX else text
