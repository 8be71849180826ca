"""Task sets as Markov chains: checked when the class is made, walked by weight."""

from __future__ import annotations

from typing import Any

import pytest

from tidal.flow import LocustError, StopUser
from tidal.generator.environment import Environment
from tidal.markov import (
    InvalidTransitionError,
    MarkovTaskSet,
    MarkovTaskTagError,
    NoMarkovTasksError,
    NonMarkovTaskTransitionError,
    transition,
    transitions,
)
from tidal.tasks import filter_tasks_by_tags, tag
from tidal.users import User


def walk(chain: type[MarkovTaskSet], steps: int) -> list[str]:
    """The names of the tasks that a walk comes to."""
    instance = chain(User(Environment()))
    return [instance.get_next_task().__name__ for _ in range(steps)]


class Ring(MarkovTaskSet):
    """a → b → c → a."""

    @transition("b")
    def a(self) -> None:
        """First."""

    @transitions(["c"])
    def b(self) -> None:
        """Second."""

    @transitions({"a": 1})
    def c(self) -> None:
        """Third."""


def test_the_first_task_is_the_start_and_each_leads_to_the_next() -> None:
    """Every instance walks by itself."""
    assert walk(Ring, 7) == ["a", "b", "c", "a", "b", "c", "a"]
    assert walk(Ring, 1) == ["a"]


def test_weights_count() -> None:
    """A weight of 0 is never taken; decorators add up."""

    class Weighted(MarkovTaskSet):
        @transition("a", weight=3)
        @transitions([("b", 0), "a"])
        def a(self) -> None:
            """It stays here."""

        @transition("a")
        def b(self) -> None:
            """Unreachable."""

    assert Weighted.a.transitions == ["a"] * 3
    assert set(walk(Weighted, 50)) == {"a"}


def test_a_task_that_no_walk_comes_to_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """By name."""

    class Lost(MarkovTaskSet):
        @transition("a")
        def a(self) -> None:
            """Alone."""

        @transition("a")
        def island(self) -> None:
            """Never."""

    assert Lost.current.__name__ == "a"
    assert "unreachable in class Lost: {'island'}" in caplog.text


def _make(**members: Any) -> None:
    type(MarkovTaskSet)("Chain", (MarkovTaskSet,), members)


def _step(name: str = "a", *targets: str) -> Any:
    def step(_: object) -> None:
        """A task."""

    step.__name__ = name
    return transitions(list(targets))(step) if targets else step


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({}, NoMarkovTasksError),
        ({"plain": _step("plain")}, NoMarkovTasksError),
        ({"a": _step("a", "nowhere")}, InvalidTransitionError),
        ({"a": _step("a", "b"), "b": _step("b")}, NonMarkovTaskTransitionError),
        ({"a": tag("x")(_step("a", "a"))}, MarkovTaskTagError),
        ({"run": _step("run", "run")}, LocustError),
    ],
)
def test_a_chain_that_cannot_be_walked_is_refused(members: dict[str, Any], error: type[Exception]) -> None:
    """When the class is made, not when it is used."""
    with pytest.raises(error):
        _make(**members)
    _make(**members, abstract=True)  # a base is not checked


def test_tags_do_not_take_a_chain_away() -> None:
    """Nor its user."""

    class Visitor(User):
        tasks = [Ring]  # noqa: RUF012 - as in a locustfile

    filter_tasks_by_tags(Visitor, {"something"})
    assert Visitor.tasks == [Ring]


def test_a_user_walks_the_chain() -> None:
    """Each task gets the set, as a bound method."""
    story: list[str] = []

    class Chain(MarkovTaskSet):
        @transition("second")
        def first(self) -> None:
            story.append("first")

        @transition("first")
        def second(self) -> None:
            story.append("second")
            if len(story) > 3:
                raise StopUser

    class Visitor(User):
        tasks = [Chain]  # noqa: RUF012 - as in a locustfile

    with pytest.raises(StopUser):
        Visitor(Environment()).run()
    assert story == ["first", "second", "first", "second"]
