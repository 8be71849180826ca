"""The short way of a request of `HttpUser`: what requests would do, where that can be proved beforehand.

    is everything as requests made it? ── no ──▶ requests
      │ yes
    what would be sent (`http_wire`)   ── unusual ──▶ requests
      │
    an idle connection (`http_pool`),
    or a new one, if it has no TLS     ── none ──▶ requests, which opens one, or says why nobody can
      │
    sent; an answer comes              ── broken, late, or with a head that needs judgement ──▶ requests, with the
      │                                   connection and all that came on it (`Replay`)
    a `requests.Response`, made lazily (`http_response`)

So requests decides whatever is not plain, and what is plain comes out the same. `tests/e2e/test_requests_twice.py` runs
generated requests and answers through both and compares all that a file can see.
"""

from __future__ import annotations

import http.client
import io
import logging
import re
import zlib
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
import urllib3
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.sessions import Session
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from tidal.generator.fast_client import RECEIVE_BYTES, RECEIVE_BYTES_MAX
from tidal.generator.fast_parse import AnswerParser, HTTPParseError
from tidal.generator.http_cookies import Jar
from tidal.generator.http_response import Makings, ResponseContextManager
from tidal.generator.http_wire import (
    METHODS,
    Pairs,
    Route,
    Unusual,
    added_fields,
    basic,
    body_of,
    fields_of,
    route_of,
    with_params,
)

if TYPE_CHECKING:
    from tidal.generator.http_pool import Ride
    from tidal.generator.http_wire import Fields

_OVERRIDABLE = ("send", "prepare_request", "get_adapter", "merge_environment_settings", "resolve_redirects")
_ABSENT = ("cookies", "files", "proxies", "hooks", "cert", "stream")
_KNOWN = frozenset([*_ABSENT, "params", "data", "json", "headers", "auth", "timeout", "allow_redirects", "verify"])
_HEAD = re.compile(
    rb"HTTP/1\.1 [1-9]\d\d (?:[!-~][ -~]*)?\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[ \t]*(?:[!-~][ -~]*)?\r\n){0,100}"  # http.client takes no more
)
_SINGLE = re.compile(
    rb"\r\n(content-length|transfer-encoding|connection|content-encoding):[ \t]*([^\r\n]*)", re.IGNORECASE
)
_BODILESS = frozenset([b"204", b"304"])
"""urllib3 reads chunks even here."""
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_ROADS_MAX = 10
"""As many pools as requests' pool manager keeps."""
_log = logging.getLogger("urllib3.connectionpool")
_REQUESTS_CODE: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Session, ("request", *_OVERRIDABLE)),
    (HTTPAdapter, ("send", "build_response", "get_connection_with_tls_context")),
    (HTTPConnectionPool, ("urlopen", "ConnectionCls")),
    (HTTPSConnectionPool, ("urlopen", "ConnectionCls")),
    (PoolManager, ("connection_from_host",)),
    (http.client.HTTPConnection, ("putrequest", "endheaders", "getresponse")),
)
_ORIGINALS = tuple((owner, name, getattr(owner, name)) for owner, names in _REQUESTS_CODE for name in names)
IS_KNOWN_VERSION = str(vars(urllib3)["__version__"]).startswith("2.")


def is_untouched() -> bool:
    """Whether nobody (a tracer, a recorder of requests) has put code of its own in the place of requests' own."""
    for owner, name, original in _ORIGINALS:  # noqa: SIM110 - `all` would make a generator for each request
        if getattr(owner, name) is not original:
            return False
    return True


@lru_cache(64)
def _is_plain_class(cls: Any) -> bool:
    """Whether a class of sessions leaves requests' own steps alone."""
    return all(getattr(cls, name) is getattr(Session, name) for name in _OVERRIDABLE)


class Asked(NamedTuple):
    """A request as it is sent.

    Attributes:
        pairs: its header fields.
        body: as requests has it; a form is a text.
        timeout_s: for each wait.
        verify: whether the server's certificate is.
    """

    method: str
    route: Route
    wire: bytes
    pairs: Pairs
    body: bytes | str | None
    timeout_s: float
    verify: Any


