"""Figures and outside text, made fit for a cell: cleaned, cut to a width, with stable decimals.

Whatever comes out of here is one line without control characters. It still goes to the screen as plain text, never
as markup.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tidal.model.words import moment

if TYPE_CHECKING:
    from tidal.model.rows import EndpointRow

NOTHING = "-"
TEXT_MAX = 4_000
"""Characters of an outside text that are looked at."""
_MARKS_MAX = 2  # combining marks on one letter; more of them climb over the neighbouring lines
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = str.maketrans(dict.fromkeys("\t\n\v\f\r\x85\u2028\u2029\u00a0", " "))
_LETTERS = {0x1F1E6 + n: chr(ord("A") + n) for n in range(26)}
_ALIKE: dict[int, str | None] = _SPACES | _LETTERS | dict.fromkeys(range(0x1F3FB, 0x1F400))
"""Pairs of letters that are a flag, and shades of skin: terminals do not agree on how wide those are."""
_UNITS_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


@lru_cache(2_048)  # the same names come in every picture
def clean(text: str, *, ascii_only: bool = False) -> str:
    """One harmless line: no control, format or unassigned characters, no towers of marks, no line breaks."""
    text = text[:TEXT_MAX].translate(_ALIKE)
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category not in _DROPPED and marks <= _MARKS_MAX and not "\ufe00" <= character <= "\ufe0f":
            kept.append(character)
    line = "".join(kept)
    return line.encode("ascii", "replace").decode() if ascii_only else line


def clean_lines(text: str, *, ascii_only: bool = False) -> list[str]:
    """The lines of an outside text (a traceback), each harmless, tabs as four spaces."""
    return [clean(line.expandtabs(4), ascii_only=ascii_only) for line in text[: 4 * TEXT_MAX].splitlines()]


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """A clean text in exactly `width` cells: padded, or cut with an ellipsis."""
    size = cell_len(text)
    if size > width:
        text = set_cell_size(text, max(width - len(ellipsis), 0)) + ellipsis[: max(width, 0)]
        size = cell_len(text)
    padding = " " * (width - size)
    return padding + text if right else text + padding


# ------------------------------------------------------------------ figures


def count(number: int, cells: int = 9) -> str:
    """A whole number in at most `cells` (six or more): 1,234,567, then 12.3M."""
    plain = f"{number:,}"
    if len(plain) <= cells:
        return plain
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:,.1f}{unit}"
    return plain


def rate(milli: int) -> str:
    """Thousandths of something per second as 1,234.5."""
    return f"{milli / 1000:,.1f}"


def millis(latency_us: int, decimals: int = 1) -> str:
    """Microseconds as milliseconds without the unit, which stands in the column's header; no decimals from 10 s."""
    return f"{latency_us / 1000:,.{0 if latency_us >= 10_000_000 else decimals}f}"


def latency(latency_us: int) -> str:
    """Microseconds in the unit that suits them: 720 µs, 12.3 ms, 1.24 s."""
    if latency_us < 1_000:
        return f"{latency_us} µs"
    if latency_us < 100_000:
        return f"{latency_us / 1000:.1f} ms"
    if latency_us < 1_000_000:
        return f"{latency_us / 1000:.0f} ms"
    return f"{latency_us / 1_000_000:,.2f} s"


def latency_of(row: EndpointRow, latency_us: int) -> str:
    """A latency of a row; without any sample there is none."""
    return latency(latency_us) if row.is_timed else NOTHING


def percent(part: int, whole: int) -> str:
    """A share as 0.12 %; what is not nothing is never shown as 0.00 %."""
    if not whole:
        return "0.00 %"
    share = 100 * part / whole
    return "<0.01 %" if part and share < 0.01 else f"{share:.2f} %"


def seconds(age_ms: int | None) -> str:
    """An age in seconds with one decimal."""
    return NOTHING if age_ms is None else f"{age_ms / 1000:,.1f}"


duration = moment
"""A span as 4:12 or 1:04:12: moments and spans of the load read alike."""


def clock(at_ms: int, zone: tzinfo | None) -> str:
    """The time of day in `zone` (None: this machine's) as 12:03:04."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M:%S") if at_ms else NOTHING
    except (ValueError, OverflowError, OSError):
        return NOTHING


def duration_ms(text: str) -> int | None:
    """The milliseconds of 90, 90s, 5m or 1h30m; None for an empty text; ValueError for anything else."""
    text = text.strip().lower().replace(" ", "")
    if not text:
        return None
    if text.isascii() and text.isdigit():
        text += "s"
    if not re.fullmatch(r"(\d{1,9}(ms|[hms]))+", text, re.ASCII):
        raise ValueError("a time like 90s, 5m or 1h30m")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in re.findall(r"(\d+)(ms|[hms])", text))
