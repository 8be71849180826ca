"""Rewind a run: `tidal replay RUN`, or the file of an archive. No Redis is needed.

The screen is the one of the live run, with a scrubber below it. --print shows one moment as text instead, the end
unless --at says otherwise; --json writes that moment as JSON. Live and replayed, the same moment gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli import flags
from tidal.errors import NoSuchFile

if TYPE_CHECKING:
    import argparse

    from tidal.replay import ReplayFeed
    from tidal.tui.feed import Seekable


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "run",
        nargs="?",
        default="latest",
        metavar="RUN|FILE",
        help="the run's id or its beginning, or the path of an archive (default: latest)",
    )
    parser.add_argument("--at", type=flags.span_ms, metavar="SPAN", help="go to this moment of the load: 2m30s")
    parser.add_argument("--print", action="store_true", help="print the moment as text, without a screen")
    flags.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """The screen, or one moment of the run as text and JSON."""
    from tidal.archive import Archive
    from tidal.cli.console import is_terminal, lines_to, write_json
    from tidal.outputs.text import summary
    from tidal.replay import ReplayFeed

    feed = ReplayFeed(Archive.open(archive_of(args.run)))
    try:
        if not (args.print or args.json) and is_terminal():
            return _shown(feed, args.at or 0)
        seek(feed, args.at)
        frame = feed.frame()
        if frame is None:
            raise NoSuchFile(f"{args.run}: the archive holds no entry yet")
        if args.print or not args.json:
            print(summary(frame), end="", file=lines_to(args.json))
        write_json(frame, args.json)
    finally:
        feed.close()
    return 0


def _shown(feed: ReplayFeed, offset_ms: int) -> int:
    """The screen."""
    from tidal.cli.terminal import end_as_told, show
    from tidal.tui.app import TidalApp

    seek(feed, offset_ms)
    app = TidalApp(feed)
    show(app)
    end_as_told(app)
    return app.return_code or 0


def archive_of(name: str) -> Path:
    """The archive that is meant: a file of that name, else the run's."""
    from tidal.cli.find import archived, pick

    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.suffix == ".tidal" or len(path.parts) > 1:
        raise NoSuchFile(f"no file {name}")
    found = pick(name, archived(), "archive")
    if found.archive is None:
        raise NoSuchFile(f"run {found.run} has no archive on this machine")
    return found.archive


def seek(feed: Seekable, offset_ms: int | None) -> None:
    """Go to so long after the start of the load; None: to the end."""
    feed.pause()
    feed.seek(feed.last_ms)
    frame = feed.frame()
    if offset_ms is not None and frame is not None:
        feed.seek((frame.run.began_ms or frame.run.opened_ms) + offset_ms)
