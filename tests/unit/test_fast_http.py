"""FastHttpSession against a server that gives odd answers; what it does to connections, cookies, bodies and samples."""

from __future__ import annotations

import gc
import io
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from odd_server import HELLO, OddServer, tls_context
from sessions import fast, texts, turn_until

from tidal.flow import CatchResponseError, LocustError, ResponseError
from tidal.generator.fast_client import Sweeper
from tidal.generator.fast_errors import FAILURE_EXCEPTIONS
from tidal.generator.fast_pool import HTTPClientPool, adopt
from tidal.generator.fast_response import ResponseContextManager
from tidal.generator.fasthttp import FastHttpSession
from tidal.generator.stamps import last
from tidal.hooks import EventHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Sessions = Callable[..., FastHttpSession]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddServer]:
    """The same over TLS."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate")
    server = OddServer(tls_context(tmp_path_factory.mktemp("tls")))
    yield server
    server.close()


@pytest.fixture
def session(server: OddServer, samples: list[dict[str, Any]]) -> Iterator[Sessions]:
    """Makes sessions whose samples are noted; they are closed at the end."""
    made = []

    def make(base_url: str = server.url, **kwargs: Any) -> FastHttpSession:
        usual = {} if "client_pool" in kwargs else {"concurrency": 10}
        made.append(fast(samples, base_url, **(usual | kwargs)))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


# ---------------------------------------------------------------------- connections


def test_one_connection_serves_all(server: OddServer, session: Sessions) -> None:
    """Whatever the framing of the answers."""
    client = session()
    before = server.connections
    for path in ("/", "/chunked", "/204", "/304", "/404", "/gzip", "/interim", "/big", "/redir", "/empty"):
        client.get(path)
    client.head("/big")
    assert server.connections == before + 1


@pytest.mark.parametrize("path", ["/close", "/http10", "/until-end", "/extra", "/half", "/garbage", "/badgzip"])
def test_no_answer_is_taken_for_another(server: OddServer, session: Sessions, path: str) -> None:
    """After an answer whose connection cannot go on, the next request has one of its own."""
    client = session()
    client.get(path)
    assert client.get("/json").json() == {"a": 1}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_server_that_closes_idle_connections_is_no_failure(
    server: OddServer, session: Sessions, samples: list[dict[str, Any]], method: str
) -> None:
    """The loop saw the end; the next request connects anew, also one that must not be sent twice."""
    client = session()
    client.get("/close-unsaid")
    (host,) = client.client.clientpool.hosts.values()
    turn_until(lambda: not host.idle or host.idle[0].is_stale)  # none: answer and end came at once
    before = len(server.asked)
    assert getattr(client, method)("/echo").status_code == 200
    assert len(server.asked) == before + 1
    assert texts(samples) == ["None", "None"]


def test_a_connection_that_ends_as_the_request_is_sent(server: OddServer, session: Sessions) -> None:
    """A GET is sent once more, on another connection; a POST may have been done and is not."""
    client = session()
    for again in (True, False):
        client.get("/json")
        before = len(server.asked)
        client.get("/drop") if again else client.post("/drop", "x")
        assert len(server.asked) - before == (2 if again else 1)


def test_a_new_connection_that_brings_nothing_is_a_failure(
    server: OddServer, session: Sessions, samples: list[dict[str, Any]]
) -> None:
    """And is not tried again."""
    before = server.connections
    assert session().get("/drop").status_code == 0
    assert session().get("/reset").status_code == 0
    assert texts(samples) == ["HTTPConnectionClosed('connection closed.')"] * 2
    assert server.connections == before + 2


def test_no_more_requests_at_once_than_allowed(server: OddServer, session: Sessions) -> None:
    """The others wait for a connection to be free."""
    client = session(concurrency=2)
    before = server.connections
    jobs = [gevent.spawn(client.get, "/json") for _ in range(8)]
    gevent.joinall(jobs, raise_error=True)
    assert [job.value.status_code for job in jobs] == [200] * 8
    assert server.connections <= before + 2


def test_a_pool_may_be_shared(server: OddServer, session: Sessions) -> None:
    """By all users of a class; also one that was made with geventhttpclient's, which is known by its settings."""

    class Theirs:
        client_args = {"concurrency": 3, "network_timeout": 7.0}  # noqa: RUF012 - as theirs has it

    theirs = Theirs()
    assert adopt(theirs) is adopt(theirs)
    assert (adopt(theirs).concurrency, adopt(theirs).network_timeout) == (3, 7.0)
    with pytest.raises(TypeError, match="client_pool"):
        adopt(object())
    pool = HTTPClientPool(concurrency=1)
    before = server.connections
    for client in (session(client_pool=pool), session(client_pool=pool)):
        client.get("/json")
    assert server.connections == before + 1


