"""Change a running load: `tidal set RUN users=500 rate=20`.

The wish is absolute and written into the run's log with your name; the answer of the master is printed. Without
`rate` the run keeps the rate at which users come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags
from tidal.cli.parser import meant
from tidal.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

KNOWN = ("users", "rate")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="the run's id or a part of it, or latest")
    parser.add_argument("wishes", nargs="+", metavar="NAME=VALUE", help="users=N, rate=USERS_A_SECOND")
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import hand_in
    from tidal.model.events import WantTarget

    wished = wishes(args.wishes)
    users, rate = wished.get("users"), wished.get("rate")
    if users is None:
        raise UsageError("say how many users: users=N")
    return hand_in(args.run, flags.redis_url(args), WantTarget(int(users), rate))


def wishes(words: Sequence[str]) -> dict[str, float]:
    """`NAME=VALUE` words by name; UsageError for what is not one."""
    found: dict[str, float] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in KNOWN:
            raise UsageError(f"{word!r} is not users=N or rate=N{meant(name, KNOWN)}")
        found[name] = flags.checked(flags.user_count if name == "users" else flags.spawn_rate, value)
    return found
