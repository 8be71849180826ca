"""Locust's runners: what user code sees of its process's part of the run, and how it asks for something else.

A generator's is a `WorkerRunner`, the hook host's a `MasterRunner`, so that `isinstance` tests in locustfiles mean what
they mean in Locust; a script that uses Locust as a library gets a `LocalRunner` (`tidal.generator.local`).

The first two steer nothing themselves: the plan does. What user code wants goes through a `Port` to whoever owns the
process; what has no meaning there raises `NotSupported`, by name. Attributes may be set on them freely.
"""

from __future__ import annotations

import logging
import os
import traceback
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import gevent
from gevent.pool import Group
from gevent.queue import Queue

from tidal.generator.dispatch import split
from tidal.generator.messages import Message
from tidal.generator.nodes import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    WorkerNode,
    WorkerNodes,
    setting,
)
from tidal.measure import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidal.generator.environment import Environment
    from tidal.model.pipe import View

__all__ = [
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "DistributedRunner",
    "MasterRunner",
    "NotSupported",
    "Port",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "setting",
]

logger = logging.getLogger("locust.runners")


class NotSupported(NotImplementedError):
    """A part of Locust's API that tidal does not have; the message names it."""


class Port(Protocol):
    """What a runner asks of the process around it. `report()`, sending what was measured now, need not be there."""

    def send_message(self, msg_type: str, data: Any, client_id: str | None) -> None:
        """Send a custom message: to the master, or to the worker with this id, or to all of them (None)."""

    def start(self, users: int, spawn_rate: float, classes: tuple[str, ...]) -> None:
        """Have so many users, of these classes only unless there are none."""

    def leave(self, why: str) -> None:
        """End the run."""


