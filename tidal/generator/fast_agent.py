"""What opens URLs for a session: heads of requests, redirects, retries, cookies."""

from __future__ import annotations

import re
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tidal import __version__
from tidal.generator.fast_body import encoded, length_of, rewind
from tidal.generator.fast_errors import (
    LocustBadStatusCode,
    RetriesExceeded,
    UnrewoundBodyError,
    UnsupportedRedirectSchemeError,
    is_temporary,
)
from tidal.generator.fast_headers import Headers, line_of
from tidal.generator.fast_pool import HTTPClientPool, adopt
from tidal.generator.fast_response import FastRequest, FastResponse
from tidal.generator.fast_stream import IDEMPOTENT, ask
from tidal.generator.fast_url import PLAIN_URL, SCHEMES, UNIX, encode_fields, redirected, target_of, with_params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.generator.fast_cookies import Jar

Pairs = tuple[tuple[str, Any], ...]

VALID = frozenset([200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 301, 302, 303, 304, 307, 308])
REDIRECTS = frozenset([301, 302, 303, 307, 308])
HEADS_MAX = 256
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BODY_METHODS = frozenset(["POST", "PUT", "PATCH"])
_FRAMING = frozenset(["content-length", "transfer-encoding"])
_NO_LENGTH = dict.fromkeys(_BODY_METHODS, b"Content-Length: 0\r\n")


class Block(NamedTuple):
    """Header lines as they are sent, and the names in them, in lower case."""

    lines: bytes
    names: frozenset[str]


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


@lru_cache(4_096)
def block_of(defaults: Pairs, given: Pairs, host_line: str) -> Block:
    """The lines of a request's headers: those given go before the defaults of the same name."""
    fields = Headers({"Host": host_line})
    for name, value in (*defaults, *given):
        fields[_text(name)] = value
    text = "".join(line_of(name, value) for name, value in fields.items())
    return Block(text.encode("latin-1"), frozenset(fields))


class Head(NamedTuple):
    """How requests to one URL begin.

    Attributes:
        origin: whose connections they take.
        begin: request line and header lines, but for those that depend on cookies and body.
        whole: the same with its end, of a request without cookies and body.
        names: of its fields, in lower case.
    """

    origin: tuple[str, str, int]
    begin: bytes
    whole: bytes
    names: frozenset[str]


class Frame(NamedTuple):
    """What the heads of one method and origin have in common: all but the path, which stands behind the method."""

    origin: tuple[str, str, int]
    method: bytes
    fields: bytes
    end: bytes
    names: frozenset[str]


class Heads:
    """The heads of requests with the same header fields, by method and URL; one for all users that send the same.

    Attributes:
        known: those that were made already.
    """

    __slots__ = ("_defaults", "_frames", "_given", "known")

    def __init__(self, defaults: Pairs, given: Pairs) -> None:
        self._defaults, self._given = defaults, given
        self._frames: dict[tuple[str, str], Frame] = {}  # by method, and scheme, host and port
        self.known: dict[tuple[str, str], Head] = {}

    def __repr__(self) -> str:
        return f"<Heads of {self._given}, {len(self.known)} known>"

    def make(self, method: str, url: str) -> Head:
        """One that is not known yet; ValueError for what is no method or no URL."""
        plain = PLAIN_URL.fullmatch(url)
        if plain is not None:  # thousands of URLs lead to one host
            base, path = plain.groups("/")
            origin, line, fields, end, names = self._frames.get((method, base)) or self._frame(method, base, base)
            begin = b"%b%b%b" % (line, path.encode("ascii"), fields)
        else:
            origin, line, fields, end, names = self._frame(method, url)
            begin = b"%b%b%b" % (line, target_of(url).path, fields)
        if len(self.known) >= HEADS_MAX:
            self.known.clear()
        head = self.known[method, url] = Head(origin, begin, begin + end, names)
        return head

    def _frame(self, method: str, url: str, base: str | None = None) -> Frame:
        """That of a URL, kept for a base."""
        target = target_of(url)
        block = block_of(self._defaults, self._given, target.host_line)
        length = _NO_LENGTH.get(method, b"") if "content-length" not in block.names else b""
        fields = b" HTTP/1.1\r\n" + block.lines
        made = Frame(target.origin, method_line(method), fields, length + b"\r\n", block.names)
        if base is not None:
            if len(self._frames) >= HEADS_MAX:
                self._frames.clear()
            self._frames[method, base] = made
        return made


