"""Users and hooks, as a locustfile sees them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import tidal
from tidal.flow import StopTest, StopUser
from tidal.generator.environment import Environment, NotSupported, WorkerRunner
from tidal.hooks import EventHook, Events
from tidal.users import HttpUser, User

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_tidal_alone_brings_no_gevent_and_no_requests() -> None:
    """The command line must start fast; the whole surface is there all the same."""
    code = "import tidal, sys; print([m for m in ('gevent', 'requests', 'redis') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert all(getattr(tidal, name) is not None for name in tidal.__all__)
    with pytest.raises(AttributeError, match="no attribute 'FancyUser'"):
        tidal.FancyUser  # noqa: B018 - the access is what is tested


def test_a_failing_on_start_is_told_and_there_is_no_on_stop() -> None:
    """As in Locust: what never began is not stopped."""
    story: list[object] = []

    class Visitor(User):
        def on_start(self) -> None:
            raise OSError("no data")

        def on_stop(self) -> None:
            story.append("stop")

    environment = Environment(events=Events())
    environment.events.user_error.add_listener(lambda exception, **_: story.append(str(exception)))
    with pytest.raises(StopUser):
        Visitor(environment).run()
    assert story == ["no data"]


def test_an_http_user_needs_a_host() -> None:
    """Said by what it raises."""

    class Visitor(HttpUser):
        host = None

    with pytest.raises(StopTest, match="--host"):
        Visitor(Environment(events=Events()))


def test_a_listener_that_raises_is_logged_once_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    """By name; steering exceptions go through."""
    hook, heard = EventHook("request"), []

    @hook.add_listener
    def broken(**_: object) -> None:
        raise ValueError("mine")

    hook.add_listener(lambda **kw: heard.append(kw))
    for _ in range(9):
        hook.fire(name="/")
    assert heard == [{"name": "/"}] * 9
    (record,) = caplog.records
    assert record.getMessage().startswith("Uncaught exception in event handler: \nTraceback")
    assert "broken of request" in record.getMessage()
    hook.fire(name="/")
    assert "10th time" in caplog.records[-1].getMessage()
    hook.remove_listener(broken)

    @hook.add_listener
    def steering(**_: object) -> None:
        raise StopUser

    with pytest.raises(StopUser):
        hook.fire(name="/")


def test_measure_times_a_block_and_takes_its_error() -> None:
    """An exception in the block is the sample's failure, and ends there."""
    hook, heard = EventHook("request"), []
    hook.sink = lambda **kw: heard.append(kw)
    with hook.measure("RPC", "call") as meta:
        meta["response_length"] = 7
        raise ConnectionError("gone")
    (sample,) = heard
    assert (sample["request_type"], sample["name"], sample["response_length"]) == ("RPC", "call", 7)
    assert isinstance(sample["exception"], ConnectionError)
    assert sample["response_time"] >= 0


def test_hooks_of_a_subclass() -> None:
    """Annotated or assigned as a word, as plugins do."""

    class Mine(Events):
        imported: EventHook

    assert isinstance(Mine().imported, EventHook)
    assert Mine().request is not Mine().request


def test_what_the_runner_cannot_do_is_named() -> None:
    """Rather than silently nothing."""
    environment = Environment(events=Events())
    runner = WorkerRunner(environment)
    with pytest.raises(NotSupported, match=r"runner\.quit"):
        runner.quit()
    with pytest.raises(NotSupported, match="create_master_runner"):
        environment.create_master_runner()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    tidal.events.__init__()
