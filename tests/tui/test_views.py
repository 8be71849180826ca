"""Every view at three sizes, in colour, without, and in ASCII, held to texts that a person has looked at.

`python tests/tui/test_views.py` writes them anew. Letters beside a line say how it is set, run by run: b bold, r
reversed, d dim, u underlined. In colour each run of text has the name of its tone before it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import FilmFeed, StillFeed, Wishes, settled
from frames import ASCII, BEGAN_MS, LOOK, frame
from inks import Inks, letters_of
from measured_frames import measured

from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

TEXTS = Path(__file__).parent / "__snapshots__" / "views"
MODES = ("colour", "nocolor", "ascii")
SIZES = {"80x24": (80, 24), "120x30": (120, 30), "200x50": (200, 50)}
VIEWS: dict[str, tuple[str, ...]] = {
    "requests": ("1",),
    "workers": ("2",),
    "failures": ("3",),
    "exceptions": ("4",),
    "events": ("1", "5"),
    "ledger": ("6",),
    "charts": ("7",),
    "classes": ("8",),
    "plan": ("9",),
    "logs": ("0",),
    "stages": ("v", "down", "enter"),
    "thresholds": ("v", "down", "enter"),
    "help": ("1", "question_mark"),
    "leave": ("1", "q"),
    "worker": ("2", "enter"),
    "endpoint": ("1", "down", "enter"),
}
"""What is shown of a live run, one after the other, and the keys that lead there."""
CLOSED_BY_ESCAPE = ("help", "leave", "worker", "endpoint")
DIMMED = ("help", "leave")
"""Over a screen that is tinted while it goes on being drawn: their colours are those of the pictures."""


def app_of(kind: str, *, ascii_only: bool) -> TidalApp:
    """The app of a view."""
    look = ASCII if ascii_only else LOOK
    if kind == "replay":
        film = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
        film.seek(BEGAN_MS + 252_000)
        return TidalApp(film, look=look)
    return TidalApp(StillFeed(measured()), Wishes(), look=look)


def drawn(pilot: Pilot[str]) -> str:
    """The screen: each line, then how its runs are set."""
    lines = []
    for strip in pilot.app.screen._compositor.render_strips(pilot.app.size):
        set_as = [
            (letters, sum(segment.cell_length for segment in run))
            for letters, run in groupby(strip, key=lambda s: letters_of(s.style))
        ]
        marks = " ".join(f"{letters}{cells}" for letters, cells in set_as if letters)
        lines.append(
            f"{''.join(segment.text for segment in strip).rstrip()}{f'   {chr(0xB6)} {marks}' if marks else ''}"
        )
    return "\n".join(lines) + "\n"


def in_colours(pilot: Pilot[str], inks: Inks) -> str:
    """The screen with the names of its colours."""
    inks.learn()
    return "\n".join(map(inks.drawn, pilot.app.screen._compositor.render_strips(pilot.app.size))) + "\n"


async def look_at(size: tuple[int, int], mode: str) -> dict[str, str]:
    """All views as texts, in a mode."""
    seen = {}
    async with shown("measured", size, mode) as pilot:
        inks = Inks(pilot.app) if mode == "colour" else None
        for name, keys in VIEWS.items():
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            if name not in DIMMED:
                await settled(pilot)
                await settled(pilot)
            if inks is None:
                seen[name] = drawn(pilot)
            elif name not in DIMMED:
                seen[name] = in_colours(pilot, inks)
            if name in CLOSED_BY_ESCAPE:
                await pilot.press("escape")
                await pilot.pause()
    async with shown("replay", size, mode) as pilot:
        seen["replay"] = in_colours(pilot, Inks(pilot.app)) if mode == "colour" else drawn(pilot)
    return seen


@asynccontextmanager
async def shown(kind: str, size: tuple[int, int], mode: str) -> AsyncIterator[Pilot[str]]:
    """An app with its first picture."""
    if mode == "nocolor":
        os.environ["NO_COLOR"] = "1"
    try:
        app = app_of(kind, ascii_only=mode == "ascii")
    finally:
        os.environ.pop("NO_COLOR", None)
    async with app.run_test(size=size) as pilot:
        for _ in range(3):
            await settled(pilot)
        yield pilot


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
async def test_the_views_are_as_they_were_looked_at(size: str, mode: str) -> None:
    """Nothing moves unnoticed."""
    seen = await look_at(SIZES[size], mode)
    if mode == "ascii":
        assert all(text.replace(chr(0xB6), "").isascii() for text in seen.values())
    looked_at = {name: text_of(name, size, mode).read_text(encoding="utf-8") for name in seen}
    assert seen == looked_at, "look again, then: python tests/tui/test_views.py"


def text_of(name: str, size: str, mode: str) -> Path:
    """Where the text is that was looked at."""
    return TEXTS / f"{name}-{size}-{mode}.txt"


def main(wanted: list[str]) -> None:
    """Write the texts of some views, or of all."""
    TEXTS.mkdir(parents=True, exist_ok=True)
    for size, cells in SIZES.items():
        for mode in MODES:
            for name, text in asyncio.run(look_at(cells, mode)).items():
                if not wanted or name in wanted:
                    text_of(name, size, mode).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