class Swift:
    """The short way of one session.

    Args:
        session: the session; its state is looked at anew for each request, for files change it.

    Attributes:
        spent_s: what the last request took before it was handed over to requests; 0 when it was not.
    """

    __slots__ = ("_adapters", "_fields", "_header_items", "_roads", "_session", "spent_s")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._adapters = tuple(session.adapters.values())
        self._roads: dict[Any, Any] = {}
        self._header_items: Any = None
        self._fields: Fields | None = None
        self.spent_s = 0.0

    def request(self, method: Any, url: str, kwargs: dict[str, Any]) -> ResponseContextManager | None:
        """The answer, or None when requests is to do it: it finds what has been done so far."""
        self.spent_s = 0.0
        state = self._session.__dict__
        if not self._is_plain(state):
            return None
        try:
            asked = self._asked(state, METHODS[method], url, kwargs)
        except (Unusual, KeyError, TypeError):
            return None
        return None if asked is None else self._exchanged(asked)

    def _is_plain(self, state: dict[str, Any]) -> bool:
        """Whether the session is as it was made, but for headers, cookies and credentials."""
        hooks = state["hooks"]
        return (
            state["trust_env"] is False
            and not (state["params"] or state["proxies"] or state["stream"] or state["cert"])
            and type(state["headers"]) is CaseInsensitiveDict
            and type(state["cookies"]) is Jar
            and (not hooks or (len(hooks) == 1 and hooks.get("response") == []))
            and tuple(state["adapters"].values()) == self._adapters
            and _is_plain_class(type(self._session))  # type: ignore[arg-type]  # a class has a hash
            and state.keys().isdisjoint(_OVERRIDABLE)
            and not _log.isEnabledFor(logging.DEBUG)
            and not http.client.HTTPConnection.debuglevel
            and is_untouched()
        )

    # ------------------------------------------------------------------ the request

    def _asked(self, state: dict[str, Any], method: str, url: str, kwargs: dict[str, Any]) -> Asked | None:
        """What requests would send, if that is plain."""
        given = kwargs.get
        if not kwargs.keys() <= _KNOWN or any(given(name) for name in _ABSENT):
            return None
        params, data, json = given("params"), given("data"), given("json")
        route = route_of(with_params(url, params) if params is not None else url)
        fields = self._merged(state["headers"], given("headers"))
        if route is None or fields is None:
            return None
        body, kind = (None, "") if data is None and json is None else body_of(data, json)
        added, sent = added_fields(method, body, kind, fields.names)
        auth, verify = given("auth"), given("verify")
        auth = state["auth"] if auth is None else auth
        if auth is not None:
            added = (*added, _authorization(auth, fields.names))
        more = _cookie_pairs(state["cookies"], route, fields.names) + added
        lines = "".join([f"{name}: {value}\r\n" for name, value in more]) if more else ""
        wire = f"{method}{route.line}{fields.lines}{lines}\r\n".encode("ascii") + sent
        pairs = fields.pairs + more if more else fields.pairs
        verify = state["verify"] if verify is None else verify
        return Asked(method, route, wire, pairs, body, _timeout_of(given("timeout")), verify)

    def _merged(self, usual: CaseInsensitiveDict[Any], own: Any) -> Fields | None:
        items = tuple(usual._store.values())  # type: ignore[attr-defined]  # noqa: SLF001 - a fifth of its own items()
        if own:
            return fields_of(items, tuple(own.items())) if type(own) is dict else None
        if items != self._header_items:
            self._header_items, self._fields = items, fields_of(items, ())
        return self._fields

    def _road(self, route: Route, verify: bool) -> Any:  # noqa: FBT001 - one caller
        """The pool that requests would take."""
        adapter = self._adapter(route)
        key = (route.origin, verify, adapter.poolmanager)
        pool = self._roads.get(key)
        if pool is None or pool.pool is None or pool.is_forgotten:
            request = requests.models.PreparedRequest()
            request.url = route.url
            pool = adapter.get_connection_with_tls_context(request, verify, proxies={}, cert=None)
            if len(self._roads) >= _ROADS_MAX:
                self._roads.clear()
            self._roads[key] = pool
        return pool

    def _adapter(self, route: Route) -> Any:
        return self._adapters[0 if route.origin[0] == "https" else 1]

    # ------------------------------------------------------------------ the exchange

    def _exchanged(self, asked: Asked) -> ResponseContextManager | None:
        if asked.verify is not True and asked.verify is not False:
            return None
        began_s = perf_counter()
        pool = self._road(asked.route, asked.verify)
        ride: Ride | None = pool.ride() or self._opened(asked, pool, began_s)
        if ride is None:
            return None
        if ride.timeout_s != asked.timeout_s:
            ride.allow(asked.timeout_s)
        came = Came(asked.method)
        try:
            came.exchange(ride, asked.wire)
        except BaseException:
            ride.close()
            raise
        content = _content(came) if came.answer.is_complete and came.unsent is None else None
        elapsed_s = (came.head_s or perf_counter()) - began_s
        if content is None:
            self.spent_s = elapsed_s
            pool = self._road(asked.route, asked.verify)  # the session may have been closed meanwhile
            pool.hand_over(ride, b"".join(came.received), came.end, came.unsent)
            return None
        if came.answer.keep_alive:
            pool.keep(ride)
        else:
            ride.close()
        return self._response(asked, came, content, elapsed_s, pool)

    def _opened(self, asked: Asked, pool: Any, began_s: float) -> Ride | None:
        """A new connection; None when requests is to open it, or to say in its words that nobody can."""
        try:
            ride: Ride | None = pool.opened(asked.timeout_s)
        except OSError as error:
            self.spent_s = perf_counter() - began_s
            self._road(asked.route, asked.verify).hand_failure(error)
            return None
        return ride

    def _response(
        self, asked: Asked, came: Came, content: bytes, elapsed_s: float, pool: Any
    ) -> ResponseContextManager:
        jar: Any = self._session.cookies
        route, answer = asked.route, came.answer
        kept = None if jar.is_empty else jar.snapshot()
        makings = Makings(asked, answer, came.received, kept, pool, self._adapter(route), elapsed_s)
        response = ResponseContextManager.__new__(ResponseContextManager)
        response.__dict__ = {
            "status_code": answer.status,
            "url": route.url,
            "_content": content,
            "_content_consumed": True,
            "_next": None,
            "_makings": makings,
        }
        if answer.cookies:
            jar.learn(route.url, answer.cookies, lambda: response.request, makings.cookie_lines)
        return response


