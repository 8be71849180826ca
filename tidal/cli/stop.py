"""Stop a run in order: users finish what they are at, within the run's stop timeout.

The wish is written into the run's log with your name. `tidal stop` returns when the master has accepted it; a run
that is over already needs no stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="the run's id or a part of it, or latest")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for whoever reads the log")
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import RunIsOver, hand_in
    from tidal.model.events import TEXT_MAX, WantStop

    try:
        return hand_in(args, WantStop(args.reason[:TEXT_MAX]))
    except RunIsOver as over:  # what was wanted is so
        print(over)
        return 0
