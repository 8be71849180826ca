"""Pictures of the screens, held to those that a person has looked at (`--snapshot-update` after looking again).

The pictures are SVG text without fonts, times are in UTC, frames are made without chance: they are the same everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakes import FilmFeed, StillFeed, Wishes, settled
from frames import ASCII, BEGAN_MS, LOOK, closed, frame, hostile, limping, waiting

from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = {"80x24": (80, 24), "120x30": (120, 30), "200x50": (200, 50)}


def pressed(*keys: str) -> Callable[[Pilot[str]], Any]:
    """Keys to press when the newest picture is there."""

    async def before(pilot: Pilot[str]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_live(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """A healthy run."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=size, run_before=pressed())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_replay(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """The same screen with a badge and a scrubber."""
    film = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
    film.seek(BEGAN_MS + 252_000)
    assert snap_compare(TidalApp(film, look=LOOK), terminal_size=size, run_before=pressed("space"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_trouble(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """A worker is lost, the load is short, Redis is silent, the screen is frozen."""
    app = TidalApp(StillFeed(limping(), "Redis does not answer (for 12 s)"), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=size, run_before=pressed("2", "f"))


def test_smallest(snap_compare: Callable[..., bool]) -> None:
    """All that matters fits 60x16."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=(60, 16), run_before=pressed())


def test_waiting(snap_compare: Callable[..., bool]) -> None:
    """Before the start."""
    app = TidalApp(StillFeed(waiting()), Wishes(), look=LOOK)
    assert snap_compare(app, run_before=pressed("2"))


def test_closed_charts(snap_compare: Callable[..., bool]) -> None:
    """The charts of a whole run."""
    app = TidalApp(StillFeed(closed()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=(120, 30), run_before=pressed("7"))


def test_story(snap_compare: Callable[..., bool]) -> None:
    """The events of a run."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=(100, 24), run_before=pressed("5"))


def test_leaving(snap_compare: Callable[..., bool]) -> None:
    """Detach or stop."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    assert snap_compare(app, run_before=pressed("q"))


def test_hostile(snap_compare: Callable[..., bool]) -> None:
    """Markup and escape sequences are text."""
    app = TidalApp(StillFeed(hostile()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=(100, 24), run_before=pressed("3"))


def test_ascii(snap_compare: Callable[..., bool]) -> None:
    """A terminal without UTF-8."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=ASCII)
    assert snap_compare(app, terminal_size=(100, 24), run_before=pressed())


def test_light(snap_compare: Callable[..., bool]) -> None:
    """The theme for daylight."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    app.theme = "tidal-light"
    assert snap_compare(app, terminal_size=(100, 24), run_before=pressed())
