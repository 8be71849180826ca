"""Lend this machine's cores to a fleet.

The worker waits for runs of its fleet and serves them one after the other until Ctrl-C or SIGTERM; its users then
move to other workers first. The Redis URL is best given in the environment variable TIDAL_REDIS_URL, where no `ps`
shows it.

A worker runs the code that the fleet's masters send: whoever may lead a run in that Redis runs code here. Give -f to
run this machine's own copy of a locustfile only, or --accept-signed-by to run only what has the signature of a key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tidal.cli import amounts, flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_redis(parser, flags.NEEDED)
    flags.add_fleet(parser)
    flags.add_processes(parser)
    parser.add_argument("-f", "--locustfile", metavar="FILE", help="run only this copy, never what the log carries")
    parser.add_argument(
        "--accept-signed-by",
        metavar="FILE",
        default=os.environ.get(flags.ACCEPT_SIGNED_BY),
        help=f"serve only runs that are signed with this key, also from {flags.ACCEPT_SIGNED_BY}",
    )
    parser.add_argument(
        "--max-users",
        type=amounts.user_count,
        default=os.environ.get("TIDAL_MAX_USERS") or "0",
        metavar="N",
        help="take N users at most, also from TIDAL_MAX_USERS (default: what its file descriptors allow)",
    )
    parser.add_argument("--once", action="store_true", help="leave after one run")


def run(args: argparse.Namespace) -> int:
    """Serve until told to leave."""
    from tidal.cli.request import key_file, locustfile, required_redis
    from tidal.service import WorkerSpec
    from tidal.worker import serve

    spec = WorkerSpec(
        redis_url=required_redis(args, "worker"),
        fleet=args.fleet,
        processes=args.processes,
        file=str(locustfile(args.locustfile)) if args.locustfile else "",
        once=args.once,
        max_users=args.max_users,
        accept_signed_by=key_file(args.accept_signed_by, "--accept-signed-by"),
    )
    return serve(spec)
