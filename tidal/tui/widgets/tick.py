"""A box to tick that can be told ticked from empty without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Checkbox

from tidal.tui.widgets.entry import act_at_once

if TYPE_CHECKING:
    from textual.events import Key


class Tick(Checkbox):
    """[x] or [ ] before a name; Textual's own shows the same X twice, bright or dim."""

    def __init__(self, name: str, *, ticked: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(Content(name), ticked, name=name, id=id, compact=True)

    async def on_key(self, event: Key) -> None:
        """Take the box's own keys at once."""
        await act_at_once(self, event)

    @property
    def _button(self) -> Content:
        return Content.styled("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button"))