def test_a_killed_user_is_told_as_cancelled(server: OddServer, samples: list[dict[str, Any]]) -> None:
    """The request is not forgotten, and its connection is not used again."""
    hook = EventHook("request")
    cancelled: list[tuple[str, str]] = []
    hook.cancel = lambda method, name: cancelled.append((method, name))
    client = FastHttpSession(server.url, hook, None, max_retries=3)
    before = len(server.asked)
    job = gevent.spawn(client.get, "/slow", name="slow one")
    turn_until(lambda: len(server.asked) > before)
    job.kill()
    assert cancelled == [("GET", "slow one")]
    assert client.get("/json").json() == {"a": 1}
    client.client.close()


def test_a_name_and_an_ipv6_address(server: OddServer, session: Sessions) -> None:
    """Resolved, or taken apart."""
    assert session(f"http://localhost:{server.port}").get("/json").status_code == 200
    gone = session("http://[::1]:1").get("/x")
    assert isinstance(gone.error, OSError)
    assert gone.request.target.host_line == "[::1]:1"


# ---------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/404", (404, "LocustBadStatusCode(code=404)")),
        ("/299", (299, "LocustBadStatusCode(code=299)")),
        ("/redir404", (404, "LocustBadStatusCode(code=404)")),
        ("/half", (200, "HTTPParseError('Incomplete response.')")),
        ("/half-chunk", (200, "HTTPParseError('Incomplete response.')")),
        ("/half-head", (0, "HTTPParseError('Invalid EOF state', 14)")),
        ("/garbage", (0, "HTTPParseError('Expected HTTP/, RTSP/ or ICE/', 8)")),
        ("/long-head", (0, "HTTPParseError('the head is longer than 65536 bytes')")),
        ("/bad-length", (0, "HTTPParseError('Invalid character in Content-Length', 11)")),
        ("/badgzip", (200, "error('Error -3 while decompressing data: incorrect header check')")),
        ("/zstd", (200, "ContentError('Unknown content encoding: zstd')")),
        ("/loop", (0, "RetriesExceeded('{url}/loop', 'Redirection limit reached (30)')")),
        ("/ftp", (0, "UnsupportedRedirectSchemeError('{url}/ftp', \"refusing to follow redirect to 'ftp' URL\")")),
    ],
)
def test_failures_have_locusts_texts(
    server: OddServer, session: Sessions, samples: list[dict[str, Any]], path: str, outcome: tuple[int, str]
) -> None:
    """They are what failures are grouped by."""
    response = session().get(path)
    assert response.status_code == outcome[0]
    assert texts(samples) == [outcome[1].format(url=server.url)]
    assert isinstance(samples[0]["exception"], FAILURE_EXCEPTIONS)


def test_a_refused_connection(session: Sessions, samples: list[dict[str, Any]]) -> None:
    """Nobody listens on port 1."""
    response = session("http://127.0.0.1:1").get("/x", name="n")
    assert texts(samples) == ["ConnectionRefusedError(111, 'Connection refused')"]
    assert (response.status_code, response.text, response.content, response.headers) == (0, None, None, None)
    assert samples[0]["response_length"] == 0
    with pytest.raises(ConnectionRefusedError):
        response.raise_for_status()


@pytest.mark.parametrize(("retries", "sent"), [(0, 1), (2, 3)])
def test_timeouts(server: OddServer, session: Sessions, samples: list[dict[str, Any]], retries: int, sent: int) -> None:
    """Each wait may take so long; then the request is sent again as often as allowed."""
    before = len(server.asked)
    session(network_timeout=0.5, max_retries=retries).get("/slow")
    assert texts(samples) == [f"RetriesExceeded('{server.url}/slow', {retries}, original=timed out)"]
    turn_until(lambda: len(server.asked) >= before + sent)  # a busy server has not read the last one yet
    assert len(server.asked) == before + sent


