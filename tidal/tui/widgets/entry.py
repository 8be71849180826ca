"""A field of text that takes its keys in the order in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import NoBinding
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.events import Key


class Entry(Input):
    """An input whose own keys (backspace, arrows, enter) act at once.

    Textual's passes them up to the app and acts when they come back: what was typed behind them is in the field by
    then, so what is typed ahead in one go would come out in another order.
    """

    async def on_key(self, event: Key) -> None:
        """Act on a key that the field has a binding for; letters go on to Textual."""
        try:
            binding = self._bindings.get_bindings_for_key(event.key)[0]
        except NoBinding:
            return
        event.stop()
        event.prevent_default()
        await self.run_action(binding.action)

    @property
    def _value(self) -> Text:
        """A hidden text in dots, or in stars where the terminal has no dots."""
        shown = super()._value
        if not self.password or not self.app.has_class("-ascii"):
            return shown
        return Text("*" * len(shown), no_wrap=True, overflow="ignore", end="")
