"""Turns in one frame: what happens is what happens by their steps, and whoever replaces a step is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gevent import GreenletExit
from hypothesis import given
from hypothesis import strategies as st

from tidal.flow import RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from tidal.generator.environment import Environment
from tidal.hooks import Events
from tidal.tasks import DefaultTaskSet, SequentialTaskSet, TaskSet, task
from tidal.turns import Steps
from tidal.users import User
from tidal.waits import constant_pacing

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDS = {"user": StopUser, "test": StopTest, "killed": GreenletExit}
RAISED: dict[str, Any] = {
    **ENDS, "error": ValueError, "later": RescheduleTask, "at once": RescheduleTaskImmediately,
}  # fmt: skip
ACTS = [*RAISED, "nothing", "told to stop", "queue", "set", "sequence", "leave", "leave and wait", "paced", "unpaced"]


class Free:
    """Tickets for everybody: a user that needs one takes its turns by their steps."""

    def take(self, _user: Any) -> None:
        """As many as are asked for."""

    def ended(self, _user: Any, *, is_done: bool) -> None:
        """Nothing is counted."""


def act(task_set: Any, user: Any, acts: Iterator[str], story: list[str]) -> None:
    """What one task does."""
    name = next(acts, "user")
    story.append(f"{type(task_set).__name__} {name} {user._state}")
    match name:
        case "told to stop":
            user._state = "stopping"
        case "queue":
            user._taskset_instance.schedule_task(lambda _: story.append("queued"))
        case "set" | "sequence":
            (Inner if name == "set" else Sequence)(task_set).run()
        case "leave" | "leave and wait" if task_set is not user:
            task_set.interrupt(reschedule=name == "leave")
        case "paced" | "unpaced":
            user.wait_time = constant_pacing(0.001 if name == "paced" else 0).__get__(user)
        case _ if name in RAISED:
            raise RAISED[name]


class Inner(TaskSet):
    """A set in which the acts go on."""

    def on_start(self) -> None:
        """Said."""
        self.user.story.append("in")

    def on_stop(self) -> None:
        """Said."""
        self.user.story.append("out")

    @task
    def one(self) -> None:
        """The next act."""
        act(self, self.user, self.user.acts, self.user.story)


class Sequence(SequentialTaskSet):
    """The same in turn."""

    @task
    def one(self) -> None:
        """The next act."""
        act(self, self.user, self.user.acts, self.user.story)

    @task
    def two(self) -> None:
        """And the one after it."""
        act(self, self.user, self.user.acts, self.user.story)


class Visitor(User):
    """Does what it is told, and tells what it did."""

    acts: Iterator[str]
    story: list[str]

    def wait_time(self) -> float:
        """Not at all, but it is said."""
        self.story.append(f"wait {self._state}")
        return 0

    def on_stop(self) -> None:
        """Said."""
        self.story.append("stop")

    @task
    def one(self) -> None:
        """The next act."""
        act(self, self, self.acts, self.story)


def lived(acts: list[str], tickets: Any = None) -> tuple[list[str], list[int], str | None]:
    """What a user did, how its iterations ended, and what it was doing at the end."""
    environment = Environment(events=Events())
    environment.tickets = tickets
    user = Visitor(environment)
    user.acts, user.story = iter(acts), []
    environment.events.user_error.add_listener(lambda exception, **_: user.story.append(type(exception).__name__))
    with pytest.raises(tuple(ENDS.values())) as ended:
        user.run()
    return [*user.story, ended.typename], user._iterations, user._state


@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_turns_are_what_their_steps_would_do(acts: list[str]) -> None:
    """Whatever tasks do and raise, in whatever set."""
    assert lived(acts) == lived(acts, Free())


@pytest.mark.parametrize(
    "step", ["get_next_task", "schedule_task", "execute_next_task", "execute_task", "wait", "_sleep"]
)
def test_who_replaces_a_step_is_asked(step: str) -> None:
    """By its class or by itself; a set that replaces none takes its turns in one frame."""
    user = Visitor(Environment(events=Events()))

    def other(*given: Any) -> Any:
        return getattr(Inner, step)(*given)

    theirs = type("Theirs", (Inner,), {step: other})
    patched = Inner(user)
    setattr(patched, step, print)
    own = Steps(TaskSet)
    assert [own.are_those_of(some) for some in (Inner(user), theirs(user), patched)] == [True, False, False]
    assert not own.are_those_of(Sequence(user))
    assert Steps(DefaultTaskSet).are_those_of(DefaultTaskSet(user))


@pytest.mark.parametrize("name", ["wait_time", "wait"])
def test_a_root_set_with_a_wait_of_its_own_is_asked(name: str) -> None:
    """Whoever gives the set that runs all users' tasks another wait means it, as with Locust."""
    root = DefaultTaskSet(Visitor(Environment(events=Events())))
    assert root._STEPS is not None
    assert root._STEPS.are_those_of(root)
    setattr(root, name, lambda: 0)
    assert not root._STEPS.are_those_of(root)


def test_a_step_of_the_files_own_runs() -> None:
    """Each turn."""
    story: list[str] = []

    class Careful(TaskSet):
        def wait(self) -> None:
            story.append("own wait")
            if len(story) == 4:
                raise StopUser

        @task
        def one(self) -> None:
            story.append("task")

    class One(User):
        tasks = [Careful]  # noqa: RUF012 - as a locustfile writes it

    with pytest.raises(StopUser):
        One(Environment(events=Events())).run()
    assert story == ["task", "own wait"] * 2


def test_a_set_has_waits_of_its_own() -> None:
    """They count in it, its user's outside."""
    story: list[str] = []

    class Pages(TaskSet):
        def wait_time(self) -> float:
            story.append("set")
            if story.count("set") == 2:
                self.interrupt(reschedule=False)
            return 0

        @task
        def one(self) -> None:
            """Nothing."""

    class Reader(User):
        tasks = [Pages]  # noqa: RUF012 - as a locustfile writes it

        def wait_time(self) -> float:
            story.append("user")
            raise StopUser

    with pytest.raises(StopUser):
        Reader(Environment(events=Events())).run()
    assert story == ["set", "set", "user"]