def test_a_body_that_takes_too_long(session: Sessions, samples: list[dict[str, Any]]) -> None:
    """The head was there: the status is known, the text is another."""
    assert session(network_timeout=0.7).get("/slow-body").status_code == 200
    assert texts(samples) == ["TimeoutError('timed out')"]


def test_what_is_the_files_mistake_is_raised(session: Sessions, samples: list[dict[str, Any]]) -> None:
    """No sample tells of it."""
    for url, kwargs in [("x://y/z", {}), ("/", {"headers": {"a": "b\r\nc: d"}}), ("/", {"data": 5})]:
        with pytest.raises((ValueError, TypeError)):
            session("" if "x:" in url else "http://127.0.0.1:1").get(url, **kwargs)
    with pytest.raises(ValueError, match="method"):
        session().request("GET /\r\n", "/")
    assert samples == []


# ---------------------------------------------------------------------- samples


def test_what_a_sample_says(server: OddServer, session: Sessions, samples: list[dict[str, Any]]) -> None:
    """The name is the URL as it was given; the URL is the one that was asked for first."""
    client = session()
    client.get("/redir?x=1")
    client.get("/json", name="named", context={"k": 1})
    with client.rename_request("grouped"):
        client.get("/json")
        client.get("/json", name="own")
    client.request_name = "from now on"
    client.get("/gzip")
    assert [s["name"] for s in samples] == ["/redir?x=1", "named", "grouped", "own", "from now on"]
    assert samples[0]["url"] == f"{server.url}/redir?x=1"
    assert samples[1]["context"] == {"k": 1}
    assert samples[4]["response_length"] == len(HELLO)
    assert all(s["request_type"] == "GET" and s["response_time"] > 0 and s["start_time"] > 1e9 for s in samples)


def test_without_listeners_only_the_counter_is_told(server: OddServer) -> None:
    """The hook's arguments are made for those who want them."""
    hook = EventHook("request")
    counted: list[dict[str, Any]] = []

    def count(
        request_type: str, name: str, response_time: float, response_length: int, exception: Any = None, **more: Any
    ) -> None:
        counted.append({"exception": exception, **more})

    hook.sink = count
    client = FastHttpSession(server.url, hook, None)
    client.get("/404", name="n")
    client.get("/json")
    assert set(counted[0]) == {"exception", "response", "url"}  # failed ones are there to be read
    assert counted[1] == {"exception": None}
    hook.add_listener(lambda **_: None)
    client.get("/404", name="n")
    assert "context" in counted[2]
    client.client.close()


def test_the_block_has_the_last_word(session: Sessions, samples: list[dict[str, Any]]) -> None:
    """Success, failure by text or exception, ResponseError, or what the status says."""
    client = session()
    with client.get("/404", catch_response=True) as response:
        assert isinstance(response, ResponseContextManager)
        response.success()
    with client.get("/json", catch_response=True) as response:
        response.failure("not nice")
    with client.get("/json", catch_response=True) as response:
        response.failure(KeyError("x"))
    with client.get("/json", catch_response=True):
        raise ResponseError("wrong")
    with client.get("/404", catch_response=True) as response:
        response.request_meta["name"] = "renamed"
    with client.get("/half", catch_response=True):
        pass
    assert texts(samples) == [
        "None", "CatchResponseError('not nice')", "KeyError('x')", "ResponseError('wrong')",
        "LocustBadStatusCode(code=404)", "HTTPParseError('Incomplete response.')",
    ]  # fmt: skip
    assert samples[4]["name"] == "renamed"
    with pytest.raises(RuntimeError), client.get("/json", catch_response=True):
        raise RuntimeError("the file's own")
    assert len(samples) == 6


def test_verdicts_need_a_block(session: Sessions) -> None:
    """And the block catch_response=True."""
    client = session()
    for wrong in (client.get("/json").success, lambda: client.get("/json").failure("x")):
        with pytest.raises(LocustError, match="catch_response=True"):
            wrong()
    with pytest.raises(LocustError, match="with-block"):
        client.get("/json", catch_response=True).failure("x")
    with client.get("/json") as response:
        assert response.json() == {"a": 1}
    with client.get("/json", catch_response=True) as response:
        response.failure("x")
        with pytest.raises(CatchResponseError):
            response.raise_for_status()


