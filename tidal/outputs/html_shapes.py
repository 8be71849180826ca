"""Histograms as pictures: the spectrum of percentiles, and the heatmap of latency over time. Bounded, in integers."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from tidal.model.stats import BUCKETS_PER_E, Tally, merge_histogram
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from tidal.model.series import Series
    from tidal.model.stats import Histogram

PERCENTILES = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999)
"""Of the endpoints' table; the maximum stands beside them."""
STEPS_A_NINE, NINES = 12, 5
SPECTRUM = tuple(1 - 10 ** (-i / STEPS_A_NINE) for i in range(NINES * STEPS_A_NINE + 1))
"""From 0 % to 99.999 %, evenly spaced in nines: the tail gets as much room as the rest."""
COLUMNS_MAX = 240
ROWS_MAX = 56


def percentiles(tally: Tally) -> list[int]:
    """Those of the table, in µs."""
    return list(tally.percentiles_us(*PERCENTILES))


def spectrum(tally: Tally) -> list[int]:
    """The latency at each percentile of SPECTRUM, in µs; it ends with the maximum where the samples end."""
    told = [q for q in SPECTRUM if (1 - q) * tally.timed >= 1]
    values = list(tally.percentiles_us(*told))
    return [*values, tally.max_us] if tally.timed and len(told) < len(SPECTRUM) else values


class Heatmap(Struct, frozen=True):
    """How many requests took how long, when.

    Attributes:
        start_s: Redis time at which the first column begins.
        step_s: how long a column is.
        edges_us: between the rows, one more than there are rows.
        columns: each a flat list: row, count, row, count …
    """

    start_s: int
    step_s: int
    edges_us: list[int]
    columns: list[list[int]]


def heatmap(series: Series, until_s: int) -> Heatmap | None:
    """The series' histograms up to a second of Redis time, in few enough columns and rows; None without a sample."""
    points = {i: p.histogram for i, p in series.points.items() if p.histogram and i * series.step_s < until_s}
    if not points:
        return None
    first, last = min(points), max(points)
    width = 1
    while last // width - first // width >= COLUMNS_MAX:
        width *= 2
    columns: list[Histogram] = [{} for _ in range(last // width - first // width + 1)]
    for index, histogram in points.items():
        merge_histogram(columns[index // width - first // width], histogram)
    step_s = series.step_s * width
    low, height = _rows(columns)
    rows = (max(max(h, default=low) for h in columns) - low) // height + 1
    edges = [round(exp((low + row * height) / BUCKETS_PER_E)) for row in range(rows + 1)]
    return Heatmap(first // width * step_s, step_s, edges, [_column(h, low, height) for h in columns])


def _rows(columns: list[Histogram]) -> tuple[int, int]:
    """The lowest bucket, and how many buckets make a row."""
    low = min(min(h) for h in columns if h)
    high = max(max(h) for h in columns if h)
    return low, max(1, -(-(high - low + 1) // ROWS_MAX))


def _column(histogram: Histogram, low: int, height: int) -> list[int]:
    counts: dict[int, int] = {}
    for bucket, count in histogram.items():
        row = (bucket - low) // height
        counts[row] = counts.get(row, 0) + count
    return [number for pair in sorted(counts.items()) for number in pair]
