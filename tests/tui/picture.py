"""Draw the dashboard into an SVG: `python tests/tui/picture.py OUT.svg [WIDTHxHEIGHT] [FRAME] [KEYS …]`.

FRAME is a factory of `frames.py` (frame, waiting, closed, limping, hostile), `replay` or `start`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import desks
import frames
from fakes import FilmFeed, StillFeed, Wishes, finished, settled

from tidal.tui.app import TidalApp


def app_of(name: str) -> TidalApp:
    """An app that shows the named picture."""
    look = frames.ASCII if name.startswith("ascii-") else frames.LOOK
    name = name.removeprefix("ascii-")
    if name.startswith("start"):
        return TidalApp(desk=desks.DESKS[name](), look=look)
    if name == "replay":
        film = FilmFeed(
            lambda at_ms: frames.frame((at_ms - frames.BEGAN_MS) // 1000), frames.BEGAN_MS, frames.BEGAN_MS + 600_000
        )
        film.seek(frames.BEGAN_MS + 252_000)
        return TidalApp(film, look=look)
    return TidalApp(StillFeed(getattr(frames, name)()), Wishes(), look=look)


async def draw(name: str, size: tuple[int, int], keys: list[str]) -> str:
    """The SVG of a picture after some keys."""
    app = app_of(name)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await finished(app, "_look_at_file")
        if app.dashboard is not None:
            await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause()
        return app.export_screenshot(title="tidal")


def main() -> None:
    """Write the file."""
    out, size, name, *keys = [*sys.argv[1:], *("dashboard.svg", "120x30", "frame")[len(sys.argv) - 1 :]]
    width, height = (int(n) for n in size.split("x"))
    Path(out).write_text(asyncio.run(draw(name, (width, height), keys)), encoding="utf8")


if __name__ == "__main__":
    main()
