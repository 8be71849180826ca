"""A widget of a few lines, drawn from runs of toned text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tidal.tui.look import Look, Toned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.tui.widgets.canvas import Runs


def cells_of(runs: Runs) -> int:
    """The width of a line."""
    return sum(cell_len(text) for text, _ in runs)


def cut(runs: Runs, width: int, look: Look) -> Runs:
    """The line in exactly `width` cells."""
    result: Runs = []
    room = width
    for text, tone in runs:
        piece = look.fit(text, min(cell_len(text), room))
        result.append((piece, tone))
        room -= cell_len(piece)
    return [*result, (" " * room, "")]


def spread(left: Runs, right: Runs, width: int, look: Look) -> Runs:
    """Two runs at the ends of a line; the right one keeps its room, the left one is cut."""
    room = width - cells_of(right)
    return [*cut(left, room, look), *right] if room > 0 else cut(right, width, look)


class Lines(Toned):
    """Shows lines; only those that changed are redrawn."""

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(**names)
        self.look = look
        self.lines: list[Runs] = []

    def show_lines(self, lines: Sequence[Runs]) -> None:
        """Draw these lines."""
        if self.lines != lines:
            self.lines = list(lines)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        runs = self.lines[y] if y < len(self.lines) else []
        strip = Strip([Segment(text, self.ink(tone)) for text, tone in runs])
        return strip.adjust_cell_length(self.size.width, self.ink(""))
