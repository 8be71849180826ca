"""Tables by hand: columns, pins, groups, filters; and what is taken away from them: copies, files, pictures."""

from __future__ import annotations

import csv
import io
import json
from contextlib import chdir
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from fakes import FilmFeed, StillFeed, Wishes, dashboard, finished, screen_text, settled
from frames import BEGAN_MS, LOOK, frame
from hypothesis import given
from hypothesis import strategies as st

from tidal.tui import export
from tidal.tui.app import TidalApp
from tidal.tui.memory import Settings, ShortMemory, TableMemory
from tidal.tui.screens.choosers import ColumnsChooser, MomentQuestion, ViewsMenu, moment_of
from tidal.tui.widgets.columns import Cell, Column, GridRow, condition

if TYPE_CHECKING:
    from pathlib import Path

NOON_MS = 1_750_075_200_000  # 2025-06-16 12:00:00 UTC
COLUMNS = (Column("name", "Name", 8, right=False), Column("count", "Count", 8))


def row(name: str, count: int = 1) -> GridRow:
    """A row of two cells."""
    return GridRow(name, (Cell(name), Cell(f"{count:,}", "", count)))


def names_in(folder: Path) -> list[str]:
    """The files there."""
    return sorted(path.name for path in folder.iterdir())


def live(memory: ShortMemory | None = None) -> tuple[TidalApp, StillFeed]:
    """An app on a live run."""
    feed = StillFeed(frame())
    return TidalApp(feed, Wishes(), look=LOOK, memory=memory), feed


# ------------------------------------------------------------------ by hand


async def test_a_pinned_row_stays_at_the_top_whatever_the_order_and_the_filter() -> None:
    """And is marked; the same key lets it go."""
    app, _ = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        grid = dashboard(pilot).grid("requests")
        await pilot.press("down", "down", "p")
        assert grid.keys[0] == "GET\0/search?q=[words]"
        await pilot.press("s", "s", "s")
        assert grid.keys[0] == "GET\0/search?q=[words]"
        grid.narrow_to("checkout")
        assert grid.keys == ["GET\0/search?q=[words]", "POST\0/checkout", "POST\0/checkout/payment/confirm"]
        await pilot.pause()
        assert "◆" in screen_text(pilot)
        await pilot.press("g", "p")
        assert "GET\0/search?q=[words]" not in grid.keys


async def test_columns_are_chosen_and_remembered() -> None:
    """What was left out is left out in the next run, and so is the order."""
    memory = ShortMemory()
    app, _ = live(memory)
    async with app.run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert isinstance(app.screen, ColumnsChooser)
        await pilot.press("space", "down", "down", "s")
        await pilot.pause()
        grid = dashboard(pilot).grid("requests")
        assert grid.hidden == {"method"}
        assert grid.order == ("requests", True)
        assert "Method" not in screen_text(pilot)
    again, _ = live(memory)
    async with again.run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        grid = dashboard(pilot).grid("requests")
        assert grid.hidden == {"method"}
        assert grid.order == ("requests", True)
        assert "Method" not in screen_text(pilot)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_a_memory_that_is_not_one_is_none(value: object) -> None:
    """The file may hold anything."""
    left = TableMemory.of(value)
    assert isinstance(left.sort, str)
    assert all(isinstance(key, str) for key in left.hidden)


def test_a_memory_forgets_the_oldest() -> None:
    """Its file stays small."""
    memory = ShortMemory()
    for number in range(500):
        memory.put(f"form.{number}", number)
    assert len(memory.values) == 200
    assert memory.get("form.499") == 499
    assert memory.get("form.0") is None


async def test_endpoints_are_grouped_by_their_paths() -> None:
    """The figures of a group come from the frame, for percentiles cannot be added up."""
    app, feed = live()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("b")
        await settled(pilot)
        assert feed.focus is not None
        assert feed.focus.group == 1
        assert "by 1 part of the path" in screen_text(pilot)
        await pilot.press("b", "b", "b")
        await settled(pilot)
        assert feed.focus.group == 0
        await pilot.press("b", "escape")
        await settled(pilot)
        assert feed.focus.group == 0


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cart", ["/cart", "/cart/add"]),
        ("!a", ["POST /x"]),
        ("/^.cart$/", ["/cart"]),
        ("/CART|x/", ["/cart", "/cart/add", "POST /x"]),
        ("/[/", []),
        ("", ["/cart", "/cart/add", "POST /x"]),
    ],
)
def test_a_filter_takes_words_and_expressions(typed: str, found: list[str]) -> None:
    """An expression that is not finished is looked for as it is."""
    rows = [row("/cart"), row("/cart/add"), row("POST /x")]
    wanted = condition(typed)
    assert [r.key for r in rows if wanted is None or wanted(r)] == found


async def test_v_lists_the_views() -> None:
    """For who does not know the digits."""
    app, _ = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(app.screen, ViewsMenu)
        await pilot.press("j", "j", "enter")
        await settled(pilot)
        assert "503 Server Error" in screen_text(pilot)


async def test_the_theme_is_remembered_and_a_config_file_counts_more() -> None:
    """Unknown ones are passed over."""
    memory = ShortMemory()
    app, _ = live(memory)
    async with app.run_test() as pilot:
        app.theme = "tidal-contrast"
        await pilot.pause()
    assert memory.get("theme") == "tidal-contrast"
    again, _ = live(memory)
    assert again.theme == "tidal-contrast"
    said = TidalApp(StillFeed(frame()), look=LOOK, memory=memory, settings=Settings(theme="tidal-light"))
    assert said.theme == "tidal-light"
    assert TidalApp(StillFeed(frame()), look=LOOK, settings=Settings(theme="plaid")).theme == "tidal"


