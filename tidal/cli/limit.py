"""Search for the highest load that still meets thresholds: `tidal limit -f shop.py --until 'p95<300ms and fail%<1'`.

The load goes up in steps until the thresholds are not met, then to where the limit most likely is, again and again
around the edge, until it is known within the tolerance. Arrivals a second are searched for, or users with --users. It
is a run like any other: tidal attach watches it, tidal replay rewinds it. The exit code is 0 when a limit is found, 62
when even the lowest level does not meet the thresholds, 63 when the search was ended before it knew.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tidal.cli import amounts, flags
from tidal.cli.planflags import NO_PLAN
from tidal.errors import UsageError
from tidal.model.arrivals import EVEN, SPACINGS
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.spec import LimitSpec

STARTS_LOAD = True
START = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_file(parser)
    group = parser.add_argument_group("search")
    group.add_argument(
        "--until",
        action="append",
        type=flags.threshold,
        required=True,
        metavar="EXPR",
        help="thresholds that must hold, such as 'p95<300ms and fail%%<1'; may be said again",
    )
    group.add_argument(
        "-u",
        "--users",
        type=_level,
        nargs="?",
        const=START,
        metavar="START",
        help="search for a number of users, and begin with START of them (default: 10)",
    )
    group.add_argument(
        "--rate",
        type=_level,
        nargs="?",
        const=START,
        metavar="START",
        help="search for arrivals a second, and begin with START (this is the default, with 10)",
    )
    group.add_argument(
        "--spacing",
        choices=SPACINGS,
        default=EVEN,
        metavar="HOW",
        help="of arrivals: even, or poisson, as independent people come (default: even)",
    )
    group.add_argument("--most", type=_level, metavar="N", help="no level above this (default: 100,000)")
    group.add_argument(
        "-r", "--spawn-rate", type=amounts.spawn_rate, metavar="RATE", help="users that come or go in a second at least"
    )
    _add_spans(group)
    flags.add_target(parser)
    flags.add_meaning(parser)
    flags.add_distribution(parser)
    flags.add_files(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def _add_spans(group: flags.Taker) -> None:
    group.add_argument(
        "--settle", type=amounts.span_ms, default=5_000, metavar="SPAN", help="wait after each change (default: 5s)"
    )
    group.add_argument(
        "--probe", type=_probe_ms, default=20_000, metavar="SPAN", help="measure each level so long (default: 20s)"
    )
    group.add_argument(
        "--tolerance",
        type=_tolerance,
        default=50,
        metavar="PERCENT",
        help="how far apart the bounds may be (default: 5)",
    )
    group.add_argument(
        "--probes", type=_probes, default=40, metavar="N", help="give up being more exact after so many (default: 40)"
    )
    group.add_argument(
        "-t", "--run-time", type=amounts.positive_span_ms, metavar="SPAN", help="end then, whatever is known"
    )


def run(args: argparse.Namespace) -> int:
    """Start the run, follow it, print its end."""
    from tidal.cli.headless import run_headless
    from tidal.cli.request import files_at_end, launch_spec, locustfiles

    found = spec(args)
    args.thresholds, args.plan, args.seed = [], (("", NO_PLAN),), 0
    args.max_in_flight, args.fresh_users, args.users = 0, False, None
    for name in ("iterations", "iterations_per_user"):
        setattr(args, name, getattr(args, name, None) or 0)
    args.redo_unknown = False
    launched = launch_spec(args, locustfiles(args.locustfile))
    end_ms = args.run_time or found.probes_max * (2 * found.settle_ms + found.probe_ms + 10_000)
    options = replace(launched.options, limit=found, takes_plan=False, run_time_ms=end_ms, users=0)
    return run_headless(replace(launched, options=options), args.json, files_at_end(args))


def spec(args: argparse.Namespace) -> LimitSpec:
    """The search that the flags describe."""
    from tidal.model.limit import ARRIVALS, USERS
    from tidal.model.spec import LimitSpec
    from tidal.model.thresholds_read import canonical, thresholds_of

    if args.users is not None and args.rate is not None:
        raise UsageError("--users or --rate: one of them is searched for")
    for one in (one for text in args.until for one in thresholds_of(text)):
        if one.window or one.has_place or one.stage or one.aborts or not one.metric.can_be_of:
            raise UsageError(f"--until {one}: a level is judged as a whole, by what its requests were like")
    start = args.users if args.users is not None else args.rate if args.rate is not None else START
    most = args.most if args.most is not None else 100_000.0
    if start > most:
        raise UsageError(f"--most {most:g} is below the start, {start:g}")
    levels = (round(start * 1000), round(most * 1000))
    unit = USERS if args.users is not None else ARRIVALS
    return LimitSpec(canonical(args.until), unit, *levels, args.settle, args.probe, args.tolerance, args.probes)


def _level(text: str) -> float:
    level = amounts.spawn_rate(text)
    if level < 0.1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 0.1")
    return level


def _probe_ms(text: str) -> int:
    value_ms = amounts.span_ms(text)
    if not 3_000 <= value_ms <= 600_000 or value_ms % 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not whole seconds from 3s to 10m")
    return value_ms


def _tolerance(text: str) -> int:
    percent = amounts.spawn_rate(text)
    if not 1 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 to 100 per cent")
    return round(percent * 10)


def _probes(text: str) -> int:
    count = amounts.user_count(text)
    if not 1 <= count <= 200:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 to 200 probes")
    return count
