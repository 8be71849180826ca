"""A load test of a small shop that comes along.

Starts the shop on a free port of this machine, sends it the load of examples/shop.py and shows the run; the shop closes
with it. Where no screen can be drawn, or with --headless, the run prints lines and tables. --incident rewinds a run
that was recorded while a shop was ill (docs/postmortem.md); every other command knows it as `incident`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import amounts, flags

if TYPE_CHECKING:
    import argparse

    from tidal.launch import LaunchSpec

USERS, RATE = 30, 5.0
RUN_TIME_MS = 120_000
HEADLESS_RUN_TIME_MS = 20_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("load")
    group.add_argument(
        "-u", "--users", type=amounts.user_count, default=USERS, metavar="N", help="how many (default: %(default)s)"
    )
    group.add_argument(
        "-r",
        "--spawn-rate",
        type=amounts.spawn_rate,
        default=RATE,
        metavar="RATE",
        help="users that start in a second (default: %(default)g)",
    )
    group.add_argument(
        "-t",
        "--run-time",
        type=amounts.positive_span_ms,
        metavar="SPAN",
        help="how long (default: 2m on a screen, 20s on plain lines)",
    )
    flags.add_processes(parser)
    flags.add_headless(parser)
    flags.add_screen(parser, serves=False)
    flags.add_json(parser)
    parser.add_argument(
        "--incident", action="store_true", help="rewind a recorded run that went wrong, instead of starting one"
    )


def run(args: argparse.Namespace) -> int:
    """Open the shop, load it, close it; or show what is recorded."""
    from tidal.cli.console import is_terminal
    from tidal.target.child import shop

    headless = args.headless or not is_terminal()
    if args.incident:
        return _incident(headless=headless)
    with shop() as url:
        spec = demo_spec(args, url, headless=headless)
        if headless:
            from tidal.cli.headless import run_headless

            return run_headless(spec, args.json)
        from tidal.cli import screen

        return screen.launched(spec, args.json, may_outlive=False, args=args)


def _incident(*, headless: bool) -> int:
    """The recorded run on the screen, else explained in words."""
    from tidal.cli.parser import parser_of
    from tidal.cli.replay import INCIDENT

    parser = parser_of("explain" if headless else "replay")
    return parser.run(parser.read([INCIDENT]))


def demo_spec(args: argparse.Namespace, url: str, *, headless: bool) -> LaunchSpec:
    """The demo's launch."""
    from tidal.demo import SHOP
    from tidal.launch import LaunchSpec
    from tidal.model.events import RunOptions
    from tidal.operator import author

    run_time_ms = args.run_time or (HEADLESS_RUN_TIME_MS if headless else RUN_TIME_MS)
    options = RunOptions(users=args.users, spawn_rate=args.spawn_rate, run_time_ms=run_time_ms, host=url)
    return LaunchSpec(file=str(SHOP), options=options, processes=args.processes, author=author())
