"""Let a worker of a running load go: `tidal drain RUN WORKER`, the worker by its name in the run, such as w2.

Its users move to the other workers first, then it hands in its last report and ends; the load holds. The wish is
written into the run's log with your name. `tidal drain` returns when the master has accepted it; it refuses to let the
last worker go: stop the run instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="the run's id or a part of it, or latest")
    parser.add_argument("worker", metavar="WORKER", help="the worker's name in the run: w1, w2 …")
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import hand_in
    from tidal.model.events import WantDrain

    return hand_in(args, WantDrain(args.worker[:60]))
