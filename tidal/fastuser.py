"""FastHttpUser: what HttpUser is, over an HTTP client made for speed instead of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.flow import StopTest
from tidal.rest import RestMixin
from tidal.users import User

if TYPE_CHECKING:
    from tidal.generator.fast_response import RestResponseContextManager  # noqa: F401 - in quotes below: it is heavy
    from tidal.generator.fasthttp import FastHttpSession


class FastHttpUser(RestMixin["RestResponseContextManager"], User):
    """A user with `client`: a `FastHttpSession`, which costs a small part of what a `requests.Session` does.

    The attributes are read when a user is made.

    Attributes:
        network_timeout: for each wait for bytes, in seconds.
        connection_timeout: for connecting, in seconds.
        max_redirects: how many redirects of one request are followed.
        max_retries: how often a request that timed out is sent again.
        insecure: whether certificates are taken unseen.
        default_headers: sent with each request, unless it says otherwise.
        concurrency: requests that may be under way at once (from greenlets that the user starts); the others wait.
        proxy_host: a proxy that all requests go through.
        proxy_port: its port.
        client_pool: an `HTTPClientPool` that all users of the class share, instead of connections of their own.
        ssl_context_factory: makes the TLS contexts.
    """

    abstract = True

    network_timeout: float = 60.0
    connection_timeout: float = 60.0
    max_redirects: int = 30
    max_retries: int = 0
    insecure: bool = True
    default_headers: dict[str, Any] | None = None
    concurrency: int = 10
    proxy_host: str | None = None
    proxy_port: int | None = None
    client_pool: Any = None
    ssl_context_factory: Any = None
    client: FastHttpSession

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        from tidal.generator.fasthttp import FastHttpSession  # noqa: PLC0415 - only who needs it pays for it

        if self.host is None:
            raise StopTest(
                "You must specify the base host. Either in the host attribute in the User class, or on the command line"
                " using the --host option."
            )
        self.client = FastHttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            insecure=self.insecure,
            client_pool=self.client_pool,
            ssl_context_factory=self.ssl_context_factory,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_redirects=self.max_redirects,
            max_retries=self.max_retries,
            concurrency=self.concurrency,
            headers=self.default_headers,
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
        )
