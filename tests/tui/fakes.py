"""Feeds, operators and starters that live in memory, and waiting for the screen without a clock."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from closeups import looked_at

from tidal.model.checked import Checked
from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tidal.model.closeup import Focus
    from tidal.model.events import Event
    from tidal.model.rows import Frame
    from tidal.tui.screens.dashboard import Dashboard


class StillFeed:
    """Always the same frame, until a test sets another."""

    is_replay = False

    def __init__(self, frame: Frame | None, trouble: str = "") -> None:
        self.now = frame
        self.why = trouble
        self.closed = False
        self.focus: Focus | None = None

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The frame that was set, with a closer look."""
        self.focus = focus
        return looked_at(self.now, focus) if self.now is not None and focus is not None else self.now

    def trouble(self) -> str:
        """The trouble that was set."""
        return self.why

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class FilmFeed(StillFeed):
    """A replay: frames made for any moment."""

    is_replay = True

    def __init__(self, make: Callable[[int], Frame], first_ms: int, last_ms: int) -> None:
        super().__init__(None)
        self.make = make
        self.first_ms, self.last_ms = first_ms, last_ms
        self.position_ms = first_ms
        self.playing = False
        self.speed = 1.0
        self.proof: Checked | None = Checked(60, 60, is_done=True)

    def checked(self) -> Checked | None:
        """All of it is what was recorded, unless a test says otherwise."""
        return self.proof

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The frame at the position, with a closer look."""
        made = self.make(self.position_ms)
        return looked_at(made, focus) if focus is not None else made

    def outline(self) -> Frame | None:
        """The last frame."""
        return self.make(self.last_ms)

    def seek(self, at_ms: int) -> None:
        """Go there."""
        self.position_ms = min(max(at_ms, self.first_ms), self.last_ms)

    def play(self) -> None:
        """Only remembered: a test moves the position itself."""
        self.playing = True

    def pause(self) -> None:
        """Only remembered."""
        self.playing = False


class Wishes:
    """An operator that keeps what was wanted, or refuses with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.wanted: list[Event] = []
        self.error = error
        self.threads: set[int] = set()

    def want(self, event: Event) -> str:
        """Keep it."""
        self.threads.add(threading.get_ident())
        if self.error:
            raise self.error
        self.wanted.append(event)
        return "id"


def dashboard(pilot: Pilot[str]) -> Dashboard:
    """The dashboard of the app under test."""
    app = pilot.app
    assert isinstance(app, TidalApp)
    assert app.dashboard is not None
    return app.dashboard


async def settled(pilot: Pilot[str]) -> None:
    """Wait until the newest picture is on the screen."""
    await pilot.pause()
    await dashboard(pilot).pump.next_picture()
    await pilot.pause()


async def finished(app: TidalApp, name: str) -> None:
    """Wait for the app's background work of this name."""
    await asyncio.gather(*(worker.wait() for worker in app.workers if worker.name == name))


def screen_text(pilot: Pilot[str]) -> str:
    """What stands on the screen, line by line."""
    width, height = pilot.app.size
    lines = pilot.app.screen._compositor.render_strips(pilot.app.size)
    text = ["".join(segment.text for segment in strip) for strip in lines]
    assert len(text) == height
    assert all(strip.cell_length == width for strip in lines)
    return "\n".join(text)
