"""Locust's `locust.contrib.fasthttp`."""

from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext

from tidal.compat.urls import absolute_http_url_regexp
from tidal.fastuser import FastHttpUser
from tidal.flow import CatchResponseError, LocustError, ResponseError, StopTest
from tidal.generator.fast_agent import LocustUserAgent
from tidal.generator.fast_errors import FAILURE_EXCEPTIONS, ConnectionError, LocustBadStatusCode  # noqa: A004
from tidal.generator.fast_headers import Headers
from tidal.generator.fast_parse import HTTPConnectionClosed, HTTPParseError
from tidal.generator.fast_pool import HTTPClientPool
from tidal.generator.fast_response import (
    ErrorResponse,
    FastRequest,
    FastResponse,
    ResponseContextManager,
    RestResponseContextManager,
)
from tidal.generator.fasthttp import FastHttpSession
from tidal.rest import RestMixin
from tidal.users import User

from ..util.deprecation import DeprecatedFastHttpLocustClass as FastHttpLocust  # noqa: TID252 - the package has two names

__all__ = [
    "FAILURE_EXCEPTIONS",
    "CatchResponseError",
    "ConnectionError",
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "HTTPClientPool",
    "HTTPConnectionClosed",
    "HTTPParseError",
    "Headers",
    "LocustBadStatusCode",
    "LocustError",
    "LocustUserAgent",
    "ResponseContextManager",
    "ResponseError",
    "RestMixin",
    "RestResponseContextManager",
    "StopTest",
    "User",
    "absolute_http_url_regexp",
    "insecure_ssl_context_factory",
]


def insecure_ssl_context_factory() -> SSLContext:
    """A context that takes any certificate, for `ssl_context_factory`."""
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context
