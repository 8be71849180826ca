"""What locustfiles define, as a run uses it: user classes and shapes, chosen, configured and filtered, or refused.

The order is Locust's: all files' classes together, then settings (`--config-users`), the choice, weights, tags.
"""

from __future__ import annotations

import difflib
import inspect
import json
import logging
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.generator.recorder import tidy
from tidal.hooks import events
from tidal.model.events import TEXT_MAX, TRACEBACK_MAX, ClassSpec
from tidal.model.pipe import NotLoaded
from tidal.model.thresholds_read import BadThreshold, canonical
from tidal.shape import LoadTestShape
from tidal.tasks import configure, filter_tasks_by_tags, flat_tasks
from tidal.users import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from tidal.model.spec import RunOptions

    Classes = dict[str, type[User]]

logger = logging.getLogger("locust.main")

HTTP_BASES = ("tidal.users.HttpUser", "tidal.fastuser.FastHttpUser")
LATE_TASKS = ("__init__", "on_start", "run")
"""Where a user class may still get its tasks from when it is made without any."""


class Refused(Exception):
    """The locustfile will not do; `answer` says why."""

    def __init__(self, error: str, why: str, trace: str = "") -> None:
        super().__init__(why)
        self.answer = NotLoaded(error, tidy(why, TEXT_MAX), tidy(trace[-TRACEBACK_MAX:], TRACEBACK_MAX))


def user_classes(modules: Iterable[ModuleType]) -> Classes:
    """The classes that can run, of all modules together, by name, in the order of their declaration."""
    found: Classes = {}
    for module in modules:
        for cls in _defined(module, User):
            if not cls.abstract:
                _add(found, cls, "user class")
    return found


def shape_classes(modules: Iterable[ModuleType]) -> dict[str, type[LoadTestShape]]:
    """The shapes that can run, by name; the first one is the run's."""
    found: dict[str, type[LoadTestShape]] = {}
    for module in modules:
        for cls in _defined(module, LoadTestShape):
            if not cls.abstract:
                _add(found, cls, "shape")
    return found


def _defined(module: ModuleType, base: type) -> list[Any]:
    return [cls for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, base)]


def _add(found: dict[str, Any], cls: Any, what: str) -> None:
    """Add a class; the same one may come from two files when one imports the other, another of its name may not."""
    known = found.setdefault(cls.__name__, cls)
    if known is not cls and _file(known) != _file(cls):
        why = f"{what} {cls.__name__!r} is defined in both {_file(known)} and {_file(cls)}: give one another name"
        raise Refused("FileImportError", why)


def _file(cls: type) -> str:
    try:
        return Path(inspect.getfile(cls)).name
    except (OSError, TypeError):
        return cls.__module__


def nobody(modules: Iterable[ModuleType]) -> Refused:
    """Why there is no class that could run."""
    modules = list(modules)
    names = ", ".join(Path(module.__file__ or "").name for module in modules)
    abstract = [c.__name__ for m in modules for c in _defined(m, User) if not c.__module__.startswith("tidal.")]
    hint = f"; {', '.join(abstract)} is abstract" if abstract else ""
    return Refused("NoUserClass", f"{names}: no class of HttpUser or User{hint}")


# ------------------------------------------------------------------ what the operator wants of them


def chosen(classes: Classes, options: RunOptions, file: str) -> Classes:
    """The classes that are to run: configured, picked, with a weight, and with tasks left by the tags."""
    _configure(classes, options.class_settings, file)
    picked = {name: classes[_known(name, classes, file)] for name in options.classes} or classes
    running = {name: cls for name, cls in picked.items() if _has_weight(name, cls)}
    if not running:
        raise Refused("NoUserClass", f"{file}: there are no users with weight > 0: {', '.join(picked)}")
    for name, cls in running.items():
        _need_tasks(name, cls)
        _need_right(name, cls)
    return _tagged(running, set(options.tags) or None, set(options.exclude_tags) or None, file)


def _known(name: str, classes: Classes, file: str) -> str:
    if name not in classes:
        near = difflib.get_close_matches(name, classes, 3, 0.4) or list(classes)
        raise Refused("UnknownUserClass", f"{file}: no user class {name!r}; there is {', '.join(near)}")
    return name


def _configure(classes: Classes, settings: Iterable[tuple[str, str]], file: str) -> None:
    """Set attributes of classes as `--config-users` wants; `equal_weights` of the class "" levels them all."""
    for name, text in settings:
        values: Mapping[str, Any] = json.loads(text)
        if name:
            cls = classes[_known(name, classes, file)]
            configure(cls, values, cls.tasks)
        elif values.get("equal_weights"):
            for cls in classes.values():
                cls.weight, cls.tasks = 1, flat_tasks(cls)


