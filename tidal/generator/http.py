"""The client of `HttpUser`: a `requests.Session` that times every request. The one home of requests.

A request never raises for what the network or the server does: the response then has `status_code` 0 and the `error`.
Only a URL that cannot be one raises (`MissingSchema`, `InvalidSchema`, `InvalidURL`), for that is the file's mistake.
A request whose user is stopped before the answer came is told to the hook's `cancel`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from operator import methodcaller
from ssl import CERT_NONE
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
import urllib3.connectionpool
from gevent.queue import LifoQueue
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import create_urllib3_context

from tidal.generator.fast_url import ABSOLUTE
from tidal.generator.http_cookies import Jar
from tidal.generator.http_pool import POOLS
from tidal.generator.http_response import ResponseContextManager, RestResponseContextManager
from tidal.generator.http_swift import IS_KNOWN_VERSION, Swift
from tidal.generator.http_verbs import Asking
from tidal.generator.stamps import last
from tidal.hooks import EventHook

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["Adapter", "HttpSession", "ResponseContextManager", "RestResponseContextManager", "detect_encoding"]

urllib3.connectionpool.ConnectionPool.QueueCls = cast(
    "Any", LifoQueue
)  # the standard one costs locks that greenlets do not need

_FILE_MISTAKES = (MissingSchema, InvalidSchema, InvalidURL)


class HttpSession(Asking):
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
        self.cookies = Jar()
        self._swift = Swift(self) if pool_manager is None and IS_KNOWN_VERSION else None

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
        full_url = url if ABSOLUTE.match(url) else f"{self.base_url}{url}"
        began_s, perf_s = time.time(), time.perf_counter()
        try:
            response = self._swift.request(method, full_url, kwargs) if self._swift is not None else None
            if response is None:
                response = self._requested(method, full_url, kwargs)
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
        hook = self.request_event
        told = (method, name, url, context, began_s, took_ms, bool(kwargs.get("stream")))
        if _is_quiet(response) and not catch_response and type(hook) is EventHook and not hook.has_listeners:
            quiet: ResponseContextManager = response
            quiet.__dict__["_told"] = (self, told)
            if hook.sink is not None:
                target = quiet._makings.asked.route.target  # type: ignore[union-attr]  # noqa: SLF001 - our own
                last.delay_s = quiet._makings.answer.delay_s  # type: ignore[union-attr]  # noqa: SLF001 - as below
                hook.sink(method, name or target, took_ms, len(quiet._content or b""))  # noqa: SLF001 - as above
            return quiet
        meta = self.meta_of(response, *told)
        ours = ResponseContextManager.of(response, hook, meta, catch=catch_response)
        if not catch_response:
            ours.tell()
        return ours

    def meta_of(  # noqa: PLR0917 - one call
        self,
        response: Any,
        method: str,
        name: str | None,
        url: Any,
        context: dict[str, Any] | None,
        began_s: float,
        took_ms: float,
        is_stream: bool,  # noqa: FBT001 - one call
    ) -> dict[str, Any]:
        """What the listeners of `request` are told."""
        first = (response.history[0] if response.history else response).request
        full_url = url if ABSOLUTE.match(url) else f"{self.base_url}{url}"
        return {
            "request_type": method,
            "response_time": took_ms,
            "name": name or (first.path_url if first is not None else str(url)),
            "context": {**self.user.context(), **(context or {})} if self.user else context or {},
            "response": response,
            "exception": None,
            "start_time": began_s,
            "url": str(first.url) if first is not None else full_url,
            "response_length": _length(response, stream=is_stream),
        }

    def _requested(self, method: Any, url: str, kwargs: dict[str, Any]) -> Any:
        """The answer by way of requests."""
        response = super().request(method, url, **kwargs)
        if self._swift is not None and self._swift.spent_s:  # what went before is part of the first answer's time
            first = response.history[0] if response.history else response
            first.elapsed += timedelta(seconds=self._swift.spent_s)
        return response

    def _cancel(self, method: str, name: str) -> None:
        if self.request_event.cancel is not None:
            self.request_event.cancel(method, name)


def _is_quiet(response: Any) -> bool:
    """Whether the session read the answer itself, and it is no failure."""
    return response.__dict__.get("_makings") is not None and response.status_code < 400


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
            self.poolmanager.pool_classes_by_scheme = POOLS
            self.poolmanager.pools.dispose_func = methodcaller("forget")
        else:
            self.poolmanager = self._shared

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """What tells one pool from another; the default roots are the shared context's."""
        host, pool = cast("Any", super().build_connection_pool_key_attributes(request, verify, cert))
        if host.get("scheme") == "https" and not cert and verify in (True, False):
            pool.pop("ca_certs", None)
            pool.pop("ca_cert_dir", None)
            pool["ssl_context"] = _tls_context() if verify else _unseeing_context()
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the roots to the shared context where it is in use."""
        if verify is True and not cert and url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


@cache
def _unseeing_context() -> ssl.SSLContext:
    """For who checks no certificates: without it urllib3 loads the system's roots for each connection, 20 ms."""
    return create_urllib3_context(cert_reqs=CERT_NONE)


@cache
def _tls_context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
