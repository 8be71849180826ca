"""`tidal locust` with everything real behind it: runs, files, exit codes; what it lists, beside the real Locust."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
from deadline import processes_of, until

from tidal.target.child import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = """
import logging

from locust import HttpUser, TaskSet, constant, events, tag, task


@events.init_command_line_parser.add_listener
def arguments(parser):
    parser.add_argument("--greeting", env_var="LOCUST_GREETING", default="none")
    parser.add_argument("--path", default="/")
    parser.add_argument("--break-hook", action="store_true")


@events.test_start.add_listener
def start(environment, **_):
    print("printed", environment.parsed_options.greeting, environment.parsed_options.csv_prefix)
    logging.getLogger("mine").info("logged %s", environment.parsed_options.num_users)


@events.test_stop.add_listener
def stop(environment, **_):
    if environment.parsed_options.break_hook:
        raise ValueError("broken on purpose")


class Visitor(HttpUser):
    wait_time = constant(0.2)

    @tag("good")
    @task(3)
    def home(self):
        self.client.get(self.environment.parsed_options.path)

    @tag("bad")
    @task
    def gone(self):
        self.client.get("/nowhere")


class Other(Visitor):
    weight = 2

    @task
    class Nested(TaskSet):
        @task(2)
        def inner(self):
            self.interrupt()

        @task
        def more(self):
            self.interrupt()
"""


class Shell:
    """Types commands in a folder that is also the home."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self, *words: str, module: tuple[str, ...] = ("tidal", "locust"), **environ: str
    ) -> subprocess.Popen[str]:
        """A command that is going on."""
        env = {**os.environ, "TIDAL_HOME": str(self.home / "tidal"), "HOME": str(self.home), **environ}
        env.pop("TIDAL_REDIS_URL", None) if "TIDAL_REDIS_URL" not in environ else None
        argv = [sys.executable, "-P", "-m", *module, *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        process = subprocess.Popen(argv, env=env, text=True, cwd=self.home, **pipes)  # type: ignore[call-overload]
        self._started.append(process)
        return process  # type: ignore[no-any-return]

    def locust(self, *words: str, **environ: str) -> tuple[int, str, str]:
        """`tidal locust` to its end: exit code, stdout, stderr."""
        process = self.start(*words, **environ)
        out, err = process.communicate(timeout=90)
        return process.returncode, out, err

    def load(self, *words: str, **environ: str) -> tuple[int, str, str]:
        """A short run against the shop."""
        return self.locust("--headless", "-u", "2", "-r", "10", "-t", "2", "-H", self.url, *words, **environ)

    def real(self, *words: str) -> str:
        """What the real Locust prints."""
        process = self.start(*words, module=("locust",))
        return process.communicate(timeout=60)[0]

    def close(self) -> None:
        """End what is left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid in processes_of(self.home / "tidal"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        until(lambda: not processes_of(self.home / "tidal"), within_s=30, what="every process is gone")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A shop that is open for all tests."""
    with shop() as address:
        yield address


@pytest.fixture
def shell(tmp_path: Path, url: str) -> Iterator[Shell]:
    """A shell whose runs leave nothing behind."""
    (tmp_path / "locustfile.py").write_text(FILE, encoding="utf8")
    made = Shell(tmp_path, url)
    try:
        yield made
    finally:
        made.close()


def test_a_run_with_all_its_files(shell: Shell) -> None:
    """Words, variables and a config file; log lines and tables on stderr, prints on stdout; CSV, JSON and a report."""
    (shell.home / "locust.conf").write_text(
        "greeting = conf\npath = /products/7\nonly-summary = true\n", encoding="utf8"
    )
    words = [
        "--csv",
        "out/p",
        "--csv-full-history",
        "--html",
        "r_{u}_{t}.html",
        "--json",
        "-T",
        "good",
        "--",
        "Visitor",
    ]
    code, out, err = shell.load(*words, LOCUST_GREETING="env")
    assert code == 0, err
    before_json, _, _ = out.partition("\n[\n")
    assert "printed env out/p" in before_json
    (entry,) = json.loads(out[len(before_json) :])
    assert re.search(r"^\[\d{4}-.{18}\] \S+/INFO/mine: logged 2$", err, re.MULTILINE)
    for said in (
        "Run time limit set to 2 seconds",
        "Ramping to 2 users at a rate of 10.00 per second",
        'All users spawned: {"Visitor": 2} (2 total users)',
        "--run-time limit reached, shutting down",
        "Shutting down (exit code 0)",
        "Response time percentiles (approximated)",
    ):
        assert said in err
    assert err.count("Aggregated") == 2  # the summary alone
    rows = list(csv.DictReader((shell.home / "out" / "p_stats.csv").read_text(encoding="utf8").splitlines()))
    assert [(row["Name"], int(row["Request Count"])) for row in rows] == [
        ("/products/7", entry["num_requests"]),
        ("Aggregated", entry["num_requests"]),
    ]
    assert (shell.home / "r_2_2.html").stat().st_size > 10_000
    assert len((shell.home / "out" / "p_stats_history.csv").read_text(encoding="utf8").splitlines()) > 3


def test_failures_end_with_the_code_that_was_asked_for(shell: Shell) -> None:
    """A log file gets the lines; with --json-file there are no final tables, as in Locust."""
    code, _, err = shell.load("-T", "bad", "--exit-code-on-error", "7", "--logfile", "log/l.txt", "--json-file", "j/x")
    assert code == 7
    assert "Shutting down (exit code 7)" in (shell.home / "log" / "l.txt").read_text(encoding="utf8")
    assert "Shutting down" not in err
    assert "Response time percentiles" not in err
    found = json.loads((shell.home / "j" / "x.json").read_text(encoding="utf8"))
    assert {row["num_requests"] == row["num_failures"] > 0 for row in found} == {True}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--break-hook", "-T", "good"], 2, "broken on purpose"),
        (["Nobody"], 1, "Nobody"),
        (["--config-users", '{"user_class_name": "Nobody", "weight": 1}'], 255, "Nobody"),
        (["--greting", "x"], 2, "--greting"),
    ],
)
def test_exit_codes(shell: Shell, words: list[str], code: int, says: str) -> None:
    """A listener that raises, a class that is not there, settings for one, a flag that nobody has."""
    ended, _, err = shell.load(*words)
    assert (ended, says in err) == (code, True), err


