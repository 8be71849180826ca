"""Rights in Redis for each role, made from the one table of keys and commands (`keys.ACCESS`).

    worker     beats, reads the log, hands in reports; cannot write the log nor read the reports
    watcher    reads a run's log, reports and keyframe; writes nothing but that somebody looks
    operator   the same, and may hand in intents: `tidal attach`, `set` and `stop`
    master     leads runs: every key, each with the commands that it needs there; also `tidal run --redis`

From Redis 7.0 on a command can be allowed on some keys alone (selectors): `(+xadd %W~tidal:{*}:reports)`. Before, a
user has one list of commands and one of keys, and every command works on every key: a worker that may SET its heartbeat
may SET the reports, too. `rules(…, flat=True)` makes such a list, for want of a better one.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from tidal.errors import UsageError
from tidal.keys import ACCESS, FleetKeys
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = ("worker", "master", "watcher", "operator")
INCLUDES = {"operator": ("watcher",), "master": ("operator", "watcher")}
"""What else a role may do, besides its own column."""
ANYWHERE = ("ping", "time", "info", "select", "client|setname", "multi", "exec", "discard", "unwatch")
"""Commands without a key, of every role: to connect, to ask for time and version, to try out rights."""
_READS = frozenset(
    {
        "exists",
        "get",
        "hget",
        "hgetall",
        "hkeys",
        "mget",
        "pttl",
        "smembers",
        "watch",
        "xinfo|stream",
        "xrange",
        "xread",
    }
)
_SHAPES = {
    "hdel": "HDEL {} f",
    "hget": "HGET {} f",
    "hset": "HSET {} f v",
    "pexpire": "PEXPIRE {} 1",
    "sadd": "SADD {} m",
    "set": "SET {} v PX 1",
    "srem": "SREM {} m",
    "xadd": "XADD {} * k v",
    "xsetid": "XSETID {} 1-1",
    "xinfo|stream": "XINFO STREAM {}",
    "xrange": "XRANGE {} - + COUNT 1",
    "xread": "XREAD COUNT 1 STREAMS {} 0",
    "xtrim": "XTRIM {} MINID 0",
}
"""What a command looks like when it is tried out; the others take a key and nothing else."""
_PLACE = re.compile(r"\bRUN\b|\bID\b")


class Right(Struct, frozen=True):
    """One command on one key, `key` as a pattern."""

    command: str
    key: str

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.command in _READS

    @property
    def name(self) -> str:
        """The command as one types it."""
        return self.command.replace("|", " ").upper()

    def __str__(self) -> str:
        return f"{self.name} on {self.key}"

    def tried(self, run: str, worker: str) -> tuple[str, ...]:
        """The command with arguments, on the keys of a run and a worker."""
        key = (
            self.key.replace("tidal:{*}", f"tidal:{{{run}}}")
            .replace("beat:*", f"beat:{worker}")
            .replace("{fleet:*}", "{fleet:x}")
        )
        shape = _SHAPES.get(self.command, f"{self.command.upper()} {{}}")
        return tuple(key if word == "{}" else word for word in shape.split())


def rights(role: str, fleet: str = "") -> list[Right]:
    """Everything that a role does to keys; for one fleet, or for all of them.

    Raises:
        UsageError: the fleet's name could not be one.
    """
    if fleet:
        FleetKeys(fleet)
    return list(dict.fromkeys(_rights(role, fleet)))


def _rights(role: str, fleet: str) -> Iterator[Right]:
    for access in ACCESS:
        key = _PLACE.sub("*", access.key).replace("fleet:NAME", f"fleet:{fleet or '*'}")
        for part in (role, *INCLUDES.get(role, ())):
            yield from (Right(command, key) for command in getattr(access, part).split())


def rules(role: str, fleet: str = "", *, flat: bool = False) -> list[str]:
    """The rules of an ACL SETUSER; `flat`: for Redis 6.2, which knows no selectors."""
    wanted = rights(role, fleet)
    everywhere = [f"+{command}" for command in ANYWHERE]
    if flat:
        keys = sorted({f"~{right.key}" for right in wanted})
        commands = sorted({f"+{right.command}" for right in wanted})
        return ["resetkeys", "resetchannels", "-@all", *everywhere, *keys, *commands]
    return ["resetkeys", "resetchannels", "clearselectors", "-@all", *everywhere, *_selectors(wanted)]


def _selectors(wanted: list[Right]) -> list[str]:
    """Commands that work on the same keys share a selector; one that takes several keys has them all in one."""
    keys: dict[str, list[str]] = {}
    for right in wanted:
        keys.setdefault(right.command, []).append(f"%{'R' if right.is_read else 'W'}~{right.key}")
    commands: dict[tuple[str, ...], list[str]] = {}
    for command, patterns in keys.items():
        commands.setdefault(tuple(patterns), []).append(f"+{command}")
    return [f"({' '.join([*names, *patterns])})" for patterns, names in commands.items()]


def set_user(user: str, role: str, fleet: str = "", *, password: str = "", flat: bool = False) -> str:
    """The whole line; with a password its hash is in it, without one a password that the user has stays."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", user):
        raise UsageError(f"{user[:80]!r} is not 1 to 64 letters, digits, dots, dashes or underscores")
    secret = [f"#{sha256(password.encode()).hexdigest()}"] if password else []
    return " ".join(
        ["ACL SETUSER", user, "on", *(["resetpass", *secret] if secret else []), *rules(role, fleet, flat=flat)]
    )
