"""The keys below the screen: each whole, and the way out always among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import StillFeed, Wishes, screen_text, settled
from frames import ASCII, LOOK, frame
from hypothesis import given
from hypothesis import strategies as st

from tidal.tui.app import TidalApp
from tidal.tui.widgets.keybar import KEPT, fitting

if TYPE_CHECKING:
    from tidal.tui.look import Look

KEYS = st.lists(st.tuples(st.sampled_from(["note", "sort", "help", "app.quit"]), st.integers(1, 20)), max_size=12)


@given(KEYS, st.integers(0, 200), st.integers(1, 2))
def test_what_is_left_fits_or_has_to_stay(keys: list[tuple[str, int]], room: int, gap: int) -> None:
    """Nothing beyond the room but what is always there; and nothing goes that had room."""
    left = fitting(keys, room, gap)
    width = sum(keys[i][1] + gap for i in left) - gap
    assert width <= room or all(keys[i][0] in KEPT for i in left)
    assert all(i in left for i, (action, _) in enumerate(keys) if action in KEPT)
    if sum(size + gap for _, size in keys) - gap <= room:
        assert len(left) == len(keys)


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120])
@pytest.mark.parametrize("look", [LOOK, ASCII])
async def test_no_key_is_cut(width: int, look: Look) -> None:
    """The last line is made of whole words at any width."""
    words = {"Seek", "Details", "Sort", "Users", "Note", "Stop", "Filter", "Quit", "Help", "Freeze", "palette"}
    app = TidalApp(StillFeed(frame()), Wishes(), look=look)
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        await pilot.pause()
        said = screen_text(pilot).splitlines()[-1].split()
        assert {word for word in said if len(word) > 3 and word[0].isupper()} <= words, said
        assert {"Quit", "Help"} <= set(said)
        assert len(said[-1]) > 3, said
