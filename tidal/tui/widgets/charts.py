"""The three charts of a run: requests, latency, users. `plots_of` is pure; `Charts` lays them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Container

from tidal.model.struct import replace
from tidal.tui.look import LEVELS, mark_of
from tidal.tui.widgets.chart import ChartView, Plot, Series
from tidal.tui.widgets.heat import HeatPlot, HeatView
from tidal.tui.widgets.limits import limits_of
from tidal.tui.widgets.scale import mean, span_ms

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tidal.model.rows import Frame
    from tidal.tui.look import Look

MARKS_MAX = 200
"""Events that are marked on a time axis, the newest first."""
NAMES = ("requests", "latency", "users")


def marks_of(frame: Frame) -> tuple[tuple[int, str], ...]:
    """Warnings and errors of the story as (plan time, tone)."""
    worth = [row for row in frame.story if row.level in ("warning", "error")]
    return tuple((row.offset_ms, mark_of(LEVELS, row.level)[2]) for row in worth[-MARKS_MAX:])


def axis_of(frame: Frame) -> dict[str, Any]:
    """The time axis that all charts of a frame share, as a plot's fields."""
    chart, run = frame.chart, frame.run
    start_ms = chart.start_ms - run.began_ms if chart.start_ms and run.began_ms else 0
    length_ms = max(len(chart.rps_milli) * chart.step_ms, 1)
    return {
        "start_ms": start_ms,
        "step_ms": max(chart.step_ms, 1),
        "span_ms": span_ms(length_ms, run.planned_ms, closed=run.phase == "closed"),
        "marks": marks_of(frame),
    }


def plots_of(frame: Frame) -> dict[str, Plot]:
    """The plots by name, all on one time axis."""
    chart, time = frame.chart, axis_of(frame)
    requests = (
        Series("all", "rps", chart.rps_milli, "area", mean),
        Series("failed", "failures", chart.failures_milli, "line", mean, hides_zero=True),
    )
    latency = (
        Series("p99", "p99", chart.p99_us, needs_samples=True),
        Series("p95", "p95", chart.p95_us, needs_samples=True),
        Series("p50", "p50", chart.p50_us, needs_samples=True),
    )
    users = (
        Series("running", "users", chart.users_running_milli, "area", mean),
        Series("planned", "planned", tuple(1000 * n for n in chart.users_planned), "dotted", mean),
    )
    detail, limits = detail_of(frame), limits_of(frame, chart.rps_milli)
    plots = {
        "requests": Plot("Requests", f"/s{detail}", requests, 1000, **time),
        "latency": Plot("Latency", f"ms{detail}", latency, 1000, **time),
        "users": Plot("Users", detail.removeprefix(", "), users, 1000, **time),
    }
    return {name: replace(plot, limits=limits.get(name, ())) for name, plot in plots.items()}


def detail_of(frame: Frame) -> str:
    """How coarse the charts of a long run are: its seconds are rolled up; "" where each has its own point."""
    step_s = frame.chart.step_ms // 1000
    return f", by {step_s} s" if step_s > 1 else ""


def heat_plot(frame: Frame) -> HeatPlot | None:
    """The heat of all requests, when the frame has it."""
    heat = frame.closeup.heat if frame.closeup is not None else None
    if heat is None:
        return None
    start_ms = heat.start_ms - frame.run.began_ms if frame.run.began_ms else 0
    return HeatPlot(heat, Plot("", "", (), **axis_of(frame)), start_ms=start_ms)


class Charts(Container):
    """The charts beside each other, or below each other when they have the screen for themselves."""

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(**names)
        self._views = {name: ChartView(look, id=f"chart-{name}") for name in NAMES}
        self._heat = HeatView(look, id="chart-heat")

    def compose(self) -> ComposeResult:
        """One view for each plot, the heat beside the latency."""
        views = list(self._views.values())
        yield from views[:2]
        yield self._heat
        yield from views[2:]

    def show(self, frame: Frame) -> None:
        """Draw another picture."""
        for name, plot in plots_of(frame).items():
            self._views[name].show(plot)
        heat = heat_plot(frame)
        if heat is not None:
            self._heat.show(heat)

    @property
    def shows_heat(self) -> bool:
        """Whether the heat is seen, so that pictures must have it."""
        return bool(self.display and self._heat.display and self._heat.size.width)
