"""The keys that change the run. Each wish is an intent with its author; the log says what became of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding

from tidal.model.events import Event, WantDrain, WantNote, WantPause, WantResume, WantStage, WantStop, WantTarget
from tidal.model.members import why_kept
from tidal.model.phases import ABLE
from tidal.model.words import plural
from tidal.tui import text
from tidal.tui.screens.questions import (
    NoteQuestion,
    UsersQuestion,
    drain_question,
    leave_question,
    pause_question,
    stop_question,
)
from tidal.tui.screens.rewinding import Rewinding

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tidal.model.rows import WorkerRow

STEERING_ACTIONS = frozenset({"users", "stop", "note", "mark", "pause", "stage", "drain"})


class Steering(Rewinding):
    """A dashboard with an operator, who may pass wishes on.

    Attributes:
        outlives: whether the run goes on when this terminal is left.
    """

    outlives = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "users", "Users", tooltip="change the number of users, and how fast", id="steer.users"),
        Binding("n", "note", "Note", tooltip="write a note into the log", id="steer.note"),
        Binding("m", "mark", "Mark", show=False, tooltip="mark this moment in the log", id="steer.mark"),
        Binding("x", "stop", "Stop", tooltip="stop the run; asks first", id="steer.stop"),
        Binding("P", "pause", "Pause", show=False, tooltip="stand still, or go on where it stood", id="steer.pause"),
        Binding(
            "N", "stage('next')", "Next stage", show=False, tooltip="go to the plan's next stage", id="steer.stage_next"
        ),
        Binding("B", "stage('prev')", "Stage before", show=False, tooltip="go a stage back", id="steer.stage_before"),
        Binding("d", "detach", "Detach", show=False, tooltip="leave; the run goes on", id="steer.detach"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what cannot be wished now."""
        if action == "stage" and self.frame is not None and not self.frame.run.stages:
            return False
        if action == "drain" and self.worker_meant is None:
            return False
        if action in STEERING_ACTIONS:
            return self._operator is not None and not self.is_closed
        if action == "detach":
            return self.outlives and not self.is_replay and not self.is_closed
        return super().check_action(action, parameters)

    @work
    async def action_users(self) -> None:
        """Ask for another number of users."""
        planned = self.frame.run.users_planned if self.frame else 1
        wanted = await self.app.push_screen_wait(UsersQuestion(planned))
        if wanted is not None:
            await self.want(WantTarget(wanted.users, wanted.spawn_rate), f"asked for {plural(wanted.users, 'user')}")

    @work
    async def action_note(self) -> None:
        """Ask for a note."""
        note = await self.app.push_screen_wait(NoteQuestion())
        if note:
            await self.want(WantNote(note), "note handed in")

    @work
    async def action_mark(self) -> None:
        """Mark the moment: a note without words."""
        at = text.duration(self.frame.run.elapsed_ms) if self.frame else ""
        await self.want(WantNote(f"mark at {at}"), "marked")

    @work
    async def action_pause(self) -> None:
        """Ask, then let the run stand still; a run that does goes on at once."""
        if self.frame is not None and self.frame.run.is_paused:
            await self.want(WantResume(), "asked to go on")
        elif await self.app.push_screen_wait(pause_question()) == "pause":
            await self.want(WantPause(), "asked to pause")

    @work
    async def action_stage(self, which: str) -> None:
        """Go to the stage after or before this one."""
        await self.want(
            WantStage(which), f"asked for the {which} stage" if which == "next" else "asked for the stage before"
        )

    @property
    def worker_meant(self) -> WorkerRow | None:
        """The worker whose page is open, or whose row has the cursor; None where there is none."""
        key = self.opened[1][0] if self.opened is not None and self.opened[0] == "workers" else ""
        if self.opened is None and self._tab == "workers":
            row = self.grid("workers").cursor_row
            key = row.key.rpartition("\0")[2] if row is not None else ""
        workers = self.frame.workers if self.frame is not None else ()
        return next((worker for worker in workers if worker.incarnation == key), None)

    @work
    async def action_drain(self) -> None:
        """Say who takes its users, ask, then let the worker go; say why not when that cannot be."""
        meant = self.worker_meant
        if meant is None or self.frame is None:
            return
        heirs = [w.name for w in self.frame.workers if w.state in ABLE and w.incarnation != meant.incarnation]
        if why := why_kept(meant.name, meant.state, has_heirs=bool(heirs)):
            self.notify(text.clean(why), title="not drained", severity="warning", markup=False)
            return
        name = self.look.outside(meant.name)
        if await self.app.push_screen_wait(drain_question(name, meant.users, heirs)) == "drain":
            await self.want(WantDrain(meant.name), f"asked to drain {name}")

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
        how = await self.app.push_screen_wait(leave_question(outlives=self.outlives))
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
