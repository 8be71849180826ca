"""Text from outside, made harmless: no control characters, no direction marks, a bounded length."""

from __future__ import annotations

import unicodedata

_SPACES = {"\n": "⏎", "\r": "", "\t": " "}


def clean(text: str, most: int = 300) -> str:
    """The text on one line without control, format or surrogate characters, cut to `most` characters with an ellipsis.

    Escape sequences lose their escape character and so their meaning; right-to-left overrides are format characters.
    """
    kept = "".join(_SPACES.get(c, c) for c in text[: most * 4] if c in _SPACES or unicodedata.category(c) not in _BAD)
    return kept if len(kept) <= most else kept[: most - 1] + "…"


_BAD = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
