"""The tabs in one line, with how much each holds; on the right the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

from tidal.model.struct import Struct
from tidal.tui.widgets.lines import Lines, cells_of, spread

if TYPE_CHECKING:
    from textual import events

    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs


ARROW_CELLS = 4
"""Of the two arrows that say that there are more."""


class Tab(Struct, frozen=True):
    """A tab: its name, its title, and how much it holds; `alarming` when that is bad news."""

    name: str
    title: str
    held: str = ""
    alarming: bool = False
    key: str = ""


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
    _hit: list[tuple[int, str]]  # the cell after each tab, from the left

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(look, **names)
        self._hit = []

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
        self._hit = []
        pieces = next((p for p in map(self._pieces, (2, 1, 0)) if cells_of(_joined(p)) <= room), None)
        if pieces is None:
            pieces = self._window(self._pieces(0), room)
        else:
            self._note_places(pieces, range(len(pieces)), 0)
        self.show_lines([spread(_joined(pieces), chip, width, self.look)])

    def _window(self, pieces: list[Runs], room: int) -> list[Runs]:
        """As many tabs around the active one as fit, arrows where there are more."""
        active = next((i for i, tab in enumerate(self._tabs) if tab.name == self._active), 0)
        first, last = active, active + 1
        for _ in pieces:
            if last < len(pieces) and cells_of(_joined(pieces[first : last + 1])) <= room - ARROW_CELLS:
                last += 1
            if first and cells_of(_joined(pieces[first - 1 : last])) <= room - ARROW_CELLS:
                first -= 1
        before: Runs = [(self.look.own("◂ "), "dim")] if first else [("", "")]
        after: Runs = [(self.look.own(" ▸"), "dim")] if last < len(pieces) else [("", "")]
        self._note_places(pieces, range(first, last), cells_of(before))
        return [before, *pieces[first:last], after]

    def _note_places(self, pieces: list[Runs], shown: range, edge: int) -> None:
        """Which cells belong to which tab, for the mouse; an arrow belongs to the tab beside it that is hidden."""
        if shown.start:
            self._hit.append((edge, self._tabs[shown.start - 1].name))
        for index in shown:
            edge += cells_of(pieces[index])
            self._hit.append((edge, self._tabs[index].name))
        if shown.stop < len(pieces):
            self._hit.append((edge + 4, self._tabs[shown.stop].name))

    def _pieces(self, detail: int) -> list[Runs]:
        """The tabs: 2 with what they hold, 1 with roomy digits, 0 as narrow as they can be read."""
        return [self._tab(tab, detail) for tab in self._tabs]

    def _tab(self, tab: Tab, detail: int) -> Runs:
        ground = "tab" if tab.name == self._active else ""
        held = f" {tab.held}" if detail == 2 and tab.held else ""
        key = f" {tab.key} " if detail and tab.key else tab.key or " "
        return [
            (key, ground or "dim"),
            (tab.title, ground or ("bad" if tab.alarming and not held else "")),
            (held, ground or ("bad" if tab.alarming else "dim")),
            (" ", ground),
        ]

    def on_click(self, event: events.Click) -> None:
        """Find the tab that was hit."""
        name = next((name for edge, name in self._hit if event.x < edge), "")
        if name:
            self.post_message(self.Chosen(name))


def _joined(pieces: list[Runs]) -> Runs:
    return [run for piece in pieces for run in piece]
