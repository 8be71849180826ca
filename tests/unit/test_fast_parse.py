"""Answers out of bytes: whole, in pieces, hostile."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from odd_server import CHUNKED, KEPT, LAST, raw, whole

from tidal.generator import fast_parse
from tidal.generator.fast_body import decoded
from tidal.generator.fast_errors import ContentError
from tidal.generator.fast_headers import Headers, line_of
from tidal.generator.fast_parse import (
    CHUNK_LINE_MAX,
    HEAD_BYTES_MAX,
    INTERIM_MAX,
    AnswerParser,
    HTTPConnectionClosed,
    HTTPParseError,
)

ANSWERS = [*KEPT.values(), *LAST.values()]


def told(pieces: list[bytes], method: str = "GET") -> tuple[object, ...]:
    """What one learns from an answer that comes in these pieces, before the connection ends."""
    answer = AnswerParser(method)
    body = b""
    try:
        for piece in pieces:
            if answer.is_complete:
                answer.keep_alive = False  # the connection does the same with what comes unasked
                break
            answer.feed(piece)
            body += answer.take()
        answer.end()
    except HTTPParseError as error:
        return (type(error).__name__, answer.status, body)
    facts = (answer.location, answer.cookies, answer.encoding)
    return (answer.status, answer.head, body, answer.keep_alive, *facts)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at some places."""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places) if a < b]


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 400_000), max_size=8), st.sampled_from(["GET", "HEAD"]))
def test_any_split_gives_the_same_answer(data: bytes, cuts: list[int], method: str) -> None:
    """However the network cuts it."""
    if method == "HEAD":
        data = data[: data.find(b"\r\n\r\n") + 4]
    assert told(split(data, cuts), method) == told([data] if data else [], method)


@given(st.sampled_from(ANSWERS), st.integers(1, 400_000), st.sampled_from(["GET", "HEAD"]))
def test_one_made_of_the_first_bytes_is_as_one_that_was_fed_with_them(data: bytes, cut: int, method: str) -> None:
    """Whether these are all, or the head was read before, or not."""
    first = data[: 1 + cut % max(1, len(data))]
    for _ in range(2):  # the second time the head is known
        try:
            made = AnswerParser.fed(method, first)
        except HTTPParseError as error:
            with pytest.raises(type(error)):
                AnswerParser(method).feed(first)
            continue
        one = AnswerParser(method)
        one.feed(first)
        for name in ("status", "head", "keep_alive", "is_complete", "encoding", "location", "cookies", "has_begun"):
            assert getattr(made, name) == getattr(one, name)
        assert made.take() == one.take()


@given(st.sampled_from(ANSWERS), st.sampled_from(["GET", "HEAD"]))
def test_a_head_that_was_read_before_means_the_same(data: bytes, method: str) -> None:
    """It is kept, and whoever sends it again has said the same."""
    fast_parse._known.clear()
    first = told([data], method)
    assert told([data], method) == first == told([data], method)


@pytest.mark.parametrize("path", [path for path, data in {**KEPT, **LAST}.items() if len(data) < 1_000])
def test_byte_by_byte_is_the_same(path: str) -> None:
    """The smallest pieces there are."""
    data = {**KEPT, **LAST}[path]
    assert told([data[i : i + 1] for i in range(len(data))]) == told([data] if data else [])


@pytest.mark.parametrize("codings", [[b"gzip", b"br"], [b"\xff\xfe", b"GZIP"], [b"\xe9", b"", b"\x80"]])
def test_codings_that_are_no_text_are_kept(codings: list[bytes]) -> None:
    """In the order of their lines; whoever decodes the body says that nobody knows them."""
    head = b"HTTP/1.1 204 No Content\r\n" + b"".join(b"Content-Encoding: %b\r\n" % coding for coding in codings)
    answer = AnswerParser()
    assert answer.feed(head + b"\r\n")
    assert answer.encoding == b",".join(codings).lower()
    with pytest.raises(ContentError):
        decoded(b"body", answer.encoding)


@st.composite
def chunked_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body, and the same in chunks with extensions and trailers."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    extension = draw(st.sampled_from([b"", b";a", b' ; a="b c"']))
    trailers = draw(st.sampled_from([b"", b"X: 1\r\n", b"X: 1\r\nY: 2\r\n"]))
    sent = b"".join(b"%X%b\r\n%b\r\n" % (len(c), extension, c) for c in chunks)
    return b"".join(chunks), sent + b"0" + extension + b"\r\n" + trailers + b"\r\n"


@given(chunked_bodies(), st.lists(st.integers(0, 500), max_size=6))
def test_chunks_come_out_as_they_went_in(bodies: tuple[bytes, bytes], cuts: list[int]) -> None:
    """Whatever is in them, and however they are cut."""
    plain, sent = bodies
    head = raw("HTTP/1.1 200 OK", CHUNKED)
    result = told(split(head + sent, cuts))
    assert result[0] == 200
    assert result[2] == plain
    assert result[3] is True


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/2 200\r\n", b"\r\n",
        b"\r\n\r\n", b"\n", b"\r", b"Content-Length: 5\r\n", b"content-length:3\r\n", b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n",
        b"Set-Cookie: a=b\r\n", b" folded\r\n", b"5\r\nhello\r\n", b"0\r\n", b"0\r\n\r\n", b"ffffffffffffffffff\r\n",
        b"hello", b":", b"\x00\xff",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=14), st.lists(st.integers(0, 300), max_size=5))
