"""Children with lifelines, with real processes."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from deadline import until

from tidal.crew import Crew, Silent
from tidal.model.events import RunOptions
from tidal.model.pipe import Load
from tidal.process import Child
from tidal.whereabouts import ELSEWHERE, NO_ANSWER, Question

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


def answers(child: Child, size: int, within_s: float = 10) -> bytes:
    """What the child answers, until it is `size` bytes long or the answers end."""
    data, end = b"", time.monotonic() + within_s
    while len(data) < size and not child.ended:
        assert time.monotonic() < end, f"{len(data)} of {size} bytes from {child}"
        child.flush()
        select.select([child.answers_fd], [], [], 0.05)
        data += child.receive()
    return data


def test_orders_and_answers(start: Callable[[str], Child], tmp_path: Path) -> None:
    """What is sent comes back on the answers' pipe; prints go to a log that only its owner reads."""
    child = start(ECHO)
    assert child.send(b"one")
    assert answers(child, 3) == b"one"
    assert child.stop(5) == 0
    log = tmp_path / "logs" / "child.log"
    assert log.read_text() == "to the log\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_a_child_that_does_not_read_never_blocks_its_parent(start: Callable[[str], Child]) -> None:
    """Orders beyond what a pipe holds wait in the parent, and nothing of them is lost."""
    child = start("input('x')\n" + ECHO)
    flood = os.urandom(1 << 20)
    began = time.monotonic()
    assert child.send(flood)
    assert time.monotonic() - began < 5
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
    assert child.wait(5) == 0
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
    end = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ------------------------------------------------------------------ where one is that says nothing

BUSY = """
def forever():
    os.write(out, b"!"); any(iter(int, 1))

def waits():
    threading.Event().wait(os.write(out, b"!") and None)
"""


@pytest.fixture
def ask(start: Callable[[str], Child], tmp_path: Path) -> Callable[..., str]:
    """Have a child in the middle of something say where it is."""

    def asked(call: str, root: Path, *, is_stopped: bool = False) -> str:
        (tmp_path / "busy.py").write_text("import os, threading\nout = int(os.environ['TIDAL_ANSWER_FD'])\n" + BUSY)
        child = start(f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from tidal.whereabouts import answer_questions; answer_questions()
import busy; {call}""")
        assert answers(child, 1) == b"!"
        if is_stopped:
            os.kill(child.pid, signal.SIGSTOP)
        question = Question(child.pid, root, tmp_path / "logs" / "child.log", round(time.monotonic() * 1000))
        return until(lambda: question.answer(round(time.monotonic() * 1000)), what="an answer")

    return asked


@pytest.mark.parametrize(
    ("call", "line"), [("forever()", "is held at busy.py:5 in forever"), ("waits()", "is held at busy.py:8 in waits")]
)
def test_a_busy_or_blocked_child_says_where_it_is(
    ask: Callable[..., str], tmp_path: Path, call: str, line: str
) -> None:
    """The innermost line of the test's own files, also while a library waits below it."""
    assert ask(f"busy.{call}", tmp_path) == line


def test_a_child_elsewhere_or_stopped_says_no_line(ask: Callable[..., str], tmp_path: Path) -> None:
    """Nothing is guessed."""
    assert ask("busy.forever()", tmp_path / "other") == ELSEWHERE
    assert ask("busy.forever()", tmp_path, is_stopped=True) == NO_ANSWER


def test_a_child_that_is_not_ready_survives_the_question(start: Callable[[str], Child], tmp_path: Path) -> None:
    """Without a handler the signal means nothing."""
    child = start(ECHO)
    question = Question(child.pid, tmp_path, tmp_path / "logs" / "child.log", 0)
    assert question.answer(500) == NO_ANSWER
    assert child.send(b"one")
    assert answers(child, 3) == b"one"


HELD = """
import gevent
from tidal import User, events, task


def hold(**_):
    any(iter(int, 1))


@events.init.add_listener
def begin(**_):
    gevent.spawn_later(0.2, hold)


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

    def turn() -> bool:
        now_ms = round(time.monotonic() * 1000)
        crew.start_missing(now_ms, 0, 0)
        found.extend(news for news in crew.turn(now_ms) if isinstance(news, Silent))
        return bool(found)

    try:
        until(turn, 30, "a generator that says nothing")
        turn()
        assert [(silent.number, silent.found) for silent in found] == [(0, "is held at held.py:7 in hold")]
        assert crew.silence == "generator 0 is held at held.py:7 in hold"
    finally:
        crew.stop()
