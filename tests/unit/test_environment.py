"""What user code sees of the run: the environment, runners as views, custom messages."""

from __future__ import annotations

import datetime as dt
import sys
from types import ModuleType
from typing import Any

import gevent
import gevent.event
import pytest

from tidal.flow import RunnerAlreadyExistsError, StopTest
from tidal.generator.environment import Environment, tell
from tidal.generator.local import LocalRunner
from tidal.generator.messages import Message
from tidal.generator.nodes import HEARTBEAT_LIVENESS, setting
from tidal.generator.runners import DistributedRunner, MasterRunner, NotSupported, Runner, WorkerRunner
from tidal.hooks import EventHook, Events
from tidal.model.pipe import ClientRow, View
from tidal.model.samples import ExceptionTally
from tidal.shape import LoadTestShape
from tidal.tasks import TaskSet, tag, task
from tidal.users import User


class Alice(User):
    """A user with tasks of two tags."""

    @tag("a")
    @task
    def one(self) -> None:
        """Tagged."""

    @task
    class Inner(TaskSet):
        """A set without a tagged task."""

        @task
        def two(self) -> None:
            """Untagged."""


class Bob(User):
    """Three times as many."""

    weight = 3
    tasks = [print]  # noqa: RUF012 - as in a locustfile


class Port:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def send_message(self, *words: Any) -> None:
        """A message."""
        self.asked.append(("message", *words))

    def start(self, *words: Any) -> None:
        """A number of users."""
        self.asked.append(("start", *words))

    def leave(self, why: str) -> None:
        """The end."""
        self.asked.append(("leave", why))

    def report(self) -> None:
        """A report."""
        self.asked.append(("report",))


# ------------------------------------------------------------------ the environment


def test_an_environment_has_hooks_of_its_own() -> None:
    """Unless it is given some."""
    hooks = Events()
    assert Environment().events is not Environment().events
    assert Environment(events=hooks).events is hooks


def test_classes_without_weight_are_dropped() -> None:
    """And an environment of nothing but those is refused."""

    class Nobody(User):
        weight = 0

    assert Environment(user_classes=[Alice, Nobody]).user_classes_by_name == {"Alice": Alice}
    with pytest.raises(ValueError, match="no users with weight > 0"):
        Environment(user_classes=[Nobody])


def test_what_could_not_run_is_refused() -> None:
    """Two classes of one name; a shape that is a class."""
    twin = type("Alice", (User,), {})
    with pytest.raises(ValueError, match=r"have the same class name: .*Alice"):
        Environment(user_classes=[Alice, twin])
    with pytest.raises(ValueError, match="instance of a LoadTestShape"):
        Environment(shape_class=LoadTestShape)  # type: ignore[arg-type]


def test_stop_timeout_comes_from_the_options_unless_it_is_given() -> None:
    """Seconds."""

    class Options:
        stop_timeout = 3

    assert Environment(parsed_options=Options()).stop_timeout == 3.0
    assert Environment(parsed_options=Options(), stop_timeout=0).stop_timeout == 0
    assert Environment().stop_timeout == 0.0


@pytest.mark.parametrize("method", ["create_master_runner", "create_web_ui"])
def test_what_is_not_there_is_named(method: str) -> None:
    """With what to use instead."""
    with pytest.raises(NotSupported, match=rf"{method}\(\) is not part of tidal: use `tidal "):
        getattr(Environment(), method)()
    with pytest.raises(AttributeError, match="no 'colour'"):
        Environment().colour  # noqa: B018 - the access is what is tested


def test_settings_of_a_class() -> None:
    """As a dict with its name; tasks by name."""

    class Carl(User):
        tasks = [print, repr]  # noqa: RUF012 - as in a locustfile

    environment = Environment(user_classes=[Carl])
    environment.update_user_class({"user_class_name": "Carl", "weight": 7, "tasks": ["repr"]})
    assert (Carl.weight, Carl.tasks) == (7, [repr])


def test_tags_filter_once() -> None:
    """When the test starts; the environment's own go before the command line's."""

    class Dora(Alice):
        """Has tasks of her own list."""

    environment = Environment(user_classes=[Dora], tags=["a"])
    environment._filter_tasks_by_tags()
    assert [t.__name__ for t in Dora.tasks] == ["one"]
    environment.tags = ["b"]
    environment._filter_tasks_by_tags()
    assert [t.__name__ for t in Dora.tasks] == ["one"]


