r"""Entries to bytes and back: the one home of msgpack.

An entry of a stream has three fields:

    k  kind, two letters                      b"rp"
    v  schema version, decimal                b"1"
    d  one flag byte, then msgpack            b"\\x00" + [epoch, n, at_ms, {field: value}]        by a master
                                              b"\\x01" + zlib([incarnation, first, last, at_ms, {…}])  by a worker

The flag is 0 for plain and 1 for zlib, used above 1 KB. Whatever comes from Redis, a file or a pipe is hostile until
it is decoded here: its size is bounded before and after decompression, every value is checked, and the only
exception that leaves is `BadEntry`.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack  # type: ignore[import-untyped]

from tidal.model import pipe
from tidal.model.events import (
    MASTER_EVENTS,
    OPERATOR_EVENTS,
    SCHEMA_VERSION,
    WORKER_EVENTS,
    ByMaster,
    ByOperator,
    ByWorker,
    Event,
)
from tidal.model.struct import Struct
from tidal.model.wire import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRY_BYTES_MAX = 256 * 1024
"""An entry larger than this, packed or unpacked, is refused."""
COMPRESS_ABOVE = 1_024
COMPRESS_LEVEL = 6
"""A tenth smaller than by the fastest, for a worker's 0.1 ms a report; to read both costs the same."""
VERSION_MAX = 65_535
PIPE_BYTES_MAX = 64 * 1024 * 1024
"""A pipe is ours on both ends, but user code sits behind one of them."""

MESSAGE_BYTES_MAX = 128 * 1024
"""A custom message of user code's is no larger than this, packed."""
MOMENT_EXT = 1
"""msgpack's extension type for a moment: ISO 8601."""

LOG, REPORTS, INTENTS = "log", "reports", "intents"


class BadEntry(ValueError):
    """An entry that cannot be believed; the message says why."""


class EntryTooNew(BadEntry):
    """An entry of a newer major schema version."""


class EntryId(NamedTuple):
    """A stream id: milliseconds and a sequence number, ordered as Redis orders them."""

    ms: int
    seq: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @classmethod
    def parse(cls, text: str | bytes) -> EntryId:
        """The id that Redis wrote as `ms-seq`; ValueError otherwise."""
        ms, _, seq = (text.decode("ascii") if isinstance(text, bytes) else text).partition("-")
        return cls(int(ms), int(seq or 0))


ZERO_ID = EntryId(0, 0)


_ENTRY_ID = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)


def is_entry_id(text: str) -> bool:
    """Whether a text could be a stream id."""
    return _ENTRY_ID.fullmatch(text) is not None


class Entry(Struct, frozen=True):
    """One element of a stream as it is stored: id and bytes."""

    stream: str  # log, reports or intents
    id: EntryId
    kind: str
    version: int
    data: bytes


Signed = ByMaster | ByWorker | ByOperator
_ENVELOPES: dict[str, tuple[type[Signed], dict[str, type[Event]]]] = {
    LOG: (ByMaster, {e.KIND: e for e in MASTER_EVENTS}),
    REPORTS: (ByWorker, {e.KIND: e for e in WORKER_EVENTS}),
    INTENTS: (ByOperator, {e.KIND: e for e in OPERATOR_EVENTS}),
}


_HEADS: dict[type[Signed], Any] = {
    ByMaster: tuple[int, int, int],
    ByWorker: tuple[str, int, int, int],
    ByOperator: tuple[str, str, int],
}
"""The envelopes' own fields, before the event's."""


def encode(signed: Signed) -> dict[bytes, bytes]:
    """The fields of the stream entry that carries an event in its envelope."""
    event = signed.event
    wire = [getattr(signed, name) for name in signed.__struct_fields__ if name != "event"]
    return {
        b"k": event.KIND.encode(),
        b"v": str(event.VERSION).encode(),
        b"d": _squeeze(pack([*wire, to_wire(event)])),
    }


def entry_of(stream: str, entry_id: EntryId, fields: dict[bytes, bytes]) -> Entry:
    """An entry from what Redis returned; without the three fields it is one of kind "", which `decode` refuses.

    So it is archived and counted like any other, and live and replay agree on it.
    """
    try:
        kind, version, data = fields[b"k"].decode("ascii")[:16], int(fields[b"v"]), fields[b"d"]
    except (KeyError, ValueError):
        return Entry(stream, entry_id, "", SCHEMA_VERSION, b"")
    if not 1 <= version <= VERSION_MAX:
        return Entry(stream, entry_id, "", SCHEMA_VERSION, b"")
    return Entry(stream, entry_id, kind, version, data)


def decode(entry: Entry) -> Signed | None:
    """The event in its envelope; None for a kind that this version does not know; BadEntry for nonsense."""
    if entry.version > SCHEMA_VERSION:
        raise EntryTooNew(f"schema version {entry.version}, this tidal knows {SCHEMA_VERSION}")
    if not entry.kind:
        raise BadEntry("not an entry of tidal: it has no kind, version and data")
    envelope, kinds = _ENVELOPES[entry.stream]
    event_class = kinds.get(entry.kind)
    if event_class is None:
        return None
    wire = unpack(_unsqueeze(entry.data))
    if not isinstance(wire, list):
        raise BadEntry("not an envelope")
    try:
        values = (*from_wire(_HEADS[envelope], wire[:-1]), from_wire(event_class, wire[-1]))
        signed = envelope(*values)
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise BadEntry(str(error)[:200]) from None
    return signed


