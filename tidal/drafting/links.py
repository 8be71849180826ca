"""Values that an answer gave to a later request: an id, a token. A replay must take them from its own answers.

Looked for are values that seem made, not typed: nobody had sent them before the answer, and they are long enough not to
be the same by chance. Only where they came from and where they went is told, never the value.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from tidal.drafting.exchange import header_of
from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.drafting.exchange import Exchange

VALUES_MAX = 20_000
"""Values of answers that are remembered."""
LEAVES_MAX = 2_000
"""Values of one answer."""
LINKS_MAX = 10
"""Told of one request."""
LENGTH_MAX = 4_096
PLACE_MAX = 80
_HIDDEN = re.compile(r"<(?:input|meta)\b[^<>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(name|value|content|id)\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')", re.IGNORECASE)
_HREF = re.compile(r"\b(?:href|action)\s*=\s*[\"']([^\"'<>]{1,1000})[\"']", re.IGNORECASE)
_SCHEME = re.compile(r"(?i)(?:bearer|token)\s+")


def links(exchanges: Iterable[Exchange], describe: Any) -> dict[int, list[str]]:
    """By the index of a request: what it took from earlier answers, in words.

    Args:
        exchanges: in order.
        describe: names an exchange.
    """
    sources: dict[str, str] = {}
    sent: set[str] = set()
    found: dict[int, list[str]] = {}
    for index, exchange in enumerate(exchanges):
        used = dict(_used(exchange))
        told = [f"{place} came with {sources[value]}" for value, place in used.items() if value in sources]
        if told:
            found[index] = told[:LINKS_MAX]
        sent.update(used)
        for value, place in _given(exchange):
            if value not in sent and len(sources) < VALUES_MAX:
                sources.setdefault(value, f"{place} of {describe(exchange)}")
    return found


def is_made(value: str) -> bool:
    """Whether a value seems made by a program: long, or a number or word that nobody meets by chance."""
    if not 5 <= len(value) <= LENGTH_MAX or re.search(r"\s", value):
        return False
    return value.isdigit() or len(value) >= 20 or (len(value) >= 6 and any(c.isdigit() for c in value))


def _place(text: str) -> str:
    return clean(text, PLACE_MAX)


# ------------------------------------------------------------------ what a request used


def _used(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """(value, where) of a request, those alone that seem made."""
    return ((value, place) for value, place in _sent(exchange) if is_made(value))


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    parts = exchange.parts_of_url
    for part in parts.path.split("/"):
        yield unquote(part), "a part of its path"
    yield from ((value, f"parameter {_place(name)}") for name, value in parse_qsl(parts.query, max_num_fields=None))
    for name, value in exchange.headers:
        if name.lower() not in ("cookie", "referer", "user-agent", "origin", "host"):
            yield _SCHEME.sub("", value, count=1), f"header {_place(name)}"
    body = exchange.body if isinstance(exchange.body, str) else ""
    kind = exchange.header("content-type").lower()
    if "json" in kind:
        yield from ((value, f"JSON {place}") for value, place in _leaves(body))
    elif "urlencoded" in kind:
        yield from ((value, f"field {_place(name)}") for name, value in parse_qsl(body))
    yield from ((part.value, f"field {_place(part.name)}") for part in exchange.parts)


# ------------------------------------------------------------------ what an answer gave


def _given(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """(value, where) of an answer, those alone that seem made; cookies are the client's matter."""
    return ((value, place) for value, place in _received(exchange) if is_made(value))


def _received(exchange: Exchange) -> Iterator[tuple[str, str]]:
    for part in re.split(r"[/?&=]", header_of(exchange.reply_headers, "location")):
        yield unquote(part), "header Location"
    for name, value in exchange.reply_headers:
        if name.lower().startswith("x-") or name.lower() in ("etag", "authorization"):
            yield value, f"header {_place(name)}"
    if "json" in exchange.reply_kind:
        yield from ((value, f"JSON {place}") for value, place in _leaves(exchange.reply))
    elif "html" in exchange.reply_kind:
        yield from _of_markup(exchange.reply)


def _of_markup(text: str) -> Iterator[tuple[str, str]]:
    for element in _HIDDEN.findall(text)[:LEAVES_MAX]:
        found = {name.lower(): double or single for name, double, single in _ATTRIBUTE.findall(element)}
        yield found.get("value") or found.get("content", ""), f"element {_place(found.get('name', '?'))}"
    for address in _HREF.findall(text)[:LEAVES_MAX]:
        for part in re.split(r"[/?&=#]", address):
            yield unquote(part), "a link"


def _leaves(text: str) -> Iterator[tuple[str, str]]:
    """(value, path) of the texts and numbers of a JSON value: `data.items[0].id`."""
    try:
        todo: list[tuple[Any, str]] = [(json.loads(text), "")]
    except (ValueError, RecursionError):
        return
    told = 0
    while todo and told < LEAVES_MAX:
        value, path = todo.pop()
        if isinstance(value, dict):
            todo += reversed([(inner, f"{path}.{key}".lstrip(".")) for key, inner in value.items()])
        elif isinstance(value, list):
            todo += reversed([(inner, f"{path}[{n}]") for n, inner in enumerate(value[:LEAVES_MAX])])
        elif isinstance(value, str | int) and not isinstance(value, bool):
            told += 1
            if isinstance(value, str) or -(10**18) < value < 10**18:
                yield str(value), _place(path or "itself")
