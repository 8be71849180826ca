"""Whatever is on the screen bears a terminal that changes its size without rest."""

from __future__ import annotations

import asyncio

import pytest
from fakes import StillFeed, Wishes, dashboard, settled
from frames import LOOK, frame
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen

from tidal.tui.app import TidalApp
from tidal.tui.screens.steady import Steady


def app_of() -> TidalApp:
    """An app on a live run."""
    return TidalApp(StillFeed(frame()), Wishes(None), look=LOOK)


def screens_of(kind: type[Screen[object]]) -> set[type[Screen[object]]]:
    """The classes of tidal's screens, below one of Textual's."""
    below = {deeper for child in kind.__subclasses__() for deeper in {child, *screens_of(child)}}
    return {one for one in below if one.__module__.startswith("tidal.")}


def test_every_screen_is_steady() -> None:
    """A question hangs as a dashboard would, when a corner is dragged while it is there."""
    found = screens_of(Screen)
    assert {"Dashboard", "Start", "Help", "UsersQuestion", "DetailScreen", "Palette"} <= {one.__name__ for one in found}
    assert {one for one in found if not issubclass(one, Steady)} == set()


@pytest.mark.parametrize("keys", ["question_mark", "u", "n", "x", "q", "5,enter", "c", "ctrl+p"])
async def test_a_question_bears_a_storm_of_sizes(keys: str) -> None:
    """It is laid out for the size that holds in the end, and still answers."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(*keys.split(","))
        await pilot.pause()
        assert app.screen is not dashboard(pilot)
        await app.screen.on_event(Resize(Size(200, 60), Size(200, 60)))  # late: it is not the one that holds
        assert app.screen.outer_size == dashboard(pilot).outer_size == (80, 24)
        async with asyncio.timeout(60):
            await asyncio.gather(*(pilot.resize_terminal(*size) for size in [(70, 20), (130, 40), (200, 60)] * 5))
            await settled(pilot)
        assert app.screen.outer_size == dashboard(pilot).outer_size == (200, 60)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is dashboard(pilot)
