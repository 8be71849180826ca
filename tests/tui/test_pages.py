"""What enter opens: all of an endpoint, all of a worker; heat; and how one gets back."""

from __future__ import annotations

import pytest
from closeups import looked_at
from fakes import FilmFeed, StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, BEGAN_MS, LOOK, frame, limping
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tidal.model.closeup import EndpointCloseup, Focus, Heat
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.widgets.bignumbers import big, is_drawable
from tidal.tui.widgets.chart import Plot
from tidal.tui.widgets.endpoint_page import endpoint_lines
from tidal.tui.widgets.heat import HeatPlot, draw_heat
from tidal.tui.widgets.spark import spark
from tidal.tui.widgets.worker_page import worker_lines

CHECKOUT = ("POST", "/checkout")


def text_of(lines: list[list[tuple[str, str]]]) -> str:
    """What the lines say."""
    return "\n".join("".join(said for said, _ in runs) for runs in lines)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 30), (200, 50)])
async def test_enter_opens_an_endpoint_and_escape_goes_back(size: tuple[int, int]) -> None:
    """Charts, every percentile, the histogram, what failed, what was slowest: as far down as one scrolls."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press(*["down"] * 5, "enter")
        await settled(pilot)
        await settled(pilot)
        assert dashboard(pilot).pump.focus == Focus(endpoint=CHECKOUT)
        said = text_of(dashboard(pilot)._page.lines)
        for piece in (
            "POST /checkout",
            "12,443",
            "Requests",
            "Percentiles",
            "p99.9",
            "Histogram",
            "503 Server",
            "Slowest",
        ):
            assert piece in said
        assert "POST /checkout" in screen_text(pilot)
        await pilot.press("G")
        await pilot.pause()
        await pilot.press("escape")
        await settled(pilot)
        assert "TOTAL" in screen_text(pilot)
        grid = dashboard(pilot).grid("requests")
        assert grid.cursor_row is not None
        assert grid.cursor_row.key == "POST\0/checkout"


async def test_enter_opens_a_worker() -> None:
    """Its lamps, CPU and lag over time, its users, what happened to it."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("2", "down", "enter")
        await settled(pilot)
        await settled(pilot)
        shown = screen_text(pilot)
        for piece in (
            "w2",
            "● running",
            "CPU",
            "Lag",
            "Shopper",
            "generator 3",
            "worker w2 was lost",
            "load-2.fra.example",
        ):
            assert piece in shown
        await pilot.press("escape")
        await settled(pilot)
        assert "● reports" in screen_text(pilot)


def test_a_worker_that_is_lost_says_why() -> None:
    """In words, with the glyphs of its lamps."""
    now = looked_at(limping(), Focus(worker="inc2"))
    said = text_of(worker_lines(now, "inc2", 100, 30, LOOK, fills=True))
    assert "✗ lost" in said
    assert "✗ gone" in said
    assert "no heartbeat for 2.0 s" in said


def test_what_is_not_there_is_said() -> None:
    """A replay that went back before the endpoint or the worker came."""
    early = frame(10)
    assert "nothing was asked of it" in text_of(endpoint_lines(early, ("GET", "/no"), 80, 20, LOOK, fills=True))
    assert "was not there" in text_of(worker_lines(early, "nobody", 80, 20, LOOK, fills=True))


def test_an_endpoint_without_a_lane_shows_the_rest() -> None:
    """Percentiles and histogram are of all endpoints, series of so many."""
    now = looked_at(frame(), Focus(endpoint=CHECKOUT))
    assert now.closeup is not None
    assert now.closeup.endpoint is not None
    bare = EndpointCloseup(*CHECKOUT, spectrum=now.closeup.endpoint.spectrum, bars=(), has_series=False)
    said = text_of(
        endpoint_lines(replace(now, closeup=replace(now.closeup, endpoint=bare)), CHECKOUT, 80, 24, LOOK, fills=True)
    )
    assert "not followed over time" in said
    assert "p99" in said


