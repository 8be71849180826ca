"""The dashboard, for live runs and replays alike: what its keys do.

Board       parts, pictures, what is seen
Rewinding   the keys of time
Steering    the keys that change the run
Tabling     the keys of tables
Dashboard   views, opening rows, going back, help
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding

from tidal.model.struct import replace
from tidal.model.zoom import prefix_of
from tidal.tui.screens.board import DIGITS, PAGES, VIEWS
from tidal.tui.screens.choosers import ViewsMenu
from tidal.tui.screens.detail import DetailScreen, detail_of
from tidal.tui.screens.help import Help, groups_of
from tidal.tui.screens.tabling import Tabling
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.tabbar import TabBar

if TYPE_CHECKING:
    from textual.binding import BindingType


class Dashboard(Tabling):
    """Header, charts, tabs with tables, scrubber in a replay, and the keys that are valid now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit", tooltip="leave; a live run asks: detach or stop", id="app.quit"),
        Binding(
            "question_mark,f1", "help", "Help", key_display="?", tooltip="the keys that are valid now", id="app.help"
        ),
        Binding("f", "freeze", "Freeze", tooltip="stop the drawing; the figures go on behind it", id="view.freeze"),
        # last, so that where there is no room for it the footer is as anywhere else
        Binding("D", "drain", "Drain", tooltip="let this worker go; asks first", id="steer.drain"),
        Binding("h", "heat", "Heat", show=False, tooltip="latency as heat or as lines", id="view.heat"),
        Binding("v", "views", "Views", show=False, tooltip="a list of the views", id="view.menu"),
        Binding("escape", "back", "Back", show=False, tooltip="one level back", id="view.back"),
        *(Binding(digit, f"view({i})", f"View {digit}", show=False) for i, digit in enumerate(DIGITS)),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that mean nothing now."""
        if action == "view" and parameters and isinstance(parameters[0], int):
            return parameters[0] < len(self.views())
        if action == "heat":
            return self.opened is None
        return super().check_action(action, parameters)

    # -------------------------------------------------------------- views

    def action_view(self, number: int) -> None:
        """Show the view with this digit."""
        views = self.views()
        if number < len(views):
            self.action_tab(views[number])

    @work
    async def action_views(self) -> None:
        """Choose a view from a list."""
        name = await self.app.push_screen_wait(ViewsMenu(self.views(), self._tab))
        if name in VIEWS:
            self.action_tab(name)

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        self.action_tab(event.name)

    def on_descendant_focus(self) -> None:
        """A click into a table of a large screen makes it the active one."""
        if isinstance(self.focused, Grid) and self.focused.id and self.focused.id != self._tab:
            self._tab = self.focused.id
            self._draw_chrome()

    def action_heat(self) -> None:
        """Show latency as heat where its lines are, or the other way round."""
        self._charts.toggle_class("-heat")
        self.call_after_refresh(self.refocus)

    def action_freeze(self) -> None:
        """Stop drawing, or draw the newest again."""
        self._chrome = replace(self._chrome, frozen=not self._chrome.frozen)
        self._draw_chrome()
        self.pump.hurry()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(groups_of(self), self.look))

    # -------------------------------------------------------------- rows

    @on(Grid.Opened)
    def _row_opened(self, event: Grid.Opened) -> None:
        name, key = event.grid.id or "", event.row.key
        if name == "requests" and self.group:
            self._open_group(event.grid, key)
        elif name == "requests":
            method, _, endpoint = key.partition("\0")
            self.open_page(name, (method, endpoint))
        elif name == "workers":
            self.open_page(name, (key.rpartition("\0")[2], ""))
        else:
            detail = detail_of(name, self.shown, key, self.look) if self.shown and key else None
            if detail is not None:
                self.app.push_screen(DetailScreen(detail))

    def _open_group(self, grid: Grid, key: str) -> None:
        """Show the endpoints of a group one by one."""
        name = key.partition("\0")[2]
        grid.narrow_to(prefix_of(name.partition("/… (")[0], self.group))
        self.group = 0
        self._draw_chrome()
        self.refocus()

    # -------------------------------------------------------------- back

    def action_back(self) -> None:
        """One level back: close the filter or the page, clear the filter, ungroup, unfreeze, return to now."""
        grid = self.table
        if grid is not None and (self._filter.display or grid.filter_text):
            grid.narrow_to("")
            self.close_filter()
            self._draw_chrome()
        elif self.opened is not None:
            self.close_page()
        elif self.group and self._tab == "requests":
            self.group = 0
            self._draw_chrome()
            self.refocus()
        elif self._chrome.frozen:
            self.action_freeze()
        elif self._tab in PAGES:
            self.action_tab("requests")
        elif self.is_rewound:
            self.action_rim(1000)
