"""Frames in which every text is out to break the terminal, whatever field it is: new ones are found by themselves."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from tidal.model.plantext import ARRIVALS, USERS
from tidal.model.struct import fields_of, is_record, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

POISONS = (
    "[red]boo[/] [@click=app.quit]x[/] [/] [link=http://x]",  # markup
    "\x1b[31m\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x9b2J\x00\x7f",  # what a terminal obeys
    "\u202egnp.exe\u2066\u200f\u200b\ufeff\u00ad",  # directions, and what is not seen
    "e" + "\u0301" * 40 + "\ud800 \U000e0041",  # a tower of marks, a lone surrogate, a tag
    "漢字🦀👨\u200d👩\u200d👧\u200d👦🇩🇪👍🏽❤\ufe0f1\ufe0f\u20e3",  # wide ones, and several that are one
    "a\r\nb\n\tc\u2028d\x85e",  # lines
    "x" * 300,
    "ผู้ใหญ่ עברית العربية ﷽",
)
"""Each in its turn, with a number behind it, so that no two texts are the same."""
OURS = frozenset({"phase", "outcome", "kind", "run", "incarnation"})
"""Words that a frame's maker chose from a few of its own, or a key: not out to break anything."""


def poisoned(whole: Any, turn: int = 0) -> Any:
    """A frame, or a part of one, with poison for each of its texts."""
    return _poisoned(whole, count(turn))


def _poisoned(value: Any, numbers: Iterator[int]) -> Any:
    if isinstance(value, str) and value not in ("", USERS, ARRIVALS):  # no text has a meaning of its own
        number = next(numbers)
        return f"{POISONS[number % len(POISONS)]}{number}"
    if isinstance(value, tuple):
        return tuple(_poisoned(one, numbers) for one in value)
    if is_record(type(value)):
        texts = [f.name for f in fields_of(type(value)) if f.name not in OURS]
        return replace(value, **{name: _poisoned(getattr(value, name), numbers) for name in texts})
    return value