@lru_cache(512)
def heads_of(defaults: Pairs, given: Pairs) -> Heads:
    """The one for these header fields."""
    return Heads(defaults, given)


@lru_cache(64)
def method_line(method: str) -> bytes:
    """The beginning of a request; ValueError for what is no method."""
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise ValueError(f"invalid HTTP method {method!r}")
    return f"{method} ".encode("ascii")


OWN_HEADERS: Pairs = (("User-Agent", f"tidal/{__version__}"),)
"""The default headers as long as nobody asks for others."""


class LocustUserAgent:
    """Opens URLs: follows redirects, tries again, keeps cookies, and says which statuses are failures.

    Attributes:
        default_headers: sent with each request, unless it says otherwise.
        clientpool: the connections.
        valid_response_codes: the statuses that are no failures.
        redirect_response_codes: the statuses whose Location is followed.
    """

    response_type = FastResponse
    request_type = FastRequest
    valid_response_codes = VALID
    redirect_response_codes = REDIRECTS

    def __init__(
        self,
        cookiejar: Jar | None = None,
        client_pool: Any = None,
        max_redirects: int = 3,
        max_retries: int = 3,
        headers: Mapping[str, str] | None = None,
        **pool_settings: Any,
    ) -> None:
        self._jar = cookiejar
        self.max_redirects = int(max_redirects)
        self.max_retries = int(max_retries)
        self._given_headers = headers
        self._default_headers: Headers | None = None
        self.clientpool: HTTPClientPool = adopt(client_pool) if client_pool else HTTPClientPool(**pool_settings)
        self._defaults: Pairs = OWN_HEADERS
        self._defaults_at = -1
        self._heads = heads_of((), ())
        self._heads_of: tuple[Any, Any] = (None, None)  # which defaults, and which given fields
        if headers:
            self.default_headers.update({})  # made now, so that they count

    @property
    def cookiejar(self) -> Jar:
        """The cookies; made when it is first asked for: most users never have any, and there may be many users."""
        if self._jar is None:
            from tidal.generator.fast_cookies import Jar  # noqa: PLC0415 - a tenth of the imports of a generator

            self._jar = Jar()
        return self._jar

    @cookiejar.setter
    def cookiejar(self, jar: Jar) -> None:
        self._jar = jar

    @property
    def default_headers(self) -> Headers:
        """Sent with each request, unless it says otherwise; made when it is first asked for, as the cookies are."""
        if self._default_headers is None:
            self._default_headers = Headers(dict(OWN_HEADERS))
            self._default_headers.update(self._given_headers or {})
        return self._default_headers

    def close(self) -> None:
        """Close the connections; the next request opens others."""
        self.clientpool.close()

    def urlopen(  # noqa: PLR0917 - geventhttpclient's signature
        self,
        url: str,
        method: str = "GET",
        headers: Any = None,
        payload: Any = None,
        params: Any = None,
        max_retries: int | None = None,
        max_redirects: int | None = None,
        files: Any = None,
        **fields: Any,
    ) -> FastResponse:
        """Ask for a URL; raises one of FAILURE_EXCEPTIONS when that fails.

        Args:
            url: absolute.
            method: GET, POST …
            headers: beside the default ones.
            payload: what the request carries.
            params: for the query.
            max_retries: how often a request that timed out is sent again.
            max_redirects: how many redirects are followed; 0: their answers are answers.
            files: sent as multipart/form-data, with the payload's fields.
            fields: further parameters; with POST, of the form.
        """
        if not (files or fields) and max_retries is None and max_redirects is None:
            plain = self._plain(url, method.upper(), headers, payload, params)
            if plain is not None:
                return plain
        if fields:
            payload, params = _with_fields(method, payload, params, fields)
        body, kind = encoded(payload, files)
        request = self.make_request(url, method, headers, body, params)
        retries = self.max_retries if max_retries is None else int(max_retries)
        redirects = self.max_redirects if max_redirects is None else int(max_redirects)
        has_type = any(name.lower() == "content-type" for name, _ in request.given)
        if not body or (isinstance(payload, str) and has_type):
            request.payload = payload
        if files:
            request.given = _with_type(request.given, kind)
        last: BaseException | None = None
        for _ in range(retries + 1):
            try:
                return self._follow(request, body, kind, redirects)
            except BaseException as error:
                if not is_temporary(error):
                    raise
                last = error
                if request.method not in IDEMPOTENT or not rewind(body):
                    break
        raise RetriesExceeded(url, self.max_retries, original=last) from last

    def _plain(self, url: str, method: str, given: Any, payload: Any, params: Any) -> FastResponse | None:
        """The answer to a request as most are: without cookies, carrying nothing or a text of a given type.

        None when it is none of these, or may have to be tried again.
        """
        has_cookies = self._jar is not None and not self._jar.is_empty
        if self.max_retries or has_cookies or self.clientpool.proxy_host or type(given) is not tuple:
            return None
        whole_url = url
        if params:
            if payload or type(params) is not dict:  # some can be read only once
                return None
            params = encode_fields(params)  # kept as text: the dict may change before anybody asks for the request
            whole_url = with_params(url, params)
        defaults = self._default_pairs()
        head = self._head(method, whole_url, defaults, given)
        data, body = head.whole, b""
        if payload:
            if type(payload) is not str or "content-type" not in head.names or head.names & _FRAMING:
                return None
            body = payload.encode()
            data = b"%bContent-Length: %d\r\n\r\n%b" % (head.begin, len(body), body)
        began_s = perf_counter()
        try:
            answer, stream = ask(self.clientpool.host(head.origin), method, data)
            response = self.response_type(answer, None, stream)
            response.asked = (self.request_type, url, method, payload, params, defaults, given)
            response.elapsed_s = perf_counter() - began_s
            if answer.cookies is not None:
                self.cookiejar.learn(answer, response, response.request)
            if answer.location is None and answer.status in self.valid_response_codes:
                return response
            return self._follow(response.request, body, None, self.max_redirects, response)
        except BaseException as error:
            if not is_temporary(error):
                raise
            raise RetriesExceeded(url, self.max_retries, original=error) from error

    def _head(self, method: str, url: str, defaults: Pairs, given: Pairs) -> Head:
        known = self._heads_of
        if known[0] is not defaults or known[1] is not given:  # mostly they are the same objects
            self._heads, self._heads_of = heads_of(defaults, given), (defaults, given)
        return self._heads.known.get((method, url)) or self._heads.make(method, url)

    def make_request(
        self, url: str, method: str = "GET", headers: Any = None, payload: Any = None, params: Any = None
    ) -> FastRequest:
        """A request that is not sent yet."""
        request = self.request_type(url, method.upper(), payload, params)
        request.defaults = self._default_pairs()
        if headers:
            request.given = headers if isinstance(headers, tuple) else tuple(headers.items())
        return request

    def _default_pairs(self) -> Pairs:
        headers = self._default_headers
        if headers is not None and self._defaults_at != headers.changes:
            self._defaults = tuple(headers.items())
            self._defaults_at = headers.changes
        return self._defaults

    def _verify_status(self, status_code: int, url: str | None = None) -> None:
        """Raise when the status is a failure."""
        if status_code not in self.valid_response_codes:
            raise LocustBadStatusCode(url, code=status_code)

    # ------------------------------------------------------------------ redirects

    def _follow(
        self, request: FastRequest, body: Any, kind: str | None, redirects: int, first: FastResponse | None = None
    ) -> FastResponse:
        url = request.url
        history: list[FastResponse] = []
        for _ in range(redirects + 1):
            response, first = first or self._send(request, body, kind), None
            answer = response.answer
            try:
                self._verify_status(response.status_code, request.url)
            except Exception as error:
                vars(error).update(response=response, request=request)
                raise
            if answer.location is None or not redirects or response.status_code not in self.redirect_response_codes:
                if history:
                    response.history = history
                return response
            history.append(response)
            response.drain()
            body = self._redirect(request, response.status_code, answer.location, body)
        raise RetriesExceeded(url, f"Redirection limit reached ({self.max_redirects})")

    def _redirect(self, request: FastRequest, status: int, location: bytes, body: Any) -> Any:
        """Point the request to where it was told to go; returns the body that it has from now on."""
        url = redirected(request.target.url, location)
        scheme = urlsplit(url).scheme
        leaves = scheme == UNIX and target_of(url).origin != request.target.origin
        if scheme not in SCHEMES or leaves:  # no answer leads into a socket of this machine, but one from that socket
            raise UnsupportedRedirectSchemeError(request.url, f"refusing to follow redirect to {scheme!r} URL")
        dropped = {"cookie", "cookie2"}
        if status in (301, 302, 303):
            dropped |= {"content-length", "content-type", "content-encoding", "transfer-encoding"}
            request.method = "HEAD" if request.method == "HEAD" else "GET"
            request.payload, body = None, b""
        elif not rewind(body):
            raise UnrewoundBodyError(request.url, "payload cannot be rewound and resent after a redirect")
        request.go_to(url)
        if request.target.origin != request.origin:
            dropped.add("authorization")
        request.drop(dropped)
        return body

    # ------------------------------------------------------------------ one request

    def _send(self, request: FastRequest, body: Any, kind: str | None) -> FastResponse:
        target, method, jar = request.target, request.method, self._jar
        head = self._head(method, target.url, request.defaults, request.given)
        began_s = perf_counter()
        names, parts = head.names, [head.begin]
        if self.clientpool.proxy_host and target.scheme == "http":
            before, _, after = head.begin.partition(b" ")
            parts = [before, f" http://{target.host_line}".encode("ascii"), after]
        if jar is not None and not jar.is_empty and "cookie" not in names and (cookie := jar.header_for(request)):
            parts.append(line_of("Cookie", cookie).encode("latin-1"))
        unsent, is_chunked = None, False
        if body:
            unsent, is_chunked = _add_body(parts, body, kind, names)
        else:
            if method in _NO_LENGTH and "content-length" not in names:
                parts.append(_NO_LENGTH[method])
            parts.append(b"\r\n")
        answer, stream = ask(
            self.clientpool.host(target.origin), method, b"".join(parts), unsent, is_chunked=is_chunked
        )
        response = self.response_type(answer, request, stream)
        response.elapsed_s = perf_counter() - began_s
        if answer.cookies is not None:
            self.cookiejar.learn(answer, response, request)
        return response