def test_lists_and_ratios_are_those_of_locust(shell: Shell) -> None:
    """To the byte, with nested task sets, several files and a number of users."""
    (shell.home / "more.py").write_text(FILE.replace("Visitor", "Third").replace("Other", "Fourth"), encoding="utf8")
    for words in (
        ["--list"],
        ["--list", "-f", "locustfile.py"],
        ["--show-task-ratio"],
        ["--show-task-ratio-json", "-u", "5", "Other"],
    ):
        assert shell.locust(*words)[:2] == (0, shell.real(*words))
    code, out, _ = shell.locust("-f", "locustfile.py", "--help")
    assert (code, "--greeting" in out, "--csv-full-history" in out) == (0, True, True)


def test_ctrl_c_ends_a_run_in_order(shell: Shell) -> None:
    """Exit code 0 and the final tables, as in Locust."""
    process = shell.start("--headless", "-u", "1", "-H", shell.url, "-T", "good", "-L", "INFO")
    assert process.stderr is not None
    while "All users spawned" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0, err
    assert "Shutting down (exit code 0)" in err
    assert "Response time percentiles" in err


def test_keys_ask_for_more_users(shell: Shell) -> None:
    """W starts ten more, s stops one; the terminal is as it was afterwards."""
    argv = ["-P", "-m", "tidal", "locust", "--headless", "-u", "1", "-H", shell.url, "-T", "good", "--only-summary"]
    env = {**os.environ, "TIDAL_HOME": str(shell.home / "tidal"), "HOME": str(shell.home)}
    terminal = pexpect.spawn(sys.executable, argv, cwd=str(shell.home), env=env, timeout=60, encoding="utf8")
    terminal.expect("1 total users")
    terminal.send("W")
    terminal.expect("Ramping to 11 users at a rate of 100.00 per second")
    terminal.expect("11 total users")
    terminal.send("s")
    terminal.expect("10 total users")
    terminal.sendintr()
    terminal.expect("Response time percentiles")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_master_and_worker_meet_at_a_redis(stage: Stage, shell: Shell) -> None:
    """The worker takes the master's file, and leaves with the run."""
    environ: dict[str, Any] = {"TIDAL_REDIS_URL": stage.redis_url}
    (shell.home / "away").mkdir()
    worker = shell.start("--worker", "--master-host", "10.0.0.1", "-f", "-", **environ)
    code, _, err = shell.load("--master", "--expect-workers", "1", "-T", "good", **environ)
    assert code == 0, err
    assert "reported as ready" in err
    assert "--master-host: not used" in worker.communicate(timeout=60)[1]
    assert worker.returncode == 0