@example([b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"\r\n", b"hello"], [3])
def test_whatever_comes_is_an_answer_or_no_http(pieces: list[bytes], cuts: list[int]) -> None:
    """Nothing else is ever raised, and the split decides nothing."""
    data = b"".join(pieces)
    once, cut = told([data] if data else []), told(split(data, cuts))
    if isinstance(once[0], str):
        assert once[0] == cut[0]
    else:
        assert once == cut


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "HTTPConnectionClosed"),
        (b"\r\n", "HTTPConnectionClosed"),
        (b"HTTP/1.1 200 OK\r\n", "HTTPParseError"),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTPParseError"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "HTTPParseError"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "HTTPParseError"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2", body=b"ab"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", "Content-Length: +1", body=b"a"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", "Content-Length: " + "9" * 30), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", "Content-Length:"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", CHUNKED, body=b"x\r\n"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", CHUNKED, body=b"1\r\nab\r\n0\r\n\r\n"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", CHUNKED, body=b"-1\r\n"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", CHUNKED, body=b"1" + b" " * CHUNK_LINE_MAX + b"\r\na\r\n0\r\n\r\n"), "HTTPParseError"),
        (raw("HTTP/1.1 200 OK", CHUNKED, body=b"0\r\n" + b"X: y\r\n" * HEAD_BYTES_MAX), "HTTPParseError"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n", "HTTPParseError"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * (INTERIM_MAX + 1) + whole(), "HTTPParseError"),
    ],
)
def test_what_is_no_http_is_refused(data: bytes, error: str) -> None:
    """At once, or when the connection ends."""
    assert told([data] if data else [])[0] == error


@pytest.mark.parametrize(
    ("data", "keeps"),
    [
        (whole(), True),
        (whole("", "200 OK", "Connection: close"), False),
        (whole("", "200 OK", "connection: Upgrade, Close"), False),
        (raw("HTTP/1.0 200 OK", "Content-Length: 0"), False),
        (raw("HTTP/1.0 200 OK", "Content-Length: 0", "Connection: keep-alive"), True),
        (raw("HTTP/1.1 200 OK", body=b"to the end"), False),
        (raw("HTTP/1.1 200 OK", CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"), False),
        (raw("HTTP/1.1 200 OK", "Content-Length: 2, 2", body=b"ok"), True),
        (raw("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 2", body=b"ok"), True),
        (raw("HTTP/1.1 101 Switching Protocols", "Upgrade: x"), False),
        (KEPT["/extra"], False),
        (KEPT["/interim"], True),
    ],
)
def test_whether_the_connection_stays(data: bytes, keeps: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """By version, by what the server says, by what could not be told apart from the next answer."""
    assert told([data])[3] is keeps


def test_the_answer_to_head_has_no_body() -> None:
    """Although it says how long it would be."""
    answer = AnswerParser("HEAD")
    assert answer.feed(raw("HTTP/1.1 200 OK", "Content-Length: 10"))
    assert answer.keep_alive


def test_nothing_at_all_is_told_from_a_part() -> None:
    """A kept-alive connection that brings nothing may be tried again; one that brought something may not."""
    nothing, part = AnswerParser(), AnswerParser()
    part.feed(b"HTTP/1.1 2")
    assert (nothing.has_begun, part.has_begun) == (False, True)
    with pytest.raises(HTTPConnectionClosed):
        nothing.end()
    with pytest.raises(HTTPParseError, match="EOF"):
        part.end()


# ---------------------------------------------------------------------- header fields


def test_fields_have_no_case_and_may_have_several_lines() -> None:
    """As Locust's files read them."""
    headers = Headers.of(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nServer:  me \r\nx-a: 2\r\nFolded: a\r\n  b\r\nnonsense\r\n")
    assert headers["x-A"] == ["1", "2"]
    assert headers["SERVER"] == "me"
    assert headers["folded"] == "a b"
    assert headers.get("nope") is None
    assert "X-a" in headers
    assert list(headers) == ["x-a", "server", "folded"]
    assert list(headers.items())[:2] == [("X-A", "1"), ("x-a", "2")]
    assert headers.get_all("x-a") == ["1", "2"]
    assert headers.compatible_dict()["X-A"] == "1, 2"
    assert repr(headers).startswith("Headers({'X-A': '1, 2'")


def test_changes_are_noticed() -> None:
    """Who keeps bytes made of headers can tell whether they are old."""
    headers = Headers({"A": "1"})
    seen = {headers.changes}
    for change in (lambda: headers.update(b="2"), lambda: headers.pop("a"), lambda: headers.add("b", "3")):
        change()
        seen.add(headers.changes)
    assert len(seen) == 4
    assert headers["B"] == ["2", "3"]


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_header_line_is_one_line(name: str, value: str) -> None:
    """Or refused: a value from a data file must not become another header."""
    try:
        line = line_of(name, value)
    except ValueError:
        return
    assert re.fullmatch(r"[^\r\n:]+: [^\r\n]*\r\n", line)
    line.encode("latin-1")
