"""A screen that is laid out for the size that the terminal has, never for one that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.command import CommandPalette
from textual.events import Resize
from textual.screen import Screen, ScreenResultType

if TYPE_CHECKING:
    from textual.events import Event


class Steady(Screen[ScreenResultType]):
    """The base of every screen, of questions as well: they fill the terminal, even where what is below shows through.

    A screen that is laid out for another size tells itself so by one more event. With two sizes on their way, as when
    somebody drags a window's corner, either begets the other for ever, and the terminal hangs.

    It stands last among the bases: Textual takes the style of a screen from the first one alone.
    """

    async def on_event(self, event: Event) -> None:
        """Heed everything but a size of before: the one that holds is told as well."""
        if not isinstance(event, Resize) or event.size == self.app.size:
            await super().on_event(event)


class Palette(CommandPalette, Steady[None]):
    """The palette of commands, and that of themes."""
