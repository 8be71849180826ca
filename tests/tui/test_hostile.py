"""Names, errors and hosts come from user code and from the network: none of them may reach the terminal as it is."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from fakes import StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, HOSTILE, LOOK, hostile
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tidal.model.rows import FailureRow
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.screens.detail import detail_of
from tidal.tui.widgets.header import Chrome, header_lines
from tidal.tui.widgets.tables import TABLES

if TYPE_CHECKING:
    from tidal.tui.look import Look

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def strange(shown: str) -> set[str]:
    """Characters that a terminal might obey."""
    return {c for c in shown if unicodedata.category(c) in FORBIDDEN and c != "\n"}


@pytest.mark.parametrize("look", [LOOK, ASCII], ids=["utf8", "ascii"])
@pytest.mark.parametrize("size", [(60, 16), (200, 50)])
async def test_no_hostile_character_reaches_the_screen(look: Look, size: tuple[int, int]) -> None:
    """Every table, its details too; markup stays text, lines keep their width."""
    feed = StillFeed(hostile(), trouble=HOSTILE)
    app = TidalApp(feed, Wishes(), look=look)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        for key in "1234567":
            await pilot.press(key)
            await pilot.pause()
            shown += screen_text(pilot)
            await pilot.press("enter")
            await pilot.pause()
            shown += screen_text(pilot)
            await pilot.press("escape")
        assert strange(shown) == set()
        assert "[red]boo[/]" in shown
        assert app.is_running
    assert look is LOOK or shown.isascii()


async def test_a_hostile_filter_and_note_are_text() -> None:
    """What the operator pastes is no markup either."""
    app = TidalApp(StillFeed(hostile()), Wishes(), look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        dashboard(pilot).grid("requests").narrow_to("[/] [red] [@click=app.quit]")
        await settled(pilot)
        assert "/[/] [red] [@click=ap" in screen_text(pilot)


@given(st.text(max_size=200), st.integers(1, 120))
@settings(max_examples=60, deadline=None)
def test_any_text_in_a_header_leaves_its_lines_whole(raw: str, width: int) -> None:
    """Whatever the file is called."""
    lines = header_lines(hostile(), Chrome(trouble=raw, frozen=True, replay=True), width, LOOK)
    for runs in lines:
        text = "".join(piece for piece, _ in runs)
        assert strange(text) == set()
        assert cell_len(text) == width


@given(st.text(max_size=200), st.sampled_from([name for name, table in TABLES.items() if not table.is_rare]))
@settings(max_examples=60, deadline=None)
def test_any_text_in_details_is_harmless(raw: str, name: str) -> None:
    """Details show texts in full, but cleaned."""
    now = hostile()
    row = TABLES[name].rows(now, LOOK)[0]
    detail = detail_of(name, now, row.key, LOOK)
    assert detail is not None
    said = "".join([detail.title, *detail.body, *(value for _, value in detail.pairs)])
    assert strange(said) == set()
    assert strange(LOOK.outside(raw)) == set()


def test_details_of_a_row_that_is_gone_are_none() -> None:
    """The next picture may have dropped it."""
    assert detail_of("failures", hostile(), "no such key", LOOK) is None


def test_absurd_figures_do_not_stop_a_table() -> None:
    """Times outside of the calendar, counts beyond all measure."""
    row = FailureRow("GET", "/", "x", 10**30, -(10**18), 10**18)
    table = TABLES["failures"]
    drawn = table.rows(replace(hostile(), failures=(row,)), LOOK)
    assert drawn[0].cells[-1].text == "-"
