"""A run's log in one file, written as the run goes; it alone replays, without Redis.

Every ten seconds or so it holds a keyframe to begin from. The bytes are drawn in `archive_file.py`.

Each master writes a part of its own, `RUN.tidal.part-EPOCH`, so a frozen old one cannot spoil its successor's. Parts
beside `RUN.tidal` join on opening, and `finish` joins them on disk. Where parts overlap, an entry with the same
stream and id as one of the last 65,536 is dropped; what lies further back the fold drops, by identity.
"""

from __future__ import annotations

import os
import zlib
from contextlib import ExitStack, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tidal.archive_file import (
    BLOCK_BYTES_MAX,
    BLOCK_STRUCT,
    CRC_STRUCT,
    END,
    ENTRIES,
    HEAD_STRUCT,
    HEADER_BYTES_MAX,
    KEYFRAME,
    KEYFRAME_BYTES_MAX,
    MAGIC,
    MARKER,
    STREAMS,
    VERSION,
    ArchiveFile,
    Block,
    HeadTorn,
)
from tidal.errors import ArchiveDamaged
from tidal.model.chain import row_of
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, pack
from tidal.model.events import SCHEMA_VERSION, RunClosed
from tidal.model.state import own_rules
from tidal.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

CHECK_BYTES_MAX = 1 << 30
"""A gigabyte is read and summed in a second or two."""
LAST_BLOCKS = 3
"""Where the entry that closes a run is looked for; a block is some seconds."""
_ENTRY_OVERHEAD = 48
_MS_MAX = (1 << 64) - 1


class Keyframe(NamedTuple):
    """A stored state: what it covers, and where in the archive it stands."""

    at_ms: int
    state: bytes  # `State.packed()`
    log_id: EntryId
    reports_id: EntryId
    before: int  # entries before it in the archive
    rules: str  # under which it was folded; "" is not known

    @property
    def position(self) -> dict[str, EntryId]:
        """The ids it covers, by stream."""
        return {LOG: self.log_id, REPORTS: self.reports_id}


def part_path(run_path: Path, epoch: int) -> Path:
    """Where the master of an epoch writes: beside the run's own file."""
    return run_path.with_name(f"{run_path.name}.part-{epoch}")


def part_paths(run_path: Path) -> list[Path]:
    """The parts beside a run's file, in the order of their epochs."""
    prefix = f"{run_path.name}.part-"
    found = [p for p in run_path.parent.glob("*.part-*") if p.name.startswith(prefix)]
    return sorted((p for p in found if p.name[len(prefix) :].isdigit()), key=_epoch)


def _epoch(part: Path) -> int:
    return int(part.name.rpartition("-")[2])


# ------------------------------------------------------------------ writing


