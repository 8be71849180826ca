"""Who runs where, step by step, for runs in a script's own process."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tidal.generator.dispatch import UsersDispatcher, split
from tidal.generator.nodes import WorkerNode

FAST = 1e9
"""A rate at which nothing has to wait."""


def kind(name: str, weight: float = 1, fixed_count: int = 0) -> Any:
    """A user class, as far as it is looked at."""
    return type(name, (), {"weight": weight, "fixed_count": fixed_count})


A, B, FIXED = kind("A"), kind("B", 3), kind("Fixed", 9, 2)


def dispatcher(*classes: Any, workers: int = 1) -> UsersDispatcher:
    """A dispatcher over workers w0, w1 …."""
    return UsersDispatcher([WorkerNode(f"w{n}") for n in range(workers)], classes)


def steps(found: UsersDispatcher, users: int, rate: float = FAST, classes: Any = None) -> list[dict[str, Any]]:
    """All steps of one dispatch."""
    found.new_dispatch(users, rate, classes)
    return list(found)


def test_classes_by_weight_after_the_fixed_ones() -> None:
    """At every moment, not only at the end."""
    assert split([A, B, FIXED], 1) == {"A": 0, "B": 0, "Fixed": 1}
    assert split([A, B, FIXED], 6) == {"A": 1, "B": 3, "Fixed": 2}
    assert split([FIXED], 9) == {"Fixed": 2}


def test_up_and_down() -> None:
    """The last ones stop first."""
    users = dispatcher(A, B)
    assert steps(users, 4) == [{"w0": {"A": 1, "B": 3}}]
    assert steps(users, 1) == [{"w0": {"A": 0, "B": 1}}]
    assert steps(users, 1) == [{"w0": {"A": 0, "B": 1}}]
    assert (users.get_current_user_count(), users.dispatch_in_progress) == (1, False)


def test_a_step_is_what_a_second_may_start() -> None:
    """Or one user, when that takes longer."""
    users = dispatcher(A)
    users.new_dispatch(5, 2_000_000.5)
    assert list(users) == [{"w0": {"A": 5}}]
    users.new_dispatch(7, 1)
    assert list(islice(users, 1)) == [{"w0": {"A": 6}}]
    assert users.dispatch_in_progress


def test_users_are_spread_over_workers() -> None:
    """Also when one comes or goes."""
    users = dispatcher(A, workers=2)
    assert steps(users, 5) == [{"w0": {"A": 3}, "w1": {"A": 2}}]
    users.remove_worker(WorkerNode("w0"))
    assert steps(users, 5) == [{"w1": {"A": 5}}]
    users.add_worker(WorkerNode("w9"))
    assert steps(users, 6) == [{"w1": {"A": 3}, "w9": {"A": 3}}]


def test_other_classes_from_now_on() -> None:
    """Who runs already goes on."""
    users = dispatcher(A, B)
    steps(users, 1, classes=[A])
    assert steps(users, 3, classes=[B]) == [{"w0": {"A": 1, "B": 2}}]


@pytest.mark.parametrize(("users", "rate"), [(-1, 1.0), (1, 0.0), (1, float("inf"))])
def test_what_cannot_be_is_refused(users: int, rate: float) -> None:
    """ValueError, as in Locust."""
    with pytest.raises(ValueError, match="must be"):
        dispatcher(A).new_dispatch(users, rate)
