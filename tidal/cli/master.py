"""Lead a run over a fleet: `tidal master -f FILE …` opens one, `tidal master --run RUN` takes one over.

Prints the run's id and stays until the run is closed; watch it with `tidal attach`. Should this process die, the load
goes on, and another `tidal master --run RUN` goes on leading. `tidal master --standby`, on this or any other machine
that reaches the Redis, does so by itself whenever nobody leads the run of its fleet. The Redis URL is best given in
TIDAL_REDIS_URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags, planflags
from tidal.errors import UsageError

if TYPE_CHECKING:
    import argparse

STARTS_LOAD = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_file(parser)
    parser.add_argument("--run", metavar="RUN", dest="take_over", help="take this run over instead of opening one")
    parser.add_argument(
        "--standby",
        action="store_true",
        help="lead no run, but wait and take over the fleet's run (or the one of --run) when its master is gone",
    )
    planflags.add_load(parser)
    flags.add_target(parser)
    flags.add_meaning(parser)
    flags.add_thresholds(parser)
    flags.add_distribution(parser, local=False)


def run(args: argparse.Namespace) -> int:
    """Be the master of a run until it is closed."""
    from tidal.cli.find import pick, remote
    from tidal.cli.request import launch_spec, locustfiles, required_redis
    from tidal.leader import serve, stand_by

    url = required_redis(args, "master")
    if (args.take_over or args.standby) and (args.locustfile or flags.starts_at_once(args)):
        flag = "--standby" if args.standby else "--run"
        raise UsageError(f"{flag} takes a run over as it is: leave -f, -u, -r, -t and -H away")
    taken = pick(args.take_over, remote(url)).run if args.take_over else ""
    if args.standby:
        return stand_by(url, args.fleet, taken, opened=_tell)
    files = [] if taken else locustfiles(args.locustfile)
    return serve(launch_spec(args, files, taken), opened=_tell)


def _tell(run: str) -> None:
    print(f"run {run}", flush=True)