class ArchiveWriter:
    """Writes one part; what `add` took is safe when `sync` has returned.

    Every method may raise OSError (a full disk, say). Then nothing half-written stays in the file, what was taken is
    still held, and the call may be made again; memory does not grow beyond one block.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.count = 0
        self._rows: list[tuple[int, int, int, str, int, bytes]] = []
        self._bytes = 0
        self._dirty = True
        self._end = 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        body = pack({**header, "schema": SCHEMA_VERSION})
        if len(body) > HEADER_BYTES_MAX:
            raise ValueError(f"an archive's header of {len(body)} bytes")
        self._write(HEAD_STRUCT.pack(MAGIC, VERSION, len(body), zlib.crc32(body)) + body)
        self.sync()
        _sync_folder(path.parent)

    def __repr__(self) -> str:
        return f"<ArchiveWriter {self.path.name} {self.count} entries, {self._end} bytes>"

    def add(self, entry: Entry) -> None:
        """Take an entry, in the order of folding. An entry that the codec refuses for its size is kept cut."""
        row = row_of(entry)
        size = len(row[-1]) + _ENTRY_OVERHEAD
        if self._bytes + size > BLOCK_BYTES_MAX:
            self._flush()
        self._rows.append((STREAMS.index(entry.stream), *row))
        self._bytes += size
        self.count += 1

    def keyframe(
        self,
        packed: bytes,
        log_id: EntryId,
        reports_id: EntryId,
        at_ms: int,
        *,
        opening: bool = False,
        rules: str | None = None,
    ) -> bool:
        """Store the state after every entry so far (`opening`: some may be missing); False when it is above 64 MB."""
        self._flush()
        payload = pack([at_ms, list(log_id), list(reports_id), packed, own_rules() if rules is None else rules])
        if len(payload) > KEYFRAME_BYTES_MAX:
            return False
        self._block(KEYFRAME, at_ms, max(at_ms, log_id.ms, reports_id.ms), int(opening), payload)
        return True

    def again(self, keyframe: Keyframe, block: Block) -> None:
        """Store a keyframe of another archive, which stood in this block, as it is."""
        ids = (keyframe.log_id, keyframe.reports_id)
        self.keyframe(keyframe.state, *ids, keyframe.at_ms, opening=bool(block.entries), rules=keyframe.rules)

    def sync(self) -> None:
        """Write what is held and wait until the disk has it."""
        self._flush()
        if self._dirty:
            os.fsync(self._fd)
            self._dirty = False

    def close(self, *, final: bool = False) -> None:
        """Write what is held and close; `final`: the run is over, nothing follows in a later part."""
        self._flush()
        if final:
            self._block(END, 0, 0, 0, pack(None))
        self.sync()
        os.close(self._fd)

    def _flush(self) -> None:
        if self._rows:
            times = [row[1] for row in self._rows]
            squeezed = sum(len(row[-1]) for row in self._rows if row[-1][:1] == b"\x01")
            is_dense = squeezed * 10 > self._bytes * 9
            self._block(ENTRIES, min(times), max(times), len(self._rows), pack(self._rows), is_dense=is_dense)
            self._rows, self._bytes = [], 0

    def _block(
        self, kind: int, first_ms: int, last_ms: int, count: int, plain: bytes, *, is_dense: bool = False
    ) -> None:
        payload = zlib.compress(plain, 0 if is_dense else 1)  # reports come compressed, and a master has little time
        crc = zlib.crc32(payload)
        head = BLOCK_STRUCT.pack(MARKER, kind, min(first_ms, _MS_MAX), min(last_ms, _MS_MAX), count, len(payload), crc)
        self._write(head + CRC_STRUCT.pack(zlib.crc32(head)) + payload)

    def _write(self, data: bytes) -> None:
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._fd, data[done:], self._end + done)
        except OSError:
            with suppress(OSError):  # the next write begins at the same place anyway
                os.ftruncate(self._fd, self._end)
            raise
        self._end += done
        self._dirty = True


def _sync_folder(folder: Path) -> None:
    """Make a file's name as lasting as its bytes."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# ------------------------------------------------------------------ reading a run


