"""The form that starts a run when nothing was given on the command line. It checks as you type."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding
from textual.containers import Container, Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Button, Checkbox, Footer, Input, Label, Static

from tidal.errors import TidalError
from tidal.model.events import ClassSpec, RunOptions
from tidal.tui import own
from tidal.tui.choice import argument_field, choice_of, complaints, typed_of, with_argument, with_field
from tidal.tui.feed import Feed, Inspector, Operator, StartChoice, Starter
from tidal.tui.widgets.entry import Entry
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from tidal.model.pipe import ArgumentSpec
    from tidal.tui.look import Look

INSPECT_AFTER_S = 0.4
"""The file is looked at when nothing was typed for so long: importing it takes a process."""
LABEL_CELLS = 14
_OWN = "own-"
"""What the ids of the fields of the file's own arguments begin with; their number follows."""
_PAIRS = (("users", "Users"), ("rate", "Spawn rate /s"), ("run_time", "Run time"), ("processes", "Processes"))
_HINTS = {"file": "locustfile.py", "host": "the file's own", "run_time": "until stopped", "processes": "one per core"}


def _absolute(file: str) -> str:
    return str(Path(file).expanduser().absolute())


class Start(Screen[None]):
    """File, user classes, users, spawn rate, run time, host, processes; enter or the button starts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start"),
        Binding("escape", "app.quit", "Quit"),
        # By priority, so that what is typed ahead in one go, Tab and all, reaches the field that it is meant for.
        Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
    ]

    class Begun(Message):
        """A run was started."""

        def __init__(self, feed: Feed, operator: Operator) -> None:
            super().__init__()
            self.feed = feed
            self.operator = operator

    def __init__(
        self,
        starter: Starter | None,
        defaults: StartChoice | RunOptions | None,
        inspector: Inspector | None,
        look: Look,
    ) -> None:
        super().__init__()
        self._starter, self._inspector, self._look = starter, inspector, look
        self._defaults = (
            StartChoice(options=defaults) if isinstance(defaults, RunOptions) else defaults or StartChoice()
        )
        self._typed = typed_of(self._defaults)
        self._inspected = ""  # the file that the classes are of
        self._file_complaint = ""
        self._later: Timer | None = None
        self._is_starting = False

    # -------------------------------------------------------------- parts

    def compose(self) -> ComposeResult:
        """The form, one line a field so that it fits the smallest terminal."""
        with Container(classes="box", id="form") as box:
            box.border_title = "tidal"
            box.border_subtitle = self._look.own("start a load test")
            yield from self._field("file", "File")
            with Horizontal(classes="field", id="class-field"):
                yield Label("User classes")
                yield VerticalScroll(id="classes", can_focus=False)
            for (a, a_label), (b, b_label) in (_PAIRS[:2], _PAIRS[2:]):
                with Horizontal(classes="pair"):
                    yield from self._field(a, a_label)
                    yield from self._field(b, b_label)
            yield from self._field("host", "Host")
            yield VerticalScroll(id="own", can_focus=False)
            yield Static("", id="wrong", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="primary", compact=True)
        yield Footer(compact=True)

    def _field(self, name: str, label: str) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Label(label)
            yield Entry(getattr(self._typed, name), placeholder=_HINTS.get(name, ""), id=name, compact=True)

    def on_mount(self) -> None:
        """Begin with what the command line said."""
        self.query_one("#class-field").display = self.query_one("#own").display = False
        self._look_at_file()
        self._tell()

    # -------------------------------------------------------------- typing

    @on(Input.Changed)
    def _field_changed(self, event: Input.Changed) -> None:
        name = event.input.id or ""
        if name.startswith(_OWN):
            self._give(name, event.value)
            return
        if getattr(self._typed, name) == event.value:
            return
        self._typed = with_field(self._typed, name, event.value)
        if name == "file":
            if self._later is not None:
                self._later.stop()
            self._later = self.set_timer(INSPECT_AFTER_S, self._look_at_file)
        self._tell()

    def _give(self, field: str, text: str) -> None:
        """Take a text for one of the file's own arguments."""
        argument = self._typed.arguments[int(field.removeprefix(_OWN))]
        self._typed = with_argument(self._typed, argument.name, text)
        self._tell()

    @on(Checkbox.Changed)
    def _ticked(self, event: Checkbox.Changed) -> None:
        field = event.checkbox.id or ""
        if field.startswith(_OWN):
            self._give(field, own.TICKED if event.value else own.EMPTY)
            return
        ticks = zip(self._typed.known, self.query_one("#classes").query(Tick), strict=False)
        self._typed = replace(self._typed, classes=tuple(name for name, tick in ticks if tick.value))
        self._tell()

    def _tell(self) -> None:
        """Mark the fields that are wrong, and say the first complaint."""
        wrong = complaints(self._typed)
        if self._file_complaint and "file" not in wrong:
            wrong["file"] = self._file_complaint
        wrong_fields = {
            *wrong,
            *(_OWN + str(i) for i, a in enumerate(self._typed.arguments) if argument_field(a) in wrong),
        }
        for field in self.query(Input):
            field.set_class((field.id or "") in wrong_fields, "-wrong")
        if not self._is_starting:
            self._say(next(iter(wrong.values()), ""), tone="wrong")
        self.query_one("#start", Button).disabled = bool(wrong) or self._is_starting or self._starter is None

    def _say(self, message: str, tone: str) -> None:
        line = self.query_one("#wrong", Static)
        line.update(Text(self._look.outside(self._look.own(message))))
        line.set_classes(f"-{tone}")

    # -------------------------------------------------------------- the file

    @work(exclusive=True, group="inspect")
    async def _look_at_file(self) -> None:
        """Ask in a thread which user classes the file defines."""
        file = self._typed.file.strip()
        if self._inspector is None or not file or file == self._inspected:
            return
        try:
            loaded = await asyncio.to_thread(self._inspector, _absolute(file))
        except TidalError as error:
            await self._offer((), file, str(error))
            await self._offer_arguments(())
        else:
            await self._offer(loaded.classes, file, "")
            await self._offer_arguments(tuple(argument for argument in loaded.arguments if argument.in_form))

    async def _offer(self, classes: tuple[ClassSpec, ...], file: str, complaint: str) -> None:
        """Show the classes of a file, all chosen unless the command line named some."""
        known = tuple(spec.name for spec in classes)
        named = set(self._defaults.options.classes) & set(known) or set(known)
        self._inspected, self._file_complaint = file, complaint
        self._typed = replace(self._typed, known=known, classes=tuple(name for name in known if name in named))
        listed = self.query_one("#classes")
        await listed.remove_children()
        await listed.mount_all(Tick(self._look.outside(name), ticked=name in named) for name in known)
        self.query_one("#class-field").display = bool(known)
        self._tell()

    async def _offer_arguments(self, arguments: tuple[ArgumentSpec, ...]) -> None:
        """A field for each of the file's own arguments; what was typed for one of that name stays."""
        given = {name: text for name, text in self._typed.given if name in {argument.name for argument in arguments}}
        self._typed = replace(self._typed, arguments=arguments, given=tuple(given.items()))
        listed = self.query_one("#own")
        await listed.remove_children()
        await listed.mount_all(self._own_field(i, argument, given) for i, argument in enumerate(arguments))
        listed.display = bool(arguments)
        self._tell()

    def _own_field(self, index: int, argument: ArgumentSpec, given: dict[str, str]) -> Horizontal:
        text, field = given.get(argument.name, own.text_of(argument)), f"{_OWN}{index}"
        label = Label(self._look.fit(self._look.outside(own.label_of(argument)), LABEL_CELLS), markup=False)
        if own.is_box(argument):
            hint = self._look.outside(own.hint_of(argument))
            return Horizontal(label, Tick(hint, ticked=text == own.TICKED, id=field), classes="field")
        entry = Entry(
            text,
            placeholder=self._look.outside(own.hint_of(argument)),
            password=argument.is_secret,
            suggester=SuggestFromList(argument.choices) if argument.choices else None,
            id=field,
            compact=True,
        )
        return Horizontal(label, entry, classes="field")

    # -------------------------------------------------------------- starting

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def action_start(self) -> None:
        """Start, unless something is wrong."""
        if self._is_starting or self._starter is None:
            return
        if complaints(self._typed):
            self.app.bell()
            return
        choice = choice_of(self._typed, self._defaults.options)
        self._begin(self._starter, replace(choice, file=_absolute(choice.file)))

    @work(exclusive=True, group="start")
    async def _begin(self, starter: Starter, choice: StartChoice) -> None:
        """Call the starter in a thread: it may take seconds."""
        self._is_starting = True
        self._tell()
        self._say("starting …", tone="busy")
        try:
            feed, operator = await asyncio.to_thread(starter, choice)
        except Exception as error:  # noqa: BLE001 whatever went wrong, the form stays and says it
            self._is_starting = False
            self._tell()
            self._say(str(error) or type(error).__name__, tone="wrong")
        else:
            self.post_message(self.Begun(feed, operator))
