"""Whether the user of a connection may do what its role needs, looked at before anything begins.

Nothing is written for it: the commands are queued on keys of no run and never carried out (`Bus.refusals`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.acl import Right, rights
from tidal.errors import RedisDenied, RedisUnfit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.bus import Bus

RUN, WORKER = "rights", "rights"
"""Names of no run and no worker: the keys that are named need not be there."""
NAMED_MAX = 3
SPARED = "xsetid"
"""Only a log that Redis has lost needs it, and fakeredis, our last resort, has none."""


def refusals(bus: Bus, role: str, fleet: str = "") -> list[tuple[Right, str, str]]:
    """What the server refuses of what the role needs: the right, the kind of refusal (denied, oom, readonly …), words.

    Raises:
        BusError: there is no answer, or transactions are denied.
    """
    wanted = rights(role, fleet)
    said = bus.refusals([right.tried(RUN, WORKER) for right in wanted])
    return [(right, *against) for right, against in zip(wanted, said, strict=True) if against is not None]


def missing(bus: Bus, role: str, fleet: str = "") -> list[Right]:
    """What the user may not do of what the role needs; BusError when there is no answer."""
    return [right for right, kind, _ in refusals(bus, role, fleet) if kind == "denied"]


def require(bus: Bus, role: str, fleet: str = "") -> None:
    """RedisDenied, naming what is missing and the command that prints the right line, when the rights are too small.

    RedisUnfit when the server has not all commands.
    """
    found = refusals(bus, role, fleet)
    if lost := absent(found):
        raise RedisUnfit(f"Redis at {bus.shown} {lost}: {a(role)} needs them")
    if lacking := [right for right, kind, _ in found if kind == "denied"]:
        raise RedisDenied(f"Redis at {bus.shown}: {in_words(lacking, role)}; the rights of {a(role)}: tidal acl {role}")


def absent(found: Iterable[tuple[Right, str, str]]) -> str:
    """Which commands the server has not, of what `refusals` found, in words; "" for none."""
    names = sorted({right.name for right, kind, _ in found if kind == "absent" and right.command != SPARED})
    return f"has no {', '.join(names)} (renamed or disabled there, rename-command)" if names else ""


def in_words(lacking: list[Right], role: str) -> str:
    """What is missing, in one line."""
    more = f" and {len(lacking) - NAMED_MAX} more" if len(lacking) > NAMED_MAX else ""
    return f"this user is to be {a(role)} but may not use {', '.join(map(str, lacking[:NAMED_MAX]))}{more}"


def a(role: str) -> str:
    """The role with its article."""
    return f"{'an' if role == 'operator' else 'a'} {role}"