class Archive:
    """A run's archive, opened: entries in the order of folding, and keyframes to begin from.

    A position is the index of an entry, counted over all parts with their repeats. May be read by several threads.

    Attributes:
        header: of the first part.
        blocks: the heads of all blocks, in order.
        torn: the tail of a part was cut: its writer crashed. What was synced before is there.
        final: the run was closed.
        count: entries, repeats included.
    """

    def __init__(self, parts: Sequence[ArchiveFile], *, torn: bool) -> None:
        self._parts = parts
        self.header = parts[0].header
        self.torn = torn or any(part.torn for part in parts)
        self.blocks: list[Block] = []
        self.count = 0
        for part in parts:
            for block in part.blocks:
                self.blocks.append(block._replace(before=self.count))
                self.count += block.entries if block.kind == ENTRIES else 0
        self.final = any(block.kind == END for block in self.blocks)

    def __repr__(self) -> str:
        return f"<Archive {self._parts[0].path.name} {self.count} entries in {len(self._parts)} parts>"

    @classmethod
    def open(cls, path: Path, *, salvage: bool = False) -> Archive:
        """Open a run's file with the parts beside it; NotAnArchive, ArchiveDamaged or SchemaTooNew otherwise.

        With `salvage`, damaged blocks are left out and counted in `damaged` instead.
        """
        parts: list[ArchiveFile] = []
        torn: HeadTorn | None = None
        with ExitStack() as files:
            for name in _files_of(path):
                if parts and name != path and _epoch(name) in _joined_epochs(parts[0].header):
                    continue  # joined already; only its removal was cut short
                try:
                    part = ArchiveFile(name, len(parts), salvage=salvage)
                except HeadTorn as error:
                    torn = error
                    continue
                files.callback(part.close)
                parts.append(part)
            if torn is not None and not parts:
                raise torn
            files.pop_all()
        return cls(parts, torn=torn is not None)

    @property
    def path(self) -> Path:
        """Of the run's file, or of its first part."""
        return self._parts[0].path

    @property
    def is_empty(self) -> bool:
        """Whether there is neither an entry nor a keyframe."""
        return all(block.kind == END for block in self.blocks)

    def early_end(self, name: str = "") -> str:
        """That it ends before its run, and why, as everybody is told; of several by `name`. "" for a whole one."""
        return f"the recording{f' {name}' if name else ''} ends before its run: {self.ending}" if self.ending else ""

    @property
    def ending(self) -> str:
        """Why it ends before its run was closed, or goes on still; "" for one that holds all of its run."""
        if self.final or self._holds_close:
            return ""
        return "it was cut off, or its writer crashed" if self.torn else "the run was not closed"

    @cached_property
    def _holds_close(self) -> bool:
        """Whether the run's close is among the last entries: what was to come after it are the file's own marks."""
        last = [block for block in reversed(self.blocks) if block.kind == ENTRIES][:LAST_BLOCKS]
        with suppress(ArchiveDamaged):
            entries = (entry for block in last for entry in self.read_entries(block))
            return any(entry.stream == LOG and entry.kind == RunClosed.KIND for entry in entries)
        return False

    def demand_entries(self) -> None:
        """Raise ArchiveDamaged when it is empty: nothing can be shown of it."""
        if self.is_empty:
            cut = "it was cut before its first entry" if self.torn else "its run was never opened"
            raise ArchiveDamaged(f"{self.path} holds no entry: {cut}")

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def first_ms(self) -> int:
        """Redis time of the first entry by a master; 0 when there is none."""
        return self._edge_ms(self.blocks, min)

    @cached_property
    def last_ms(self) -> int:
        """Redis time of the last entry by a master: a worker can give its entries any id it likes."""
        return self._edge_ms(reversed(self.blocks), max)

    def _edge_ms(self, blocks: Iterable[Block], pick: Callable[[list[int]], int]) -> int:
        for block in blocks:
            if block.kind == KEYFRAME and (keyframe := self.read_keyframe(block)) is not None:
                return keyframe.at_ms
            if block.kind == ENTRIES:
                times = [entry.id.ms for entry in self.read_entries(block) if entry.stream == LOG]
                if times:
                    return pick(times)
        return 0

    @property
    def damaged(self) -> int:
        """Damaged places that were met so far, when salvaging."""
        return sum(part.damaged for part in self._parts)

    def find_damage(self, bytes_max: int = CHECK_BYTES_MAX) -> list[Block]:
        """The blocks whose bytes are not those that were written; what lies beyond `bytes_max` is not looked at.

        Reading holds the checksum of what it needs. This reads everything once, a block at a time, and unpacks nothing.
        """
        damaged, seen = [], 0
        for block in self.blocks:
            seen += block.length
            if seen > bytes_max:
                break
            if not self._parts[block.part].is_whole(block):
                damaged.append(block)
        return damaged

    def entries(self, after: int | None = None) -> Iterator[Entry]:
        """The entries in the order of folding, from index `after` on; repeats between parts are left out."""
        repeats = Repeats() if len(self._parts) > 1 else None
        for block in self.blocks:
            if block.kind != ENTRIES or block.before + block.entries <= (after or 0):
                continue
            for entry in self.read_entries(block)[max(0, (after or 0) - block.before) :]:
                if repeats is None or repeats.is_new(entry):
                    yield entry

    def copy_to(self, writer: ArchiveWriter) -> None:
        """Write all of it once more, a block at a time; repeats between parts are left out."""
        repeats = Repeats()
        for block in self.blocks:
            if block.kind == ENTRIES:
                for entry in filter(repeats.is_new, self.read_entries(block)):
                    writer.add(entry)
            elif block.kind == KEYFRAME and (keyframe := self.read_keyframe(block)) is not None:
                writer.again(keyframe, block)

    def keyframes(self) -> Iterator[Keyframe]:
        """Those that can be read, in their order."""
        for block in self.blocks:
            if block.kind == KEYFRAME and (keyframe := self.read_keyframe(block)) is not None:
                yield keyframe

    def read_entries(self, block: Block) -> list[Entry]:
        """The entries of one block."""
        rows = self._parts[block.part].read(block)
        try:
            entries = [_entry(row) for row in rows] if rows is not None else []
        except (TypeError, ValueError):
            entries = []
        if rows is not None and len(entries) != block.entries:
            self._parts[block.part].damage(f"the block at byte {block.offset} does not hold what its head says")
        return entries

    def read_keyframe(self, block: Block) -> Keyframe | None:
        """The keyframe of one block; None when it is damaged and we are salvaging."""
        wire = self._parts[block.part].read(block)
        if wire is None:
            return None
        try:
            at_ms, log_id, reports_id, packed, *more = wire
            rules = str(more[0]) if more else ""
            return Keyframe(int(at_ms), bytes(packed), EntryId(*log_id), EntryId(*reports_id), block.before, rules)
        except (TypeError, ValueError):
            self._parts[block.part].damage(f"the keyframe at byte {block.offset} is none")
            return None


