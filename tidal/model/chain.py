"""The chain of hashes over a run's log: what every checkpoint says of all entries before it, byte for byte.

    log      e1 ─ e2 ─ ck1 ─ e3 ─ ck2 ─ …      a checkpoint is an entry of the log, so the next one covers it as well
    reports  r1 ─ r2 ──────── r3 ──────── …

Unlike the hash of the folded state, which only the same rules can make anew, it is a matter of bytes: any version of
tidal can hold an archive to it, for ever. It begins with a master's first entry; a successor begins one of its own
after the stored state that it went on from. It tells damage and mending, not who wrote: it is no signature.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from tidal.model.codec import ENTRY_BYTES_MAX, LOG, REPORTS, ZERO_ID, Entry, EntryId, pack

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION_MAX = (1 << 63) - 1


def row_of(entry: Entry) -> tuple[int, int, str, int, bytes]:
    """An entry as it is archived and hashed; one that the codec refuses for its size is cut."""
    version = max(-_VERSION_MAX, min(entry.version, _VERSION_MAX))
    return (*entry.id, entry.kind[:16], version, entry.data[: ENTRY_BYTES_MAX + 1])


class Chain:
    """A running hash of both streams, from `since` on; entries of a stream come in the order of their ids."""

    def __init__(self, since: Mapping[str, EntryId] | None = None) -> None:
        self.since = dict(since or {LOG: ZERO_ID, REPORTS: ZERO_ID})
        self.reached = dict(self.since)
        self._hashes = {LOG: sha256(), REPORTS: sha256()}

    def __repr__(self) -> str:
        return f"<Chain from {self.since} to {self.reached}>"

    def take(self, entry: Entry) -> None:
        """Add an entry; what was there before, or lies before the beginning, is passed over."""
        if entry.stream in self.reached and entry.id > self.reached[entry.stream]:
            self.reached[entry.stream] = entry.id
            self._hashes[entry.stream].update(pack(row_of(entry)))

    def digest(self, stream: str) -> bytes:
        """Of one stream so far."""
        return self._hashes[stream].digest()

    def link(self) -> str:
        """What a checkpoint says of both streams so far, in hex."""
        return joined(self.digest(LOG), self.digest(REPORTS))


def joined(log: bytes, reports: bytes) -> str:
    """The hash of both streams' hashes, in hex."""
    return sha256(log + reports).hexdigest()
