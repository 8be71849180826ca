"""One user of each class, once: every task in the order of its declaration, without waits, each request told.

A set of tasks is entered, does each of its tasks once and is left; a sequence does one pass, a chain of Markov as many
steps as it has members. What a task raises is told with the user's own lines, and the next one is tried all the same.
"""

from __future__ import annotations

import io
import linecache
import logging
import sys
import sysconfig
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent

from tidal.flow import (
    RUNNING,
    STOPPING,
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from tidal.generator.environment import Environment, set_scene, tell
from tidal.generator.failed import rules
from tidal.generator.measures import Alone
from tidal.generator.outline import kind_of, name_of, once, relative, tasks_of
from tidal.generator.recorder import failure_text, tidy
from tidal.generator.tracing import Tracer
from tidal.hooks import events
from tidal.measuring import measure_with
from tidal.model.metrics import CHECK
from tidal.model.struct import replace
from tidal.model.trial import DEPTH_MAX, Ended, Printed, Raised, Step
from tidal.shape import shape_named
from tidal.tasks import DefaultTaskSet, is_task_set
from tidal.users import HttpUser, User, made_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import ReadableBuffer

    from tidal.generator.scopes import Run
    from tidal.model.events import Event
    from tidal.model.pipe import Load
    from tidal.model.trial import Try

PLACES_MAX = 12
LINE_MAX = 2_000
ANSWERS_MAX = 5_000
"""So many requests, lines and errors are told; a task that goes round and round is stopped by its time."""
LOOK_S = 0.01
SEND_OFF_S = 2.0
_OWN_FOLDER = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({_OWN_FOLDER, sysconfig.get_path("stdlib"), "<frozen"})


class Trial:
    """Lets users try their tasks, and tells what happens.

    Args:
        answer: takes what happens.
        order: how long and how much.
        load: what was loaded, with the file's own arguments among the options.
        classes: its user classes.
        shape: the name of its shape.
    """

    def __init__(
        self, answer: Callable[[Event], None], order: Try, load: Load, classes: Mapping[str, type[User]], shape: str
    ) -> None:
        self._send, self._told = answer, 0
        self._order, self._load, self._classes, self._shape = order, load, classes, shape
        self._root = Path(load.root).resolve()
        self._tracer = Tracer(rules(*order.redact), is_whole=order.is_traced)
        self._redact = rules(*order.redact).text
        self._environment = Environment(events=events)
        self._environment.measures = _Measured(self._checked, self._ended)
        self._at: tuple[str, int] = ("", 0)

    def run(self) -> None:
        """Try every class, as a run in this one process would: with its hooks before and after."""
        end_s = time.monotonic() + self._order.within_ms / 1000
        environment, hooks = self._environment, self._environment.events
        self._redirect()
        measure_with(environment.measures)
        if any(issubclass(cls, HttpUser) for cls in self._classes.values()):
            import tidal.generator.http  # noqa: F401, PLC0415 - 0.1 s: only who needs it pays
        hooks.request.sink, hooks.user_error.sink = self._tried, self._user_error
        runner = environment.create_local_runner()
        hooks.user_error.remove_listener(runner._on_user_error)  # noqa: SLF001 - our own; it would log what is told here
        set_scene(environment, runner, self._load, self._classes, shape_named(self._shape))
        tell(hooks.init, environment=environment, runner=runner, web_ui=None)
        tell(hooks.test_start, environment=environment)
        unfinished = ""
        for name, cls in self._classes.items():
            unfinished = unfinished or self._try_class(name, cls, end_s)
        for hook in (hooks.test_stopping, hooks.test_stop):
            tell(hook, environment=environment)
        tell(hooks.quitting, reverse=True, environment=environment)
        code = environment.process_exit_code
        tell(hooks.quit, exit_code=code or 0)
        self._send(Ended(unfinished, hooks.failures, code))

    # ------------------------------------------------------------------ one user

    def _try_class(self, name: str, cls: type[User], end_s: float) -> str:
        """One user in a greenlet of its own; what it did not come back from in time."""
        self._step("user", name, 0)
        try:
            user = made_user(cls, self._environment, 0)
        except Exception as error:  # noqa: BLE001 - user code may raise anything
            self._raised("__init__", error)
            return ""
        body = self._live if type(user).run is User.run else self._live_own
        greenlet = gevent.spawn(body, user)
        user._greenlet = greenlet  # noqa: SLF001 - our own
        greenlet.join(max(0.0, end_s - time.monotonic()))
        if greenlet.dead:
            return ""
        stands = self._places_of(traceback.extract_stack(greenlet.gr_frame))
        greenlet.kill(timeout=SEND_OFF_S)
        where = f": {stands[-1].splitlines()[0]}" if stands else ""
        return f"{name} had not come back from {self._at[0]} after {self._order.within_ms / 1000:g} s{where}"

    def _live(self, user: User) -> None:
        user._state = RUNNING  # noqa: SLF001 - our own
        holder = user._taskset_instance = DefaultTaskSet(user)  # noqa: SLF001 - the same
        if not self._attempt("on_start", "on_start", 1, holder, user.on_start):
            return
        for task in once(tasks_of(type(user))):
            self._do(task, holder, 1)
        self._attempt("on_stop", "on_stop", 1, holder, user.on_stop)

    def _live_own(self, user: User) -> None:
        """A user whose life is its own code's: until it ends, or has done one iteration."""
        self._step("task", "run", 1)
        life = gevent.spawn(self._attempt, "task", "", 1, user, user.run)
        try:
            while not life.ready() and not any(user._iterations[1:]):  # noqa: SLF001 - our own
                gevent.sleep(LOOK_S)
            user._state = STOPPING  # noqa: SLF001 - the same
            life.join()
        finally:
            life.kill()

    def _do(self, task: Any, holder: Any, depth: int) -> bool:
        """One task, or one set of tasks; whether its set goes on."""
        if is_task_set(task) and depth < DEPTH_MAX:
            return self._visit(task, holder, depth)
        return self._attempt("task", name_of(task), depth, holder, holder.execute_task, task)

    def _visit(self, cls: Any, holder: Any, depth: int) -> bool:
        """Enter a set, do each of its tasks once, leave it."""
        self._step("set", name_of(cls), depth)
        made: list[Any] = []
        parent = holder.user if isinstance(holder, DefaultTaskSet) else holder
        self._attempt("task", "", depth, holder, lambda: made.append(cls(parent)))
        if not made or not self._attempt("on_start", "on_start", depth + 1, holder, made[0].on_start):
            return True
        kind, tasks = kind_of(cls), tasks_of(cls)
        if kind == "markov":
            tasks = [made[0].get_next_task for _ in once(tasks)]
        for place, task in enumerate(tasks if kind != "set" else once(tasks)):
            is_left = not self._do(task() if kind == "markov" else task, made[0], depth + 1)
            if is_left and kind != "set":
                self._skip([] if kind == "markov" else tasks[place + 1 :], depth + 1)
                break
        self._attempt("on_stop", "on_stop", depth + 1, holder, made[0].on_stop)
        return True

    def _skip(self, tasks: list[Any], depth: int) -> None:
        for task in once(tasks):
            self._step("skipped", name_of(task), depth)

    def _attempt(self, kind: str, name: str, depth: int, holder: Any, function: Any, *arguments: Any) -> bool:
        """Call user code; False when it wants to leave its set, its life or the run, or `on_start` raised."""
        if name and not (kind != "task" and _is_empty(function)):
            self._step(kind, name, depth)
        try:
            function(*arguments)
        except InterruptTaskSet:
            return False
        except (RescheduleTask, RescheduleTaskImmediately):
            return True
        except (StopUser, StopTest) as steer:
            what = "the whole run" if isinstance(steer, StopTest) else "this user"
            self._step("note", f"{type(steer).__name__}: in a run, {what} would end here", depth + 1)
            return False
        except Exception as error:  # noqa: BLE001 - user code may raise anything
            user = getattr(holder, "user", holder)
            user._report(error, holder)  # noqa: SLF001 - our own
            return kind != "on_start"
        return True

    # ------------------------------------------------------------------ what is told

    def _tell(self, answer: Event) -> None:
        self._told += 1
        if self._told <= ANSWERS_MAX:
            self._send(answer)
        elif self._told == ANSWERS_MAX + 1:
            self._send(Step("note", f"more than {ANSWERS_MAX:,} lines: the rest is not told", 1))

    def _step(self, kind: str, name: str, depth: int) -> None:
        self._at = (name, depth)
        self._send(Step(kind, name, depth))

    def _checked(self, name: str, *, holds: bool) -> None:
        self._tell(Step("check" if holds else "unheld", tidy(name, LINE_MAX), self._at[1] + 1))

    def _ended(self, run: Run, whole_us: int) -> None:
        kind = "broken" if run.is_failed else "transaction"
        name = tidy(" / ".join(run.path), LINE_MAX)
        self._tell(Step(kind, name, self._at[1] + 1, whole_us, run.requests))

    def _tried(self, **told: Any) -> None:
        self._tell(self._tracer.tried(told))

    def _user_error(self, exception: BaseException, **_: Any) -> None:
        self._raised(self._at[0], exception)

    def _raised(self, where: str, error: BaseException) -> None:
        message = self._redact(f"{type(error).__name__}: {failure_text(str(error))}")
        self._tell(Raised(where, message, self._places_of(traceback.extract_tb(error.__traceback__))))

    def _places_of(self, stack: Any) -> tuple[str, ...]:
        """The user's own lines of a stack, each with its code; the last of all lines when none is the user's."""
        own = [frame for frame in stack if self._is_own(frame.filename)] or list(stack)[-1:]
        return tuple(self._place(frame) for frame in own[-PLACES_MAX:])

    def _is_own(self, name: str) -> bool:
        path = Path(name)
        is_below = path.is_relative_to(self._root)
        return is_below and not name.startswith(_LIBRARIES) and "site-packages" not in path.parts

    def _place(self, frame: Any) -> str:
        code = self._redact(linecache.getline(frame.filename, frame.lineno).strip())
        line = f"{relative(frame.filename, self._root)}:{frame.lineno} in {frame.name}"
        return tidy(f"{line}\n{code}" if code else line, LINE_MAX)

    def _redirect(self) -> None:
        """What user code prints and logs is told among its requests."""
        sys.stdout = sys.stderr = _Lines(lambda line: self._tell(Printed(self._redact(line))))
        level = logging.getLevelNamesMapping().get(self._load.options.log_level.upper(), logging.WARNING)
        logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True)


