"""HTTP/1.1 answers out of bytes: pure, and the same however the bytes are split.

    bytes ──feed()──▶ status, head, framing ──▶ body, whole or piece by piece
                      the end of the connection ──end()──▶ whole, or HTTPParseError

One `find` and one regular expression read what decides over the connection and the body; the other header fields stay
bytes until somebody asks (`Headers.of`). Heads, trailers, chunk lines and interim answers are bounded: servers are
strangers.
"""

from __future__ import annotations

import re
from typing import Any

HEAD_BYTES_MAX = 65_536
CHUNK_LINE_MAX = 1_024
INTERIM_MAX = 100
KNOWN_MAX, KNOWN_BYTES_MAX = 512, 2_048

_FIRST_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?\r\n")
_FIELDS = re.compile(
    rb"\r\n(content-length|transfer-encoding|connection|content-encoding|set-cookie|location):[ \t]*([^\r\n]*)",
    re.IGNORECASE,
)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_NO_BODY = frozenset([101, 204, 304])


_known: dict[tuple[bytes, bool], Any] = {}
"""Heads that were read (and whether their answers can have no body), and what they said; never changed."""


class HTTPParseError(Exception):
    """What came is not HTTP/1.1, or not all of it came; the texts are those by which Locust groups such failures."""


class HTTPConnectionClosed(HTTPParseError):
    """The connection ended before anything came."""


