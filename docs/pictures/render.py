"""Draw the pictures of the pages from a real run's archive: `python docs/pictures/render.py [RUN.tidal SECONDS]`.

Each is the screen as it stood at that moment of the run. The run in the pictures: three workers under the bundled shop,
one of them killed with SIGKILL on the way, another one come later, more users asked for at 70 s.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.archive import Archive
from tidal.cli.desk import Desk
from tidal.demo import SHOP
from tidal.launch import LaunchSpec
from tidal.model.events import RunOptions
from tidal.model.frame import frame
from tidal.replay import Replay, ReplayFeed
from tidal.tui.app import TidalApp
from tidal.tui.look import Look

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.events import Event
    from tidal.model.rows import Frame
    from tidal.model.state import State
    from tidal.tui.feed import Feed

HERE = Path(__file__).parent
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...], str]] = {
    "dashboard": ((120, 32), (), "live"),
    "endpoint": ((120, 42), ("down", "enter"), "live"),
    "worker": ((120, 36), ("2", "down", "enter"), "live"),
    "heat": ((120, 36), ("7",), "live"),
    "plan": ((120, 36), ("9",), "live"),
    "replay": ((120, 34), (), "replay"),
    "large": ((200, 50), (), "live"),
    "small": ((60, 16), (), "live"),
}
"""Name → size, keys, of which kind."""


@dataclass(frozen=True)
class Still:
    """The live screen's feed, held at one moment; it could be rewound, as any live run can."""

    state: State
    at_ms: int
    is_replay = False
    playing = False
    speed = 1.0

    @property
    def position_ms(self) -> int:
        """Now."""
        return self.at_ms

    last_ms = position_ms

    @property
    def first_ms(self) -> int:
        """When the run was opened."""
        return self.state.log.opened_ms

    def outline(self) -> Frame | None:
        """The moment."""
        return self.frame()

    def seek(self, at_ms: int) -> None:
        """Stay."""

    def frame(self, focus: Focus | None = None) -> Frame:
        """The moment."""
        return frame(self.state, self.at_ms, focus)

    def trouble(self) -> str:
        """None."""
        return ""

    def close(self) -> None:
        """Nothing to close."""


class Nobody:
    """An operator who wants nothing, so that the footer shows the keys of a live run."""

    def want(self, event: Event) -> str:
        """Take no notice."""
        return event.KIND


class Window(Desk):
    """The desk behind the form, with nobody who would start anything."""

    def __init__(self) -> None:
        plan = "warm up: 0->100 in 30s, 100 for 2m, peak: 100->500 in 1m, 500 for 3m, down: ->0 in 30s"
        spec = LaunchSpec(str(SHOP), RunOptions(plan=(("", plan),), host="http://127.0.0.1:8089"))
        super().__init__(spec, lambda _: (_ for _ in ()).throw(RuntimeError("this is a picture")))


async def draw_form(size: tuple[int, int]) -> str:
    """The SVG of the start form over the bundled shop."""
    app = TidalApp(desk=Window(), look=Look(ascii_only=False, dots="braille", zone=UTC))
    async with app.run_test(size=size) as pilot:
        for _ in range(20):
            await pilot.pause(0.25)
        return app.export_screenshot(title="tidal")


async def draw(feed: Feed, size: tuple[int, int], keys: tuple[str, ...]) -> str:
    """The SVG of a screen after some keys."""
    look = Look(ascii_only=False, dots="braille", zone=UTC)
    app = TidalApp(feed, None if feed.is_replay else Nobody(), look=look)
    async with app.run_test(size=size) as pilot:
        for key in (None, *keys, None):
            if key is not None:
                await pilot.press(key)
            for _ in range(5):
                await pilot.pause(0.25)
        return app.export_screenshot(title="tidal")


def main() -> None:
    """Write the pictures."""
    (HERE / "start.svg").write_text(asyncio.run(draw_form((120, 30))), encoding="utf-8")
    if len(sys.argv) == 1:
        return
    path, seconds = sys.argv[1:]
    replay = Replay(Archive.open(Path(path)))
    began_ms = replay.final().log.began_ms
    at_ms = began_ms + int(float(seconds) * 1000)
    for name, (size, keys, kind) in PICTURES.items():
        feed: Feed = Still(replay.state_at(at_ms), at_ms)
        if kind == "replay":
            feed = ReplayFeed(Archive.open(Path(path)))
            feed.seek(at_ms)
        (HERE / f"{name}.svg").write_text(asyncio.run(draw(feed, size, keys)), encoding="utf-8")


if __name__ == "__main__":
    main()
