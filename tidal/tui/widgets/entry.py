"""Fields that take their keys in the order in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import NoBinding
from textual.widget import Widget
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.events import Key


class KeysAtOnce(Widget):
    """A widget whose own keys (backspace, arrows, space) act at once.

    Textual passes them up to the app and acts when they come back: what was typed behind them is in the field by then,
    or another field has the focus, so what is typed ahead in one go would come out otherwise.
    """

    async def on_key(self, event: Key) -> None:
        """Act on a key that the widget has a binding for; letters go on to Textual."""
        try:
            binding = self._bindings.get_bindings_for_key(event.key)[0]
        except NoBinding:
            return
        event.stop()
        event.prevent_default()
        await self.run_action(binding.action)


class Entry(KeysAtOnce, Input):
    """A field of text."""

    @property
    def _value(self) -> Text:
        """A hidden text in dots, or in stars where the terminal has no dots."""
        shown = super()._value
        if not self.password or not self.app.has_class("-ascii"):
            return shown
        return Text("*" * len(shown), no_wrap=True, overflow="ignore", end="")
