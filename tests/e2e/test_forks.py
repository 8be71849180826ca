"""Children that are forks: of the nursery, and of a parent that has imported what they need."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from ast import literal_eval
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from deadline import alive, until
from test_children import answers, start  # noqa: F401 - a fixture

from tidal.launch import nursery
from tidal.model.codec import PipeReader, pack_message
from tidal.model.events import RunOptions
from tidal.model.pipe import Load, Loaded
from tidal.nursery import FAST, HTTP, NURSERY_FD, Bred
from tidal.process import Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")]

HOST = python_argv("tidal.generator", "--hooks")


@contextmanager
def asking(folder: Path, named: tuple[str, ...] = ()) -> Iterator[None]:
    """A block in which children come from a nursery."""
    with nursery(folder / "nursery.log", named) as line:
        os.environ.update(line.env)
        try:
            yield
        finally:
            os.environ.pop(NURSERY_FD, None)
            line.let_go()


def bred(folder: Path) -> Child:
    """A hook host of the nursery's."""
    child = Child(HOST, folder / "child.log", cwd=folder)
    assert isinstance(child._process, Bred)
    return child


def command_of(child: Child) -> list[str]:
    """What `ps` shows of it; nothing once it is gone."""
    with open(f"/proc/{child.pid}/cmdline", "rb") as shown:  # noqa: PTH123
        return shown.read().rstrip(b"\0").decode().split("\0")


