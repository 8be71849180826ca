"""`tidal check` as a user types it: a locustfile, a real shop, no Redis."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from deadline import processes_of, until

from tidal.target.child import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = """
import sys
from locust import HttpUser, FastHttpUser, SequentialTaskSet, TaskSet, User, between, events, tag, task, transition
from locust import MarkovTaskSet
from locust.exception import StopUser

calls = []


@events.init_command_line_parser.add_listener
def arguments(parser):
    parser.add_argument("--who", default="ann")
    parser.add_argument("--key", default="", is_secret=True)


@events.test_start.add_listener
def begin(environment, **_):
    print("start for", environment.parsed_options.who)


class Steps(SequentialTaskSet):
    @task(2)
    def twice(self):
        calls.append("twice")

    @task
    def leave(self):
        self.interrupt()

    @task
    def never(self):
        raise AssertionError


class Chain(MarkovTaskSet):
    def on_start(self):
        self.client.get("/products/1", name="/products/N")

    @transition("two")
    def one(self):
        calls.append("one")

    @transition("one")
    def two(self):
        calls.append("two")


class Browser(HttpUser):
    wait_time = between(100, 200)
    tasks = [Steps, Chain]

    def on_start(self):
        self.client.post("/cart", json={"password": "hunter2", "n": 1}, headers={"X-Api-Key": "sesame"})

    @tag("smoke")
    @task(5)
    def look(self):
        self.client.get("/error")
        with self.client.get("/products?token=sesame", catch_response=True) as response:
            response.failure("not what was wanted")

    @task
    def wrong(self):
        self.deeper({})

    def deeper(self, found):
        return found["id"]

    def on_stop(self):
        print("calls", calls)


class Fast(FastHttpUser):
    wait_time = between(100, 200)

    @task
    def page(self):
        self.client.get("/products/2", headers={"Cookie": "sid=sesame"})
        raise StopUser