class AnswerParser:
    """One answer.

    Args:
        method: of the request: the answer to HEAD has no body.

    Attributes:
        status: 0 until the head is whole.
        head: status line and header fields with the line end of the last one; b"" until it is whole.
        keep_alive: whether the connection may serve another request, once the answer is whole.
        is_complete: whether the answer is whole.
        encoding: the body's content coding, in lower case.
        location: where a redirect leads.
        cookies: the values of its Set-Cookie lines.
        delay_s: how long its end lay in the kernel; negative: not known. Set by who received it.
    """

    __slots__ = (
        "_buffer",
        "_chunks",
        "_interim",
        "_is_bodiless",
        "_left",
        "_pieces",
        "cookies",
        "delay_s",
        "encoding",
        "head",
        "is_complete",
        "keep_alive",
        "location",
        "status",
    )

    def __init__(self, method: str = "GET") -> None:
        self.status = 0
        self.head = b""
        self.keep_alive = True
        self.is_complete = False
        self.encoding = b""
        self.location: bytes | None = None
        self.cookies: list[bytes] | None = None
        self.delay_s = -1.0
        self._is_bodiless = method == "HEAD"
        self._buffer = b""  # a head that is not whole yet
        self._interim = 0
        self._left: int | None = None  # bytes of a body whose length was said; None: until the connection ends
        self._chunks: Chunks | None = None
        self._pieces: list[bytes] = []

    @classmethod
    def fed(cls, method: str, data: bytes) -> AnswerParser:
        """One that took the first bytes: for most answers they are all, under a head that was read before."""
        end = data.find(b"\r\n\r\n")
        head = data[: end + 2]
        known = _known.get((head, method == "HEAD"))
        if known is None or known[7] != len(data) - end - 4:
            answer = cls(method)
            answer.feed(data)
            return answer
        answer = cls.__new__(cls)
        answer._be_whole(head, known, data[end + 4 :])  # noqa: SLF001 - it is its own class's
        return answer

    def _be_whole(self, head: bytes, known: Any, body: bytes) -> None:
        self.head, self.is_complete, self.delay_s = head, True, -1.0
        self.status, self.keep_alive, _, _, self.encoding, self.location, self.cookies, _ = known
        self._is_bodiless, self._buffer, self._interim, self._left, self._chunks = not body, b"", 0, 0, None
        self._pieces = [body] if body else []

    def __repr__(self) -> str:
        return f"<AnswerParser {self.status or 'no head yet'}{' whole' if self.is_complete else ''}>"

    @property
    def reason(self) -> str:
        """The words after the status."""
        return self.head[13 : self.head.find(b"\r\n")].decode("latin-1")

    @property
    def version(self) -> str:
        """The protocol's version."""
        return self.head[:8].decode("latin-1")

    @property
    def has_begun(self) -> bool:
        """Whether anything came."""
        return bool(self.status or self._buffer or self._interim)

    def feed(self, data: bytes) -> bool:
        """Take what came; returns whether the answer is whole."""
        if not self.head:
            rest = None if self._buffer else self._take_known(data)
            if rest is None:
                rest = self._take_head(data)
            if rest is None or self.is_complete:
                return self.is_complete
            data = rest
        if data:
            self._take_body(data)
        return self.is_complete

    def end(self) -> None:
        """The connection ended: the answer is whole now, or HTTPParseError says that it never will be."""
        if self.is_complete:
            return
        if not self.has_begun:
            raise HTTPConnectionClosed("connection closed.")
        if not self.status:
            raise HTTPParseError("Invalid EOF state", 14)
        if self._left is not None or self._chunks is not None:
            raise HTTPParseError("Incomplete response.")
        self.is_complete = True

    def take(self) -> bytes:
        """What there is of the body and was not taken yet."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # ------------------------------------------------------------------ the head

    def _take_head(self, data: bytes) -> bytes | None:
        """What follows the head; None while it is not whole."""
        if self._buffer:
            data = self._buffer + data
        while True:
            if data[:1] in (b"\r", b"\n"):
                data = data.lstrip(b"\r\n")
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > HEAD_BYTES_MAX:
                self._buffer = _unfinished(data, end)
                return None
            first = _FIRST_LINE.match(data)
            if first is None:
                raise HTTPParseError("Expected HTTP/, RTSP/ or ICE/", 8)
            status = int(first[2])
            if status >= 200 or status == 101:
                break
            data = self._skip_interim(data, end)
        self.status, self.head, self._buffer = status, data[: end + 2], b""
        self._frame(first[1] == b"1", _FIELDS.findall(data, first.end() - 2, end))
        self._remember()
        rest = data[end + 4 :]
        if self.is_complete and rest:
            self.keep_alive = False
        return rest

    def _remember(self) -> None:
        """Servers say the same head again and again, but for its date."""
        if self._chunks is None and len(self.head) <= KNOWN_BYTES_MAX:
            if len(_known) >= KNOWN_MAX:
                _known.clear()
            _known[self.head, self._is_bodiless] = (
                self.status,
                self.keep_alive,
                self.is_complete,
                self._left,
                self.encoding,
                self.location,
                self.cookies,
                0 if self.is_complete else self._left,
            )

    def _take_known(self, data: bytes) -> bytes | None:
        """What follows a head that was read before; None when this one was not."""
        end = data.find(b"\r\n\r\n")
        head = data[: end + 2]
        known = _known.get((head, self._is_bodiless)) if end > 0 else None
        if known is None:
            return None
        self.head = head
        self.status, self.keep_alive, self.is_complete, self._left, *noted, _ = known
        self.encoding, self.location, self.cookies = noted
        rest = data[end + 4 :]
        if rest and self.is_complete:
            self.keep_alive = False
        return rest

    def _skip_interim(self, data: bytes, end: int) -> bytes:
        self._interim += 1
        if self._interim > INTERIM_MAX:
            raise HTTPParseError(f"more than {INTERIM_MAX} interim answers")
        return data[end + 4 :]

    def _frame(self, is_11: bool, fields: list[tuple[bytes, bytes]]) -> None:  # noqa: FBT001 - one caller
        """Learn from the fields that matter how long the body is and whether the connection stays."""
        lengths, coding, connection = b"", b"", b""
        for name, value in fields:
            kind = name.lower()
            if kind == b"content-length":
                lengths = lengths + b"," + value if lengths else value or b"?"
            elif kind == b"connection":
                connection += value.lower()
            elif kind == b"transfer-encoding":
                coding += b"," + value.lower()
            else:
                self._note(kind, value.rstrip(b" \t"))
        self.keep_alive = b"close" not in connection and (is_11 or b"keep-alive" in connection)
        if self._is_bodiless or self.status in _NO_BODY:
            self.keep_alive = self.keep_alive and self.status != 101
            self.is_complete = True
        elif coding:
            self._frame_transfer(coding, has_length=bool(lengths))
        elif lengths:
            self._left = _length(lengths)
            self.is_complete = not self._left
        else:
            self.keep_alive = False

    def _note(self, kind: bytes, value: bytes) -> None:
        if kind == b"set-cookie":
            if self.cookies is None:
                self.cookies = []
            self.cookies.append(value)
        elif kind == b"location":
            self.location = self.location or value
        else:
            self.encoding = b"%b,%b" % (self.encoding, value.lower()) if self.encoding else value.lower()

    def _frame_transfer(self, coding: bytes, *, has_length: bool) -> None:
        names = [name.strip() for name in coding.split(b",") if name.strip()]
        if names != [b"chunked"]:
            raise HTTPParseError("Transfer coding not supported")
        self._chunks = Chunks()
        if has_length:  # two lengths are what smuggling is made of
            self.keep_alive = False

    # ------------------------------------------------------------------ the body

    def _take_body(self, data: bytes) -> None:
        if self._chunks is not None:
            rest = self._chunks.feed(data, self._pieces)
            if rest is not None:
                self._finish(has_more=bool(rest))
        elif self._left is None:
            self._pieces.append(data)
        else:
            size = len(data)
            self._pieces.append(data if size <= self._left else data[: self._left])
            if size >= self._left:
                self._finish(has_more=size > self._left)
            self._left -= size

    def _finish(self, *, has_more: bool) -> None:
        self.is_complete = True
        if has_more:  # nobody asked for that: whatever it is, the next answer would not be the next request's
            self.keep_alive = False

    @property
    def wanted(self) -> int | None:
        """Bytes of the body still to come, where that is known."""
        return self._left


def _unfinished(data: bytes, end: int) -> bytes:
    """The beginning of a head, unless it can become none."""
    if end > HEAD_BYTES_MAX or len(data) > HEAD_BYTES_MAX + 4:
        raise HTTPParseError(f"the head is longer than {HEAD_BYTES_MAX} bytes")
    if not b"HTTP/1.".startswith(data[:7]) or (b"\n" in data and not _FIRST_LINE.match(data)):
        raise HTTPParseError("Expected HTTP/, RTSP/ or ICE/", 8)
    return data


def _length(lengths: bytes) -> int:
    """The one length that all Content-Length lines say."""
    said = lengths.strip()
    if not said.isdigit():
        parts = {part.strip() for part in said.split(b",")}
        said = parts.pop() if len(parts) == 1 else b""
    if not said.isdigit() or len(said) > 18:
        raise HTTPParseError("Invalid character in Content-Length", 11)
    return int(said)


class Chunks:
    """A body in chunks, decoded as it comes; extensions and trailers are skipped."""

    __slots__ = ("_is_after_data", "_is_in_trailers", "_left", "_rest", "_trailer_bytes")

    def __init__(self) -> None:
        self._rest = b""  # a line that is not whole yet
        self._left = 0  # bytes of the current chunk still to come
        self._is_after_data = False
        self._is_in_trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes | None:
        """Append what was decoded to `pieces`; returns what follows the body once it is whole, else None."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        at = 0
        while True:
            if self._left:
                at = self._take_data(data, at, pieces)
                if self._left:
                    return None
            end = data.find(b"\r\n", at, at + CHUNK_LINE_MAX)
            if end < 0:
                self._wait_for_line(data[at:])
                return None
            line, at = data[at:end], end + 2
            if self._take_line(line):
                return data[at:]

    def _take_data(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        piece = data[at : at + self._left]
        if piece:
            pieces.append(piece)
        self._left -= len(piece)
        self._is_after_data = not self._left
        return at + len(piece)

    def _wait_for_line(self, begun: bytes) -> None:
        is_hopeless = len(begun) >= CHUNK_LINE_MAX or (self._is_after_data and begun not in (b"", b"\r"))
        if is_hopeless:
            raise HTTPParseError("a chunk has no end of line")
        self._rest = begun

    def _take_line(self, line: bytes) -> bool:
        """Obey a line between chunks; returns whether it was the last."""
        if self._is_in_trailers:
            self._trailer_bytes += len(line) + 2
            if self._trailer_bytes > HEAD_BYTES_MAX:
                raise HTTPParseError(f"the trailers are longer than {HEAD_BYTES_MAX} bytes")
            return not line
        if self._is_after_data:
            if line:
                raise HTTPParseError("a chunk is longer than it said")
            self._is_after_data = False
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise HTTPParseError("Invalid character in chunk size", 12)
        self._left = int(size[1], 16)
        self._is_in_trailers = not self._left
        return False