class Runner:
    """A view of this process's part of the run.

    Attributes:
        user_greenlets: the users' greenlets; the user is its greenlet's `args[0]`.
        greenlet: the runner's own greenlets.
        exceptions: exceptions of users by the hash of their traceback: count, msg, traceback, nodes.
    """

    is_master: ClassVar[bool] = False

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.state = STATE_INIT
        self.user_greenlets = Group()
        self.greenlet = Group()
        self.spawning_greenlet: Any = None
        self.shape_greenlet: Any = None
        self.shape_last_tick: Any = None
        self.exceptions: dict[int, dict[str, Any]] = {}
        self.custom_messages: dict[str, tuple[Callable[..., Any], bool]] = {}
        self.target_user_count = 0
        self.target_user_classes_count: dict[str, int] = {}
        self.final_user_classes_count: dict[str, int] = {}
        self.current_cpu_usage = 0.0
        self.current_memory_usage = 0
        self.cpu_warning_emitted = self.worker_cpu_warning_emitted = False
        self.connection_broken = False
        self.worker_count = 1
        self._counts: dict[str, int] = {}
        self._usage = Usage()
        self._inbox: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state} {self.user_count} users>"

    @property
    def stats(self) -> Any:
        """This process's statistics; on the master's side those of the run."""
        return self.environment.stats

    @property
    def errors(self) -> Any:
        """Failed requests, by kind."""
        return getattr(self.environment.stats, "errors", {})

    @property
    def user_classes(self) -> list[Any]:
        """The user classes."""
        return self.environment.user_classes

    @property
    def user_classes_by_name(self) -> dict[str, Any]:
        """The user classes, by name."""
        return self.environment.user_classes_by_name

    @property
    def user_classes_count(self) -> dict[str, int]:
        """Users running, by class; classes without one too."""
        return {cls.__name__: 0 for cls in self.user_classes} | self._counts

    @user_classes_count.setter
    def user_classes_count(self, counts: Mapping[str, int]) -> None:
        self._counts = dict(counts)

    @property
    def user_count(self) -> int:
        """Users running."""
        return sum(self.user_classes_count.values())

    def update_state(self, new_state: str) -> None:
        """Set the state."""
        self.state = new_state

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception of a user's."""
        key = hash(formatted_tb)
        row = self.exceptions.setdefault(key, {"count": 0, "msg": msg, "traceback": formatted_tb, "nodes": set()})
        row["count"] += 1
        row["nodes"].add(node_id)

    # ------------------------------------------------------------------ the machine

    def watch_usage(self) -> None:
        """Look at this process's CPU and memory and tell the listeners; due every CPU_MONITOR_INTERVAL seconds."""
        permille, self.current_memory_usage = self._usage.look(())
        self.current_cpu_usage = permille / 10
        seen: dict[str, Any] = {"environment": self.environment, "cpu_usage": self.current_cpu_usage}
        if self.current_cpu_usage > setting("CPU_WARNING_THRESHOLD"):
            self.environment.events.cpu_warning.fire(**seen)
            self._warn_of_cpu()
        self.environment.events.usage_monitor.fire(**seen, memory_usage=self.current_memory_usage)

    def _warn_of_cpu(self) -> None:
        if not self.cpu_warning_emitted:
            logger.warning(
                "CPU usage above %s%%! This may constrain your throughput and may even give inconsistent response time"
                " measurements!",
                setting("CPU_WARNING_THRESHOLD"),
            )
            self.cpu_warning_emitted = True

    def cpu_log_warning(self) -> bool:
        """At the end: say again whether the CPU was too busy at some point."""
        if self.cpu_warning_emitted:
            logger.warning("CPU usage was too high at some point during the test!")
        return self.cpu_warning_emitted

    # ------------------------------------------------------------------ custom messages

    def register_message(self, msg_type: str, listener: Any, concurrent: bool = False) -> None:  # noqa: FBT001, FBT002 - Locust's
        """Have `listener(environment=…, msg=…)` called for messages of a type; several at once when `concurrent`."""
        if msg_type in self.custom_messages:
            raise ValueError(f"messages of type {msg_type!r} have a listener already")
        self.custom_messages[msg_type] = (listener, concurrent)

    def deliver(self, msg_type: str, data: Any, node_id: str) -> None:
        """A message has come. Listeners run in greenlets: one after the other unless they are concurrent."""
        entry = self.custom_messages.get(msg_type)
        if entry is None:
            logger.warning("Unknown message type received from %s: %s", node_id or "master", msg_type)
            return
        listener, concurrent = entry
        message = Message(msg_type, data, node_id)
        if concurrent:
            gevent.spawn(self._hear, listener, message)
            return
        if self._inbox is None:
            self._inbox = Queue()
            gevent.spawn(self._serve, self._inbox)
        self._inbox.put((listener, message))

    def _serve(self, inbox: Any) -> None:
        while True:
            self._hear(*inbox.get())

    def _hear(self, listener: Callable[..., Any], message: Message) -> None:
        try:
            listener(environment=self.environment, msg=message)
        except Exception:  # noqa: BLE001 - user code may raise anything
            logger.error("Uncaught exception in handler for %s\n%s", message.type, traceback.format_exc())  # noqa: TRY400 - the traceback is part of Locust's text

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:  # noqa: ARG002 - Locust's
        """Send a custom message."""
        raise NotSupported(f"runner.send_message({msg_type!r}) on {type(self).__name__}: there is nobody to send to")

    # ------------------------------------------------------------------ what a view cannot do

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> None:  # noqa: ARG002, FBT001, FBT002 - Locust's
        """Have so many users."""
        raise NotSupported(f"runner.start() on {type(self).__name__}: the number of users is the plan's")

    def stop(self) -> None:
        """Stop the run."""
        raise NotSupported(f"runner.stop() on {type(self).__name__}: it owns no run")

    def quit(self) -> None:
        """Stop the run and leave."""
        raise NotSupported(f"runner.quit() on {type(self).__name__}: it owns no run")

    def spawn_users(self, user_classes_spawn_count: dict[str, int], wait: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 - Locust's
        """Start users beside the plan."""
        raise NotSupported(f"runner.spawn_users() on {type(self).__name__}: which users run is the plan's")

    def stop_users(self, user_classes_stop_count: dict[str, int]) -> None:  # noqa: ARG002 - Locust's
        """Stop users beside the plan."""
        raise NotSupported(f"runner.stop_users() on {type(self).__name__}: which users run is the plan's")

    def start_shape(self) -> None:
        """Begin to ask the shape: a run with a shape does so by itself."""
        raise NotSupported(f"runner.start_shape() on {type(self).__name__}: the master asks the shape")


class DistributedRunner(Runner):
    """Locust's name for what is not local: with a `Port` to the process that owns it."""

    def __init__(
        self, environment: Environment, *, number: int = 0, client_id: str = "", port: Port | None = None, run: str = ""
    ) -> None:
        super().__init__(environment)
        self.client_id = client_id or f"{os.uname().nodename}_{run}_{number}"
        self.worker_index = number
        self._port = port

    def _ask(self, what: str) -> Port:
        """The port; NotSupported when nobody gave one."""
        if self._port is None:
            raise NotSupported(f"runner.{what} on {type(self).__name__}: no run is behind it")
        return self._port

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a custom message: a worker to the master, the master to one worker or to all of them."""
        self._ask(f"send_message({msg_type!r})").send_message(msg_type, data, client_id)

    def leave(self, why: str) -> None:
        """End the run."""
        self._ask(why).leave(why)

    def stop(self) -> None:
        """End the run."""
        self.leave("runner.stop()")

    def quit(self) -> None:
        """End the run. A user that asks for it is killed in here, as all are, unless there is a stop timeout."""
        self.leave("runner.quit()")
        gevent.sleep(0)


class WorkerRunner(DistributedRunner):
    """A generator's runner."""

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> None:  # noqa: ARG002, FBT001, FBT002 - Locust's
        """Only the master's side sets the number of users."""
        raise NotSupported("runner.start() on a worker: the number of users is set on the master")

    def report_data(self) -> dict[str, Any]:
        """What a worker's report carries besides tidal's own: what listeners of `report_to_master` put there."""
        stats = self.environment.stats
        data: dict[str, Any] = {
            "stats": stats.serialize_stats(),
            "stats_total": stats.total.serialize(),
            "errors": stats.serialize_errors(),
            "user_classes_count": self.user_classes_count,
            "user_count": self.user_count,
        }
        self.environment.events.report_to_master.fire(client_id=self.client_id, data=data)
        return data

    def _send_stats(self) -> None:
        """Report now; Locust's plugins call it before they leave."""
        report = getattr(self._port, "report", None)
        if report is not None:
            report()


class MasterRunner(DistributedRunner):
    """The hook host's runner: the run as the master sees it, a second old at most."""

    is_master = True

    def __init__(
        self,
        environment: Environment,
        *,
        number: int = -1,
        client_id: str = "",
        port: Port | None = None,
        run: str = "",
    ) -> None:
        self.clients = WorkerNodes()
        super().__init__(environment, number=number, client_id=client_id, port=port, run=run)
        self.spawn_rate = 0.0
        self.spawning_completed = False
        self.worker_indexes: dict[str, int] = {}

    @property
    def worker_count(self) -> int:
        """Workers that are there."""
        return len(self.clients) - len(self.clients.missing)

    @worker_count.setter
    def worker_count(self, _: int) -> None:
        """What a runner is born with; here it is counted."""

    @property
    def user_classes_count(self) -> dict[str, int]:
        """Users running in the fleet, by class; classes without one too."""
        return {cls.__name__: 0 for cls in self.user_classes} | self.reported_user_classes_count

    @user_classes_count.setter
    def user_classes_count(self, _: Mapping[str, int]) -> None:
        """Here it is counted."""

    @property
    def reported_user_classes_count(self) -> dict[str, int]:
        """Users running, by class, as the workers reported."""
        counts: dict[str, int] = {}
        for node in self.clients.all:
            for name, count in node.user_classes_count.items() if node.state != STATE_MISSING else ():
                counts[name] = counts.get(name, 0) + count
        return counts

    def get_worker_index(self, client_id: str) -> int:
        """The index of a worker; it never changes."""
        return self.worker_indexes.setdefault(client_id, max(self.worker_indexes.values(), default=-1) + 1)

    def update(self, view: View) -> None:
        """The run as it is now."""
        self.state = view.state
        self.worker_indexes.update((row.id, row.index) for row in view.clients)
        self.clients.update_from(view.clients)
        self.spawn_rate = view.spawn_rate
        if view.target_users != self.target_user_count:
            self.target_user_count = view.target_users
            self.target_user_classes_count = split(self.user_classes, view.target_users)
        if view.state in (STATE_SPAWNING, STATE_RUNNING):
            self.final_user_classes_count = self.user_classes_count
        self.spawning_completed = view.state == STATE_RUNNING
        for found in view.exceptions:
            row = {"count": found.occurrences, "msg": found.message, "traceback": found.traceback, "nodes": set()}
            self.exceptions[hash((found.message, found.traceback))] = row

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> None:  # noqa: ARG002, FBT001, FBT002 - Locust's
        """Have so many users from now on, of these classes only unless none is given."""
        classes = tuple(cls if isinstance(cls, str) else cls.__name__ for cls in user_classes or ())
        self._ask("start()").start(int(user_count), float(spawn_rate), classes)
