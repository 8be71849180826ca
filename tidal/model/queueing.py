"""Who has least of what is shared out for its weight, without asking everybody each time. PURE.

Among owners of one weight it is whoever was given least, the first of these: a heap knows. There are few weights, so
their first ones are compared. Sharing 4,096 slots out over 1,000 owners takes some ms where it took half a second.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Owner = TypeVar("Owner")


class Queue(Generic[Owner]):
    """Owners with their weights, and how much each was given.

    Attributes:
        weights: by owner; of two that have equally little, the first one here is the poorest.
    """

    def __init__(self, weights: Mapping[Owner, int], total: int) -> None:
        self.weights, self._total = weights, total
        self._given = dict.fromkeys(weights, 0)
        self._places = {owner: place for place, owner in enumerate(weights)}
        self._heaps: dict[int, list[tuple[int, int, Owner]]] = {}
        for owner in weights:
            self._note(owner)

    def __repr__(self) -> str:
        return f"<Queue of {len(self.weights)}>"

    def _note(self, owner: Owner) -> None:
        row = (self._given[owner], self._places[owner], owner)
        heappush(self._heaps.setdefault(self.weights[owner], []), row)

    def give(self, owner: Owner) -> None:
        """Note that it was given one more; nothing when it is none of these."""
        if owner in self._given:
            self._given[owner] += 1
            self._note(owner)

    def lacking(self, owner: Owner, rank: int) -> int:
        """By how much it is behind its share of the first `rank` + 1, times the total weight."""
        return self.weights[owner] * (rank + 1) - self._given[owner] * self._total

    def poorest(self, rank: int) -> Owner | None:
        """Who lacks most when the first `rank` + 1 are shared out; None when there is nobody."""
        firsts = [self._first(heap) for heap in self._heaps.values()]
        return max(firsts, key=lambda owner: (self.lacking(owner, rank), -self._places[owner]), default=None)

    def _first(self, heap: list[tuple[int, int, Owner]]) -> Owner:
        while heap[0][0] != self._given[heap[0][2]]:  # it was given more since
            heappop(heap)
        return heap[0][2]
