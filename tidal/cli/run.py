"""Run a load test without a screen.

Prints a line every two seconds and whatever goes wrong as it happens, then tables. Ctrl-C stops the run in order; a
second one leaves at once. The exit code says how it went: 0 nothing failed, 1 something did, 62 a threshold was not
met; others are in the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags, planflags
from tidal.uncollected import uncollected

if TYPE_CHECKING:
    import argparse

STARTS_LOAD = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_file(parser)
    planflags.add_load(parser)
    flags.add_target(parser)
    flags.add_meaning(parser)
    flags.add_thresholds(parser)
    flags.add_distribution(parser)
    flags.add_files(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def run(args: argparse.Namespace) -> int:
    """Start the run, follow it, print its end."""
    with uncollected(stays=True):
        from tidal.cli.headless import run_headless
        from tidal.cli.request import files_at_end, launch_spec, locustfiles

    return run_headless(launch_spec(args, locustfiles(args.locustfile)), args.json, files_at_end(args))
