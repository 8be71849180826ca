"""The tabs in one line, with how much each holds; on the right the filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tidal.tui.widgets.lines import Lines, cells_of, spread

if TYPE_CHECKING:
    from textual import events

    from tidal.tui.widgets.canvas import Runs


SHORT = 7
"""Characters of a title where not even the titles fit: seven tabs are then sixty cells, the narrowest screen."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its name, its title, and how much it holds; `alarming` when that is bad news."""

    name: str
    title: str
    held: str = ""
    alarming: bool = False


class TabBar(Lines):
    """The tab bar; posts `Chosen` when one is clicked."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    _tabs: tuple[Tab, ...] = ()
    _active = ""
    _chip = ""

    def show(self, tabs: tuple[Tab, ...], active: str, chip: str) -> None:
        """Draw these tabs; `chip` says what the table is narrowed to."""
        self._tabs, self._active, self._chip = tabs, active, chip
        self._draw()

    def on_resize(self) -> None:
        """Draw anew for another width."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        chip: Runs = [(f" {self._chip} ", "warn-badge")] if self._chip else []
        room = width - cells_of(chip)
        tabs = next((runs for runs in map(self._runs, (2, 1, 0)) if cells_of(runs) <= room), self._runs(-1))
        self.show_lines([spread(tabs, chip, width, self.look)])

    def _runs(self, detail: int) -> Runs:
        """The tabs: 2 with what they hold, 1 without, 0 and -1 as narrow as can be."""
        return [run for number, tab in enumerate(self._tabs, 1) for run in self._tab(number, tab, detail)]

    def _tab(self, number: int, tab: Tab, detail: int) -> Runs:
        ground = "tab" if tab.name == self._active else ""
        held = f" {tab.held}" if detail == 2 and tab.held else ""
        return [
            (f" {number} " if detail > 0 else str(number), ground or "dim"),
            (tab.title if detail >= 0 else tab.title[:SHORT], ground),
            (held, ground or ("bad" if tab.alarming else "dim")),
            (" ", ground),
        ]

    def on_click(self, event: events.Click) -> None:
        """Find the tab that was hit."""
        right_edge = 0
        runs = self.lines[0] if self.lines else []
        for index, tab in enumerate(self._tabs):
            right_edge += cells_of(runs[4 * index : 4 * index + 4])
            if event.x < right_edge:
                self.post_message(self.Chosen(tab.name))
                return
