"""Columns of text: numbers in readable units, widths as a terminal counts them."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tidal.model.struct import Struct
from tidal.model.text import clean
from tidal.model.words import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

CELL_MAX = 60
"""Terminal cells of one cell of text; longer names lose their middle."""
TEXT_CELLS_GOOD, TEXT_CELLS_MIN = 24, 10
"""In a narrow terminal texts are cut to the first before a column goes, and then to the second, where lines wrap."""
GAP = "  "
NOTHING = "\N{EN DASH}"
"""Where there is no figure: a zero would be one."""
MICRO_IN_MILLI, MICRO_IN_SECOND = 1_000, 1_000_000
SECOND_MS = 1_000


def width(text: str) -> int:
    """How many terminal cells the text takes: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, most: int = CELL_MAX) -> str:
    """Cleaned text of at most so many cells: the beginning and the end stay, an ellipsis between them."""
    text = clean(text)
    if width(text) <= most:
        return text
    head, tail = "", ""
    while width(head) + width(tail) < most - 1 and len(head) + len(tail) < len(text):
        head, tail = (text[: len(head) + 1], tail) if len(head) <= len(tail) else (head, text[-len(tail) - 1 :])
    while width(head) + width(tail) > most - 1:
        head = head[:-1]
    return f"{head}…{tail}"


class Column(Struct, frozen=True):
    """A column's title and whether its cells are numbers, which stand right."""

    title: str
    number: bool = True
    rank: int = 0  # columns of the highest rank go first where the terminal is narrow; 0 stays


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], total: Sequence[str] = (), most: int | None = None
) -> str:
    """Aligned lines: titles, a rule, the rows and, under another rule, the total.

    With `most` cells a line: the least important columns go, then the widest texts lose their middle.
    """
    lines: Sequence[Sequence[str]] = [[c.title for c in columns], *rows, *([total] if total else [])]
    if most is not None:
        columns, lines = _narrowed(columns, lines, most)
    widths = _widths(lines)
    rule = GAP.join("─" * w for w in widths)
    body = [_line(columns, widths, line) for line in lines]
    if total:
        body.insert(-1, rule)
    return "\n".join([body[0], rule, *body[1:]])


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width, column)) for column in zip(*lines, strict=True)]


def _narrowed(
    columns: Sequence[Column], lines: Sequence[Sequence[str]], most: int
) -> tuple[Sequence[Column], Sequence[Sequence[str]]]:
    widths = _widths(lines)
    kept = list(range(len(columns)))
    _cut_texts(columns, kept, widths, most, TEXT_CELLS_GOOD)
    while _needed(widths, kept) > most and any(columns[i].rank for i in kept):
        kept.remove(max(kept, key=lambda i: (columns[i].rank, i)))
    _cut_texts(columns, kept, widths, most, TEXT_CELLS_MIN)
    return [columns[i] for i in kept], [[shorten(line[i], widths[i]) for i in kept] for line in lines]


def _cut_texts(columns: Sequence[Column], kept: Sequence[int], widths: list[int], most: int, least: int) -> None:
    """Take from the widest texts what is too much, but leave each `least` cells."""
    texts = [i for i in kept if not columns[i].number]
    while (excess := _needed(widths, kept) - most) > 0 and any(widths[i] > least for i in texts):
        widest = max(texts, key=lambda i: widths[i])
        second = max([widths[i] for i in texts if i != widest], default=0)
        widths[widest] = max(least, widths[widest] - excess, min(second, widths[widest] - 1))


def _needed(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[i] + len(GAP) for i in kept) - len(GAP)


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    padded = []
    for column, wide, cell in zip(columns, widths, cells, strict=True):
        space = " " * (wide - width(cell))
        padded.append(space + cell if column.number else cell + space)
    return GAP.join(padded).rstrip()


def latency(value_us: int) -> str:
    """Microseconds in the unit that reads best, three digits: `812 µs`, `4.71 ms`, `1.20 s`."""
    if value_us < MICRO_IN_MILLI:
        return f"{value_us} µs"
    if value_us < MICRO_IN_SECOND - MICRO_IN_MILLI // 2:  # what would round to 1000 ms is a second
        return f"{_three_digits(value_us, MICRO_IN_MILLI)} ms"
    return f"{_three_digits(value_us, MICRO_IN_SECOND)} s"


def _three_digits(value: int, unit: int) -> str:
    """An integer over its unit, rounded to three digits, in integer arithmetic so that it is the same everywhere."""
    decimals = next((d for d in (2, 1) if _rounded(value * 10**d, unit) < 1_000), 0)
    scaled = _rounded(value * 10**decimals, unit)
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else f"{whole}"


def _rounded(value: int, unit: int) -> int:
    return (2 * value + unit) // (2 * unit)


def rate(milli: int) -> str:
    """Thousandths of a rate as a decimal: `12.3`."""
    return f"{milli // 1000}.{milli % 1000 // 100}"


def share(part: int, whole: int) -> str:
    """A percentage with two decimals, never rounded up to 100 or down to 0: `0.03 %`."""
    if not whole:
        return "0 %"
    basis = part * 10_000 // whole
    if part and not basis:
        return "<0.01 %"
    return f"{basis // 100}.{basis % 100:02d} %"


def size(number: int) -> str:
    """Bytes in a readable unit: `512 B`, `3.4 kB`."""
    if number < 1_000:
        return f"{number} B"
    units = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
    unit, name = next((u, n) for u, n in units if number >= u - u // 2_000 or u == 10**3)
    return f"{_three_digits(number, unit)} {name}"


duration = moment
"""A span of time: `0:42`, `12:03`, `1:02:03`: moments and spans of the load read alike."""


def clock(at_ms: int) -> str:
    """A moment of Redis time, in UTC so that the same run reads the same everywhere: `12:03:04Z`."""
    try:
        return datetime.fromtimestamp(at_ms // SECOND_MS, UTC).strftime("%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "?"


def day_and_clock(at_ms: int) -> str:
    """A moment with its day: `2026-11-23 12:03:04Z`."""
    try:
        return datetime.fromtimestamp(at_ms // SECOND_MS, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "?"


def iso(at_s: float) -> str:
    """A moment of Unix time to the second, as ISO 8601: `2026-11-23T12:03:04Z`."""
    try:
        return datetime.fromtimestamp(int(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "?"
