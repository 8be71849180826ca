"""geventhttpclient's `useragent`."""

from tidal.generator.fast_errors import (
    BadStatusCode,
    ConnectionError,  # noqa: A004 - its name there
    EmptyResponse,
    RetriesExceeded,
    UnrewoundBodyError,
    UnsupportedRedirectSchemeError,
)
from tidal.generator.fast_response import FastRequest as CompatRequest
from tidal.generator.fast_response import FastResponse as CompatResponse

__all__ = [
    "BadStatusCode",
    "CompatRequest",
    "CompatResponse",
    "ConnectionError",
    "EmptyResponse",
    "RetriesExceeded",
    "UnrewoundBodyError",
    "UnsupportedRedirectSchemeError",
]
