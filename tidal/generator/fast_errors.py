"""What can go wrong with a request of `FastHttpUser`, named as Locust's files know it."""

from __future__ import annotations

import errno
import zlib
from ssl import SSLError
from typing import Any

from gevent.timeout import Timeout

from tidal.generator.fast_parse import HTTPConnectionClosed, HTTPParseError

_TEMPORARY = frozenset([errno.ETIMEDOUT, errno.ENOLINK, errno.ENOENT, errno.EPIPE])


class ConnectionError(Exception):  # noqa: A001 - its name in Locust's messages
    """A request that failed, with its URL and what else is known of it as attributes."""

    def __init__(self, url: Any, *args: Any, **known: Any) -> None:
        super().__init__(url, *args)
        self.url = url
        vars(self).update(known)
        self.kw_text = ", ".join(f"{key}={value}" for key, value in known.items())
        said = str(args[0]) if len(args) == 1 else f"{args[0]}: {args[1:]}" if args else ""
        self.text = ", ".join(part for part in (said, self.kw_text) if part)

    def __str__(self) -> str:
        return f"URL {self.url}: {self.text}" if self.text else f"URL {self.url}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([*map(repr, self.args), *filter(None, [self.kw_text])])})"


class RetriesExceeded(ConnectionError):
    """Tried as often as allowed, or redirected more often than allowed."""


class BadStatusCode(ConnectionError):
    """The status counts as a failure."""


class EmptyResponse(ConnectionError):
    """An answer without a body, where one was asked for."""


class UnrewoundBodyError(ConnectionError):
    """A body that was sent already would have to be sent again."""


class UnsupportedRedirectSchemeError(ConnectionError):
    """A redirect to something that is not HTTP."""


class LocustBadStatusCode(BadStatusCode):
    """The status counts as a failure; its text leaves the URL out, so that failures of one name are one line."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kw_text or repr(self.url)})"


class ContentError(zlib.error):
    """A body that cannot be decoded as its content coding says."""


FAILURE_EXCEPTIONS = (ConnectionError, OSError, SSLError, Timeout, HTTPConnectionClosed, HTTPParseError, zlib.error)
"""What counts as a failed request; anything else is the file's own mistake and is raised."""


def is_temporary(error: BaseException) -> bool:
    """Whether the request may be tried again, where `max_retries` allows it."""
    if isinstance(error, TimeoutError | Timeout | EmptyResponse):
        return True
    if isinstance(error, SSLError):
        return "read operation timed out" in str(error)
    return isinstance(error, OSError) and error.errno in _TEMPORARY
