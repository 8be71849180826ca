"""Task sets that walk a Markov chain: after each task the next one is drawn from its transitions.

    class Browsing(MarkovTaskSet):
        @transition("product")
        def index(self): ...

        @transitions({"index": 1, "product": 3})
        def product(self): ...

The chain is checked when the class is made; the task that is declared first is the start.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any, TypeVar

from tidal.flow import LocustError
from tidal.tasks import TaskSet, TaskSetMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

logger = logging.getLogger()
"""Locust warns from the root logger here."""

T = TypeVar("T", bound="Callable[..., Any]")


class NoMarkovTasksError(LocustError):
    """A MarkovTaskSet has no task with transitions."""


class InvalidTransitionError(LocustError):
    """A transition leads to a name that the class does not have."""


class NonMarkovTaskTransitionError(LocustError):
    """A transition leads to something that has no transitions of its own."""


class MarkovTaskTagError(LocustError):
    """A task of a chain has tags: filtering by them could break the chain."""


def transition(func_name: str, weight: int = 1) -> Callable[[T], T]:
    """From this task the one called `func_name` may follow; the more weight the more often."""
    return transitions({func_name: weight})


def transitions(weights: Mapping[str, int] | Sequence[tuple[str, int] | str]) -> Callable[[T], T]:
    """From this task any of these may follow: a map from name to weight, or names and (name, weight) in a list."""
    pairs: Iterable[Any] = weights.items() if hasattr(weights, "items") else weights
    added: dict[str, int] = dict(pair if isinstance(pair, tuple) else (pair, 1) for pair in pairs)

    def decorate(function: T) -> T:
        function.transitions = getattr(function, "transitions", {}) | added  # type: ignore[attr-defined]
        return function

    return decorate


def is_markov_task(candidate: object) -> bool:
    """Whether something has transitions."""
    return "transitions" in dir(candidate)  # dir, because a mock has every attribute


class MarkovTaskSetMeta(TaskSetMeta):
    """Checks the chain of a class as it is made, unless it is abstract."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, with `current` as the start and each task's transitions as a weighted list of names."""
        if namespace.get("abstract"):
            return type.__new__(cls, name, bases, namespace)
        tasks = [value for value in namespace.values() if is_markov_task(value)]
        _check(name, tasks, namespace)
        for task in tasks:
            task.transitions = _repeated(task.transitions)
        return type.__new__(cls, name, bases, {**namespace, "abstract": False, "current": tasks[0]})


def _repeated(weights: Mapping[str, int] | list[str]) -> list[str]:
    """Each name as often as its weight says."""
    return weights if isinstance(weights, list) else [name for name, weight in weights.items() for _ in range(weight)]


def _check(owner: str, tasks: list[Any], namespace: Mapping[str, Any]) -> None:
    """Refuse a chain that could not be walked; warn of tasks that it never comes to."""
    if not tasks:
        raise NoMarkovTasksError(
            f"No Markov tasks defined in class {owner}. Use the @transition(s) decorators to define some."
        )
    for task in tasks:
        for name in task.transitions:
            _check_target(owner, task, name, namespace.get(name))
    if unreachable := {task.__name__ for task in tasks} - _reached(tasks[0], namespace):
        logger.warning("The following markov tasks are unreachable in class %s: %s", owner, unreachable)
    for task in tasks:
        _check_task(owner, task)


def _check_target(owner: str, task: Any, name: str, target: Any) -> None:
    if not target:
        raise InvalidTransitionError(
            f"Transition to {name} from {task.__name__} is invalid since no such element exists on class {owner}"
        )
    if not is_markov_task(target):
        raise NonMarkovTaskTransitionError(
            f"{owner}.{name} cannot be used as a target for a transition since it does not define any transitions of"
            f" its own. Used as a transition from {task.__name__}."
        )


def _reached(start: Any, namespace: Mapping[str, Any]) -> set[str]:
    """The names of the tasks that a walk from the start may come to."""
    found: set[str] = set()
    todo = [start.__name__]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _repeated(namespace[name].transitions)
    return found


def _check_task(owner: str, task: Any) -> None:
    if task.__name__ in ("on_start", "on_stop"):
        logger.warning(
            "You have tagged your on_stop/start function with @transition. This will make the method get called both"
            " as a step AND on stop/start."
        )
    if task.__name__ == "run":
        raise LocustError("run() is what drives a task set: it cannot have transitions")
    if "locust_tag_set" in dir(task):
        raise MarkovTaskTagError(
            "Tags are unsupported for MarkovTaskSet since they can make the markov chain invalid."
            f" Tags detected on {owner}.{task.__name__}: {task.locust_tag_set}"
        )


class MarkovTaskSet(TaskSet, metaclass=MarkovTaskSetMeta):
    """A set whose next task depends on the last one alone.

    Attributes:
        current: the task that comes next.
        abstract: a base for others, whose chain is not checked.
    """

    abstract: bool = True
    is_markov = True
    current: Any

    def get_next_task(self) -> Any:
        """The task in turn; what follows it is drawn now."""
        task = self.current
        self.current = getattr(self, random.choice(task.transitions))
        return task
