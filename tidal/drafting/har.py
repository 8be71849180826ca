"""HAR (HTTP Archive 1.2), as browsers and proxies write it: read, checked, bounded.

Whoever sent the file may have written anything into it. What a draft does not need is not looked at; what it needs and
is not as the format says is refused with its place, such as `entries[3].request.url`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from typing import Any

from tidal.drafting.exchange import BODY_MAX, Exchange, Pairs, Part, Recording, check_url, checked_method, is_token
from tidal.errors import BadRecording
from tidal.model.struct import replace

FILE_BYTES_MAX = 512 << 20
ENTRIES_MAX = 50_000
HEADERS_MAX = 200
TEXT_MAX = 64 << 10
"""Characters of a URL or a header."""
SPAN_MS_MAX = 7 * 24 * 3_600_000


def read_har(data: bytes, source: str = "") -> Recording:
    """The exchanges of a HAR file, in the order in which they began.

    Raises:
        BadRecording: it is none, or something in it is not as it should be.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BadRecording(f"{source}: more than {FILE_BYTES_MAX >> 20} MiB: record less, or without the bodies")
    entries = _entries(_document(data, source), source)
    recording = Recording([], source)
    first_ms: int | None = None
    for number, entry in enumerate(entries):
        place = f"{source}: entries[{number}]"
        exchange, at_ms = _exchange(entry, place, recording)
        if exchange is not None:
            first_ms = at_ms if first_ms is None else min(first_ms, at_ms)
            recording.exchanges.append(exchange)
    recording.exchanges = _from_zero(recording.exchanges, first_ms or 0)
    return recording


def _document(data: bytes, source: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRecording(f"{source}: not a HAR file: it is not text in UTF-8") from None
    except RecursionError:
        raise BadRecording(f"{source}: not a HAR file: it is nested too deep") from None
    except ValueError as error:
        raise BadRecording(f"{source}: not a HAR file: {str(error)[:200]}") from None


def _entries(document: Any, source: str) -> list[Any]:
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise BadRecording(f"{source}: not a HAR file: it has no list log.entries")
    if len(entries) > ENTRIES_MAX:
        raise BadRecording(f"{source}: {len(entries):,} requests are more than {ENTRIES_MAX:,}: record less")
    return entries


def _exchange(entry: Any, place: str, recording: Recording) -> tuple[Exchange | None, int]:
    """The exchange of an entry; None for one that no HTTP client sends."""
    request = _map(_map(entry, place).get("request"), f"{place}.request")
    url = _text(request.get("url"), f"{place}.request.url").partition("#")[0]
    if not url.lower().startswith(("http://", "https://")):
        recording.leave_out(f"{_scheme(url)} addresses")
        return None, 0
    check_url(url, f"{place}.request.url")
    response = _map_or_none(entry.get("response"))
    content = _map_or_none(response.get("content"))
    if not _status(response.get("status")):
        recording.leave_out("requests without an answer")
        return None, 0
    began_ms = _moment_ms(entry.get("startedDateTime"), f"{place}.startedDateTime")
    body, parts = _posted(request.get("postData"), f"{place}.request.postData")
    exchange = Exchange(
        method=checked_method(_text(request.get("method"), f"{place}.request.method", 100), f"{place}.request.method"),
        url=url,
        headers=_headers(request.get("headers"), f"{place}.request.headers"),
        body=body,
        parts=parts,
        began_ms=began_ms,
        ended_ms=began_ms + _span_ms(entry.get("time")),
        page=str(entry.get("pageref") or "")[:200],
        kind=str(entry.get("_resourceType") or "")[:50].lower(),
        status=_status(response.get("status")),
        reply_headers=_headers(response.get("headers") or [], f"{place}.response.headers"),
        reply_kind=str(content.get("mimeType") or "")[:200].lower(),
        reply=_reply(content),
    )
    return exchange, began_ms


def _from_zero(exchanges: list[Exchange], first_ms: int) -> list[Exchange]:
    """The same, with times since the first of them, by when they began."""
    moved = [replace(e, began_ms=e.began_ms - first_ms, ended_ms=e.ended_ms - first_ms) for e in exchanges]
    return sorted(moved, key=lambda e: e.began_ms)


# ------------------------------------------------------------------ values, checked


def _map(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRecording(f"{place} is not an object")
    return value


def _map_or_none(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, place: str, most: int = TEXT_MAX) -> str:
    if not isinstance(value, str):
        raise BadRecording(f"{place} is not a text")
    if len(value) > most:
        raise BadRecording(f"{place} is longer than {most:,} characters")
    return value


def _scheme(url: str) -> str:
    scheme = url.partition(":")[0].lower()
    return scheme if re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}", scheme) else "other"


def _headers(value: Any, place: str) -> Pairs:
    """Names and values; those that the protocol makes by itself (`:authority`) are no headers."""
    if not isinstance(value, list):
        raise BadRecording(f"{place} is not a list")
    pairs = []
    for number, item in enumerate(value[:HEADERS_MAX]):
        header = _map(item, f"{place}[{number}]")
        name = _text(header.get("name"), f"{place}[{number}].name", 1_000)
        text = _text(header.get("value"), f"{place}[{number}].value", TEXT_MAX * 16)
        if is_token(name):
            pairs.append((name, re.sub(r"[\r\n\x00]+", " ", text)))
    return tuple(pairs)


def _status(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= 999 else 0


def _span_ms(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN
    return int(min(max(0, value), SPAN_MS_MAX)) if is_number else 0


def _moment_ms(value: Any, place: str) -> int:
    try:
        moment = datetime.fromisoformat(_text(value, place, 100))
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise BadRecording(f"{place} is not a date and time such as 2026-11-28T12:00:00.000Z") from None


def _posted(value: Any, place: str) -> tuple[str | bytes | None, tuple[Part, ...]]:
    """The body of a request, or the fields of its form where the bytes are not there."""
    if value is None:
        return None, ()
    posted = _map(value, place)
    text = posted.get("text")
    if isinstance(text, str) and text:
        return (_decoded(text, place) if posted.get("encoding") == "base64" else text), ()
    params = posted.get("params")
    if not isinstance(params, list) or not params:
        return None, ()
    fields = tuple(_part(_map(p, f"{place}.params[{n}]")) for n, p in enumerate(params[:1_000]))
    return None, fields


def _part(param: dict[str, Any]) -> Part:
    texts = (param.get(name) for name in ("name", "value", "fileName", "contentType"))
    return Part(*(text[:BODY_MAX] if isinstance(text, str) else "" for text in texts))


def _decoded(text: str, place: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRecording(f"{place}.text is not in base64") from None


def _reply(content: dict[str, Any]) -> str:
    """The text of an answer, as much as is looked at; what is not text is none."""
    text = content.get("text")
    if not isinstance(text, str):
        return ""
    if content.get("encoding") == "base64":
        try:
            return base64.b64decode(text[: BODY_MAX // 4 * 4]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return ""
    return text[:BODY_MAX]
