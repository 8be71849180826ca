"""Watch and steer a run from this terminal.

Any number of terminals may be attached to a run, from any machine that reaches its Redis. Quitting leaves the run alone
unless you say stop. Without a terminal the run is followed on plain lines.
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
    flags.add_headless(parser)
    flags.add_screen(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def run(args: argparse.Namespace) -> int:
    """Show the run until it is closed or the operator leaves."""
    return shown(args, may_steer=True)


def shown(args: argparse.Namespace, *, may_steer: bool) -> int:
    """The run on a screen, on plain lines or in a browser."""
    from tidal.cli.screen import attach
    from tidal.cli.serve import serve_words

    if args.serve is not None:
        return serve_words(args.serve, "tidal")
    return attach(args, may_steer=may_steer)
