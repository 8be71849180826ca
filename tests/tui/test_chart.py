"""Charts: dots, scales, and a plot as rows of text."""

from __future__ import annotations

import pytest
from frames import ASCII, LOOK, closed, frame, waiting
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tidal.model.struct import replace
from tidal.tui.look import Look
from tidal.tui.widgets import scale
from tidal.tui.widgets.canvas import DOTS, Canvas, Runs
from tidal.tui.widgets.chart import Plot, Series, draw
from tidal.tui.widgets.charts import plots_of


def plain(rows: list[Runs]) -> list[str]:
    """Rows without their tones."""
    return ["".join(text for text, _ in runs) for runs in rows]


def tones(rows: list[Runs]) -> set[str]:
    """The tones of what is not blank."""
    return {tone for runs in rows for text, tone in runs if text.strip()}


def test_braille_has_eight_dots_in_a_cell() -> None:
    """Two dots wide, four high, counted from the lower left."""
    canvas = Canvas(2, 1, DOTS["braille"])
    canvas.mark(0, 0, "rps")
    canvas.mark(3, 3, "rps")
    assert plain(canvas.rows()) == ["⡀⠈"]


def test_blocks_and_ascii_stand_in_for_braille() -> None:
    """A console without braille has quadrants, one without Unicode two dots a cell."""
    for name, shown in (("block", "▗▞"), ("ascii", ".'")):
        canvas = Canvas(2, 1, DOTS[name])
        canvas.line([0, 1] if name == "ascii" else [None, 0, 0, 1], "rps")
        assert plain(canvas.rows()) == [shown]


def test_a_line_is_joined_where_it_jumps() -> None:
    """A jump of three dots draws the dots between."""
    canvas = Canvas(1, 1, DOTS["braille"])
    canvas.line([0, 3], "p50")
    assert plain(canvas.rows()) == [chr(0x2800 | 0x40 | 0x20 | 0x10 | 0x08)]


def test_a_gap_stays_a_gap() -> None:
    """Where there is no value there is no dot."""
    canvas = Canvas(2, 1, DOTS["braille"])
    canvas.line([0, None, None, 0], "p50")
    assert plain(canvas.rows()) == ["⡀⢀"]


@pytest.mark.parametrize("per_column", [0.5, 1, 2])
def test_seconds_without_an_answer_have_no_latency(per_column: float) -> None:
    """A percentile of nothing is no 0: it is neither drawn nor joined nor merged, and the legend has a dash."""
    known = scale.resample([8, 8, None, None, 4, 4], per_column, round(6 / per_column), min)
    assert set(known) == {8, None, 4}
    slow = Series("p95", "p95", (8_000, 0, 0), needs_samples=True)
    title, *body = plain(draw(Plot("Latency", "ms", (slow,), 1000, span_ms=3_000), 40, 8, LOOK))
    assert "p95 -" in title
    assert not any(set(line[8:]) & set("⡀⣀⠤⠒⠉⢀") for line in body[1:-1]), "nothing below the one value"


def test_a_line_over_an_area_does_not_colour_the_area() -> None:
    """Few failures under many requests are a thin line, not a red block."""
    canvas = Canvas(1, 1, DOTS["braille"])
    canvas.area([3, 3], "rps-area")
    canvas.line([0, 0], "failures")
    assert canvas.rows() == [[("⣀", "failures")]]


def test_what_lies_outside_is_left_out() -> None:
    """No series can break the canvas."""
    canvas = Canvas(1, 1, DOTS["braille"])
    canvas.mark(99, -3, "rps")
    assert plain(canvas.rows()) == ["⠀"] or plain(canvas.rows()) == [" "]


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (0.3, 1), (1.1, 1.2), (97, 100), (1_311, 1_600), (500, 500)])
def test_an_axis_ends_at_a_round_number(highest: float, top: float) -> None:
    """Little room is wasted above."""
    assert scale.nice_top(highest) == pytest.approx(top)


@given(st.floats(0, 1e15))
def test_an_axis_always_holds_its_highest_value(highest: float) -> None:
    """And is less than twice as high, from 1 on."""
    assert highest <= scale.nice_top(highest) * 1.000_01
    assert scale.nice_top(highest) <= max(2 * highest, 1)


