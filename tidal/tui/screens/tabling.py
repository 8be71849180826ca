"""The keys of tables: filter, columns, grouping, copying and saving what is on the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.widgets import Input

from tidal.model.words import plural
from tidal.tui import export, text
from tidal.tui.memory import TableMemory
from tidal.tui.screens.choosers import ColumnsChooser, export_question
from tidal.tui.screens.steering import Steering
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.logs import LEAST
from tidal.tui.widgets.tables import TABLES

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tidal.tui.widgets.columns import Column, GridRow

TABLE_ACTIONS = frozenset({"filter", "columns", "export", "copy_row", "copy_table"})
GROUP_MAX = 3


class Tabling(Steering):
    """A dashboard whose tables can be narrowed, arranged and taken away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            tooltip="words to find, !word to leave out, /regex/",
            id="table.filter",
        ),
        Binding(
            "c", "columns", "Columns", show=False, tooltip="choose the columns, and what sorts", id="table.columns"
        ),
        Binding("b", "group", "Group", show=False, tooltip="put endpoints together by their paths", id="table.group"),
        Binding("w", "level", "Level", tooltip="from which level on lines of logging are shown", id="table.level"),
        Binding("y", "copy_row", "Copy", show=False, tooltip="copy the row, or the page, as text", id="copy.row"),
        Binding("Y", "copy_table", "Copy table", show=False, tooltip="copy all of the table as text", id="copy.table"),
        Binding("E", "export", "Export", show=False, tooltip="save the table as CSV or JSON", id="table.export"),
        Binding("ctrl+s", "picture", "Screenshot", show=False, tooltip="save the screen as SVG", id="app.picture"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what needs a table where there is none."""
        if action in TABLE_ACTIONS:
            return self.table is not None or (action == "copy_row" and self.opened is not None)
        if action == "level":
            return self.table is not None and TABLES[self._tab].from_level is not None
        if action == "group":
            return self._tab == "requests" and self.opened is None
        return super().check_action(action, parameters)

    # -------------------------------------------------------------- filter

    def action_filter(self) -> None:
        """Ask for words to narrow the table to."""
        if self.table is not None:
            self._filter.display = True
            self._filter.value = self.table.filter_text
            self._filter.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        if event.input.display and self.table is not None:
            self.table.narrow_to(event.value)
            self._draw_chrome()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.close_filter()

    def close_filter(self) -> None:
        """Put the field away; what was typed goes on to hold."""
        self._filter.display = False
        if self.table is not None:
            self.table.focus()

    # -------------------------------------------------------------- columns and groups

    @work
    async def action_columns(self) -> None:
        """Ask which columns are wanted, and by which the rows are sorted."""
        grid = self.table
        if grid is None:
            return
        answer = await self.app.push_screen_wait(ColumnsChooser(grid.columns, grid.hidden, grid.order[0], self.look))
        if answer is not None:
            grid.show_columns(answer.hidden)
            if answer.sort and answer.sort != grid.order[0]:
                grid.sort_by(answer.sort)
            self._remember(grid)

    @on(Grid.Arranged)
    def _grid_arranged(self, event: Grid.Arranged) -> None:
        self._remember(event.grid)

    def _remember(self, grid: Grid) -> None:
        sort, down = grid.order
        left = TableMemory(sort, down, tuple(sorted(grid.hidden)))
        self.memory.put(f"table.{grid.id}", left.to_json())

    def action_group(self) -> None:
        """Put endpoints together by one more part of their paths, after the third one by one again."""
        self.group = (self.group + 1) % (GROUP_MAX + 1)
        self._draw_chrome()
        self.refocus()

    def action_level(self) -> None:
        """Leave out the lines of one more level, after the last all are shown again."""
        self.least_level = LEAST[(LEAST.index(self.least_level) + 1) % len(LEAST)]
        self._draw_table(self._tab)
        self._draw_chrome()

    # -------------------------------------------------------------- taking away

    def _columns_and_rows(self, grid: Grid) -> tuple[list[Column], list[GridRow]]:
        rows = [*grid.rows, *([grid.total] if grid.total is not None else [])]
        return list(grid.columns), rows

    def action_copy_row(self) -> None:
        """Copy the row under the cursor, or the page."""
        grid = self.table
        if grid is not None and grid.cursor_row is not None:
            self._copy(export.as_line(grid.cursor_row), "row copied")
        elif self.opened is not None:
            lines = ("".join(said for said, _ in runs).rstrip() for runs in self._page.lines)
            self._copy("\n".join(lines), "page copied")

    def action_copy_table(self) -> None:
        """Copy the table as aligned text."""
        if self.table is not None:
            self._copy(export.as_text(*self._columns_and_rows(self.table)), f"{plural(self.table.shown, 'row')} copied")

    def _copy(self, said: str, done: str) -> None:
        """By OSC 52: it reaches the clipboard of the terminal, through ssh too."""
        self.app.copy_to_clipboard(said)
        self.notify(done, markup=False)

    @work
    async def action_export(self) -> None:
        """Ask for the form, then save the table in the working folder."""
        grid = self.table
        if grid is None:
            return
        suffix = await self.app.push_screen_wait(export_question(Path.cwd()))
        if suffix in ("csv", "json"):
            write = export.as_csv if suffix == "csv" else export.as_json
            await self._save(f"{grid.id}", suffix, write(*self._columns_and_rows(grid)))

    @work
    async def action_picture(self) -> None:
        """Save the screen as it is."""
        await self._save("screen", "svg", self.app.export_screenshot(title="tidal"))

    async def _save(self, what: str, suffix: str, content: str) -> None:
        run = "".join(c for c in self.frame.run.run if c.isalnum() or c in "-_")[:60] if self.frame else ""
        try:
            path = await asyncio.to_thread(export.save, Path.cwd(), f"tidal-{run or 'run'}-{what}", suffix, content)
        except OSError as error:
            self.notify(text.clean(str(error)), title="not saved", severity="error", markup=False)
        else:
            self.notify(f"saved {text.clean(str(path))}", markup=False)
