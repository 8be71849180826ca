"""Print the least rights that a role needs in Redis, as the ACL SETUSER line for redis-cli.

tidal acl worker --password-file FILE | redis-cli

A worker serves runs, a master leads them (also `tidal run` and `tui` with --redis), a watcher may only look (`tidal
watch`, `runs`), an operator may look and steer (`tidal attach`, `set`, `stop`). With a password file the password's
hash is in the line; without one a user keeps the passwords it has, and a new one cannot log in until it has one.
Redis forgets users when it restarts, unless you say CONFIG REWRITE or, with an aclfile, ACL SAVE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.acl import ROLES

if TYPE_CHECKING:
    import argparse

FLAT = """\
tidal: before Redis 7.0 rights cannot be tied to keys one by one: with this line every command that is allowed works on
  every key that is allowed, so a worker can overwrite or delete the log and the reports of every run. Use 7.0 or newer
  where workers are not trusted like masters."""
NO_PASSWORD = "tidal: no password is in this line: a new user cannot log in until it has one (--password-file FILE)"  # noqa: S105


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("role", choices=ROLES, metavar="ROLE", help=f"{', '.join(ROLES[:-1])} or {ROLES[-1]}")
    parser.add_argument("--user", default="", metavar="NAME", help="the user's name (default: tidal-ROLE)")
    parser.add_argument("--fleet", default="", metavar="NAME", help="only this fleet (default: all fleets)")
    parser.add_argument("--password-file", metavar="FILE", help="a file whose first line is the user's password")
    parser.add_argument("--redis-6", action="store_true", help="for Redis 6.2: a flat list, which protects little")


def run(args: argparse.Namespace) -> int:
    """Print the line; what is to be known of it goes to standard error."""
    import sys

    from tidal.acl import set_user
    from tidal.address import secret_in

    password = secret_in(args.password_file, "--password-file") if args.password_file else ""
    print(set_user(args.user or f"tidal-{args.role}", args.role, args.fleet, password=password, flat=args.redis_6))
    if not password:
        print(NO_PASSWORD, file=sys.stderr)
    if args.redis_6:
        print(FLAT, file=sys.stderr)
    return 0
