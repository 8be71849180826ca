"""What must not be written down: it becomes a variable of the environment, under a name of ours."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from tidal.drafting.literal import Holes, Name

if TYPE_CHECKING:
    from tidal.model.redact import Redactor

NAME_MAX = 40
DEPTH_MAX = 200
PAIRS_MAX = 5_000
_SCHEME = re.compile(r"(?i)(bearer|basic|token|apikey|negotiate) +(?=\S)")


class Unreadable(ValueError):
    """A body is not what its content type says, or would not be sent as it was."""


class Vault:
    """The secrets of a recording: the same value has the same name.

    Attributes:
        names: the variables, in the order in which they were met.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[tuple[str, str], str] = {}
        self.names: list[str] = []

    def hole(self, name: str, value: str) -> Name:
        """The name that stands for a secret."""
        key = (_constant(name), value)
        if key not in self._known:
            free = (f"{key[0]}_{n}" if n > 1 else key[0] for n in range(1, len(self.names) + 2))
            self._known[key] = next(name for name in free if name not in self.names)
            self.names.append(self._known[key])
        return Name(self._known[key])

    def is_secret(self, name: str, value: str) -> bool:
        """Whether a value is one, by its name or by its looks."""
        return bool(value) and (self._redactor.is_secret(name) or self._redactor.text(value) != value[:2_000])

    def header(self, name: str, value: str) -> str | Name | Holes:
        """The value of a header; a scheme stays."""
        lower = name.lower()
        if not self.is_secret(lower, value) and self._redactor.header(name, value) == value[:2_000]:
            return value
        scheme = _SCHEME.match(value)
        return Holes((scheme[0], self.hole(name, value[scheme.end() :]))) if scheme else self.hole(name, value)

    def url(self, url: str) -> str | Holes:
        """A URL with holes for the secrets of its query; one in its path is taken out."""
        path, mark, query = url.partition("?")
        pieces: list[str | Name] = [self._redactor.url(path, len(path) + 100) + mark]
        for place, pair in enumerate(query.split("&") if query else ()):
            name, equals, value = pair.partition("=")
            pieces.append(f"{'&' if place else ''}{name}{equals}")
            is_secret = self.is_secret(unquote_plus(name), value) or self.is_secret("", unquote_plus(value))
            pieces.append(self.hole(unquote_plus(name), value) if is_secret and value else value)
        return Holes(tuple(pieces)) if any(isinstance(p, Name) for p in pieces) else "".join(map(str, pieces))

    def json(self, text: str) -> Any:
        """A JSON body with holes; Unreadable when it would not be sent as it was."""
        return self._json("", _parsed(text), 0)

    def _json(self, name: str, value: Any, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise Unreadable
        if isinstance(value, dict):
            return {key: self._json(key, inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._json(name, inner, depth + 1) for inner in value]
        if isinstance(value, bool) or value is None:
            return value
        text = value if isinstance(value, str) else repr(value)
        if not self.is_secret(name, text):
            return value
        hole = self.hole(name, text)
        return hole if isinstance(value, str) else Name(f"{type(value).__name__}({hole.code} or 0)")

    def form(self, text: str) -> Any:
        """A form's fields with holes: a dict, or pairs where a name comes twice."""
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=PAIRS_MAX)
        except ValueError:
            raise Unreadable from None
        if any("\ufffd" in part for pair in pairs for part in pair):
            raise Unreadable
        return self.pairs(pairs)

    def pairs(self, pairs: list[tuple[str, str]]) -> Any:
        """Fields with holes: a dict, or pairs where a name comes twice."""
        kept = [(name, self.hole(name, value) if self.is_secret(name, value) else value) for name, value in pairs]
        return dict(kept) if len({name for name, _ in kept}) == len(kept) else kept

    def plain(self, body: str, kind: str) -> tuple[str, bool]:
        """A body of any other kind, and whether something was taken out of it."""
        shown = self._redactor.body(body, kind, len(body) + 1)
        return shown, shown != body


def _constant(name: str) -> str:
    words = "_".join(re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+", name))[:NAME_MAX].upper().strip("_")
    return words if words and not words[0].isdigit() else f"SECRET_{words}".strip("_")


def _parsed(text: str) -> Any:
    """A JSON value that the client would write as it was: no name twice, no number that JSON has not."""
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Unreadable from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable
    return found


def _refuse(_constant: str) -> Any:
    raise Unreadable


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Unreadable
    return value
