"""A generator's life.

    orders ──▶ Load: import the file      ──▶ Loaded / NotLoaded
               SetClock: what time it is
               SetShare: what to run      ──▶ schedule ──▶ population ──▶ recorder ──▶ Batch, every 250 ms
               Finish: stop everybody     ──▶ the last Batch, then Finished

Greenlets besides the users': one reads orders, one keeps the population as the schedule says (`_keep`), one begins
arrivals when they are due (`_meet`), one sends batches (`_report`); two see to what Locust's workers do now and then.
When the plan ends, Finished is sent without being asked for.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event as Flag
from gevent.lock import BoundedSemaphore

from tidal.generator import otel
from tidal.generator.child import REPORT_TYPE, set_log_level, set_up, unless_init_failed, vital
from tidal.generator.clock import PATIENCE_S, RedisClock
from tidal.generator.collector import tune_collector
from tidal.generator.environment import (
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    Environment,
    WorkerRunner,
    set_scene,
    tell,
)
from tidal.generator.feeds import PipeSource
from tidal.generator.loadfile import load
from tidal.generator.logtap import LogTap
from tidal.generator.population import KILLS_MAX, ON_STOP_MS, Population
from tidal.generator.ports import ChildPort, deliver
from tidal.generator.recorder import Recorder
from tidal.generator.runners import setting
from tidal.generator.scheduler import Schedule
from tidal.generator.scopes import watch_sleeping
from tidal.generator.stats_settings import unheeded
from tidal.generator.stats_view import RequestStats
from tidal.generator.tickets import Tickets
from tidal.generator.visitors import LOOK_S, Visitors
from tidal.hooks import events
from tidal.measuring import measure_with
from tidal.model.pipe import (
    Finish,
    Finished,
    Load,
    Loaded,
    Message,
    SetClock,
    SetShare,
    TakeBlock,
    TakeTickets,
)
from tidal.shape import shape_named
from tidal.users import HttpUser

if TYPE_CHECKING:
    from tidal.generator.pipes import Pipes
    from tidal.generator.scheduler import Key, Step
    from tidal.model.events import Event, Track

logger = logging.getLogger("tidal.generator")

BATCH_S = 0.25


class Generator:
    """The parts of a generator, and what drives them."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._clock = RedisClock()
        self._schedule = Schedule()
        self._recorder = Recorder(self._clock.now_us, time.monotonic_ns, 1_000)
        self._environment = Environment(events=events)
        self._environment.iterations = self._recorder.iterations
        self._environment.paces = self._recorder.paces
        self._environment.measures = self._recorder.measures
        measure_with(self._recorder.measures)
        watch_sleeping()
        self._environment.stats = RequestStats(self._recorder.live)
        self._population = Population(self._environment, self._recorder, self._clock.now_ms, self._rest)
        self._feeds = self._environment.feed_source = PipeSource("", pipes.answer)
        self._visitors = Visitors(self._environment, self._recorder, self._clock)
        self._wake, self._call = Flag(), Flag()
        self._one_at_a_time = BoundedSemaphore()
        self._stop_timeout_ms = 0
        self._is_loaded = False
        self._is_reset_at_full_load = False
        self._restarts_users = True
        self._unread: list[Message] = []  # custom messages that came before the file was loaded
        self._hook_failures_told = 0
        self._beginning: Any = None  # the greenlet that fires test_start, once there is a share
        self._ending: Any = None  # the greenlet that waits for the last user, once the plan is over
        self._tracks: tuple[Track, ...] = ()
        self._was_complete = False
        self._worst_lag_ms = self._worst_behind_ms = 0
        self._tap = LogTap(pipes.answer)

    def run(self) -> None:
        """Obey until the agent closes the pipe."""
        self._pipes.watch_lifeline()
        vital(self._keep)
        vital(self._meet)
        vital(self._report)
        for order in self._pipes.orders():
            self._obey(order)

    # ------------------------------------------------------------------ orders

    def _obey(self, order: Event) -> None:
        if isinstance(order, SetClock):
            self._set_clock(order)
        elif isinstance(order, SetShare):
            self._set_share(order)
        elif isinstance(order, Message):
            self._unread.append(order)
            self._deliver()
        elif isinstance(order, TakeBlock):
            self._feeds.take(order)
        elif isinstance(order, TakeTickets):
            if self._environment.tickets is not None:
                self._environment.tickets.order(order)
        elif isinstance(order, Load):
            vital(self._load, order)
        elif isinstance(order, Finish):
            self._finish(order)
        self._rouse()

    def _rouse(self) -> None:
        """Something has happened: who keeps users and arrivals looks again."""
        self._wake.set()
        self._call.set()

    def _set_clock(self, order: SetClock) -> None:
        is_first = not self._clock.is_set
        self._clock.set(order.offset_us)
        if is_first:
            self._recorder.begin()

    def _set_share(self, order: SetShare) -> None:
        if order.tracks != self._tracks:
            self._tracks, self._was_complete = order.tracks, False
        self._set_warmup(order)
        self._recorder.stages.put(order.stages, order.began_ms)
        self._schedule.put(order)
        self._visitors.put(order)

    def _set_warmup(self, order: SetShare) -> None:
        """What is measured before the first plan's ramp is over is kept apart, when the run counts from then on."""
        if self._is_reset_at_full_load:
            first_ms = min((t.points[0][0] for t in order.tracks), default=0)
            until_ms = first_ms or max((t.points[-1][0] for t in order.tracks), default=0)
            until_ms += order.began_ms
            self._recorder.warmup_until_ms = min(self._recorder.warmup_until_ms or until_ms, until_ms)

    def _deliver(self) -> None:
        """Hand over the custom messages that have come, once there is somebody to hear them."""
        unread, self._unread = (self._unread, []) if self._is_loaded else ([], self._unread)
        for message in unread:
            deliver(self._environment.runner, message, self._environment.runner.client_id)

    def _load(self, order: Load) -> None:
        set_log_level(order.options.log_level)
        self._tap.open(order.options.log_lines)
        self._stop_timeout_ms = order.options.stop_timeout_ms
        self._is_reset_at_full_load = order.options.reset_stats
        self._restarts_users = order.options.restart_users
        self._feeds.run = order.run
        if order.options.iterations or order.options.iterations_per_user:
            per_user = bool(order.options.iterations_per_user)
            self._environment.tickets = Tickets(self._pipes.answer, per_user=per_user)
        answer, classes = load(order)
        if isinstance(answer, Loaded):
            self._prepare(order, classes, answer.shape)
            answer = unless_init_failed(answer)
        self._tap.flush()
        self._pipes.answer(answer)
        self._is_loaded = isinstance(answer, Loaded)
        self._deliver()
        self._rouse()

    def _prepare(self, order: Load, classes: dict[str, Any], shape: str) -> None:
        """Import what the first user would wait for, and tell the file's hooks."""
        self._population.classes = self._visitors.classes = classes
        if any(issubclass(cls, HttpUser) for cls in classes.values()):
            import tidal.generator.http  # noqa: F401, PLC0415 - 0.1 s: only who needs it pays
        hooks = self._environment.events
        hooks.request.sink, hooks.request.cancel = self._recorder.sample, self._recorder.cancel
        hooks.user_error.sink = self._user_error
        port = ChildPort(self._pipes, report=self._send_batch, leaving=self._stop_own_users)
        runner = WorkerRunner(self._environment, number=order.index, client_id=order.client, port=port, run=order.run)
        set_scene(self._environment, runner, order, classes, shape_named(shape))
        if order.options.use_otel:
            otel.set_up(self._environment)
        tell(hooks.init, environment=self._environment, runner=runner, web_ui=None)
        if order.index == 0:
            for name in unheeded():
                logger.warning("locust.stats.%s is set by the file: CSV, tables and JSON keep their own", name)
        tune_collector()
        vital(self._watch_usage)
        vital(self._beat)

    def _user_error(self, exception: BaseException, tb: Any = None, **_: Any) -> None:
        self._population.report(exception, tb)

    def _finish(self, order: Finish) -> None:
        self._stop_timeout_ms = order.stop_timeout_ms
        self._stop_own_users()
        if self._has_ended:  # the plan had ended before: say so again
            self._ending = None

    def _stop_own_users(self) -> None:
        """User code wants the end of the run: its own process stops at once, the others when the master says so."""
        self._schedule.finish()
        self._population.stop_all(self._stop_timeout_ms)
        self._visitors.stop_all(self._stop_timeout_ms)

    # ------------------------------------------------------------------ users

    def _keep(self) -> None:
        """Keep the population as the schedule says."""
        wake_ms: int | None = None
        while True:
            self._wake.clear()
            if wake_ms is not None:
                self._worst_behind_ms = max(self._worst_behind_ms, self._clock.now_ms() - wake_ms)
            wake_ms = self._turn() if self._clock.is_set else None
            self._wake.wait(self._patience_s(wake_ms))

    def _turn(self) -> int | None:
        """One look at the schedule; returns when the next is due (Redis time)."""
        now_ms = self._clock.now_ms()
        is_over = self._schedule.is_over(now_ms)
        self._watch_end(is_over=is_over)
        self._population.enforce()
        self._visitors.enforce()
        if not self._is_loaded or not self._schedule.has_share:
            return None
        if self._beginning is None and not is_over:
            self._beginning = vital(self._begin)
        if not self._has_begun:
            return None
        is_alive = self._is_led
        step = self._schedule.step(now_ms, alive=is_alive)
        self._apply(step, self._stop_timeout_ms if is_alive else 0)
        if not is_alive:
            self._visitors.stop_all(0)
        return step.wake_ms

    @property
    def _has_begun(self) -> bool:
        """Whether the file has prepared itself."""
        return self._beginning is not None and self._beginning.ready()

    @property
    def _is_led(self) -> bool:
        """Whether the agent speaks: else what is due is others'."""
        return self._clock.silence_s() <= PATIENCE_S or self._pipes.has_orders()

    def _meet(self) -> None:
        """Begin arrivals when they are due."""
        while True:
            self._call.clear()
            self._call.wait(self._meet_turn())

    def _meet_turn(self) -> float:
        """Begin what is due; returns for how long there is nothing to do."""
        if not self._has_begun or self._schedule.finishing or not self._clock.is_set:
            return LOOK_S
        if not self._is_led:
            self._visitors.skip()
            return LOOK_S
        return self._visitors.turn()

    def _apply(self, step: Step, stop_timeout_ms: int) -> None:
        if step.stop:
            self._population.stop(step.stop, stop_timeout_ms)
        if step.start:
            self._population.start(step.start)
        self._note_complete()

    def _note_complete(self) -> None:
        """Tell the hooks that everybody who is to run was started: once for each target."""
        runner = self._environment.runner
        runner.user_classes_count = self._recorder.users
        runner.target_user_count = self._schedule.own_count
        now_ms = self._clock.now_ms()
        everybody = self._schedule.wanted(now_ms)
        if everybody and not self._was_complete and self._schedule.is_complete(now_ms):
            self._was_complete = True
            runner.state = STATE_RUNNING
            runner.target_user_classes_count = self._schedule.own_counts
            gevent.spawn(tell, self._environment.events.spawning_complete, user_count=everybody)

    def _patience_s(self, wake_ms: int | None) -> float:
        first_ms = self._least(wake_ms, self._population.next_deadline_ms, self._visitors.next_deadline_ms)
        if first_ms is None:
            return LOOK_S
        return min(LOOK_S, max(0.0005, (first_ms * 1000 - self._clock.now_us()) / 1e6))

    def _rest(self, key: Key) -> None:
        """A user ended by itself: it comes back later, unless it was to be let go."""
        self._environment.runner.user_classes_count = self._recorder.users
        self._recorder.ended(comes_back=self._restarts_users)
        if self._restarts_users:
            self._schedule.ended(key, self._clock.now_ms())
            self._wake.set()

    # ------------------------------------------------------------------ begin and end

    def _begin(self) -> None:
        """Let the file prepare itself; its users wait for that."""
        self._environment.runner.state = STATE_SPAWNING
        tell(self._environment.events.test_start, environment=self._environment)
        self._rouse()

    @staticmethod
    def _least(*moments_ms: int | None) -> int | None:
        return min((m for m in moments_ms if m is not None), default=None)

    def _watch_end(self, *, is_over: bool) -> None:
        if not is_over:
            self._ending = None
        elif self._ending is None:
            self._ending = vital(self._end)

    def _end(self) -> None:
        """See the users off, tell the hooks, send what is left, say so."""
        runner, hooks = self._environment.runner, self._environment.events
        has_run = self._beginning is not None and runner is not None and runner.state != STATE_STOPPED
        if has_run:
            runner.state = STATE_STOPPING
            tell(hooks.test_stopping, environment=self._environment)
        self._await_last_user()
        if has_run:
            runner.user_classes_count = self._recorder.users  # listeners of test_stop see that nobody is left
            runner.state = STATE_STOPPED
            tell(hooks.test_stop, environment=self._environment)
            if hooks.report_to_master.has_listeners:
                self._report_to_master()
            tell(hooks.quitting, reverse=True, environment=self._environment)
            tell(hooks.quit, exit_code=self._environment.process_exit_code or 0)
        self._feeds.give_back()
        if self._environment.tickets is not None:
            self._environment.tickets.give_back()
        self._send_batch()
        self._tap.flush()
        self._pipes.may_end = True
        self._pipes.answer(Finished(self._environment.process_exit_code))

    @property
    def _has_ended(self) -> bool:
        """Whether Finished was sent: nothing comes after it, until there is something to run again."""
        return self._ending is not None and self._ending.ready()

    def _await_last_user(self) -> None:
        """Until all have gone; whoever catches what ends it is given up by the population in this time."""
        patience_s = (self._stop_timeout_ms + (KILLS_MAX + 1) * ON_STOP_MS) / 1000
        until_s = time.monotonic() + patience_s
        self._visitors.stop_all(self._stop_timeout_ms)
        while self._population.count + self._visitors.count and time.monotonic() < until_s:
            gevent.sleep(0.01)

    # ------------------------------------------------------------------ batches

    def _report(self) -> None:
        """Send a batch four times a second, and how late the timer was."""
        due_s = time.monotonic() + BATCH_S
        while True:
            while (rest_s := due_s - time.monotonic()) > 0:
                gevent.sleep(rest_s)
            self._worst_lag_ms = max(self._worst_lag_ms, int(-rest_s * 1000))
            if self._clock.is_set and self._is_loaded and not self._has_ended:
                self._send_batch()
            self._tap.send()
            due_s = max(due_s + BATCH_S, time.monotonic())

    def _send_batch(self) -> None:
        """Take and send as one act: batches must leave in the order in which they were taken."""
        with self._one_at_a_time:
            lag_ms, self._worst_lag_ms = self._worst_lag_ms, 0
            failures = self._environment.events.failures
            new, self._hook_failures_told = failures - self._hook_failures_told, failures
            behind_ms, self._worst_behind_ms = self._worst_behind_ms, 0
            self._pipes.answer(self._recorder.take(lag_ms, new, behind_ms))

    # ------------------------------------------------------------------ what Locust's workers do now and then

    def _watch_usage(self) -> None:
        """CPU and memory, for the listeners of `usage_monitor` and `cpu_warning`."""
        while True:
            gevent.sleep(setting("CPU_MONITOR_INTERVAL"))
            self._environment.runner.watch_usage()

    def _beat(self) -> None:
        """The listeners of `heartbeat_received` each second, those of `report_to_master` at Locust's interval."""
        hooks, runner = self._environment.events, self._environment.runner
        reported_s = time.monotonic()
        while True:
            gevent.sleep(1)
            if hooks.heartbeat_received.has_listeners:
                tell(hooks.heartbeat_received, client_id=runner.client_id, timestamp=time.time())
            is_due = time.monotonic() - reported_s >= setting("WORKER_REPORT_INTERVAL")
            if hooks.report_to_master.has_listeners and is_due:
                reported_s = time.monotonic()
                self._report_to_master()

    def _report_to_master(self) -> None:
        """What listeners add to a worker's report travels as a message of its own."""
        runner = self._environment.runner
        try:
            runner.send_message(REPORT_TYPE, runner.report_data())
        except ValueError as error:
            logger.warning("what the listeners of report_to_master added cannot travel: %s", error)


def main() -> None:
    """Live; exit at once when the agent is gone, in order when the work was done."""
    pipes = set_up()
    Generator(pipes).run()
    if not pipes.may_end:
        os._exit(0)
