"""How many users workers can take, and what follows for who owns which slot.

A worker may say a maximum. Slots are shared out by weight (`plan.share_out`); then whoever would have more users than
it takes, at the height of the plan, gives up slots to those who have room. What nobody can take is owned by nobody:
it is not run, and the ledger says so.
"""

from __future__ import annotations

from math import ceil
from struct import pack
from typing import TYPE_CHECKING

from tidal.model.plan import NOBODY, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.model.events import ClassSpec, Track

_HAIR = 1e-9


def height(track: Track) -> int:
    """The most users of a curve."""
    return max((ceil(value - _HAIR) for _, value in track.points), default=0) if track.unit == "users" else 0


def peak(tracks: Sequence[Track]) -> int:
    """The most users of a plan: its curves' heights, as if all came at one moment."""
    return sum(height(track) for track in tracks)


def slot_loads(tracks: Sequence[Track], classes: Sequence[ClassSpec], slots: int) -> list[int]:
    """How many users lie in each slot at the height of the curves; a class's curve begins at a slot of its own."""
    firsts = {spec.name: 1 + place for place, spec in enumerate(classes)}
    loads = [0] * slots
    for track in tracks:
        rounds, rest = divmod(height(track), slots)
        first = firsts.get(track.name, 0)
        if rounds:
            loads = [load + rounds for load in loads]
        for index in range(first, first + rest):
            loads[index % slots] += 1
    return loads


def fitted(owned: Ownership, limits: Mapping[str, int], weights: Mapping[str, int], loads: Sequence[int]) -> Ownership:
    """The ownership in which nobody has more users than it takes; `limits`: of those that have one.

    Only slots of users that do not fit move. Fitting what fits changes nothing.
    """
    if not any(limit < sum(loads) for limit in limits.values()):
        return owned
    owner_of = [owned.owner(slot) for slot in range(len(loads))]
    taken = dict.fromkeys(weights, 0)
    free = []
    for slot, owner in enumerate(owner_of):
        if owner is not None and taken[owner] + loads[slot] <= limits.get(owner, taken[owner] + loads[slot]):
            taken[owner] += loads[slot]
        else:
            free.append(slot)
    for slot in free:
        able = [o for o in weights if taken[o] + loads[slot] <= limits.get(o, taken[o] + loads[slot])]
        owner = min(able, key=lambda o: (taken[o] / max(1, weights[o]), o), default=None)
        owner_of[slot] = owner
        if owner is not None:
            taken[owner] += loads[slot]
    index = {owner: i for i, owner in enumerate(owned.owners)}
    table = pack(f">{len(owner_of)}H", *(NOBODY if o is None else index[o] for o in owner_of))
    return Ownership(owned.owners, table)


def lacking(users: int, limits: Sequence[int]) -> int:
    """How many of these users workers with these maxima (0: none) cannot take."""
    return 0 if not limits or 0 in limits else max(0, users - sum(limits))