def test_one_runner_each() -> None:
    """It is the shape's too."""

    class Steps(LoadTestShape):
        def tick(self) -> None:
            """At once."""

    environment = Environment(user_classes=[Bob], shape_class=Steps())
    runner = environment.create_local_runner()
    assert isinstance(runner, LocalRunner)
    assert (environment.runner, environment.shape_class.runner) == (runner, runner)  # type: ignore[union-attr]
    assert environment.shape_class.get_current_user_count() == 0  # type: ignore[union-attr]
    with pytest.raises(RunnerAlreadyExistsError):
        environment.create_local_runner()
    runner.greenlet.kill()


def test_a_listener_that_stops_the_test_ends_the_run() -> None:
    """Outside of any user, by the runner; what else steers has nothing to steer, and counts as a failure."""
    hooks, port = Events(), Port()
    environment = Environment(events=hooks)
    environment.runner = WorkerRunner(environment, port=port)
    hooks.test_start.add_listener(_raising(StopTest("enough")))
    tell(hooks.test_start, environment=environment)
    assert port.asked == [("leave", "StopTest: enough")]
    before = hooks.failures
    hooks.quitting.add_listener(_raising(SystemExit(3)))
    tell(hooks.quitting, environment=environment)
    assert hooks.failures == before + 1


def _raising(error: BaseException) -> Any:
    def listener(**_: object) -> None:
        raise error

    return listener


def test_hooks_with_listeners_are_known() -> None:
    """By name, those of a subclass too; failures are counted wherever they happen."""

    class Mine(Events):
        imported: EventHook

    hooks = Mine()
    hooks.imported.add_listener(_raising(ValueError("mine")))
    assert hooks.listened() == ("imported",)
    before = hooks.failures
    hooks.imported.fire()
    assert hooks.failures == before + 1


# ------------------------------------------------------------------ views


def test_a_worker_asks_its_port() -> None:
    """To leave, to send, to report; it never sets the number of users."""
    port = Port()
    runner = WorkerRunner(Environment(), number=4, client_id="w_4", port=port)
    assert (runner.worker_index, runner.client_id, isinstance(runner, DistributedRunner)) == (4, "w_4", True)
    runner.send_message("hello", {"a": 1})
    runner._send_stats()
    runner.stop()
    runner.quit()
    assert port.asked == [
        ("message", "hello", {"a": 1}, None),
        ("report",),
        ("leave", "runner.stop()"),
        ("leave", "runner.quit()"),
    ]
    for forbidden in (
        lambda: runner.start(1, 1),
        lambda: runner.spawn_users({"Alice": 1}),
        lambda: runner.stop_users({}),
    ):
        with pytest.raises(NotSupported, match="runner"):
            forbidden()


def test_a_report_carries_what_listeners_add() -> None:
    """Beside the counts."""
    environment = Environment(user_classes=[Alice])
    runner = WorkerRunner(environment, port=Port())
    runner.user_classes_count = {"Alice": 2}
    environment.events.report_to_master.add_listener(lambda client_id, data: data.update(mine=client_id))
    data = runner.report_data()
    assert (data["user_count"], data["mine"]) == (2, runner.client_id)


def view(state: str, *clients: ClientRow, target: int = 0, exceptions: tuple[ExceptionTally, ...] = ()) -> View:
    """What the master tells."""
    users = sum(sum(c.users.values()) for c in clients)
    return View(state, 10, 0, users, target, 2.0, clients, exceptions=exceptions)


def test_the_masters_runner_is_a_view_of_the_run() -> None:
    """State, workers and counts; who stays is the same object."""
    environment = Environment(user_classes=[Alice, Bob])
    runner = MasterRunner(environment, port=Port())
    assert (runner.worker_count, runner.user_classes_count, runner.clients.ready) == (0, {"Alice": 0, "Bob": 0}, [])
    one = ClientRow("w1", 0, "running", {"Alice": 1, "Bob": 2}, 500, 1_000)
    two = ClientRow("w2", 1, "ready")
    failed = ExceptionTally("ValueError: x", "trace", 2)
    runner.update(view("running", one, two, target=4, exceptions=(failed,)))
    runner.clients["w1"].note = "mine"  # type: ignore[attr-defined]
    assert (runner.state, runner.user_count, runner.target_user_count, runner.spawn_rate) == ("running", 3, 4, 2.0)
    assert runner.target_user_classes_count == {"Alice": 1, "Bob": 3}
    assert (list(runner.clients), runner.worker_count, runner.get_worker_index("w2")) == (["w1", "w2"], 2, 1)
    assert (runner.clients["w1"].user_count, runner.clients["w1"].cpu_usage) == (3, 50)
    assert [row["count"] for row in runner.exceptions.values()] == [2]
    runner.update(view("running", ClientRow("w1", 0, "missing", {"Alice": 1})))
    assert (list(runner.clients), runner.worker_count, runner.user_count) == (["w1"], 0, 0)
    assert runner.clients["w1"].note == "mine"  # type: ignore[attr-defined]
    assert [node.id for node in runner.clients.missing] == ["w1"]


