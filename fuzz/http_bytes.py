"""What a server may send to `FastHttpUser`: good answers, and the parser that must come to one end whatever comes."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

from tidal.generator.fast_body import decoded
from tidal.generator.fast_headers import Headers
from tidal.generator.fast_parse import AnswerParser, HTTPParseError

GOOD = (
    b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 302 Found\r\nLocation: /x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close\r\n\r\nto the end",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nContent-Encoding: gzip\r\n\r\n",
)


def answer(data: bytes) -> None:
    """An answer or HTTPParseError, the same one however the bytes come, whole or in pieces, known or new."""
    for method in ("GET", "HEAD"):
        whole = _outcome(method, [data])
        assert whole == _outcome(method, [data])  # now its head is known
        for size in (1, 7, 64):
            cut = _outcome(method, [data[at : at + size] for at in range(0, len(data), size)])
            assert cut == whole, f"{method}: {cut} in pieces of {size}, whole {whole}"


def _outcome(method: str, pieces: list[bytes]) -> Any:
    made = AnswerParser(method)
    try:
        for piece in filter(None, pieces):
            if made.is_complete:
                made.keep_alive = False  # who received it would have closed the connection for what came unasked
                break
            made.feed(piece)
        made.end()
    except HTTPParseError as error:
        return type(error).__name__
    body = made.take()
    with suppress(zlib.error):
        decoded(body, made.encoding)
    return (made.status, made.head, body, made.keep_alive, made.cookies, list(Headers.of(made.head).items()))