async def test_keys_can_be_remapped() -> None:
    """By the name of what they do; the old key does nothing any more."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK, settings=Settings(keys={"view.freeze": "z"}))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("f")
        await pilot.pause()
        assert "FROZEN" not in screen_text(pilot)
        await pilot.press("z")
        await pilot.pause()
        assert "FROZEN" in screen_text(pilot)
        assert "z Freeze" in screen_text(pilot)


# ------------------------------------------------------------------ taken away


async def test_a_row_and_a_table_are_copied_as_text() -> None:
    """Without borders, through OSC 52."""
    app, _ = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("y")
        assert app.clipboard.startswith("GET  /  74,662")
        await pilot.press("Y")
        lines = app.clipboard.splitlines()
        assert lines[0].split()[:2] == ["Method", "Name"]
        assert lines[-1].startswith("TOTAL")
        assert len({line.index("/") for line in lines[1:-1]}) == 1
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("y")
        assert "Percentiles" in app.clipboard


@pytest.mark.parametrize(("key", "suffix"), [("c", "csv"), ("j", "json")])
async def test_a_table_is_saved(key: str, suffix: str, tmp_path: Path) -> None:
    """Where one stands, never over a file that is there."""
    app, _ = live()
    with chdir(tmp_path):
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            for _ in range(2):
                await pilot.press("E")
                await pilot.pause()
                await pilot.press(key)
                await finished(app, "action_export")
                await pilot.pause()
    files = names_in(tmp_path)
    assert files == [f"tidal-r7f3a-requests-1.{suffix}", f"tidal-r7f3a-requests.{suffix}"]
    saved = (tmp_path / files[1]).read_text(encoding="utf-8")
    rows = json.loads(saved) if suffix == "json" else list(csv.reader(io.StringIO(saved)))
    assert len(rows) == (11 if suffix == "json" else 12)


async def test_the_screen_is_saved_as_svg(tmp_path: Path) -> None:
    """For a bug report or a page."""
    app, _ = live()
    with chdir(tmp_path):
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            await pilot.press("ctrl+s")
            await finished(app, "action_picture")
    assert "<svg" in (tmp_path / "tidal-r7f3a-screen.svg").read_text(encoding="utf-8")


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    """Names come from outside."""
    said = export.as_csv(COLUMNS, [row("=HYPERLINK(1)", 1_234), row("+1"), row("plain")])
    assert list(csv.reader(io.StringIO(said)))[1:] == [["'=HYPERLINK(1)", "1234"], ["'+1", "1"], ["plain", "1"]]


def test_saving_says_why_it_cannot(tmp_path: Path) -> None:
    """A folder that is not there, say."""
    with pytest.raises(OSError, match="nowhere"):
        export.save(tmp_path / "nowhere", "x", "csv", "")


# ------------------------------------------------------------------ a moment


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("2m30s", BEGAN_MS + 150_000),
        ("0s", BEGAN_MS),
        ("+10s", NOON_MS + 10_000),
        ("-1m", NOON_MS - 60_000),
        ("12:03", NOON_MS + 180_000),
        ("11:59:30", NOON_MS - 30_000),
        ("23:59", NOON_MS + 43_140_000),
    ],
)
def test_a_moment_is_of_the_load_of_here_or_of_the_clock(typed: str, at_ms: int) -> None:
    """A time of day is the nearest one."""
    assert moment_of(typed, NOON_MS, BEGAN_MS, UTC) == at_ms


@given(st.text(max_size=30))
def test_anything_else_is_refused_in_words(typed: str) -> None:
    """What was typed never ends the screen."""
    wrong = ""
    try:
        moment_of(typed, NOON_MS, BEGAN_MS, UTC)
    except ValueError as error:
        wrong = str(error)
    assert not wrong or "a moment" in wrong


def film() -> FilmFeed:
    """Ten minutes, standing at 4:00."""
    feed = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
    feed.seek(BEGAN_MS + 240_000)
    return feed


@pytest.mark.parametrize(
    ("keys", "at_ms"),
    [
        (("right_square_bracket",), 600_000),
        (("left_square_bracket",), 198_000),
        (("left_square_bracket", "left_square_bracket"), 150_000),
        (("full_stop",), 240_500),
        (("comma", "comma"), 239_000),
        (("t", *"2m", "enter"), 120_000),
        (("t", *"-10s", "enter"), 230_000),
        (("t", "escape"), 240_000),
    ],
)
async def test_keys_of_time(keys: tuple[str, ...], at_ms: int) -> None:
    """Events, ticks, and a moment by name."""
    feed = film()
    app = TidalApp(feed, look=LOOK)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        if keys[0] == "right_square_bracket":
            feed.seek(BEGAN_MS + 599_000)
            await settled(pilot)
            at_ms = 599_000  # there is none after it: the bell rings
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await settled(pilot)
        assert feed.position_ms == BEGAN_MS + at_ms


async def test_a_moment_that_is_none_is_said_in_the_box() -> None:
    """It stays open."""
    app = TidalApp(film(), look=LOOK)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("t", *"soon", "enter")
        await pilot.pause()
        assert isinstance(app.screen, MomentQuestion)
        assert "a moment: 2m30s" in screen_text(pilot)
