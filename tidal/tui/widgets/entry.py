"""Fields that take their keys in the order in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import NoBinding
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.events import Key
    from textual.widget import Widget


async def act_at_once(widget: Widget, event: Key) -> None:
    """Act now on a key that the widget has a binding for (backspace, arrows, space); letters go on to Textual.

    Textual passes such keys up to the app and acts when they come back: what was typed behind them is in the field by
    then, or another field has the focus, so what is typed ahead in one go would come out otherwise.
    """
    try:
        binding = widget._bindings.get_bindings_for_key(event.key)[0]  # noqa: SLF001 - there is no public way to ask
    except NoBinding:
        return
    event.stop()
    event.prevent_default()
    await widget.run_action(binding.action)


class Entry(Input):
    """A field of text."""

    async def on_key(self, event: Key) -> None:
        """Take the field's own keys at once."""
        await act_at_once(self, event)

    @property
    def _value(self) -> Text:
        """The text without what could steer a terminal; a hidden one in dots, or in stars where there are none."""
        shown = super()._value
        is_ascii = self.app.has_class("-ascii")
        if self.password:
            return Text("*" * len(shown), no_wrap=True, overflow="ignore", end="") if is_ascii else shown
        if shown.plain.isprintable() and (shown.plain.isascii() or not is_ascii):
            return shown
        harmless = "".join(c if c.isprintable() and (c.isascii() or not is_ascii) else "?" for c in shown.plain)
        return Text(harmless, no_wrap=True, overflow="ignore", end="")
