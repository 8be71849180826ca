"""A chart of series over time, drawn with dots: title with the newest values, y axis, time axis with event marks.

`draw` is pure: a plot and a size to rows of toned text. `ChartView` puts them on the screen. Every chart keeps the same
width of labels, so that nothing moves while figures grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from tidal.model.struct import Struct
from tidal.tui.look import Look, Toned
from tidal.tui.text import NOTHING, duration
from tidal.tui.widgets import limits, scale
from tidal.tui.widgets.canvas import DOTS, Canvas, Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidal.tui.widgets.limits import Limit

_Plot = TypeVar("_Plot")
LABEL_CELLS = 6
"""Width of the numbers at the y axis; the axis itself takes one more."""


class Series(Struct, frozen=True):
    """Values over time in one tone; `style` is line, dotted or area."""

    name: str
    tone: str
    values: tuple[int, ...]
    style: str = "line"
    merge: Callable[[Sequence[int]], float] = max  # several points in one column
    hides_zero: bool = False  # nothing is drawn where there is nothing: a red line on the ground would look like news
    needs_samples: bool = False  # 0 is no value but the absence of one: a gap in the line, a dash in the legend


class Plot(Struct, frozen=True):
    """What a chart shows: all series share the axes. Times are plan time."""

    title: str
    unit: str
    series: tuple[Series, ...]
    scale: int = 1  # values are divided by this
    start_ms: int = 0
    step_ms: int = 1_000
    span_ms: int = 60_000
    marks: tuple[tuple[int, str], ...] = ()  # events: (plan time, tone)
    limits: tuple[Limit, ...] = ()  # of the thresholds

    @property
    def highest(self) -> int:
        """The highest value of any series, in the raw unit."""
        return max((max(s.values, default=0) for s in self.series), default=0)


EMPTY = Plot("", "", ())


def draw(plot: Plot, width: int, height: int, look: Look, *, fills: bool = False) -> list[Runs]:
    """The chart as `height` rows of `width` cells; `fills`: areas may tint the ground."""
    if not has_room(width, height):
        return [[(" " * width, "")] for _ in range(height)]
    title, told_all = _title(plot, width, look)
    return [title, *draw_body(plot, width, height, look, fills=fills, names_limits=not told_all)]


def has_room(width: int, height: int) -> bool:
    """Whether a chart can be drawn in so many cells and rows, its title among them."""
    return width - LABEL_CELLS - 1 >= 4 and height >= 3


def draw_body(
    plot: Plot, width: int, height: int, look: Look, *, fills: bool = False, names_limits: bool = True
) -> list[Runs]:
    """The chart without its title: one row less than `height`; `names_limits`: say beside them what they are."""
    cells, rows = width - LABEL_CELLS - 1, height - 2
    near = (limit.value for limit in plot.limits if limits.is_near(limit, plot.highest))
    top = scale.nice_top(max(plot.highest, *near, 0) / plot.scale)
    canvas = Canvas(cells, rows, DOTS[look.dots])
    for series in plot.series:
        _draw_series(canvas, series, plot, top, fills=fills and look.fills)
    numbers = limits.rule(canvas, plot, top, look, names=names_limits)
    labels = _labels(top, rows)
    body = canvas.rows(labels.keys() - {rows - 1}, look.own("┈"))
    lines = [[*_scale_cells(labels.get(y, ""), numbers.get(y), look), *row] for y, row in enumerate(body)]
    return [*lines, time_axis(plot, cells, look)]


def _scale_cells(label: str, limit: tuple[str, str] | None, look: Look) -> Runs:
    """A row's part of the y axis: its number, else that of the limit in it; where there is one there is a tick."""
    if limit is None:
        return [(look.fit(label, LABEL_CELLS, right=True) + look.own("│"), "dim")]
    number, tone = limit
    shown = (label, "dim") if label else (number, tone)
    return [(look.fit(shown[0], LABEL_CELLS, right=True), shown[1]), (look.own("┤"), tone)]


def _draw_series(canvas: Canvas, series: Series, plot: Plot, top: float, *, fills: bool) -> None:
    columns = canvas.dots_across
    per_column = plot.span_ms / plot.step_ms / columns
    known = [v or None for v in series.values] if series.needs_samples else series.values
    values = scale.resample(known, per_column, columns, series.merge)
    reach = (canvas.dots_up - 1) / top / plot.scale
    if series.hides_zero:
        values = [v or None for v in values]
    heights = [None if v is None else min(round(v * reach), canvas.dots_up - 1) for v in values]
    if series.style == "area" and fills:
        canvas.fill(heights, f"{series.tone}-fill")
    elif series.style == "area":
        canvas.area(heights, f"{series.tone}-area")
    canvas.line(heights, series.tone, dotted=series.style == "dotted")


