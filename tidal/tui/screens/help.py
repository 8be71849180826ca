"""The keys that are valid now: those of the part that has the focus first. Read off the bindings, so always true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tidal.tui.screens.steady import Steady

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.screen import Screen

    from tidal.tui.look import Look

Keys = list[tuple[str, str]]
TITLES = {
    "table": "Table",
    "steer": "Steer the run",
    "view": "Look",
    "replay": "Time",
    "copy": "Take away",
    "app": "tidal",
}
"""What the first part of a binding's id says it is about, in the order of the help."""
KEY_CELLS = 14
_HIDDEN = ("scroll_", "page_")


def groups_of(screen: Screen[Any]) -> list[tuple[str, Keys]]:
    """Keys and their meanings by what they are about; only what is enabled now."""
    found: dict[str, dict[str, list[str]]] = {title: {} for title in TITLES.values()}
    found["Look"]["the views by their digits"] = ["1 … 9 0"]
    for active in screen.active_bindings.values():
        binding = active.binding
        told = binding.tooltip or binding.description
        action = binding.action.removeprefix("app.").removeprefix("screen.")
        is_ours = bool(binding.id) and action.partition("(")[0] != "view" and not action.startswith(_HIDDEN)
        if active.enabled and is_ours and told:
            title = TITLES.get((binding.id or "").partition(".")[0], "tidal")
            found[title].setdefault(told, []).append(screen.app.get_key_display(binding))
    found["tidal"]["every action by name, themes"] = ["^p"]
    return [(title, [(" ".join(dict.fromkeys(keys)), told) for told, keys in rows.items()]) for title, rows in
            found.items() if rows]  # fmt: skip


class Help(ModalScreen[None], Steady[None]):
    """The keys, as far as they are valid now; letters narrow the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "dismiss", "Back"),
        Binding("down", "scroll(1)", "Down", show=False, priority=True),
        Binding("up", "scroll(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "scroll(10)", "Page down", show=False, priority=True),
        Binding("pageup", "scroll(-10)", "Page up", show=False, priority=True),
    ]

    def __init__(self, groups: list[tuple[str, Keys]], look: Look) -> None:
        super().__init__()
        self._groups, self._look = groups, look

    def compose(self) -> ComposeResult:
        """A box that fits 80x24."""
        with Container(classes="box -large") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc back"
            yield Input(placeholder="type to find a key or a word", id="find", compact=True)
            with VerticalScroll(can_focus=False):
                yield Static(self._text(""), id="keys")

    def on_mount(self) -> None:
        """Letters go to the search."""
        self.query_one("#find", Input).focus()

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self.query_one("#keys", Static).update(self._text(event.value.casefold()))

    @on(Input.Submitted)
    def _done(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Scroll the list."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _text(self, wanted: str) -> Text:
        lines = Text()
        for title, keys in self._groups:
            rows = [(key, told) for key, told in keys if wanted in f"{key} {told} {title}".casefold()]
            if rows:
                lines.append(f"{title}\n", "bold")
            for key, told in rows:
                lines.append(f"  {self._look.own(key):<{KEY_CELLS}} ", "bold").append(f"{self._look.own(told)}\n")
        return lines or Text("no key for that", "dim")
