"""What stands on a terminal that is too small for figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Static

from tidal.tui.screens.steady import Steady

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

WIDTH_MIN, HEIGHT_MIN = 60, 16


def is_too_small(width: int, height: int) -> bool:
    """Whether the dashboard cannot be read in so many cells."""
    return width < WIDTH_MIN or height < HEIGHT_MIN


class TooSmall(Steady[None], ModalScreen[None]):
    """Asks for a larger terminal; the app takes it away when it is large enough.

    There is no room for a question, so q leaves and lets the run go on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.interrupt", "Quit")]

    def compose(self) -> ComposeResult:
        """One message."""
        yield Static("", id="small")

    def on_resize(self, event: Resize) -> None:
        """Say how large it is now."""
        width, height = event.size
        self.query_one("#small", Static).update(f"enlarge to {WIDTH_MIN}x{HEIGHT_MIN}\n(now {width}x{height})")
