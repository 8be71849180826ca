"""The beginning and the end of an iteration: counted, paced, and with a ticket where there are only so many.

An iteration is one run of a task that is not itself a set; in a `SequentialTaskSet` it is one pass, from its first task
to its last, or to where the user leaves it.
"""
# ruff: noqa: SLF001 - a task set and its user share state under private names

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.flow import STEERING
from tidal.pace import begin_paced, cut_paced

if TYPE_CHECKING:
    from tidal.users import User

STARTED, FINISHED, FAILED, CANCELLED = range(4)
"""Places in a user's count of iterations."""


def begin(user: User) -> None:
    """An iteration begins, once there is a ticket for it."""
    tickets = getattr(user.environment, "tickets", None)
    if tickets is not None:
        tickets.take(user)
    user._iterations[STARTED] += 1
    begin_paced(user)


def end(user: User, how: int) -> None:
    """It has ended."""
    user._iterations[how] += 1
    if how == CANCELLED:
        cut_paced(user)
    tickets = getattr(user.environment, "tickets", None)
    if tickets is not None:
        tickets.ended(user, is_done=how != CANCELLED)


def iterate(task_set: Any, function: Any) -> None:
    """Run one task that is not a set: an iteration, or a step of the pass that goes on."""
    user = task_set._user
    if getattr(user, "_pass", None) is not None:
        _step(task_set, function, user._pass)
        return
    begin(user)
    try:
        task_set.execute_task(function)
    except STEERING:
        end(user, FINISHED)
        raise
    except Exception:
        end(user, FAILED)
        raise
    except BaseException:
        end(user, CANCELLED)
        raise
    end(user, FINISHED)


class Pass:
    """A pass of a sequential set that goes on."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.has_begun = self.has_failed = False


def _step(task_set: Any, function: Any, around: Pass) -> None:
    user = task_set._user
    if around.has_begun:
        begin_paced(user)
    else:
        begin(user)
        around.has_begun = True
    try:
        task_set.execute_task(function)
    except STEERING:
        raise
    except Exception:
        around.has_failed = True
        raise


def end_pass(task_set: Any, error: BaseException | None = None) -> None:
    """The pass of this set is over: after its last task, or because the user leaves it by what was raised."""
    user = task_set._user
    around = getattr(user, "_pass", None)
    if around is None or around.owner is not task_set:
        return
    user._pass = None
    if around.has_begun:
        is_cut = error is not None and (not isinstance(error, Exception) or user._state == "stopping")
        end(user, CANCELLED if is_cut else FAILED if around.has_failed else FINISHED)
