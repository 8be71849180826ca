"""Tasks: collected, picked by weight, and steered by what they raise."""

from __future__ import annotations

import pytest

from tidal.flow import InterruptTaskSet, LocustError, RescheduleTask, RescheduleTaskImmediately, StopUser
from tidal.generator.environment import Environment
from tidal.hooks import Events
from tidal.tasks import SequentialTaskSet, TaskSet, filter_tasks_by_tags, flat_tasks, tag, task
from tidal.users import User


def lived(user_class: type[User], story: list[str]) -> User:
    """A user that has lived until its StopUser; errors are written into the story."""
    environment = Environment(events=Events())
    environment.events.user_error.add_listener(lambda exception, **_: story.append(f"{type(exception).__name__}"))
    user = user_class(environment)
    with pytest.raises(StopUser):
        user.run()
    return user


def test_tasks_are_collected_by_weight_and_inherited() -> None:
    """Inherited ones first, then `tasks`, then methods, each as often as its weight."""

    def extra(_user: object) -> None: ...

    class Base(User):
        @task
        def first(self) -> None: ...

    class Derived(Base):
        tasks = {extra: 2}  # noqa: RUF012 - as a locustfile writes it

        @task(3)
        def second(self) -> None: ...

    assert [t.__name__ for t in Derived.tasks] == ["first", "extra", "extra", "second", "second", "second"]
    assert [t.__name__ for t in Base.tasks] == ["first"]
    assert Base.abstract is False


def test_a_sequence_keeps_the_order_of_declaration() -> None:
    """`tasks` counts where it stands."""

    def middle(_set: object) -> None: ...

    class Steps(SequentialTaskSet):
        @task
        def one(self) -> None: ...

        tasks = [middle]  # noqa: RUF012 - as a locustfile writes it

        @task
        def two(self) -> None: ...

    steps = Steps(User(Environment(events=Events())))
    assert [steps.get_next_task().__name__ for _ in range(4)] == ["one", "middle", "two", "one"]


def test_tags_reach_into_sets() -> None:
    """A tag on a set is one on each of its tasks; tags add up."""

    @tag("slow")
    class Pages(TaskSet):
        @tag("read")
        @task
        def page(self) -> None: ...

    assert Pages.tasks[0].locust_tag_set == {"slow", "read"}
    with pytest.raises(ValueError, match="needs a name"):
        tag()


def test_a_weight_must_be_a_whole_number() -> None:
    """Said where it is written."""
    with pytest.raises(ValueError, match="whole number"):
        task(1.5)


def test_run_is_no_task() -> None:
    """It drives the user."""

    def run() -> None: ...

    with pytest.raises(LocustError):
        task(run)


def test_errors_are_told_and_the_user_goes_on() -> None:
    """An exception ends the task, not the user; iterations are counted by how they ended."""
    story: list[str] = []

    class Visitor(User):
        def on_start(self) -> None:
            story.append("start")
            self.left = 3

        def on_stop(self) -> None:
            story.append("stop")

        @task
        def work(self) -> None:
            self.left -= 1
            story.append(f"work {self.left}")
            if self.left == 1:
                raise ValueError
            if self.left == 0:
                raise StopUser

    user = lived(Visitor, story)
    assert story == ["start", "work 2", "work 1", "ValueError", "work 0", "stop"]
    assert user._iterations == [3, 2, 1, 0]


def test_a_nested_set_runs_until_it_is_interrupted() -> None:
    """`interrupt(True)` goes on at once, `interrupt(False)` waits first; on_stop runs in either case."""
    story: list[str] = []

    class Visitor(User):
        def wait_time(self) -> float:
            story.append("wait")
            return 0

        @task
        class Pages(TaskSet):
            def on_start(self) -> None:
                story.append("in")

            def on_stop(self) -> None:
                story.append("out")

            @task
            def leave(self) -> None:
                assert self.user is self.parent
                if story.count("in") == 3:
                    raise StopUser
                self.interrupt(reschedule=story.count("in") == 1)

    lived(Visitor, story)
    assert story == ["in", "out", "in", "out", "wait", "in", "out"]


