"""Make a report of a run from its archive: one HTML file, Markdown for a ticket, JSON for programs, CSV, JUnit.

The HTML file needs no network and nothing beside it: charts, tables, story, configuration and the run's source, in
light, in dark and on paper. Without any of the flags it is written to RUN.html in this folder. No Redis is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.cli import cutting, flags
from tidal.cli.streams import STDOUT
from tidal.errors import UsageError, cannot_write

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    to: dict[str, Any] = {"type": flags.place, "metavar": "FILE"}
    parser.add_argument(
        "--html", type=flags.place, metavar="FILE", help="the page (default: RUN.html); - is standard output"
    )
    parser.add_argument("--md", **to, help="a summary for a ticket; - is standard output")
    parser.add_argument("--json", **to, help="the final figures; - is standard output")
    parser.add_argument(
        "--csv", type=flags.prefix, metavar="PREFIX", help="Locust's four CSV files, PREFIX_stats.csv and so on"
    )
    parser.add_argument(
        "--csv-full-history", action="store_true", help="with --csv: every endpoint in the history file"
    )
    flags.add_verdict_files(parser)
    cutting.add(parser)
    parser.add_argument("--no-source", action="store_true", help="leave out the files that the run shipped")


def run(args: argparse.Namespace) -> int:
    """Write what was asked for, and say where it is."""
    from tidal.cli.replay import archive_of
    from tidal.cli.streams import say
    from tidal.cli.verdict_files import summary_file, write_verdict
    from tidal.outputs.html import render
    from tidal.outputs.json import frame_json
    from tidal.outputs.markdown import markdown
    from tidal.report import read

    archive = archive_of(args.run)
    if [args.html, args.md, args.json, args.junit, args.summary].count(STDOUT) > 1:
        raise UsageError("only one of --html, --md, --json, --junit and --summary can have standard output")
    summary_file(args.summary)
    cut, others = cutting.of(args), (args.md, args.json, args.csv, args.junit, args.summary)
    has_page = args.html or all(one is None for one in others)
    recorded = read(archive, cut, source=bool(has_page and not args.no_source))
    say(recorded.early)
    frame = recorded.frame()
    if has_page:
        put(render(recorded.report()), args.html or f"{frame.run.run}.html")
    if args.md:
        put(markdown(frame), args.md)
    if args.json:
        put(frame_json(frame), args.json)
    write_verdict(frame, args.junit, args.summary)
    if args.csv:
        _csv(archive, args, is_cut=cut is not None)
    return 0


def _csv(archive: Path, args: argparse.Namespace, *, is_cut: bool) -> None:
    from tidal.cli.locust_files import write_csv
    from tidal.cli.wanted import Wanted

    if is_cut:
        raise UsageError("--csv is second by second: of a cut there are --json, --md and --html")
    write_csv(archive, Wanted(args.csv, args.csv_full_history))
    print(f"written: {args.csv}_stats.csv and its like", file=sys.stderr)


def put(text: str, place: str) -> None:
    """Write a text to a file, and say so, or to standard output."""
    if place == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(place).expanduser()
    try:
        path.write_text(text, encoding="utf8", newline="\n")
    except OSError as error:
        raise cannot_write(place, error) from None
    print(f"written: {path}", file=sys.stderr)
