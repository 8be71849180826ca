"""Python literals of any value, as text that `ruff format` leaves as it is.

Whatever a recording holds becomes a literal and nothing else: strings are escaped character by character, so that none
can end early. A string with holes is an f-string whose holes are names of our own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 88
"""Columns of a line; what is longer is laid out one item a line, which is right for any width."""
INDENT = "    "
DEPTH_MAX = 50
"""Deeper values stand on one line."""
NOT_FIRST = ("fmt:", "yapf:", "type:", "ruff:", "noqa", "pragma:", "!")
"""A line of a comment that began so would mean something to a tool."""


class Name(Struct, frozen=True):
    """A name of ours, or an expression of ours, in the place of a value."""

    code: str


class Holes(Struct, frozen=True):
    """A text in pieces: plain ones, and names whose values go there."""

    pieces: tuple[str | Name, ...]


def text_literal(text: str) -> str:
    """A string, in the quotes that need fewer backslashes, double ones when it is all the same."""
    quote = _quote(text)
    return f"{quote}{_escaped(text, quote)}{quote}"


def _quote(text: str) -> str:
    return '"' if text.count('"') <= text.count("'") else "'"


def _escaped(text: str, quote: str) -> str:
    return "".join(c if c in "'\"" and c != quote else f"\\{c}" if c == quote else repr(c)[1:-1] for c in text)


def bytes_literal(data: bytes) -> str:
    """Bytes, in the same quotes."""
    text = data.decode("latin-1")
    quote = _quote(text)
    inner = "".join(
        c if c in "'\"" and c != quote else f"\\{c}" if c == quote else repr(c.encode("latin-1"))[2:-1] for c in text
    )
    return f"b{quote}{inner}{quote}"


def holes_literal(holes: Holes) -> str:
    """An f-string; a plain one where there are no holes, a bare name where there is nothing else."""
    pieces = [piece for piece in holes.pieces if piece != ""]
    if len(pieces) == 1 and isinstance(pieces[0], Name):
        return pieces[0].code
    if not any(isinstance(piece, Name) for piece in pieces):
        return text_literal("".join(map(str, pieces)))
    quote = _quote("".join(piece for piece in pieces if isinstance(piece, str)))
    inner = "".join(f"{{{p.code}}}" if isinstance(p, Name) else _in_f(p, quote) for p in pieces)
    return f"f{quote}{inner}{quote}"


def _in_f(text: str, quote: str) -> str:
    return _escaped(text, quote).replace("{", "{{").replace("}", "}}")


def atom(value: Any) -> str | None:
    """The literal of a value that has no parts; None for one that has."""
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return str(write(value))
    return None


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


_WRITERS: tuple[tuple[Any, Any], ...] = (
    (Name, lambda name: name.code),
    (Holes, holes_literal),
    (str, text_literal),
    (bytes, bytes_literal),
    ((bool, int, type(None)), repr),
    (float, _number),
)


def lines(value: Any, before: str, after: str, depth: int, level: int = 0) -> list[str]:
    """The lines of `before`, the value and `after`, indented to `depth`: on one line when it fits."""
    flat = one_line(value)
    whole = f"{INDENT * depth}{before}{flat}{after}"
    if len(whole) <= WIDTH or atom(value) is not None or not value or level > DEPTH_MAX:
        return [whole]
    opening, closing, items = _items(value)
    inner = [line for name, item in items for line in lines(item, name, ",", depth + 1, level + 1)]
    return [f"{INDENT * depth}{before}{opening}", *inner, f"{INDENT * depth}{closing}{after}"]


def _items(value: Any) -> tuple[str, str, list[tuple[str, Any]]]:
    if isinstance(value, dict):
        return "{", "}", [(f"{one_line(key)}: ", item) for key, item in value.items()]
    if isinstance(value, tuple):
        return "(", ")", [("", item) for item in value]
    return "[", "]", [("", item) for item in value]


def one_line(value: Any) -> str:
    """A value on one line."""
    if (text := atom(value)) is not None:
        return text
    opening, closing, items = _items(value)
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{opening}{', '.join(f'{name}{one_line(item)}' for name, item in items)}{comma}{closing}"


def call_lines(before: str, arguments: Sequence[tuple[str, Any]], after: str, depth: int) -> list[str]:
    """A call: all on one line when it fits, else each argument on lines of its own."""
    flat = ", ".join(f"{name}{one_line(value)}" for name, value in arguments)
    whole = f"{INDENT * depth}{before}({flat}){after}"
    if len(whole) <= WIDTH:
        return [whole]
    inner = [line for name, value in arguments for line in lines(value, name, ",", depth + 1)]
    return [f"{INDENT * depth}{before}(", *inner, f"{INDENT * depth}){after}"]


def comment(text: str, depth: int) -> Iterable[str]:
    """A remark as lines of comment; the text must be clean already."""
    room = WIDTH - len(INDENT) * depth - 2
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > room:
            yield f"{INDENT * depth}# {line}"
            line = ""
        line = f"{line} {word}" if line else f"… {word}" if word.startswith(NOT_FIRST) else word
    if line:
        yield f"{INDENT * depth}# {line}"
