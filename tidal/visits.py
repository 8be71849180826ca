"""One iteration of an arrival: one task of a user, or one pass of a sequential task set.

    user, its root set ──one_visit──▶ a task is picked ──▶ a function: run it
                                                     └──▶ a set: on_start, one task of it (sequential: each in
                                                          turn, with the waits between them), on_stop

What a task raises means what it means to users that live on: `interrupt()` leaves its set, `StopUser` ends the user,
any other exception is counted, and a sequential set goes on with its next task. After the last task nobody waits.
"""
# ruff: noqa: SLF001 - a task set and its user share state under Locust's private names

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.flow import STEERING, InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from tidal.iterations import CANCELLED, FAILED, FINISHED, STARTED

if TYPE_CHECKING:
    from tidal.tasks import TaskSet
    from tidal.users import User


def one_visit(user: User) -> None:
    """One iteration of a user that has begun, counted as one."""
    counts = user._iterations
    counts[STARTED] += 1
    user._visit_failed = False
    try:
        one_pass(user._taskset_instance)
    except StopUser:
        counts[CANCELLED if user._state == "stopping" else FINISHED] += 1
        raise
    except STEERING:
        counts[FINISHED] += 1
        raise
    except Exception:
        counts[FAILED] += 1
        raise
    except BaseException:
        counts[CANCELLED] += 1
        raise
    counts[FAILED if user._visit_failed else FINISHED] += 1


def one_pass(task_set: Any) -> None:
    """The tasks of one pass, with the waits between them."""
    steps = task_set.pass_length()
    for step in range(steps):
        if step:
            task_set.wait()
        try:
            _one_task(task_set)
        except InterruptTaskSet:
            return


def _one_task(task_set: Any) -> None:
    if not task_set._task_queue:
        task_set.schedule_task(task_set.get_next_task())
    try:
        task_set.execute_task(task_set._task_queue.pop(0))
    except (RescheduleTask, RescheduleTaskImmediately):
        pass
    except (InterruptTaskSet, StopUser, StopTest):
        raise
    except Exception as error:
        task_set.user._visit_failed = True
        task_set.user._report(error, task_set)
        if not task_set.user.environment.catch_exceptions:
            raise


def nested_pass(task_set: TaskSet) -> None:
    """One pass of a set within another, with its `on_start` and `on_stop`."""
    try:
        task_set.on_start()
    except InterruptTaskSet:
        return
    try:
        one_pass(task_set)
    finally:
        task_set._leave()
