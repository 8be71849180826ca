"""A finished request in plain values, for whoever debugs a locustfile: what was sent, what came, secrets taken out.

The responses of both HTTP clients are understood; of any other client only what the `request` hook says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.generator.recorder import failure_text, tidy, whole_bytes, whole_us
from tidal.model.trial import Tried

if TYPE_CHECKING:
    from tidal.model.redact import Redactor

NAME_MAX = 500
EXCERPT_MAX = 300
"""Characters of a failed request's body, where nothing else is shown of it."""
STREAMED = "(not read: a stream)"


class Tracer:
    """Makes the arguments of the `request` hook a `Tried`.

    Args:
        redactor: what may not be shown.
        is_whole: headers and bodies, too.
    """

    def __init__(self, redactor: Redactor, *, is_whole: bool) -> None:
        self._redactor, self._is_whole = redactor, is_whole

    def tried(self, told: dict[str, Any]) -> Tried:
        """The request, as it is shown."""
        response, exception = told.get("response"), told.get("exception")
        request = getattr(response, "request", None)
        error = "" if exception is None else self._redactor.text(failure_text(exception))
        return Tried(
            method=tidy(told.get("request_type", ""), NAME_MAX),
            name=self._redactor.url(tidy(told.get("name", ""), NAME_MAX)),
            took_us=whole_us(told.get("response_time")),
            size=whole_bytes(told.get("response_length")),
            status=_status(response),
            error=error,
            url=self._redactor.url(tidy(told.get("url") or getattr(request, "url", "") or "", NAME_MAX * 2)),
            sent=self._headers(request),
            sent_body=self._body(request, sent_body(request)) if self._is_whole else "",
            got=self._headers(response),
            got_body=self._got(response, is_failed=exception is not None),
        )

    def _got(self, response: Any, *, is_failed: bool) -> str:
        if self._is_whole:
            return self._body(response, got_body(response))
        return self._body(response, got_body(response), EXCERPT_MAX) if is_failed else ""

    def _headers(self, part: Any) -> tuple[tuple[str, str], ...]:
        headers: Any = getattr(part, "headers", None)
        if not self._is_whole or not hasattr(headers, "items"):
            return ()
        pairs = ((tidy(name, NAME_MAX), tidy(value, 4 * NAME_MAX)) for name, value in headers.items())
        return self._redactor.headers(pairs)

    def _body(self, part: Any, body: Any, most: int | None = None) -> str:
        if body is None or body in ("", b""):
            return ""
        content = body if isinstance(body, str | bytes) else tidy(body, NAME_MAX)
        kind = _content_type(part)
        return tidy(self._redactor.body(content, kind, *([] if most is None else [most])), 1 << 16)


def _status(response: Any) -> int:
    status = getattr(response, "status_code", 0)
    return status if isinstance(status, int) else 0


def _content_type(part: Any) -> str:
    headers: Any = getattr(part, "headers", None)
    return str(headers.get("content-type", "") or "") if hasattr(headers, "get") else ""


def sent_body(request: Any) -> Any:
    """The body that was sent, wherever the client keeps it."""
    for name in ("body", "payload"):
        if (body := getattr(request, name, None)) is not None:
            return body
    return None


def got_body(response: Any) -> Any:
    """The body that came; of a stream that user code reads by itself, only that it is one."""
    if response is None or (getattr(response, "error", None) is not None and not _status(response)):
        return None
    if getattr(response, "_content", None) is False or getattr(response, "_stream", None) is not None:
        return STREAMED
    try:
        return getattr(response, "content", None)
    except Exception as error:  # noqa: BLE001 - a client of the user's own may raise anything
        return f"(not readable: {type(error).__name__})"
