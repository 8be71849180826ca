"""What `HttpUser`'s client returns: a `requests.Response` that may be declared a success or a failure.

Where the session read the answer itself (`http_swift`), most attributes are made when somebody asks for them, by the
code of requests and urllib3 where it is theirs to say.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, cast

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.exceptions import RequestException
from requests.hooks import default_hooks
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from tidal.generator.caught import Caught
from tidal.generator.failed import Exchange
from tidal.generator.http_pool import raw_of
from tidal.generator.stamps import last

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.generator.fast_parse import AnswerParser
    from tidal.generator.http_swift import Asked
    from tidal.hooks import EventHook

_WRAPPERS = (requests.exceptions.ConnectionError, ProtocolError, MaxRetryError, NewConnectionError)


class ResponseContextManager(Caught, requests.Response):  # type: ignore[misc]  # their __exit__ takes *args
    """A response, and the block in which its request may be declared a success or a failure.

    Attributes:
        error: what kept an answer from coming; None when one came.
        request_meta: the arguments of the `request` hook; the block may change them.
    """

    error: Exception | None = None
    request_meta: dict[str, Any]
    _hook: EventHook
    _makings: Makings | None = None

    @classmethod
    def of(cls, response: requests.Response, hook: EventHook, meta: dict[str, Any], *, catch: bool) -> Self:
        """Make a response of requests one of ours, in place: copying it costs more than the rest of the request."""
        response.__class__ = cls
        vars(response).update(request_meta=meta, _hook=hook, _catch_response=catch)
        return cast("Self", response)

    @classmethod
    def failed(cls, error: RequestException) -> ResponseContextManager:
        """The response of a request that got none."""
        response = cls()
        response.status_code = 0
        response.error = error
        response._content = None
        response.request = error.request  # type: ignore[assignment]
        return response

    if not TYPE_CHECKING:  # for a checker, an attribute that nobody declared is a mistake

        def __getattr__(self, name: str) -> Any:
            """An attribute of an answer that the session read itself, made at its first use."""
            makings = self._makings
            if makings is None or name not in MAKERS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            made = self.__dict__[name] = MAKERS[name](self, makings)
            return made

    def exchange(self) -> Exchange:
        """What was sent and what came, as far as it is here; a stream stays unread."""
        request: Any = self.request
        sent, sent_body = (request.headers.items(), request.body) if request is not None else ((), None)
        body: Any = self._content or None  # False: not read
        return Exchange(str(self.url or ""), self.status_code, sent, sent_body, self.headers.items(), body)

    def raise_for_status(self) -> None:
        """Raise what the request is declared to have failed with, what kept the answer away, or for status ≥ 400."""
        if self._manual_result is True:
            return
        if isinstance(self._manual_result, Exception):
            raise self._manual_result
        if self.error:
            raise self.error
        super().raise_for_status()

    def tell(self) -> None:
        """Tell the hook how it went, where there is no block."""
        self._tell(self._trouble())

    def _tell(self, exception: Any) -> None:
        self.request_meta["exception"] = exception
        if self._makings is not None:
            last.delay_s = self._makings.answer.delay_s
        self._hook.fire(**self.request_meta)

    def _trouble(self) -> BaseException | None:
        """The exception that says what went wrong, named by the endpoint and not by its many URLs."""
        if self.status_code and self.status_code < 400 and not self.error:
            return None
        url, self.url = self.url, self.request_meta["name"]
        try:
            self.raise_for_status()
        except RequestException as error:
            return _root(error)
        finally:
            self.url = url
        return None


class RestResponseContextManager(ResponseContextManager):
    """A response of `rest`.

    Attributes:
        js: the body, read as JSON; None when it is none.
    """

    js: Any


def _root(error: BaseException) -> BaseException:
    """What the wrappers of requests and urllib3 are about: "connection refused" rather than "max retries"."""
    while isinstance(error, _WRAPPERS) and error.__context__ is not None:
        error = error.__context__
    return error


class Makings:
    """What the attributes of an answer that the session read itself are made from.

    Args:
        asked: the request.
        answer: its answer's head, parsed.
        received: all bytes that came.
        jar: the session's cookies when it was sent, if there were any.
        pool: where the connection is kept.
        adapter: whose pool it is.
        elapsed_s: until the head was there.
    """

    __slots__ = ("adapter", "answer", "asked", "elapsed_s", "jar", "pool", "received")

    def __init__(  # noqa: PLR0917 - once for each request: keywords cost
        self,
        asked: Asked,
        answer: AnswerParser,
        received: list[bytes],
        jar: RequestsCookieJar | None,
        pool: Any,
        adapter: Any,
        elapsed_s: float,
    ) -> None:
        self.asked = asked
        self.answer = answer
        self.received = received
        self.jar = jar
        self.pool = pool
        self.adapter = adapter
        self.elapsed_s = elapsed_s

    def cookie_lines(self) -> Any:
        """What requests' cookie jars ask an answer for."""
        return _Said([line.decode("ascii") for line in self.answer.cookies or ()])


