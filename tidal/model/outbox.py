"""A worker's reports until they are safe.

    put → unsent → (frozen at the first attempt) → unconfirmed → (Redis answered) → confirmed → (acknowledged) → gone

Safe means folded, archived and fsynced by a master, which then acknowledges a watermark. What was attempted is never
merged or encoded anew: after an error nobody knows whether Redis has it, so it is handed in again, byte for byte, and
the fold drops the repeat by its identity. When Redis stays away, reports that were never attempted are merged, so
memory is bounded and no sample is lost. When acknowledgements stay away, what Redis has confirmed is let go first.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from tidal.model.codec import encode
from tidal.model.events import ByWorker, Event, Reported
from tidal.model.gather import fits, fitting, merge_reports
from tidal.model.struct import Struct, field

BATCH_MAX = 32
UNSENT_MAX = 60
CONFIRMED_MAX = 256
STALLED_ACK_MS = 5_000
MERGES_TRIED = 4
"""Pairs that are tried in one go: those that are too large for one entry together stay apart."""

Fields = dict[bytes, bytes]


def _range_of_pair(item: tuple[int, tuple[ByWorker, ByWorker]]) -> tuple[bool, int]:
    """Pairs of reports first, the shortest range first of them."""
    _, (a, b) = item
    return not (isinstance(a.event, Reported) and isinstance(b.event, Reported)), b.last - a.first


class Outbox(Struct):
    """One incarnation's reports. Times are any clock that only rises, in ms."""

    incarnation: str
    _next: int = 1
    _unsent: deque[ByWorker] = field(default_factory=deque)
    _frozen: deque[tuple[int, Fields]] = field(default_factory=deque)  # (last, bytes), attempted
    _confirmed: int = 0  # how many of `_frozen`, from the left, Redis has
    _attempted: int = 0  # how many of `_frozen`, from the left, are in the attempt under way
    _is_rewound: bool = False  # while an attempt was under way
    _acked: int = 0
    _moved_ms: int = 0  # when the watermark last moved

    def __repr__(self) -> str:
        return (
            f"<Outbox {self.incarnation}: {len(self._unsent)} unsent, {len(self._frozen)} unsafe, {self._acked} safe>"
        )

    @property
    def is_empty(self) -> bool:
        """Whether everything is safe."""
        return not self._unsent and not self._frozen

    @property
    def is_sent(self) -> bool:
        """Whether Redis has everything, safe or not."""
        return not self._unsent and self._confirmed == len(self._frozen)

    def put(self, event: Event, at_ms: int) -> None:
        """Take in an event under the next sequence number; merges two neighbours when too much was never sent.

        A report that is too large for one entry goes in parts, each under a number of its own.
        """
        for part in fitting(event) if isinstance(event, Reported) else [event]:
            self._unsent.append(ByWorker(self.incarnation, self._next, self._next, at_ms, part))
            self._next += 1
            if len(self._unsent) > UNSENT_MAX:
                self._merge()

    def _merge(self) -> None:
        """Make two neighbours one: those of the shortest range, so that a long outage costs each report few merges."""
        for index, (a, b) in sorted(enumerate(pairwise(self._unsent)), key=_range_of_pair)[:MERGES_TRIED]:
            if not isinstance(a.event, Reported) or not isinstance(b.event, Reported):
                continue
            merged = merge_reports(a.event, b.event)
            if fits(merged):
                self._unsent[index] = ByWorker(self.incarnation, a.first, b.last, b.at_ms, merged)
                del self._unsent[index + 1]
                return

    def attempt(self, now_ms: int) -> list[Fields]:
        """What to hand in now: first what was attempted and not confirmed, verbatim, then new reports, a batch of them.

        An attempt must be answered by `confirmed` or `failed` before the next one.
        """
        is_stalled = now_ms - self._moved_ms > STALLED_ACK_MS
        if is_stalled and self._frozen and self._confirmed == len(self._frozen):
            self._confirmed, self._moved_ms = 0, now_ms  # a silent rollback behind a failover looks like this
        unconfirmed = [fields for _, fields in self._frozen][self._confirmed : self._confirmed + BATCH_MAX]
        while self._unsent and len(unconfirmed) < BATCH_MAX:
            signed = self._unsent.popleft()
            if not self._frozen:
                self._moved_ms = now_ms
            fields = encode(signed)
            self._frozen.append((signed.last, fields))
            unconfirmed.append(fields)
        self._attempted = self._confirmed + len(unconfirmed)
        return unconfirmed

    def rewind(self) -> None:
        """Redis lost what it had confirmed: everything that is not safe is handed in again."""
        self._confirmed, self._is_rewound = 0, self._attempted > 0

    def confirmed(self, watermark: int, now_ms: int) -> None:
        """Redis took the attempt, and masters have acknowledged up to `watermark`."""
        self._confirmed = 0 if self._is_rewound else self._attempted
        self._is_rewound = False
        if watermark > self._acked:
            self._acked, self._moved_ms = watermark, now_ms
        while self._frozen and (self._frozen[0][0] <= self._acked or self._confirmed > CONFIRMED_MAX):
            if not self._confirmed and self._frozen[0][0] > self._acked:
                break
            self._frozen.popleft()
            self._confirmed = max(0, self._confirmed - 1)
        self._attempted = self._confirmed

    def failed(self) -> None:
        """Nobody knows what became of the attempt: it is handed in again."""
        self._is_rewound = False
        self._attempted = self._confirmed