def _labels(top: float, rows: int) -> dict[int, str]:
    """Which rows carry a number of the y axis, and which."""
    if rows < 2:
        return {0: scale.short(top)}
    parts = 4 if rows >= 9 and (rows - 1) % 4 == 0 else 1 + (rows % 2)  # only where a row is exactly that value
    return {i * (rows - 1) // parts: scale.short(top * (parts - i) / parts) for i in range(parts + 1)}


def _title(plot: Plot, width: int, look: Look) -> tuple[Runs, bool]:
    """Title and legend, and whether limits are in it: without room these go first, then the values, then the unit."""
    newest = {s.name: _newest(s, plot.scale) for s in plot.series}
    said = limits.legend(plot, look)
    for with_limits, with_values, with_unit in _LEGENDS:
        runs: Runs = [(f" {plot.title}", "head")]
        if with_unit and plot.unit:
            runs.append((f" {plot.unit}", "dim"))
        for series in plot.series if len(plot.series) > 1 or with_values else ():
            sign = look.own({"dotted": "┅", "area": "█"}.get(series.style, "━"))
            value = look.fit(newest[series.name], 5, right=True) if with_values else ""
            runs.append((f"  {sign} {series.name}{value and ' ' + value.strip().ljust(5)}", series.tone))
        runs += said if with_limits else []
        if sum(cell_len(text) for text, _ in runs) <= width:
            break
    return exactly(runs, width, look), with_limits


_LEGENDS = ((True, True, True), (False, True, True), (False, False, True), (False, False, False))
"""What a legend has besides the names: limits, values, unit; the first that there is room for."""


def _newest(series: Series, divisor: int) -> str:
    if not series.values:
        return ""
    value = series.values[-1]
    return NOTHING if series.needs_samples and not value else scale.short(value / divisor)


def exactly(runs: Runs, width: int, look: Look) -> Runs:
    """Runs cut or padded to `width` cells."""
    result: Runs = []
    for text, tone in runs:
        room = width - sum(cell_len(t) for t, _ in result)
        result.append((look.fit(text, min(cell_len(text), room)), tone))
    return [*result, (" " * (width - sum(cell_len(t) for t, _ in result)), "")]


def time_axis(plot: Plot, cells: int, look: Look) -> Runs:
    """The lower edge: times at round moments, and a mark where something happened."""
    line = [(look.own("─"), "faint")] * cells
    step = scale.time_step_ms(plot.span_ms, cells)
    first = -(-plot.start_ms // step) * step
    for at_ms in range(first, plot.start_ms + plot.span_ms, step):
        column = (at_ms - plot.start_ms) * cells // plot.span_ms
        label = duration(at_ms)
        if column + len(label) <= cells:
            line[column : column + len(label)] = [(c, "dim") for c in label]
    for at_ms, tone in plot.marks:
        column = (at_ms - plot.start_ms) * cells // plot.span_ms
        free = (i for i in range(max(column, 0), cells) if line[i][1] != "dim")  # beside a time, not over it
        if 0 <= column < cells:
            line[next(free, column)] = (look.own("▲"), tone)
    return [(" " * LABEL_CELLS + look.own("└"), "dim"), *line]


class PlotView(Toned, Generic[_Plot]):
    """A plot on the screen, drawn anew when it, the size or the theme has changed.

    Args:
        plot: what is shown before anything else is.
        draw_rows: makes rows of toned text of a plot, a width and a height.
    """

    def __init__(self, look: Look, plot: _Plot, draw_rows: Callable[..., list[Runs]], **names: Any) -> None:
        super().__init__(**names)
        self._look = look
        self._plot = plot
        self._draw_rows = draw_rows
        self._rows: list[Runs] | None = None

    def show(self, plot: _Plot) -> None:
        """Draw another plot; the same one again costs nothing, and rows that are as they were are left alone."""
        if plot == self._plot:
            return
        self._plot, before, self._rows = plot, self._rows, None
        if before is None or len(before) != self.size.height or not self.is_on_screen:
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._drawn(), strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def _drawn(self) -> list[Runs]:
        if self._rows is None or len(self._rows) != self.size.height:
            self._rows = self._draw_rows(self._plot, self.size.width, self.size.height, self._look, fills=self.fills)
        return self._rows

    def on_resize(self) -> None:
        """Draw anew for another size."""
        self._rows = None

    def notify_style_update(self) -> None:
        """Another theme may have no tints."""
        self._rows = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One row of the plot."""
        return Strip([Segment(said, self.ink(tone)) for said, tone in self._drawn()[y]], self.size.width)


class ChartView(PlotView[Plot]):
    """One chart on the screen: `show` it a plot."""

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(look, EMPTY, draw, **names)
