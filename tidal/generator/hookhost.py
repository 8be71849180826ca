"""The hook host: the locustfile beside the master, for its hooks and its shape. It runs no users.

`Load(side="inspect")` describes the file and leaves. `Load(side="master")` stays: `init` at once, then the hooks that
the master orders (`Fire`), custom messages, and once a second, while the run goes on, the shape's `tick`. What user
code wants (a number of users, the end, a message) is told to the master, which never waits for it.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import gevent

from tidal.generator import otel
from tidal.generator.child import REPORT_TYPE, set_log_level, set_up, unless_init_failed, vital
from tidal.generator.environment import (
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    Environment,
    MasterRunner,
    set_scene,
    tell,
)
from tidal.generator.loadfile import load
from tidal.generator.logtap import LogTap
from tidal.generator.ports import ChildPort, deliver
from tidal.generator.runners import setting
from tidal.generator.stats_view import RequestStats
from tidal.generator.sums import Sums
from tidal.hooks import events, note_failure
from tidal.model.codec import BadEntry, unpack_value
from tidal.model.pipe import Finish, Finished, Fire, Fired, Leave, Load, Loaded, Message, Steer, View
from tidal.shape import Arrivals, shape_named

if TYPE_CHECKING:
    from tidal.generator.pipes import Pipes
    from tidal.model.events import Event

logger = logging.getLogger("tidal.hookhost")

TICK_S = 1.0
SAY_S = 0.25
SILENCE_MS = 2_000
"""How late a worker's first report may be before it is taken for one that sends none."""