@given(st.floats(0, 9.9e11))
def test_an_axis_number_has_at_most_six_cells(value: float) -> None:
    """So the axis never moves."""
    assert len(scale.short(value)) <= 6


def test_the_time_axis_leaves_room_to_grow_and_takes_a_plan_that_fits() -> None:
    """A round span; the plan's end when it is near; exactly the run when it is over."""
    assert scale.span_ms(70_000, None, closed=False) == 90_000
    assert scale.span_ms(70_000, 80_000, closed=False) == 80_000
    assert scale.span_ms(70_000, 600_000, closed=False) == 90_000
    assert scale.span_ms(70_000, 80_000, closed=True) == 70_000
    assert scale.span_ms(400_000_000, None, closed=False) == 5 * 86_400_000


@given(st.lists(st.integers(0, 10**9), max_size=400), st.floats(0.01, 20), st.integers(1, 200))
def test_resampling_never_invents_a_height(values: list[int], per_column: float, columns: int) -> None:
    """Whatever is drawn lies between the lowest and the highest point."""
    drawn = [v for v in scale.resample(values, per_column, columns, max) if v is not None]
    assert all(min(values) <= v <= max(values) for v in drawn)


def test_resampling_keeps_a_spike_of_a_latency() -> None:
    """One slow second in an hour is seen."""
    values = [10] * 3_600
    values[1_801] = 900
    assert max(v or 0 for v in scale.resample(values, 3_600 / 60, 60, max)) == 900


@given(st.integers(0, 220), st.integers(0, 60), st.sampled_from(["braille", "block", "ascii"]))
def test_a_chart_fills_exactly_its_place(width: int, height: int, dots: str) -> None:
    """At any size every row is as wide as the widget."""
    look = Look(dots=dots, ascii_only=dots == "ascii")
    for plot in plots_of(frame(200)).values():
        rows = draw(plot, width, height, look)
        assert {cell_len(row) for row in plain(rows)} <= {width}
        assert len(rows) == max(height, len(rows) if height < 3 or width < 11 else height)


def test_a_chart_names_its_unit_its_series_and_its_axes() -> None:
    """Title, unit, legend with the newest values, numbers on both axes, a mark where something happened."""
    rows = plain(draw(plots_of(frame())["latency"], 66, 15, LOOK))
    assert "Latency ms" in rows[0]
    assert all(name in rows[0] for name in ("p50", "p95", "p99"))
    assert [row[:7].strip() for row in rows[1:-1] if row[:6].strip()] == ["400│", "300│", "200│", "100│", "0│"]
    assert "0:00" in rows[-1]
    assert "▲" in rows[-1]


def test_a_mark_does_not_hide_a_time() -> None:
    """An event at 2:00 stands beside the label."""
    plot = Plot("x", "", (Series("a", "rps", (1,) * 240),), span_ms=240_000, marks=((120_000, "bad"),))
    axis = plain(draw(plot, 60, 5, LOOK))[-1]
    assert "2:00▲" in axis


def test_charts_of_a_run_that_has_not_begun_are_empty_and_whole() -> None:
    """No division by nothing."""
    for plot in plots_of(waiting()).values():
        rows = draw(plot, 60, 8, LOOK)
        assert not tones(rows[1:]) & {"rps", "users", "p50", "p95", "p99"}


def test_all_charts_of_a_run_share_their_time_axis() -> None:
    """So a spike can be followed from chart to chart."""
    plots = plots_of(closed()).values()
    assert len({(plot.start_ms, plot.step_ms, plot.span_ms) for plot in plots}) == 1
    assert {plot.span_ms for plot in plots} == {600_000}


def test_an_ascii_chart_is_ascii() -> None:
    """Nothing but ASCII reaches a terminal without UTF-8."""
    for plot in plots_of(frame()).values():
        assert all(row.isascii() for row in plain(draw(replace(plot, marks=((1_000, "bad"),)), 70, 12, ASCII)))


def test_a_long_run_says_how_coarse_its_charts_are() -> None:
    """Up to ten minutes each second has its point; then a point is of several, and the title names them."""
    usual = frame()
    coarse = replace(usual, chart=replace(usual.chart, step_ms=8_000))
    assert [plot.unit for plot in plots_of(usual).values()] == ["/s", "ms", ""]
    assert [plot.unit for plot in plots_of(coarse).values()] == ["/s, by 8 s", "ms, by 8 s", "by 8 s"]
