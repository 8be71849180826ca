"""What a locustfile has, as rows for people: classes, their tasks with weights, tags and places, what looks wrong."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.generator.recorder import tidy
from tidal.markov import MarkovTaskSet, is_markov_task
from tidal.model.trial import DEPTH_MAX, ClassRow, TaskRow
from tidal.tasks import SequentialTaskSet, TaskSet, is_task_set
from tidal.users import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TEXT_MAX = 500
ROWS_MAX = 1_000
"""Tasks of a class, with those in its sets."""
NOTES_MAX = 20


def class_rows(classes: Mapping[str, type[User]], root: Path) -> tuple[ClassRow, ...]:
    """The classes in the order of their declaration; places are relative to the root."""
    return tuple(_row(name, cls, root) for name, cls in classes.items())


def _row(name: str, cls: type[User], root: Path) -> ClassRow:
    base = next((c for c in cls.__mro__ if c.__module__.startswith("tidal.")), User)
    rows = [row for _, row in zip(range(ROWS_MAX), _task_rows(cls, root, 0), strict=False)]
    return ClassRow(
        name=tidy(name, TEXT_MAX),
        base=base.__name__,
        weight=float(cls.weight),
        fixed_count=int(cls.fixed_count),
        host=tidy(cls.host or "", TEXT_MAX),
        place=place_of(cls, root),
        tasks=tuple(rows),
        notes=tuple(_notes(cls))[:NOTES_MAX],
    )


def _task_rows(holder: Any, root: Path, depth: int) -> Iterator[TaskRow]:
    """Each task of a holder once, those of its sets below them."""
    kind, tasks = kind_of(holder), tasks_of(holder)
    counts = Counter(id(task) for task in tasks)
    for task in once(tasks):
        share = 1.0 if kind in ("sequence", "markov") else counts[id(task)] / len(tasks)
        tags = tuple(sorted(map(str, getattr(task, "locust_tag_set", ()))))
        yield TaskRow(name_of(task), depth, share, kind_of(task), tags, place_of(task, root))
        if is_task_set(task) and depth < DEPTH_MAX:
            yield from _task_rows(task, root, depth + 1)


def tasks_of(holder: Any) -> list[Any]:
    """The tasks of a user class or a set, as often as their weights say; of a chain its members."""
    if kind_of(holder) == "markov":
        return [value for value in vars(holder).values() if is_markov_task(value)]
    return list(holder.tasks or getattr(holder, "functions", None) or ())


def once(tasks: Iterable[Any]) -> list[Any]:
    """Each of them once, in order; a task need not be hashable."""
    return list({id(task): task for task in tasks}.values())


def kind_of(holder: Any) -> str:
    """The word of a `TaskRow`."""
    if not is_task_set(holder):
        return "task"
    if issubclass(holder, MarkovTaskSet):
        return "markov"
    return "sequence" if issubclass(holder, SequentialTaskSet) else "set"


def name_of(task: Any) -> str:
    """How a task is called."""
    return tidy(getattr(task, "__name__", None) or getattr(task, "name", None) or type(task).__name__, TEXT_MAX)


def place_of(thing: Any, root: Path) -> str:
    """Where something is defined, as file:line; "" when nobody knows."""
    code = getattr(getattr(thing, "obj", thing), "__code__", None)
    try:
        if code is not None:
            return f"{relative(code.co_filename, root)}:{code.co_firstlineno}"
        return f"{relative(inspect.getfile(thing), root)}:{inspect.getsourcelines(thing)[1]}"
    except (OSError, TypeError):
        return ""


def relative(name: str, root: Path) -> str:
    """A file's name below the root, or as it is."""
    path = Path(name)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else tidy(name, TEXT_MAX)


def _notes(cls: type[User]) -> Iterator[str]:
    """What its author may not have meant."""
    is_plain = not getattr(cls, "functions", None) and cls.run is User.run
    if cls.wait_time is User.wait_time and is_plain and not all(map(_waits, cls.tasks)):
        yield "no wait_time: its users send as fast as the answers come"
    if (cls.host or "").endswith("/"):
        yield f"host {tidy(cls.host, 200)} ends in a slash: with a path like /x it makes //x"
    names = [name_of(task) for task in once(tasks_of(cls))]
    plain = [name for name, value in vars(cls).items() if _looks_like_a_task(name, value) and name not in names]
    for name in plain:
        yield f"{name}() begins like a task and is none: without @task nobody calls it, unless you do"


def _waits(task: Any) -> bool:
    """Whether it is a set that has waits of its own."""
    return is_task_set(task) and task.wait_time is not TaskSet.wait_time


def _looks_like_a_task(name: str, value: Any) -> bool:
    return (
        inspect.isfunction(value) and name.startswith(("task_", "test_")) and not hasattr(value, "locust_task_weight")
    )
