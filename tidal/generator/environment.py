"""What user code sees of the run: Locust's `environment`, and how a process of tidal's fills it in.

A generator's runner is a `WorkerRunner`, the hook host's a `MasterRunner` (`tidal.generator.runners`); a script that
makes its own `Environment` gets a `LocalRunner`, whose users run in the script's own process.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from tidal.flow import STEERING, RunnerAlreadyExistsError, StopTest
from tidal.generator.arguments import parsed_options
from tidal.generator.dispatch import UsersDispatcher
from tidal.generator.local import LocalRunner
from tidal.generator.measures import Alone, Measures
from tidal.generator.runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    DistributedRunner,
    MasterRunner,
    NotSupported,
    Runner,
    WorkerRunner,
)
from tidal.generator.stats_view import RequestStats
from tidal.generator.totals import Totals
from tidal.hooks import Events, note_failure
from tidal.shape import LoadTestShape
from tidal.tasks import configure, filter_tasks_by_tags, flat_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidal.hooks import EventHook
    from tidal.model.pipe import Load

__all__ = [
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "DistributedRunner",
    "Environment",
    "LocalRunner",
    "MasterRunner",
    "NotSupported",
    "RequestStats",
    "Runner",
    "WorkerRunner",
    "set_scene",
    "tell",
]

logger = logging.getLogger("locust.runners")


class Environment:
    """The run, for user code.

    Attributes:
        host: the base of the target's URLs for all classes; empty means each class's own.
        stats: what was measured.
        runner: the process's part of the run.
        process_exit_code: set by user code, it becomes the run's exit code.
        measures: where users count what they measure beside requests.
        iterations: how many iterations started, finished, failed and were cancelled; users count in it.
        tickets: where users take the right to begin an iteration from; None: they need none.
        paces: what users that keep a pace began and were to begin; users count in it. None: nobody asks.
    """

    def __init__(
        self,
        *,
        user_classes: list[Any] | None = None,
        shape_class: LoadTestShape | None = None,
        tags: list[str] | None = None,
        locustfile: str | None = None,
        exclude_tags: list[str] | None = None,
        events: Events | None = None,
        host: str | None = None,
        reset_stats: bool = False,
        stop_timeout: float | None = None,
        catch_exceptions: bool = True,
        parsed_options: Any = None,
        parsed_locustfiles: list[str] | None = None,
        available_user_classes: dict[str, Any] | None = None,
        available_shape_classes: dict[str, LoadTestShape] | None = None,
        available_user_tasks: dict[str, list[Any]] | None = None,
        dispatcher_class: type[UsersDispatcher] = UsersDispatcher,
        profile: str | None = None,
    ) -> None:
        self.events = events or Events()
        self.user_classes = user_classes or []
        self.shape_class = shape_class
        self.tags, self.exclude_tags = tags, exclude_tags
        self.locustfile, self.parsed_locustfiles = locustfile, parsed_locustfiles
        self.host = host
        self.reset_stats = reset_stats
        self.stop_timeout = _seconds(stop_timeout, parsed_options)
        self.catch_exceptions = catch_exceptions
        self.parsed_options = parsed_options
        self.available_user_classes = available_user_classes
        self.available_shape_classes = available_shape_classes
        self.available_user_tasks = available_user_tasks
        self.dispatcher_class = dispatcher_class
        self.profile = profile
        self.runner: Any = None
        self.web_ui: Any = None
        self.process_exit_code: int | None = None
        self.worker_logs: dict[str, list[str]] = {}
        self.feed_source: Any = None  # where unique rows come from; None: this process
        self.iterations: list[int] = [0, 0, 0, 0]
        self.paces: Any = None
        self.measures: Measures = Alone(lambda: time.time_ns() // 1_000)
        self.tickets: Any = None
        self.stats: Any = RequestStats(Totals())
        self._tasks_filtered = False
        self._check()

    def __repr__(self) -> str:
        return f"<Environment {self.host or 'no host'} {self.runner!r}>"

    def _check(self) -> None:
        """Drop classes without weight; ValueError for what could not run."""
        if self.user_classes:
            running = [cls for cls in self.user_classes if cls.weight > 0 or cls.fixed_count > 0]
            if not running:
                raise ValueError("There are no users with weight > 0.")
            self.user_classes[:] = running
        if len(self.user_classes_by_name) < len(self.user_classes):
            names = ", ".join(cls.fullname() for cls in self.user_classes)
            raise ValueError(f"The following user classes have the same class name: {names}")
        if self.shape_class is not None and not isinstance(self.shape_class, LoadTestShape):
            raise ValueError(f"shape_class should be an instance of a LoadTestShape, but got: {self.shape_class}")

    @property
    def user_classes_by_name(self) -> dict[str, Any]:
        """The user classes, by name."""
        return {cls.__name__: cls for cls in self.user_classes}

    def create_local_runner(self) -> LocalRunner:
        """A runner whose users run in this process."""
        if self.runner is not None:
            raise RunnerAlreadyExistsError(f"Environment.runner already exists ({self.runner})")
        runner = self.runner = LocalRunner(self)
        if self.shape_class is not None:
            self.shape_class.runner = runner
        return runner

    def create_master_runner(self, master_bind_host: str = "*", master_bind_port: int = 5557) -> Any:
        """Not here: a script cannot be a master."""
        raise _refused("create_master_runner", "`tidal run --redis …`", master_bind_host, master_bind_port)

    def create_worker_runner(self, master_host: str, master_port: int) -> Any:
        """Not here: a script cannot be a worker."""
        raise _refused("create_worker_runner", "`tidal worker --redis …`", master_host, master_port)

    def create_web_ui(self, *arguments: Any, **named: Any) -> Any:
        """Not here: there is no web interface."""
        raise _refused("create_web_ui", "`tidal tui`", *arguments, *named.values())

    def update_user_class(self, user_settings: Mapping[str, Any]) -> None:
        """Set attributes of the class called `user_class_name`; `tasks` picks from its tasks by name."""
        name = user_settings["user_class_name"]
        known = self.available_user_classes or self.user_classes_by_name
        tasks = (self.available_user_tasks or {}).get(name, known[name].tasks)
        configure(known[name], user_settings, tasks)

    def assign_equal_weights(self) -> None:
        """Every class, and every task of a class, is as likely as any other."""
        for cls in self.user_classes:
            cls.weight = 1
            cls.tasks = flat_tasks(cls)

    def update_worker_logs(self, worker_log_report: Mapping[str, Any]) -> None:
        """Keep the log lines that a worker sent."""
        if worker := worker_log_report.get("worker_id"):
            self.worker_logs[worker] = worker_log_report.get("logs", [])

    def _filter_tasks_by_tags(self) -> None:
        """Take tasks away that the tags do not want; once."""
        if self._tasks_filtered:
            return
        self._tasks_filtered = True
        tags = _set_of(self.tags, self.parsed_options, "tags")
        exclude_tags = _set_of(self.exclude_tags, self.parsed_options, "exclude_tags")
        for cls in self.user_classes:
            filter_tasks_by_tags(cls, tags, exclude_tags)

    def __getattr__(self, name: str) -> Any:
        """Name what is not here."""
        raise AttributeError(f"tidal's environment has no {name!r}")


def _refused(method: str, instead: str, *_: Any) -> NotSupported:
    return NotSupported(f"environment.{method}() is not part of tidal: use {instead}")


def _seconds(stop_timeout: float | None, options: Any) -> float:
    return float(getattr(options, "stop_timeout", None) or 0.0) if stop_timeout is None else stop_timeout


def _set_of(own: Iterable[str] | None, options: Any, name: str) -> set[str] | None:
    """The tags that hold: the environment's own, else the command line's."""
    if own is not None:
        return set(own)
    return set(getattr(options, name, None) or ()) or None


def tell(hook: EventHook, *, reverse: bool = False, **kwargs: Any) -> None:
    """Fire a hook outside of any user. `StopTest` ends the run; what else steers or exits has nothing to steer here."""
    try:
        hook.fire(reverse=reverse, **kwargs)
    except StopTest as error:
        logger.error("%s", error)  # noqa: TRY400 - a wish, not a mistake
        _end_run(kwargs.get("environment"), error)
    except (*STEERING, SystemExit):
        note_failure()
        logger.exception("a listener of %s raised this: the listeners after it were not called", hook.name)


def _end_run(environment: Any, error: StopTest) -> None:
    if isinstance(runner := getattr(environment, "runner", None), DistributedRunner):
        runner.leave(f"StopTest: {error}")


def set_scene(
    environment: Environment,
    runner: Runner,
    order: Load,
    classes: Mapping[str, Any],
    shape: LoadTestShape | None = None,
) -> None:
    """Fill in what the order and the file say; `--host` goes before the classes' own."""
    environment.runner = runner
    environment.user_classes = list(classes.values())
    environment.available_user_classes = dict(classes)
    environment.available_user_tasks = {name: list(cls.tasks) for name, cls in classes.items()}
    environment.locustfile = order.file
    environment.parsed_locustfiles = [order.file, *order.more_files]
    environment.host = order.options.host or None
    environment.reset_stats = order.options.reset_stats
    environment.profile = order.options.profile or None
    environment.stop_timeout = order.options.stop_timeout_ms / 1000
    environment.parsed_options = parsed_options(order.options, order.file, environment.events, side=order.side)
    if shape is not None:
        shape.runner = runner
        environment.shape_class = shape
        environment.available_shape_classes = {type(shape).__name__: shape}
    if environment.host:
        for cls in classes.values():
            cls.host = environment.host
