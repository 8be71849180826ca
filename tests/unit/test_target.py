"""The shop: what it answers, what it counts, and what it refuses."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.errors import PortTaken
from tidal.target.counts import SECONDS_MAX, Counts
from tidal.target.lab import CLOSE, Asked, lab_answer
from tidal.target.pages import answer
from tidal.target.queues import Queue, queue_answer
from tidal.target.server import BadRequest, cut_request, listen, port_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@pytest.mark.parametrize(
    ("method", "path", "status", "endpoint"),
    [
        ("GET", "/", 200, "GET /"),
        ("GET", "/products?page=2", 200, "GET /products"),
        ("GET", "/products/50", 200, "GET /products/N"),
        ("GET", "/products/51", 404, "GET /products/N"),
        ("GET", "/products/x", 404, "GET /products/N"),
        ("GET", "/search?q=7", 200, "GET /search"),
        ("POST", "/cart", 201, "POST /cart"),
        ("GET", "/cart", 404, "(other)"),
        ("GET", "/error", 500, "GET /error"),
        ("PUT", "/status/418", 418, "/status/N"),
        ("GET", "/status/99", 400, "/status/N"),
        ("GET", "/nowhere/at/all", 404, "(other)"),
    ],
)
def test_every_page_answers_as_its_table_says(method: str, path: str, status: int, endpoint: str) -> None:
    """Status and the pattern under which it is counted."""
    reply = answer(method, path, Random(1))
    assert (reply.status, reply.endpoint) == (status, endpoint)


def test_a_queue_serves_in_order_and_no_faster_than_its_servers() -> None:
    """Two servers of 20 ms: the fifth of five at once is done after 60; later ones find them idle."""
    queues: dict[str, Queue] = {}
    replies = [queue_answer("/queue/2/20", now_s, Random(1), queues) for now_s in (0, 0, 0, 0, 0, 1)]
    assert [round(reply.delay_s * 1000) for reply in replies if reply] == [20, 20, 40, 40, 60, 20]
    assert {reply.endpoint for reply in replies if reply} == {"/queue/2/20"}
    luck = Random(3)
    drawn = [queue_answer("/queue/9/20/exp", float(now_s), luck, queues) for now_s in range(2_000)]
    assert 0.018 < sum(reply.delay_s for reply in drawn if reply) / 2_000 < 0.022
    for path in ("/queue/0/20", "/queue/2", "/queue/2/x", "/queue/2/20/uniform", "/queues/2/20"):
        assert queue_answer(path, 0.0, luck, queues) is None


def test_latencies_spread_around_their_median() -> None:
    """Half of the front pages take less than 4 ms, none more than five times that."""
    luck = Random(7)
    delays_ms = sorted(answer("GET", "/", luck).delay_s * 1000 for _ in range(1_001))
    assert 3.7 < delays_ms[500] < 4.3
    assert delays_ms[-1] <= 20


def test_some_checkouts_fail() -> None:
    """About two in a hundred: a load test without a failure teaches nothing."""
    luck = Random(7)
    failed = sum(answer("POST", "/checkout", luck).status == 503 for _ in range(2_000))
    assert 20 <= failed <= 60


def test_a_seed_makes_the_shop_repeatable() -> None:
    """The same luck, the same answers."""
    once, again = ([answer("POST", "/checkout", luck) for _ in range(50)] for luck in (Random(3), Random(3)))
    assert once == again


def test_delay_is_what_was_asked_for_up_to_a_minute() -> None:
    """For tests that need a slow answer."""
    assert answer("GET", "/delay/250", Random(1)).delay_s == 0.25
    assert answer("GET", "/delay/99999999", Random(1)).delay_s == 60


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    """Nothing but `BadRequest` leaves the parser, and what it cuts lies in the buffer."""
    for buffer in (data, b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n", b"GET " + data + b" HTTP/1.1\r\n\r\n"):
        with suppress(BadRequest):
            request = cut_request(buffer)
            assert request is None or 0 < request.size <= len(buffer)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000, 431),
    ],
)
def test_what_it_does_not_speak_is_refused(head: bytes, status: int) -> None:
    """With the status that says why."""
    with pytest.raises(BadRequest) as refused:
        cut_request(head)
    assert refused.value.status == status


def test_a_body_is_waited_for() -> None:
    """A request is cut only when all of it is there."""
    head = b"POST /cart HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    assert cut_request(head + b"1234") is None
    request = cut_request(head + b"12345GET")
    assert request is not None
    assert request.size == len(head) + 5


def test_counts_add_up_and_stay_few() -> None:
    """Requests = answered + aborted + in flight; the history of seconds is bounded."""
    counts = Counts()
    for second in range(SECONDS_MAX + 10):
        counts.came("GET /", second * 1000)
    counts.went(200)
    counts.aborted += 1
    told = counts.as_dict()
    assert told["in_flight"] == SECONDS_MAX + 8
    assert len(counts.by_second) == SECONDS_MAX
    assert min(counts.by_second) == 10


def test_users_that_say_who_they_are_are_counted_one_by_one() -> None:
    """By user, and each request with its moment and its sender; who asks again gets only what is new."""
    counts = Counts()
    counts.came("GET /", 1_500, "Buyer/17", "4711")
    counts.came("GET /", 1_600)
    counts.came("GET /", 2_000, "Buyer/17", "4712")
    counts.went(200, "Buyer/17")
    assert counts.as_dict()["by_user"] == {"Buyer/17": 1}
    told = counts.arrivals_from(0)
    assert told == {"first": 0, "arrivals": [(1_500, "Buyer/17", "4711"), (2_000, "Buyer/17", "4712")]}
    assert counts.arrivals_from(1)["arrivals"] == [(2_000, "Buyer/17", "4712")]
    assert counts.arrivals_from(9)["arrivals"] == []


def with_client(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]) -> Counts:
    """Talk to a server in this process; what it counted."""
    counts = Counts()

    async def meet() -> None:
        server = await listen("127.0.0.1", 0, Random(1), counts)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        await talk(reader, writer)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    asyncio.run(meet())
    return counts


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("Content-Length"))
    return int(head.split()[1]), await reader.readexactly(length)


def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_order() -> None:
    """Three requests in one packet, three answers on one connection; the counts agree."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /status/201 HTTP/1.1\r\n\r\nGET /status/404 HTTP/1.1\r\n\r\n")
        writer.write(b"GET /__counts HTTP/1.1\r\n\r\n")
        assert [(await read_answer(reader))[0] for _ in range(2)] == [201, 404]
        status, body = await read_answer(reader)
        told = json.loads(body)
        assert (status, told["requests"], told["answered"], told["in_flight"]) == (200, 2, 2, 0)
        assert told["by_status"] == {"201": 1, "404": 1}

    counts = with_client(talk)
    assert (counts.connections, counts.requests) == (1, 2)


