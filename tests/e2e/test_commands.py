"""The command line with everything real behind it: examples, Ctrl-C, steering from another terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deadline import processes_of, until
from secured import DONE
from stage import ended_with

from tidal.target.child import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))
ENDLESS = """
from tidal import HttpUser, constant, task


class V(HttpUser):
    wait_time = constant(0.1)

    @task
    def get(self):
        self.client.get("/")
"""


class Terminal:
    """Types commands, with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._env = {**os.environ, "TIDAL_HOME": str(home)}
        self._env.pop("TIDAL_REDIS_URL", None)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """A command that is going on."""
        argv = [sys.executable, "-m", "tidal", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
        process = subprocess.Popen(argv, env=self._env, text=True, cwd=self.home, **pipes)
        self._started.append(process)
        return process

    def type(self, *words: str) -> tuple[int, str, str]:
        """A command to its end: exit code, stdout, stderr."""
        process = self.start(*words)
        out, err = process.communicate(timeout=200)
        return process.returncode, out, err

    def runs(self) -> list[dict[str, Any]]:
        """What `tidal runs --json` lists."""
        return [json.loads(line) for line in self.type("runs", "--json")[1].splitlines()]

    def close(self) -> None:
        """End what is left, and wait for what that leaves behind."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid in processes_of(self.home):
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGTERM)
        until(lambda: not processes_of(self.home), within_s=30, what="every process is gone")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose runs leave nothing behind."""
    made = Terminal(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A shop that is open for all tests."""
    with shop() as address:
        yield address


@pytest.fixture
def endless(terminal: Terminal, url: str) -> subprocess.Popen[str]:
    """A run without an end, on a console, its load going on."""
    (terminal.home / "locustfile.py").write_text(ENDLESS, encoding="utf8")
    console = terminal.start("run", "-u", "3", "-r", "10", "-H", url, "--processes", "1", "-s", "1", "--allow-suspect")
    assert console.stdout is not None
    while "running   users" not in (line := console.stdout.readline()):
        assert line, console.communicate()
    return console


def counts(url: str) -> dict[str, Any]:
    """What the shop says that it served."""
    with urllib.request.urlopen(f"{url}/__counts") as answer:  # noqa: S310 - our own URL
        told: dict[str, Any] = json.load(answer)
    return told


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_and_its_sums_are_the_targets(example: Path, terminal: Terminal, url: str) -> None:
    """The target counted exactly the requests that the summary tells; replayed, the JSON is the same to the byte."""
    for run_time in ("3s", "40s"):  # three seconds may be over before a busy machine has begun
        before = counts(url)
        words = ["-f", str(example), "-u", "4", "-r", "20", "-t", run_time, "-H", url, "--processes", "1"]
        code, out, err = terminal.type("run", *words, "--allow-suspect", "--json", "end.json")
        after = counts(url)
        frame = json.loads((terminal.home / "end.json").read_text(encoding="utf8"))
        total = frame["total"]
        if total["requests"]:
            break
    assert code == frame["run"]["exit_code"]
    assert ended_with(code, out, 1 if total["failures"] else 0), out + err
    assert f"Exit code {code}" in out
    assert frame["run"]["outcome"] == "finished"
    assert terminal.type("replay", "--json", "-") == (0, (terminal.home / "end.json").read_text(encoding="utf8"), "")
    if example.stem == "own_protocol":
        assert after["connections"] - before["connections"] >= total["requests"] > 0
    else:
        assert after["requests"] - before["requests"] == total["requests"] + total["cancelled"] > 0


def test_the_demo_runs_anywhere_and_its_json_is_alone_on_stdout(terminal: Terminal) -> None:
    """No terminal, no file, no server: tables on stderr, JSON on stdout."""
    code, out, err = terminal.type("demo", "-t", "2s", "-u", "5", "--processes", "1", "--json", "-")
    frame = json.loads(out)
    assert frame["total"]["requests"] > 0
    assert code == frame["run"]["exit_code"]
    assert "Finished after 0:02" in err


def test_ctrl_c_stops_in_order_and_prints_the_end(endless: subprocess.Popen[str], terminal: Terminal) -> None:
    """The users finish, the tables come, the exit code is the run's."""
    endless.send_signal(signal.SIGINT)
    out, err = endless.communicate(timeout=100)
    assert ended_with(endless.returncode, out), err
    assert "Stopped after" in out
    assert "Ctrl-C" in out
    assert "rewind it: tidal replay" in out
    until(lambda: not processes_of(terminal.home), within_s=30, what="every process of the run is gone")


def test_a_second_ctrl_c_leaves_at_once(endless: subprocess.Popen[str], terminal: Terminal) -> None:
    """With 130, without tables; what ran in the background ends too."""
    endless.send_signal(signal.SIGINT)
    assert endless.stdout is not None
    while "Ctrl-C again leaves at once" not in (line := endless.stdout.readline()):
        assert line
    endless.send_signal(signal.SIGINT)
    out = endless.stdout.read()  # with what came with that line; `communicate` would not see it
    assert endless.wait(100) == 130 or "Stopped after" in out  # the run may have closed before the second one
    until(lambda: not processes_of(terminal.home), within_s=30, what="every process of the run is gone")


def test_a_job_that_is_cancelled_as_its_run_opens_leaves_no_load(terminal: Terminal, url: str) -> None:
    """SIGTERM before anybody follows the run is a Ctrl-C, too; it left a load that nobody saw."""
    (terminal.home / "locustfile.py").write_text(ENDLESS, encoding="utf8")
    console = terminal.start("run", "-u", "3", "-t", "5m", "-H", url, "--processes", "1", "-s", "1")
    assert console.stdout is not None
    assert console.stdout.readline().startswith("run ")
    console.terminate()
    console.communicate(timeout=30)
    assert console.returncode >= 0
    until(lambda: not processes_of(terminal.home), within_s=60, what="every process of the run is gone")


def test_a_run_is_steered_from_another_terminal(endless: subprocess.Popen[str], terminal: Terminal) -> None:
    """Listed, changed, watched and stopped by whoever is allowed to; the console sees it all."""
    (run,) = terminal.runs()
    assert run["where"] == "here"
    assert run["phase"] in {"waiting", "running"}  # the list is renewed every few seconds
    assert terminal.type("set", "latest", "users=5", "rate=50") == (0, f"run {run['run']}: accepted\n", "")
    visitor = terminal.start("watch", run["run"][:-2])
    assert visitor.stdout is not None
    while "5/5" not in (line := visitor.stdout.readline()):
        assert line, visitor.communicate()
    visitor.send_signal(signal.SIGINT)
    visitor.communicate(timeout=100)
    assert visitor.returncode == 130
    assert endless.poll() is None, "a visitor's Ctrl-C stopped the run"
    assert terminal.type("stop", "latest", "--reason", "seen\x1b[2J enough")[0] == 0
    out, _ = endless.communicate(timeout=100)
    assert "seen enough" in out
    assert "\x1b" not in out
    assert terminal.type("stop", run["run"])[0] in (0, 20, 30)  # over already, or its server leaves, or is gone


def test_a_reader_that_goes_away_ends_the_run(terminal: Terminal, url: str) -> None:
    """`tidal run | head -1`: an endless load without anybody to see it would be an accident."""
    (terminal.home / "locustfile.py").write_text(ENDLESS, encoding="utf8")
    console = terminal.start("run", "-u", "1", "-H", url, "--processes", "1", "-s", "1", "--allow-suspect")
    assert console.stdout is not None
    console.stdout.readline()
    console.stdout.close()
    assert console.wait(100) in DONE
    until(lambda: not processes_of(terminal.home), within_s=30, what="every process of the run is gone")


@pytest.mark.parametrize(
    ("text", "words", "code", "says"),
    [
        ("def x(:\n", [], 11, "locustfile.py"),
        ("import nowhere_to_be_found\n", [], 12, "nowhere_to_be_found"),
        ("x = 1\n", [], 13, "no class of HttpUser or User"),
        (ENDLESS, [], 15, "V has no host"),
        (ENDLESS, ["-H", "http://h", "W"], 14, "'W'"),
    ],
)
def test_a_file_that_will_not_do_is_named_with_its_exit_code(
    text: str, words: list[str], code: int, says: str, terminal: Terminal
) -> None:
    """Before a run is opened; one message, and nothing is left running."""
    (terminal.home / "locustfile.py").write_text(text, encoding="utf8")
    returned, out, err = terminal.type("run", *words)
    assert (returned, out) == (code, ""), err
    assert err.startswith("tidal: ")
    assert says in err
    until(lambda: not processes_of(terminal.home), within_s=30, what="nothing is left")


def test_a_redis_that_is_not_there_is_named_without_its_password(terminal: Terminal) -> None:
    """Exit code 20; the password is in no message."""
    (terminal.home / "locustfile.py").write_text(ENDLESS, encoding="utf8")
    code, _, err = terminal.type("run", "-H", "http://h", "--redis", "redis://me:s3cret@127.0.0.1:1/0")
    assert code == 20, err
    assert "s3cret" not in err
