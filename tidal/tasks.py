"""Tasks and sets of tasks: what a user does, picked by weight, with Locust's meaning.

`TaskSet.run` is a loop of turns. A turn takes the next task (queued, or picked), runs it and waits. What a task
raises steers the loop: `InterruptTaskSet` leaves this set, `RescheduleTask…` ends the task, `StopUser` ends the user;
any other exception is counted and the loop goes on.
"""
# ruff: noqa: SLF001 - a task set and its user share state under Locust's private names, which plugins touch

from __future__ import annotations

import logging
import random
import sys
import time
import traceback
from itertools import cycle
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload, runtime_checkable

from tidal.flow import (
    RUNNING,
    STEERING,
    STOPPING,
    WAITING,
    InterruptTaskSet,
    LocustError,
    MissingWaitTimeError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from tidal.generator.sleepers import rest
from tidal.iterations import Pass, end_pass, iterate
from tidal.measuring import Measuring
from tidal.turns import Steps, take_turns
from tidal.visits import nested_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tidal.users import User

    Task = Callable[..., Any] | type["TaskSet"]

logger = logging.getLogger()
"""Locust warns from the root logger here."""

T = TypeVar("T", bound="Callable[..., Any]")


@runtime_checkable
class TaskHolder(Protocol):
    """What has tasks: a user or a task set."""

    tasks: list[Any]


@overload
def task(weight: T) -> T: ...
@overload
def task(weight: int = 1) -> Callable[[T], T]: ...
def task(weight: Any = 1) -> Any:
    """Make a method (or a nested `TaskSet` class) a task: `@task`, or `@task(weight)` to pick it more often."""
    if callable(weight):
        return _weighted(weight, 1)
    if not isinstance(weight, int) or weight < 0:
        raise ValueError(f"a task's weight is a whole number from 0, not {weight!r}")
    return lambda function: _weighted(function, weight)


def _weighted(function: Any, weight: int) -> Any:
    if function.__name__ in ("on_start", "on_stop"):
        logger.warning(
            "You have tagged your on_stop/start function with @task. This will make the method get called both as a"
            " task AND on stop/start."
        )
    if function.__name__ == "run":
        raise LocustError("run() is what drives a user: it cannot be a task")
    function.locust_task_weight = weight
    return function


def tag(*tags: str) -> Callable[[T], T]:
    """Tag a task, or every task of a set."""
    if not tags or callable(tags[0]):
        raise ValueError('a tag needs a name: @tag("name")')

    def tagged(decorated: Any) -> Any:
        if hasattr(decorated, "tasks"):
            decorated.tasks = [tagged(inner) for inner in decorated.tasks]
        else:
            decorated.locust_tag_set = set(decorated.__dict__.get("locust_tag_set", ())) | set(tags)
        return decorated

    return tagged


def is_task_set(candidate: object) -> bool:
    """Whether a task is itself a set of tasks."""
    return isinstance(candidate, type) and issubclass(candidate, TaskSet)


def collect_tasks(bases: Iterable[type], namespace: dict[str, Any]) -> list[Task]:
    """The tasks of a class in the making: inherited, then those of its `tasks`, then its `@task` methods."""
    inherited = [inner for base in bases for inner in getattr(base, "tasks", None) or ()]
    marked = [item for value in namespace.values() for item in _marked(value)]
    return inherited + _listed(namespace.get("tasks")) + marked


def collect_in_order(bases: Iterable[type], namespace: dict[str, Any]) -> list[Task]:
    """As `collect_tasks`, but `tasks` counts where it stands among the methods."""
    found = [inner for base in bases for inner in getattr(base, "tasks", None) or ()]
    for name, value in namespace.items():
        found += _listed(value) if name == "tasks" else _marked(value)
    return found


def _listed(tasks: Any) -> list[Task]:
    """`tasks` as written (a list, pairs with a weight, or a dict) as a list with repeats."""
    expanded: list[Task] = []
    for item in tasks.items() if isinstance(tasks, dict) else tasks or ():
        function, weight = item if isinstance(item, tuple) else (item, 1)
        expanded += [function] * weight
    return expanded


def _marked(value: Any) -> list[Task]:
    """The value as often as its `@task` says; nothing when it has none."""
    if "locust_task_weight" not in dir(value):  # dir, because a mock has every attribute
        return []
    return [value] * value.locust_task_weight


def filter_tasks_by_tags(
    holder: Any,
    tags: set[str] | None = None,
    exclude_tags: set[str] | None = None,
    checked: dict[Any, bool] | None = None,
) -> None:
    """Leave a user class or task set, and the sets in it, only the tasks that the tags want."""
    checked = {} if checked is None else checked
    holder.tasks = [task for task in holder.tasks if _passes(task, tags, exclude_tags, checked)]
    if not holder.tasks and not _is_markov(holder) and not getattr(holder, "functions", None):
        logger.warning("%s had no tasks left after filtering", holder.__name__)


def _passes(task: Any, tags: set[str] | None, exclude_tags: set[str] | None, checked: dict[Any, bool]) -> bool:
    """Whether a task stays; a set stays while it has tasks (or has them by transitions, which tags cannot cut)."""
    if task not in checked:
        if hasattr(task, "tasks"):
            filter_tasks_by_tags(task, tags, exclude_tags, checked)
            checked[task] = bool(task.tasks) or _is_markov(task)
        else:
            own: set[str] = getattr(task, "locust_tag_set", set())
            checked[task] = (tags is None or bool(own & tags)) and not (exclude_tags and own & exclude_tags)
    return checked[task]


def _is_markov(holder: Any) -> bool:
    return getattr(holder, "is_markov", False) is True


def flat_tasks(holder: Any) -> list[Any]:
    """Every task of a user class and the sets in it once, without the sets."""
    found: list[Any] = []
    todo = list(holder.tasks)
    while todo:
        task = todo.pop()
        if hasattr(task, "tasks") and not _is_markov(task):
            todo += task.tasks
        elif task not in found:
            found.append(task)
    return found


def configure(cls: Any, settings: Mapping[str, Any], tasks: list[Any]) -> None:
    """Set attributes of a user class; `tasks` is a list of names of those that it had."""
    for name, value in settings.items():
        if name == "tasks":
            cls.tasks = [task for task in tasks if task.__name__ in value]
        elif name != "user_class_name":
            setattr(cls, name, value)


class TaskSetMeta(type):
    """Collects the tasks as the class is made."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, with `tasks` expanded."""
        return super().__new__(cls, name, bases, {**namespace, "tasks": collect_tasks(bases, namespace)})


class SequentialTaskSetMeta(TaskSetMeta):
    """Collects the tasks in the order of their declaration."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, with `tasks` in order."""
        made: Any = super().__new__(cls, name, bases, namespace)
        made.tasks = collect_in_order(bases, namespace)
        return made


class TaskSet(Measuring, metaclass=TaskSetMeta):
    """A set of tasks; nested in another it runs until `interrupt()`."""

    tasks: Any = []  # noqa: RUF012 - a locustfile writes a list, pairs or a dict; made a list of its own per class
    min_wait: float | None = None
    max_wait: float | None = None
    wait_function: Any = None
    _is_root = False
    _STEPS: Steps | None = None

    def __init__(self, parent: Any) -> None:
        self._parent = parent
        self._user: User = parent.user if isinstance(parent, TaskSet) else parent
        self._task_queue: list[Task] = []  # mostly empty; a deque takes 600 bytes for that
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0.0
        self.min_wait = self.min_wait or self._user.min_wait
        self.max_wait = self.max_wait or self._user.max_wait
        self.wait_function = self.wait_function or self._user.wait_function

    if TYPE_CHECKING:  # a set may say whose it is (`user: Shopper`), which a property would forbid
        user: Any
        parent: Any
        client: Any
    else:

        @property
        def user(self) -> Any:
            """The user that runs this set."""
            return self._user

        @property
        def parent(self) -> Any:
            """The set around this one, or the user."""
            return self._parent

        @property
        def client(self) -> Any:
            """The user's client."""
            return self._user.client

    def on_start(self) -> Any:
        """Called before the first task of this set."""

    def on_stop(self) -> Any:
        """Called when the user leaves this set, or is stopped in it."""

    def run(self) -> None:
        """Run tasks until one leaves the set or ends the user. Not to be overridden."""
        if getattr(self._user, "_visits", False) is True:  # of an arrival: one pass
            nested_pass(self)
            return
        try:
            self.on_start()
        except InterruptTaskSet as leave:
            raise _reschedule(leave) from leave
        has_own_steps = self._STEPS is None or not self._STEPS.are_those_of(self)
        while True:
            self._turns(has_own_steps=has_own_steps)

    def _turns(self, *, has_own_steps: bool) -> None:
        """Turns, until one raises."""
        try:
            while has_own_steps:
                self._run_one()
            take_turns(self, self._user if self._is_root else self)
        except InterruptTaskSet as leave:
            self._leave()
            raise _reschedule(leave) from leave
        except (StopUser, StopTest):
            self._leave()
            raise
        except Exception as error:  # noqa: BLE001 - user code may raise anything; the user goes on
            self._failed(error)
        except BaseException:  # killed
            self._leave()
            raise

    def _run_one(self) -> None:
        if not self._task_queue:
            self.schedule_task(self.get_next_task())
        if self._user._state == STOPPING:
            raise StopUser
        try:
            self.execute_next_task()
        except RescheduleTaskImmediately:
            return
        except RescheduleTask:
            pass
        self.wait()

    def _leave(self) -> None:
        try:
            self.on_stop()
        except STEERING:
            raise
        except Exception:  # noqa: BLE001 - user code may raise anything; as in Locust it is no error of the run
            logger.error("Uncaught exception in on_stop: \n%s", traceback.format_exc())  # noqa: TRY400 - Locust's text

    def _failed(self, error: Exception) -> None:
        self._user._report(error, self)
        if not self._user.environment.catch_exceptions:
            raise error
        try:
            self.wait()
        except BaseException:  # stopped while it waits: no turn is around this any more
            self._leave()
            raise

    def execute_next_task(self) -> None:
        """Run the task at the head of the queue."""
        following = self._task_queue.pop(0)
        if is_task_set(following):
            self.execute_task(following)
        else:
            iterate(self, following)

    def execute_task(self, task: Any) -> None:
        """Run one task: a function gets this set, a set runs nested."""
        if getattr(task, "__self__", None) is self:
            task()
        elif is_task_set(task):
            task(self).run()
        else:
            task(self)

    def pass_length(self) -> int:
        """How many tasks make one pass, which is what an arrival does: one."""
        return 1

    def schedule_task(self, task_callable: Task, first: bool = False) -> None:  # noqa: FBT001, FBT002 - Locust's
        """Queue a task, before all others when `first`."""
        if first:
            self._task_queue.insert(0, task_callable)
        else:
            self._task_queue.append(task_callable)

    def get_next_task(self) -> Any:
        """Pick a task by weight."""
        return _pick(self)

    def wait_time(self) -> float:
        """Seconds to wait before the next task; the user's, unless the set has its own."""
        if self._user.wait_time:
            return float(self._user.wait_time())
        if self.min_wait is not None and self.max_wait is not None:
            return random.randint(int(self.min_wait), int(self.max_wait)) / 1000
        raise MissingWaitTimeError(f"neither {type(self._user).__name__} nor {type(self).__name__} has a wait_time")

    def wait(self) -> None:
        """Sleep for `wait_time`; a user that is to stop does so here at once."""
        user = self._user
        if user._state == STOPPING:
            raise StopUser
        user._state = WAITING
        self._sleep(self.wait_time())
        if user._state == STOPPING:
            raise StopUser
        user._state = RUNNING

    def _sleep(self, seconds: float) -> None:
        rest(seconds)

    def interrupt(self, reschedule: bool = True) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        """Leave this set; the parent picks its next task at once, or waits first when `reschedule` is false."""
        raise InterruptTaskSet(reschedule)


def _reschedule(leave: InterruptTaskSet) -> Exception:
    return RescheduleTaskImmediately() if leave.reschedule else RescheduleTask()


def _pick(owner: Any) -> Any:
    if owner.tasks:
        return random.choice(owner.tasks) if len(owner.tasks) > 1 else owner.tasks[0]
    hint = "; did you mean `tasks` where it says `task`?" if getattr(owner, "task", None) else ""
    raise LocustError(f"{type(owner).__name__} has no tasks: mark its methods with @task{hint}")


class SequentialTaskSet(TaskSet, metaclass=SequentialTaskSetMeta):
    """A set whose tasks run one after the other, in the order of their declaration, again and again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._task_cycle = cycle(self.tasks)
        self._handed_out = 0  # tasks, so far

    def pass_length(self) -> int:
        """One pass is each task once."""
        return max(1, len(self.tasks))

    def get_next_task(self) -> Any:
        """The next task in turn."""
        if self.tasks and self._handed_out % len(self.tasks) == 0 and self._user._pass is None:
            self._user._pass = Pass(self)
        self._handed_out += 1
        return next(self._task_cycle) if self.tasks else _pick(self)

    def execute_next_task(self) -> None:
        """Run the task at the head of the queue; after the last one a pass is over."""
        try:
            super().execute_next_task()
        except (InterruptTaskSet, StopUser, StopTest):
            raise
        except Exception:
            self._end_pass_after_last()
            raise
        self._end_pass_after_last()

    def _end_pass_after_last(self) -> None:
        if self.tasks and self._handed_out % len(self.tasks) == 0 and not self._task_queue:
            end_pass(self)

    def _leave(self) -> None:
        end_pass(self, sys.exc_info()[1])
        super()._leave()


class DefaultTaskSet(TaskSet):
    """The root set: runs the tasks that are declared on the user itself, with the user as their argument."""

    _is_root = True

    def get_next_task(self) -> Any:
        """Pick one of the user's tasks by weight."""
        return _pick(self._user)

    def execute_task(self, task: Any) -> None:
        """Run one task: a function gets the user."""
        if is_task_set(task):
            task(self._user).run()
        else:
            task(self._user)


TaskSet._STEPS, DefaultTaskSet._STEPS = Steps(TaskSet), Steps(DefaultTaskSet, "wait_time")
