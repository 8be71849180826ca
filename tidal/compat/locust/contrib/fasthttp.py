"""Locust's `locust.contrib.fasthttp`."""

from tidal.fastuser import FastHttpUser
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

__all__ = [
    "FAILURE_EXCEPTIONS",
    "ConnectionError",
    "ErrorResponse",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "HTTPClientPool",
    "HTTPConnectionClosed",
    "HTTPParseError",
    "Headers",
    "LocustBadStatusCode",
    "LocustUserAgent",
    "ResponseContextManager",
    "RestResponseContextManager",
]
