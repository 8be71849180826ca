"""Where a replay stands: playing or not, speed, position, and ticks where something happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tidal.tui.text import clock, duration
from tidal.tui.widgets.lines import Lines, cells_of

if TYPE_CHECKING:
    from textual import events

    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs


@dataclass(frozen=True, slots=True)
class Place:
    """A replay's position; times are Redis time."""

    playing: bool = False
    speed: float = 1.0
    position_ms: int = 0
    first_ms: int = 0
    last_ms: int = 0
    ticks: tuple[tuple[int, str], ...] = ()  # (moment, tone)


def scrubber_line(place: Place, width: int, look: Look) -> Runs:
    """The row: state and speed, the bar, position and length."""
    length_ms = max(place.last_ms - place.first_ms, 1)
    at_ms = min(max(place.position_ms - place.first_ms, 0), length_ms)
    state = "► PLAYING" if place.playing else "■ PAUSED "
    left: Runs = [(f" {look.own(state)} ", "replay-badge"), (f" {place.speed:g}x".ljust(7), "accent")]
    right: Runs = [
        (f" {look.own(clock(place.position_ms, look.zone))} ", "strong"),
        (f" {duration(at_ms)} of {duration(length_ms)} ", "dim"),
    ]
    cells = width - cells_of(left) - cells_of(right)
    return [*left, *_bar(place, at_ms, length_ms, cells, look), *right] if cells >= 8 else [*left, *right]


def _bar(place: Place, at_ms: int, length_ms: int, cells: int, look: Look) -> Runs:
    head = at_ms * (cells - 1) // length_ms
    bar = [(look.own("━"), "accent") if x < head else (look.own("─"), "faint") for x in range(cells)]
    for moment_ms, tone in place.ticks:
        x = (moment_ms - place.first_ms) * (cells - 1) // length_ms
        if 0 <= x < cells:
            bar[x] = (look.own("▲"), tone)
    bar[head] = (look.own("●"), "accent")
    return bar


class Scrubber(Lines):
    """The scrubber on the screen; posts `Sought` when the bar is clicked."""

    class Sought(Message):
        """Go to this part of the recording, in thousandths."""

        def __init__(self, permille: int) -> None:
            super().__init__()
            self.permille = permille

    _place = Place()

    def show(self, place: Place) -> None:
        """Draw another position."""
        self._place = place
        self._draw()

    def on_resize(self) -> None:
        """Draw anew for another width."""
        self._draw()

    def _draw(self) -> None:
        self.show_lines([scrubber_line(self._place, self.size.width, self.look)])

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was hit."""
        if not self.lines or len(self.lines[0]) < 5:
            return
        line = self.lines[0]
        left, right = cells_of(line[:2]), cells_of(line[-2:])
        cells = self.size.width - left - right
        if left <= event.x < left + cells:
            self.post_message(self.Sought(1000 * (event.x - left) // max(cells - 1, 1)))