class Own(User):
    def run(self):
        print("own life")
        sys.stdout.buffer.write(b"in bytes \\xff\\n")
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME of its own; afterwards no process may have it."""
    (tmp_path / "locustfile.py").write_text(FILE, encoding="utf-8")
    yield tmp_path
    if sys.platform == "linux":
        until(lambda: not processes_of(tmp_path), 15, "no process is left behind")


def check(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tidal check` in the folder."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TIDAL_", "LOCUST_"))}
    return subprocess.run(
        [sys.executable, "-m", "tidal", "check", *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=150,
        cwd=home,
        env={**clean, "TIDAL_HOME": str(home)},
        stdin=subprocess.DEVNULL,
    )


def names(document: dict[str, Any], kind: str) -> list[str]:
    """What a document tells of one kind, in order."""
    return [step["name"] for step in document["steps"] if step["what"] == "step" and step["kind"] == kind]


def test_each_task_is_done_once_and_each_request_told(home: Path) -> None:
    """A set is entered, a sequence left where it says so, a chain walked; the file's prints stand in their place."""
    with shop() as url:
        done = check(home, "-H", url, "--who", "bob", "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    tried = [step for step in document["steps"] if step["what"] == "tried"]
    assert [(step["method"], step["name"], step["status"]) for step in tried] == [
        ("POST", "/cart", 201),
        ("GET", "/products/N", 200),
        ("GET", "/error", 500),
        ("GET", "/products?token=[redacted]", 200),
        ("GET", "/products/2", 200),
    ]
    assert names(document, "task") == ["twice", "twice", "leave", "one", "two", "look", "wrong", "page", "run"]
    assert names(document, "skipped") == ["never"]
    assert names(document, "set") == ["Steps", "Chain"]
    printed = [step["text"] for step in document["steps"] if step["what"] == "printed"]
    assert printed == ["start for bob", "calls ['twice', 'twice', 'one', 'two']", "own life", "in bytes \ufffd"]
    raised = next(step for step in document["steps"] if step["what"] == "raised")
    assert (raised["where"], raised["message"]) == ("wrong", "KeyError: 'id'")
    assert [place.split("\n")[1] for place in raised["places"]] == ["self.deeper({})", 'return found["id"]']
    assert (document["requests"], document["failed"], document["exceptions"]) == (5, 2, 1)
    assert "✖ GET    /error" in done.stderr
    assert "not what was wanted" in done.stderr


def test_a_trace_shows_both_sides_of_a_request_without_secrets(home: Path) -> None:
    """Of both clients."""
    with shop() as url:
        done = check(home, "-H", url, "--trace", "Browser", "Fast", "--redact", "Content-Length")
    assert done.returncode == 1, done.stderr
    for line in (
        "> X-Api-Key: [redacted]",
        '> {"password": "[redacted]", "n": 1}',
        "< 201",
        "> Cookie: sid=[redacted]",
        '< {"id": 2, "name": "Tide table 2", "price": 79}',
        "< Content-Length: [redacted]",
    ):
        assert line in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert "sesame" not in done.stdout + done.stderr


CHECKING = """
import tidal
from tidal import HttpUser, task

tidal.redact("name")

class A(HttpUser):
    @task
    def t(self):
        answer = self.client.get("/products/7")
        with self.transaction("looks"):
            self.check("has an id", lambda: answer.json()["id"] == 7)
            self.check("is cheap", lambda: answer.json()["cost"] < 1)
        self.metrics.trend("price").add(answer.json()["price"])
"""


def test_checks_are_told_and_the_files_own_secrets_stay_its_own(home: Path) -> None:
    """A check that does not hold fails nothing; what the file says is secret is not shown."""
    (home / "file.py").write_text(CHECKING, encoding="utf-8")
    with shop() as url:
        done = check(home, "file.py", "-H", url, "--trace")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "✔ check has an id" in lines
    assert "✖ check is cheap" in lines
    assert any(line.startswith("✔ transaction looks: 0 requests, ") for line in lines)
    assert lines[-1] == "1 request, 0 failed; 1 of 2 checks did not hold"
    assert any(line.startswith('< {"id": 7, "name": "[redacted]"') for line in lines)


def test_a_list_sends_nothing_and_needs_no_host(home: Path) -> None:
    """Classes, tasks with their shares and tags, arguments."""
    done = check(home, "--list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith("Browser HttpUser, weight 1, no host")
    assert any(line.startswith("62% look #smoke locustfile.py:") for line in lines)
    assert any(line.startswith("Steps (in order)") or "Steps (in order)" in line for line in lines)
    assert 'argument --who = "ann"' in lines
    assert "start for" not in done.stdout


def test_only_what_is_chosen_is_tried(home: Path) -> None:
    """By class and by tag."""
    with shop() as url:
        done = check(home, "locustfile.py", "Browser", "-T", "smoke", "-H", url, "--json")
    document = json.loads(done.stdout)
    assert names(document, "user") == ["Browser"]
    assert names(document, "task") == ["one", "two", "look"]  # tags cannot cut a chain


def test_without_a_host_nothing_is_tried(home: Path) -> None:
    """Which classes lack it is said."""
    done = check(home)
    assert done.returncode == 15
    assert done.stderr.startswith("tidal: Browser, Fast has no host: set `host` in the class or give --host")


HANGING = """
import time
from locust import User, task

class A(User):
    @task
    def t(self):
        %s
"""


@pytest.mark.parametrize(
    ("code", "within", "says"),
    [
        ("time.sleep(60)", "3s", "A had not come back from t after 3 s: file.py:8 in t"),
        ("while True: pass", "1s", "busy or blocked"),
    ],
)
def test_what_does_not_come_back_is_ended_and_named(home: Path, code: str, within: str, says: str) -> None:
    """With the line where it stands, as long as the process is not too busy to tell."""
    (home / "file.py").write_text(HANGING % code, encoding="utf-8")
    done = check(home, "file.py", "--within", within)
    assert done.returncode == 1
    assert says in done.stdout


def test_an_import_without_an_end_is_ended_and_named(home: Path) -> None:
    """It has the time that `--within` gives, and some for Python to start; not a minute."""
    (home / "file.py").write_text("x = 1\nwhile x:\n    x += 1\n", encoding="utf-8")
    done = check(home, "file.py", "--within", "1s")
    assert done.returncode == 12
    assert re.search(r"took more than 11 s: it was at file\.py:[23]$", done.stderr.strip())


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("from tidal import HttpUser\nclass A(HttpUser):\n    x = [\n", 11, "file.py:3: '[' was never closed"),
        ("import request\n", 12, "file.py:1: ModuleNotFoundError: No module named 'request': did you mean requests?"),
        ("x = 1\n", 13, "file.py: no class of HttpUser or User"),
    ],
)
def test_a_wrong_file_is_explained_with_its_place(home: Path, text: str, code: int, says: str) -> None:
    """In one line, with what to do where that is known."""
    (home / "file.py").write_text(text, encoding="utf-8")
    done = check(home, "-f", "file.py")
    assert done.returncode == code
    assert done.stderr.startswith(f"tidal: {says}")
    assert "Traceback" not in done.stderr


def test_a_wrong_rule_is_refused_before_anything_is_sent(home: Path) -> None:
    """With the rule in its words."""
    done = check(home, "--redact", "/(/")
    assert done.returncode == 2
    assert "--redact: '(' is no regular expression" in done.stderr


def test_a_file_that_ends_its_process_is_told_of(home: Path) -> None:
    """Its exit code and its last words."""
    text = (
        "import os\nfrom tidal import User, task\n\nclass A(User):\n    @task\n    def t(self):\n        os._exit(3)\n"
    )
    (home / "file.py").write_text(text, encoding="utf-8")
    done = check(home, "file.py")
    assert done.returncode == 1
    assert "the file's process ended by itself (exit code 3)" in done.stdout