def understood(entry: Entry) -> Signed | None:
    """As `decode`; None for nonsense as well."""
    try:
        return decode(entry)
    except BadEntry:
        return None


def pack(value: Any) -> bytes:
    """A plain value as msgpack, maps in the order given; text that is no Unicode (a lone surrogate) as its escape."""
    return bytes(msgpack.packb(value, unicode_errors="backslashreplace"))


def unpack(data: bytes, limit: int = ENTRY_BYTES_MAX) -> Any:
    """A plain value from msgpack, with every length bounded by `limit` bytes; BadEntry for anything else."""
    if len(data) > limit:
        raise BadEntry(f"{len(data)} bytes where {limit} are allowed")
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, max_ext_len=0)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise BadEntry(f"not msgpack: {type(error).__name__}") from None


def packed_secrets(secrets: Sequence[tuple[str, str]]) -> bytes:
    """Arguments (name, value as JSON) that must not be in the log."""
    return pack([list(pair) for pair in secrets])


def unpacked_secrets(data: bytes) -> tuple[tuple[str, str], ...]:
    """The arguments of `packed_secrets`; none for nonsense."""
    try:
        found: tuple[tuple[str, str], ...] = from_wire(tuple[tuple[str, str], ...], unpack(data))
    except ValueError:
        return ()
    return found


def pack_value(value: Any) -> bytes:
    """A value of user code's, with moments (`datetime`) in it; ValueError for what msgpack cannot carry.

    Objects that have no form of their own (an ObjectId) go as their text, as Locust sends them.
    """
    try:
        return bytes(msgpack.packb(value, default=_plain, unicode_errors="backslashreplace"))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"no value that can be sent: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return msgpack.ExtType(MOMENT_EXT, value.isoformat().encode())
    if isinstance(value, set | frozenset):
        return list(value)
    if type(value).__name__ == "ObjectId":
        return str(value)
    raise TypeError(f"{type(value).__name__} is neither text, number, list nor map")


def unpack_value(data: bytes) -> Any:
    """The value of `pack_value`; BadEntry for anything else."""
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=_moment)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise BadEntry(f"not a value: {type(error).__name__}") from None


def _moment(code: int, data: bytes) -> Any:
    if code != MOMENT_EXT:
        raise ValueError("an unknown kind of value")
    return datetime.fromisoformat(data.decode())


def _squeeze(packed: bytes) -> bytes:
    return b"\x01" + zlib.compress(packed, COMPRESS_LEVEL) if len(packed) > COMPRESS_ABOVE else b"\x00" + packed


def _unsqueeze(data: bytes) -> bytes:
    if len(data) > ENTRY_BYTES_MAX:
        raise BadEntry(f"more than {ENTRY_BYTES_MAX} bytes")
    if data[:1] == b"\x00":
        return data[1:]
    if data[:1] != b"\x01":
        raise BadEntry("an unknown flag byte")
    return inflate(data[1:], ENTRY_BYTES_MAX)


def inflate(data: bytes, limit: int) -> bytes:
    """Decompress zlib without ever making more than `limit` bytes; BadEntry for a bomb or a torn stream."""
    squeezer = zlib.decompressobj()
    try:
        plain = squeezer.decompress(data, limit)
    except zlib.error:
        raise BadEntry("not zlib") from None
    if not squeezer.eof:
        raise BadEntry(f"cut off, or more than {limit} bytes when unpacked")
    return plain


# ------------------------------------------------------------------ pipes

_MESSAGES = {m.KIND: m for m in (*pipe.ORDERS, *pipe.ANSWERS)}


def pack_message(message: Event) -> bytes:
    """One frame for a pipe: length, then [kind, fields]."""
    body = pack([message.KIND, to_wire(message)])
    return len(body).to_bytes(4, "big") + body


class PipeReader:
    """Cuts a pipe's bytes into messages: feed bytes in, get messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """The messages that `data` completes; BadEntry when the other side speaks nonsense."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > PIPE_BYTES_MAX:
                raise BadEntry(f"a message of {size} bytes on a pipe")
            if len(self._buffer) < 4 + size:
                break
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            messages.append(_message(body))
        return messages


def _message(body: bytes) -> Event:
    wire = unpack(body, PIPE_BYTES_MAX)
    if not isinstance(wire, list) or len(wire) != 2 or not isinstance(wire[0], str) or wire[0] not in _MESSAGES:
        raise BadEntry("not a message")
    try:
        message: Event = from_wire(_MESSAGES[wire[0]], wire[1])
    except (ValueError, TypeError, OverflowError) as error:
        raise BadEntry(str(error)[:200]) from None
    return message
