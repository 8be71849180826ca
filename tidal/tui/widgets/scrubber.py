"""Where a replay stands: playing or not, speed, position, and ticks where something happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from tidal.model.struct import Struct
from tidal.tui.text import clock, duration
from tidal.tui.widgets.lines import Lines, cells_of
from tidal.tui.widgets.spark import spark

if TYPE_CHECKING:
    from textual import events

    from tidal.model.checked import Checked
    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs


SAME_MS = 400
"""An event so near to the position is where one stands."""


class Place(Struct, frozen=True):
    """A position in a recording; times are Redis time."""

    playing: bool = False
    speed: float = 1.0
    position_ms: int = 0
    first_ms: int = 0
    last_ms: int = 0
    ticks: tuple[tuple[int, str], ...] = ()  # (moment, tone)
    rps_milli: tuple[int, ...] = ()  # requests over all of the recording
    rps_start_ms: int = 0
    rps_step_ms: int = 1_000
    checked: Checked | None = None  # whether it is what was recorded

    @property
    def differs_ms(self) -> int | None:
        """The moment from which on it is not what was recorded; None: there is none, or nobody has found one."""
        return self.checked.differs_ms if self.checked is not None else None

    def tick_beside(self, here_ms: int, direction: int) -> int | None:
        """The moment of the event before (-1) or after (1) another moment; None when there is none."""
        found = (*(at_ms for at_ms, _ in self.ticks), self.differs_ms)
        moments = sorted({at_ms for at_ms in found if at_ms is not None})
        if direction < 0:
            return next((ms for ms in reversed(moments) if ms < here_ms - SAME_MS), None)
        return next((ms for ms in moments if ms > here_ms + SAME_MS), None)

    def next_busy(self, here_ms: int) -> int | None:
        """The next moment with requests after a stretch without any; None when there is none to skip."""
        for index, rps in enumerate(self.rps_milli):
            at_ms = self.rps_start_ms + index * self.rps_step_ms
            if at_ms > here_ms and rps and not (index and self.rps_milli[index - 1]):
                return at_ms
        return None


def scrubber_lines(place: Place, width: int, look: Look) -> list[Runs]:
    """The bar, and below it how many requests there were, and how much of the recording is proved."""
    line = scrubber_line(place, width, look)
    left, right = cells_of(line[:2]), cells_of(line[-2:])
    cells = width - left - right
    if not place.rps_milli or cells < 8:
        return [line]
    said, tone = checked_words(place, look)
    return [line, [(" " * left, ""), (_spark(place, cells, look), "spark"), (look.fit(f" {said}", right), tone)]]


def checked_words(place: Place, look: Look) -> tuple[str, str]:
    """Whether the recording is what was recorded, in a few words, and their tone."""
    checked = place.checked
    if checked is None:
        return "", ""
    count = f"{checked.agreed} of {checked.of}"
    said, tone = f"✔ {count} verified", "good"
    if checked.differs_ms is not None:
        said, tone = f"✘ differs at {duration(checked.differs_ms - place.first_ms)}", "bad"
    elif not checked.is_done:
        said, tone = f"◐ {count} verified" if checked.of else "◐ verifying", "dim"
    elif not checked.of:
        said, tone = "◌ nothing to verify", "dim"
    elif not checked.agreed:
        said, tone = "◌ of another version", "warn"
    elif checked.is_chain:
        said = f"✔ {count} by chain"  # its states have another shape, its entries are the same
    return look.own(said), tone


def _spark(place: Place, cells: int, look: Look) -> str:
    """Requests under the bar, moment under moment."""
    length_ms = max(place.last_ms - place.first_ms, 1)
    shown: list[int] = []
    for x in range(cells):
        at_ms = place.first_ms + length_ms * x // max(cells - 1, 1)
        index = (at_ms - place.rps_start_ms) // place.rps_step_ms
        shown.append(place.rps_milli[index] if 0 <= index < len(place.rps_milli) else 0)
    return spark(shown, cells, look)


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
    if place.differs_ms is not None:
        x = min(max(place.differs_ms - place.first_ms, 0), length_ms) * (cells - 1) // length_ms
        bar[x] = (look.own("✘"), "bad")
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
        lines = scrubber_lines(self._place, self.size.width, self.look)
        self.show_lines(lines)
        self.styles.height = len(lines)

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was hit."""
        if not self.lines or len(self.lines[0]) < 5:
            return
        line = self.lines[0]
        left, right = cells_of(line[:2]), cells_of(line[-2:])
        cells = self.size.width - left - right
        if left <= event.x < left + cells:
            self.post_message(self.Sought(1000 * (event.x - left) // max(cells - 1, 1)))