@given(st.integers(20, 220), st.integers(8, 60), st.booleans())
@settings(max_examples=40, deadline=None)
def test_pages_keep_to_their_width(width: int, height: int, fills: bool) -> None:  # noqa: FBT001 - drawn
    """Charts and columns of any size; texts at the end of a line are cut by the screen."""
    now = looked_at(frame(), Focus(endpoint=CHECKOUT, worker="inc1"))
    for lines in (
        endpoint_lines(now, CHECKOUT, width, height, LOOK, fills=fills),
        worker_lines(now, "inc1", width, height, LOOK, fills=fills),
        endpoint_lines(now, CHECKOUT, width, height, ASCII, fills=fills),
    ):
        assert all(cell_len("".join(s for s, _ in runs)) <= max(width, 80) for runs in lines)


def test_pages_are_ascii_where_the_terminal_is() -> None:
    """Every glyph of ours has a stand-in."""
    now = looked_at(frame(), Focus(endpoint=CHECKOUT, worker="inc1", heat=True))
    assert text_of(endpoint_lines(now, CHECKOUT, 120, 40, ASCII, fills=True)).isascii()
    assert text_of(worker_lines(now, "inc1", 120, 40, ASCII, fills=True)).isascii()


# ------------------------------------------------------------------ heat


@given(
    st.integers(1, 130),
    st.integers(1, 30),
    st.lists(st.lists(st.integers(0, 999), min_size=5, max_size=5).map(tuple), max_size=40),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_heat_has_the_size_that_it_is_given(
    width: int,
    height: int,
    columns: list[tuple[int, ...]],
    fills: bool,  # noqa: FBT001 - drawn
) -> None:
    """Every row as wide as the widget."""
    heat = Heat(0, 1_000, (1, 10, 100, 1_000, 10_000, 100_000), tuple(columns))
    plot = HeatPlot(heat, Plot("", "", (), span_ms=30_000))
    rows = draw_heat(plot, width, height, LOOK, fills=fills)
    assert len(rows) == height
    assert all(cell_len("".join(said for said, _ in runs)) == width for runs in rows)


def test_more_samples_are_hotter() -> None:
    """One band of ten samples beside one of a thousand."""
    heat = Heat(0, 1_000, (1_000, 2_000, 4_000), ((10, 1_000),))
    rows = draw_heat(HeatPlot(heat, Plot("", "", (), span_ms=1_000)), 17, 4, LOOK, fills=True)
    tones = [{tone for _, tone in runs if tone.startswith("heat")} for runs in rows[1:3]]
    assert tones == [{"heat-8"}, {"heat-1"}]


async def test_h_changes_between_lines_and_heat() -> None:
    """A closer look is asked for only while it is seen."""
    feed = StillFeed(frame())
    app = TidalApp(feed, Wishes(), look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert feed.focus is not None
        assert not feed.focus.heat
        await pilot.press("h")
        await settled(pilot)
        await settled(pilot)
        assert feed.focus.heat
        assert "as heat" in screen_text(pilot)
        await pilot.press("h")
        await settled(pilot)
        await settled(pilot)
        assert "as heat" not in screen_text(pilot)


# ------------------------------------------------------------------ lines and figures


@given(st.lists(st.integers(0, 10**9), max_size=80), st.integers(1, 40))
def test_a_spark_has_its_width_and_its_highest_at_the_top(values: list[int], cells: int) -> None:
    """Whatever there is to show."""
    said = spark(values, cells, LOOK)
    assert len(said) == (cells if values else 0)
    if values and len(values) <= cells and max(values):
        assert "█" in said
    assert spark(values, cells, ASCII).isascii()


@given(st.from_regex(r"[0-9,.<-]{1,9}", fullmatch=True))
def test_big_figures_are_three_rows_of_one_width(figure: str) -> None:
    """All that stands in a header can be drawn large."""
    assert is_drawable(figure)
    rows = big(figure)
    assert len({len(row) for row in rows}) == 1
    assert set("".join(rows)) <= set(" ▀▄█")


async def test_the_page_follows_a_replay() -> None:
    """The same keys of time as on the tables."""
    film = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
    film.seek(BEGAN_MS + 240_000)
    app = TidalApp(film, look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        before = text_of(dashboard(pilot)._page.lines)
        await pilot.press("right")
        await settled(pilot)
        assert film.position_ms == BEGAN_MS + 245_000
        assert text_of(dashboard(pilot)._page.lines) != before