# ---------------------------------------------------------------------- what is sent


def echo(response: Any) -> dict[str, Any]:
    """The request as the server saw it."""
    told: dict[str, Any] = response.json()
    return told


@pytest.mark.parametrize(
    ("kwargs", "body", "kind"),
    [
        ({"data": {"a": "b c", "d": 1}}, "a=b+c&d=1", "application/x-www-form-urlencoded; charset=utf-8"),
        ({"data": [("a", 1), ("a", 2)]}, "a=1&a=2", "application/x-www-form-urlencoded; charset=utf-8"),
        ({"data": "hé"}, "hÃ©", "text/plain; charset=utf-8"),
        ({"data": b"\x00"}, "\x00", "application/octet-stream"),
        ({"data": bytearray(b"ab")}, "ab", "application/octet-stream"),
        ({"json": {"a": [1]}}, '{"a": [1]}', "application/json"),
        ({"json": 0}, "0", "application/json"),
        ({"data": "x", "headers": {"content-type": "own/kind"}}, "x", "own/kind"),
        ({"data": iter([b"ab", "cd", b""])}, "abcd", "application/octet-stream"),
        ({"data": io.BytesIO(b"from a file")}, "from a file", "application/octet-stream"),
        ({"data": b"ab", "headers": {"Transfer-Encoding": "chunked"}}, "ab", "application/octet-stream"),
        ({"field": 1}, "field=1", "application/x-www-form-urlencoded; charset=utf-8"),
        ({}, "", None),
    ],
)
def test_bodies(session: Sessions, kwargs: dict[str, Any], body: str, kind: str | None) -> None:
    """And the content types that they ask for."""
    told = echo(session().post("/echo", **kwargs))
    assert told["body"] == body
    assert told["headers"].get("content-type") == kind
    assert ("content-length" in told["headers"]) != ("transfer-encoding" in told["headers"])


MULTIPART = """\
--MARK
Content-Disposition: form-data; name="k"

1
--MARK
Content-Disposition: form-data; name="k"

2
--MARK
Content-Disposition: form-data; name="p"; filename="photo.txt"

a photo
--MARK
Content-Disposition: form-data; name="q"; filename="name%22.txt"
Content-Type: text/x
X-Y: z

bytes
--MARK--
"""


def test_files(session: Sessions, tmp_path: Path) -> None:
    """As multipart/form-data, with fields, names, types and headers."""
    (tmp_path / "photo.txt").write_bytes(b"a photo")
    with (tmp_path / "photo.txt").open("rb") as file:
        files = [("p", file), ("q", ('name".txt', b"bytes", "text/x", {"X-Y": "z"}, "MARK")), ("none", ("n", None))]
        told = echo(session().post("/echo", data={"k": ["1", "2"]}, files=files))
    assert told["headers"]["content-type"] == "multipart/form-data; boundary=MARK"
    assert told["body"].replace("\r\n", "\n") == MULTIPART


@pytest.mark.parametrize(
    ("url", "kwargs", "path"),
    [
        ("/echo?a=1 2&b=%41%7e", {}, "/echo?a=1%202&b=A~"),
        ("/echo?a=100%zz", {}, "/echo?a=100%25zz"),
        ("/echo#part", {}, "/echo"),
        ("/echo", {"params": {"a": [1, 2], "b": None, "c": "d e"}}, "/echo?a=1&a=2&c=d+e"),
        ("/echo?z=1#f", {"params": "q=1"}, "/echo?z=1&q=1"),
        ("/echo", {"other": "x"}, "/echo?other=x"),
        ("/echo?ü=ä", {}, "/echo?%C3%BC=%C3%A4"),
    ],
)
def test_urls(session: Sessions, url: str, kwargs: dict[str, Any], path: str) -> None:
    """Encoded as far as they must be, once."""
    assert echo(session().get(url, **kwargs))["path"] == path