def nursery_of(child: Child) -> int:
    """The pid of the nursery that a child comes from."""
    with open(f"/proc/{child.pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
        return int(stat.read().rpartition(")")[2].split()[1])


def test_a_child_of_the_nursery_is_what_it_was_asked_to_be(tmp_path: Path) -> None:
    """It answers, it is called so, nothing leads back, its limits are a worker's; it ends with its lifeline."""
    (tmp_path / "locustfile.py").write_text("from tidal import User\nclass A(User): pass\n")
    with asking(tmp_path):
        child = bred(tmp_path)
        child.send(pack_message(Load(str(tmp_path), "locustfile.py", RunOptions(), side="master")))  # it stays
        reader = PipeReader()
        (answer,) = until(lambda: reader.feed(child.receive()), 30, "an answer")
        assert isinstance(answer, Loaded)
        assert [c.name for c in answer.classes] == ["A"]
        until(lambda: command_of(child) == HOST, what="the system shows what it is")
        assert os.getsid(child.pid) == child.pid
        sockets = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")]  # noqa: PTH115, PTH208
        assert not [name for name in sockets if name.startswith("socket:")]
        assert child.poll() is None
        assert child.stop(60) == 0


def test_a_child_whose_parent_lets_go_of_it_is_killed(tmp_path: Path) -> None:
    """As the kernel does for a child of the plain kind: here nobody reads its status any more."""
    with asking(tmp_path):
        child = bred(tmp_path)
        os.kill(child.pid, signal.SIGSTOP)  # deaf to its lifeline
        os.close(child._process._status_fd)  # type: ignore[union-attr]
        until(lambda: not alive(child.pid), what="the child is gone")


def test_killed_children_say_so_and_the_end_of_the_nursery_is_theirs(tmp_path: Path) -> None:
    """Then children are started in the plain way, and nobody asks again."""
    with asking(tmp_path):
        child, other = bred(tmp_path), bred(tmp_path)
        child.kill()
        assert child.stop(60) == -signal.SIGKILL
        os.kill(nursery_of(other), signal.SIGKILL)
        assert other.wait(60) == -signal.SIGKILL
        until(lambda: not alive(other.pid), what="its child is gone, too")
        plain = Child(HOST, tmp_path / "plain.log")
        assert not isinstance(plain._process, Bred)
        assert NURSERY_FD not in os.environ
        assert plain.stop(60) == 0


def test_the_end_of_a_child_is_seen_though_its_nursery_stands_still(tmp_path: Path) -> None:
    """Nobody knows the exit code then, and nobody waits for ever."""
    with asking(tmp_path):
        child = bred(tmp_path)
        pid = nursery_of(child)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert child.poll() is None
            assert child.wait(0.1) is None
            assert child.stop(0) == -signal.SIGKILL
        finally:
            os.kill(pid, signal.SIGCONT)
    until(lambda: not alive(pid), what="the nursery is gone")


def test_the_nursery_ends_when_nobody_can_ask_any_more(tmp_path: Path) -> None:
    """And when the last of its children has ended, not before."""
    with asking(tmp_path):
        child = bred(tmp_path)
        pid = nursery_of(child)
    assert alive(pid)
    assert child.poll() is None
    child.stop(10)
    until(lambda: not alive(pid), what="the nursery is gone")


def test_a_fork_is_a_process_of_its_own(start: Callable[[str], Child]) -> None:  # noqa: F811
    """Its streams, its name and its exit code are; descriptors and signal handlers of its parent are not."""
    parent = start(
        "import os, signal, sys\nfrom tidal.forks import Forked\nfrom tidal.process import Child\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\nleak = os.open('/dev/null', os.O_RDONLY)\n"
        "def entry():\n"
        "    word = sys.stdin.readline().strip()\n"
        "    is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "    name = open('/proc/self/cmdline').read().split('\\0')[0]\n"
        "    print(word, is_default, os.path.exists(f'/proc/self/fd/{leak}'), name, os.getsid(0) == os.getpid())\n"
        "    sys.exit(7)\n"
        "child = Child(['x'], None, answers_on_stdout=True, entry=entry)\nassert isinstance(child._process, Forked)\n"
        "child.send(b'hello\\n')\ncode = child.wait(20)\n"
        "os.write(int(os.environ['TIDAL_ANSWER_FD']), child.receive() + b'%d\\n' % code)\n"
    )
    assert answers(parent, 1 << 10) == b"hello True False x True\n7\n"


FORKED = """
import json, os, select, sys
from pathlib import Path
from tidal.forks import Forked
from tidal.launch import nursery
from tidal.model.codec import PipeReader, pack_message
from tidal.model.events import RunOptions
from tidal.model.pipe import Load
from tidal.process import Child, python_argv

folder = Path(sys.argv[1])
with nursery(folder / "nursery.log", forks=True) as line:
    assert isinstance(line._child._process, Forked)
    os.environ.update(line.env)
    child = Child(python_argv("tidal.generator", "--hooks"), folder / "child.log", cwd=folder)
    child.send(pack_message(Load(str(folder), "locustfile.py", RunOptions(), side="inspect")))
    reader, answers = PipeReader(), []
    while not answers and not child.ended:
        select.select([child.answers_fd], [], [], 1)
        answers += reader.feed(child.receive())
    print([c.name for c in answers[0].classes], child.stop(10))
    line.let_go()
"""
LOOKS = """
import atexit, json, sys
from pathlib import Path
import gevent.monkey
from tidal import User

main = sys.modules["__main__"].__spec__.name

def tell():
    named = ("socket", "ssl", "threading", "time", "subprocess", "queue")
    Path("seen.json").write_text(json.dumps({
        "patched": [name for name in named if gevent.monkey.is_module_patched(name)],
        "main": main,
        "words": sys.argv[1:],
        "redis": "redis" in sys.modules,
        "path": [entry for entry in sys.path if not entry or entry == "PARENTS"],
    }))

atexit.register(tell)
class A(User): pass
"""


def test_a_nursery_that_is_a_fork_breeds_what_a_program_of_its_own_would(tmp_path: Path) -> None:
    """The library is patched, its parent's arguments and folder are gone, and what is to be done at the end is done."""
    parent = tmp_path / "bin" / "parent.py"
    parent.parent.mkdir()
    parent.write_text(FORKED)
    (tmp_path / "locustfile.py").write_text(LOOKS.replace("PARENTS", str(parent.parent)))
    argv = [sys.executable, str(parent), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['A'] 0\n", done.stderr + (tmp_path / "nursery.log").read_text()
    assert "Warning" not in (tmp_path / "nursery.log").read_text()
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "patched": ["socket", "ssl", "threading", "time", "subprocess", "queue"],
        "main": "tidal.generator.__main__",
        "words": ["--hooks"],
        "redis": False,
        "path": [],
    }


READY = """
import json, sys
from pathlib import Path
from tidal import User
asked = ("requests", "tidal.generator.fasthttp", "tidal.generator.fast_cookies")
Path("seen.part").write_text(json.dumps([name for name in asked if name in sys.modules]))
Path("seen.part").rename("seen.json")  # whoever waits for the file finds it whole
class A(User): pass
"""


def seen_by_a_child(folder: Path) -> list[str]:
    """What a child of the nursery has when it imports the file."""
    seen = folder / "seen.json"
    child = bred(folder)
    child.send(pack_message(Load(str(folder), "locustfile.py", RunOptions(), side="inspect")))
    until(seen.exists, what="the file is imported")
    assert child.stop(60) == 0
    found: list[str] = json.loads(seen.read_text())
    seen.unlink()
    return found


@pytest.mark.parametrize(
    ("named", "first", "then"),
    [
        ((), [], []),
        ((HTTP,), ["requests"], ["requests"]),
        ((FAST,), ["tidal.generator.fasthttp"], ["tidal.generator.fasthttp", "tidal.generator.fast_cookies"]),
    ],
)
def test_a_nursery_has_imported_what_the_file_names_and_nothing_else(
    tmp_path: Path, named: tuple[str, ...], first: list[str], then: list[str]
) -> None:
    """Requests alone is a third of a start; what an inspection does not need comes after it, and before any user."""
    (tmp_path / "locustfile.py").write_text(READY)
    with asking(tmp_path, named):
        assert seen_by_a_child(tmp_path) == first
        assert seen_by_a_child(tmp_path) == then


ADOPTED = """
import os, signal, sys, time
from tidal.embedded import begin_server, start_server
from tidal.process import Child

server = begin_server(None, 1.0)

def entry():
    server.adopt()
    ours = start_server(begun=server, grace_s=1.0)
    first = ours.server_pid
    os.kill(ours.guard.pid, signal.SIGKILL)
    end_s = time.monotonic() + 30
    while not ours.watch() and time.monotonic() < end_s:
        time.sleep(0.01)
    print(ours is server, ours.server_pid not in (None, first), flush=True)
    ours.stop()
    print(ours.folder.exists())
    return 0

child = Child(["x"], None, answers_on_stdout=True, keep_fds=server.lend(), entry=entry)
assert child.is_fork
server.let_go()
code = child.wait(60)
os.write(int(os.environ["TIDAL_ANSWER_FD"]), child.receive() + b"%d\\n" % code)
"""


def test_a_server_that_a_parent_has_begun_is_its_forks(start: Callable[[str], Child]) -> None:  # noqa: F811
    """The fork waits for it, replaces its guard when that dies, and removes its folder at the end."""
    parent = start(ADOPTED)
    assert answers(parent, 1 << 10) == b"True True\nFalse\n0\n"


THREADED = """
import os, threading
from contextlib import suppress
from pathlib import Path
from tidal.launch import LaunchSpec, launch

ended = threading.Event()

def prepare():
    threading.Thread(target=ended.wait, daemon=True).start()

def supervise(arguments, begun):
    raise AssertionError("not as a fork")

launched = launch(LaunchSpec(os.path.abspath("locustfile.py")), prepare=prepare, supervise=supervise)
inherited = []
for path in Path(f"/proc/{launched.supervisor_pid}/fd").iterdir():
    with suppress(FileNotFoundError):  # it goes on, and closes what it has opened
        inherited.append(os.readlink(path))
stale = [name for name in inherited if ".lock" in name and "(deleted)" in name]
os.write(int(os.environ["TIDAL_ANSWER_FD"]), repr((launched.supervisor_pid, stale)).encode())
ended.set()
"""


def test_a_supervisor_that_is_no_fork_inherits_nothing_of_a_server_that_it_cannot_adopt(
    tmp_path: Path,
    start: Callable[..., Child],  # noqa: F811
) -> None:
    """A thread came while the server was begun: that server goes, with its folder and its lock."""
    (tmp_path / "locustfile.py").write_text("from tidal import User\nclass A(User): pass\n")
    parent = start(THREADED, cwd=tmp_path)
    pid, stale = literal_eval(answers(parent, 1 << 20).decode())
    os.kill(pid, signal.SIGTERM)
    assert stale == []
    until(lambda: not alive(pid), within_s=60, what="the supervisor is gone")
