"""Take a command line of Locust as it is: `tidal locust -f examples/shop.py --headless -u 100 -r 10 -t 5m --csv out`.

Flags, variables (LOCUST_…, and TIDAL_… before them), config files, log lines, tables, files and exit codes are
Locust's. Without --headless the run is shown on tidal's own screen; there is no web interface. The file's own arguments
stand between the others. On a terminal w and W start one user or ten more, s and S stop one or ten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from tidal.cli.locust_words import LocustParser


def parser() -> LocustParser:
    """Locust's flags and tidal's few."""
    from tidal.cli.locust_words import make

    made = make(description=__doc__ or "")
    made.run = run
    return made


def run(args: argparse.Namespace) -> int:
    """List, serve, or run the load as the flags say."""
    from tidal.cli.locust_exit import as_locust_ends
    from tidal.cli.locust_run import list_classes, show_ratio, start

    with as_locust_ends(args):
        if args.list_commands:
            return list_classes(args.files)
        if args.show_task_ratio or args.show_task_ratio_json:
            return show_ratio(args)
        return start(args)
