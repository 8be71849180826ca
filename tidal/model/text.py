"""Text from outside, made harmless: no control characters, no direction marks, a bounded length."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tidal.model.pattern import lazily

if TYPE_CHECKING:
    from collections.abc import Collection

_SPACES = {"\n": "⏎", "\r": "", "\t": " "}


def clean(text: str, most: int = 300) -> str:
    """The text on one line without control, format or surrogate characters, cut to `most` characters with an ellipsis.

    Escape sequences go whole, right-to-left overrides are format characters.
    """
    if len(text) <= most and text.isprintable():
        return text  # nearly all texts: no character of `_BAD` is printable, and no sequence is without one
    told = _SEQUENCE.sub("", text[: most * 4])
    kept = "".join(_SPACES.get(c, c) for c in told if c in _SPACES or unicodedata.category(c) not in _BAD)
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def without_password(text: str) -> str:
    """The text without the names and passwords of the URLs in it."""
    return _USER_INFO.sub("…@", text)


def offer(word: str, known: Collection[str]) -> str:
    """What somebody may have meant by a name that does not exist: near ones, else the first thirty that there are."""
    near = get_close_matches(word[:60], known, 3, 0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(list(known)[:30])}"


_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]")
"""Terminal control sequences: CSI, OSC and the short ones (ECMA-48)."""
_USER_INFO = lazily(r"(?<=://)[^/@\s]*@")
_BAD = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
