"""A view that is lines: built anew for each picture by a pure function of a width, scrolled by keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tidal.tui.look import Look, Toned

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import BindingType

    from tidal.tui.widgets.canvas import Runs

    Build = Callable[[int, int, bool], list[Runs]]
    """From width, height and whether grounds may be tinted to lines."""


class Page(Toned, ScrollView, can_focus=True):
    """Lines under a scroll bar; `show` takes what builds them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("g", "scroll(-1000000)", "To the top", show=False),
        Binding("G", "scroll(1000000)", "To the bottom", show=False),
    ]

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(**names)
        self.look = look
        self._build: Build | None = None
        self._lines: list[Runs] = []

    @property
    def lines(self) -> list[Runs]:
        """What is shown, as toned text."""
        return self._lines

    def show(self, build: Build) -> None:
        """Draw another picture."""
        self._build = build
        self._draw()

    def on_resize(self) -> None:
        """Draw anew for another size."""
        self._draw()

    def notify_style_update(self) -> None:
        """Another theme may have no tints."""
        super().notify_style_update()
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        if self._build is None or not self.size.width:
            return
        lines = self._build(self.size.width, self.size.height, self.fills)
        if lines != self._lines:
            self._lines = lines
            self.virtual_size = Size(self.size.width, len(lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = y + self.scroll_offset.y
        runs = self._lines[index] if index < len(self._lines) else []
        strip = Strip([Segment(said, self.ink(tone)) for said, tone in runs])
        return strip.adjust_cell_length(self.size.width, self.ink(""))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)

    def action_page(self, pages: int) -> None:
        """Scroll by what fits the screen."""
        self.action_scroll(pages * max(self.size.height - 1, 1))
