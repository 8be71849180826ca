"""What requests would send, computed without it: for the plain cases, and None for all others.

Plain is what can be read off without judgement: a URL that requests takes as it is, header values of printable ASCII,
bodies that are at hand. `tests/unit/test_http_wire.py` compares it with what requests prepares.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import requests.compat
import requests.models
from requests.auth import _basic_auth_str

_encode: Any = vars(requests.models.RequestEncodingMixin)["_encode_params"].__func__
_json_module: Any = vars(requests.compat)["json"]

_ESCAPE = r"%(?:[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F])"  # none that needs no escaping
_IN_PATH = rf"(?:[A-Za-z0-9_~:@!$&'()*+,=-]|{_ESCAPE})"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_URL = re.compile(
    rf"(https?)://({_LABEL}(?:\.{_LABEL})*)(?::([1-9][0-9]{{0,4}}))?"
    rf"((?:/\.?{_IN_PATH}(?:{_IN_PATH}|\.)*)*/?)"  # no segment is . or ..
    rf"(?:\?((?:[A-Za-z0-9_.~=&/?:@!$'()*+,;-]|{_ESCAPE})+))?"
)
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_PORTS = {"http": "80", "https": "443"}
METHODS = {name: name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
METHODS |= {name.lower(): name for name in METHODS}
_FORM = "application/x-www-form-urlencoded"
_OF_THE_WIRE = frozenset(["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"])
_NEEDED = frozenset(["user-agent", "accept-encoding"])
_SIMPLE = frozenset([str, int, float, bool, type(None)])

Pairs = tuple[tuple[str, str], ...]


class Unusual(Exception):
    """This is for requests to do."""


class Route(NamedTuple):
    """Where a request goes.

    Attributes:
        url: as requests would write it.
        origin: scheme, host and port.
        target: path and query.
        line: the rest of the request line, and the Host line.
    """

    url: str
    origin: tuple[str, str, int]
    target: str
    line: str


@lru_cache(8_192)
def route_of(url: str) -> Route | None:
    """A URL taken apart; None when requests would change it, or might refuse it."""
    found = _PLAIN_URL.fullmatch(url)
    if found is None or len(url) > 2_000:
        return None
    scheme, host, port, path, query = found.groups()
    number = int(port or _PORTS[scheme])
    if number > 65_535 or len(host) > 253:
        return None
    target = f"{path or '/'}?{query}" if query else path or "/"
    name = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    whole = url if path else f"{scheme}://{host}{f':{port}' if port else ''}{target}"
    return Route(whole, (scheme, host, number), target, f" {target} HTTP/1.1\r\nHost: {name}\r\n")


def with_params(url: str, params: Any) -> str:
    """The URL with a query added; Unusual for parameters that are not simple, and beside a fragment."""
    if _is_nothing(params):
        return url
    if "#" in url or not (type(params) is str or _is_simple(params)):
        raise Unusual
    added = _encode(params)
    if not added:
        return url
    before, mark, query = url.partition("?")
    return f"{before}?{query}&{added}" if query else f"{before}{mark or '?'}{added}"


class Fields(NamedTuple):
    """Header fields: as pairs, as lines, and their names in lower case."""

    pairs: Pairs
    lines: str
    names: frozenset[str]


@lru_cache(2_048)
def fields_of(usual: Pairs, own: Pairs) -> Fields | None:
    """The session's header fields with a request's own; None for what needs requests to look at it."""
    merged: dict[str, tuple[str, str]] = {}
    for name, value in (*usual, *own):
        if not _is_plain(name, value):
            return None
        merged[name.lower()] = (name, value)
    names = frozenset(merged)
    if not names >= _NEEDED or names & _OF_THE_WIRE - {"connection"}:
        return None
    if "connection" in names and merged["connection"][1] not in ("keep-alive", "close"):
        return None
    lines = "".join(f"{name}: {value}\r\n" for name, value in merged.values())
    return Fields(tuple(merged.values()), lines, names)


def _is_plain(name: Any, value: Any) -> bool:
    if type(name) is not str or type(value) is not str:
        return False
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))


def body_of(data: Any, json: Any) -> tuple[bytes | str | None, str]:
    """A body that is at hand, and its content type; Unusual for streams and whatever needs a look."""
    if _is_nothing(data):
        return (None, "") if json is None else (_json(json), "application/json")
    kind = type(data)
    if kind is bytes or kind is str:
        return data, ""
    if _is_simple(data):
        body = _encode(data)
        if body:
            return body, _FORM
    raise Unusual


def _json(value: Any) -> bytes:
    try:
        text: str = _json_module.dumps(value, allow_nan=False)
    except Exception as error:  # requests will say what is wrong with it
        raise Unusual from error
    return text.encode("utf-8")


def _is_nothing(value: Any) -> bool:
    return value is None or (type(value) in (dict, list, str, bytes) and not value)


def _is_simple(fields: Any) -> bool:
    """Whether fields are a dict or pairs of plain values: encoding them has no effect on them."""
    kind = type(fields)
    if kind is dict:
        return all(type(key) is str and _is_value(value) for key, value in fields.items())
    if kind is not list:
        return False
    return all(
        type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str and _is_value(pair[1]) for pair in fields
    )


def _is_value(value: Any) -> bool:
    kind = type(value)
    return kind in _SIMPLE or (kind in (list, tuple) and all(type(one) in _SIMPLE for one in value))


@lru_cache(1_024)
def basic(name: str, password: str) -> str:
    """The Authorization line's value for a name and a password."""
    return _basic_auth_str(name, password)


def added_fields(method: str, body: bytes | str | None, kind: str, names: frozenset[str]) -> tuple[Pairs, bytes]:
    """The fields that a body brings along, and its bytes."""
    if body is None:
        return ((), b"") if method in ("GET", "HEAD") else ((("Content-Length", "0"),), b"")
    try:
        sent = body.encode("utf-8") if isinstance(body, str) else body
    except UnicodeEncodeError as error:
        raise Unusual from error
    length = ("Content-Length", str(len(sent)))
    if kind and "content-type" not in names:
        return (length, ("Content-Type", kind)), sent
    return (length,), sent