class _Said:
    """The lines of an answer that set cookies, as `extract_cookies_to_jar` reads them."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._original_response = self
        self.msg = self

    def get_all(self, name: str, failobj: Any = None) -> Any:
        return self._lines if name.lower() == "set-cookie" and self._lines else failobj


def headers_of(answer: AnswerParser) -> CaseInsensitiveDict[str]:
    """The header fields as urllib3 gives them: lines of one name are joined by commas, the first spelling counts."""
    joined: dict[str, tuple[str, str]] = {}
    for line in answer.head.decode("ascii").split("\r\n")[1:-1]:
        name, _, value = line.partition(":")
        value = value.lstrip(" \t")
        key = name.lower()
        if key in joined:
            first, before = joined[key]
            joined[key] = (first, f"{before}, {value}")
        else:
            joined[key] = (name, value)
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    headers._store.update(joined)  # type: ignore[attr-defined]  # noqa: SLF001 - its order and case are this dict's
    return headers


def _request(_: ResponseContextManager, makings: Makings) -> PreparedRequest:
    request = PreparedRequest()
    asked = makings.asked
    request.method, request.url, request.body = asked.method, asked.route.url, asked.body
    request.headers = CaseInsensitiveDict(asked.pairs)
    request.hooks = default_hooks()
    jar = RequestsCookieJar() if makings.jar is None else makings.jar.copy()
    request._cookies = jar  # type: ignore[attr-defined]  # noqa: SLF001 - redirects and digest authentication look there
    return request


def _cookies(response: ResponseContextManager, makings: Makings) -> RequestsCookieJar:
    jar = RequestsCookieJar()
    if makings.answer.cookies:
        extract_cookies_to_jar(jar, response.request, makings.cookie_lines())  # type: ignore[no-untyped-call]
    return jar


def _raw(_: ResponseContextManager, makings: Makings) -> Any:
    asked = makings.asked
    return raw_of(makings.pool, asked.method, asked.route.target, b"".join(makings.received), makings.adapter)


def _meta(response: ResponseContextManager, _: Makings) -> Any:
    session, told = response.__dict__["_told"]
    return session.meta_of(response, *told)


MAKERS: dict[str, Callable[[ResponseContextManager, Makings], Any]] = {
    "headers": lambda _, makings: headers_of(makings.answer),
    "encoding": lambda response, _: get_encoding_from_headers(response.headers),
    "reason": lambda _, makings: makings.answer.reason.strip(),
    "elapsed": lambda _, makings: timedelta(seconds=makings.elapsed_s),
    "history": lambda *_: [],
    "request": _request,
    "cookies": _cookies,
    "connection": lambda _, makings: makings.adapter,
    "raw": _raw,
    "request_meta": _meta,
}
