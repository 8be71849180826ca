"""A few failed requests with their answers, as text without secrets, to be read by people.

Nothing is paid for requests that succeed, and of those that fail only for the first few of an endpoint and message: the
clients keep what they have anyway and say it when they are asked (`exchange`). Bodies that nobody has read yet, of
streams, stay unread.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from tidal.generator.scopes import current, user_here
from tidal.model.redact import Redactor
from tidal.model.samples import FailedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger("tidal.failed")

OF_ONE_MAX, OF_RUN_MAX = 3, 100
"""Of one endpoint and message, and in all, by each generator."""
BODY_MAX, URL_MAX, HEADER_MAX, HEADERS_MAX = 2_000, 1_000, 400, 2_500
"""Characters of a body, a URL, one header, and all headers of one side."""

_rules: list[Redactor] = [Redactor()]
_words: list[str] = []


class Exchange(NamedTuple):
    """What a client knows of a request and its answer; what it does not know is empty."""

    url: str = ""
    status: int = 0
    sent: Iterable[tuple[Any, Any]] = ()  # headers
    sent_body: Any = None
    got: Iterable[tuple[Any, Any]] = ()
    got_body: Any = None


def redact(*words: str) -> None:
    r"""Take more out of failed requests than the default rules do, for the whole run.

        redact("iban", "X-Tenant", r"/\b\d{16}\b/")

    Passwords, tokens, keys, cookies and the like go without being named. What is between slashes is a regular
    expression: what it matches goes, or only its first group where it has one. Anything else is the name of a header
    or field, in any case and spelling.

    Args:
        words: names and patterns.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    rules = Redactor.of([*_words, *map(str, words)])
    _words.extend(map(str, words))
    _rules[0] = rules


def rules(*more: str) -> Redactor:
    """The default rules and the file's own, and more where they are given."""
    return Redactor.of([*_words, *more]) if more else _rules[0]


class FailedRequests:
    """Keeps the first few of each kind until the next batch."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._left = OF_RUN_MAX
        self._kept: list[FailedRequest] = []
        self._has_told = False

    def __repr__(self) -> str:
        return f"<FailedRequests {len(self._kept)} to be sent, room for {self._left}>"

    def note(self, key: tuple[str, str, str], at_ms: int, latency_us: int | None, more: Mapping[str, Any]) -> None:
        """A request of this endpoint failed with this message; `more`: what else the hook was told of it."""
        count = self._counts.get(key, 0)
        if not self._left or count >= OF_ONE_MAX:
            return
        self._counts[key] = count + 1
        self._left -= 1
        try:
            self._kept.append(failed_request(key, at_ms, latency_us, more))
        except Exception as error:  # noqa: BLE001 - a response of user code's own may raise anything
            self._tell(key, error)

    def _tell(self, key: tuple[str, str, str], error: Exception) -> None:
        if not self._has_told:
            self._has_told = True
            logger.warning("a failed request of %s %s could not be kept: %r", *key[:2], error)

    def take(self) -> tuple[FailedRequest, ...]:
        """Those since the last batch."""
        kept, self._kept = self._kept, []
        return tuple(kept)


def failed_request(
    key: tuple[str, str, str], at_ms: int, latency_us: int | None, more: Mapping[str, Any]
) -> FailedRequest:
    """The text of it, by the rules."""
    by, scope = rules(), current()
    told = _exchange(more.get("response"))
    run = scope.run if scope is not None else None
    url = more.get("url")
    sent, got = _headers(by, told.sent), _headers(by, told.got)
    return FailedRequest(
        at_ms,
        *key,
        url=by.url(_text(url if isinstance(url, str) and url else told.url), URL_MAX),
        status=_status(told.status),
        took_us=latency_us,
        user=type(user).__name__[:100] if (user := user_here()) is not None else "",
        transaction=run.path if run is not None else (),
        tags=scope.tags if scope is not None else "",
        request_headers=sent,
        request_body=_body(by, told.sent_body, sent),
        response_headers=got,
        response_body=_body(by, told.got_body, got),
    )


def _exchange(response: Any) -> Exchange:
    """What one of our clients says of its response; of anything else nothing is known."""
    say = getattr(type(response), "exchange", None)
    told = say(response) if callable(say) else None
    return told if isinstance(told, Exchange) else Exchange()


def _status(status: Any) -> int:
    return status if type(status) is int and 0 <= status < 10_000 else 0


def _text(value: Any) -> str:
    """Text that msgpack can carry."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "replace").decode()


def _headers(by: Redactor, pairs: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, str], ...]:
    """The first headers, as many as there is room for."""
    kept: list[tuple[str, str]] = []
    room = HEADERS_MAX
    for name, value in by.headers([(_text(n), _text(v)) for n, v in pairs]):
        line = (name[:100], value if len(value) <= HEADER_MAX else f"{value[: HEADER_MAX - 1]}…")
        room -= len(line[0]) + len(line[1])
        if room < 0:
            break
        kept.append(line)
    return tuple(kept)


def _body(by: Redactor, body: Any, headers: tuple[tuple[str, str], ...]) -> str:
    """A body as text; what can be read only once is not read."""
    if body is None or not len(body if isinstance(body, str | bytes | bytearray) else "?"):
        return ""
    if not isinstance(body, str | bytes | bytearray):
        return f"({type(body).__name__})"
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    return _text(by.body(bytes(body) if isinstance(body, bytearray) else body, kind, BODY_MAX))