def test_close_means_close() -> None:
    """The answer is the last thing on the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /status/200 HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"Connection: close" in await reader.read()

    assert with_client(talk).answered == 1


def test_a_refused_request_gets_its_status_and_the_door() -> None:
    """And is not counted as served."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    assert with_client(talk).requests == 0


def test_a_client_that_leaves_is_counted_as_aborted() -> None:
    """A slow answer that nobody waits for is no answer."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /status/200 HTTP/1.1\r\n\r\nGET /delay/60000 HTTP/1.1\r\n\r\n")
        await read_answer(reader)

    counts = with_client(talk)
    assert (counts.requests, counts.answered, counts.aborted) == (2, 1, 1)


def test_a_taken_port_is_named() -> None:
    """With what to do about it."""

    async def listen_twice() -> None:
        server = await listen("127.0.0.1", 0, Random(1))
        with pytest.raises(PortTaken, match="--port"):
            await listen("127.0.0.1", port_of(server), Random(1))
        server.close()

    asyncio.run(listen_twice())


# ------------------------------------------------------------------ pages for trying a client out


def ask(
    target: str, method: str = "GET", body: bytes = b"", counter: Counter[str] | None = None, **headers: str
) -> Any:
    """A page of the lab."""
    return lab_answer(Asked(method, target, headers, body, Counter() if counter is None else counter))


def test_echo_tells_the_request() -> None:
    """All of it, so that a test can see what a client sent."""
    told = json.loads(ask("/echo/a?x=1&x=2&y=", "PUT", b"caf\xc3\xa9", accept="*/*").body)
    assert told == {
        "method": "PUT", "path": "/echo/a", "query": {"x": ["1", "2"], "y": [""]}, "headers": {"accept": "*/*"},
        "body": "café",
    }  # fmt: skip


def test_redirects_end_at_echo() -> None:
    """As many as the path says."""
    reply, hops = ask("/redirect/3"), []
    while reply.status == 302:
        hops.append(dict(reply.headers)["Location"])
        reply = ask(hops[-1])
    assert hops == ["/redirect/2", "/redirect/1", "/echo"]


def test_cookies_are_set_and_told() -> None:
    """A name or value cannot end the header."""
    assert ask("/cookies/a/b%0d%0aX: 1").headers == (("Set-Cookie", "a=bX1; Path=/"),)
    assert json.loads(ask("/cookies", cookie="a=1; b=2").body) == {"a": "1", "b": "2"}


def test_every_nth_request_fails() -> None:
    """By its own counter, not by luck."""
    counter: Counter[str] = Counter()
    assert [ask("/flaky/3", counter=counter).status for _ in range(7)] == [200, 200, 500, 200, 200, 500, 200]


def test_other_pages_of_the_lab() -> None:
    """Compressed, long, protected, or none of its own."""
    assert gzip.decompress(ask("/gzip").body) == b'{"compressed": true, "method": "GET"}'
    assert ask("/lines/2").body == b"line 1\nline 2\n"
    assert [ask("/basic/a/b", authorization=word).status for word in ("Basic YTpi", "Basic YTpj", "")] == [
        200,
        401,
        401,
    ]
    assert ask("/drop").status == CLOSE
    assert ask("/products") is None


def test_a_dropped_request_gets_no_answer_and_counts_begin_anew() -> None:
    """Nothing but the end of the connection; after a reset the next count is of what came since."""

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
        assert json.loads((await read_answer(reader))[1])["body"] == "hi"
        writer.write(b"GET /__reset HTTP/1.1\r\n\r\nGET /drop HTTP/1.1\r\n\r\n")
        await read_answer(reader)
        assert await reader.read() == b""

    counts = with_client(drop)
    assert (counts.requests, counts.answered, counts.by_status) == (1, 1, {0: 1})
