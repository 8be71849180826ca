"""A table that draws its own lines: header and total pinned, cursor and scroll kept, only changed lines redrawn.

Textual's DataTable redraws every cell when one of them changes (52 ms of CPU for 60 x 10 cells); with two pictures a
second that is a tenth of a core. Here a line is drawn when its text differs from what stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tidal.tui.look import Look, Toned
from tidal.tui.widgets import columns as cols

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual import events
    from textual.binding import BindingType

    from tidal.tui.widgets.canvas import Runs
    from tidal.tui.widgets.columns import Column, GridRow


class Grid(Toned, ScrollView, can_focus=True):
    """Rows by key under fixed columns; `show_rows` takes the newest ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("g", "move(-1000000)", "First row", show=False, id="table.first"),
        Binding("G", "move(1000000)", "Last row", show=False, id="table.last"),
        Binding("enter", "open", "Details", id="table.open"),
        Binding("s", "sort", "Sort", tooltip="sort by the next column; or click it", id="table.sort"),
        Binding("S", "turn", "Reverse order", show=False, tooltip="turn the order around", id="table.turn"),
        Binding("p", "pin", "Pin", show=False, tooltip="keep the row at the top, whatever the order", id="table.pin"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"grid--cursor", "grid--header", "grid--total"}

    class Opened(Message):
        """Somebody wants to see all of a row."""

        def __init__(self, grid: Grid, row: GridRow) -> None:
            super().__init__()
            self.grid = grid
            self.row = row

        @property
        def control(self) -> Grid:
            """The grid that the row is in."""
            return self.grid

    class Arranged(Message):
        """The order of the rows, or which columns are shown, was changed by hand."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

    def __init__(
        self, columns: Sequence[Column], look: Look, *, empty: str = "nothing yet", follows: bool = False, **names: Any
    ) -> None:
        super().__init__(**names)
        self.columns = tuple(columns)
        self.look = look
        self.filter_text = ""
        self._empty = look.own(empty)
        self._follows = self._at_end = follows  # keep the end in view, as of a log
        self._all: Sequence[GridRow] = ()
        self._rows: list[GridRow] = []
        self._total: GridRow | None = None
        self._longest = [0] * len(self.columns)
        self._measured: set[str] = set()  # keys of the rows whose texts have had their say in that
        self._placed: list[cols.Placed] = []
        self._sorted_by: int | None = None
        self._downwards = False
        self._hidden: frozenset[str] = frozenset()
        self._absent: frozenset[str] = frozenset()
        self._pinned: dict[str, None] = {}
        self._cursor_key = ""
        self._cursor = 0

    # -------------------------------------------------------------- rows in

    @property
    def shown(self) -> int:
        """How many rows the filter leaves."""
        return len(self._rows)

    @property
    def known(self) -> int:
        """How many rows there are."""
        return len(self._all)

    @property
    def keys(self) -> list[str]:
        """The keys of the rows, in the order of the screen."""
        return [row.key for row in self._rows]

    @property
    def cursor_row(self) -> GridRow | None:
        """The row that the cursor is on."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def rows(self) -> list[GridRow]:
        """The rows in the order of the screen."""
        return list(self._rows)

    @property
    def total(self) -> GridRow | None:
        """The last line, where there is one."""
        return self._total

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that are not wanted."""
        return self._hidden

    @property
    def order(self) -> tuple[str, bool]:
        """The column that the rows are sorted by, "" for none, and whether downwards."""
        key = self.columns[self._sorted_by].key if self._sorted_by is not None else ""
        return key, self._downwards

    def places(self, key: str) -> bool:
        """Whether this column is on the screen."""
        return any(self.columns[at.index].key == key for at in self._placed)

    def arrange_as(self, sort: str, *, downwards: bool, hidden: Collection[str]) -> None:
        """Begin in an order and with columns that were chosen before; unknown ones are passed over."""
        self._sorted_by = next((i for i, column in enumerate(self.columns) if column.key == sort), None)
        self._downwards = downwards
        self._hidden = frozenset(hidden) & {column.key for column in self.columns}

    def leave_out(self, absent: Collection[str]) -> None:
        """Do without columns that this run has nothing for."""
        if frozenset(absent) != self._absent:
            self._absent = frozenset(absent)
            self._place()

    def show_columns(self, hidden: Collection[str]) -> None:
        """Show all columns that fit but these."""
        self._hidden = frozenset(hidden) & {column.key for column in self.columns}
        self._place()
        self.refresh()

    def show_rows(self, rows: Sequence[GridRow], total: GridRow | None = None) -> None:
        """Take the newest rows; redraw what differs."""
        was_total = self._total
        self._all, self._total = rows, total
        self._arrange()
        self._measure()
        if total != was_total:
            self._refresh_screen_line(self.size.height - 1)
        self._keep_end()

    def _measure(self) -> None:
        """Let columns grow with the texts of new rows, and of those that are seen."""
        new = [row for row in self._all if row.key not in self._measured]
        self._measured = {row.key for row in self._all}
        longest = cols.longest_texts([*new, *(self._rows[i] for i in self._in_view())], self.columns, self._longest)
        if longest != self._longest:
            self._longest = longest
            self._place()

    def _in_view(self) -> range:
        top = self.scroll_offset.y
        return range(max(top, 0), min(top + self.size.height, len(self._rows)))

    def _keep_end(self) -> None:
        if self._at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """A log that was scrolled away from its end stays where it is."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = self._follows and round(new_value) >= self.max_scroll_y

    def _arrange(self) -> None:
        """Filter and sort; redraw the lines that changed, or everything when their number did."""
        wanted = cols.condition(self.filter_text)
        kept = [r for r in self._all if r.key in self._pinned or wanted(r)] if wanted else self._all
        before, cursor_before = self._rows, self._cursor
        self._rows = cols.arranged(kept, self._sorted_by, downwards=self._downwards)
        if self._pinned:
            self._rows.sort(key=lambda row: row.key not in self._pinned)
        self._cursor = self._cursor_place()
        if len(before) != len(self._rows):
            self._resize_virtual()
            self.refresh()
            return
        changed = {i for i in self._in_view() if before[i] != self._rows[i]}
        if cursor_before != self._cursor:
            changed |= {cursor_before, self._cursor}
        for index in changed:
            self._refresh_row(index)

    def narrow_to(self, text: str) -> None:
        """Show only rows with these words (`!word`: without it)."""
        self.filter_text = text
        self._arrange()

    def sort_by(self, key: str, *, downwards: bool | None = None) -> None:
        """Sort by a column; again by the same one turns the order. "" is the frame's own order."""
        index = next((i for i, column in enumerate(self.columns) if column.key == key), None)
        if downwards is None:
            again = index == self._sorted_by
            downwards = not self._downwards if again else bool(index is not None and self.columns[index].right)
        self._sorted_by, self._downwards = index, downwards
        self._arrange()
        self.refresh()
        self.post_message(self.Arranged(self))

    # -------------------------------------------------------------- lines out

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a row, or the total."""
        if y == 0:
            key = self.columns[self._sorted_by].key if self._sorted_by is not None else ""
            cells = cols.headings(self.columns, key, downwards=self._downwards, look=self.look)
            return self._strip(cols.lay(cells, self.columns, self._placed, self.look), "grid--header")
        if self._total is not None and y == self.size.height - 1:
            return self._row_strip(self._total, "grid--total")
        index = y - 1 + self.scroll_offset.y
        if index < len(self._rows):
            return self._row_strip(self._rows[index], "grid--cursor" if index == self._cursor else "")
        if y == 1 and not self._rows:
            return self._strip([(f" {'no row matches the filter' if self._all else self._empty}", "dim")], "")
        return Strip.blank(self.size.width, self.ink(""))

    def _row_strip(self, row: GridRow, ground: str) -> Strip:
        cells = [(cell.text, cell.tone) for cell in row.cells]
        runs = cols.lay(cells, self.columns, self._placed, self.look)
        if row.key in self._pinned and runs and row is not self._total:
            runs = [(self.look.own("◆"), "accent"), (runs[0][0][1:], runs[0][1]), *runs[1:]]
        return self._strip(runs, ground)

    def _strip(self, runs: Runs, ground: str) -> Strip:
        strip = Strip([Segment(said, self.ink(tone, ground)) for said, tone in runs])
        return strip.adjust_cell_length(self.size.width, self.ink("", ground))

    def _place(self) -> None:
        self._placed = cols.place(self.columns, self._longest, self.size.width, self._hidden | self._absent)
        self.refresh()

    def _resize_virtual(self) -> None:
        height = len(self._rows) + 1 + (self._total is not None)
        self.virtual_size = Size(self.size.width, height)

    def on_resize(self) -> None:
        """Place the columns for another width."""
        self._place()
        self._resize_virtual()
        self._keep_end()

    def _refresh_row(self, index: int) -> None:
        y = index + 1 - self.scroll_offset.y
        if 1 <= y < self.size.height:
            self._refresh_screen_line(y)

    def _refresh_screen_line(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, 1))

    # -------------------------------------------------------------- the cursor

    def _cursor_place(self) -> int:
        """Where the cursor's key is now; the first row, in a log the last, when it is nowhere."""
        fallback = len(self._rows) - 1 if self._follows and self._rows else 0
        return next((i for i, row in enumerate(self._rows) if row.key == self._cursor_key), fallback)

    def _go(self, index: int) -> None:
        if not self._rows:
            return
        index = min(max(index, 0), len(self._rows) - 1)
        self._cursor, self._cursor_key = index, self._rows[index].key
        room = max(self.size.height - 1 - (self._total is not None), 1)
        top = self.scroll_offset.y
        if not top <= index < top + room:
            self.scroll_to(y=index if index < top else index - room + 1, animate=False, force=True)
        self.refresh()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what fits the screen."""
        self._go(self._cursor + pages * max(self.size.height - 3, 1))

    def action_open(self) -> None:
        """Show all of the row under the cursor."""
        row = self.cursor_row
        if row is not None:
            self.post_message(self.Opened(self, row))

    def action_sort(self) -> None:
        """Sort by the next column on the screen, after the last in the frame's own order."""
        order = [None, *(p.index for p in self._placed)]
        place = order.index(self._sorted_by) if self._sorted_by in order else 0
        index = order[(place + 1) % len(order)]
        column = None if index is None else self.columns[index]
        self.sort_by(column.key if column else "", downwards=bool(column and column.right))

    def action_pin(self) -> None:
        """Keep the row under the cursor at the top, or let it go."""
        row = self.cursor_row
        if row is not None:
            if row.key in self._pinned:
                del self._pinned[row.key]
            else:
                self._pinned[row.key] = None
            self._cursor_key = row.key
            self._arrange()
            self.refresh()

    def action_turn(self) -> None:
        """Turn the order around."""
        if self._sorted_by is not None:
            self.sort_by(self.columns[self._sorted_by].key)

    def on_click(self, event: events.Click) -> None:
        """The header sorts, a row takes the cursor, twice opens it."""
        event.stop()
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None:
                self.sort_by(column.key)
            return
        index = event.y - 1 + self.scroll_offset.y
        is_row = not (self._total is not None and event.y == self.size.height - 1) and index < len(self._rows)
        if is_row:
            self._go(index)
            if event.chain > 1:
                self.action_open()

    def _column_at(self, x: int) -> Column | None:
        right_edge = 0
        for at in self._placed:
            right_edge += at.gap + at.width
            if x < right_edge:
                return self.columns[at.index]
        return None
