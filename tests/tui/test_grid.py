"""Tables: which columns fit, sorting, filtering, and that cursor and scroll survive new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from frames import LOOK, frame, limping
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from tidal.tui.look import TONE_CLASSES, Look
from tidal.tui.widgets.columns import Cell, Column, GridRow, arranged, lay, matches, place
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.tables import TABLES

if TYPE_CHECKING:
    from textual.app import ComposeResult

NAMES = Column("name", "Name", 8, right=False, most=20)
COUNT = Column("count", "Count", 7)
EXTRA = Column("extra", "Extra", 6, 2)


def rows(*counts: int) -> list[GridRow]:
    """Rows a, b, c … with these counts."""
    return [
        GridRow(chr(97 + i), (Cell(chr(97 + i) * 3), Cell(str(n), "", n), Cell("x", "dim", 0)))
        for i, n in enumerate(counts)
    ]


@pytest.mark.parametrize("name", list(TABLES))
@given(width=st.integers(1, 250))
@example(width=60)
def test_columns_never_need_more_than_there_is(name: str, width: int) -> None:
    """From 60 columns on every table fits, whatever its texts are."""
    columns = TABLES[name].columns
    placed = place(columns, [99] * len(columns), width)
    used = sum(at.gap + at.width for at in placed)
    assert used <= width or all(columns[at.index].priority == 0 for at in placed)
    assert used <= width or width < 60


def test_the_least_important_column_goes_first() -> None:
    """Narrower and narrower: name and count are the last to stay."""
    columns = (NAMES, EXTRA, COUNT)
    assert [at.index for at in place(columns, [3, 1, 3], 40)] == [0, 1, 2]
    assert [at.index for at in place(columns, [3, 1, 3], 20)] == [0, 2]
    assert [at.index for at in place(columns, [3, 1, 3], 5)] == [0, 2]


def test_a_name_takes_the_room_that_is_left_and_no_more_than_it_needs() -> None:
    """The numbers stay near the names on a wide screen."""
    assert place((NAMES, COUNT), [12, 3], 80)[0].width == 12
    assert place((NAMES, COUNT), [99, 3], 80)[0].width == 20
    assert place((NAMES, COUNT), [99, 3], 24)[0].width == 14


def test_numbers_are_sorted_as_numbers_and_texts_as_texts() -> None:
    """1,000 is more than 20; B stands beside b."""
    assert [row.key for row in arranged(rows(20, 1_000, 3), 1, downwards=True)] == ["b", "a", "c"]
    assert [row.key for row in arranged(rows(20, 1_000, 3), 0, downwards=False)] == ["a", "b", "c"]
    assert [row.key for row in arranged(rows(2, 1, 2), None, downwards=True)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", True),
        ("check", True),
        ("CHECK post", True),
        ("cart", False),
        ("!cart", True),
        ("check !post", False),
        ("!", False),
    ],
)
def test_every_word_must_be_there_and_no_word_with_an_exclamation_mark(words: str, found: bool) -> None:  # noqa: FBT001 a table of cases
    """Texts are searched, figures are not."""
    row = GridRow("k", (Cell("POST"), Cell("/checkout"), Cell("42", "", 42)))
    assert matches(row, words.casefold().split()) is found


@given(st.integers(60, 250), st.sampled_from(list(TABLES)))
def test_every_line_of_a_table_is_as_wide_as_its_columns(width: int, name: str) -> None:
    """Cells are cut and padded to their columns."""
    table = TABLES[name]
    placed = place(table.columns, [20] * len(table.columns), width)
    for row in table.rows(limping(), LOOK):
        line = lay([(cell.text, cell.tone) for cell in row.cells], table.columns, placed, LOOK)
        assert [cell_len(text) for text, _ in line] == [at.gap + at.width for at in placed]


@pytest.mark.parametrize("name", list(TABLES))
def test_a_row_has_a_cell_for_every_column_and_a_key_of_its_own(name: str) -> None:
    """Columns and cells are written apart, so they are held together here."""
    table = TABLES[name]
    drawn = table.rows(frame(), LOOK)
    assert all(len(row.cells) == len(table.columns) for row in drawn)
    assert len({row.key for row in drawn}) == len(drawn)


class Page(App[None]):
    """A grid alone on the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES

    def __init__(self, **names: Any) -> None:
        super().__init__()
        self.grid = Grid((NAMES, COUNT, EXTRA), Look(), **names)
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        """Only the grid."""
        yield self.grid

    def on_mount(self) -> None:
        """Give it the keys."""
        self.grid.styles.overflow_y = "auto"
        self.grid.focus()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Remember what was opened."""
        self.opened.append(event.row.key)


def line(page: Page, y: int) -> str:
    """A line of the grid."""
    return page.grid.render_line(y).text.rstrip()


async def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    """New figures change the order; the row under the cursor is still the one that was chosen."""
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.grid.show_rows(rows(5, 4, 3))
        page.grid.sort_by("count")
        await pilot.press("down")
        assert page.grid.cursor_row == rows(5, 4, 3)[1]
        page.grid.show_rows(rows(1, 2, 3))
        assert page.grid.keys == ["c", "b", "a"]
        assert page.grid.cursor_row == rows(1, 2, 3)[1]
        await pilot.press("G", "enter")
        assert page.opened == ["a"]


async def test_scroll_is_kept_when_figures_change_and_the_cursor_stays_in_view() -> None:
    """Only keys and wheel scroll a table."""
    page = Page()
    async with page.run_test(size=(40, 6)) as pilot:
        page.grid.show_rows(rows(*range(20)))
        await pilot.press("G")
        await pilot.pause()
        assert line(page, 5).split() == ["ttt", "19", "x"]
        page.grid.show_rows(rows(*range(100, 120)))
        await pilot.pause()
        assert line(page, 5).split() == ["ttt", "119", "x"]
        await pilot.press("pageup", "k", "j", "g")
        assert line(page, 1).split() == ["aaa", "100", "x"]


async def test_a_log_keeps_its_end_in_view_until_somebody_scrolls_away() -> None:
    """Like `tail -f`, and like `less` once a key was pressed."""
    page = Page(follows=True)
    async with page.run_test(size=(40, 6)) as pilot:
        page.grid.show_rows(rows(*range(10)))
        await pilot.pause()
        page.grid.show_rows(rows(*range(12)))
        await pilot.pause()
        assert line(page, 5).split()[0] == "lll"
        await pilot.press("g")
        page.grid.show_rows(rows(*range(14)))
        await pilot.pause()
        assert line(page, 1).split()[0] == "aaa"


async def test_only_changed_lines_are_drawn_again() -> None:
    """A picture with one new figure costs one line."""
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.grid.show_rows(rows(1, 2, 3), GridRow("", rows(6)[0].cells))
        await pilot.pause()
        drawn: list[int] = []
        render_line = page.grid.render_line
        page.grid.render_line = lambda y: (drawn.append(y), render_line(y))[1]  # type: ignore[method-assign]
        page.grid.show_rows(rows(1, 9, 3), GridRow("", rows(6)[0].cells))
        await pilot.pause()
        assert drawn == [2]
        drawn.clear()
        page.grid.show_rows(rows(1, 9, 3), GridRow("", rows(13)[0].cells))
        await pilot.pause()
        assert drawn == [9]


async def test_a_click_on_a_header_sorts_and_a_second_one_turns_the_order() -> None:
    """The arrow says which column and which way."""
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.grid.show_rows(rows(1, 3, 2))
        await pilot.pause()
        column = line(page, 0).index("Count")
        await pilot.click(Grid, offset=(column, 0))
        assert page.grid.keys == ["b", "c", "a"]
        assert "Count▾" in line(page, 0)
        await pilot.click(Grid, offset=(column, 0))
        assert page.grid.keys == ["a", "c", "b"]
        assert "Count▴" in line(page, 0)


async def test_s_goes_through_the_columns_and_back_to_the_order_of_the_frame() -> None:
    """S turns the order around."""
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.grid.show_rows(rows(1, 3, 2))
        await pilot.press("s", "s")
        assert page.grid.keys == ["b", "c", "a"]
        await pilot.press("S")
        assert page.grid.keys == ["a", "c", "b"]
        await pilot.press("s", "s")
        assert page.grid.keys == ["a", "b", "c"]


async def test_a_click_takes_the_cursor_and_a_double_click_opens() -> None:
    """The mouse can do what the keys can."""
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.grid.show_rows(rows(1, 3, 2))
        await pilot.click(Grid, offset=(2, 2))
        assert page.grid.cursor_row == rows(1, 3, 2)[1]
        await pilot.click(Grid, offset=(2, 3), times=2)
        assert page.opened == ["c"]


async def test_an_empty_table_says_why_it_is_empty() -> None:
    """Nothing yet, or nothing that matches."""
    page = Page(empty="no request yet")
    async with page.run_test(size=(40, 10)) as pilot:
        assert line(page, 1).strip() == "no request yet"
        page.grid.show_rows(rows(1))
        page.grid.narrow_to("zzz")
        await pilot.pause()
        assert line(page, 1).strip() == "no row matches the filter"


def test_every_heading_has_room_for_the_arrow_of_its_order() -> None:
    """A title is never cut because its column sorts."""
    tight = [(name, c.key) for name, table in TABLES.items() for c in table.columns if cell_len(c.title) >= c.width]
    assert tight == []
