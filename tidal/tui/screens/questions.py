"""The small questions: leave, stop, how many users, a note. Each has a safe default and goes away with esc."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, Horizontal
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from tidal.model.events import TEXT_MAX, USERS_MAX
from tidal.model.struct import Struct
from tidal.model.words import plural
from tidal.tui.screens.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

HEIRS_MAX = 4
"""Workers that are named as those who take over."""


class Choice(ModalScreen[str], Steady[str]):
    """One question, a few buttons; the first one is the default. Answers with a button's id, esc with ""."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('')", "Back"),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str, question: str, choices: dict[str, str]) -> None:
        """Ask `question`; `choices` are ids and labels, whose first letters are keys, too."""
        super().__init__()
        self._title, self._question, self._choices = title, question, choices
        for answer, label in choices.items():
            self._bindings.bind(label[0].lower(), f"answer('{answer}')", label, show=False)

    def compose(self) -> ComposeResult:
        """A box with the question above the buttons."""
        with Container(classes="box") as box:
            box.border_title = self._title
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                for answer, label in self._choices.items():
                    yield Button(label, id=f"answer-{answer}", compact=True)

    def on_mount(self) -> None:
        """The default has the focus."""
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def action_answer(self, answer: str) -> None:
        """Answer by key."""
        self.dismiss(answer)


def leave_question(*, outlives: bool = True) -> Choice:
    """Detach or stop, when somebody quits a live run; of a run that ends with its terminal, whether it shall."""
    if not outlives:
        return Choice(
            "Leave the demo",
            "Its shop closes with it, so the run ends, too.\nWhat ran so far can be rewound: `tidal replay latest`.",
            {"stop": "Stop the run", "cancel": "Cancel"},
        )
    return Choice(
        "Leave a running test",
        "Detach: the test goes on without this terminal; come back with `tidal attach`.\n"
        "Stop: the users stop, then this terminal closes.",
        {"detach": "Detach", "stop": "Stop the run", "cancel": "Cancel"},
    )


def pause_question() -> Choice:
    """Whether the run shall really stand still."""
    return Choice(
        "Pause the run",
        "Nobody runs and nothing arrives until the run goes on where it stood;\n"
        "the gap stays in its log and its figures.",
        {"cancel": "Cancel", "pause": "Pause"},
    )


def drain_question(name: str, users: int, heirs: Sequence[str]) -> Choice:
    """Whether a worker shall really be let go; who takes its users."""
    few = ", ".join(heirs[:HEIRS_MAX]) + (f" and {len(heirs) - HEIRS_MAX} more" if len(heirs) > HEIRS_MAX else "")
    what = (
        f"Its {plural(users, 'user')} {'moves' if users == 1 else 'move'} to {few}"
        if users
        else f"It runs no users now; its share goes to {few}"
    )
    return Choice(
        f"Drain {name}",
        f"{what}, which takes about a second.\n"
        f"Then {name} hands in its last report and ends. The load holds.\n"
        "It cannot be taken back: start a worker anew to have its cores again.",
        {"cancel": "Cancel", "drain": f"Drain {name}"},
    )


def stop_question() -> Choice:
    """Whether the run shall really stop."""
    return Choice(
        "Stop the run",
        "All users stop; tasks under way may end within the stop timeout.\nThe run cannot be resumed.",
        {"cancel": "Cancel", "stop": "Stop the run"},
    )


class WantedUsers(Struct, frozen=True):
    """The answer to how many users there shall be; the rate is in users a second, None: as planned."""

    users: int
    spawn_rate: float | None


def users_of(users: str, rate: str) -> WantedUsers:
    """What was typed as a wish; ValueError says what is wrong with it."""
    try:
        wanted = int(users.replace(",", "").replace("_", "").strip())
    except ValueError:
        raise ValueError("users: a whole number") from None
    if not 0 <= wanted <= USERS_MAX:
        raise ValueError(f"users: 0 to {USERS_MAX:,}")
    return WantedUsers(wanted, rate_of(rate))


def rate_of(typed: str) -> float | None:
    """A spawn rate in users a second; None when nothing was typed; ValueError otherwise."""
    if not typed.strip():
        return None
    try:
        rate = float(typed)
    except ValueError:
        raise ValueError("spawn rate: users a second, such as 10 or 0.5") from None
    if not math.isfinite(rate) or rate <= 0:
        raise ValueError("spawn rate: more than 0 users a second")
    return rate


class UsersQuestion(ModalScreen["WantedUsers | None"], Steady["WantedUsers | None"]):
    """How many users, and how fast they come or go."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, planned: int) -> None:
        super().__init__()
        self._planned = planned

    def compose(self) -> ComposeResult:
        """Two fields and what is wrong with them."""
        with Container(classes="box") as box:
            box.border_title = "Change users"
            box.border_subtitle = "enter change, esc back"
            with Horizontal(classes="field"):
                yield Label("Users")
                yield Input(str(self._planned), id="users", compact=True)
            with Horizontal(classes="field"):
                yield Label("Spawn rate /s")
                yield Input(placeholder="as planned", id="rate", compact=True)
            yield Static("", id="wrong", markup=False)

    def _wanted(self) -> WantedUsers:
        return users_of(self.query_one("#users", Input).value, self.query_one("#rate", Input).value)

    @on(Input.Changed)
    def _check(self) -> None:
        try:
            self._wanted()
        except ValueError as error:
            self.query_one("#wrong", Static).update(str(error))
        else:
            self.query_one("#wrong", Static).update("")

    @on(Input.Submitted)
    def _submit(self) -> None:
        try:
            self.dismiss(self._wanted())
        except ValueError:
            self.app.bell()


class NoteQuestion(ModalScreen[str], Steady[str]):
    """A note for the log."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Back")]

    def compose(self) -> ComposeResult:
        """One field."""
        with Container(classes="box") as box:
            box.border_title = "Note"
            box.border_subtitle = "enter write, esc back"
            yield Input(
                placeholder="deployed 1.4.2, cache cleared", max_length=min(TEXT_MAX, 500), id="note", compact=True
            )

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
