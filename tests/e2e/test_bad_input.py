"""Whatever goes in wrong comes out as one clear line and its own exit code, and nothing is left running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from deadline import processes_of, until
from stage import end_of, ended_with

from tidal.keys import FleetKeys
from tidal.model.codec import pack
from tidal.model.events import RunOptions
from tidal.model.liveness import Heartbeat
from tidal.model.wire import to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis
    from stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GOOD = """
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def home(self):
        self.client.get("/")
"""
SECRET = "opensesame"  # noqa: S105 - of a server that lives for one test


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME of its own; afterwards no process may have it."""
    yield tmp_path
    if sys.platform == "linux":
        until(lambda: not processes_of(tmp_path), 15, "no process is left behind")


def tidal(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder with good.py."""
    (home / "good.py").write_text(GOOD, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDAL_")}
    return subprocess.run(
        [sys.executable, "-m", "tidal", *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
        cwd=home,
        env={**clean, "TIDAL_HOME": str(home), **env},
        stdin=subprocess.DEVNULL,
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One line on stderr that begins with tidal: and holds the words; the exit code; never a traceback."""
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr, done.stderr
    assert last


FILES = {
    "syntax": ("def broken(:\n    pass\n", 11, ("bad.py:1", "invalid syntax", "def broken(:")),
    "import": ("import json\nraise RuntimeError('no database')\n", 12, ("bad.py", "no database")),
    "crash": ("import ctypes\nctypes.string_at(0)\n", 12, ("died (signal 11) at bad.py:2",)),
    "module": ("import no_such_module_of_mine\n", 12, ("no_such_module_of_mine",)),
    "no user": ("x = 1\n", 13, ("bad.py",)),
}


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_bad_locustfile(home: Path, case: str) -> None:
    """The file's mistakes are told with their place before anything starts."""
    text, code, words = FILES[case]
    (home / "bad.py").write_text(text, encoding="utf-8")
    refused(tidal(home, "run", "-f", "bad.py", "-H", "http://127.0.0.1:9", "-t", "1s"), code, *words)


COMMANDS = {
    "no such file": (("run", "-f", "nowhere.py"), 10, ("nowhere.py",)),
    "unknown user class": (("run", "-f", "good.py", "-H", "http://127.0.0.1:9", "Buyer"), 14, ("Buyer", "Visitor")),
    "no host": (("run", "-f", "good.py", "-t", "1s"), 15, ("Visitor", "--host")),
    "no Redis": (("run", "-f", "good.py", "-H", "http://x", "--redis", "redis://127.0.0.1:1"), 20, ("127.0.0.1:1",)),
    "worker without Redis": (("worker", "--redis", "redis://127.0.0.1:1"), 20, ("127.0.0.1:1",)),
    "unknown run": (("replay", "20990101-000000-zzzz", "--print"), 30, ("20990101-000000-zzzz",)),
    "unknown run to attach": (("attach", "20990101-000000-zzzz"), 30, ("20990101-000000-zzzz",)),
    "no such archive file": (("replay", "./nope.tidal", "--print"), 30, ("no archive file ./nope.tidal",)),
    "a folder for an archive": (("replay", "./", "--print"), 30, ("is a folder",)),
    "foreign archive": (("replay", "good.py", "--print"), 32, ("good.py",)),
    "unknown flag": (("run", "--userz", "3"), 2, ("--users",)),
    "unknown subcommand": (("rnu",), 2, ("run",)),
}


@pytest.mark.parametrize("case", COMMANDS, ids=str)
def test_a_bad_command(home: Path, case: str) -> None:
    """A slip of the fingers is named, with what was meant where that can be guessed."""
    words, code, said = COMMANDS[case]
    refused(tidal(home, *words), code, *said)


def test_a_wrong_password_is_told_without_the_password(home: Path, real_redis: redis.Redis, redis_url: str) -> None:
    """The refusal names the place and never the secret."""
    real_redis.config_set("requirepass", "right")
    try:
        url = redis_url.replace("unix://", f"unix://:{SECRET}@")
        done = tidal(home, "run", "-f", "good.py", "-H", "http://x", "-t", "1s", TIDAL_REDIS_URL=url)
        refused(done, 21)
        assert SECRET not in done.stderr + done.stdout
    finally:
        real_redis.execute_command("AUTH", "right")
        real_redis.config_set("requirepass", "")


def test_a_target_that_refuses_is_a_failing_run(home: Path) -> None:
    """Connection refused is a result: the run goes to its end and says what failed."""
    done = tidal(home, "run", "-f", "good.py", "-H", "http://127.0.0.1:9", "-t", "2s", "--allow-suspect")
    assert ended_with(done.returncode, done.stdout, 1), done.stderr + done.stdout
    assert "Connection refused" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_no_workers_in_time(home: Path, real_redis: redis.Redis, redis_url: str) -> None:
    """Without a worker the run closes after the wait, and says how many there were."""
    done = tidal(
        home, "run", "-f", "good.py", "-H", "http://x", "-t", "1s", "--redis", redis_url, "--fleet", "empty",
        "--expect-workers-max-wait", "2s",
    )  # fmt: skip
    assert done.returncode == 40, done.stderr + done.stdout
    assert "0 of 1 worker" in done.stdout + done.stderr


def test_a_file_that_fails_on_one_worker_only(stage: Stage) -> None:
    """The run is refused with the worker's name and the reason: it would not be the load that was asked for."""
    broken = stage.folder / "own" / "locustfile.py"
    broken.parent.mkdir()
    broken.write_text("raise RuntimeError('no driver here')\n", encoding="utf-8")
    stage.start_worker(1)
    stage.start_worker(1, file=str(broken), id="odd-one")
    options = RunOptions(host="http://127.0.0.1:9", expect_workers=2, run_time_ms=1_000)
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    assert master.wait(100) == 0
    live = end_of(feed)
    assert live.run.exit_code == 17
    assert "no driver here" in live.run.reason
    name = next(w.name for w in live.workers if w.worker == "odd-one")
    assert live.run.reason.startswith(name)


def test_a_data_file_that_was_not_shipped(stage: Stage) -> None:
    """A worker that misses a file says which, and how to ship it."""
    file = stage.folder / "locustfile.py"
    file.write_text("import os\nopen(os.path.join('da' + 'ta', 'x' + '.csv')).close() if 'tidal-run-' in os.getcwd() "
                    "else None\n" + GOOD, encoding="utf-8")  # fmt: skip
    stage.start_worker(1)
    master, answer = stage.start_master(file, RunOptions(host="http://127.0.0.1:9", run_time_ms=1_000))
    feed = stage.watch(answer["run"])
    assert master.wait(100) == 0
    live = end_of(feed)
    assert live.run.exit_code == 16
    assert "data/x.csv" in live.run.reason
    assert "--ship" in live.run.reason


def test_a_worker_of_another_schema_is_refused_by_name(stage: Stage) -> None:
    """The log names the worker and both versions; the run goes on with those that fit."""
    options = RunOptions(host="http://127.0.0.1:9", expect_workers=1, run_time_ms=2_000)
    _, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    beat = Heartbeat("future-1", "f" * 16, "elsewhere", 1, 1, 99, "9.9", int(time.time() * 1000))

    def refused_by_name() -> bool:
        stage.bus().beat(FleetKeys("default"), "future-1", pack(to_wire(beat)), 2_000)
        frame = feed.frame()
        return frame is not None and any("future-1" in r.text and "schema 99" in r.text for r in frame.story)

    until(refused_by_name, 10, "the refusal is in the story")
