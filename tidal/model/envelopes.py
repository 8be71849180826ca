"""Who wrote an event, when and with which identity; and the bounds that all of them keep."""

from __future__ import annotations

from typing import ClassVar

from tidal.model.spec import HEIGHT_MAX
from tidal.model.struct import Struct

SCHEMA_VERSION = 1
"""The major version: an entry of a higher one is refused, a lower one is upcast."""

MOMENT_MS_MAX = 1 << 46
"""A moment is before this (the year 4199), so that no envelope can have the fold plan for ages."""
TEXT_MAX = 2_000
"""Characters of a name, message or reason that an event carries; longer ones are cut where they are born."""
INCARNATION_MAX = 64
"""Characters of an incarnation; ours have sixteen."""
SLOTS_MAX, TRACKS_MAX, USERS_MAX = 32_768, 1_000, 10_000_000
CHUNK_BYTES = 200_000
"""One entry's share of a shipped file: below the 256 KB at which an entry is refused unread."""


class Event(Struct, frozen=True):
    """What the kinds have in common."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = SCHEMA_VERSION


class ByMaster(Struct, frozen=True):
    """A master's envelope: (epoch, n) is the entry's identity, `at_ms` the Redis time of writing."""

    epoch: int
    n: int
    at_ms: int
    event: Event

    def __post_init__(self) -> None:
        """Refuse an identity or a moment that cannot be."""
        if not (0 <= self.epoch < 1 << 63 and 0 <= self.n < 1 << 63 and 0 <= self.at_ms < MOMENT_MS_MAX):
            raise ValueError(f"a master's envelope says epoch {self.epoch}, n {self.n}, {self.at_ms} ms")


class ByWorker(Struct, frozen=True):
    """A worker's envelope: the incarnation with the range of sequence numbers is the entry's identity.

    The range is longer than one when reports were merged before they were ever sent.
    """

    incarnation: str
    first: int
    last: int
    at_ms: int
    event: Event

    def __post_init__(self) -> None:
        """Refuse an identity that could not be told from another."""
        if not 1 <= self.first <= self.last < 1 << 63 or not 1 <= len(self.incarnation) <= INCARNATION_MAX:
            raise ValueError(f"a report's range is {self.first}..{self.last} of {self.incarnation[:INCARNATION_MAX]!r}")
        if not 0 <= self.at_ms < MOMENT_MS_MAX:
            raise ValueError(f"a worker's envelope is of {self.at_ms} ms")


class ByOperator(Struct, frozen=True):
    """An operator's envelope: `id` is random and makes the intent repeatable."""

    id: str
    author: str
    at_ms: int
    event: Event


def is_target(users: int, spawn_rate: float) -> bool:
    """Whether a curve can go to so many users at this rate."""
    return 0 <= users <= USERS_MAX and 0 < spawn_rate <= HEIGHT_MAX
