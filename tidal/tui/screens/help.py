"""Every key of the dashboard, in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

Keys = tuple[tuple[str, str], ...]

LOOKING: Keys = (
    ("1 - 7", "requests, workers, failures, exceptions, events, ledger, charts"),
    ("j  k", "move the cursor, as the arrows do; g first, G last"),
    ("enter", "all of a row: every figure, the whole traceback"),
    ("s  S", "sort by the next column; turn the order; or click it"),
    ("/", "filter: words to find, !word to leave out; esc clears"),
    ("f", "freeze the screen; the figures go on behind it"),
    ("ctrl+p", "every action by name, themes, a screenshot"),
    ("esc  q", "back; quit"),
)
STEERING: Keys = (
    ("u", "change the number of users"),
    ("n", "write a note into the log"),
    ("x", "stop the run (asks)"),
    ("d", "detach: the run goes on without this terminal"),
)
REPLAYING: Keys = (
    ("space", "play or pause"),
    ("left right", "5 s back or forth; with shift 60 s"),
    ("home end", "the start, the end"),
    ("<  >", "slower, faster"),
)


class Help(ModalScreen[None]):
    """The keys, as far as they are valid now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Back")]

    def __init__(self, *, replay: bool, steering: bool) -> None:
        super().__init__()
        self._groups = [("Look", LOOKING)]
        if steering:
            self._groups.append(("Steer", STEERING))
        if replay:
            self._groups.append(("Replay", REPLAYING))

    def compose(self) -> ComposeResult:
        """A box that fits 80x24."""
        with Container(classes="box -large") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc back"
            with VerticalScroll():
                yield Static(self._text())

    def _text(self) -> Text:
        lines = Text()
        for title, keys in self._groups:
            lines.append(f"{title}\n", "bold")
            for key, meaning in keys:
                lines.append(f"  {key:<12}", "bold").append(f"{meaning}\n")
        return lines
