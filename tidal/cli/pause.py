"""Have a run stand still: nobody runs and nothing arrives, until `tidal resume`.

The plan goes on where it stood, with all that comes later put so much later. Users that are in the middle of something
may finish it, as at a stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_run(parser)
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import hand_in
    from tidal.model.events import WantPause

    return hand_in(args, WantPause())
