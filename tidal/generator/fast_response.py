"""What a file gets from `FastHttpUser`: requests and responses under Locust's names."""

from __future__ import annotations

import json
import re
import zlib
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tidal.flow import LocustError
from tidal.generator.caught import Caught
from tidal.generator.failed import Exchange
from tidal.generator.fast_body import decoded, decoder
from tidal.generator.fast_errors import FAILURE_EXCEPTIONS
from tidal.generator.fast_headers import Headers
from tidal.generator.fast_parse import HTTPConnectionClosed
from tidal.generator.fast_url import Target, target_of, with_params
from tidal.generator.stamps import UNKNOWN, last

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tidal.generator.fast_stream import Stream

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)
_USE_CATCH = (
    "If you want to change the state of the request, you must pass catch_response=True:"
    " `with self.client.get(…, catch_response=True) as response:`"
)


class FastRequest:
    """A request as it is, or was, sent; a redirect changes it in place. It has what the cookie jar asks for.

    Attributes:
        url: where it goes, as it was given: without the parameters.
        target: where it goes, taken apart.
        origin: where it went first.
        given: the headers that were asked for.
        defaults: the headers that it has unless `given` says otherwise.
        headers: both of them.
    """

    unverifiable = False
    given: tuple[tuple[str, Any], ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()
    headers: Headers
    _cookie = ""

    def __init__(self, url: str, method: str = "GET", payload: Any = None, params: Any = None) -> None:
        self.url = url
        self.target: Target = target_of(with_params(url, params) if params else url)
        self.method = method
        self.payload = payload
        self.origin = self.target.origin

    def __repr__(self) -> str:
        return f"<FastRequest {self.method} {self.url}>"

    def __getattr__(self, name: str) -> Any:
        """`headers`, made when somebody asks."""
        if name != "headers":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.headers = Headers()
        self.headers.update((*self.defaults, *self.given))
        return self.headers

    def drop(self, names: set[str]) -> None:
        """Go on without some headers."""
        kept = tuple(pair for pair in self.headers.items() if pair[0].lower() not in names)
        self.defaults, self.given = (), kept
        del self.headers

    @property
    def body(self) -> Any:
        """What it carries, as it was given."""
        return self.payload

    data = body

    def go_to(self, url: str) -> None:
        """Ask there from now on."""
        self.url, self.target, self.unverifiable = url, target_of(url), True

    @property
    def full_url(self) -> str:
        """Its URL, with its parameters."""
        return self.target.url

    @property
    def url_split(self) -> Target:
        """Its URL taken apart."""
        return self.target

    @property
    def type(self) -> str:
        """The scheme."""
        return self.target.scheme

    @property
    def host(self) -> str:
        """Host and port as in the URL."""
        return urlsplit(self.target.cookie_url).netloc

    @property
    def selector(self) -> str:
        """Path and query."""
        return self.target.request_uri

    @property
    def origin_req_host(self) -> str:
        """The host that was asked before any redirect."""
        return self.origin[1]

    def get_full_url(self) -> str:
        """The URL by which its cookies are kept."""
        return self.target.cookie_url

    def has_header(self, name: str) -> bool:
        """Whether it carries a header; its cookies are the jar's matter here."""
        return name != "Cookie" and name in self.headers

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """A header that it carries."""
        found: str | None = self.headers.get(name, default)
        return found

    def add_unredirected_header(self, key: str, value: str) -> None:
        """The jar's way of saying which cookies to send."""
        if key == "Cookie":
            self._cookie = value

    def take_cookie(self) -> str:
        """What the jar said last."""
        cookie, self._cookie = self._cookie, ""
        return cookie


_UNREAD: Any = object()
"""In the place of a body that nobody has asked for."""


class FastResponse:
    """An answer, or what stands for it where none came (then `status_code` is 0 and `error` says why)."""

    encoding: Any = None
    error: Any = None
    history: list[FastResponse] = []  # noqa: RUF012 - empty for all who were not redirected; the agent gives others
    headers: Any
    request: FastRequest
    asked: Any  # what the request is made of when somebody asks for it: its class, arguments, and fields
    elapsed_s: float | None = None
    status_code: int
    _content: Any = _UNREAD
    _broken: zlib.error | None = None  # what keeps the body from being decoded

    def __init__(self, answer: Any, request: FastRequest | None, stream: Stream | None = None) -> None:
        self.answer: Any = answer
        if request is not None:
            self.request = request
        self._stream = stream
        self.status_code = answer.status if answer is not None else 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status_code}]>"

    if not TYPE_CHECKING:  # for a checker, an attribute that nobody declared is a mistake

        def __getattr__(self, name: str) -> Any:
            """`headers` and `request`, made when somebody asks."""
            if name == "request" and "asked" in vars(self):
                kind, url, method, payload, params, defaults, given = self.asked
                made = self.request = kind(url, method, payload, params)
                made.defaults, made.given = defaults, given
                return made
            if name != "headers" or self.answer is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.headers = Headers.of(self.answer.head)
            return self.headers

    def exchange(self) -> Exchange:
        """What was sent and what came, as far as it is here; a stream stays unread."""
        is_here = self._content is not _UNREAD or (self.answer is not None and self.answer.is_complete)
        body = None
        if is_here:
            with suppress(zlib.error):
                body = self.content
        headers = self.headers.items() if self.headers is not None else ()
        request = self.request
        return Exchange(request.full_url, self.status_code, request.headers.items(), request.body, headers, body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        self.release()
        return None

    # ------------------------------------------------------------------ what came

    @property
    def url(self) -> str:
        """Where it was asked for, after redirects."""
        return self.request.url

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def elapsed(self) -> timedelta | None:
        """Until the head was there."""
        return None if self.elapsed_s is None else timedelta(seconds=self.elapsed_s)

    @property
    def status(self) -> str:
        """The status as text."""
        return str(self.status_code)

    def info(self) -> Headers:
        """The headers, for who knows them from `http.client`."""
        headers: Headers = self.headers
        return headers

    @property
    def content(self) -> Any:
        """The body, without its content coding; of a stream, what is left of it."""
        if self._content is _UNREAD:
            if self._broken is not None:
                raise self._broken
            self._content = self._read_all()
        return self._content

    data = content

    def _read_all(self) -> bytes:
        answer = self.answer
        if not answer.is_complete and self._stream is not None:
            self._stream.read_all()
        body: bytes = answer.take()
        if not answer.encoding:
            return body
        try:
            return decoded(body, answer.encoding)
        except zlib.error as error:
            self._broken = error
            raise

    @property
    def text(self) -> str | None:
        """The body as text: in `encoding`, which the headers tell, or the text itself."""
        content = self.content
        if content is None:
            return None
        if self.encoding is None:
            self.encoding = encoding_of(str(self.headers.get("content-type") or "")) or guessed(content)
        return None if self.encoding is None else str(content, str(self.encoding), errors="replace")

    def json(self) -> Any:
        """The body, read as JSON; ValueError when it is none."""
        return json.loads(self.text)  # type: ignore[arg-type]  # None is a TypeError, as with Locust

    def raise_for_status(self) -> None:
        """Raise what went wrong, if anything."""
        if self.error:
            raise self.error

    # ------------------------------------------------------------------ piece by piece

    def read(self, n: int | None = None) -> bytes:
        """Up to `n` bytes of the body as they came, all of it without `n`."""
        if self._stream is not None:
            return self._stream.read(n)
        return self.answer.take() if self.answer is not None else b""

    def iter_content(self, chunk_size: int = 1024, decode_content: bool = True) -> Iterator[Any]:  # noqa: FBT001, FBT002 - Locust's signature
        """The body in pieces, as they come: texts where they are (unless `decode_content` is false), else bytes."""
        for piece in self._pieces(chunk_size or 1024):
            if decode_content:
                with suppress(UnicodeDecodeError):
                    yield piece.decode()
                    continue
            yield piece

    def _pieces(self, size: int) -> Iterator[bytes]:
        if self.answer is None:
            raise LocustError("Cannot iterate content on a response without an answer")
        if self._stream is None or self._content is not _UNREAD:
            whole = self.content or b""
            yield from (whole[at : at + size] for at in range(0, len(whole), size))
            return
        tool = decoder(self.answer.encoding)
        with suppress(HTTPConnectionClosed):
            while raw := self._stream.read(size):
                if piece := tool.decompress(raw) if tool else raw:
                    yield piece

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces(4_096)

    def release(self) -> None:
        """Let the connection go; what was not read of a stream is lost."""
        if self._stream is not None:
            self._stream.release()

    def drain(self) -> None:
        """Be done with it: nobody wants its body."""
        if self._stream is not None:
            self._stream.drain()

    def isclosed(self) -> bool:
        """Whether everything came."""
        return self.answer is None or self.answer.is_complete

    # ------------------------------------------------------------------ verdicts

    def success(self) -> None:
        """Only in a `with` block with catch_response=True."""
        raise LocustError(_USE_CATCH)

    def failure(self, *_args: Any, **_kwargs: Any) -> None:
        """Only in a `with` block with catch_response=True."""
        raise LocustError(_USE_CATCH)


class ErrorResponse(FastResponse):
    """What stands for an answer that did not come."""

    def __init__(self, request: FastRequest, error: BaseException) -> None:
        super().__init__(None, request)
        self.error = error
        vars(self).update(headers=None, _content=None)


class ResponseContextManager(Caught, FastResponse):
    """A response in a `with` block, in which its request may be declared a success or a failure.

    Attributes:
        request_meta: the arguments of the `request` hook; the block may change them.
    """

    def __init__(  # the other attributes come with the response's own
        self,
        response: FastResponse,
        request_event: Any,
        request_meta: dict[str, Any],
        catch_response: bool,  # noqa: FBT001 - Locust's signature
    ) -> None:
        vars(self).update(vars(response))
        self._request_event = request_event
        self.request_meta = request_meta
        self._catch_response = catch_response

    def _trouble(self) -> Any:
        try:
            self.raise_for_status()
        except FAILURE_EXCEPTIONS as error:
            return error
        return self.request_meta["exception"]

    def _tell(self, exception: Any) -> None:
        self.request_meta["exception"] = exception
        last.delay_s = delay_of(self)
        self._request_event.fire(**self.request_meta)

    def raise_for_status(self) -> None:
        """Raise what the request is declared to have failed with, or what went wrong."""
        if isinstance(self._manual_result, Exception):
            raise self._manual_result
        if not self._manual_result:
            super().raise_for_status()


class RestResponseContextManager(ResponseContextManager):
    """A response of `rest`.

    Attributes:
        js: the body, read as JSON; None when it is none.
    """

    js: Any


def delay_of(response: FastResponse) -> float:
    """How long the end of the answer lay in the kernel; negative: not known."""
    if response.answer is None or not response.answer.is_complete:
        return UNKNOWN
    delay: float = response.answer.delay_s
    return delay


@lru_cache(256)
def encoding_of(content_type: str) -> str | None:
    """The encoding that a Content-Type says or implies."""
    if not content_type:
        return None
    charset = _CHARSET.search(content_type)
    if charset:
        return charset[1]
    kind = content_type.lower()
    return "ISO-8859-1" if "text" in kind else "utf-8" if "application/json" in kind else None


def guessed(content: bytes) -> str | None:
    """The encoding that bytes seem to have; None when they do not look like text."""
    for name in ("ascii", "utf-8"):
        with suppress(UnicodeDecodeError):
            content.decode(name)
            return name
    found: str | None = import_module("tidal.generator.http").detect_encoding(content)
    return found