class HookHost:
    """The master's side of the locustfile."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._environment = Environment(events=events)
        self._sums = Sums()
        self._known: set[str] = set()  # client ids that were told of
        self._failures_told = 0
        self._ticking: Any = None
        self._view = View("ready", 0, 0, 0, 0, 0.0)
        self._was_reported = False  # by a worker, to listeners of worker_report
        self._code_on_error: int | None = None
        self.is_done = False
        self._tap = LogTap(pipes.answer)

    def run(self) -> None:
        """Obey until the master closes the pipe, or there was only a description to give."""
        self._pipes.watch_lifeline()
        for order in self._pipes.orders():
            self._obey(order)
            if self.is_done:
                return

    def _obey(self, order: Event) -> None:
        if isinstance(order, Load):
            self._load(order)
        elif isinstance(order, View):
            self._see(order)
        elif isinstance(order, Fire):
            vital(self._fire, order)
        elif isinstance(order, Message):
            self._hear(order)
        elif isinstance(order, Finish):
            self._pipes.may_end = True
            self._pipes.answer(Finished(self._environment.process_exit_code))

    # ------------------------------------------------------------------ the file

    def _load(self, order: Load) -> None:
        set_log_level(order.options.log_level)
        if order.side != "inspect":
            self._tap.open(order.options.log_lines)
            vital(self._say)
        answer, classes = load(order)
        if order.side == "inspect":
            self.is_done = self._pipes.may_end = True
        elif isinstance(answer, Loaded):
            self._prepare(order, classes)
            answer = unless_init_failed(answer)
        self._tap.flush()
        self._pipes.answer(answer)

    def _say(self) -> None:
        """Hand on what was logged, four times a second."""
        while True:
            gevent.sleep(SAY_S)
            self._tap.send()

    def _prepare(self, order: Load, classes: dict[str, Any]) -> None:
        self._code_on_error = order.options.exit_code_on_error
        port = ChildPort(self._pipes, may_steer=True)
        runner = MasterRunner(self._environment, port=port, run=order.run)
        shape = shape_named(order.shape)
        set_scene(self._environment, runner, order, classes, shape)
        self._environment.stats = RequestStats(self._sums)
        if order.options.use_otel:
            otel.set_up(self._environment)
        tell(self._environment.events.init, environment=self._environment, runner=runner, web_ui=None)
        if shape is not None:
            self._ticking = vital(self._tick, shape)
        vital(self._watch_usage)

    def _watch_usage(self) -> None:
        while True:
            gevent.sleep(setting("CPU_MONITOR_INTERVAL"))
            self._environment.runner.watch_usage()

    # ------------------------------------------------------------------ what the master tells

    def _see(self, view: View) -> None:
        """The run as it is now."""
        runner, hooks = self._environment.runner, self._environment.events
        if runner is None:
            return
        self._view = view
        self._sums.take(view)
        self._environment.stats.observe()
        runner.update(view)
        now_s = time.time()
        for row in view.clients:
            if row.id not in self._known:
                self._known.add(row.id)
                tell(hooks.worker_connect, client_id=row.id)
            tell(hooks.heartbeat_sent, client_id=row.id, timestamp=now_s)
        if view.began_ms and view.now_ms - view.began_ms > 1000 * setting("WORKER_REPORT_INTERVAL") + SILENCE_MS:
            self._report_for_workers()

    def _report_for_workers(self) -> None:
        """Workers report by themselves if the file listens to that there; else what is known of them is told here."""
        hooks = self._environment.events
        if self._was_reported or hooks.report_to_master.has_listeners or not hooks.worker_report.has_listeners:
            return
        for row in self._view.clients:
            data = {"user_classes_count": dict(row.users), "user_count": sum(row.users.values())}
            tell(hooks.worker_report, client_id=row.id, data=data)

    def _hear(self, message: Message) -> None:
        """A custom message, or what a worker's listeners added to its report."""
        if message.type != REPORT_TYPE:
            deliver(self._environment.runner, message, message.client)
            return
        try:
            data = unpack_value(message.data)
        except BadEntry:
            return
        self._was_reported = True
        tell(self._environment.events.worker_report, client_id=message.client, data=data)

    # ------------------------------------------------------------------ hooks

    def _fire(self, order: Fire) -> None:
        """Call the listeners of a hook and say so; `quit` stands for all that comes at the end."""
        environment, hooks = self._environment, self._environment.events
        runner = environment.runner
        if order.hook == "spawning_complete":
            tell(hooks.spawning_complete, user_count=order.user_count)
        elif order.hook == "test_start":
            runner.state = STATE_SPAWNING
            tell(hooks.test_start, environment=environment)
        elif order.hook == "test_stopping":
            tell(hooks.test_stopping, environment=environment)
        elif order.hook == "quit":
            self._fire_last(order)
        self._tap.flush()
        failed, self._failures_told = hooks.failures - self._failures_told, hooks.failures
        self._pipes.answer(Fired(order.hook, failed, environment.process_exit_code))

    def _fire_last(self, order: Fire) -> None:
        environment, hooks = self._environment, self._environment.events
        if self._ticking is not None:
            self._ticking.kill(block=False)
        environment.runner.state = STATE_STOPPED
        if self._has_run:
            self._report_for_workers()
            tell(hooks.test_stop, environment=environment)
        tell(hooks.quitting, reverse=True, environment=environment)
        if environment.process_exit_code is None and order.exit_code == self._code_on_error:
            environment.process_exit_code = environment.parsed_options.exit_code_on_error  # a listener may have set it
        code = environment.process_exit_code
        tell(hooks.quit, exit_code=order.exit_code if code is None else code)

    @property
    def _has_run(self) -> bool:
        """Whether the run has begun."""
        return self._view.began_ms > 0

    # ------------------------------------------------------------------ the shape

    def _tick(self, shape: Any) -> None:
        """Ask the shape once a second, from the moment at which the run began."""
        while not self._has_run or self._view.state not in (STATE_SPAWNING, STATE_RUNNING):
            gevent.sleep(0.05)
        shape.reset_time()
        shape.start_time -= max(0, self._view.now_ms - self._view.began_ms) / 1000
        while (answer := self._ask(shape)) is None or isinstance(answer, Steer):
            if answer is not None:
                self._pipes.answer(answer)
            gevent.sleep(TICK_S)
        self._pipes.answer(answer)

    def _ask(self, shape: Any) -> Steer | Leave | None:
        """What the shape wants now; None when it is what it wanted before."""
        runner = self._environment.runner
        try:
            wish = shape.tick()
            if wish is None:
                return Leave(f"{type(shape).__name__} has come to its end", "finished")
            if wish == runner.shape_last_tick:
                return None
            runner.shape_last_tick = wish
            return _steer(wish, type(shape).__name__)
        except Exception as error:
            note_failure()
            logger.exception("the shape failed")
            return Leave(f"{type(shape).__name__}.tick() raised {type(error).__name__}: {error}", "failed")


def _steer(wish: Any, who: str) -> Steer:
    """A tick's answer: (users, spawn rate), (users, spawn rate, user classes) or `Arrivals`."""
    if isinstance(wish, Arrivals):
        names = tuple(getattr(cls, "__name__", str(cls)) for cls in wish.user_classes)
        return Steer(0, 1.0, names, who, float(wish.rate), int(wish.over_s * 1000))
    users, spawn_rate, *rest = wish
    classes = tuple(getattr(cls, "__name__", str(cls)) for cls in (rest[0] or () if rest else ()))
    return Steer(int(users), float(spawn_rate), classes, who)


def main() -> None:
    """Live; exit at once when the master is gone, in order when the work was done."""
    pipes = set_up()
    HookHost(pipes).run()
    if not pipes.may_end:
        os._exit(0)
