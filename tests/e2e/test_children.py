"""Children with lifelines, with real processes."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from deadline import alive, until

from tidal.crew import SILENT_MS, Crew, Silent
from tidal.model.events import RunOptions
from tidal.model.pipe import Load
from tidal.process import Child
from tidal.whereabouts import ANSWER_MS, ELSEWHERE, NO_ANSWER, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

ECHO = """
import os, sys
out = int(os.environ["TIDAL_ANSWER_FD"])
print("to the log", flush=True)
while data := os.read(0, 65536):
    while data:
        data = data[os.write(out, data):]
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Start children from code; none outlives its test."""
    children: list[Child] = []

    def starter(code: str, **options: object) -> Child:
        children.append(Child([sys.executable, "-c", code], tmp_path / "logs" / "child.log", **options))  # type: ignore[arg-type]
        return children[-1]

    yield starter
    for child in children:
        child.kill()
        child.stop(5)


def answers(child: Child, size: int) -> bytes:
    """What the child answers, until it is `size` bytes long or the answers end."""
    data = bytearray()

    def is_all() -> bool:
        child.flush()
        select.select([child.answers_fd], [], [], 0.05)
        data.extend(child.receive())
        return len(data) >= size or child.ended

    until(is_all, what=f"{size} bytes from {child}")
    return bytes(data)


def test_orders_and_answers(start: Callable[[str], Child], tmp_path: Path) -> None:
    """What is sent comes back on the answers' pipe; prints go to a log that only its owner reads."""
    child = start(ECHO)
    assert child.send(b"one")
    assert answers(child, 3) == b"one"
    assert child.stop(60) == 0
    log = tmp_path / "logs" / "child.log"
    assert log.read_text() == "to the log\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_a_child_that_does_not_read_never_blocks_its_parent(start: Callable[[str], Child]) -> None:
    """Orders beyond what a pipe holds wait in the parent, and nothing of them is lost."""
    child = start("input('x')\n" + ECHO)
    flood = os.urandom(1 << 20)
    assert child.send(flood)
    assert child.unsent > 0
    child.kill()
    child = start(ECHO)
    child.send(flood)
    assert answers(child, len(flood)) == flood
    assert child.unsent == 0


def test_the_lifeline_ends_the_child(start: Callable[[str], Child]) -> None:
    """Closing stdin is end of file for the child."""
    child = start(ECHO)
    child.close_stdin()
    assert child.wait(60) == 0
    assert not child.send(b"late")
    assert answers(child, 1) == b""
    assert child.ended


def test_answers_on_stdout(start: Callable[[str], Child]) -> None:
    """A child that answers on its stdout needs no descriptor in its environment."""
    child = start("import os; print('TIDAL_ANSWER_FD' in os.environ)", answers_on_stdout=True)  # type: ignore[call-arg]
    assert answers(child, 6) == b"False\n"


def test_the_redis_url_is_not_inherited(start: Callable[[str], Child]) -> None:
    """A generator runs user code: it gets the URL only when it is handed over."""
    show = "import os; os.write(int(os.environ['TIDAL_ANSWER_FD']), str(os.environ.get('TIDAL_REDIS_URL')).encode())"
    before = os.environ.get("TIDAL_REDIS_URL")
    os.environ["TIDAL_REDIS_URL"] = "redis://secret"
    try:
        assert answers(start(show), 99) == b"None"
        assert answers(start(show, env={"TIDAL_REDIS_URL": "redis://other"}), 99) == b"redis://other"  # type: ignore[call-arg]
    finally:
        if before is None:
            del os.environ["TIDAL_REDIS_URL"]
        else:
            os.environ["TIDAL_REDIS_URL"] = before


def test_a_child_that_ignores_its_lifeline_is_killed(start: Callable[[str], Child]) -> None:
    """`stop` leaves nothing behind."""
    assert start("import time; time.sleep(600)").stop(0.1) == -9


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_die_with_parent(start: Callable[[str], Child]) -> None:
    """A grandchild that never reads its stdin dies with the child that is killed."""
    grandchild = (
        "import os, time; from tidal.process import die_with_parent; die_with_parent(); "
        "print('up', flush=True); time.sleep(600)"
    )
    child = start(
        "import os, sys, time\nfrom tidal.process import Child\n"
        f"c = Child([sys.executable, '-c', {grandchild!r}], None, answers_on_stdout=True)\n"
        "os.set_blocking(c.answers_fd, True)\nc.receive()\n"
        "os.write(int(os.environ['TIDAL_ANSWER_FD']), b'%08d' % c.pid)\ntime.sleep(600)"
    )
    pid = int(answers(child, 8))
    child.kill()
    until(lambda: not alive(pid), what="the grandchild is gone")


