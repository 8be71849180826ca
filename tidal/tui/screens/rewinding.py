"""The keys of a position in time: those of a replay, and of a live run that is rewound while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.widgets import Input

from tidal.tui.feed import Feed, is_seekable
from tidal.tui.screens.board import Board
from tidal.tui.screens.choosers import MomentQuestion
from tidal.tui.widgets.scrubber import Scrubber

if TYPE_CHECKING:
    from typing import Any

    from textual.binding import BindingType

    from tidal.tui.feed import Operator
    from tidal.tui.look import Look

POSITION_ACTIONS = frozenset({"play", "skip", "rim", "speed", "event", "moment", "busy", "jump"})
TICK_S = 0.5


class Rewinding(Board):
    """A dashboard whose picture may be of another moment."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play", priority=True, tooltip="play or pause", id="replay.play"),
        Binding("left", "skip(-5)", "Back 5 s", priority=True, show=False, id="replay.back"),
        Binding("right", "skip(5)", "Seek", priority=True, key_display="←→", tooltip="5 s on", id="replay.on"),
        Binding("shift+left", "skip(-60)", "Back 60 s", priority=True, show=False, id="replay.back60"),
        Binding("shift+right", "skip(60)", "On 60 s", priority=True, show=False, id="replay.on60"),
        Binding("comma", "skip(-0.5)", "Back a tick", key_display=",", show=False, id="replay.tick_back"),
        Binding("full_stop", "skip(0.5)", "On a tick", key_display=".", show=False, id="replay.tick"),
        Binding("home", "rim(0)", "To the start", priority=True, show=False, id="replay.start"),
        Binding(
            "end", "rim(1000)", "To the end", priority=True, show=False, tooltip="the end; live: now", id="replay.end"
        ),
        Binding(
            "less_than_sign", "speed(-1)", "Slower", key_display="<", priority=True, show=False, id="replay.slower"
        ),
        Binding(
            "greater_than_sign",
            "speed(1)",
            "Speed",
            key_display="<>",
            priority=True,
            tooltip="faster",
            id="replay.faster",
        ),
        Binding(
            "left_square_bracket", "event(-1)", "Event before", key_display="[", show=False, id="replay.event_before"
        ),
        Binding("right_square_bracket", "event(1)", "Event after", key_display="]", show=False, id="replay.event"),
        Binding("t", "moment", "Go to", show=False, tooltip="a moment: 2m30s, -10s, 14:03", id="replay.moment"),
        Binding("i", "busy", "Skip idle", show=False, tooltip="to the next moment with requests", id="replay.busy"),
        Binding(
            "left_curly_bracket", "jump('', -1)", "Mark before", key_display="{", show=False, id="replay.mark_before"
        ),
        Binding(
            "right_curly_bracket",
            "jump('', 1)",
            "Mark after",
            key_display="}",
            show=False,
            tooltip="the next anomaly, loss, threshold that tripped, or note",
            id="replay.mark",
        ),
        *(
            Binding(key, f"jump('{group}', 1)", f"Next {group}", show=False, id=f"replay.{group}")
            for key, group in (("a", "anomaly"), ("l", "loss"), ("T", "threshold"), ("o", "note"))
        ),
    ]

    def __init__(self, feed: Feed, look: Look, operator: Operator | None, **more: Any) -> None:
        super().__init__(feed, look, operator, **more)
        self._can_rewind = is_seekable(feed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys of time where there is only now; a live run can be stepped back, the rest comes with that."""
        if action not in POSITION_ACTIONS:
            return super().check_action(action, parameters)
        if not self._can_rewind or isinstance(self.focused, Input):
            return False
        return self.is_replay or self.is_rewound or action in ("skip", "event", "moment", "rim")

    def action_play(self) -> None:
        """Play or pause."""
        self.pump.play_or_pause()

    def action_skip(self, seconds: float) -> None:
        """Go back or forth."""
        self.pump.skip(seconds)

    def action_rim(self, permille: int) -> None:
        """Go to the start or the end; the end of a live run is now."""
        self.pump.seek_part(permille)

    def action_speed(self, steps: int) -> None:
        """Faster or slower."""
        self.pump.change_speed(steps)

    def action_event(self, direction: int) -> None:
        """Go to the event before or after."""
        at_ms = self.pump.place.tick_beside(self.pump.heading_ms, direction)
        if at_ms is None:
            self.app.bell()
        else:
            self.pump.seek(at_ms)

    def action_busy(self) -> None:
        """Skip what stands idle."""
        self.pump.skip_idle()

    def action_jump(self, group: str, direction: int) -> None:
        """Go to what is worth looking at; the first time the whole recording is looked through."""
        self.pump.jump(group, direction)

    @work
    async def action_moment(self) -> None:
        """Ask for a moment, and go there."""
        began_ms = self.frame.run.began_ms if self.frame is not None else 0
        place = self.pump.place
        at_ms = await self.app.push_screen_wait(
            MomentQuestion(self.pump.heading_ms, began_ms or place.first_ms, self.look.zone)
        )
        if at_ms is not None:
            self.pump.seek(at_ms)

    @on(Scrubber.Sought)
    def _sought(self, event: Scrubber.Sought) -> None:
        self.pump.seek_part(event.permille)
