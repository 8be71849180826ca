"""The app: which screen, quitting with an outcome, the palette, terminals that are too small."""

from __future__ import annotations

import os
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.theme import ThemeProvider

from tidal.tui.look import DEEP, THEMES, TONE_CLASSES, Look
from tidal.tui.memory import Memory, Settings, ShortMemory
from tidal.tui.screens.board import DIGITS
from tidal.tui.screens.dashboard import Dashboard
from tidal.tui.screens.small import TooSmall, is_too_small
from tidal.tui.screens.start import Start
from tidal.tui.screens.steady import Palette
from tidal.tui.widgets.grid import Grid
from tidal.tui.widgets.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.events import Resize
    from textual.screen import Screen

    from tidal.tui.feed import Desk, Feed, Operator

_NOT_OURS = (
    "command_palette",
    "copy_text",
    "focus_next",
    "focus_previous",
    "interrupt",
)
"""Actions of Textual that the palette need not offer."""


def action_ids() -> list[str]:
    """The names by which a config file may give actions other keys."""
    classes = (Dashboard, Grid, Page)
    bindings = (b for one in classes for base in one.__mro__ for b in base.__dict__.get("BINDINGS", ()))
    return sorted({b.id for b in bindings if isinstance(b, Binding) and b.id})


def _view_commands(dashboard: Dashboard) -> Iterable[SystemCommand]:
    """The views by name."""
    for name, key in zip_longest(dashboard.views(), DIGITS[: len(dashboard.views())], fillvalue=""):
        show = partial(dashboard.action_tab, name)
        yield SystemCommand(f"{name.capitalize()} ({key})" if key else name.capitalize(), "show this view", show)


class TidalApp(App[str]):
    """The terminal of tidal. `run()` returns how it was left: "detached", "stopped", "finished" or "quit".

    With a `feed` it opens on the dashboard, without one on the form that starts a run at a `desk`. The app
    closes neither the feed nor the operator: after leaving, `app.feed` is there for the summary.
    """

    CSS_PATH = "tidal.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES
    TITLE = "tidal"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        feed: Feed | None = None,
        operator: Operator | None = None,
        desk: Desk | None = None,
        *,
        read_only: bool = False,
        outlives: bool = True,
        look: Look | None = None,
        memory: Memory | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)  # else greys would be left of them
        self._memory, self._settings = memory or ShortMemory(), settings or Settings()
        self.feed = feed
        self.operator = operator
        self._desk = desk
        self._read_only, self._outlives = read_only, outlives
        self._look = look or Look.of_terminal(os.environ)
        self._leaving = ""
        for theme in THEMES:
            self.register_theme(theme)
        wanted = self._settings.theme or self._memory.get("theme")
        self.theme = wanted if wanted in self.available_themes else DEEP.name
        if self._settings.keys:
            self.set_keymap(dict(self._settings.keys))

    def on_mount(self) -> None:
        """Open the first screen."""
        self.theme_changed_signal.subscribe(self, lambda theme: self._memory.put("theme", theme.name))
        self.set_class(self._look.ascii_only, "-ascii")
        if self.feed is not None:
            self.show_run(self.feed, self.operator)
        elif self._desk is not None:
            self.push_screen(Start(self._desk, self._look, self._memory))

    def show_run(self, feed: Feed, operator: Operator | None) -> None:
        """Show the dashboard of a feed."""
        self.feed, self.operator = feed, operator
        dashboard = Dashboard(feed, self._look, operator, read_only=self._read_only, memory=self._memory)
        dashboard.outlives = self._outlives
        if isinstance(self.screen, Start):
            self.switch_screen(dashboard)
        else:
            self.push_screen(dashboard)

    @property
    def dashboard(self) -> Dashboard | None:
        """The dashboard, when there is one, even below a question."""
        return next((screen for screen in self.screen_stack if isinstance(screen, Dashboard)), None)

    # -------------------------------------------------------------- leaving

    async def action_quit(self) -> None:
        """Leave; a live run asks first."""
        dashboard = self.dashboard
        if dashboard is None or dashboard.is_replay or self._read_only:
            self.exit("quit")
        elif dashboard.is_closed:
            self.exit(self._outcome(dashboard))
        elif not dashboard.can_steer:
            self.exit("detached")
        elif isinstance(self.screen, Dashboard):
            dashboard.ask_to_leave()

    async def action_interrupt(self) -> None:
        """Ctrl-C: like quitting; the second one leaves at once and lets the run go on."""
        if self.dashboard is not None and not isinstance(self.screen, Dashboard):
            self.exit("quit" if self.dashboard.is_replay or self._read_only else "detached")
        else:
            await self.action_quit()

    @staticmethod
    def _outcome(dashboard: Dashboard) -> str:
        stopped = dashboard.frame is not None and dashboard.frame.run.outcome == "stopped"
        return "stopped" if stopped else "finished"

    @on(Start.Begun)
    def _begun(self, event: Start.Begun) -> None:
        self.show_run(event.feed, event.operator)

    @on(Dashboard.Left)
    def _left(self, event: Dashboard.Left) -> None:
        if event.how == "detach":
            self.exit("quit" if self._read_only else "detached")
        else:
            self._leaving = "stopped"

    @on(Dashboard.Taken)
    def _taken(self, event: Dashboard.Taken) -> None:
        """Leave when the run that was stopped in order to leave is closed."""
        if self._leaving and event.frame is not None and event.frame.run.phase == "closed":
            self.exit(self._leaving)

    # -------------------------------------------------------------- palette and size

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that is valid now, with its key."""
        told: set[str] = set(_NOT_OURS)
        if isinstance(screen, Dashboard):
            yield from _view_commands(screen)
        for active in screen.active_bindings.values():
            binding = active.binding
            is_ours = active.node in (self, screen) or isinstance(active.node, Grid | Page)
            action = binding.action.removeprefix("app.").removeprefix("screen.")
            is_ours = is_ours and not action.startswith(("scroll", "page", "view(", "move"))
            if is_ours and active.enabled and binding.description and action not in told:
                told.add(action)
                run = partial(self.run_action, binding.action, active.node)
                yield SystemCommand(f"{binding.description} ({self.get_key_display(binding)})", binding.tooltip, run)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        if not isinstance(screen, Dashboard):
            yield SystemCommand("Screenshot", "Save the screen as SVG", self.deliver_screenshot)

    def action_command_palette(self) -> None:
        """Open the palette, as a screen that bears any change of its size."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Open the palette of the themes."""
        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def get_key_display(self, binding: Binding) -> str:
        """A key's name in the characters that the terminal has."""
        return self._look.own(super().get_key_display(binding))

    async def on_resize(self, event: Resize) -> None:
        """Ask for a larger terminal, or go on.

        Waited for: a screen that is taken away before it is there never ends, and the terminal hangs.
        """
        small = is_too_small(*event.size)
        if small and not isinstance(self.screen, TooSmall):
            await self.push_screen(TooSmall())
        elif not small and isinstance(self.screen, TooSmall):
            await self.pop_screen()
