"""What user code sees of the run: Locust's `environment`, `runner` and `stats`, as far as its own process knows.

A generator's runner is a `WorkerRunner`, the hook host's a `MasterRunner`, so that `isinstance` tests in locustfiles
mean what they mean in Locust. A runner steers nothing: the plan does. What it cannot do raises `NotSupported`, by name.
"""

from __future__ import annotations

import argparse
import logging
import socket
from typing import TYPE_CHECKING, Any, ClassVar

from tidal.flow import STEERING
from tidal.hooks import Events, events
from tidal.model.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.hooks import EventHook
    from tidal.model.events import RunOptions
    from tidal.model.pipe import Load

logger = logging.getLogger("tidal.environment")

STATE_INIT, STATE_SPAWNING, STATE_RUNNING = "ready", "spawning", "running"
STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED, STATE_MISSING = "cleanup", "stopping", "stopped", "missing"


class NotSupported(NotImplementedError):
    """A part of Locust's API that tidal does not have; the message names it."""


class Environment:
    """The run, for user code.

    Attributes:
        host: from the command line; empty means each class's own.
        iterations: how many iterations started, finished, failed and were cancelled; users count in it.
    """

    web_ui = None
    shape_class = None
    reset_stats = False
    profile = None

    def __init__(
        self,
        *,
        user_classes: list[Any] | None = None,
        events: Events = events,
        host: str | None = None,
        parsed_options: argparse.Namespace | None = None,
        stop_timeout: float | None = None,
        catch_exceptions: bool = True,
        locustfile: str | None = None,
        tags: list[str] | None = None,
        exclude_tags: list[str] | None = None,
    ) -> None:
        self.events = events
        self.host = host
        self.user_classes = user_classes or []
        self.parsed_options = parsed_options
        self.stop_timeout = stop_timeout
        self.catch_exceptions = catch_exceptions
        self.locustfile = locustfile
        self.tags, self.exclude_tags = tags, exclude_tags
        self.available_user_classes: dict[str, Any] = {}
        self.process_exit_code: int | None = None
        self.iterations: list[int] = [0, 0, 0, 0]
        self.stats = RequestStats({})
        self.runner: Any = None

    def __repr__(self) -> str:
        return f"<Environment {self.host or 'no host'} {self.runner!r}>"

    @property
    def user_classes_by_name(self) -> dict[str, Any]:
        """The user classes, by name."""
        return {cls.__name__: cls for cls in self.user_classes}

    def __getattr__(self, name: str) -> Any:
        """Name what is not here."""
        if name.startswith("create_"):
            raise NotSupported(f"environment.{name}() is not part of tidal: runs are started with `tidal run`")
        raise AttributeError(f"tidal's environment has no {name!r}")


class Runner:
    """A view of the process's part of the run."""

    is_master: ClassVar[bool] = False

    def __init__(self, environment: Environment, *, number: int = 0, run: str = "") -> None:
        self.environment = environment
        self.state = STATE_INIT
        self.worker_index = number
        self.client_id = f"{socket.gethostname()}_{run}_{number}"
        self.user_classes_count: dict[str, int] = {}
        self.target_user_classes_count: dict[str, int] = {}
        self.exceptions: dict[str, Any] = {}
        self.custom_messages: dict[str, Any] = {}
        self.worker_count = 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state} {self.user_count} users>"

    @property
    def stats(self) -> RequestStats:
        """This process's statistics."""
        return self.environment.stats

    @property
    def errors(self) -> dict[str, Any]:
        """Failures; they are kept by the run, not by this process."""
        return {}

    @property
    def user_classes(self) -> list[Any]:
        """The user classes."""
        return self.environment.user_classes

    @property
    def user_classes_by_name(self) -> dict[str, Any]:
        """The user classes, by name."""
        return self.environment.user_classes_by_name

    @property
    def user_count(self) -> int:
        """Users running in this process."""
        return sum(self.user_classes_count.values())

    @property
    def target_user_count(self) -> int:
        """Users that this process is to run."""
        return sum(self.target_user_classes_count.values())

    def register_message(self, msg_type: str, listener: Any, concurrent: bool = False) -> None:  # noqa: FBT001, FBT002 - Locust's
        """Keep a listener for a custom message; nothing sends any yet."""
        self.custom_messages[msg_type] = (listener, concurrent)

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:  # noqa: ARG002 - Locust's
        """Custom messages are not supported."""
        raise NotSupported(f"runner.send_message({msg_type!r}): tidal has no custom messages")

    def quit(self) -> None:
        """Only an operator or the plan ends a run."""
        raise NotSupported("runner.quit(): a run is stopped by its plan or its operator")

    def stop(self) -> None:
        """Only an operator or the plan ends a run."""
        raise NotSupported("runner.stop(): a run is stopped by its plan or its operator")

    def start(self, *_: Any, **__: Any) -> None:
        """Only an operator or the plan sets the number of users."""
        raise NotSupported("runner.start(): the number of users is the plan's")


class DistributedRunner(Runner):
    """Locust's name for what is not local: everything here."""


class WorkerRunner(DistributedRunner):
    """A generator's runner."""


