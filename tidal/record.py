"""What a master keeps of its run: the archive, also when the disk is full for a while.

While the archive cannot be written the run goes on from Redis: nothing is acknowledged, so workers keep their reports,
and nothing is held in memory. Once it can be written again, what is missing is read from the streams anew.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tidal import versions
from tidal.archive import ArchiveWriter
from tidal.bus import BusError
from tidal.model.codec import LOG, REPORTS, ZERO_ID, Entry, EntryId, entry_of
from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidal.bus import Bus

CATCH_UP_COUNT = 500
OF_THE_SERVER = ("redis_version", "server_name")


def header_of(run: str, epoch: int, bus: Bus) -> dict[str, object]:
    """What a part says of who wrote it: the machine, and what runs on it and in Redis."""
    try:
        server = bus.info("server")
    except BusError:
        server = {}
    told = {name: clean(str(server[name]), 60) for name in OF_THE_SERVER if name in server}
    return {"run": run, "epoch": epoch, "host": socket.gethostname()[:100], "versions": versions.here() | told}


class Record:
    """One part of a run's archive, and how far each stream is in it.

    Args:
        path: the part's file.
        header: of the file.
        bus: where to read again what could not be written.
        keys: the stream's key by its name (log, reports).
        say: told in words when the archive fails and when it is whole again.
    """

    def __init__(
        self, path: Path, header: dict[str, object], bus: Bus, keys: dict[str, str], say: Callable[[str, str], None]
    ) -> None:
        self._path, self._header = path, header
        self._bus, self._keys, self._say = bus, keys, say
        self._reached = {LOG: ZERO_ID, REPORTS: ZERO_ID}
        self._is_behind = self._is_dirty = False
        self._bridge: tuple[bytes, dict[str, EntryId], int] | None = None
        self._made: ArchiveWriter | None = None
        try:
            self._made = self._make()
        except OSError as error:
            self._fall_behind(error)

    def _open_writer(self, path: Path, header: dict[str, object]) -> ArchiveWriter:
        return ArchiveWriter(path, header)

    def __repr__(self) -> str:
        return f"<Record {self._path.name} {'behind' if self._is_behind else 'whole'}>"

    @property
    def _writer(self) -> ArchiveWriter:
        """The file, made now when the disk was full before; OSError while it still is."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> ArchiveWriter:
        try:
            return self._open_writer(self._path, self._header)
        except FileExistsError:
            raise
        except OSError:
            self._path.unlink(missing_ok=True)  # half a header; the next attempt begins anew
            raise

    def begin_at(self, packed: bytes, position: dict[str, EntryId], at_ms: int) -> None:
        """Begin with a stored state: what came before it is in earlier parts, or only in the state."""
        try:
            self._begin_at(packed, position, at_ms)
        except OSError as error:  # the part begins with the state once there is room for it
            self._bridge = (packed, dict(position), at_ms)
            self._fall_behind(error)

    def _begin_at(self, packed: bytes, position: dict[str, EntryId], at_ms: int) -> None:
        self._writer.keyframe(packed, position[LOG], position[REPORTS], at_ms, opening=True)
        self._reached = dict(position)

    def bridge(self, packed: bytes, position: dict[str, EntryId], at_ms: int) -> bool:
        """What is not here up to `position` cannot be read from Redis any more: the state stands for it, if need be."""
        if self._is_behind:
            self._bridge = (packed, dict(position), at_ms)
        return self._is_behind

    def take(self, entry: Entry) -> None:
        """Keep an entry; when the disk refuses it, it is read from Redis again later."""
        if self._is_behind:
            return
        try:
            self._writer.add(entry)
        except OSError as error:
            self._fall_behind(error)
            return
        self._reached[entry.stream] = entry.id
        self._is_dirty = True

    def sync(self, position: dict[str, EntryId]) -> bool:
        """Have everything up to `position` on the disk; False when that is not so."""
        try:
            if self._is_behind:
                self._catch_up(position)
            if self._is_dirty:
                self._writer.sync()
                self._is_dirty = False
        except OSError as error:
            self._fall_behind(error)
            return False
        if self._is_behind:
            self._is_behind = False
            self._say("good", "the archive is whole again")
        return True

    def keyframe(self, packed: bytes, position: dict[str, EntryId], at_ms: int) -> None:
        """Store the folded state among the entries."""
        if self._is_behind:
            return
        try:
            self._writer.keyframe(packed, position[LOG], position[REPORTS], at_ms)
        except OSError as error:
            self._fall_behind(error)

    def close(self, *, final: bool) -> None:
        """Close the file; OSError when it cannot be made whole."""
        if self._made is not None:
            self._made.close(final=final)

    def _fall_behind(self, error: OSError) -> None:
        if not self._is_behind:
            self._is_behind = True
            self._say("error", f"the archive cannot be written ({error.strerror}): the run goes on, Redis keeps it")

    def _catch_up(self, position: dict[str, EntryId]) -> None:
        if self._bridge is not None:
            self._begin_at(*self._bridge)
            self._bridge = None
        for stream, key in self._keys.items():
            while self._reached[stream] < position[stream]:
                found = self._bus.range(key, self._reached[stream], position[stream], CATCH_UP_COUNT)
                for entry_id, fields in found:
                    self._writer.add(entry_of(stream, entry_id, fields))
                    self._reached[stream] = entry_id
                    self._is_dirty = True
                if not found:
                    break
