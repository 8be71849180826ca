"""A box to tick that can be told ticked from empty without colours."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox

from tidal.tui.widgets.entry import KeysAtOnce


class Tick(KeysAtOnce, Checkbox):
    """[x] or [ ] before a name; Textual's own shows the same X twice, bright or dim."""

    def __init__(self, name: str, *, ticked: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(Content(name), ticked, name=name, id=id, compact=True)

    @property
    def _button(self) -> Content:
        return Content.styled("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button"))
