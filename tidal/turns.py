"""The turns of a task set as most are, in one frame: pick a task, run it, count it, wait.

    TaskSet.run ──no step was replaced──▶ take_turns ──a nested set, a queued task, a ticket …──▶ one turn by its steps
               └──a step is the file's own──────────────────────────────────────────────────────▶ turns by their steps

By its steps (`get_next_task`, `execute_task`, `wait` …) a turn is fourteen calls, and the frames of a user that has
slept lie in no cache. What a turn does, and in which order, is the same both ways (docs/decisions/0093).
"""
# ruff: noqa: SLF001 - a task set and its user share state under private names

from __future__ import annotations

import random
from typing import Any

from tidal.flow import RUNNING, STEERING, STOPPING, WAITING, RescheduleTask, RescheduleTaskImmediately, StopUser
from tidal.generator.scopes import current
from tidal.generator.sleepers import LONGEST_S, rest, sleepers_here
from tidal.iterations import CANCELLED, FAILED, FINISHED, STARTED, end
from tidal.pace import begin_paced

_NAMES = ("get_next_task", "schedule_task", "execute_next_task", "execute_task", "wait", "_sleep", "_run_one")


class Steps:
    """The steps of a turn as a class of ours has them: taken down before any file could replace one.

    Args:
        kind: a class of task sets.
        more: names of what else is passed over in one frame.
    """

    __slots__ = ("_functions",)

    def __init__(self, kind: type, *more: str) -> None:
        self._functions = tuple((name, getattr(kind, name)) for name in (*_NAMES, *more))

    def __repr__(self) -> str:
        return f"<Steps {', '.join(function.__qualname__ for _, function in self._functions)}>"

    def are_those_of(self, task_set: Any) -> bool:
        """Whether a turn of the set would go by them: neither its class nor the set itself has others."""
        kind, own = type(task_set), vars(task_set)
        for name, function in self._functions:
            if getattr(kind, name) is not function or name in own:
                return False
        return hasattr(task_set._user.environment, "tickets")  # a stand-in of somebody's test may have none


def take_turns(task_set: Any, holder: Any) -> None:  # noqa: C901, PLR0912 - calls are what it is to save
    """Turns of a set whose steps are tidal's, until one raises.

    Args:
        task_set: the set.
        holder: who has the tasks, and is handed to them: the set itself, of a root set its user.
    """
    user, is_root = task_set._user, holder is not task_set
    counts, environment, sleepers = user._iterations, user.environment, sleepers_here()
    while True:
        tasks = holder.tasks
        if task_set._task_queue or not tasks or user._pass is not None or environment.tickets is not None:
            task_set._run_one()
            continue
        task = tasks[0] if len(tasks) == 1 else random.choice(tasks)
        if isinstance(task, type) or (not is_root and getattr(task, "__self__", None) is task_set):
            task_set._task_queue.append(task)
            task_set._run_one()
            continue
        if user._state == STOPPING:
            raise StopUser
        counts[STARTED] += 1
        if user._tidal_due is not None or user._tidal_over is not None:
            begin_paced(user)
        try:
            task(holder)
        except RescheduleTaskImmediately:
            end(user, FINISHED)
            continue
        except RescheduleTask:
            end(user, FINISHED)
        except BaseException as error:
            end(user, how_ended(error))
            raise
        else:
            counts[FINISHED] += 1
        if user._state == STOPPING:
            raise StopUser
        user._state = WAITING
        wait_time = user.wait_time if is_root else None
        seconds = float(wait_time()) if wait_time else task_set.wait_time()
        if seconds >= LONGEST_S or ((scope := current()) is not None and scope.run is not None):
            rest(seconds)
        elif seconds > 0:
            sleepers.sleep(seconds)
        else:
            sleepers.pause()
        if user._state == STOPPING:
            raise StopUser
        user._state = RUNNING


def how_ended(error: BaseException) -> int:
    """What an iteration counts as that this has ended."""
    return FINISHED if isinstance(error, STEERING) else FAILED if isinstance(error, Exception) else CANCELLED
