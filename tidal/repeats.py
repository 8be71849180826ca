"""Entries that come twice: two masters may archive the same ones for a moment."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.model.codec import Entry, EntryId

_KEPT = 1 << 16


class Repeats:
    """Tells whether an entry was among the last ones: the overlap of two masters is seconds, memory stays flat."""

    def __init__(self) -> None:
        self._known: set[tuple[str, EntryId]] = set()
        self._order: deque[tuple[str, EntryId]] = deque()

    def is_new(self, entry: Entry) -> bool:
        """Whether it was not; it is known from now on."""
        identity = (entry.stream, entry.id)
        if identity in self._known:
            return False
        self._known.add(identity)
        self._order.append(identity)
        if len(self._order) > _KEPT:
            self._known.discard(self._order.popleft())
        return True