def test_rescheduling_ends_the_task() -> None:
    """Immediately: without a wait."""
    story: list[str] = []

    class Visitor(User):
        def wait_time(self) -> float:
            story.append("wait")
            return 0

        @task
        class Pages(SequentialTaskSet):
            @task
            def soon(self) -> None:
                raise RescheduleTaskImmediately

            @task
            def later(self) -> None:
                raise RescheduleTask

            @task
            def end(self) -> None:
                raise StopUser

    lived(Visitor, story)
    assert story == ["wait"]


def test_a_set_may_refuse_to_begin() -> None:
    """InterruptTaskSet in on_start hands back to the parent."""
    story: list[str] = []

    class Visitor(User):
        @task
        class Pages(TaskSet):
            def on_start(self) -> None:
                story.append("no")
                if len(story) == 2:
                    raise StopUser
                raise InterruptTaskSet

    lived(Visitor, story)
    assert story == ["no", "no"]


def test_a_user_without_tasks_says_so() -> None:
    """With a hint at the usual mistake."""
    story: list[str] = []

    class Visitor(User):
        task = [print]  # noqa: RUF012 - the mistake

        def wait_time(self) -> float:
            raise StopUser

    environment = Environment(events=Events())
    environment.events.user_error.add_listener(lambda exception, **_: story.append(str(exception)))
    with pytest.raises(StopUser):
        Visitor(environment).run()
    assert story == ["Visitor has no tasks: mark its methods with @task; did you mean `tasks` where it says `task`?"]


# ------------------------------------------------------------------ tags


def test_tags_of_sets_and_tasks() -> None:
    """A set's tag is its tasks'; what is left empty goes; tags that are not wanted take away."""

    @tag("set")
    class Inner(TaskSet):
        @tag("own")
        @task(2)
        def tagged(self) -> None:
            """Two tags."""

        @task
        def plain(self) -> None:
            """The set's tag."""

    class Other(TaskSet):
        @task
        def untagged(self) -> None:
            """No tag."""

    class Visitor(User):
        tasks = [Inner, Other]  # noqa: RUF012 - as in a locustfile

    filter_tasks_by_tags(Visitor, {"set"}, {"own"})
    assert Visitor.tasks == [Inner]
    assert [function.__name__ for function in Inner.tasks] == ["plain"]
    assert Other.tasks == []


def test_what_has_no_task_left_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """By name, as Locust does."""

    class Visitor(User):
        tasks = [print]  # noqa: RUF012 - as in a locustfile

    filter_tasks_by_tags(Visitor, {"x"})
    assert "Visitor had no tasks left after filtering" in caplog.text


def test_flat_tasks_are_every_task_once() -> None:
    """However deep, without the sets."""

    class Inner(TaskSet):
        tasks = {print: 3, repr: 1}  # noqa: RUF012 - as in a locustfile

    class Visitor(User):
        tasks = {Inner: 2, len: 5}  # noqa: RUF012 - as in a locustfile

    assert set(flat_tasks(Visitor)) == {print, repr, len}
    assert len(flat_tasks(Visitor)) == 3


def test_an_on_stop_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """And is no error of the run, as in Locust."""
    errors: list[object] = []

    class Inner(TaskSet):
        @task
        def leave(self) -> None:
            raise StopUser

        def on_stop(self) -> None:
            raise ValueError("mine")

    class Visitor(User):
        tasks = [Inner]  # noqa: RUF012 - as in a locustfile

    environment = Environment(events=Events())
    environment.events.user_error.add_listener(lambda **kw: errors.append(kw))
    with pytest.raises(StopUser):
        Visitor(environment).run()
    assert errors == []
    assert "Uncaught exception in on_stop: \nTraceback" in caplog.text


def test_a_task_that_is_on_start_too_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """`run` is refused."""

    def on_start(_: object) -> None:
        """Both."""

    task(on_start)
    assert "both as a task AND on stop/start" in caplog.text