class Came:
    """What came of a request.

    Attributes:
        answer: as far as it has come.
        received: all bytes.
        end: what it came to: an exception, b"" for the end of the connection, None when it might go on.
        unsent: what kept the request from being sent.
        head_s: when the head was there, if the body was not.
    """

    __slots__ = ("answer", "end", "head_s", "received", "unsent")

    def __init__(self, method: str) -> None:
        self.answer = AnswerParser(method)
        self.received: list[bytes] = []
        self.end: Any = None
        self.unsent: OSError | None = None
        self.head_s = 0.0

    def exchange(self, ride: Ride, wire: bytes) -> None:
        """Send, and receive until the answer is whole or will never be."""
        try:
            ride.send(wire)
        except OSError as error:
            self.unsent = error
            return
        try:
            self._receive(ride)
        except HTTPParseError:
            pass
        except OSError as error:
            self.end = error

    def _receive(self, ride: Ride) -> None:
        answer, most = self.answer, RECEIVE_BYTES
        while True:
            piece = ride.receive(most)
            if not piece:
                self.end = piece
                return
            self.received.append(piece)
            if answer.feed(piece):
                answer.delay_s = ride.delay_s
                return
            if answer.status and not self.head_s:
                self.head_s = perf_counter()
            wanted = answer.wanted
            most = RECEIVE_BYTES if wanted is None else max(RECEIVE_BYTES, min(wanted, RECEIVE_BYTES_MAX))


def _timeout_of(timeout: Any) -> float:
    if timeout is None:
        return float("inf")
    if type(timeout) not in (int, float) or not timeout > 0:
        raise Unusual
    return float(timeout)


def _cookie_pairs(jar: Jar, route: Route, names: frozenset[str]) -> Pairs:
    if jar.is_empty:
        return ()
    if "cookie" in names:
        raise Unusual
    line = jar.line_for(route.url)
    if line is None:
        return ()
    if not line.isascii() or not line.isprintable():
        raise Unusual
    return (("Cookie", line),)


def _authorization(auth: Any, names: frozenset[str]) -> tuple[str, str]:
    if type(auth) is not tuple or len(auth) != 2 or type(auth[0]) is not str or type(auth[1]) is not str:
        raise Unusual
    if "authorization" in names or not (auth[0] + auth[1]).isascii():
        raise Unusual
    return ("Authorization", basic(*auth))


@lru_cache(512)
def _is_plain_head(head: bytes) -> bool:
    """Whether `http.client` and urllib3 could not read this head in any other way."""
    if _HEAD.fullmatch(head) is None:
        return False
    seen: dict[bytes, bytes] = {}
    for name, value in _SINGLE.findall(head):
        if name.lower() in seen:
            return False
        seen[name.lower()] = value
    length, coding = seen.get(b"content-length"), seen.get(b"transfer-encoding")
    if coding is not None:
        return length is None and coding.lower() == b"chunked" and head[9:12] not in _BODILESS
    return length is None or (length.isdigit() and len(length) < 18)


def _content(came: Came) -> bytes | None:
    """The body as requests would give it; None when requests is to say."""
    answer, received = came.answer, came.received
    head = answer.head
    whole = received[0] if len(received[0]) >= len(head) else b"".join(received)
    if not whole.startswith(head) or not _is_plain_head(head):
        return None
    if answer.location is not None and answer.status in _REDIRECTS:
        return None
    body = answer.take()
    if not answer.encoding or not body:
        return body
    return _unzipped(body) if answer.encoding == b"gzip" else _decoded(body, answer.encoding)


def _unzipped(body: bytes) -> bytes | None:
    tool = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = tool.decompress(body)
    except zlib.error:
        return None
    return content if tool.eof and not tool.unused_data else None


def _decoded(body: bytes, encoding: bytes) -> bytes | None:
    """The body without its content coding, by urllib3; None when it finds fault with it."""
    headers = {"content-encoding": encoding.decode("ascii")}
    try:
        read: bytes = urllib3.HTTPResponse(io.BytesIO(body), headers, preload_content=False).read(decode_content=True)
    except urllib3.exceptions.HTTPError:
        return None
    return read
