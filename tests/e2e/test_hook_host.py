"""The locustfile on the master's side: its process may die or hang, and the load goes on."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from deadline import until
from stage import code_of, seen

from tidal.model.events import RunOptions

if TYPE_CHECKING:
    import subprocess

    from stage import Stage

pytestmark = pytest.mark.e2e

SHAPED = """
import os
from locust import HttpUser, LoadTestShape, constant_throughput, events, task


class Steps(LoadTestShape):
    def tick(self):
        return None if os.path.exists("{enough}") else (2, 10) if self.get_run_time() < 5 else (4, 10)


class Visitor(HttpUser):
    wait_time = constant_throughput(5)

    @task
    def home(self):
        self.client.get("/")


@events.quitting.add_listener
def judge(environment, **_):
    environment.process_exit_code = 7 if environment.stats.total.num_requests else 8
"""

BLOCKING = """
import time
from locust import HttpUser, constant_throughput, events, task


class Visitor(HttpUser):
    wait_time = constant_throughput(5)

    @task
    def home(self):
        self.client.get("/")


@events.spawning_complete.add_listener
def hang(environment=None, **_):
    from gevent import monkey
    from locust.runners import MasterRunner

    if RUNNER and isinstance(RUNNER[0], MasterRunner):
        monkey.get_original("time", "sleep")(4)


RUNNER = []


@events.init.add_listener
def keep(runner, **_):
    RUNNER.append(runner)
"""


def host_of(master: subprocess.Popen[bytes]) -> psutil.Process | None:
    """The master's hook host, when it has one."""
    for child in psutil.Process(master.pid).children():
        with contextlib.suppress(psutil.Error):  # it has just died
            if "--hooks" in child.cmdline():
                return child
    return None


def test_a_hook_host_that_is_killed_comes_back_and_the_shape_goes_on(stage: Stage) -> None:
    """Nobody misses a user meanwhile; the shape knows how long the run has run, and the last hooks are called."""
    file = stage.folder / "locustfile.py"
    file.write_text(SHAPED.replace("{enough}", str(stage.folder / "enough")))
    stage.start_worker()
    master, answer = stage.start_master(file, RunOptions(host=stage.target_url, allow_suspect=True))
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.run.users_running == 2, "the shape's first step runs")
    host = until(lambda: host_of(master), what="there is a hook host")
    os.kill(host.pid, signal.SIGKILL)
    until(lambda: (new := host_of(master)) is not None and new.pid != host.pid, what="it was started again")
    seen(feed, lambda f: any("hook host died (signal 9)" in row.text for row in f.story), "its death is told")
    seen(feed, lambda f: f.run.users_running == 4, "the shape's second step runs")
    (stage.folder / "enough").touch()
    last = seen(feed, lambda f: f.run.phase == "closed", "the shape's end")
    assert (last.run.outcome, last.run.exit_code) == ("finished", code_of(last, 7))
    assert last.total.requests == sum(stage.served()["by_endpoint"].values())


def test_a_hook_that_blocks_its_process_delays_nothing(stage: Stage) -> None:
    """The fold goes on: reports arrive and are acknowledged while a listener on the master's side sleeps."""
    file = stage.folder / "locustfile.py"
    file.write_text(BLOCKING)
    stage.start_worker()
    options = RunOptions(users=2, spawn_rate=10, run_time_ms=6_000, host=stage.target_url, allow_suspect=True)
    _, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.run.elapsed_ms > 2_500 and f.total.requests > 15, "reports are folded meanwhile")
    last = seen(feed, lambda f: f.run.phase == "closed", "the end")
    assert (last.run.outcome, last.run.exit_code) == ("finished", code_of(last))
    assert last.total.requests == sum(stage.served()["by_endpoint"].values())
