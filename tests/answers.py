"""Answers and requests of every kind, drawn by a seed: the same ones in every process that knows the seed."""

from __future__ import annotations

import gzip
import zlib
from random import Random
from typing import Any, NamedTuple

BODIES = (b"", b"ok", b'{"a": [1, 2]}', "grüße, 世界".encode(), b"\xff\xfe\x00", b"0123456789" * 500, b"x" * 40_000)
KINDS = (
    "text/plain",
    "text/html; charset=utf-8",
    "application/json",
    "text/plain; charset=latin-1",
    "image/png",
    "odd",
)
STATUSES = ("200 OK",) * 12 + (
    "201 Created",
    "204 No Content",
    "206 Partial Content",
    "299",
    "299 ",
    "304 Not Modified",
    "400 Bad",
    "404 Not Found",
    "418 I'm a teapot",
    "500 Internal Server Error",
    "503 Service Unavailable",
)
HEADERS = (
    "Server: odd",
    "Date: Tue, 24 Nov 2026 00:00:00 GMT",
    "X-A: 1",
    "x-a: 2",
    "X-Empty:",
    "X-Spaces:   a  b  ",
    "X-Tab:\ta",
    "X-Latin: \xe9",
    "X-Folded: a\r\n b",
    "NoColon",
    "X Space: 1",
    'ETag: "a"',
    "Cache-Control: no-cache",
    "Vary: *",
    'Link: </next>; rel="next"',
    "X-Long: " + "y" * 3000,
    "X-Nel: a\x85b",
    ": no name",
    "X-Null: a\x00b",
)
COOKIES = (
    "a=1",
    "a=2; Path=/",
    "b=x; Path=/a",
    "c=3; Domain=127.0.0.1",
    "d=4; Max-Age=0",
    "e=5; Max-Age=1000; Secure",
    "f=6; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    'g="quoted value"; HttpOnly',
    "bad",
    "h=\xe9; Path=/a/7",
)


class Answer(NamedTuple):
    """What a server does after a request.

    Attributes:
        pieces: bytes, one packet after the other.
        end: "keep", "close" or "reset".
    """

    pieces: tuple[bytes, ...]
    end: str


