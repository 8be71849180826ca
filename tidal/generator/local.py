"""Users in this very process: what a script that uses Locust as a library gets from `create_local_runner()`.

    environment = Environment(user_classes=[Visitor])
    runner = environment.create_local_runner()
    runner.start(10, spawn_rate=2)
    gevent.spawn_later(60, runner.quit)
    runner.greenlet.join()

The process must be patched by gevent before anything else is imported (`tidal.compat.install()` does it).
"""
# ruff: noqa: SLF001 - a user's state and an environment's filter have Locust's private names

from __future__ import annotations

import json
import logging
import os
import time
import traceback
import uuid
from typing import TYPE_CHECKING, Any

import gevent

from tidal.flow import STOPPING, StopTest
from tidal.generator.messages import Message
from tidal.generator.runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    Runner,
    WorkerNode,
    setting,
)
from tidal.hooks import note_failure
from tidal.users import made_user

if TYPE_CHECKING:
    from tidal.generator.environment import Environment

logger = logging.getLogger("locust.runners")

FAST_SPAWN_RATE = 100
SHAPE_INTERVAL_S = 1.0


def log_user_error(exception: BaseException, user_instance: Any = None, **_: Any) -> None:
    """Log an exception of a user's in Locust's words: a user raised in `on_start`, a task set in a task."""
    where = "locust.user.users" if hasattr(user_instance, "_taskset_instance") else "locust.user.task"
    logging.getLogger(where).error("%s\n%s", exception, "".join(traceback.format_exception(exception)))


