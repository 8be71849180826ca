"""Compare runs with a baseline: phase by phase, endpoint by endpoint, percentile by percentile, with the noise said.

The first run is the baseline; it may be a name that was pinned (tidal runs pin RUN --as good; tidal diff good latest).
Phases are the plan's named stages, else what it wanted: 60 users, ramp to 120 users. A difference is told when it is
more than noise within the runs (all figures tested together, so equal runs raise an alarm once in twenty at most), and
larger than --tolerance. What differs between any two runs of the same thing is not known to two runs: docs/compare.md.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tidal.cli import cutting, flags
from tidal.cli.streams import STDOUT
from tidal.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.model.rows import Frame
    from tidal.model.segments import Pieces
    from tidal.outputs.compared import Compared

EXIT_UNJUDGED, EXIT_REGRESSION = 63, 64
"""Of tidal.errors.OTHER_EXIT_CODES; a test holds them together."""


def tolerance(text: str) -> float:
    """A share: 5%, 5 %, 0.05."""
    bare = text.strip().removesuffix("%").strip()
    try:
        value = float(bare) / (100 if bare != text.strip() else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 5% or 0.05")
    return value


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("runs", nargs="+", metavar="RUN|FILE", help="the baseline, then one run or more")
    parser.add_argument(
        "--fail-on",
        choices=["regression"],
        metavar="regression",
        help=f"end with code {EXIT_REGRESSION} after a regression, {EXIT_UNJUDGED} when nothing could be compared",
    )
    parser.add_argument(
        "--tolerance", type=tolerance, default=0.05, metavar="SHARE", help="smaller changes are none (default: 5%%)"
    )
    parser.add_argument("--all", action="store_true", help="every figure, also where nothing differs")
    parser.add_argument("--html", type=flags.place, metavar="FILE", help="as one HTML file; - is standard output")
    parser.add_argument(
        "--json", type=flags.place, metavar="FILE", nargs="?", const="-", help="as JSON; without a FILE standard output"
    )
    cutting.add(parser)


def run(args: argparse.Namespace) -> int:
    """Compare, and print."""
    from tidal.cli.console import columns_of
    from tidal.cli.report import put
    from tidal.cli.streams import show
    from tidal.outputs.compared import comparison_text, comparisons_html, comparisons_json

    if len(args.runs) < 2:
        raise UsageError("name two runs at the least: tidal diff BASELINE RUN")
    compared = _compared(args)
    if args.json:
        put(comparisons_json(compared), args.json)
    if args.html:
        put(comparisons_html(compared), args.html)
    if STDOUT not in {args.json, args.html}:
        for one in compared:
            show(comparison_text(one, columns_of(sys.stdout), every=args.all).removesuffix("\n"))
    return exit_code(compared) if args.fail_on else 0


def exit_code(compared: list[Compared]) -> int:
    """For a pipeline: what could not be compared is no pass."""
    if any(one.found.regressions for one in compared):
        return EXIT_REGRESSION
    return 0 if all(one.found.tested for one in compared) else EXIT_UNJUDGED


def _compared(args: argparse.Namespace) -> list[Compared]:
    from tidal.cli.replay import archive_of
    from tidal.model.compare import compare
    from tidal.outputs.compared import Compared

    places = [archive_of(name) for name in args.runs]
    for name in (name for name, place in zip(args.runs[1:], places[1:], strict=True) if place == places[0]):
        print(f"tidal: {args.runs[0]} and {name} are the same recording: nothing can differ", file=sys.stderr)
    base, pieces = _read(places[0], args)
    found = []
    for place in places[1:]:
        other, others = _read(place, args)
        found.append(Compared(base, other, compare(pieces, others, args.tolerance)))
    return found


def _read(place: Path, args: argparse.Namespace) -> tuple[Frame, Pieces]:
    from tidal.archive import Archive
    from tidal.cli.streams import say
    from tidal.cutting import pieces_of
    from tidal.model.frame import frame
    from tidal.replay import Replay

    cut_of = cutting.of(args)
    with Archive.open(place) as archive:
        say(archive.early_end(place.name))
        cut = cut_of(Replay(archive).final()) if cut_of is not None else None
        state, pieces = pieces_of(archive, cut)
        return frame(state, archive.last_ms), pieces