def answer_of(seed: int, index: int) -> Answer:
    """The answer to request `index`."""
    luck = Random(f"{seed} {index} answer")
    kind = luck.random()
    if kind < 0.03:
        return _broken(luck)
    if kind < 0.08:
        return _redirect(luck, index)
    body, headers, end = luck.choice(BODIES), [f"Content-Type: {luck.choice(KINDS)}"], "keep"
    headers += luck.choices(HEADERS, k=luck.choice((0, 1, 2, 3))) if luck.random() < 0.2 else ["Server: odd"]
    headers += [f"Set-Cookie: {cookie}" for cookie in luck.choices(COOKIES, k=luck.choice((0, 0, 0, 0, 1, 2)))]
    body, headers = _coded(luck, body, headers)
    wire, headers, end = _framed(luck, body, headers)
    version = "HTTP/1.0" if luck.random() < 0.03 else "HTTP/1.1"
    head = "\r\n".join([f"{version} {luck.choice(STATUSES)}", *headers, "", ""]).encode("latin-1")
    interim = luck.choice(
        (b"", b"", b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")
    )
    if luck.random() < 0.85:
        interim = b""
    return Answer(_cut(luck, interim + head + wire), end)


def _coded(luck: Random, body: bytes, headers: list[str]) -> tuple[bytes, list[str]]:
    choice = luck.random()
    if choice < 0.8:
        return body, headers
    name, coded = luck.choice(
        (
            ("gzip", gzip.compress(body)),
            ("gzip", gzip.compress(body) + gzip.compress(b"more")),
            ("GZIP", gzip.compress(body)),
            ("gzip", gzip.compress(body)[:-3]),
            ("gzip", body),
            ("deflate", zlib.compress(body)),
            ("gzip", gzip.compress(body) + b"\0\0"),
            ("deflate", zlib.compress(body, wbits=-15)),
            ("identity", body),
            ("odd", body),
            ("gzip, gzip", gzip.compress(gzip.compress(body))),
            ("x-gzip", gzip.compress(body)),
            ("br", b"\x8b\x00\x80ok\x03"),
            ("", body),
        )
    )
    return coded, [*headers, f"Content-Encoding: {name}"]


def _framed(luck: Random, body: bytes, headers: list[str]) -> tuple[bytes, list[str], str]:
    choice = luck.random()
    if choice < 0.75:
        return body, [*headers, f"Content-Length: {len(body)}"], luck.choice(("keep",) * 15 + ("close",))
    if choice < 0.9:
        size = luck.choice(("5", "5", "5", "5;ext=1", "0005", "5 ", "zz", "6", "4"))
        chunks = b"".join(_chunk(body[at : at + 1000]) for at in range(0, len(body), 1000))
        last = luck.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX-Trailer: 1\r\n\r\n", b"0\r\n", b""))
        coding = luck.choice(("chunked", "chunked", "chunked", "Chunked", "gzip, chunked"))
        is_whole = last.endswith(b"\r\n\r\n") and size not in ("zz", "6", "4") and coding != "gzip, chunked"
        wire = f"{size}\r\nhello\r\n".encode() + chunks + last
        return wire, [*headers, f"Transfer-Encoding: {coding}"], "keep" if is_whole else "close"
    if choice < 0.92:
        return body, headers, "close"
    if choice < 0.95:
        return (
            body,
            [
                *headers,
                f"Content-Length: {len(body)}",
                luck.choice(("Connection: close", "connection: Keep-Alive, Close")),
            ],
            "close",
        )
    length = luck.choice(
        (
            str(len(body) + 5),
            str(max(0, len(body) - 1)),
            "-1",
            "x",
            f"{len(body)}, {len(body)}",
            f"+{len(body)}",
            "",
            "0x5",
        )
    )
    more = [f"Content-Length: {len(body)}"] if luck.random() < 0.2 else []
    return body, [*headers, f"Content-Length: {length}", *more], "close"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""


def _broken(luck: Random) -> Answer:
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"
    pieces = luck.choice(
        (
            (),
            (),
            (b"garbage\r\n\r\n",),
            (begun,),
            (begun[:20],),
            (b"HTTP/2 200 OK\r\n\r\n",),
            (b"HTTP/1.1 abc OK\r\n\r\n",),
        )
    )
    return Answer(pieces, luck.choice(("close", "reset")))


def _redirect(luck: Random, index: int) -> Answer:
    to = luck.choice(
        (
            f"/a/{index + 1_000_000}",
            f"/a/{index + 1_000_000}?x=1#frag",
            "",
            "ftp://x/",
            f"/a/{index + 1_000_000}/\xe9",
            "/a/%zz",
        )
    )
    status = luck.choice(("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "300 Choices"))
    more = "Set-Cookie: r=1; Path=/\r\n" if luck.random() < 0.5 else ""
    end = luck.choice(("keep", "keep", "close"))
    more += "Connection: close\r\n" if end == "close" else ""  # unsaid, it would race with the request that follows
    head = f"HTTP/1.1 {status}\r\nLocation: {to}\r\n{more}Content-Length: 2\r\n\r\nmv"
    return Answer(_cut(luck, head.encode("latin-1")), end)


def _cut(luck: Random, data: bytes) -> tuple[bytes, ...]:
    if luck.random() < 0.8 or len(data) < 2:
        return (data,)
    places = sorted(luck.sample(range(1, len(data)), min(len(data) - 1, luck.choice((1, 2, 3)))))
    return tuple(data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True))


def request_of(seed: int, index: int) -> tuple[str, str, dict[str, Any]]:
    """Request `index`: method, path, and what else is said."""
    luck = Random(f"{seed} {index} request")
    method = luck.choice(("GET",) * 8 + ("POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "BREW"))
    odd = luck.choice(
        (
            "/%41%zz",
            "/a b",
            "/../up",
            "/./x",
            "//x",
            "/%2e/",
            "/é",
            "/x;y=1",
            "/.well-known",
            "/a'(b)",
            "#frag",
            "?",
            "/%20",
        )
    )
    path = f"/a/{index}{odd if luck.random() < 0.25 else ''}"
    path += luck.choice(("", "", "", "", "?x=1", "?x=1&y=%20", "?q=é", "?a=b c", "?a=[1]"))
    kwargs: dict[str, Any] = {}
    if luck.random() < 0.25:
        kwargs["params"] = luck.choice(
            (
                {"p": 1},
                {"p": [1, 2], "q": None},
                "raw=1",
                {"p": "ä &="},
                [("p", "1"), ("p", "2")],
                {},
                {"p": None},
                b"b=1",
            )
        )
    if method.upper() not in ("GET", "HEAD") or luck.random() < 0.05:
        kwargs |= luck.choice(
            (
                {},
                {"data": b"bytes"},
                {"data": "text"},
                {"data": "grüße"},
                {"data": {"a": 1, "b": ["x", "y"]}},
                {"data": [("a", "b")]},
                {"json": {"a": [1, None, "é"]}},
                {"json": []},
                {"json": 0},
                {"data": b"x" * 200_000},
                {"data": {}},
                {"data": {"a": None}},
                {"files": {"f": ("n", "content")}},
                {"json": {"a": 1}, "data": "both"},
                {"data": bytearray(b"array")},
                {"json": {"a": {1}}},
            )
        )
    if luck.random() < 0.3:
        kwargs["headers"] = luck.choice(
            (
                {"X-Own": "1"},
                {"user-agent": "me"},
                {"Accept": "application/json", "X-B": "2"},
                {"X-Bytes": b"1"},
                {"X-Latin": "\xe9"},
                {"X-Bad": "a\nb"},
                {"Accept-Encoding": None},
                {"Connection": "close"},
                {"Host": "else.where"},
                {"Content-Type": "odd/odd"},
                {"Cookie": "own=1"},
                {"X-Int": 5},
                {"X-Empty": ""},
                {" X": "1"},
                {"X-Trail": "a "},
            )
        )
    if luck.random() < 0.1:
        kwargs["auth"] = luck.choice((("u", "p"), ("ü", "p"), None))
    if luck.random() < 0.15:
        kwargs["allow_redirects"] = luck.random() < 0.4
    if luck.random() < 0.08:
        kwargs |= luck.choice(
            (
                {"stream": True},
                {"cookies": {"k": "v"}},
                {"timeout": (2, 3)},
                {"timeout": 5},
                {"verify": False},
                {"hooks": {}},
            )
        )
    return method, path, kwargs
