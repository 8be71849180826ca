"""A raster of small dots in character cells: braille (2x4 a cell), quadrant blocks (2x2) or ASCII (1x2).

A cell has one tone; what is drawn last decides. Pure: no Textual in here.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Runs = list[tuple[str, str]]
"""One row of the screen: pieces of text, each with its tone."""


class Dots(Struct, frozen=True):
    """How many dots a cell has, the bit of each (rows from the top), and the character of every set of bits.

    `sparse` and `close`: of so many dots of a rule one is drawn; `rules`: its characters, where dots would not do.
    """

    across: int
    down: int
    bits: tuple[tuple[int, ...], ...]
    characters: str
    sparse: int = 2
    close: int = 1
    rules: str = ""


DOTS = {
    "braille": Dots(
        2, 4, ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80)), "".join(map(chr, range(0x2800, 0x2900)))
    ),
    "block": Dots(2, 2, ((1, 2), (4, 8)), " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█", sparse=4, close=2),
    "ascii": Dots(1, 2, ((1,), (2,)), " '.:", rules="-="),
}


class Canvas(Struct):
    """`width` x `height` cells; dots are counted from the lower left corner."""

    width: int
    height: int
    dots: Dots
    _bits: list[list[int]] = field(default_factory=list)
    _tones: list[list[str]] = field(default_factory=list)
    _filled: set[str] = field(default_factory=set)  # tones of the series that were drawn with an area
    _grounds: dict[tuple[int, int], str] = field(default_factory=dict)  # row, column → tone of a tinted cell
    _rules: dict[tuple[int, int], tuple[int, str, bool]] = field(default_factory=dict)  # bits, tone, whether close
    _words: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)  # a character of a text, its tone

    def __post_init__(self) -> None:
        """Begin empty."""
        self._bits = [[0] * self.width for _ in range(self.height)]
        self._tones = [[""] * self.width for _ in range(self.height)]

    @property
    def dots_across(self) -> int:
        """How many dots fit beside each other."""
        return self.width * self.dots.across

    @property
    def dots_up(self) -> int:
        """How many dots fit above each other."""
        return self.height * self.dots.down

    def mark(self, x: int, y: int, tone: str) -> None:
        """Set one dot; one outside of the canvas is left out."""
        if 0 <= x < self.dots_across and 0 <= y < self.dots_up:
            column, left = divmod(x, self.dots.across)
            row, below_top = divmod(self.dots_up - 1 - y, self.dots.down)
            owner = self._tones[row][column].removesuffix("-area")
            if owner in self._filled and owner != tone.removesuffix("-area"):
                self._bits[row][column] = 0  # a line over another's area: else all of the cell took its colour
            self._bits[row][column] |= self.dots.bits[below_top][left]
            self._tones[row][column] = tone

    def line(self, heights: Sequence[int | None], tone: str, *, dotted: bool = False) -> None:
        """Draw one height a dot column, joined upright where neighbours differ; None leaves a gap."""
        before: int | None = None
        for x, y in enumerate(heights):
            if y is not None and not (dotted and x % 4 >= 2):
                for dot in range(*_reach(before, y)):
                    self.mark(x, dot, tone)
            before = y

    def area(self, heights: Sequence[int | None], tone: str) -> None:
        """Fill from the ground up to each height, under the line of the tone without its `-area`."""
        self._filled.add(tone.removesuffix("-area"))
        for x, y in enumerate(heights):
            for dot in range(y or 0):
                self.mark(x, dot, tone)

    def fill(self, heights: Sequence[int | None], tone: str) -> None:
        """Tint the cells of which half or more lies below the heights of all their dot columns: an area without ink."""
        for column in range(self.width):
            dots = heights[column * self.dots.across : (column + 1) * self.dots.across]
            known = [y for y in dots if y is not None]
            for row in range((min(known, default=-self.dots.down) + 1 + self.dots.down // 2) // self.dots.down):
                self._grounds[self.height - 1 - row, column] = tone

    def row_of(self, y: int) -> int:
        """The row of cells, from the top, in which a dot lies."""
        return (self.dots_up - 1 - y) // self.dots.down

    def rule(self, heights: Sequence[int | None], tone: str, *, is_close: bool) -> None:
        """Draw a thin dotted line over areas and beside series, whose tone it must not take; None leaves a gap."""
        every = self.dots.close if is_close else self.dots.sparse
        for x, y in enumerate(heights):
            if y is not None and x % every == 0:
                column, left = divmod(x, self.dots.across)
                row, below_top = divmod(self.dots_up - 1 - y, self.dots.down)
                bits = self._rules[row, column][0] if (row, column) in self._rules else 0
                self._rules[row, column] = (bits | self.dots.bits[below_top][left], tone, is_close)

    def write(self, row: int, text: str, tone: str) -> bool:
        """Put a text of ours at the right end of a row, unless something is drawn there; whether it was done."""
        first = self.width - len(text)
        cells = [(row, column) for column in range(first, self.width)]
        if first < self.width // 3 or any(self._bits[r][column] or (r, column) in self._words for r, column in cells):
            return False
        self._words |= {cell: (character, tone) for cell, character in zip(cells, text, strict=True)}
        return True

    def rows(self, ruled: Iterable[int] = (), rule: str = "┈") -> list[Runs]:
        """The rows from the top, as runs of one tone; empty cells of `ruled` rows show a faint rule."""
        ruled = frozenset(ruled)
        return [self._row(row, rule if row in ruled else " ") for row in range(self.height)]

    def _cell(self, row: int, column: int, blank: str) -> tuple[str, str]:
        ground = self._grounds.get((row, column), "")
        said, tone = self._words.get((row, column)) or self._drawn(row, column)
        if not said:
            return (" ", ground) if ground else (blank, "faint")
        return said, f"{tone}+{ground}" if ground else tone

    def _drawn(self, row: int, column: int) -> tuple[str, str]:
        """The character of a cell and its tone; "" where nothing is drawn."""
        bits, tone = self._bits[row][column], self._tones[row][column]
        if (row, column) in self._rules:
            own, rule_tone, is_close = self._rules[row, column]
            if not bits or tone.endswith("-area"):
                return self.dots.rules[is_close : is_close + 1] or self.dots.characters[own], rule_tone
        return (self.dots.characters[bits] if bits else ""), tone

    def _row(self, row: int, blank: str) -> Runs:
        cells = [self._cell(row, column, blank) for column in range(self.width)]
        return [("".join(c for c, _ in run), tone) for tone, run in groupby(cells, key=lambda cell: cell[1])]


def _reach(before: int | None, y: int) -> tuple[int, int]:
    """The dots to set in a column so that it joins its left neighbour."""
    if before is None or before == y:
        return y, y + 1
    return (before + 1, y + 1) if before < y else (y, before)
