"""The view of lines of logging: levels, tail, a line in full, a worker's own."""

from __future__ import annotations

import pytest
from fakes import StillFeed, Wishes, settled
from frames import BEGAN_MS, HOSTILE, LOOK, frame, hostile, waiting

from tidal.model.rows import LogRow
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.screens.detail import DetailScreen, detail_of
from tidal.tui.widgets.logs import COLUMNS, LEAST, from_level, in_one_line, log_keys, rows
from tidal.tui.widgets.worker_page import worker_lines


def text_of(lines: list[list[tuple[str, str]]]) -> str:
    """What a page says."""
    return "\n".join("".join(said for said, _ in line) for line in lines)


@pytest.mark.parametrize(("least", "levels"), [
    ("", {"info", "warning", "error"}), ("info", {"info", "warning", "error"}), ("warning", {"warning", "error"}),
    ("error", {"error"}),
])  # fmt: skip
def test_a_level_leaves_out_what_is_less(least: str, levels: set[str]) -> None:
    """The key goes through these, and comes back to all."""
    shown = from_level(rows(frame(), LOOK), least)
    assert {row.cells[2].text.split()[-1] for row in shown} == levels
    assert least in LEAST


def test_the_same_words_of_one_moment_are_two_rows() -> None:
    """Each with a key of its own, and it opens."""
    line = LogRow(BEGAN_MS, 0, "w1", "w1/0", "error", "shop", "again")
    now = replace(frame(), logs=(line, line))
    assert len(set(log_keys(now))) == 2
    assert all(detail_of("logs", now, key, LOOK) is not None for key in log_keys(now))
    assert detail_of("logs", now, "gone", LOOK) is None


def test_a_traceback_is_one_line_in_the_table_and_whole_in_its_details() -> None:
    """With what was raised at the end of it."""
    now = frame()
    index = next(n for n, row in enumerate(now.logs) if "Traceback" in row.text)
    assert rows(now, LOOK)[index].cells[-1].text == "payment of 12.90 failed ⏎ HTTPError: 503 Server Error"
    detail = detail_of("logs", now, log_keys(now)[index], LOOK)
    assert detail is not None
    assert detail.body[-1] == "HTTPError: 503 Server Error"
    assert len(detail.body) == 5


@pytest.mark.parametrize(
    ("said", "shown"), [("a", "a"), ("a\n\n", "a"), ("a\nb", "a ⏎ b"), ("", ""), ("a\nb\n c \n", "a ⏎ c")]
)
def test_text_in_one_line(said: str, shown: str) -> None:
    """Whatever it has."""
    assert in_one_line(said) == shown


def test_a_workers_page_has_its_own_log() -> None:
    """Of its agent and its generators, nobody else's."""
    now = frame()
    page = text_of(worker_lines(now, now.workers[0].incarnation, 120, 40, LOOK, fills=False))
    assert "Redis answers" in page
    assert "payment of 12.90 failed" in page
    assert "37 lines left out" not in page
    silent = replace(now, logs=())
    assert "nothing was logged" in text_of(worker_lines(silent, now.workers[0].incarnation, 120, 40, LOOK, fills=False))


def test_hostile_lines_are_harmless() -> None:
    """In the table, in details, on a page."""
    now = hostile()
    told = "".join(cell.text for row in rows(now, LOOK) for cell in row.cells)
    detail = detail_of("logs", now, log_keys(now)[0], LOOK)
    assert detail is not None
    told += detail.title + "".join(detail.body)
    assert HOSTILE not in told
    assert not {"\x1b", "\u202e", "\x00", "\n", "\u200b"} & set(told)


async def test_the_view_opens_narrows_and_shows_a_line_in_full() -> None:
    """By its digit; by words; by level; enter."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    async with app.run_test(size=(100, 24)) as pilot:
        board = app.dashboard
        assert board is not None
        await settled(pilot)
        await pilot.press("0")
        await settled(pilot)
        grid = board.grid("logs")
        assert board.table is grid
        assert grid.shown == len(frame().logs)
        assert grid.cursor_row is not None
        assert grid.cursor_row.cells[-1].text == frame().logs[-1].text  # the tail
        await pilot.press("w", "w")
        await settled(pilot)
        assert grid.shown == len(frame().logs) - 1
        await pilot.press("slash", *"pay", "enter")
        assert grid.shown == 1
        await pilot.press("enter")
        assert isinstance(app.screen, DetailScreen)


async def test_an_empty_view_says_so_at_the_smallest_size() -> None:
    """Before anybody has logged anything."""
    app = TidalApp(StillFeed(waiting()), Wishes(), look=LOOK)
    async with app.run_test(size=(60, 16)) as pilot:
        await settled(pilot)
        await pilot.press("0")
        await settled(pilot)
        strips = app.screen._compositor.render_strips(app.size)
        assert any("nothing was logged" in "".join(s.text for s in strip) for strip in strips)


def test_the_most_important_columns_are_never_left_out() -> None:
    """When, how bad, who, what."""
    assert [column.key for column in COLUMNS if not column.priority] == ["time", "level", "who", "text"]