# ------------------------------------------------------------------ where one is that says nothing

BUSY = """
def forever():
    os.write(out, b"!"); any(iter(int, 1))

def waits():
    threading.Event().wait(os.write(out, b"!") and None)
"""


@pytest.fixture
def ask(start: Callable[[str], Child], tmp_path: Path) -> Callable[..., Question]:
    """Ask a child in the middle of something where it is, at moment 0."""

    def asked(call: str, root: Path, *, is_stopped: bool = False) -> Question:
        (tmp_path / "busy.py").write_text("import os, threading\nout = int(os.environ['TIDAL_ANSWER_FD'])\n" + BUSY)
        child = start(f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from tidal.whereabouts import answer_questions; answer_questions()
import busy; {call}""")
        assert answers(child, 1) == b"!"
        if is_stopped:
            os.kill(child.pid, signal.SIGSTOP)
        return Question(child.pid, root, tmp_path / "logs" / "child.log", 0)

    return asked


@pytest.mark.parametrize(
    ("call", "line"), [("forever()", "is held at busy.py:5 in forever"), ("waits()", "is held at busy.py:8 in waits")]
)
def test_a_busy_or_blocked_child_says_where_it_is(
    ask: Callable[..., Question], tmp_path: Path, call: str, line: str
) -> None:
    """The innermost line of the test's own files, also while a library waits below it."""
    question = ask(f"busy.{call}", tmp_path)
    assert until(lambda: question.answer(0), what="an answer") == line


def test_a_child_elsewhere_or_stopped_says_no_line(ask: Callable[..., Question], tmp_path: Path) -> None:
    """Nothing is guessed, and not before an answer had its time."""
    question, log = ask("busy.forever()", tmp_path / "other"), tmp_path / "logs" / "child.log"
    until(lambda: "(most recent call first)" in log.read_text(), what="a stack")
    assert (question.answer(ANSWER_MS - 1), question.answer(ANSWER_MS)) == (None, ELSEWHERE)
    question = ask("busy.forever()", tmp_path, is_stopped=True)
    assert (question.answer(ANSWER_MS - 1), question.answer(ANSWER_MS)) == (None, NO_ANSWER)


def test_a_child_that_is_not_ready_survives_the_question(start: Callable[[str], Child], tmp_path: Path) -> None:
    """Without a handler the signal means nothing."""
    child = start(ECHO)
    question = Question(child.pid, tmp_path, tmp_path / "logs" / "child.log", 0)
    assert question.answer(500) == NO_ANSWER
    assert child.send(b"one")
    assert answers(child, 3) == b"one"


HELD = """
import os, gevent
from tidal import User, events, task

def hold():
    while not os.path.exists("hold"):
        gevent.sleep(0.01)
    open("held", "w"); any(iter(int, 1))


@events.init.add_listener
def begin(**_):
    gevent.spawn(hold)


class Visitor(User):
    @task
    def nothing(self):
        pass
"""


def test_a_crew_finds_the_line_that_holds_a_generator(tmp_path: Path) -> None:
    """Once in a silence, for the log; and for heartbeats as long as it lasts."""
    (tmp_path / "held.py").write_text(HELD)
    crew = Crew(Load(str(tmp_path), "held.py", RunOptions()), 1, tmp_path / "generators.log")
    found: list[Silent] = []

    def turn(now_ms: int) -> None:
        crew.start_missing(now_ms, 0, 0)
        found.extend(news for news in crew.turn(now_ms) if isinstance(news, Silent))

    try:
        until(lambda: turn(0) or crew.is_ready, 30, "a generator")
        (tmp_path / "hold").touch()
        until((tmp_path / "held").exists, 30, "a generator that says nothing")
        turn(0)  # hear what it had said before
        until(lambda: turn(SILENT_MS) or found, what="an answer")
        turn(SILENT_MS)
        assert [(silent.number, silent.found) for silent in found] == [(0, "is held at held.py:8 in hold")]
        assert crew.silence == "generator 0 is held at held.py:8 in hold"
    finally:
        crew.stop()