def _entry(row: list[Any]) -> Entry:
    stream, ms, seq, kind, version, data = row
    numbers_fit = all(type(number) is int for number in (stream, ms, seq, version)) and 0 <= stream < len(STREAMS)
    if not numbers_fit or type(kind) is not str or type(data) is not bytes:
        raise ValueError("not an entry")
    return Entry(STREAMS[stream], EntryId(ms, seq), kind, version, data)


def _files_of(path: Path) -> list[Path]:
    parts = part_paths(path)
    return [path, *parts] if path.exists() or not parts else parts


def _joined_epochs(header: dict[str, Any]) -> list[int]:
    epochs = header.get("parts")
    return epochs if isinstance(epochs, list) else []


def finish(run_path: Path) -> Path:
    """Join the parts of a run into its one file, atomically; what cannot be read whole is left as it is.

    A single part becomes the file by its name alone. Repeats between parts are dropped.
    """
    parts = part_paths(run_path)
    if parts == _files_of(run_path) and len(parts) == 1:
        parts[0].replace(run_path)
    elif parts:
        joining = run_path.with_name(run_path.name + ".joining")
        joining.unlink(missing_ok=True)
        with Archive.open(run_path) as archive:
            epochs = sorted({*_joined_epochs(archive.header), *map(_epoch, parts)})
            writer = ArchiveWriter(joining, {**archive.header, "parts": epochs})
            archive.copy_to(writer)
            writer.close(final=archive.final)
        joining.replace(run_path)
        _sync_folder(run_path.parent)  # the parts go only when their successor is sure to stay
        for part in parts:
            part.unlink()
    _sync_folder(run_path.parent)
    return run_path
