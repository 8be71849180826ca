"""What all of the dashboard stands on: its parts, the pictures that come, and which of the parts are seen.

Each part of the screen gets the newest frame and nothing else; badges, trouble and the scrubber are chrome around it.
Freezing stops the drawing, never the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from tidal.model.closeup import Focus
from tidal.model.struct import replace
from tidal.model.words import plural
from tidal.tui import text
from tidal.tui.look import VERDICTS, Look, mark_of
from tidal.tui.memory import Memory, ShortMemory, TableMemory
from tidal.tui.pump import Picture, Pump
from tidal.tui.screens.steady import Steady
from tidal.tui.widgets import logs
from tidal.tui.widgets.charts import Charts
from tidal.tui.widgets.endpoint_page import endpoint_lines
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.header import Chrome, Header
from tidal.tui.widgets.keybar import KeyBar
from tidal.tui.widgets.page import Page
from tidal.tui.widgets.plan_page import plan_lines
from tidal.tui.widgets.scrubber import Scrubber
from tidal.tui.widgets.tabbar import Tab, TabBar
from tidal.tui.widgets.tables import TABLES
from tidal.tui.widgets.worker_page import worker_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from tidal.model.rows import Frame
    from tidal.tui.feed import Feed, Operator
    from tidal.tui.widgets.canvas import Runs

PAGES = ("charts", "plan")
"""Views that are no tables."""
VIEWS = (
    *(name for name, table in TABLES.items() if not table.is_late),
    *("charts", "classes", "plan", "logs"),
    *(name for name, table in TABLES.items() if table.is_rare),
)
"""In the order of the tabs."""
SIDE = ("workers", "events")
"""What a large screen shows below the other tables."""
LOW, TALL = 28, 42
"""Rows from which on a terminal is not low any more, and is tall."""
LARGE = (160, TALL)
"""Columns and rows from which on tables are shown together."""
ROWS_LEAST, ROWS_FEWEST = 8, 3
"""Rows that a table has before charts are any taller than they must be; with fewer than so many there are no charts."""
DIGITS = "1234567890"
RESPONSE = ("response95", "response99")
"""Columns of times from the moment that was meant: only a run with a schedule has them."""


def chart_lines(height: int) -> tuple[int, int]:
    """The least and the most lines of the charts in a terminal of this height."""
    least = 6 if height < LOW else 9 if height < TALL else 15
    return least, max(least, height // 2)


def lines_of(part: Widget) -> int:
    """The lines that a part has asked for, which it may not have yet."""
    height = part.styles.height
    return int(height.value) if height is not None else part.size.height


class Board(Steady[None]):
    """Header, charts, tabs with tables, a page for what was opened, the scrubber of what can be rewound."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (76, "-normal"), (110, "-broad"), (160, "-wide")]  # noqa: RUF012 as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (22, "-low"), (LOW, "-middle"), (TALL, "-tall")]  # noqa: RUF012 as Textual declares it

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

    def __init__(
        self,
        feed: Feed,
        look: Look,
        operator: Operator | None,
        *,
        read_only: bool = False,
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        self.look, self.memory = look, memory or ShortMemory()
        self.pump = Pump(feed, self._take)
        self.least_level = ""  # of the lines of logging that are shown; "": all
        self.frame: Frame | None = None  # the newest one
        self.shown: Frame | None = None  # the one on the screen: older while it is frozen
        self.opened: tuple[str, tuple[str, str]] | None = None  # what a page shows: table, its row
        self.group = 0  # parts of their paths by which endpoints are put together
        self._operator = None if read_only or feed.is_replay else operator
        self._chrome = Chrome(replay=feed.is_replay, read_only=read_only and not feed.is_replay)
        self._tab = self._main_tab = "requests"
        self._was_closed = False
        self._header, self._charts, self._bar, self._page = (
            Header(look, id="header"),
            Charts(look, id="charts"),
            TabBar(look, id="tabs"),
            Page(look, id="page"),
        )
        self._grids = {name: self._new_grid(name) for name in TABLES}
        self._main, self._side = Container(id="main"), Container(id="side")
        self._filter = Input(placeholder="words to look for, !word to leave out, /regex/", id="filter", compact=True)
        self._scrubber, self._footer = Scrubber(look, id="scrubber"), KeyBar(compact=True)

    # -------------------------------------------------------------- parts

    def compose(self) -> ComposeResult:
        """All parts; the size of the terminal decides which of them are seen."""
        yield from (self._header, self._charts, self._bar)
        with self._main:
            yield from (grid for name, grid in self._grids.items() if name not in SIDE)
        with self._side:
            yield from (self._grids[name] for name in SIDE)
        yield from (self._page, self._filter, self._scrubber, self._footer)

    def _new_grid(self, name: str) -> Grid:
        table = TABLES[name]
        grid = Grid(table.columns, self.look, empty=table.empty, follows=table.follows, id=name)
        grid.border_title = table.title
        left = TableMemory.of(self.memory.get(f"table.{name}"))
        grid.arrange_as(left.sort, downwards=left.down, hidden=left.hidden)
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
    def table(self) -> Grid | None:
        """The table that keys act on; None while charts or a page are shown."""
        return self._grids.get(self._tab) if self.opened is None else None

    @property
    def is_closed(self) -> bool:
        """Whether the run is over, as far as this terminal knows."""
        return self.frame is not None and self.frame.run.phase == "closed"

    @property
    def is_replay(self) -> bool:
        """Whether this is a replay."""
        return self._chrome.replay

    @property
    def is_rewound(self) -> bool:
        """Whether a live run is shown as it was."""
        return bool(self._chrome.behind_ms)

    @property
    def _is_large(self) -> bool:
        return self.size.width >= LARGE[0] and self.size.height >= LARGE[1]

    def views(self) -> list[str]:
        """The views that there are: some only when the run has something for them."""
        return [name for name in VIEWS if name in PAGES or not TABLES[name].is_rare or self.grid(name).known]

    @property
    def _is_plan(self) -> bool:
        """Whether the plan is what is seen."""
        return self._tab == "plan" and self.opened is None

    @property
    def _is_page(self) -> bool:
        """Whether the page is seen, with the plan or with what was opened."""
        return self.opened is not None or self._is_plan

    def _tables_seen(self) -> tuple[str, ...]:
        if self._tab in PAGES or self.opened is not None:
            return ()
        return (self._main_tab, *SIDE) if self._is_large else (self._tab,)

    # -------------------------------------------------------------- pictures

    def refocus(self) -> None:
        """Tell the pump what is looked at closely, and ask for a picture of it."""
        table, key = self.opened or ("", ("", ""))
        requests = self.grid("requests")
        focus = Focus(
            heat=self._charts.shows_heat,
            sparks="requests" in self._tables_seen() and requests.places("spark"),
            endpoint=key if table == "requests" else None,
            worker=key[0] if table == "workers" else "",
            plan=self._is_plan,
            group=self.group if table != "requests" else 0,
        )
        if focus != self.pump.focus:
            self.pump.focus = focus
            self.pump.hurry()

    def _take(self, picture: Picture) -> None:
        self.frame = picture.frame or self.frame
        for word in picture.said:
            self.app.notify(self.look.outside(word), markup=False)
        self._chrome = replace(self._chrome, trouble=picture.trouble, behind_ms=self._behind_ms(picture))
        if not self._chrome.frozen:
            self._draw(picture)
        self._draw_chrome()
        self._stretch()
        self.refocus()
        if self.is_closed and not self._was_closed:
            self._was_closed = True
            self.refresh_bindings()
        self.post_message(self.Taken(picture.frame))

    def _behind_ms(self, picture: Picture) -> int:
        """How far a live run is rewound."""
        place = picture.place
        return 0 if place is None or self.is_replay else max(0, place.last_ms - place.position_ms)

    def _draw(self, picture: Picture) -> None:
        """Put the newest picture on the screen, the parts that are seen."""
        if picture.frame is not None and picture.frame is not self.shown:
            self.shown = picture.frame
            self._charts.show(picture.frame)
            for name in {*self._tables_seen(), *(n for n in TABLES if TABLES[n].is_rare)}:
                self._draw_table(name)
            self._draw_page()
        if picture.place is not None:
            self._scrubber.show(picture.place)
            was, is_on = self._scrubber.display, self.is_replay or self.is_rewound
            if was != is_on:
                self._scrubber.display = is_on
                self.set_class(self.is_rewound, "-rewound")
                self.refresh_bindings()

    def _draw_table(self, name: str) -> None:
        if self.shown is not None:
            table = TABLES[name]
            total = table.total(self.shown, self.look) if table.total else None
            if name == "requests":
                self.grid(name).leave_out(() if self.shown.total.response_count else RESPONSE)
            rows = table.rows(self.shown, self.look)
            self.grid(name).show_rows(table.from_level(rows, self.least_level) if table.from_level else rows, total)

    def _draw_page(self) -> None:
        if self.shown is not None and self._is_page:
            self._page.show(self._page_lines)

    def _page_lines(self, width: int, height: int, fills: bool) -> list[Runs]:  # noqa: FBT001 - as a page calls it
        if self.shown is not None and self._is_plan:
            return plan_lines(self.shown, width, height, self.look, fills=fills)
        if self.shown is None or self.opened is None:
            return []
        table, key = self.opened
        if table == "workers":
            return worker_lines(self.shown, key[0], width, height, self.look, fills=fills)
        return endpoint_lines(self.shown, key, width, height, self.look, fills=fills)

    def _draw_chrome(self) -> None:
        self._header.show(self.shown, self._chrome)
        self._bar.show(tuple(self._tabs()), self._tab, self._chip())

    def _tabs(self) -> list[Tab]:
        frame = self.shown
        views = zip(self.views(), [*DIGITS, *[""] * len(VIEWS)], strict=False)
        if frame is None:
            return [Tab(name, name.capitalize(), key=key) for name, key in views]
        alive = sum(worker.alive for worker in frame.workers)
        held = {
            "requests": len(frame.endpoints),
            "workers": f"{alive}/{len(frame.workers)}",
            "failures": len(frame.failures),
            "exceptions": len(frame.exceptions),
            "events": len(frame.story),
            "logs": len(frame.logs) or "",
            "ledger": mark_of(VERDICTS, frame.verdict.word)[1].lower() if frame.verdict.word else "",
        }
        bad = {
            "failures": bool(frame.failures),
            "exceptions": bool(frame.exceptions),
            "workers": alive < len(frame.workers),
            "logs": logs.alarming(frame.logs),
            "ledger": frame.verdict.word in ("suspect", "invalid"),
        }
        return [Tab(name, name.capitalize(), str(held.get(name, "")), bad.get(name, False), key) for name, key in views]

    def _chip(self) -> str:
        grid = self.table
        if grid is None:
            return ""
        grouped = f"by {plural(self.group, 'part')} of the path" if self.group else ""
        narrowed = f"/{text.clean(grid.filter_text)[:20]}  {grid.shown} of {grid.known}" if grid.filter_text else ""
        own = {"requests": grouped, "logs": self._logs_chip()}.get(self._tab, "")
        return "  ".join(part for part in (own, narrowed) if part)

    def _logs_chip(self) -> str:
        least = f"from {self.least_level} on" if self.least_level else ""
        gone = logs.missing(self.shown) if self.shown is not None else ""
        return "  ".join(filter(None, (least, gone)))

    # -------------------------------------------------------------- layout

    def on_resize(self) -> None:
        """Another size may show other tables."""
        self._arrange()

    def _arrange(self) -> None:
        seen = self._tables_seen()
        is_page = self._is_page
        self.set_class(self._is_large and not is_page, "-large")
        self._charts.set_class(self._tab == "charts", "-full")
        self._page.display = is_page
        for name in TABLES:
            self.grid(name).display = name in seen
        self._main.display = any(name not in SIDE for name in seen)
        self._side.display = any(name in SIDE for name in seen)
        for name in seen:
            self._draw_table(name)
        self._draw_page()
        self._draw_chrome()
        self._stretch()
        self.call_after_refresh(self.refocus)

    def _stretch(self) -> None:
        """Give the charts the lines that the table leaves empty, or none where the table would have too few itself."""
        charts = self._charts
        least, most = chart_lines(self.size.height)
        if charts.has_class("-full") or self._is_page:
            charts.display = not self._is_page
            charts.styles.clear_rule("height")
            return
        if self._is_large:
            charts.display, charts.styles.height = True, least
            return
        others = sum(lines_of(part) for part in (self._header, self._scrubber) if part.display) + 2  # tabs and keys
        rows = max(ROWS_LEAST, self.grid(self._tab).known) + 2  # heading and total
        lines = min(max(least, self.size.height - others - rows), most)
        charts.display = self.size.height - others - least >= ROWS_FEWEST + 2
        charts.styles.height = lines if lines == least else lines - 1 + lines % 2  # odd: the axis has a middle

    def action_tab(self, name: str) -> None:
        """Show a table or the charts."""
        self._tab, self.opened = name, None
        if name not in SIDE and name not in PAGES:
            self._main_tab = name
        self._arrange()
        if name == "plan":
            self._page.scroll_to(y=0, animate=False, force=True)
        self.set_focus({"charts": None, "plan": self._page}[name] if name in PAGES else self.grid(name))

    def open_page(self, table: str, key: tuple[str, str]) -> None:
        """Show all of an endpoint or a worker."""
        self.opened = (table, key)
        self._page.scroll_to(y=0, animate=False, force=True)
        self._arrange()
        self.set_focus(self._page)

    def close_page(self) -> None:
        """Back to the table that the page was opened from."""
        table, _ = self.opened or (self._tab, None)
        self.action_tab(table)
