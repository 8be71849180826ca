"""Users in a script's own process: the runner that a library's user makes, one user alone, files of pytest's style."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

HEAD = "import tidal.compat\ntidal.compat.install()\nimport gevent\n"
LIBRARY = """
from locust import User, task, constant, LoadTestShape
from locust.env import Environment

told = []

def until(condition):
    with gevent.Timeout(50):
        while not condition():
            gevent.sleep(0.01)

class Once(User):
    wait_time = constant(0.05)
    fixed_count = 1
    def on_start(self): told.append("on_start")
    def on_stop(self): told.append("on_stop")
    @task
    def good(self):
        fire = self.environment.events.request.fire
        fire(request_type="X", name="a", response_time=10, response_length=3, exception=None, context={})
        fire(request_type="X", name="b", response_time=20, response_length=3, exception=ValueError("bad"), context={})

class Often(User):
    wait_time = constant(0.05)
    weight = 3
    @task
    def raises(self): raise KeyError("x")

def environment(**more):
    made = Environment(user_classes=[Once, Often], stop_timeout=1, **more)
    for name in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
        getattr(made.events, name).add_listener(lambda name=name, **_: told.append(name))
    return made
"""


def run(tmp_path: Path, text: str, *words: str) -> str:
    """What a script prints."""
    (tmp_path / "script.py").write_text(HEAD + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py", *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def test_a_runner_in_the_script_s_process(tmp_path: Path) -> None:
    """Users by weight, up and down, beside the number, statistics, exceptions, hooks in order; `join` returns."""
    text = """
env = environment()
runner = env.create_local_runner()
runner.register_message("hi", lambda environment, msg, **_: told.append((msg.data, msg.node_id)))
runner.send_message("hi", {"a": 1})
runner.start(5, spawn_rate=50)
until(lambda: "on_start" in told)
assert (runner.state, runner.user_count, runner.user_classes_count) == ("running", 5, {"Once": 1, "Often": 4})
runner.start(2, spawn_rate=50)
until(lambda: told.count("spawning_complete") == 2)
assert (runner.user_classes_count, runner.target_user_count) == ({"Once": 1, "Often": 1}, 2)
assert sorted(user.number for user in runner.spawn_users({"Often": 2})) == [1, 2]
runner.stop_users({"Often": 1})
assert sorted(g.args[0].number for g in runner.user_greenlets if type(g.args[0]) is Often) == [0, 1]
until(lambda: env.stats.get("b", "X").num_failures > 5)
gevent.spawn(runner.quit)
runner.greenlet.join()
assert (runner.state, runner.user_count) == ("stopped", 0)
assert told == [({"a": 1}, "local"), "test_start", "spawning_complete", "on_start", "spawning_complete",
                "test_stopping", "on_stop", "test_stop"], told
good, bad = env.stats.get("a", "X"), env.stats.get("b", "X")
assert good.num_requests == bad.num_failures > 5 and good.num_failures == 0
assert env.stats.total.num_requests == 2 * good.num_requests
assert [(row["msg"], row["nodes"]) for row in runner.exceptions.values()] == [("'x'", {"local"})]
"""
    run(tmp_path, LIBRARY + text)


def test_a_shape_leads_a_runner_in_the_script_s_process(tmp_path: Path) -> None:
    """Until it has no more to say."""
    text = """
class Steps(LoadTestShape):
    clock = lambda self: told.count("tick") / 2  # half a second a tick
    def tick(self):
        seen.append((runner.user_classes_count, runner.shape_last_tick, self.get_current_user_count()))
        told.append("tick")
        return (2, 50) if self.get_run_time() < 1 else (3, 50, [Often]) if self.get_run_time() < 1.2 else None

seen = []
env = environment(shape_class=Steps(), reset_stats=True)
runner = env.create_local_runner()
runner.start_shape()
runner.shape_greenlet.join()
assert seen == [
    ({"Once": 0, "Often": 0}, None, 0),
    ({"Once": 1, "Often": 1}, (2, 50), 2),
    ({"Once": 1, "Often": 2}, (3, 50, [Often]), 3),
], seen
assert runner.state == "stopped" and told.count("test_start") == 1
"""
    run(tmp_path, LIBRARY + text)


def test_stop_test_ends_a_run_in_the_script_s_process(tmp_path: Path) -> None:
    """As a class without a host does."""
    text = """
from locust import HttpUser
class Homeless(HttpUser):
    tasks = [print]
env = Environment(user_classes=[Homeless])
runner = env.create_local_runner()
runner.start(1, 1)
until(lambda: runner.state == "stopped")
print(runner.state, runner.user_count)
"""
    assert run(tmp_path, LIBRARY + text) == "stopped 0\n"


def test_one_user_alone(tmp_path: Path) -> None:
    """Each request is a line; further calls share the environment."""
    text = """
from locust import User, task, events, run_single_user
from locust.exception import StopUser

@events.init.add_listener
def init(environment, runner, **_): print("init", runner, environment.parsed_options.host, environment.locustfile)

class Visitor(User):
    @task
    def visit(self):
        fire = self.environment.events.request.fire
        told = dict(request_type="X", name="a", response_time=10.4, response_length=3, context={"c": 1})
        fire(**told, exception=ValueError("bad"))
        raise StopUser

run_single_user(Visitor, include_length=True, include_context=True)
run_single_user(Visitor)
print(Visitor.host)
"""
    lines = run(tmp_path, text, "-H", "http://h").splitlines()
    assert lines[1].split() == ["type", "name", "resp_ms", "length", "exception", "context"]
    assert lines[2] == "init None http://h script.py"
    assert [line.split("\t") for line in lines[3:5]] == [
        ["X", f"{'a':<50}", "10     ", "3", "ValueError('bad')", "{'c': 1}", ""]
    ] * 2
    assert lines[5:] == ["http://h"]


def test_test_functions_are_users(tmp_path: Path) -> None:
    """One class for each; fixtures of one's own get the user; a failed request ends a call, not the user."""
    (tmp_path / "test_style.py").write_text(
        "import pytest\n@pytest.fixture\ndef mine(user=None):\n  yield type(user).__name__\n  print('closed')\n"
        "calls = []\n"
        "def test_one(mine, session):\n  calls.append(mine)\n  if len(calls) > 2: raise KeyError('enough')\n"
        "  raise OSError\n"
        "def helper(): pass\n"
    )
    text = """
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile_pytest
classes = load_locustfile_pytest("test_style.py")
user = classes["test_one"](Environment(host="http://h"))
user.host = "http://h"
try:
    user.run()
except KeyError as error:
    print(list(classes), error, user._iterations)
"""
    assert run(tmp_path, text).endswith("closed\n['test_one'] 'enough' [3, 0, 3, 0]\n")


def test_a_fixture_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """When the file is loaded."""
    (tmp_path / "test_style.py").write_text("def test_one(nobody): pass\n")
    text = """
from locust.util.load_locustfile import load_locustfile_pytest
try:
    load_locustfile_pytest("test_style.py")
except Exception as error:
    print(error)
"""
    assert run(tmp_path, text).endswith("Could not find fixture for parameter 'nobody' in test_one\n")