def test_the_masters_runner_asks_for_users() -> None:
    """Of all classes, or of some."""
    port = Port()
    runner = MasterRunner(Environment(user_classes=[Alice, Bob]), port=port)
    runner.start(10, spawn_rate=2)
    runner.start(5, 1, user_classes=[Bob])
    runner.send_message("m", 1, client_id="w1")
    assert port.asked == [("start", 10, 2.0, ()), ("start", 5, 1.0, ("Bob",)), ("message", "m", 1, "w1")]


def test_a_view_without_a_run_says_so() -> None:
    """Whatever is asked of it."""
    with pytest.raises(NotSupported, match=r"start\(\) on MasterRunner: no run is behind it"):
        MasterRunner(Environment()).start(1, 1)
    with pytest.raises(NotSupported, match="nobody to send to"):
        Runner(Environment()).send_message("m")


def test_constants_are_read_when_they_are_due() -> None:
    """From `locust.runners`, where files set them."""
    assert setting("HEARTBEAT_LIVENESS") == HEARTBEAT_LIVENESS
    module = ModuleType("locust.runners")
    module.HEARTBEAT_LIVENESS = 10  # type: ignore[attr-defined]
    sys.modules["locust.runners"] = module
    try:
        assert setting("HEARTBEAT_LIVENESS") == 10
        assert setting("CONNECT_TIMEOUT") == 5
    finally:
        del sys.modules["locust.runners"]


def test_usage_is_told_to_listeners() -> None:
    """CPU and memory of this process."""
    environment = Environment()
    heard: list[dict[str, Any]] = []
    environment.events.usage_monitor.add_listener(lambda **kw: heard.append(kw))
    Runner(environment).watch_usage()
    (told,) = heard
    assert told["environment"] is environment
    assert told["memory_usage"] > 0


# ------------------------------------------------------------------ messages


@pytest.fixture
def heard() -> list[Any]:
    """What listeners heard."""
    return []


def test_messages_are_heard_in_order(heard: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """By their listener; what it raises is logged, an unknown type too."""
    runner = WorkerRunner(Environment(), port=Port())

    def listen(environment: Any, msg: Message) -> None:
        heard.append((environment is runner.environment, msg.type, msg.data, msg.node_id))
        if msg.data == 2:
            raise ValueError("mine")

    runner.register_message("number", listen)
    with pytest.raises(ValueError, match="have a listener already"):
        runner.register_message("number", listen)
    for number in (1, 2, 3):
        runner.deliver("number", number, "master")
    runner.deliver("word", "x", "master")
    gevent.idle()
    assert heard == [(True, "number", number, "master") for number in (1, 2, 3)]
    assert "Uncaught exception in handler for number\nTraceback" in caplog.text
    assert "Unknown message type received from master: word" in caplog.text


def test_concurrent_listeners_do_not_wait_for_each_other(heard: list[Any]) -> None:
    """Each in a greenlet of its own."""
    runner = WorkerRunner(Environment(), port=Port())
    gate = gevent.event.Event()

    def listen(msg: Message, **_: Any) -> None:
        if msg.data == "slow":
            gate.wait()
        heard.append(msg.data)

    runner.register_message("m", listen, concurrent=True)
    runner.deliver("m", "slow", "")
    runner.deliver("m", "quick", "")
    gevent.idle()
    assert heard == ["quick"]
    gate.set()
    gevent.idle()
    assert heard == ["quick", "slow"]


def test_a_message_as_bytes() -> None:
    """And back, moments too."""
    message = Message("m", {"at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), 1: [None, b"x"]}, "w1")
    again = Message.unserialize(message.serialize())
    assert (again.type, again.data, again.node_id, repr(again)) == ("m", message.data, "w1", "<Message m:w1>")
    with pytest.raises(ValueError, match="no message"):
        Message.unserialize(b"\x01")
