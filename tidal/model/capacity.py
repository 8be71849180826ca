"""How many users workers can take, and what follows for who owns which slot.

A worker may say a maximum. Slots are shared out by weight (`plan.share_out`); then whoever would have more users than
it takes, at the height of the plan, gives up slots to those who have room. What nobody can take is owned by nobody:
it is not run, and the ledger says so.
"""

from __future__ import annotations

from heapq import heappop, heappush
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
    room = _Room(limits, weights, taken, {loads[slot] for slot in free})
    for slot in free:
        owner_of[slot] = room.taker(loads[slot])
    index = {owner: i for i, owner in enumerate(owned.owners)}
    table = pack(f">{len(owner_of)}H", *(NOBODY if o is None else index[o] for o in owner_of))
    return Ownership(owned.owners, table)


class _Room:
    """Who takes one more slot: whoever has least for its weight of those who can, found without asking everybody.

    Slots have few loads, so each load has a heap of owners. What an owner has only grows: whoever cannot take a load
    once never can, and a row of an owner who has more by now is no longer true.
    """

    def __init__(
        self, limits: Mapping[str, int], weights: Mapping[str, int], taken: dict[str, int], loads: set[int]
    ) -> None:
        self._limits, self._weights, self._taken = limits, weights, taken
        rows = sorted(map(self._row, weights))  # which is a heap
        self._heaps = {load: list(rows) for load in loads}

    def __repr__(self) -> str:
        return f"<_Room of {len(self._weights)}>"

    def _row(self, owner: str) -> tuple[float, str, int]:
        return self._taken[owner] / max(1, self._weights[owner]), owner, self._taken[owner]

    def taker(self, load: int) -> str | None:
        """Who gets a slot of so many users, which it has from now on; None where nobody can."""
        heap = self._heaps[load]
        while heap:
            _, owner, had = heap[0]
            after = self._taken[owner] + load
            if had == self._taken[owner] and after <= self._limits.get(owner, after):
                self._taken[owner] = after
                row = self._row(owner)
                for each in self._heaps.values():
                    heappush(each, row)
                return owner
            heappop(heap)
        return None


def lacking(users: int, limits: Sequence[int]) -> int:
    """How many of these users workers with these maxima (0: none) cannot take."""
    return 0 if not limits or 0 in limits else max(0, users - sum(limits))
