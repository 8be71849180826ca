"""The form that starts a run when nothing was given on the command line. It checks as you type.

The form is texts (`tidal.tui.choice.Typed`); the desk behind it says what they come to, in the command line's words.
What is wrong stands below its field; what would happen is drawn beside it, or below where there is no room.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding
from textual.containers import Container, Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, Label, Static

from tidal.errors import TidalError
from tidal.model.struct import replace
from tidal.model.words import plural
from tidal.tui import own
from tidal.tui.choice import (
    Typed,
    argument_field,
    count_text,
    memory_name,
    plan_text,
    recalled,
    remembered,
    weight_text,
    with_field,
    with_one,
)
from tidal.tui.feed import Company, Desk, Feed, Operator, Outlook
from tidal.tui.memory import Memory, ShortMemory
from tidal.tui.screens.fields import CLASS, COUNT, HINTS, OWN, WEIGHT, class_row, own_row, row_of
from tidal.tui.screens.steady import Steady
from tidal.tui.widgets.entry import Entry
from tidal.tui.widgets.forecast import Forecast, shares_of
from tidal.tui.widgets.keybar import KeyBar
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from tidal.tui.look import Look

INSPECT_AFTER_S = 0.4
"""The file is looked at when nothing was typed for so long: importing it takes a process."""
COMPANY_S = 1.0
"""How often the fleet is looked at."""
_ROWS = (("file",), ("classes",), ("users", "rate"), ("plan",), ("run_time", "processes"), ("host",),
         ("tags", "exclude_tags"))  # fmt: skip
_LISTS = {WEIGHT: "weights", COUNT: "counts"}


def _absolute(file: str) -> str:
    return ",".join(str(Path(one.strip()).expanduser().absolute()) for one in file.split(",") if one.strip())


class Start(Steady[None]):
    """File, classes, load, run time, host, tags, who runs it; enter, ctrl+s or the button starts."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (76, "-normal"), (110, "-broad"), (160, "-wide")]  # noqa: RUF012 as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (22, "-low"), (28, "-middle"), (42, "-tall")]  # noqa: RUF012 as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", key_display="enter ^s", tooltip="start the run"),
        # By priority, so that what is typed ahead in one go, Tab and all, reaches the field that it is meant for.
        Binding("tab", "app.focus_next", "Next field", key_display="tab", priority=True),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
        Binding("down", "app.focus_next", "Next field", show=False, priority=True),
        Binding("up", "app.focus_previous", "Field before", show=False, priority=True),
        Binding("escape", "app.quit", "Quit", tooltip="nothing was started yet"),
    ]

    class Begun(Message):
        """A run was started."""

        def __init__(self, feed: Feed, operator: Operator) -> None:
            super().__init__()
            self.feed = feed
            self.operator = operator

    def __init__(self, desk: Desk, look: Look, memory: Memory | None = None) -> None:
        super().__init__()
        self._desk, self._look, self._memory = desk, look, memory or ShortMemory()
        self._typed = desk.begin
        self._touched: frozenset[str] = frozenset()  # what was typed into by hand
        self._inspected = ""  # the file that was looked at
        self._file_complaint = ""
        self._outlook, self._company = Outlook(), Company()
        self._later: Timer | None = None
        self._offering = asyncio.Lock()
        self._is_starting = False
        self._forecast = Forecast(look, id="forecast")

    # -------------------------------------------------------------- parts

    def compose(self) -> ComposeResult:
        """The form, one line a field so that it fits the smallest terminal; what it comes to."""
        with Container(id="form"):
            with Container(classes="box", id="asked") as box:
                box.border_title = self._look.own("tidal · start a load test")
                with VerticalScroll(id="fields", can_focus=False):
                    for names in self._rows():
                        yield from self._row(names)
                    yield VerticalScroll(id="own", can_focus=False)
                with Horizontal(classes="buttons"):
                    yield Static("", id="wrong", markup=False)
                    yield Button("Start", id="start", variant="primary", compact=True)
            with Container(classes="box", id="outlook") as box:
                box.border_title = "what will happen"
                yield self._forecast
        yield KeyBar(compact=True)

    def _rows(self) -> tuple[tuple[str, ...], ...]:
        if self._desk.is_local:
            return _ROWS
        return tuple(
            ("run_time", "expect_workers") if "processes" in names else names for names in (*_ROWS, ("fleet",))
        )

    def _row(self, names: tuple[str, ...]) -> ComposeResult:
        if names == ("classes",):
            yield Container(id="classes")
        else:
            yield row_of({name: getattr(self._typed, name) for name in names}, self._look)
        for name in names:
            yield Static("", id=f"mistake-{name}", classes="mistake", markup=False)

    def on_mount(self) -> None:
        """Begin with what the command line said, and look who is there."""
        self.query_one("#own").display = self.query_one("#classes").display = False
        self._look_at_file()
        self._look_around()
        if not self._desk.is_local:
            self.set_interval(COMPANY_S, self._look_around)
        self._tell()

    # -------------------------------------------------------------- typing

    @on(Input.Changed)
    def _field_changed(self, event: Input.Changed) -> None:
        name = event.input.id or ""
        kind, _, number = name.rpartition("-")
        if number.isdigit():
            self._give(kind + "-", int(number), event.value)
            return
        if getattr(self._typed, name) == event.value:
            return
        self._typed = with_field(self._typed, name, event.value)
        self._touched |= {name}
        if name == "file":
            if self._later is not None:
                self._later.stop()
            self._later = self.set_timer(INSPECT_AFTER_S, self._look_at_file)
        if name == "fleet":
            self._look_around()
        self._tell()

    def _give(self, kind: str, number: int, text: str) -> None:
        """Take a text for a class's weight or count, or for one of the file's own arguments."""
        of = _LISTS.get(kind, "given")
        names = [a.name for a in (self._typed.arguments if kind == OWN else self._typed.known)]
        if number < len(names) and text != self._shown(kind, number):
            self._typed = with_one(self._typed, of, names[number], text)
            self._touched |= {of}
            self._tell()

    def _shown(self, kind: str, number: int) -> str:
        """What such a field stands at."""
        if kind == OWN:
            argument = self._typed.arguments[number]
            return dict(self._typed.given).get(argument.name, own.text_of(argument))
        spec = self._typed.known[number]
        if kind == WEIGHT:
            return dict(self._typed.weights).get(spec.name, weight_text(spec))
        return dict(self._typed.counts).get(spec.name, count_text(spec))

    @on(Checkbox.Changed)
    def _ticked(self, event: Checkbox.Changed) -> None:
        kind, _, number = (event.checkbox.id or "").rpartition("-")
        if kind + "-" == OWN:
            self._give(OWN, int(number), own.TICKED if event.value else own.EMPTY)
            return
        ticks = [self.query_one(f"#{CLASS}{i}", Tick).value for i in range(len(self._typed.known))]
        chosen = tuple(spec.name for spec, ticked in zip(self._typed.known, ticks, strict=True) if ticked)
        self._typed, self._touched = replace(self._typed, classes=chosen), self._touched | {"classes"}
        self._tell()

    # -------------------------------------------------------------- what it comes to

    def _tell(self) -> None:
        """Say what is wrong below its field, and draw what would happen."""
        now = self._desk.outlook(self._typed)
        wrong = dict(now.wrong)
        if self._file_complaint and "file" not in wrong:
            wrong["file"] = self._file_complaint
        self._outlook = now if not now.wrong else replace(self._outlook, wrong=now.wrong)
        self._mark(wrong)
        for name in ("users", "rate"):
            field = self.query_one(f"#{name}", Input)
            field.disabled = self._typed.is_planned
            field.placeholder = "by stages" if self._typed.is_planned else HINTS[name]
        for i, words in enumerate(self._share_words()):
            for label in self.query(f"#share-{i}").results(Label):
                label.update(words)
        if not self._is_starting:
            self._say("", tone="wrong")
        self.query_one("#start", Button).disabled = bool(wrong) or self._is_starting
        self._draw_outlook()

    def _mark(self, wrong: dict[str, str]) -> None:
        """Mark the fields that are wrong, each with its complaint below."""
        places = {argument_field(a): f"{OWN}{i}" for i, a in enumerate(self._typed.arguments)}
        told = {places.get(name, name): why for name, why in wrong.items()}
        for field in self.query(Input):
            field.set_class((field.id or "") in told, "-wrong")
        for line in self.query(".mistake").results(Static):
            why = told.get((line.id or "").removeprefix("mistake-"), "")
            line.display = bool(why)
            line.update(Text(self._look.outside(self._look.own(why))))

    def _share_words(self) -> list[str]:
        shares = shares_of(self._outlook.planned, self._outlook.classes)
        return [plural(shares[spec.name], "user") if spec.name in shares else "" for spec in self._typed.known]

    def _draw_outlook(self) -> None:
        self._forecast.show((self._outlook, self._company))

    def _say(self, message: str, tone: str) -> None:
        line = self.query_one("#wrong", Static)
        line.update(Text(self._look.outside(self._look.own(message))))
        line.set_classes(f"-{tone}")

    @work(exclusive=True, group="company")
    async def _look_around(self) -> None:
        """Ask in a thread who would run it."""
        company = await asyncio.to_thread(self._desk.company, self._typed.fleet.strip())
        if company != self._company:
            self._company = company
            self._draw_outlook()

    # -------------------------------------------------------------- the file

    @work(exclusive=True, group="inspect")
    async def _look_at_file(self) -> None:
        """Ask in a thread what the file holds, and offer it as it was left last time."""
        file = self._typed.file.strip()
        if not file or file == self._inspected:
            return
        try:
            loaded = await asyncio.to_thread(self._desk.inspect, file)
        except TidalError as error:
            self._file_complaint = str(error)
            self._typed = replace(self._typed, loaded=None)
        else:
            self._file_complaint = ""
            memory = self._memory.get(memory_name(_absolute(file)))
            self._typed = recalled(replace(self._typed, loaded=loaded), memory, self._desk.begin, self._touched)
        self._inspected = file
        await asyncio.shield(self._offer())  # another look may cancel this one; a form that changes does so to the end

    async def _offer(self) -> None:
        """Show the file's classes and arguments, and what the other fields were left at; one offer after the other."""
        async with self._offering:
            await self._offer_what_is_typed()

    async def _offer_what_is_typed(self) -> None:
        typed = self._typed
        for field in self.query(Entry):
            if (text := getattr(typed, field.id or "", None)) is not None and field.value != text:
                field.value = text
        plan = plan_text(typed.loaded.plan if typed.loaded else ())
        self.query_one("#plan", Entry).placeholder = (
            self._look.outside(f"the file's: {plan}") if plan else HINTS["plan"]
        )
        listed = self.query_one("#classes")
        await listed.remove_children()
        await listed.mount_all(
            class_row(
                i,
                self._look.outside(spec.name),
                spec.name in typed.classes,
                self._shown(WEIGHT, i),
                self._shown(COUNT, i),
            )
            for i, spec in enumerate(typed.known)
        )
        listed.display = bool(typed.known)
        await self._offer_arguments()
        self._tell()

    async def _offer_arguments(self) -> None:
        listed = self.query_one("#own")
        await listed.remove_children()
        for i, argument in enumerate(self._typed.arguments):
            mistake = Static("", id=f"mistake-{OWN}{i}", classes="mistake", markup=False)
            await listed.mount_all([own_row(i, argument, self._shown(OWN, i), self._look), mistake])
        listed.display = bool(self._typed.arguments)

    # -------------------------------------------------------------- starting

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def action_start(self) -> None:
        """Start, unless something is wrong."""
        if self._is_starting:
            return
        if self._desk.outlook(self._typed).wrong:
            self.app.bell()
            return
        self._begin(self._typed)

    @work(exclusive=True, group="start")
    async def _begin(self, typed: Typed) -> None:
        """Have it started in a thread: it may take seconds."""
        self._is_starting = True
        self._tell()
        self._say("starting …", tone="busy")
        try:
            feed, operator = await asyncio.to_thread(self._desk.start, typed)
        except Exception as error:  # noqa: BLE001 whatever went wrong, the form stays and says it
            self._is_starting = False
            self._tell()
            self._say(str(error) or type(error).__name__, tone="wrong")
        else:
            if left := remembered(typed):
                self._memory.put(memory_name(_absolute(typed.file)), left)
            self.post_message(self.Begun(feed, operator))
