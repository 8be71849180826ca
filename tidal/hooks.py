"""Hooks: where a locustfile listens to what happens around it.

The log's events are another thing.

    @events.test_start.add_listener
    def prepare(environment, **_):
        ...

A listener that raises never stops the run: it is logged by name, the first time with its traceback, and counted.
The steering exceptions (`StopUser`, `RescheduleTask` …) go through, because a listener of `request` may mean them.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tidal.flow import STEERING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Listener = Callable[..., Any]

L = TypeVar("L", bound="Callable[..., Any]")

logger = logging.getLogger()
"""The root logger: this is where Locust says that a listener failed, and scripts look for its words there."""

_failures = [0]


def note_failure() -> None:
    """Count code of the file's that raised where nobody awaits it; Locust's own flag for it is set too."""
    _failures[0] += 1
    if (log := sys.modules.get("locust.log")) is not None:
        log.unhandled_greenlet_exception = True  # type: ignore[attr-defined]


class EventHook:
    """A list of listeners, called with keyword arguments in the order in which they were added.

    Attributes:
        sink: tidal's own listener (the recorder), called first; the user's code does not see it.
        cancel: told of a request (method, name) whose answer nobody awaits any more.
    """

    def __init__(self, name: str = "hook") -> None:
        self.name = name
        self.sink: Listener | None = None
        self.cancel: Callable[[str, str], None] | None = None
        self._handlers: list[Listener] = []
        self._failures: dict[int, int] = {}  # by id: a listener need not be hashable

    def __repr__(self) -> str:
        return f"<EventHook {self.name} {len(self._handlers)} listeners>"

    @property
    def has_listeners(self) -> bool:
        """Whether anybody but tidal listens."""
        return bool(self._handlers)

    def add_listener(self, handler: L) -> L:
        """Add a listener; returns it, so that this serves as a decorator."""
        self._handlers.append(handler)
        return handler

    def remove_listener(self, handler: Listener) -> None:
        """Remove a listener; ValueError when it is not there."""
        self._handlers.remove(handler)

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call every listener; a listener may add or remove listeners meanwhile."""
        if self.sink is not None:
            self._call(self.sink, kwargs)
        for handler in self._handlers[::-1] if reverse else self._handlers.copy():
            self._call(handler, kwargs)

    def _call(self, handler: Listener, kwargs: dict[str, Any]) -> None:
        try:
            handler(**kwargs)
        except STEERING:
            raise
        except Exception as error:  # noqa: BLE001 - user code may raise anything
            self._log(handler, error)

    def _log(self, handler: Listener, error: Exception) -> None:
        """The first failure of a listener with its traceback; then the 10th, 100th … in one line."""
        note_failure()
        times = self._failures[id(handler)] = self._failures.get(id(handler), 0) + 1
        who = f"{getattr(handler, '__module__', '?')}.{getattr(handler, '__qualname__', repr(handler))}"
        if times == 1:
            text = "".join(traceback.format_exception(error)).rstrip()
            logger.error("Uncaught exception in event handler: \n%s\n(listener %s of %s)", text, who, self.name)
        elif str(times).strip("0") == "1":  # 10, 100 …
            logger.error("Uncaught exception in event handler %s of %s, %dth time: %r", who, self.name, times, error)

    @contextmanager
    def measure(
        self, request_type: str, name: str, response_length: int = 0, context: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Time the block and fire `request` for it; an exception in it counts as a failed request and ends there.

        Yields the hook's arguments, which the block may change.
        """
        meta: dict[str, Any] = {
            "request_type": request_type,
            "name": name,
            "response_length": response_length,
            "context": context or {},
            "exception": None,
            "start_time": time.time(),
        }
        began_s = time.perf_counter()
        try:
            yield meta
        except Exception as error:  # noqa: BLE001 - whatever the block raises is the sample's failure
            meta["exception"] = error
        finally:
            meta["response_time"] = (time.perf_counter() - began_s) * 1000
            self.fire(**meta)


class Events:
    """The hooks there are, with the arguments of their listeners; a subclass may annotate more."""

    request: EventHook  # request_type, name, response_time (ms), response_length, response, context, exception, …
    user_error: EventHook  # user_instance, exception, tb
    init: EventHook  # environment, runner, web_ui (None)
    init_command_line_parser: EventHook  # parser
    test_start: EventHook  # environment
    test_stopping: EventHook  # environment
    test_stop: EventHook  # environment
    spawning_complete: EventHook  # user_count
    quitting: EventHook  # environment
    quit: EventHook  # exit_code
    usage_monitor: EventHook  # environment, cpu_usage, memory_usage
    cpu_warning: EventHook  # environment, cpu_usage
    reset_stats: EventHook
    report_to_master: EventHook  # client_id, data
    worker_report: EventHook  # client_id, data
    worker_connect: EventHook  # client_id
    heartbeat_sent: EventHook  # client_id, timestamp
    heartbeat_received: EventHook  # client_id, timestamp

    def __init__(self) -> None:
        for cls in reversed(type(self).__mro__):
            names = [name for name, value in vars(cls).items() if value == "EventHook"]
            names += [name for name, kind in vars(cls).get("__annotations__", {}).items() if _is_hook(kind)]
            for name in names:
                setattr(self, name, EventHook(name))

    @property
    def failures(self) -> int:
        """How many calls of listeners have raised in this process; any at all makes the run's exit code 2."""
        return _failures[0]

    def listened(self) -> tuple[str, ...]:
        """The names of the hooks that have listeners."""
        return tuple(name for name, hook in vars(self).items() if isinstance(hook, EventHook) and hook.has_listeners)


def _is_hook(kind: object) -> bool:
    return kind is EventHook or kind == "EventHook"


events = Events()
"""The hooks of this process."""
