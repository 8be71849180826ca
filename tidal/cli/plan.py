"""Show a plan as a curve, and start nothing: `tidal plan "0->100 in 30s, 100 for 5m, ->0 in 30s"`.

Without a plan, that of the locustfile (`tidal.plan(…)`) is shown. A mistake is told with its column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import planflags
from tidal.errors import UsageError

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "plans", nargs="*", type=planflags.plan_of, metavar="[CLASS=]STAGES", help="one plan, or one for each class"
    )
    parser.add_argument(
        "-f", "--locustfile", metavar="FILE", help="show the plan of this file (default: ./locustfile.py)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the curve."""
    from tidal.cli.request import locustfiles
    from tidal.launch import Inspection
    from tidal.model.planning import planned
    from tidal.outputs.curve import plan_lines

    typed = tuple(args.plans)
    if not typed:
        first, *more = map(str, locustfiles(args.locustfile))
        typed = Inspection(first, more_files=tuple(more)).awaited().plan
        if not typed:
            raise UsageError(f"{first} has no plan: say tidal.plan(…) in it, or a plan here")
    print("\n".join(plan_lines(planned(typed))))
    return 0