def test_params_are_what_they_were(session: Sessions) -> None:
    """A request that is asked for later knows its URL without them, and with what they were when it was sent."""
    client, params = session(), {"a": [1, 2], "b": None, "c": "d e"}
    response = client.get("/echo", params=params)
    params["a"] = 3
    assert echo(client.get("/echo", params=params))["path"] == "/echo?a=3&c=d+e"
    assert response.url == f"{client.base_url}/echo"
    assert response.request.full_url == f"{client.base_url}/echo?a=1&a=2&c=d+e"
    assert echo(client.get("/echo", params={"a": (n for n in (1, 2))}))["path"] == "/echo?a=1&a=2"
    assert echo(client.get("/echo", params=((n, n) for n in "xy")))["path"] == "/echo?x=x&y=y"
    assert echo(client.post("/echo", json={"k": 1}, params={"a": (n for n in (1, 2))}))["path"] == "/echo?a=1&a=2"


def test_methods_share_what_they_can(session: Sessions) -> None:
    """Of the same URL, and of others of its host."""
    client = session()
    told = [echo(client.request(method, f"/echo?{n}")) for n in range(3) for method in ("GET", "POST", "DELETE")]
    assert [(one["method"], one["path"]) for one in told] == [
        (method, f"/echo?{n}") for n in range(3) for method in ("GET", "POST", "DELETE")
    ]
    assert [one["headers"].get("content-length") for one in told] == [None, "0", None] * 3


def test_headers(session: Sessions, server: OddServer) -> None:
    """Those of the request before those of the user; names have no case."""
    client = session(headers={"X-Default": "1", "X-Other": "2"})
    told = echo(client.get("/echo", headers={"x-default": "own", "X-Number": 5, "accept-encoding": "identity"}))
    assert told["headers"] == {"x-default": "own", "x-other": "2", "x-number": "5", "accept-encoding": "identity"}
    client.client.default_headers["X-Late"] = "3"
    assert echo(client.get("/echo"))["headers"]["x-late"] == "3"
    assert server.asked[-1].headers["host"] == f"127.0.0.1:{server.port}"
    client.get("/echo", headers={"Host": "other.example"})
    assert server.asked[-1].headers["host"] == "other.example"


def test_credentials(session: Sessions, server: OddServer) -> None:
    """From the base URL, percent-encoded; or for one request."""
    client = session(f"http://us%40er:p%2Fw@127.0.0.1:{server.port}")
    assert client.base_url == server.url
    assert echo(client.get("/echo"))["headers"]["authorization"] == "Basic dXNAZXI6cC93"
    assert echo(client.get("/echo", headers={"X": "y"}))["headers"]["authorization"] == "Basic dXNAZXI6cC93"
    assert echo(client.get("/echo", auth=("u", "p")))["headers"]["authorization"] == "Basic dTpw"


# ---------------------------------------------------------------------- redirects, cookies


def test_redirects(session: Sessions, server: OddServer) -> None:
    """A 302 becomes a GET without its body, a 307 stays what it is; or they are not followed."""
    client = session()
    found = client.post("/redir", json={"a": 1})
    assert (echo(found)["method"], echo(found)["body"]) == ("GET", "")
    assert "content-type" not in echo(found)["headers"]
    assert (found.url, found.history[0].status_code) == (f"{server.url}/echo?to=1", 302)
    kept = client.post("/redir307", "text")
    assert (echo(kept)["method"], echo(kept)["body"]) == ("POST", "text")
    assert client.get("/redir", allow_redirects=False).status_code == 302
    assert session(max_redirects=0).get("/redir").status_code == 302


def test_a_stranger_does_not_get_the_credentials(session: Sessions, server: OddServer) -> None:
    """A redirect to another host goes without them."""
    other = OddServer()
    try:
        client = session(headers={"Authorization": "Basic default"})
        request = client.client.make_request(f"{server.url}/x", headers={"Cookie": "c=1", "X": "y"})
        client.client._redirect(request, 302, f"{other.url}/echo".encode(), b"")
        assert dict(request.headers.items()) == {"User-Agent": request.headers["user-agent"], "X": "y"}
    finally:
        other.close()


