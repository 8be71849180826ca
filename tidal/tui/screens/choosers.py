"""Small lists and fields to choose from: columns, views, a moment, a form to save in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tidal.model.struct import Struct
from tidal.tui.screens.questions import Choice
from tidal.tui.screens.steady import Steady
from tidal.tui.text import duration_ms
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tidal.tui.look import Look
    from tidal.tui.widgets.columns import Column


class ColumnsAnswer(Struct, frozen=True):
    """Which columns are not wanted, and which one sorts ("": as it is)."""

    hidden: frozenset[str]
    sort: str = ""


class ColumnsChooser(ModalScreen["ColumnsAnswer | None"], Steady["ColumnsAnswer | None"]):
    """A box for each column; s sorts by the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("enter", "done", "Done", priority=True),
        Binding("s", "sort", "Sort by it", priority=True),
        Binding("up,k", "app.focus_previous", "Up", show=False),
        Binding("down,j", "app.focus_next", "Down", show=False),
    ]

    def __init__(self, columns: Sequence[Column], hidden: Collection[str], sorted_by: str, look: Look) -> None:
        super().__init__()
        self._columns, self._hidden, self._sorted_by, self._look = columns, hidden, sorted_by, look

    def compose(self) -> ComposeResult:
        """A line a column."""
        with Container(classes="box -small") as box:
            box.border_title = "Columns"
            box.border_subtitle = "space shows, s sorts, enter"
            with VerticalScroll(can_focus=False):
                for column in self._columns:
                    mark = self._look.own(" ▾") if column.key == self._sorted_by else ""
                    title = (column.title or column.key) + mark
                    yield Tick(title, ticked=column.key not in self._hidden, id=f"column-{column.key}")

    def action_done(self, sort: str = "") -> None:
        """Take what is ticked."""
        ticks = self.query(Tick)
        hidden = frozenset(c.key for c, tick in zip(self._columns, ticks, strict=True) if not tick.value)
        self.dismiss(ColumnsAnswer(hidden, sort))

    def action_sort(self) -> None:
        """Sort by the column under the cursor."""
        focused = self.focused
        if focused is not None and focused.id:
            self.action_done(focused.id.removeprefix("column-"))


class ViewsMenu(ModalScreen[str], Steady[str]):
    """The views, each with its digit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v", "dismiss('')", "Back"),
        Binding("k", "up", "Up", show=False),
        Binding("j", "down", "Down", show=False),
    ]

    def __init__(self, views: Sequence[str], shown: str) -> None:
        super().__init__()
        self._views, self._shown = list(views), shown

    def compose(self) -> ComposeResult:
        """A line a view."""
        with Container(classes="box -small") as box:
            box.border_title = "Views"
            box.border_subtitle = "enter shows, esc back"
            keys = [*"1234567890", *[" "] * len(self._views)]
            yield OptionList(
                *(Option(f"{key}  {name.capitalize()}", id=name) for key, name in zip(keys, self._views, strict=False)),
                markup=False,
                compact=True,
            )

    def on_mount(self) -> None:
        """Begin at the one that is shown."""
        listed = self.query_one(OptionList)
        listed.highlighted = self._views.index(self._shown) if self._shown in self._views else 0
        listed.focus()

    def action_up(self) -> None:
        """One line up."""
        self.query_one(OptionList).action_cursor_up()

    def action_down(self) -> None:
        """One line down."""
        self.query_one(OptionList).action_cursor_down()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")


def export_question(folder: Path) -> Choice:
    """In which form the table is saved."""
    return Choice(
        "Save the table",
        f"Into the folder {folder},\nas it stands on the screen: its rows, its order.",
        {"csv": "CSV", "json": "JSON", "cancel": "Back"},
    )


# ------------------------------------------------------------------ a moment

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def moment_of(typed: str, here_ms: int, began_ms: int, zone: tzinfo | None) -> int:
    """What was typed as a moment of Redis time; ValueError says what it may be.

    2m30s is plan time, +10s and -1m are from here, 14:03 and 14:03:20 are of the clock nearest to here.
    """
    words = typed.strip().lower()
    try:
        clock = _CLOCK.fullmatch(words)
        if clock:
            return _on_the_clock(here_ms, int(clock[1]), int(clock[2]), int(clock[3] or 0), zone)
        sign = words[:1]
        span_ms = duration_ms(words[1:] if sign in ("+", "-") else words)
        if span_ms is None:
            raise ValueError(words)  # noqa: TRY301 - said below
    except (ValueError, OverflowError):
        raise ValueError("a moment: 2m30s, +10s, -1m, 14:03 or 14:03:20") from None
    return began_ms + span_ms if sign not in ("+", "-") else here_ms + (span_ms if sign == "+" else -span_ms)


def _on_the_clock(here_ms: int, hour: int, minute: int, second: int, zone: tzinfo | None) -> int:
    here = datetime.fromtimestamp(here_ms / 1000, UTC).astimezone(zone)
    there = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    days = (there - timedelta(days=1), there, there + timedelta(days=1))
    nearest = min(days, key=lambda day: abs(day - here))
    return round(nearest.timestamp() * 1000)


class MomentQuestion(ModalScreen["int | None"], Steady["int | None"]):
    """Where to go."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, here_ms: int, began_ms: int, zone: tzinfo | None) -> None:
        super().__init__()
        self._here_ms, self._began_ms, self._zone = here_ms, began_ms, zone

    def compose(self) -> ComposeResult:
        """One field, and what is wrong with it."""
        with Container(classes="box") as box:
            box.border_title = "Go to"
            box.border_subtitle = "enter go, esc back"
            yield Input(
                placeholder="2m30s of the load, -10s from here, 14:03", id="moment", max_length=20, compact=True
            )
            yield Static("", id="wrong", markup=False)

    def _moment(self) -> int:
        typed = self.query_one("#moment", Input).value
        return moment_of(typed, self._here_ms, self._began_ms, self._zone)

    @on(Input.Submitted)
    def _submit(self) -> None:
        try:
            self.dismiss(self._moment())
        except ValueError as error:
            self.query_one("#wrong", Static).update(str(error))
            self.app.bell()
