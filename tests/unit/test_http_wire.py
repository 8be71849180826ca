"""What the short way would send is what requests and urllib3 send, byte by byte, or it leaves the request to them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from answers import request_of
from hypothesis import given
from hypothesis import strategies as st
from urllib3.connection import HTTPConnection

from tidal.generator.http import HttpSession
from tidal.generator.http_swift import METHODS, Swift
from tidal.generator.http_wire import Unusual, route_of
from tidal.hooks import EventHook

BASE = "http://127.0.0.1:8089"


class Wire:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: Any) -> None:
        """Keep it."""
        self.sent += bytes(data)

    def settimeout(self, _: Any) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


def made() -> HttpSession:
    """A session as HttpUser has it."""
    session = HttpSession(BASE, EventHook("request"))
    session.trust_env = False
    return session


def sent_by_requests(session: requests.Session, method: str, url: str, kwargs: dict[str, Any]) -> Any:
    """What requests prepares, and the bytes that urllib3 makes of it."""
    known = {k: v for k, v in kwargs.items() if k in ("params", "data", "json", "headers", "auth", "cookies", "files")}
    prepared = session.prepare_request(requests.Request(method.upper(), url, **known))
    connection = HTTPConnection("127.0.0.1", 8089)
    connection.sock = Wire()  # type: ignore[assignment]
    is_chunked = not (prepared.body is None or "Content-Length" in prepared.headers)
    connection.request(
        prepared.method, prepared.path_url, body=prepared.body, headers=prepared.headers, chunked=is_chunked
    )  # type: ignore[arg-type]
    return prepared, connection.sock.sent  # type: ignore[union-attr]


def sent_by_us(session: HttpSession, method: str, url: str, kwargs: dict[str, Any]) -> Any:
    """What the short way would send; None when it would not."""
    try:
        return Swift(session)._asked(session.__dict__, METHODS[method], url, kwargs)
    except (Unusual, KeyError, TypeError):
        return None


def compare(session: HttpSession, method: str, url: str, kwargs: dict[str, Any]) -> bool:
    """Compare one request; whether the short way would do it."""
    ours = sent_by_us(session, method, url, kwargs)
    if ours is None:
        return False
    prepared, wire = sent_by_requests(session, method, url, kwargs)
    assert ours.wire == wire
    assert ours.route.url == prepared.url
    assert ours.route.target == prepared.path_url
    assert list(ours.pairs) == list(prepared.headers.items())
    assert ours.body == prepared.body
    assert type(ours.body) is type(prepared.body)
    return True


@pytest.mark.parametrize("seed", range(8))
def test_generated_requests(seed: int) -> None:
    """Whatever is odd is left to requests; what is plain is the same."""
    session = made()
    if seed % 2:
        session.cookies.set("a", "1", domain="127.0.0.1", path="/")
        session.headers["X-Session"] = "s"
    done = [compare(session, method, BASE + path, kw) for method, path, kw in (request_of(seed, i) for i in range(500))]
    assert sum(done) > 100


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
VALUES = st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none())
URL_PARTS = st.lists(
    st.sampled_from(
        [*"/.%-_~:;?&=#+ @[]{}|\\^`'\"(),!*$<>", "a", "Z", "9", "%20", "%7E", "%2e", "%zz", "..", "é", "\t"]
    ),
    max_size=14,
)


@given(
    parts=URL_PARTS,
    params=st.one_of(st.none(), st.dictionaries(TEXTS, st.one_of(VALUES, st.lists(VALUES, max_size=2)), max_size=3)),
)
def test_urls_and_parameters(parts: list[str], params: Any) -> None:
    """A URL that requests would change is not plain."""
    compare(SESSION, "GET", f"{BASE}/{''.join(parts)}", {"params": params})


@given(
    host=st.text("abz09.-:_@[]*%é", min_size=1, max_size=12), path=st.sampled_from(["", "/", "/a", "?x=1", "/?", "#f"])
)
def test_hosts(host: str, path: str) -> None:
    """A host that requests would refuse is not plain; a plain one has the Host line that urllib3 writes."""
    url = f"http://{host}{path}"
    route = route_of(url)
    if route is None:
        return
    prepared = SESSION.prepare_request(requests.Request("GET", url))
    assert (route.url, route.target) == (prepared.url, prepared.path_url)
    connection = HTTPConnection(route.origin[1], route.origin[2])
    connection.sock = Wire()  # type: ignore[assignment]
    connection.putrequest("GET", route.target, skip_accept_encoding=True)
    connection.endheaders()
    assert connection.sock.sent == f"GET{route.line}\r\n".encode()  # type: ignore[union-attr]


@given(
    headers=st.dictionaries(
        st.one_of(TEXTS, st.sampled_from(["X-A", "accept", "USER-AGENT", "Cookie"])), VALUES, max_size=3
    ),
    data=st.one_of(
        st.none(),
        TEXTS,
        st.binary(max_size=9),
        st.dictionaries(TEXTS, VALUES, max_size=2),
        st.lists(st.tuples(TEXTS, VALUES), max_size=2),
    ),
    json=st.one_of(st.none(), VALUES, st.lists(VALUES, max_size=2)),
    method=st.sampled_from(["GET", "POST", "put", "DELETE", "HEAD"]),
    auth=st.one_of(st.none(), st.tuples(TEXTS, TEXTS)),
)
def test_headers_and_bodies(headers: Any, data: Any, json: Any, method: str, auth: Any) -> None:
    """As above, with what goes along."""
    compare(SESSION, method, f"{BASE}/a", {"headers": headers, "data": data, "json": json, "auth": auth})


def test_the_common_requests_are_plain() -> None:
    """Else the short way would be right and of no use."""
    session = made()
    session.auth = ("u", "p")
    for kwargs in (
        {},
        {"params": {"q": "a b"}},
        {"json": {"a": [1]}},
        {"data": {"a": "b"}},
        {"data": b"x"},
        {"headers": {"X": "1"}},
        {"timeout": 3},
        {"allow_redirects": False},
        {"headers": {}, "params": None, "verify": True},
    ):
        assert compare(session, "POST", f"{BASE}/a/b.c?x=1", kwargs)
    line = "Basic " + base64.b64encode(b"u:p").decode()
    assert dict(sent_by_us(session, "GET", BASE, {}).pairs)["Authorization"] == line


@pytest.mark.parametrize(
    "change",
    [
        lambda s: setattr(s, "trust_env", True),
        lambda s: setattr(s, "stream", True),
        lambda s: setattr(s, "params", {"a": 1}),
        lambda s: s.hooks["response"].append(print),
        lambda s: setattr(s, "proxies", {"http": "http://p"}),
        lambda s: s.mount("http://127.0.0.1", requests.adapters.HTTPAdapter()),
        lambda s: setattr(s, "send", s.send),
        lambda s: setattr(s, "cookies", requests.cookies.RequestsCookieJar()),
        lambda s: setattr(s, "headers", {}),
        lambda s: setattr(s, "cert", "x"),
    ],
)
def test_a_session_that_the_file_changed_is_requests_own(change: Any) -> None:
    """Adapters, hooks, overridden steps: whatever the short way does not know, it does not do."""
    session = made()
    assert Swift(session)._is_plain(session.__dict__)
    swift = Swift(session)
    change(session)
    assert not swift._is_plain(session.__dict__)


def test_a_class_that_overrides_a_step_is_requests_own() -> None:
    """As above, for classes."""

    class Own(HttpSession):
        """Sends otherwise."""

        def send(self, request: Any, **kwargs: Any) -> Any:
            """As it was."""
            return super().send(request, **kwargs)

    session = Own(BASE, EventHook("request"))
    session.trust_env = False
    assert not Swift(session)._is_plain(session.__dict__)


SESSION = made()
