"""A screen that is laid out for the size that the terminal has, never for one that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.events import Resize
from textual.screen import Screen

if TYPE_CHECKING:
    from textual.events import Event


class Steady(Screen[None]):
    """The base of the screens that fill the terminal.

    A screen that is laid out for another size tells itself so by one more event. With two sizes on their way, as when
    somebody drags a window's corner, either begets the other for ever, and the terminal hangs.
    """

    async def on_event(self, event: Event) -> None:
        """Heed everything but a size of before: the one that holds is told as well."""
        if not isinstance(event, Resize) or event.size == self.app.size:
            await super().on_event(event)
