"""Latency as heat over time: a column a moment, a row a band of latency, as bright as many samples fell into it. Pure.

Bands grow by a factor each, so the axis is logarithmic. Where grounds cannot be tinted, characters get denser instead.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from tidal.model.closeup import Heat
from tidal.model.struct import Struct
from tidal.tui import text
from tidal.tui.look import HEAT_LEVELS, Look
from tidal.tui.widgets.chart import LABEL_CELLS, Plot, PlotView, exactly, time_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.tui.widgets.canvas import Runs

SHADES = " ·░░▒▒▓▓█"
"""A character for each level where there are no tints."""


class HeatPlot(Struct, frozen=True):
    """Heat with the time axis that it is drawn on."""

    heat: Heat
    axis: Plot
    title: str = "Latency"
    start_ms: int = 0  # plan time of the first column


def draw_heat(plot: HeatPlot, width: int, height: int, look: Look, *, fills: bool) -> list[Runs]:
    """The heat map as `height` rows of `width` cells."""
    cells, rows = width - LABEL_CELLS - 1, height - 2
    if cells < 4 or rows < 1:
        return [[(" " * width, "")] for _ in range(height)]
    grid = _grid(plot, cells, rows)
    labels = _labels(plot.heat, rows)
    most = max((max(column, default=0) for column in grid), default=0)
    lines = [
        [
            (look.fit(labels.get(row, ""), LABEL_CELLS, right=True) + look.own("│"), "dim"),
            *_row([column[rows - 1 - row] if column else 0 for column in grid], most, look, fills=fills and look.fills),
        ]
        for row in range(rows)
    ]
    scale = [(" fewer ", "dim"), *_scale(look, fills=fills and look.fills), (" more samples", "dim")]
    title: Runs = [(f" {plot.title}", "head"), ("  as heat", "dim")]
    if width > 48:
        title += [("  ", ""), *scale]
    return [exactly(title, width, look), *lines, time_axis(plot.axis, cells, look)]


def _scale(look: Look, *, fills: bool) -> Runs:
    return [_shade(level, look, fills=fills) for level in range(1, HEAT_LEVELS + 1)]


def _shade(level: int, look: Look, *, fills: bool) -> tuple[str, str]:
    if not level:
        return " ", ""
    return (" " if fills else look.own(SHADES[level])), f"heat-{level}"


def _row(counts: Sequence[float], most: float, look: Look, *, fills: bool) -> Runs:
    """One band; the square root makes the few slow ones visible beside the many fast ones."""
    runs: Runs = []
    for count in counts:
        level = max(1, min(HEAT_LEVELS, round(HEAT_LEVELS * sqrt(count / most)))) if count else 0
        piece, tone = _shade(level, look, fills=fills)
        if runs and runs[-1][1] == tone:
            runs[-1] = (runs[-1][0] + piece, tone)
        else:
            runs.append((piece, tone))
    return runs


def _grid(plot: HeatPlot, cells: int, rows: int) -> list[list[float]]:
    """Samples by column of the screen and row from the bottom."""
    heat, axis = plot.heat, plot.axis
    bands = max(len(heat.edges_us) - 1, 1)
    grid: list[list[float]] = [[] for _ in range(cells)]
    per_cell = axis.span_ms / cells
    for x in range(cells):
        from_ms, to_ms = (axis.start_ms + i * per_cell for i in (x, x + 1))
        first = int((from_ms - plot.start_ms) // heat.step_ms)
        last = max(first, int(-((plot.start_ms - to_ms) // heat.step_ms)) - 1)
        found = [column for column in heat.columns[max(first, 0) : max(last + 1, 0)] if column]
        if found:
            share = min(1.0, per_cell / heat.step_ms)
            sums = [sum(column) * share for column in zip(*found, strict=True)]
            grid[x] = [sum(sums[_band(row, bands, rows) : _band(row + 1, bands, rows)]) for row in range(rows)]
    return grid


def _band(row: int, bands: int, rows: int) -> int:
    return row * bands // rows


def _labels(heat: Heat, rows: int) -> dict[int, str]:
    """The latency at the lower edge of some rows."""
    bands = len(heat.edges_us) - 1
    if bands < 1:
        return {}
    every = 1 if rows <= 3 else 2 if rows <= 7 else 3
    return {rows - 1 - row: _short(heat.edges_us[_band(row, bands, rows)]) for row in range(0, rows, every)}


def _short(latency_us: int) -> str:
    return text.latency(latency_us).replace(" ", "").replace(".0", "")


class HeatView(PlotView[HeatPlot]):
    """A heat map on the screen: `show` it a plot."""

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(look, HeatPlot(Heat(), Plot("", "", ())), draw_heat, **names)