def test_cookies(session: Sessions) -> None:
    """Kept, sent where they belong, forgotten when the server says so."""
    client = session()
    client.get("/cookie")
    assert sorted((c.name, c.value) for c in client.cookiejar) == [("a", "1"), ("b", "2")]
    for _ in range(2):
        assert echo(client.get("/echo"))["headers"]["cookie"] == "a=1"
    client.get("/cookie")
    assert echo(client.get("/echo", headers={"Cookie": "own=1"}))["headers"]["cookie"] == "own=1"
    client.get("/forget")
    assert "cookie" not in echo(client.get("/echo"))["headers"]
    client.cookiejar.clear()
    client.get("/cookie")
    assert echo(client.get("/echo"))["headers"]["cookie"] == "a=1"


def test_default_headers(session: Sessions) -> None:
    """They say whose client it is, whatever else is given, and changes count from the next request on."""
    client, other = session(), session(headers={"X-Given": "1"})
    assert [name for name, _ in client.get("/echo").request.defaults] == ["User-Agent"]
    assert echo(other.get("/echo"))["headers"]["x-given"] == "1"
    assert list(other.client.default_headers) == ["user-agent", "x-given"]
    client.client.default_headers["X-Mine"] = "2"
    assert echo(client.get("/echo"))["headers"]["x-mine"] == "2"
    assert "x-mine" not in echo(other.get("/echo"))["headers"]


# ---------------------------------------------------------------------- what comes


@pytest.mark.parametrize("path", ["/gzip", "/deflate", "/bare-deflate"])
def test_codings(session: Sessions, path: str) -> None:
    """Both things that are called deflate."""
    assert session().get(path).content == HELLO
    assert b"".join(session().get(path, stream=True).iter_content(7, decode_content=False)) == HELLO


@pytest.mark.parametrize(
    ("path", "text", "encoding"),
    [
        ("/latin", "café", "ISO-8859-1"),
        ("/utf8", "café", "utf-8"),
        ("/untyped", "café", "utf-8"),
        ("/json", '{"a": 1}', "utf-8"),
    ],
)
def test_texts(session: Sessions, path: str, text: str, encoding: str) -> None:
    """By what the headers say or imply, else by what the bytes look like."""
    response = session().get(path)
    assert (response.text, response.encoding) == (text, encoding)


def test_streams(server: OddServer, session: Sessions, samples: list[dict[str, Any]]) -> None:
    """Read as they come; the connection is free when all was read, closed when it was not."""
    client = session()
    before = server.connections
    whole = client.get("/big", stream=True)
    assert samples[0]["response_length"] == 300_000
    assert sum(len(piece) for piece in whole.iter_content(1_000)) == 300_000
    assert list(client.iter_lines("/lines")) == ["one", "two", "three"]
    assert server.connections == before + 1
    part = client.get("/big", stream=True)
    assert len(part.read(10)) == 10
    part.release()
    assert client.get("/big", stream=True).content == b"x" * 300_000
    assert server.connections == before + 2


def test_a_request_is_known_to_its_response(session: Sessions, server: OddServer) -> None:
    """As it was sent."""
    response = session().post("/echo", {"a": 1}, headers={"X-Y": "z"})
    assert (response.request.method, response.request.body) == ("POST", b"a=1")
    assert response.request.headers["x-y"] == "z"
    assert response.url == response.request.url == f"{server.url}/echo"
    assert response.elapsed.total_seconds() > 0
    assert response.ok


@pytest.mark.parametrize("headers", [None, {"X-Y": "z"}])
@pytest.mark.parametrize("payload", [None, "", {}])
def test_what_carried_nothing_says_so(session: Sessions, headers: Any, payload: Any) -> None:
    """As it was given; and so does a request that an answer sent elsewhere without its body."""
    assert session().post("/echo", payload, headers=headers).request.body == payload
    gone = session().post("/redir", "a", headers=headers).request
    assert (gone.method, gone.body, gone.payload) == ("GET", None, None)


def test_through_a_proxy(session: Sessions, server: OddServer) -> None:
    """It gets the whole URL."""
    client = session("http://example.invalid", proxy_host="127.0.0.1", proxy_port=server.port)
    assert client.get("/echo").status_code == 200
    assert server.asked[-1].path == "http://example.invalid/echo"