class _Measured(Alone):
    """Where users measure: a check is told as it is made, a transaction when it ends."""

    def __init__(self, checked: Callable[..., None], ended: Callable[[Run, int], None]) -> None:
        super().__init__(lambda: time.time_ns() // 1_000)
        self._checked, self._ended = checked, ended

    def record(self, kind: str, name: str, unit: str, tags: str, parts: int) -> None:
        """Count it, and tell of a check."""
        super().record(kind, name, unit, tags, parts)
        if kind == CHECK:
            self._checked(name, holds=bool(parts))

    def ended(self, run: Run, whole_us: int, *, cancelled: bool) -> None:
        """Count it, and tell of it."""
        super().ended(run, whole_us, cancelled=cancelled)
        if not cancelled:
            self._ended(run, whole_us)


class _Lines(io.TextIOBase):
    """A file that hands on whole lines."""

    encoding = "utf-8"

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take, self._rest = take, ""
        self.buffer = _Bytes(self.write)

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, text: str) -> int:
        """Take text; its lines go on as soon as they are whole."""
        *lines, self._rest = f"{self._rest}{text}".split("\n")
        for line in lines:
            self._take(tidy(line, LINE_MAX))
        if len(self._rest) > LINE_MAX:
            self._take(tidy(self._rest, LINE_MAX))
            self._rest = ""
        return len(text)


class _Bytes(io.BufferedIOBase):
    """What such a file has for those who write bytes."""

    def __init__(self, write: Callable[[str], int]) -> None:
        self._write = write

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Take bytes; what is no text stands as a mark."""
        taken = bytes(data)
        self._write(taken.decode(errors="replace"))
        return len(taken)


def _is_empty(function: Any) -> bool:
    """Whether `on_start` or `on_stop` is the one that does nothing."""
    return str(getattr(function, "__module__", "")) in ("tidal.users", "tidal.tasks")


def with_arguments(load: Load, arguments: Any) -> Load:
    """The order with what the words say of the file's own arguments among its options."""
    own = tuple(sorted((argument.name, argument.value) for argument in arguments))
    return replace(load, options=replace(load.options, arguments=own))
