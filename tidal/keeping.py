"""What a master keeps of its run, in this order and no other: archive, fsync, acknowledge.

Twice a second what was folded is made safe; each ten seconds the folded state itself is stored, beside the log for
whoever attaches or takes over, and in the archive for whoever seeks. What is in both may be trimmed from Redis, and is
when the streams grow over the run's `--log-budget`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tidal.archive import finish
from tidal.lastwords import to_stderr
from tidal.model.chain import Chain
from tidal.model.codec import LOG, REPORTS
from tidal.model.events import Checkpoint
from tidal.model.state import digest_of, own_rules, sealed
from tidal.renewal import brief_of
from tidal.rhythm import keyframe_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tidal.lease import Lease
    from tidal.model.codec import Entry, EntryId
    from tidal.model.state import LogHalf, State
    from tidal.record import Record

SYNC_MS = 500
TRIM_MS = 10_000
ENTRY_OVERHEAD_BYTES = 60
"""What Redis needs for an entry of a stream beside its data."""


class Keeping:
    """The archive of one master, the acknowledgements that follow from it, and the keyframes.

    Args:
        lease: under which workers are told and keyframes are stored.
        record: the part of the archive that this master writes.
    """

    def __init__(self, lease: Lease, record: Record) -> None:
        self._lease, self._record = lease, record
        self._acked: dict[str, int] = {}
        self._sync_due_ms = self._trim_due_ms = 0
        self._keyframe_ms: int | None = None  # when the last one was due
        self._fresh = 0  # entries since then
        self._sizes = {LOG: (0, 0), REPORTS: (0, 0)}  # entries taken, their bytes
        self._stored: list[dict[str, EntryId]] = []  # what the last two keyframes cover
        self._chain = Chain()

    def __repr__(self) -> str:
        return f"<Keeping {self._record}>"

    def take(self, entry: Entry) -> None:
        """Keep an entry that is folded now."""
        count, size = self._sizes[entry.stream]
        self._sizes[entry.stream] = (count + 1, size + len(entry.data) + ENTRY_OVERHEAD_BYTES)
        self._fresh += 1
        self._chain.take(entry)
        self._record.take(entry)

    def begin_at(self, packed: bytes, state: State) -> None:
        """Begin with a stored state instead of the log's first entry."""
        self._chain = Chain(state.position)
        self._record.begin_at(packed, state.position, max(state.log.ticked_ms, state.log.opened_ms))

    # ------------------------------------------------------------------ safe

    def turn(self, state: State, now_ms: int) -> None:
        """Make safe what was folded, when that is due; `now_ms` is monotonic."""
        if now_ms >= self._sync_due_ms:
            self._sync_due_ms = now_ms + SYNC_MS
            self.sync(state)

    def sync(self, state: State) -> bool:
        """Archive, fsync, then acknowledge; False when the archive is not whole."""
        if not self._record.sync(state.position):
            return False
        safe = {i: r.watermark for i, r in state.reports.incarnations.items() if r.watermark}
        new = {i: watermark for i, watermark in safe.items() if self._acked.get(i) != watermark}
        if new:
            self._lease.acknowledge(new)
            self._acked |= new
        return True

    def generation(self, state: State) -> None:
        """The streams begin anew: nothing is acknowledged there, and what was not archived cannot be read again."""
        self._acked.clear()
        self._stored = []
        if self._record.bridge(state.packed(), state.position, max(state.log.ticked_ms, state.log.opened_ms)):
            self._chain = Chain(state.position)

    def redis_failed(self) -> None:
        """Redis did not answer: what was acknowledged may be gone, so it is said again."""
        self._acked.clear()

    # ------------------------------------------------------------------ keyframes

    def is_keyframe_due(self, log: LogHalf, now_ms: int) -> bool:
        """Whether it is time to store the state; asking begins the time until the next."""
        if self._keyframe_ms is not None and now_ms - self._keyframe_ms < keyframe_ms(log, self._fresh):
            return False
        self._keyframe_ms, self._fresh = now_ms, 0
        return True

    def keyframe(self, state: State, at_ms: int) -> Checkpoint:
        """Store the state in the archive and, once that is on the disk, beside the log; the event that says so.

        A successor reads no entry that a keyframe beside the log covers: each must be in our part by then.
        """
        packed = state.packed()
        position = state.position
        self._record.keyframe(packed, position, at_ms)
        if self._record.sync(position):
            self._lease.store_keyframe(sealed(packed), brief_of(state))
        self._stored = [*self._stored[-1:], dict(position)]
        since = self._chain.since
        return Checkpoint(
            str(position[LOG]),
            str(position[REPORTS]),
            digest_of(packed),
            own_rules(),
            self._chain.link(),
            str(since[LOG]),
            str(since[REPORTS]),
        )

    # ------------------------------------------------------------------ small in Redis

    def to_trim(self, state: State, now_ms: int, lengths: Mapping[str, int]) -> dict[str, EntryId]:
        """The streams that are too large together, each with the id before which it may be cut; mostly none.

        Only what the keyframe before the last one covers, so that whoever reads somewhat late misses nothing, and only
        while everything is in the archive and fsynced.
        """
        if now_ms < self._trim_due_ms or len(self._stored) < 2:
            return {}
        self._trim_due_ms = now_ms + TRIM_MS
        sizes = {name: lengths.get(name, 0) * size // max(1, count) for name, (count, size) in self._sizes.items()}
        budget = state.log.options.log_budget_bytes
        if sum(sizes.values()) <= budget or not self.sync(state):
            return {}
        large = [REPORTS, LOG] if sizes[LOG] > budget // 2 else [REPORTS]  # the log holds the shipped files
        return {name: self._stored[0][name] for name in large}

    # ------------------------------------------------------------------ the end

    def close(self, state: State, run_path: Path, *, closed: bool) -> bool:
        """Make everything safe; when the run is closed its parts become one file. Whether that is so.

        Where the disk has no room, the last keyframe beside the log stays that of before: who comes later and has room
        reads on from there.
        """
        if closed and (closed := self.sync(state)):
            self._lease.store_keyframe(sealed(state.packed()), brief_of(state))
        try:
            self._record.close(final=closed)
            if closed:
                finish(run_path)
        except OSError as error:
            _say_unfinished(run_path, error)
            return False
        return closed

    def abandon(self) -> None:
        """Leave the archive readable without a word to Redis."""
        with contextlib.suppress(OSError):  # a full disk; Redis keeps the run for its successor
            self._record.close(final=False)


def _say_unfinished(run_path: Path, error: OSError) -> None:
    kept = f"what there is stays in {run_path.parent}, and Redis has the run for seven days"
    to_stderr(f"tidal master: the archive cannot be finished ({error.strerror}): {kept}")
