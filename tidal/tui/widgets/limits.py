"""Thresholds in a chart: a dotted line at each limit, its number at the y axis, its words where there is room. Pure.

One that is kept to is calm and sparse, one that is not is closer dotted (in ASCII = for -), so that colours are not
needed. A limit far above what is measured is not drawn, for it would squash the data: it is told in words alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.limit_lines import REQUESTS, limit_lines
from tidal.model.struct import Struct
from tidal.tui.widgets import scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.limit_lines import LimitLine
    from tidal.model.rows import Frame
    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Canvas, Runs
    from tidal.tui.widgets.chart import Plot

LIMITS_MAX = 4
"""Of one chart, those that are not kept to first: more lines would be a page of music."""
NEAR = 2
"""A limit up to so many times as high as what is measured is drawn to scale."""


class Limit(Struct, frozen=True):
    """A line to be drawn; times are plan time, values are in the plot's raw unit.

    Attributes:
        label: what is to hold, in short.
        value: its height, where it has one.
        values: its heights over time, where it has none: point by point as the series.
        to_ms: None: to the end.
    """

    label: str
    value: int = 0
    values: tuple[int, ...] = ()
    is_bad: bool = False
    from_ms: int = 0
    to_ms: int | None = None

    @property
    def tone(self) -> str:
        """Calm while it is kept to."""
        return "limit-bad" if self.is_bad else "limit"


def limits_of(frame: Frame, rps_milli: Sequence[int], endpoint: tuple[str, str] | None = None) -> dict[str, Limits]:
    """The lines of all requests, or of one endpoint, by chart; `rps_milli`: of what a share is a share."""
    found: dict[str, Limits] = {}
    for line in limit_lines(frame, endpoint):
        found[line.chart] = (*found.get(line.chart, ()), _limit(line, rps_milli))[:LIMITS_MAX]
    return found


Limits = tuple[Limit, ...]


def _limit(line: LimitLine, rps_milli: Sequence[int]) -> Limit:
    values = tuple(rps * line.value // 100_000 for rps in rps_milli) if line.is_share and line.chart == REQUESTS else ()
    value = 0 if line.is_share else line.value
    return Limit(line.label.replace(" ", ""), value, values, line.is_bad, line.from_ms, line.to_ms)


def is_near(limit: Limit, highest: float) -> bool:
    """Whether a limit is to scale beside the highest value that is drawn."""
    return bool(limit.values) or 0 <= limit.value <= NEAR * highest


def told(limit: Limit, look: Look, *, is_above: bool) -> str:
    """A limit in words: what is to hold, whether it does, and that it lies beyond the chart."""
    label = look.outside(limit.label).replace("<=", "≤").replace(">=", "≥")
    return look.own(f"{'↑ ' if is_above else ''}{label} {'✗' if limit.is_bad else '✓'}")


def legend(plot: Plot, look: Look) -> Runs:
    """All of a plot's limits in words."""
    runs: Runs = []
    for limit in plot.limits:
        is_above = not is_near(limit, plot.highest)
        sign = "" if is_above else f"{_sign(limit, look)} "
        runs.append((f"  {sign}{told(limit, look, is_above=is_above)}", limit.tone))
    return runs


def _sign(limit: Limit, look: Look) -> str:
    return ("=" if limit.is_bad else "-") if look.ascii_only else ("┅" if limit.is_bad else "┈")


def rule(canvas: Canvas, plot: Plot, top: float, look: Look, *, names: bool) -> dict[int, tuple[str, str]]:
    """Draw the limits of a plot; returns the rows that carry one's number at the y axis, with its tone.

    `names`: write at the right edge what each says, where nothing is drawn; those that lie above in the highest row.
    """
    numbers: dict[int, tuple[str, str]] = {}
    rows: list[int] = []
    for limit in reversed(plot.limits):  # those that are not kept to last, over the others
        heights = _heights(canvas, plot, limit, top)
        drawn = [y for y in heights if y is not None]
        rows.insert(0, canvas.row_of(drawn[-1]) if drawn else 0)
        canvas.rule(heights, limit.tone, is_close=limit.is_bad)
        if drawn and not limit.values:
            numbers[rows[0]] = (scale.short(limit.value / plot.scale), limit.tone)
    for limit, row in zip(plot.limits, rows, strict=True) if names else ():
        _name(canvas, row, limit, f" {told(limit, look, is_above=not is_near(limit, plot.highest))} ")
    return numbers


def _name(canvas: Canvas, row: int, limit: Limit, said: str) -> None:
    """Write a limit's words in its row or as near as there is room; one that is not kept to is told anywhere."""
    nearest = sorted(range(canvas.height), key=lambda other: abs(other - row))
    any(canvas.write(other, said, limit.tone) for other in (nearest if limit.is_bad else nearest[:3]))


def _heights(canvas: Canvas, plot: Plot, limit: Limit, top: float) -> list[int | None]:
    """A height for each column of dots in which the limit holds; none where it is not to be drawn."""
    if not is_near(limit, plot.highest):
        return []
    columns, reach = canvas.dots_across, (canvas.dots_up - 1) / top / plot.scale
    values: Sequence[float | None] = [limit.value] * columns
    if limit.values:
        values = scale.resample(limit.values, plot.span_ms / plot.step_ms / columns, columns, scale.mean)
    end_ms = plot.start_ms + plot.span_ms if limit.to_ms is None else limit.to_ms
    moments = (plot.start_ms + x * plot.span_ms / columns for x in range(columns))
    heights = [
        None if v is None or not limit.from_ms <= at_ms < end_ms else min(round(v * reach), canvas.dots_up - 1)
        for v, at_ms in zip(values, moments, strict=True)
    ]
    is_ground = limit.values and max((y or 0 for y in heights), default=0) <= canvas.dots.down // 2
    return [] if is_ground else heights  # it would be taken for the axis
