"""Round numbers for axes, and series brought to as many columns as there are dots. Pure."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TOPS = (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_MINUTES = (0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
_HOURS = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 36, 48)
_SPANS_MS = (*(int(m * 60_000) for m in _MINUTES), *(int(h * 3_600_000) for h in _HOURS))
_STEPS_S = (5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200)
LABEL_CELLS = 11
"""Of a time below an axis, with room to the next."""


def nice_top(highest: float) -> float:
    """A round number that is not below `highest`; at least 1."""
    if highest <= 1.0:
        return 1.0
    size = 10.0 ** floor(log10(highest))
    return next(top * size for top in _TOPS if top * size >= highest * 0.999_999)


def span_ms(length_ms: int, planned_ms: int | None, *, closed: bool) -> int:
    """How much time the x axis shows: all of a closed run, else a round span that leaves some room to grow."""
    length_ms = max(length_ms, 1_000)
    if closed:
        return length_ms
    day_ms = 86_400_000
    span = next((s for s in _SPANS_MS if s >= length_ms), ceil(length_ms / day_ms) * day_ms)
    return planned_ms if planned_ms is not None and length_ms <= planned_ms < span else span


def time_step_ms(span: int, cells: int) -> int:
    """The distance of time labels that leaves each of them `LABEL_CELLS`."""
    wanted_s = span / 1000 * LABEL_CELLS / max(cells, 1)
    day_s = 86_400
    return next((s for s in _STEPS_S if s >= wanted_s), ceil(wanted_s / day_s) * day_s) * 1000


def short(value: float) -> str:
    """A number of an axis in at most five cells: 0, 2.5, 120, 1.2k, 35k, 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.999_999:
            return f"{_trimmed(value / size)}{unit}"
    return _trimmed(value)


def _trimmed(value: float) -> str:
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


def resample(
    values: Sequence[int | None], per_column: float, columns: int, merge: Callable[[Sequence[int]], float]
) -> list[float | None]:
    """One value a column, of `per_column` points: merged where there are several, joined straight where under one.

    None is the absence of a value: it is not merged with others, and nothing is joined to it.
    """
    if per_column >= 1:
        edges = [int(i * per_column) for i in range(columns + 1)]
        known = ([v for v in values[a:b] if v is not None] for a, b in pairwise(edges))
        return [merge(some) if some else None for some in known]
    return [_between(values, i * per_column) for i in range(columns)]


def _between(values: Sequence[int | None], place: float) -> float | None:
    """The value at a fractional index; None behind the last point's own stretch."""
    at = int(place)
    if at >= len(values):
        return None
    left, right = values[at], values[min(at + 1, len(values) - 1)]
    if left is None or right is None:
        return left if place - at < 0.5 else right
    return left + (right - left) * (place - at)


def mean(values: Sequence[int]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)
