"""Which columns of a table fit, how wide each is, and the text of its lines. Pure: no Textual in here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs

REGEX_MAX = 100
GAP_MAX = 8
"""Cells between columns on a wide screen; one on a narrow one."""


class Cell(NamedTuple):
    """One value: its clean text, its tone, and what it is sorted by (the text when None)."""

    text: str
    tone: str = ""
    by: float | None = None


Cells = tuple[Cell, ...]


class GridRow:
    """One row, known by its key from picture to picture.

    Its cells, or what makes them: of hundreds of rows a screen shows some, and only those are made.
    """

    __slots__ = ("_cells", "_make", "key")

    def __init__(self, key: str, cells: Cells | Callable[[], Cells]) -> None:
        self.key = key
        self._make = cells if callable(cells) else None
        self._cells = () if callable(cells) else cells

    @property
    def cells(self) -> Cells:
        """The values of its columns."""
        if self._make is not None:
            self._cells, self._make = self._make(), None
        return self._cells

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GridRow) and (self.key, self.cells) == (other.key, other.cells)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<GridRow {self.key!r} {' | '.join(cell.text for cell in self.cells)}>"


class Column(Struct, frozen=True):
    """One column; `priority` 0 stays always, the highest go first when it is narrow."""

    key: str
    title: str
    width: int
    priority: int = 0
    right: bool = True
    most: int = 0  # grows up to its longest text, but not beyond this; 0: it does not grow


class Placed(Struct, frozen=True):
    """A column that fits: its index, and how wide it and the gap before it are."""

    index: int
    width: int
    gap: int


def place(columns: Sequence[Column], longest: Sequence[int], width: int, hidden: Collection[str] = ()) -> list[Placed]:
    """The columns that fit into `width` cells, the least important dropped, the rest of the room shared out."""
    kept = [i for i, column in enumerate(columns) if column.key not in hidden] or [0]
    while len(kept) > 1 and _needed(columns, kept) > width:
        least = max(kept, key=lambda i: (columns[i].priority, i))
        if not columns[least].priority:
            break
        kept.remove(least)
    widths = {i: columns[i].width for i in kept}
    spare = max(width - _needed(columns, kept), 0)
    for i in kept:
        if columns[i].most:
            more = min(spare, max(min(longest[i], columns[i].most) - widths[i], 0))
            widths[i] += more
            spare -= more
    wider = min(spare // len(kept), GAP_MAX - 1)
    return [Placed(i, widths[i], 1 + (wider if nth else 0)) for nth, i in enumerate(kept)]


def _needed(columns: Sequence[Column], kept: Iterable[int]) -> int:
    return sum(columns[i].width + 1 for i in kept) + 1


def lay(cells: Sequence[tuple[str, str]], columns: Sequence[Column], placed: Sequence[Placed], look: Look) -> Runs:
    """A row's texts in their columns, as runs of (text, tone)."""
    runs: Runs = []
    for at in placed:
        text, tone = cells[at.index]
        runs.append((" " * at.gap + look.fit(text, at.width, right=columns[at.index].right), tone))
    return runs


def headings(columns: Sequence[Column], sorted_by: str, *, downwards: bool, look: Look) -> list[tuple[str, str]]:
    """The header's cells, the sorted column with an arrow."""
    arrow = look.own("▾" if downwards else "▴")
    return [(f"{c.title}{arrow}", "accent") if c.key == sorted_by else (c.title, "head") for c in columns]


def longest_texts(rows: Iterable[GridRow], columns: Sequence[Column], before: Sequence[int]) -> list[int]:
    """The widest text so far of each column that may grow: it never shrinks, so columns do not jump back."""
    longest, growing = list(before), [i for i, column in enumerate(columns) if column.most]
    for row in rows:
        for i in growing:
            text = row.cells[i].text
            if len(text) * 2 > longest[i]:
                longest[i] = max(longest[i], cell_len(text))
    return longest


def arranged(rows: Sequence[GridRow], index: int | None, *, downwards: bool) -> list[GridRow]:
    """Rows sorted by a column; equal ones, and all when `index` is None, keep the order of the frame."""
    if index is None:
        return list(rows)
    numbers = all(row.cells[index].by is not None for row in rows)
    return sorted(rows, key=lambda row: _sort_key(row.cells[index], numbers=numbers), reverse=downwards)


def _sort_key(cell: Cell, *, numbers: bool) -> tuple[float, str]:
    return (cell.by or 0.0, "") if numbers else (0.0, cell.text.casefold())


def condition(typed: str) -> Callable[[GridRow], bool] | None:
    """What a filter asks of a row: words that are in it, `!word` that is not, /regex/ that is found; None: nothing."""
    words = typed.casefold().split()
    if not words:
        return None
    pattern = _pattern(typed.strip())
    if pattern is not None:
        return lambda row: pattern.search(_text_of(row)) is not None
    return lambda row: matches(row, words)


def _pattern(typed: str) -> re.Pattern[str] | None:
    """A regular expression between slashes; one that is not finished yet is looked for as words."""
    if len(typed) < 3 or not (typed.startswith("/") and typed.endswith("/")) or len(typed) > REGEX_MAX:
        return None
    try:
        return re.compile(typed[1:-1], re.IGNORECASE)
    except re.error:
        return None


def _text_of(row: GridRow) -> str:
    return " ".join(cell.text for cell in row.cells if cell.by is None)


def matches(row: GridRow, words: Sequence[str]) -> bool:
    """Whether every word is in the row's text, and no word that begins with `!`."""
    text = _text_of(row).casefold()
    return all((word[1:] not in text) if word.startswith("!") and word[1:] else word in text for word in words)