class Proxy:
    """Answers CONNECT with what it was told, then passes bytes on, both ways."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._listener, self._listener.accept()[0] as near:
            asked = near.recv(4_096).split()[1].decode()
            near.sendall(self._answer)
            if b" 200 " not in self._answer:
                return
            with socket.create_connection(asked.split(":")) as far:  # type: ignore[arg-type]
                threading.Thread(target=pump, args=(far, near), daemon=True).start()
                pump(near, far)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes."""
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)


# ---------------------------------------------------------------------- TLS


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 Go on\r\n\r\n", "None"),
        (b"HTTP/1.1 407 Who?\r\n\r\n", "OSError('Proxy CONNECT failed: 407 Who?')"),
    ],
)
def test_tls_through_a_proxy(
    secure: OddServer, session: Sessions, samples: list[dict[str, Any]], answer: bytes, outcome: str
) -> None:
    """A tunnel, or the proxy's reason."""
    session(secure.url, proxy_host="127.0.0.1", proxy_port=Proxy(answer).port).get("/json")
    assert texts(samples) == [outcome]


def test_over_tls(secure: OddServer, session: Sessions) -> None:
    """Certificates are taken unseen; large bodies both ways; one connection."""
    client = session(secure.url)
    before = secure.connections
    assert client.get("/big").content == b"x" * 300_000
    assert len(json.loads(client.post("/echo", b"y" * 2_000_000).text)["body"]) == 2_000_000
    assert client.get("/chunked").text == "hello world"
    assert client.get("/until-end").text == "until the end"
    assert client.get("/json").json() == {"a": 1}
    assert secure.connections == before + 2


def test_a_handshake_is_no_answer(secure: OddServer, session: Sessions) -> None:
    """Of so many answers one is looked at: were a handshake's flights among them, it might always be one of those."""
    client = session(secure.url)
    origin = ("https", "127.0.0.1", secure.port)
    before, last.every = last.turn, 1_000_000
    try:
        connection = client.client.clientpool.host(origin).take()
        assert last.turn == before
        client.client.clientpool.host(origin).give(connection)
        assert client.get("/json").status_code == 200
        assert connection.served == 2
        assert last.turn > before or not connection.is_stamped
    finally:
        last.every, last.turn = 1, before


def test_a_certificate_that_nobody_vouches_for(
    secure: OddServer, session: Sessions, samples: list[dict[str, Any]]
) -> None:
    """A failure for who asks; none for who brings the roots."""
    assert session(secure.url, insecure=False).get("/json").status_code == 0
    assert isinstance(samples[0]["exception"], ssl.SSLCertVerificationError)


def test_a_context_of_the_files_own(secure: OddServer, session: Sessions) -> None:
    """Made by a factory with or without arguments."""
    made = []

    def factory() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        made.append(context)
        return context

    assert session(secure.url, ssl_context_factory=factory).get("/json").status_code == 200
    assert len(made) == 1


def test_tls_against_a_server_that_speaks_none(session: Sessions, samples: list[dict[str, Any]]) -> None:
    """A failure, not an exception of the task's."""
    plain = OddServer()
    try:
        session(f"https://127.0.0.1:{plain.port}", connection_timeout=0.3).get("/json")
    finally:
        plain.close()
    assert isinstance(samples[0]["exception"], FAILURE_EXCEPTIONS)


# ---------------------------------------------------------------------- what is left behind


def test_a_forgotten_session_leaves_no_connection(server: OddServer) -> None:
    """Nor does a stream that nobody reads to its end; the loop closes them."""
    waiting = Sweeper.here().waiting
    before = set(waiting)
    client = FastHttpSession(server.url, EventHook("request"), None)
    client.get("/json")
    stream = client.get("/big", stream=True)
    assert len(waiting - before) == 1
    del client, stream
    gc.collect()
    turn_until(lambda: not waiting - before)


def test_what_files_import_of_geventhttpclient() -> None:
    """Comes from tidal where it is not installed: Locust brings it, tidal does not."""
    code = """
import sys
import tidal.compat
tidal.compat.install(patch=False)
assert sys.meta_path[-1] is tidal.compat.ClientFinder
sys.meta_path.insert(0, sys.meta_path.pop())
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.useragent import ConnectionError
from geventhttpclient.header import Headers
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS, FastHttpUser
assert ConnectionError in FAILURE_EXCEPTIONS
assert HTTPClientPool.__module__ == "tidal.generator.fast_pool"
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
