"""Every view at three sizes, without colours and in ASCII, held to texts that a person has looked at.

`python tests/tui/test_views.py` writes them anew. Letters beside a line say how it is set, run by run: b bold, r
reversed, d dim, u underlined. Colours are in the pictures of test_snapshots.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import FilmFeed, StillFeed, Wishes, settled
from frames import ASCII, BEGAN_MS, LOOK, frame
from measured_frames import measured

from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from textual.pilot import Pilot

TEXTS = Path(__file__).parent / "__snapshots__" / "views"
SIZES = {"80x24": (80, 24), "120x30": (120, 30), "200x50": (200, 50)}
VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("measured", ()),
    "workers": ("measured", ("2",)),
    "failures": ("measured", ("3",)),
    "exceptions": ("measured", ("4",)),
    "events": ("measured", ("5",)),
    "ledger": ("measured", ("6",)),
    "charts": ("measured", ("7",)),
    "classes": ("measured", ("8",)),
    "stages": ("measured", ("9",)),
    "thresholds": ("measured", ("0",)),
    "endpoint": ("measured", ("down", "enter")),
    "worker": ("measured", ("2", "enter")),
    "replay": ("replay", ()),
    "help": ("measured", ("question_mark",)),
    "leave": ("measured", ("q",)),
}
"""What is shown, and the keys that lead there."""


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


def letters_of(style: object) -> str:
    """The weight of a style, a letter each."""
    names = {"b": "bold", "r": "reverse", "d": "dim", "u": "underline"}
    return "".join(letter for letter, name in names.items() if getattr(style, name, None))


async def look_at(name: str, size: tuple[int, int], mode: str) -> str:
    """A view as text, in a mode: nocolor or ascii."""
    kind, keys = VIEWS[name]
    if mode == "nocolor":
        os.environ["NO_COLOR"] = "1"
    try:
        app = app_of(kind, ascii_only=mode == "ascii")
    finally:
        os.environ.pop("NO_COLOR", None)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        if name not in ("help", "leave"):
            await settled(pilot)
            await settled(pilot)
        return drawn(pilot)


@pytest.mark.parametrize("mode", ["nocolor", "ascii"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", VIEWS)
async def test_a_view_is_as_it_was_looked_at(name: str, size: str, mode: str) -> None:
    """Nothing moves unnoticed."""
    seen = await look_at(name, SIZES[size], mode)
    if mode == "ascii":
        assert seen.replace(chr(0xB6), "").isascii()
    assert seen == read(name, size, mode), "look again, then: python tests/tui/test_views.py"


def read(name: str, size: str, mode: str) -> str:
    """The text that was looked at."""
    return (TEXTS / f"{name}-{size}-{mode}.txt").read_text(encoding="utf-8")


def main(wanted: list[str]) -> None:
    """Write the texts of some views, or of all."""
    TEXTS.mkdir(parents=True, exist_ok=True)
    for name in wanted or VIEWS:
        for size, cells in SIZES.items():
            for mode in ("nocolor", "ascii"):
                seen = asyncio.run(look_at(name, cells, mode))
                (TEXTS / f"{name}-{size}-{mode}.txt").write_text(seen, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
