"""The words of a command line as a POSIX shell (or bash) would take them apart, without running anything.

Quotes of every kind, `$'…'`, backslashes, and the ends of commands. What only a shell can do (`$NAME`, `$(…)`, a pipe,
a file to write to) is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidal.errors import BadRecording

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_MAX = 16 << 20
_PLAIN = re.compile(r"[^\s'\"\\$`;&|<>()#]+|#")
_SPACE = re.compile(r"[^\S\n]+|\\\r?\n")
_END = re.compile(r"(?:[;\n]|&&|\r)+")
_SINGLE = re.compile(r"'([^']*)'")
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}


def commands(text: str) -> list[list[str]]:
    """The commands of a text, each as its words.

    Raises:
        BadRecording: a quote is not closed, or a shell would have to do something.
    """
    if len(text) > TEXT_MAX:
        raise BadRecording(f"the commands are longer than {TEXT_MAX >> 20} MiB")
    found: list[list[str]] = [[]]
    word: str | None = None
    at = 0
    while at < len(text):
        piece, taken = _piece(text, at)
        at += taken
        if piece is not None:
            word = (word or "") + piece
            continue
        if word is not None:
            found[-1].append(word)
            word = None
        if _END.match(text[at - taken : at]):
            found.append([])
    if word is not None:
        found[-1].append(word)
    return [words for words in found if words]


def _piece(text: str, at: int) -> tuple[str | None, int]:
    """A piece of a word and how many characters it took; None for what stands between words."""
    for pattern, meant in _PIECES:
        if found := pattern.match(text, at):
            return meant(found), len(found[0])
    raise BadRecording(_refusal(text[at:]))


def _in_double(text: str) -> str:
    """What stands between double quotes: there a backslash hides only a few characters."""
    if found := re.search(r"(?<!\\)(?:\\\\)*(\$[\w({]|`)", text):
        raise BadRecording(_refusal(found[1]))
    return re.sub(r'\\([$`"\\\n])', lambda m: "" if m[1] == "\n" else m[1], text)


def _meant(found: re.Match[str]) -> str:
    """The character of an escape in `$'…'`."""
    code = found[1]
    if code in _NAMED:
        return _NAMED[code]
    if code[0] in "xuU" and len(code) > 1:
        value = int(code[1:], 16)
        return chr(value) if value < 0x110000 else "\ufffd"
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return code


def _refusal(rest: str) -> str:
    if rest[0] in "'\"" or rest.startswith("$'"):
        return f"a quote is not closed: {rest[:40]!r}"
    if rest[0] in "$`":
        return f"only a shell knows what {rest[:20]!r} stands for: put the value itself there"
    return f"only a shell can do {rest[:20]!r}: give the curl command alone"


_PIECES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...] = (
    (_SPACE, lambda _: None),
    (_END, lambda _: None),
    (_PLAIN, lambda found: found[0]),
    (_SINGLE, lambda found: found[1]),
    (_ANSI, lambda found: _ESCAPE.sub(_meant, found[1])),
    (_DOUBLE, lambda found: _in_double(found[1])),
    (re.compile(r"\\(.)", re.DOTALL), lambda found: found[1]),
    (re.compile(r"\$(?![\w({'\"@*?!$-])"), lambda found: found[0]),  # a lone dollar is one
)
"""What a text is made of, in the order in which it is tried."""