class MasterRunner(DistributedRunner):
    """The hook host's runner."""

    is_master = True


class LocalRunner(Runner):
    """Locust's runner of a single process: never made by tidal, whose runs are always distributed."""


class StatsEntry:
    """One endpoint's statistics in this process, in Locust's units (ms)."""

    def __init__(self, tally: Tally, method: str = "", name: str = "Aggregated") -> None:
        self._tally = tally
        self.method, self.name = method, name

    @property
    def num_requests(self) -> int:
        """Finished requests, failed ones too."""
        return self._tally.requests

    @property
    def num_failures(self) -> int:
        """Failed requests."""
        return self._tally.failures

    @property
    def fail_ratio(self) -> float:
        """Failed of all."""
        return self._tally.failures / self._tally.requests if self._tally.requests else 0.0

    @property
    def avg_response_time(self) -> float:
        """The mean, in ms."""
        return self._tally.average_us / 1000

    @property
    def median_response_time(self) -> float:
        """The median, in ms."""
        return self.get_response_time_percentile(0.5)

    @property
    def min_response_time(self) -> float:
        """The shortest, in ms."""
        return self._tally.min_us / 1000

    @property
    def max_response_time(self) -> float:
        """The longest, in ms."""
        return self._tally.max_us / 1000

    @property
    def total_content_length(self) -> int:
        """Bytes received."""
        return self._tally.bytes

    def get_response_time_percentile(self, percent: float) -> float:
        """A percentile (0…1), in ms."""
        return self._tally.percentiles_us(percent)[0] / 1000


class RequestStats:
    """The statistics of this process up to its last batch (a quarter of a second ago)."""

    def __init__(self, totals: Mapping[tuple[str, str], Tally]) -> None:
        self._totals = totals

    @property
    def entries(self) -> dict[tuple[str, str], StatsEntry]:
        """By (name, method)."""
        return {(name, method): StatsEntry(t, method, name) for (method, name), t in self._totals.items()}

    @property
    def total(self) -> StatsEntry:
        """All endpoints together."""
        total = Tally()
        for tally in self._totals.values():
            total.merge(tally)
        return StatsEntry(total)

    @property
    def num_requests(self) -> int:
        """Finished requests of all endpoints."""
        return self.total.num_requests

    @property
    def num_failures(self) -> int:
        """Failed requests of all endpoints."""
        return self.total.num_failures

    def get(self, name: str, method: str) -> StatsEntry:
        """One endpoint; empty when it is not known."""
        return StatsEntry(self._totals.get((method, name), Tally()), method, name)


class ArgumentParser(argparse.ArgumentParser):
    """The parser that `init_command_line_parser` hands out: Locust's extra words are taken and left aside."""

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """Add an argument of the file's own."""
        for word in ("include_in_web_ui", "is_secret", "is_required", "is_multiple", "env_var"):
            kwargs.pop(word, None)
        return super().add_argument(*args, **kwargs)


def parsed_options(options: RunOptions, file: str, hooks: Events) -> argparse.Namespace:
    """Locust's `environment.parsed_options`: the run's options, and the file's own with their defaults."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    tell(hooks.init_command_line_parser, parser=parser)
    given = [f"--{name.lstrip('-')}={value}" for name, value in options.arguments]
    try:
        own, _ = parser.parse_known_args(given)
    except SystemExit:
        logger.warning("the file's own arguments could not be read: %s", given)
        own = argparse.Namespace()
    return argparse.Namespace(**(_common(options, file) | vars(own)))


def _common(options: RunOptions, file: str) -> dict[str, Any]:
    return {
        "host": options.host or None,
        "users": options.users,
        "num_users": options.users,
        "spawn_rate": options.spawn_rate,
        "run_time": None if options.run_time_ms is None else options.run_time_ms // 1000,
        "stop_timeout": options.stop_timeout_ms / 1000,
        "locustfile": file,
        "user_classes": list(options.classes),
        "expect_workers": options.expect_workers,
        "headless": True,
        "master": False,
        "worker": False,
        "tags": None,
        "exclude_tags": None,
        "reset_stats": False,
        "loglevel": "INFO",
    }


def tell(hook: EventHook, *, reverse: bool = False, **kwargs: Any) -> None:
    """Fire a hook outside of any user: a listener that steers or exits has nothing to steer here, and is logged."""
    try:
        hook.fire(reverse=reverse, **kwargs)
    except (*STEERING, SystemExit):
        logger.exception("a listener of %s raised this: the listeners after it were not called", hook.name)


def set_scene(environment: Environment, runner: Runner, order: Load, classes: Mapping[str, Any]) -> None:
    """Fill in what the order and the file say; `--host` goes before the classes' own."""
    environment.runner = runner
    environment.user_classes = list(classes.values())
    environment.available_user_classes = dict(classes)
    environment.locustfile = order.file
    environment.host = order.options.host or None
    environment.stop_timeout = order.options.stop_timeout_ms / 1000
    environment.parsed_options = parsed_options(order.options, order.file, environment.events)
    if environment.host:
        for cls in classes.values():
            cls.host = environment.host
