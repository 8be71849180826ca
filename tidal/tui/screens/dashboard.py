"""The dashboard, for live runs and replays alike.

Each part of the screen gets the newest frame and nothing else; badges, trouble and the scrubber are chrome around it.
Freezing stops the drawing, never the data.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input

from tidal.model.events import Event, WantNote, WantStop, WantTarget
from tidal.tui import text
from tidal.tui.look import LEVELS, VERDICTS, Look, mark_of
from tidal.tui.pump import Picture, Pump
from tidal.tui.screens.detail import DetailScreen, detail_of
from tidal.tui.screens.help import Help
from tidal.tui.screens.questions import NoteQuestion, UsersQuestion, leave_question, stop_question
from tidal.tui.widgets.charts import Charts
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.header import Chrome, Header
from tidal.tui.widgets.scrubber import Scrubber
from tidal.tui.widgets.tabbar import Tab, TabBar
from tidal.tui.widgets.tables import TABLES

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tidal.model.rows import Frame
    from tidal.tui.feed import Feed, Operator

TABS = (*TABLES, "charts")
SIDE = ("workers", "events")
"""What a large screen shows below the other tables."""
LARGE = (160, 42)
"""Columns and rows from which on tables are shown together."""
TICKS_MAX = 500
REPLAY_ACTIONS = frozenset({"play", "skip", "rim", "speed"})
STEERING_ACTIONS = frozenset({"users", "stop", "note"})


class Dashboard(Screen[None]):
    """Header, charts, tabs with tables, scrubber in a replay, and the keys that are valid now."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (76, "-normal"), (110, "-broad"), (160, "-wide")]  # noqa: RUF012 as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (22, "-low"), (28, "-middle"), (42, "-tall")]  # noqa: RUF012 as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("space", "play", "Play", priority=True),
        Binding("left", "skip(-5)", "Back 5 s", priority=True, show=False),
        Binding("right", "skip(5)", "Seek", priority=True, key_display="←→"),
        Binding("shift+left", "skip(-60)", "Back 60 s", priority=True, show=False),
        Binding("shift+right", "skip(60)", "Forth 60 s", priority=True, show=False),
        Binding("home", "rim(0)", "To the start", priority=True, show=False),
        Binding("end", "rim(1000)", "To the end", priority=True, show=False),
        Binding("less_than_sign", "speed(-1)", "Slower", key_display="<", priority=True, show=False),
        Binding("greater_than_sign", "speed(1)", "Speed", key_display="<>", priority=True),
        Binding("u", "users", "Users"),
        Binding("n", "note", "Note"),
        Binding("x", "stop", "Stop"),
        Binding("d", "detach", "Detach", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("f", "freeze", "Freeze"),
        Binding("escape", "back", "Back", show=False),
        *(Binding(str(i), f"tab('{name}')", name.capitalize(), show=False) for i, name in enumerate(TABS, 1)),
    ]

    class Taken(Message):
        """A picture came; it may be hidden behind a frozen screen."""

        def __init__(self, frame: Frame | None) -> None:
            super().__init__()
            self.frame = frame

    class Left(Message):
        """Somebody wants to leave: "detach" or "stop"."""

        def __init__(self, how: str) -> None:
            super().__init__()
            self.how = how

    def __init__(self, feed: Feed, look: Look, operator: Operator | None, *, read_only: bool = False) -> None:
        super().__init__()
        self.look = look
        self.pump = Pump(feed, self._take)
        self.frame: Frame | None = None  # the newest one
        self.shown: Frame | None = None  # the one on the screen: older while it is frozen
        self._operator = None if read_only or feed.is_replay else operator
        self._chrome = Chrome(replay=feed.is_replay, read_only=read_only and not feed.is_replay)
        self._tab = self._main_tab = "requests"
        self._ticks: dict[int, str] = {}
        self._was_closed = False

        self._header, self._charts, self._bar = (
            Header(look, id="header"),
            Charts(look, id="charts"),
            TabBar(look, id="tabs"),
        )
        self._grids = {name: self._new_grid(name) for name in TABLES}
        self._main, self._side = Container(id="main"), Container(id="side")
        self._filter = Input(placeholder="words to look for, !word to leave out", id="filter", compact=True)
        self._scrubber, self._footer = Scrubber(look, id="scrubber"), Footer(compact=True)

    # -------------------------------------------------------------- parts

    def compose(self) -> ComposeResult:
        """All parts; the size of the terminal decides which of them are seen."""
        yield from (self._header, self._charts, self._bar)
        with self._main:
            yield from (grid for name, grid in self._grids.items() if name not in SIDE)
        with self._side:
            yield from (self._grids[name] for name in SIDE)
        yield from (self._filter, self._scrubber, self._footer)

    def _new_grid(self, name: str) -> Grid:
        table = TABLES[name]
        grid = Grid(table.columns, self.look, empty=table.empty, follows=table.follows, id=name)
        grid.border_title = table.title
        return grid

    def on_mount(self) -> None:
        """Begin to ask the feed."""
        self._filter.display = False
        self._scrubber.display = self._chrome.replay
        self.set_class(self._chrome.replay, "-replay")
        self.action_tab(self._tab)
        self.run_worker(self.pump.run(), name="feed")

    def grid(self, name: str) -> Grid:
        """The table of this name."""
        return self._grids[name]

    @property
    def is_closed(self) -> bool:
        """Whether the run is over, as far as this terminal knows."""
        return self.frame is not None and self.frame.run.phase == "closed"

    @property
    def is_replay(self) -> bool:
        """Whether this is a replay."""
        return self._chrome.replay

    @property
    def _is_large(self) -> bool:
        return self.size.width >= LARGE[0] and self.size.height >= LARGE[1]

    def _tables_seen(self) -> tuple[str, ...]:
        if self._tab == "charts":
            return ()
        return (self._main_tab, *SIDE) if self._is_large else (self._tab,)

    # -------------------------------------------------------------- pictures

    def _take(self, picture: Picture) -> None:
        self.frame = picture.frame or self.frame
        self._chrome = replace(self._chrome, trouble=picture.trouble)
        if not self._chrome.frozen:
            self._draw(picture)
        self._draw_chrome()
        if self.is_closed and not self._was_closed:
            self._was_closed = True
            self.refresh_bindings()
        self.post_message(self.Taken(picture.frame))

    def _draw(self, picture: Picture) -> None:
        """Put the newest picture on the screen, the parts that are seen."""
        if picture.frame is not None and picture.frame is not self.shown:
            self.shown = picture.frame
            self._charts.show(picture.frame)
            for name in self._tables_seen():
                self._draw_table(name)
        if picture.place is not None:
            self._scrubber.show(replace(picture.place, ticks=self._known_ticks()))

    def _draw_table(self, name: str) -> None:
        if self.shown is not None:
            table = TABLES[name]
            total = table.total(self.shown, self.look) if table.total else None
            self.grid(name).show_rows(table.rows(self.shown, self.look), total)

    def _known_ticks(self) -> tuple[tuple[int, str], ...]:
        """Every warning and error that was seen so far: they stay when the replay goes back."""
        for row in self.shown.story if self.shown else ():
            if row.level in ("warning", "error") and len(self._ticks) < TICKS_MAX:
                self._ticks[row.at_ms] = mark_of(LEVELS, row.level)[2]
        return tuple(self._ticks.items())

    def _draw_chrome(self) -> None:
        self._header.show(self.shown, self._chrome)
        self._bar.show(tuple(self._tabs()), self._tab, self._chip())

    def _tabs(self) -> list[Tab]:
        frame = self.shown
        if frame is None:
            return [Tab(name, name.capitalize()) for name in TABS]
        alive = sum(worker.alive for worker in frame.workers)
        held = {
            "requests": len(frame.endpoints),
            "workers": f"{alive}/{len(frame.workers)}",
            "failures": len(frame.failures),
            "exceptions": len(frame.exceptions),
            "events": len(frame.story),
            "ledger": mark_of(VERDICTS, frame.verdict.word)[1].lower() if frame.verdict.word else "",
        }
        bad = {
            "failures": bool(frame.failures),
            "exceptions": bool(frame.exceptions),
            "workers": alive < len(frame.workers),
            "ledger": frame.verdict.word in ("suspect", "invalid"),
        }
        return [Tab(name, name.capitalize(), str(held.get(name, "")), bad.get(name, False)) for name in TABS]

    def _chip(self) -> str:
        if self._tab == "charts":
            return ""
        grid = self.grid(self._tab)
        return f"/{text.clean(grid.filter_text)[:20]}  {grid.shown} of {grid.known}" if grid.filter_text else ""

    # -------------------------------------------------------------- layout

    def on_resize(self) -> None:
        """Another size may show other tables."""
        self._arrange()

    def _arrange(self) -> None:
        seen = self._tables_seen()
        self.set_class(self._is_large, "-large")
        self._footer.show_command_palette = self.size.width >= (110 if self.is_replay else 76)
        self._charts.set_class(self._tab == "charts", "-full")
        for name in TABLES:
            self.grid(name).display = name in seen
        self._main.display = any(name not in SIDE for name in seen)
        self._side.display = any(name in SIDE for name in seen)
        for name in seen:
            self._draw_table(name)
        self._draw_chrome()

    def action_tab(self, name: str) -> None:
        """Show a table or the charts."""
        self._tab = name
        if name not in SIDE and name != "charts":
            self._main_tab = name
        self._arrange()
        self.set_focus(None if name == "charts" else self.grid(name))

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        self.action_tab(event.name)

    def on_descendant_focus(self) -> None:
        """A click into a table of a large screen makes it the active one."""
        if isinstance(self.focused, Grid) and self.focused.id and self.focused.id != self._tab:
            self._tab = self.focused.id
            self._draw_chrome()

    @on(Grid.Opened)
    def _row_opened(self, event: Grid.Opened) -> None:
        name = event.grid.id or ""
        detail = detail_of(name, self.shown, event.row.key, self.look) if self.shown and event.row.key else None
        if detail is not None:
            self.app.push_screen(DetailScreen(detail))

    # -------------------------------------------------------------- keys

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that mean nothing now."""
        typing = isinstance(self.focused, Input)
        if action in REPLAY_ACTIONS:
            return self.is_replay and not typing
        if action in STEERING_ACTIONS:
            return self._operator is not None and not self.is_closed
        if action == "detach":
            return not self.is_replay and not self.is_closed
        if action == "filter":
            return self._tab != "charts"
        return True

    def action_play(self) -> None:
        """Play or pause."""
        self.pump.play_or_pause()

    def action_skip(self, seconds: int) -> None:
        """Go back or forth."""
        self.pump.skip(seconds)

    def action_rim(self, permille: int) -> None:
        """Go to the start or the end."""
        self.pump.seek_part(permille)

    def action_speed(self, steps: int) -> None:
        """Faster or slower."""
        self.pump.change_speed(steps)

    @on(Scrubber.Sought)
    def _sought(self, event: Scrubber.Sought) -> None:
        self.pump.seek_part(event.permille)

    def action_freeze(self) -> None:
        """Stop drawing, or draw the newest again."""
        self._chrome = replace(self._chrome, frozen=not self._chrome.frozen)
        self._draw_chrome()
        self.pump.hurry()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(replay=self.is_replay, steering=self._operator is not None))

    def action_filter(self) -> None:
        """Ask for words to narrow the table to."""
        self._filter.display = True
        self._filter.value = self.grid(self._tab).filter_text
        self._filter.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        if event.input.display and self._tab != "charts":
            self.grid(self._tab).narrow_to(event.value)
            self._draw_chrome()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        self._filter.display = False
        self.grid(self._tab).focus()

    def action_back(self) -> None:
        """One level back: close the filter, then clear it, then unfreeze."""
        grid = self.grid(self._tab) if self._tab != "charts" else None
        if grid is not None and (self._filter.display or grid.filter_text):
            grid.narrow_to("")
            self._close_filter()
            self._draw_chrome()
        elif self._chrome.frozen:
            self.action_freeze()
        elif self._tab == "charts":
            self.action_tab("requests")

    # -------------------------------------------------------------- steering

    @work
    async def action_users(self) -> None:
        """Ask for another number of users."""
        planned = self.frame.run.users_planned if self.frame else 1
        wanted = await self.app.push_screen_wait(UsersQuestion(planned))
        if wanted is not None:
            await self.want(WantTarget(wanted.users, wanted.spawn_rate), f"asked for {wanted.users:,} users")

    @work
    async def action_note(self) -> None:
        """Ask for a note."""
        note = await self.app.push_screen_wait(NoteQuestion())
        if note:
            await self.want(WantNote(note), "note handed in")

    @work
    async def action_stop(self) -> None:
        """Ask, then stop the run."""
        if await self.app.push_screen_wait(stop_question()) == "stop":
            await self.want(WantStop(), "asked to stop")

    def action_detach(self) -> None:
        """Leave the run alone."""
        self.post_message(self.Left("detach"))

    @work(exclusive=True, group="leave")
    async def ask_to_leave(self) -> None:
        """Detach or stop: the question of quitting a live run."""
        how = await self.app.push_screen_wait(leave_question())
        if how == "detach" or (how == "stop" and await self.want(WantStop(), "stopping; this terminal closes then")):
            self.post_message(self.Left(how))

    @property
    def can_steer(self) -> bool:
        """Whether there is an operator to pass wishes on to."""
        return self._operator is not None

    async def want(self, event: Event, done: str) -> bool:
        """Pass a wish on, in a thread; say how that went."""
        if self._operator is None:
            return False
        try:
            await asyncio.to_thread(self._operator.want, event)
        except Exception as error:  # noqa: BLE001 whatever the bus says, the person at the keyboard must read it
            self.notify(
                text.clean(str(error)) or type(error).__name__, title="not handed in", severity="error", markup=False
            )
            return False
        self.notify(done, markup=False)
        return True