def _add_body(parts: list[bytes], body: Any, kind: str | None, names: frozenset[str]) -> tuple[Any, bool]:
    """Add the body's headers, and the body if it is at hand; else it is returned, and whether it goes in chunks."""
    if kind is not None and "content-type" not in names:
        parts.append(f"Content-Type: {kind}\r\n".encode("latin-1"))
    is_chunked = "transfer-encoding" in names
    length = len(body) if isinstance(body, bytes) else length_of(body)
    if is_chunked or (length is None and "content-length" not in names):
        parts.append(b"\r\n" if is_chunked else b"Transfer-Encoding: chunked\r\n\r\n")
        return ([body] if isinstance(body, bytes) else body), True
    parts.append(b"\r\n" if length is None or "content-length" in names else b"Content-Length: %d\r\n\r\n" % length)
    if isinstance(body, bytes):
        parts.append(body)
        return None, False
    return body, False


def _with_type(headers: Pairs, kind: str | None) -> Pairs:
    return (*((name, value) for name, value in headers if name.lower() != "content-type"), ("Content-Type", kind))


def _with_fields(method: str, payload: Any, params: Any, fields: dict[str, Any]) -> tuple[Any, Any]:
    """What is given by other names belongs to the form of a POST, else to the query."""
    if method.upper() == "POST":
        return (fields if payload is None else {**payload, **fields} if isinstance(payload, dict) else payload), params
    return payload, (fields if params is None else {**params, **fields} if isinstance(params, dict) else params)
