"""Draw the README's pictures from a real run's archive: `python docs/pictures/render.py RUN.tidal SECONDS [WxH]`.

dashboard.svg is the screen as it stood at that moment of the run, replay.svg the same moment rewound.
The run in the pictures: three workers under the bundled shop, one of them killed with SIGKILL on the way.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.archive import Archive
from tidal.replay import ReplayFeed
from tidal.tui.app import TidalApp
from tidal.tui.look import Look

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.events import Event
    from tidal.model.rows import Frame
    from tidal.tui.feed import Feed

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Still:
    """The live screen's feed, held at one moment."""

    shown: Frame
    is_replay = False

    def frame(self, focus: Focus | None = None) -> Frame:  # noqa: ARG002 - as a feed is asked
        """The moment."""
        return self.shown

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


async def draw(feed: Feed, size: tuple[int, int]) -> str:
    """The SVG of a screen."""
    app = TidalApp(feed, None if feed.is_replay else Nobody(), look=Look(ascii_only=False, dots="braille"))
    async with app.run_test(size=size) as pilot:
        for _ in range(8):
            await pilot.pause(0.25)
        return app.export_screenshot(title="tidal")


def main() -> None:
    """Write both pictures."""
    archive, seconds, *rest = sys.argv[1:]
    width, height = (int(n) for n in (rest or ["120x36"])[0].split("x"))
    feed = ReplayFeed(Archive.open(Path(archive)))
    first = feed.frame()
    began_ms = first.run.began_ms if first is not None and first.run.began_ms else feed.first_ms
    feed.seek(feed.last_ms)
    last = feed.frame()
    began_ms = last.run.began_ms if last is not None else began_ms
    feed.seek(began_ms + int(float(seconds) * 1000))
    shown = feed.frame()
    if shown is None:
        raise SystemExit("the archive is empty")
    for name, source in (("dashboard", Still(shown)), ("replay", feed)):
        (HERE / f"{name}.svg").write_text(asyncio.run(draw(source, (width, height))), encoding="utf-8")


if __name__ == "__main__":
    main()
