"""The client of `FastHttpUser`: requests over connections of its own (`fast_client`), each of them counted.

A request never raises for what the network or the server does: the response then has the `error`, and `status_code` 0
where no answer came. What is counted, and under which texts, is Locust's.
"""

from __future__ import annotations

import json as json_of_python
import time
from base64 import b64encode
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tidal.generator.fast_agent import LocustUserAgent
from tidal.generator.fast_body import accepted
from tidal.generator.fast_errors import FAILURE_EXCEPTIONS
from tidal.generator.fast_response import ErrorResponse, FastResponse, ResponseContextManager, delay_of
from tidal.generator.fast_url import ABSOLUTE
from tidal.generator.stamps import UNKNOWN, last
from tidal.hooks import EventHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.generator.fast_agent import Pairs
    from tidal.generator.fast_cookies import Jar

_NOTHING: dict[str, Any] = {}


class FastHttpSession:
    """One user's session: cookies, connections, and a sample for each request.

    Args:
        base_url: what relative URLs begin with; a name and password in it become basic authentication.
        request_event: the hook that is told of each request.
        user: whose session it is; its `context()` goes into each request's.
        insecure: whether certificates are taken unseen.
        client_pool: connections that are shared with other sessions.
        ssl_context_factory: makes the TLS contexts.
        kwargs: for the agent: timeouts, redirects, retries, headers, concurrency, a proxy.

    Attributes:
        client: what opens the URLs.
        cookiejar: the cookies.
        request_name: what requests are counted under from now on, unless they have a name.
    """

    auth_header: str | None = None

    def __init__(  # noqa: PLR0917 - Locust's signature
        self,
        base_url: str | None,
        request_event: Any,
        user: Any = None,
        insecure: bool = True,  # noqa: FBT001, FBT002 - Locust's signature
        client_pool: Any = None,
        ssl_context_factory: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.base_url = base_url or ""
        self.request_event = request_event
        self.user = user
        self.request_name: str | None = None
        self.client = LocustUserAgent(
            client_pool=client_pool,
            ssl_context_factory=ssl_context_factory,
            insecure=insecure,
            **kwargs,
        )
        self._take_credentials()
        self._plain: tuple[Any, Pairs, Pairs] = (self, (), ())  # for which auth_header; headers without and with JSON

    @property
    def cookiejar(self) -> Jar:
        """The cookies."""
        return self.client.cookiejar

    @cookiejar.setter
    def cookiejar(self, jar: Jar) -> None:
        self.client.cookiejar = jar

    def _take_credentials(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.username and parts.password:
            self.base_url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            self.auth_header = basic_auth(unquote(parts.username), unquote(parts.password))

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Requests in this block are counted under `name`."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def _build_url(self, path: str) -> str:
        """The URL, beginning with the base URL unless it is absolute."""
        return path if ABSOLUTE.match(path) else f"{self.base_url}{path}"

    # ------------------------------------------------------------------ requests

    def request(  # noqa: PLR0917 - Locust's signature
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
        stream: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
        headers: Any = None,
        auth: tuple[str | bytes, str | bytes] | None = None,
        json: Any = None,
        allow_redirects: bool = True,  # noqa: FBT001, FBT002 - Locust's signature
        context: dict[str, Any] = _NOTHING,
        **kwargs: Any,
    ) -> FastResponse:
        """Send a request and count it.

        Args:
            method: GET, POST …
            url: absolute, or relative to the base URL.
            name: what it is counted under; default: the URL as it is given.
            data: what it carries: bytes, a text, a form as a dict or pairs, a file, an iterable of bytes.
            catch_response: it is counted when the `with` block ends, as the block declares.
            stream: the body is left to be read; the time is counted to its head.
            headers: beside the default ones.
            auth: name and password for basic authentication.
            json: sent as JSON, where there is no `data`.
            allow_redirects: whether redirects are followed.
            context: for the listeners of `request`.
            kwargs: params, files, max_redirects, max_retries; others are parameters, of the form with POST.
        """
        full_url = f"{self.base_url}{url}" if url[:1] == "/" else self._build_url(url)
        began_s, perf_s = time.time(), perf_counter()
        is_json = not data and json is not None
        if is_json:
            data = json_of_python.dumps(json)
        given = self._headers(headers, auth, is_json=is_json)
        if not allow_redirects:
            kwargs["max_redirects"] = 0
        name = name or self.request_name or url
        try:
            response = self._open(method, full_url, given, data, kwargs)
            exception = response.error
            length, failure = _length(response, stream=stream)
        except Exception:
            raise
        except BaseException:
            self._cancel(method, name)
            raise
        took_ms = (perf_counter() - perf_s) * 1000
        exception = failure or exception
        hook = self.request_event
        if catch_response or type(hook) is not EventHook or hook.has_listeners:
            meta = {
                "request_type": method,
                "name": name,
                "context": {**self.user.context(), **context} if self.user else context,
                "response": response,
                "exception": exception,
                "start_time": began_s,
                "url": full_url,
                "response_length": length,
                "response_time": took_ms,
            }
            return _told(hook, response, meta, catch=catch_response, stream=stream)
        if hook.sink is not None:
            last.delay_s = delay_of(response) if not stream else UNKNOWN
            if exception is None:
                hook.sink(method, name, took_ms, length)
            else:
                hook.sink(method, name, took_ms, length, exception, response=response, url=full_url)
        return response

    def _open(self, method: str, url: str, given: Pairs, data: Any, kwargs: dict[str, Any]) -> FastResponse:
        try:
            if not kwargs:  # a call by ** goes by C, whose stack is copied at each switch
                return self.client.urlopen(url, method, given, data)
            return self.client.urlopen(url, method, given, data, **kwargs)
        except FAILURE_EXCEPTIONS as error:
            response = getattr(error, "response", None)
            if response is None:
                request = self.client.make_request(url, method, given, data, kwargs.get("params"))
                return ErrorResponse(request, error)
            response.error = error
            answered: FastResponse = response
            return answered

    def _headers(self, headers: Any, auth: Any, *, is_json: bool) -> Pairs:
        if self._plain[0] is not self.auth_header:
            self._plain = (self.auth_header, *_usual_headers(self.auth_header))
        usual = self._plain[2 if is_json else 1]
        if not headers and not auth:
            return usual
        own = dict(headers or {})
        if auth:
            own = {key: value for key, value in own.items() if key.lower() != "authorization"}
            own["Authorization"] = basic_auth(*auth)
        elif self.auth_header:
            own = {key: value for key, value in own.items() if key.lower() != "authorization"}
        names = {key.lower() for key in own}
        pairs = [(key, tuple(value) if isinstance(value, list) else value) for key, value in own.items()]
        return (*pairs, *(pair for pair in usual if pair[0].lower() not in names))

    def _cancel(self, method: str, name: str) -> None:
        if getattr(self.request_event, "cancel", None) is not None:
            self.request_event.cancel(method, name)

    # ------------------------------------------------------------------ by method

    def get(self, url: str, **kwargs: Any) -> FastResponse:
        """Send a GET request."""
        return self.request("GET", url, **kwargs) if kwargs else self.request("GET", url)

    def head(self, url: str, **kwargs: Any) -> FastResponse:
        """Send a HEAD request."""
        return self.request("HEAD", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> FastResponse:
        """Send an OPTIONS request."""
        return self.request("OPTIONS", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> FastResponse:
        """Send a DELETE request."""
        return self.request("DELETE", url, **kwargs)

    def patch(self, url: str, data: Any = None, **kwargs: Any) -> FastResponse:
        """Send a PATCH request."""
        return self.request("PATCH", url, data=data, **kwargs)

    def post(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """Send a POST request."""
        if not kwargs:
            return self.request("POST", url, data=data, json=json)
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str, data: Any = None, **kwargs: Any) -> FastResponse:
        """Send a PUT request."""
        return self.request("PUT", url, data=data, **kwargs)

    def iter_lines(self, url: str, method: str = "GET", **kwargs: Any) -> Iterator[str]:
        """Ask for a URL and give the lines of its body as they come; the last one may have no end."""
        response = self.request(method, url, stream=True, **kwargs)
        response.raise_for_status()
        rest = ""
        for piece in response.iter_content(chunk_size=1024, decode_content=True):
            rest += piece.decode("utf-8", errors="replace") if isinstance(piece, bytes) else piece
            *lines, rest = rest.split("\n")
            yield from lines
        if rest:
            yield rest


def _told(hook: Any, response: FastResponse, meta: dict[str, Any], *, catch: bool, stream: bool) -> FastResponse:
    """The response, once the hook's listeners were told of it; in a `with` block the block does that."""
    if catch:
        return ResponseContextManager(response, hook, meta, catch)
    last.delay_s = delay_of(response) if not stream else UNKNOWN
    hook.fire(**meta)
    return response


@lru_cache(512)
def _usual_headers(auth_header: str | None) -> tuple[Pairs, Pairs]:
    """The header fields of requests that ask for none, without and with JSON; the same object for all users."""
    plain: Pairs = (("Accept-Encoding", accepted()),)
    if auth_header:
        plain = (("Authorization", auth_header), *plain)
    return plain, (*plain, ("Content-Type", "application/json"), ("Accept", "application/json"))


def _length(response: FastResponse, *, stream: bool) -> tuple[int, BaseException | None]:
    """Bytes of the body, and what kept them from coming; of a stream what the header says: reading it is the file's."""
    if stream:
        said = str((response.headers or {}).get("content-length") or "")
        return (int(said) if said.isdecimal() else 0), None
    try:
        return len(response.content or b""), None
    except FAILURE_EXCEPTIONS as error:
        return 0, error


def basic_auth(name: str | bytes, password: str | bytes) -> str:
    """The Authorization header of a name and a password."""
    both = [part.encode("latin-1") if isinstance(part, str) else part for part in (name, password)]
    return "Basic " + b64encode(b":".join(both)).decode("ascii")
