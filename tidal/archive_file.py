"""One file of an archive: its bytes, and what of them can be believed.

    file    magic 8 · version u16 · length u32 · crc32 u32 · header (msgpack map)          then blocks:
    block   marker 4 · type u8 · first_ms u64 · last_ms u64 · count u32 · length u32 · crc32 u32 · crc32 of these u32
            · payload: zlib(msgpack)
    type 1  entries   [[stream, ms, seq, kind, version, data] …]   in the order in which the master folded them
    type 2  keyframe  [at_ms, [ms, seq] of log, [ms, seq] of reports, state]   covers every entry before it
    type 3  end       nothing; the run was closed

Numbers are big-endian; `first_ms` and `last_ms` are Redis time. Opening reads the heads of blocks alone, so it costs
microseconds a block; a payload's checksum is held when it is read. What a crash leaves is a torn tail: a last block
that is cut or whose checksum fails. It is dropped, and `torn` says so. The same in the middle is damage, told apart
by a good block after it (its marker and checksum are looked for), and is `ArchiveDamaged` unless salvaged.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from tidal.errors import ArchiveDamaged, NotAnArchive, SchemaTooNew
from tidal.model.codec import INTENTS, LOG, REPORTS, BadEntry, inflate, unpack
from tidal.model.events import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"\x89tidal\r\n"  # like PNG's: a file that went through a text conversion is told apart at once
VERSION = 1
MARKER = b"\xf5tdl"
HEAD_STRUCT = struct.Struct(">8sHII")
BLOCK_STRUCT = struct.Struct(">4sBQQIII")
CRC_STRUCT = struct.Struct(">I")
BLOCK_SIZE = BLOCK_STRUCT.size + CRC_STRUCT.size

ENTRIES, KEYFRAME, END = 1, 2, 3
BLOCK_BYTES_MAX = 1 << 20
"""Unpacked size at which the writer closes a block of entries; a reader accepts a quarter more."""
KEYFRAME_BYTES_MAX = 64 << 20
HEADER_BYTES_MAX = 64 << 10
UNPACKED_MAX = {ENTRIES: BLOCK_BYTES_MAX * 5 // 4, KEYFRAME: KEYFRAME_BYTES_MAX}
SCAN_BYTES_MAX = 4 * KEYFRAME_BYTES_MAX
"""How far a good block is looked for: no crash tears more than the one or two blocks between syncs."""
BLOCKS_MAX = 2_000_000
"""Heads are held in memory: a week of a master that syncs three times a second."""
STREAMS = (LOG, REPORTS, INTENTS)


class Block(NamedTuple):
    """The head of a block, and where it lies."""

    kind: int
    first_ms: int
    last_ms: int
    entries: int
    length: int
    crc: int
    offset: int  # of the payload, in its file
    part: int
    before: int  # entries before it in the archive


class ArchiveFile:
    """One file: its header, the heads of its blocks, and their payloads on demand."""

    def __init__(self, path: Path, number: int, *, salvage: bool) -> None:
        self.path = path
        self.torn = False
        self.damaged = 0
        self.blocks: list[Block] = []
        self._number = number
        self._salvage = salvage
        self._fd, self._size = _open_file(path)
        try:
            self.header, start = self._read_header()
            self._index(start)
            self._drop_torn_block()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _read_header(self) -> tuple[dict[str, Any], int]:
        head = os.pread(self._fd, HEAD_STRUCT.size, 0)
        if head[: len(MAGIC)] != MAGIC:
            raise NotAnArchive(f"{self.path} is not an archive of tidal")
        if len(head) < HEAD_STRUCT.size:
            raise HeadTorn(f"{self.path} is cut within its head: nothing was archived yet")
        _, version, length, crc = HEAD_STRUCT.unpack(head)
        if version > VERSION:
            raise SchemaTooNew(f"{self.path} has version {version} of the archive's format, this tidal reads {VERSION}")
        if version < 1:
            raise ArchiveDamaged(f"{self.path} claims version {version} of the archive's format, which never was")
        if length > HEADER_BYTES_MAX:
            raise ArchiveDamaged(f"{self.path} claims a header of {length} bytes; {HEADER_BYTES_MAX} are allowed")
        body = os.pread(self._fd, length, HEAD_STRUCT.size)
        if len(body) < length:
            raise HeadTorn(f"{self.path} is cut within its header: nothing was archived yet")
        return self._checked_header(body, crc), HEAD_STRUCT.size + length

    def _checked_header(self, body: bytes, crc: int) -> dict[str, Any]:
        try:
            header = unpack(body, HEADER_BYTES_MAX) if zlib.crc32(body) == crc else None
        except BadEntry:
            header = None
        if not isinstance(header, dict):
            raise ArchiveDamaged(f"{self.path} has a damaged header")
        schema = header.get("schema")
        if type(schema) is int and schema > SCHEMA_VERSION:
            raise SchemaTooNew(f"{self.path} has schema version {schema}, this tidal knows {SCHEMA_VERSION}")
        return header

    def _index(self, offset: int) -> None:
        """Read the heads of all blocks, from one to the next."""
        while offset < self._size:
            block = self._block_at(offset)
            if block is None:
                following = self._find_block(offset + 1)
                if following is None and self._size - offset <= SCAN_BYTES_MAX:
                    self.torn = True
                    return
                goes_on = f"goes on at byte {following}" if following else f"has {self._size - offset} bytes more"
                self.damage(f"{self.path} is damaged at byte {offset}; it {goes_on}")
                offset = following or self._size
            elif block.offset + block.length > self._size:
                self.torn = True
                return
            else:
                if len(self.blocks) >= BLOCKS_MAX:
                    raise ArchiveDamaged(f"{self.path} has more than {BLOCKS_MAX:,} blocks: no run writes so many")
                self.blocks.append(block)
                offset = block.offset + block.length

    def _block_at(self, offset: int) -> Block | None:
        """The block whose head lies there; None when none does."""
        head = os.pread(self._fd, BLOCK_SIZE, offset)
        if len(head) < BLOCK_SIZE or head[:4] != MARKER:
            return None
        if zlib.crc32(head[: BLOCK_STRUCT.size]) != CRC_STRUCT.unpack(head[BLOCK_STRUCT.size :])[0]:
            return None
        _, kind, first_ms, last_ms, count, length, crc = BLOCK_STRUCT.unpack(head[: BLOCK_STRUCT.size])
        if length > _payload_max(kind):
            return None
        return Block(kind, first_ms, last_ms, count, length, crc, offset + BLOCK_SIZE, self._number, 0)

    def _find_block(self, offset: int) -> int | None:
        """Where the next good head lies, found by its marker."""
        end = min(self._size, offset + SCAN_BYTES_MAX)
        while offset < end:
            window = os.pread(self._fd, 1 << 20, offset)
            at = window.find(MARKER)
            if at >= 0 and self._block_at(offset + at) is not None:
                return offset + at
            offset += at + 1 if at >= 0 else max(1, len(window) - len(MARKER) + 1)
        return None

    def _drop_torn_block(self) -> None:
        """The last block alone is read at opening: a crash may have left its length without its bytes."""
        while self.blocks and self._payload(self.blocks[-1]) is None:
            self.blocks.pop()
            self.torn = True

    def is_whole(self, block: Block) -> bool:
        """Whether a block's bytes are those that were written, by their checksum alone: nothing is unpacked."""
        return self._payload(block) is not None

    def _payload(self, block: Block) -> bytes | None:
        payload = os.pread(self._fd, block.length, block.offset)
        return payload if len(payload) == block.length and zlib.crc32(payload) == block.crc else None

    def read(self, block: Block) -> list[Any] | None:
        """The block's list; ArchiveDamaged when its checksum or its contents are off, None then when salvaging."""
        payload = self._payload(block)
        limit = UNPACKED_MAX[block.kind]
        why = "its checksum is off"
        if payload is not None:
            try:
                value = unpack(inflate(payload, limit), limit)
            except BadEntry as error:
                why = str(error)
            else:
                if isinstance(value, list):
                    return value
                why = "it holds no list"
        self.damage(f"{self.path} is damaged in the block at byte {block.offset}: {why}")
        return None

    def damage(self, message: str) -> None:
        """Count a damaged place when salvaging, raise otherwise."""
        self.damaged += 1
        if not self._salvage:
            run_path = self.path.with_name(self.path.name.partition(".part-")[0])
            raise ArchiveDamaged(f"{message}; save what is whole: tidal replay {run_path} --salvage OUT.tidal")


def _payload_max(kind: int) -> int:
    return UNPACKED_MAX.get(kind, KEYFRAME_BYTES_MAX) * 9 // 8  # zlib adds a little to what is random


class HeadTorn(ArchiveDamaged):
    """A part whose writer died before it had written its header."""


def _open_file(path: Path) -> tuple[int, int]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # O_NONBLOCK: a FIFO must not hang
    except OSError as error:
        raise NotAnArchive(f"{path} cannot be read: {error.strerror}") from None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise NotAnArchive(f"{path} is not a file")
    return fd, status.st_size
