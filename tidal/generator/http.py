"""The client of `HttpUser`: a `requests.Session` that times every request. The one home of requests.

A request never raises for what the network or the server does: the response then has `status_code` 0 and the `error`.
Only a URL that cannot be one raises (`MissingSchema`, `InvalidSchema`, `InvalidURL`), for that is the file's mistake.
A request whose user is stopped before the answer came is told to the hook's `cancel`.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
import urllib3.connectionpool
from gevent.queue import LifoQueue
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError
from urllib3.util import create_urllib3_context

from tidal.flow import CatchResponseError, LocustError, ResponseError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from types import TracebackType

    from tidal.hooks import EventHook

urllib3.connectionpool.ConnectionPool.QueueCls = cast(
    "Any", LifoQueue
)  # the standard one costs locks that greenlets do not need

_ABSOLUTE = re.compile(r"^https?://", re.IGNORECASE)
_FILE_MISTAKES = (MissingSchema, InvalidSchema, InvalidURL)
_WRAPPERS = (requests.exceptions.ConnectionError, ProtocolError, MaxRetryError, NewConnectionError)
_USE_BLOCK = (
    "Tried to set status on a request that has not yet been made. Make sure you use a with-block, like this:\n\n"
    "with self.client.request(…, catch_response=True) as response:\n    response.success()"
)


class ResponseContextManager(requests.Response):
    """A response, and the block in which its request may be declared a success or a failure.

    Attributes:
        error: what kept an answer from coming; None when one came.
        request_meta: the arguments of the `request` hook; the block may change them.
    """

    error: Exception | None = None
    request_meta: dict[str, Any]
    _hook: EventHook
    _catch_response = False
    _entered = False
    _verdict: bool | Exception | None = None

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

    def raise_for_status(self) -> None:
        """Raise what the request is declared to have failed with, what kept the answer away, or for status ≥ 400."""
        if self._verdict is True:
            return
        if isinstance(self._verdict, Exception):
            raise self._verdict
        if self.error:
            raise self.error
        super().raise_for_status()

    def success(self) -> None:
        """Declare the request a success."""
        self._declare(verdict=True)

    def failure(self, exc: Any) -> None:
        """Declare the request a failure, with a text or an exception."""
        self._declare(exc if isinstance(exc, Exception) else CatchResponseError(exc))

    def _declare(self, verdict: bool | Exception) -> None:  # noqa: FBT001 - it is the thing itself
        if not self._entered:
            raise LocustError(_USE_BLOCK)
        self._verdict = verdict

    def __enter__(self) -> Self:
        if not self._catch_response:
            raise LocustError("In order to use a with-block for requests, you must also pass catch_response=True")
        self._entered = True
        return self

    def __exit__(  # type: ignore[override]  # theirs takes *args; the protocol gives these three
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        """Tell the hook how it went; an exception of the block's own goes on, a `ResponseError` is the verdict."""
        if self._verdict is not None:
            self._tell(None if self._verdict is True else self._verdict)
            return kind is None
        if isinstance(value, ResponseError):
            self._tell(value)
            return True
        if kind is not None:
            if not issubclass(kind, Exception):  # the user was stopped here: the request is not lost from the count
                self._tell(self._trouble())
            return False
        self._tell(self._trouble())
        return True

    def tell(self) -> None:
        """Tell the hook how it went, where there is no block."""
        self._tell(self._trouble())

    def _tell(self, exception: Any) -> None:
        self.request_meta["exception"] = exception
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


class HttpSession(requests.Session):
    """One user's session: cookies, connections, and a sample for each request.

    Args:
        base_url: what relative URLs begin with; a name and password in it become basic authentication.
        request_event: the hook that is told of each request.
        user: whose session it is; its `context()` goes into each request's.
        pool_manager: urllib3's pools, when they are shared between users.
    """

    def __init__(
        self, base_url: str | None, request_event: EventHook, user: Any = None, *, pool_manager: Any = None
    ) -> None:
        super().__init__()
        self.base_url = base_url or ""
        self.request_event = request_event
        self.user = user
        self.request_name: str | None = None
        self._take_credentials()
        self.mount("https://", Adapter(pool_manager))
        self.mount("http://", Adapter(pool_manager))

    def _take_credentials(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.username and parts.password:
            self.base_url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            self.auth = (unquote(parts.username), unquote(parts.password))

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Requests in this block are counted under `name`."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def request(  # type: ignore[override]  # Locust's signature: name, catch_response and context come first
        self,
        method: Any,
        url: Any,
        name: str | None = None,
        catch_response: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
        context: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> ResponseContextManager:
        """Send a request and count it.

        Args:
            method: GET, POST …
            url: absolute, or relative to the base URL.
            name: what it is counted under; default: its path with the query.
            catch_response: it is counted when the `with` block ends, as the block declares.
            context: for the listeners of `request`.
            kwargs: as for requests.
        """
        name = name or self.request_name
        full_url = url if _ABSOLUTE.match(url) else f"{self.base_url}{url}"
        began_s, perf_s = time.time(), time.perf_counter()
        try:
            response = super().request(method, full_url, **kwargs)
        except _FILE_MISTAKES:
            raise
        except RequestException as error:
            response = ResponseContextManager.failed(error)
        except Exception:
            raise
        except BaseException:
            self._cancel(method, name or url)
            raise
        took_ms = (time.perf_counter() - perf_s) * 1000
        first = (response.history[0] if response.history else response).request
        meta = {
            "request_type": method,
            "response_time": took_ms,
            "name": name or (first.path_url if first is not None else str(url)),
            "context": {**self.user.context(), **(context or {})} if self.user else context or {},
            "response": response,
            "exception": None,
            "start_time": began_s,
            "url": str(first.url) if first is not None else full_url,
            "response_length": _length(response, stream=bool(kwargs.get("stream"))),
        }
        ours = ResponseContextManager.of(response, self.request_event, meta, catch=catch_response)
        if not catch_response:
            ours.tell()
        return ours

    def _cancel(self, method: str, name: str) -> None:
        if self.request_event.cancel is not None:
            self.request_event.cancel(method, name)


def _length(response: requests.Response, *, stream: bool) -> int:
    """Bytes of the body; of a stream what the header says, for reading it is the file's to do."""
    if stream:
        said = response.headers.get("content-length", "")
        return int(said) if said.isdecimal() else 0
    return len(response.content or b"")


def detect_encoding(content: bytes) -> str | None:
    """The encoding that bytes seem to have, by the detector that came with requests; None: no text."""
    found: str | None = cast("Any", requests.compat).chardet.detect(content)["encoding"]
    return found


class Adapter(HTTPAdapter):
    """The transport: one TLS context for all users (loading the roots anew costs ms), pools of its own or shared."""

    def __init__(self, pool_manager: Any = None) -> None:
        self._shared = pool_manager
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, unless they are given."""
        if self._shared is None:
            super().init_poolmanager(*args, **kwargs)
        else:
            self.poolmanager = self._shared

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """What tells one pool from another; the default roots are the shared context's."""
        host, pool = cast("Any", super().build_connection_pool_key_attributes(request, verify, cert))
        if verify is True and host.get("scheme") == "https" and not cert:
            pool.pop("ca_certs", None)
            pool.pop("ca_cert_dir", None)
            pool["ssl_context"] = _tls_context()
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the roots to the shared context where it is in use."""
        if verify is True and not cert and url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


@cache
def _tls_context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
