"""Flags of the load beyond users and a spawn rate: plans of stages or arrivals, and how many iterations."""

from __future__ import annotations

import argparse
from typing import Any

from tidal.cli import amounts, flags
from tidal.model.arrivals import EVEN, IN_FLIGHT_GUARD, SPACINGS
from tidal.model.planning import planned, typed_of
from tidal.model.tickets import ITERATIONS_MAX

NO_PLAN = "none"


def add_load(parser: argparse.ArgumentParser) -> None:
    """How much load, for how long, in whichever way it is said."""
    flags.add_load(parser)
    add_plan(parser)
    add_iterations(parser)


def plan_of(text: str) -> tuple[str, str]:
    """`[CLASS=]STAGES` as a pair, its stages understood; "none" for no plan at all."""
    (typed,) = typed_of([text])
    if text.strip() != NO_PLAN:
        planned((typed,))
    return typed


def seed(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def in_flight(text: str) -> int:
    """A number above 0."""
    most = amounts.user_count(text)
    if not most:
        raise argparse.ArgumentTypeError("with none in flight nothing would be started")
    return most


class TakePlan(argparse.Action):
    """`--plan` may be given for each class; those of the command line replace what a config file says."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: Any, option_string: object = None
    ) -> None:
        """Add one plan; a class's second one replaces its first."""
        del parser, option_string
        before = getattr(namespace, self.dest, None) or ()
        setattr(namespace, self.dest, (*(pair for pair in before if pair[0] != values[0]), values))


def add_plan(parser: argparse.ArgumentParser) -> None:
    """The load as stages, or as arrivals."""
    group = parser.add_argument_group("plan, instead of users and a spawn rate")
    group.add_argument(
        "--plan",
        type=plan_of,
        action=TakePlan,
        default=(),
        metavar="[CLASS=]STAGES",
        help="stages of users, '0->100 in 30s, 100 for 5m', or of arrivals, 'rate 50/s for 2m, 50/s->400/s in 5m';"
        " a stage may have a name, 'warmup: 0->100 in 30s'; once for each class that has a plan of its own;"
        " none: not the locustfile's own either",
    )
    group.add_argument(
        "--spacing",
        choices=SPACINGS,
        default=EVEN,
        metavar="HOW",
        help="of arrivals: even, or poisson, as independent people come (default: even)",
    )
    group.add_argument("--seed", type=seed, default=0, metavar="N", help="of Poisson spacing (default: 0)")
    group.add_argument(
        "--max-in-flight",
        type=in_flight,
        default=0,
        metavar="N",
        help="arrivals that find so many iterations running in the whole run are dropped, and counted as that"
        f" (default: {IN_FLIGHT_GUARD:,} a generator)",
    )
    group.add_argument(
        "--fresh-users",
        action="store_true",
        help="a new user for each arrival; else users are taken from a pool and keep their sessions",
    )


def count(text: str) -> int:
    """How many, from 1 on."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= ITERATIONS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {ITERATIONS_MAX:,}")
    return int(text)


def add_iterations(parser: argparse.ArgumentParser) -> None:
    """A run that ends when its work is done."""
    group = parser.add_argument_group("iterations")
    group.add_argument(
        "--iterations",
        type=count,
        default=0,
        metavar="N",
        help="so many iterations (one task, or one pass of a sequential task set) in the whole run, then it ends",
    )
    group.add_argument(
        "--iterations-per-user", type=count, default=0, metavar="N", help="so many by each user, then the run ends"
    )
    group.add_argument(
        "--redo-unknown",
        action="store_true",
        help="iterations that are unknown, because the process died that had them, are begun anew",
    )
