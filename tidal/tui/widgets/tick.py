"""A box to tick that can be told ticked from empty without colours."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """[x] or [ ] before a name; Textual's own shows the same X twice, bright or dim."""

    def __init__(self, name: str, *, ticked: bool) -> None:
        super().__init__(Content(name), ticked, name=name, compact=True)

    @property
    def _button(self) -> Content:
        return Content.styled("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button"))