class LocalRunner(Runner):
    """Runs users in this process, without a master."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.worker_index = 0
        self.client_id = f"{os.uname().nodename}_{uuid.uuid4().hex}"
        self._node = WorkerNode("local")
        self._users_dispatcher: Any = None
        hooks = environment.events
        hooks.request.add_listener(self._on_request)
        hooks.spawning_complete.add_listener(self._on_spawning_complete)
        hooks.user_error.add_listener(self._on_user_error)
        self._live(self._watch)

    def _live(self, function: Any, *arguments: Any) -> Any:
        """Run a part of the runner in a greenlet of its own."""
        greenlet = self.greenlet.spawn(function, *arguments)
        greenlet.link_exception(self._on_failure)
        return greenlet

    def _watch(self) -> None:
        while True:
            gevent.sleep(setting("CPU_MONITOR_INTERVAL"))
            self.watch_usage()

    @property
    def _is_headless(self) -> bool:
        return bool(getattr(self.environment.parsed_options, "headless", False))

    # ------------------------------------------------------------------ what it listens to

    def _on_request(
        self,
        request_type: Any,
        name: Any,
        response_time: float | None,
        response_length: int | None = 0,
        exception: Any = None,
        **_: Any,
    ) -> None:
        self.stats.log_request(request_type, name, response_time, response_length)
        if exception:
            self.stats.log_error(request_type, name, exception)

    def _on_spawning_complete(self, user_count: int, **_: Any) -> None:  # noqa: ARG002 - the hook's
        self.update_state(STATE_RUNNING)
        if self.environment.reset_stats:
            logger.info("Resetting stats\n")
            self.stats.reset_all()

    def _on_user_error(self, exception: BaseException, tb: Any, user_instance: Any = None, **_: Any) -> None:
        formatted = "".join(traceback.format_tb(tb))
        self.log_exception("local", str(exception), formatted)
        log_user_error(exception, user_instance)

    def _on_failure(self, greenlet: Any) -> None:
        """A greenlet of the runner's, or a user's, ended with an exception."""
        error = greenlet.exception
        if not isinstance(error, StopTest):
            note_failure()
            logger.critical("Unhandled exception in greenlet: %s", greenlet, exc_info=greenlet.exc_info)
            return
        logger.error("%s", error)
        logger.warning("Stopping Locust...")
        self.quit() if self._is_headless else self.stop()

    # ------------------------------------------------------------------ users

    @property
    def user_count(self) -> int:
        """Users running."""
        return len(self.user_greenlets)

    @property
    def user_classes_count(self) -> dict[str, int]:
        """Users running, by class."""
        counts = {cls.__name__: 0 for cls in self.user_classes}
        for user in self._users():
            name = type(user).__name__
            counts[name] = counts.get(name, 0) + 1
        return counts

    @user_classes_count.setter
    def user_classes_count(self, _: Any) -> None:
        """Here it is counted."""

    def _users(self) -> list[Any]:
        """The users, by number; the arguments of a greenlet that has just ended are gone."""
        users = [greenlet.args[0] for greenlet in self.user_greenlets if greenlet.args]
        return sorted(users, key=lambda user: user._tidal_number)

    def spawn_users(self, user_classes_spawn_count: dict[str, int], wait: bool = False) -> list[Any]:  # noqa: FBT001, FBT002 - Locust's
        """Start so many more users of each class; returns them."""
        if self.state in (STATE_INIT, STATE_STOPPED):
            self.update_state(STATE_SPAWNING)
        started = [user for name, count in user_classes_spawn_count.items() for user in self._spawn(name, count)]
        if wait:
            self.user_greenlets.join()
            logger.info("All users stopped\n")
        return started

    def _spawn(self, name: str, count: int) -> list[Any]:
        """So many users of a class, with the lowest numbers that are free."""
        cls = self.user_classes_by_name[name]
        taken = {user._tidal_number for user in self._users() if type(user) is cls}
        free = (number for number in range(len(taken) + count) if number not in taken)
        users = []
        for number, _ in zip(free, range(count), strict=False):
            user = made_user(cls, self.environment, number)
            greenlet = user.start(self.user_greenlets)
            greenlet.link_exception(self._on_failure)
            users.append(user)
        return users

    def stop_users(self, user_classes_stop_count: dict[str, int]) -> None:
        """Stop so many users of each class, those with the highest numbers; returns when they have gone."""
        users = self._users()
        leaving = []
        for name, count in user_classes_stop_count.items():
            own = [user for user in users if type(user).__name__ == name]
            leaving += own[max(0, len(own) - count) :] if count > 0 else []
        self._see_off(leaving)

    def _see_off(self, users: list[Any]) -> None:
        """Stop users: those in a task may finish it within `stop_timeout`."""
        timeout_s = self.environment.stop_timeout
        current = gevent.getcurrent()
        for user in users:
            if user._state != STOPPING or user.greenlet is current:
                user.stop(force=not timeout_s or user.greenlet is current)
        others = [user.greenlet for user in users if user.greenlet is not current]
        gevent.joinall(others, timeout=timeout_s or None)
        if late := [greenlet for greenlet in others if not greenlet.dead]:
            logger.info("Not all users finished their tasks & terminated in %s seconds. Stopping them...", timeout_s)
            gevent.killall(late)

    # ------------------------------------------------------------------ the run

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> None:  # noqa: FBT001, FBT002 - Locust's
        """Go to so many users at this rate, in the background."""
        if spawn_rate > FAST_SPAWN_RATE:
            logger.warning(
                "Your selected spawn rate is very high (>100), and this is known to sometimes cause issues."
                " Do you really need to ramp up that fast?"
            )
        if self.spawning_greenlet:
            self.spawning_greenlet.kill()
        self.spawning_greenlet = self._live(self._ramp, user_count, spawn_rate, wait, user_classes)

    def _ramp(self, user_count: int, spawn_rate: float, wait: bool, user_classes: Any) -> None:  # noqa: FBT001 - as start
        self.target_user_count = user_count
        if self.state not in (STATE_RUNNING, STATE_SPAWNING):
            self._begin()
        if wait and user_count - self.user_count > spawn_rate:
            raise ValueError("wait is True but the amount of users to add is greater than the spawn rate")
        if self.environment.host:
            for cls in self.user_classes:
                cls.host = self.environment.host
        if self.state not in (STATE_INIT, STATE_STOPPED):
            self.update_state(STATE_SPAWNING)
        logger.info("Ramping to %d users at a rate of %.2f per second", user_count, spawn_rate)
        try:
            self._follow(self._dispatcher(user_count, spawn_rate, user_classes), wait=wait)
        except KeyboardInterrupt:
            self.quit()
        counts = self.target_user_classes_count = self.user_classes_count
        total = sum(counts.values())
        logger.info("All users spawned: %s (%d total users)", json.dumps(dict(sorted(counts.items()))), total)
        self.environment.events.spawning_complete.fire(user_count=total)

    def _begin(self) -> None:
        """A new test."""
        self.stats.clear_all()
        self.exceptions = {}
        self.cpu_warning_emitted = self.worker_cpu_warning_emitted = False
        self.environment.feed_source = None  # unique rows begin again
        self.environment._filter_tasks_by_tags()
        self.environment.events.test_start.fire(environment=self.environment)

    def _dispatcher(self, user_count: int, spawn_rate: float, user_classes: Any) -> Any:
        if self._users_dispatcher is None:
            self._users_dispatcher = self.environment.dispatcher_class([self._node], self.user_classes)
        self._users_dispatcher.new_dispatch(user_count, spawn_rate, user_classes)
        return self._users_dispatcher

    def _follow(self, dispatcher: Any, *, wait: bool) -> None:
        """Start and stop users as the dispatcher says, at its pace."""
        for wanted in dispatcher:
            running = self.user_classes_count
            counts = wanted[self._node.id]
            change = {name: count - running.get(name, 0) for name, count in counts.items()}
            stop = {name: -by for name, by in change.items() if by < 0}
            if wait:  # `spawn_users` will not return before its users have ended
                self.stop_users(stop)
            self.spawn_users({name: by for name, by in change.items() if by > 0}, wait)
            if not wait:
                self.stop_users(stop)
            self._node.user_classes_count = dict(counts)

    def stop(self) -> None:
        """Stop all users and tell the listeners."""
        if self.state == STATE_STOPPED:
            return
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.final_user_classes_count = self.user_classes_count
        self.update_state(STATE_CLEANUP)
        for name in ("spawning_greenlet", "shape_greenlet"):
            greenlet = getattr(self, name)
            if greenlet and greenlet is not gevent.getcurrent():
                greenlet.kill()
        self.shape_greenlet = self.shape_last_tick = None
        self.stop_users(self.user_classes_count)
        self._users_dispatcher = None
        self.update_state(STATE_STOPPED)
        self.cpu_log_warning()
        self.environment.events.test_stop.fire(environment=self.environment)

    def quit(self) -> None:
        """Stop, and end the runner's own greenlets: whoever joins `runner.greenlet` goes on."""
        self.stop()
        self.greenlet.kill()

    # ------------------------------------------------------------------ the shape

    def start_shape(self) -> None:
        """Ask `environment.shape_class` once a second how many users there are to be."""
        if self.shape_greenlet:
            logger.info("There is an ongoing shape test running. Editing is disabled")
            return
        logger.info("Shape test starting.")
        self.update_state(STATE_INIT)
        self.shape_greenlet = self._live(self._follow_shape)
        if self.environment.shape_class is not None:
            self.environment.shape_class.reset_time()

    def _follow_shape(self) -> None:
        logger.info("Shape worker starting")
        while self.state in (STATE_INIT, STATE_SPAWNING, STATE_RUNNING):
            began_s = time.perf_counter()
            shape = self.environment.shape_class
            tick = None if shape is None else shape.tick()
            if tick is None:
                logger.info("Shape test stopping")
                self.quit() if self._is_headless else self.stop()
                return
            if tick != self.shape_last_tick:
                users, spawn_rate, *classes = tick
                logger.info("Shape test updating to %d users at %.2f spawn rate", users, spawn_rate)
                self.start(users, spawn_rate, user_classes=classes[0] if classes else None)
                self.shape_last_tick = tick
            gevent.sleep(max(0.0, began_s + SHAPE_INTERVAL_S - time.perf_counter()))

    # ------------------------------------------------------------------ messages

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:  # noqa: ARG002 - Locust's
        """Call the own listener of a custom message: there is nobody else."""
        entry = self.custom_messages.get(msg_type)
        if entry is None:
            logger.warning("Unknown message type received: %s", msg_type)
        else:
            entry[0](environment=self.environment, msg=Message(msg_type, data, "local"))
