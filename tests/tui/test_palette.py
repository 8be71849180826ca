"""The palette offers what can be done now, each thing once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from desks import desk
from fakes import FilmFeed, StillFeed, Wishes, settled
from frames import BEGAN_MS, LOOK, frame

from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from collections.abc import Callable

APPS: dict[str, Callable[[], TidalApp]] = {
    "live": lambda: TidalApp(StillFeed(frame()), Wishes(), look=LOOK),
    "watched": lambda: TidalApp(StillFeed(frame()), read_only=True, look=LOOK),
    "replay": lambda: TidalApp(FilmFeed(lambda _: frame(), BEGAN_MS, BEGAN_MS + 60_000), look=LOOK),
    "form": lambda: TidalApp(desk=desk(), look=LOOK),
}


@pytest.mark.parametrize("name", APPS)
async def test_nothing_is_offered_twice(name: str) -> None:
    """Two keys for one action are one line; scrolling is what arrows are for."""
    app = APPS[name]()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        if name != "form":
            await settled(pilot)
        titles = [command.title.partition(" (")[0] for command in app.get_system_commands(app.screen)]
    assert len(titles) == len(set(titles))
    assert {"Quit", "Theme", "Screenshot"} <= set(titles)
    assert not [title for title in titles if title.startswith("Scroll")]