def _has_weight(name: str, cls: type[User]) -> bool:
    """Whether users of a class are wanted at all."""
    try:
        weight, fixed = float(cls.weight), int(cls.fixed_count)
    except (TypeError, ValueError):
        weight, fixed = math.nan, 0
    if not 0 <= weight < math.inf or fixed < 0:
        why = f"{name}: weight and fixed_count are numbers from 0, not {cls.weight!r} and {cls.fixed_count!r}"
        raise Refused("FileImportError", why)
    return weight > 0 or fixed > 0


def _need_tasks(name: str, cls: type[User]) -> None:
    """Refuse a class whose users could only fail: without a task, and without code that might give it some."""
    if cls.tasks or getattr(cls, "functions", None) or events.init.has_listeners or events.test_start.has_listeners:
        return
    if any(not _home(cls, method).startswith("tidal.") for method in LATE_TASKS):
        return
    word = next((word for word in ("task", "task_set") if word in vars(cls)), "")
    hint = f"; did you mean `tasks` where it says `{word}`?" if word else ""
    why = f"{name} has no tasks: mark its methods with @task, or say `abstract = True` if it is a base{hint}"
    raise Refused("NoUserClass", why)


def _need_right(name: str, cls: type[User]) -> None:
    """Refuse attributes with which every user could only fail, or do nothing: of another kind than is asked for."""
    for task in _all_tasks(cls):
        what = getattr(task, "__qualname__", None) or repr(task)[:100]
        if not callable(task):
            raise Refused("FileImportError", f"{name}.tasks has {what} in it, neither a function nor a TaskSet")
        if inspect.iscoroutinefunction(task):
            why = "is `async`, so a user would never do it: tasks are plain functions, and gevent does the waiting"
            raise Refused("FileImportError", f"{what} {why}")
    host, wait = getattr(cls, "host", None), cls.wait_time
    if not (host is None or isinstance(host, str) or hasattr(host, "__get__")):
        raise Refused("FileImportError", f"{name}.host is {repr(host)[:100]}, and has to be a URL")
    if not (wait is None or callable(wait) or hasattr(wait, "__get__")):
        hint = f": constant({wait!r})?" if isinstance(wait, int | float) else ""
        raise Refused("FileImportError", f"{name}.wait_time is {repr(wait)[:100]}, and has to be a function{hint}")


def _all_tasks(cls: type[User]) -> Iterator[object]:
    """The tasks of a class and of the sets among them, each once."""
    todo: list[object] = list(cls.tasks)
    seen: set[int] = set()
    while todo:
        task = todo.pop(0)
        if id(task) not in seen:
            seen.add(id(task))
            yield task
            if isinstance(task, type):
                todo += list(getattr(task, "tasks", ()))


def _home(cls: type, method: str) -> str:
    return next((base.__module__ for base in cls.__mro__ if method in vars(base)), "tidal.")


def _tagged(classes: Classes, tags: set[str] | None, exclude_tags: set[str] | None, file: str) -> Classes:
    """The classes with the tasks that the tags leave them; those without any are dropped."""
    if tags is None and exclude_tags is None:
        return classes
    left = {}
    for name, cls in classes.items():
        had_tasks = bool(cls.tasks)
        filter_tasks_by_tags(cls, tags, exclude_tags)
        if cls.tasks or not had_tasks:
            left[name] = cls
    if not left:
        wanted = [
            f"{word} {' '.join(sorted(t))}" for word, t in (("--tags", tags), ("--exclude-tags", exclude_tags)) if t
        ]
        raise Refused("NoUserClass", f"{file}: no task is left by {' and '.join(wanted)}")
    for name in classes.keys() - left.keys():
        logger.warning("%s is left out of the run: the other classes get its users", name)
    return left


# ------------------------------------------------------------------ what the run has to keep to


def thresholds(modules: Iterable[ModuleType]) -> tuple[str, ...]:
    """`thresholds = [...]` of the files; a name that holds anything but texts is the file's own affair."""
    found: list[str] = []
    for module in modules:
        texts = vars(module).get("thresholds")
        if isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts):
            try:
                found += canonical(texts)
            except BadThreshold as error:
                raise Refused("UsageError", f"{Path(module.__file__ or '').name}: {error}") from error
    return tuple(dict.fromkeys(found))


# ------------------------------------------------------------------ in plain values


def spec(name: str, cls: type[User]) -> ClassSpec:
    """A user class in plain values."""
    bases = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
    needs_host = not bases.isdisjoint(HTTP_BASES) and cls.host != ""  # "": it says that its URLs are whole
    return ClassSpec(
        name, float(cls.weight), int(cls.fixed_count), str(cls.host or ""), needs_host, task_shares(cls.tasks)
    )


def task_shares(tasks: Any) -> tuple[tuple[str, float], ...]:
    """Each task's name and share of the picks."""
    counts = Counter(str(getattr(task, "__name__", type(task).__name__)) for task in tasks)
    return tuple((name, count / len(tasks)) for name, count in counts.items())
