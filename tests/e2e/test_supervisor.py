"""The supervisor with real processes: what dies comes back, what must end ends, nothing is left behind.

The server is real; master and worker are stand-ins where a test needs them to die or hang on demand.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
from deadline import PATIENCE, alive, all_gone, processes_of, until
from stage import folded

from tidal import paths
from tidal.bus import Bus
from tidal.deputy import WORD
from tidal.errors import FileSyntaxError, NoHost, PortTaken, RunLapsed, UnknownUserClass
from tidal.keys import RunKeys
from tidal.launch import LaunchSpec, launch
from tidal.model.events import RunOptions, WantStop
from tidal.model.wire import to_wire
from tidal.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

STAND_IN = '''
"""A master or worker that does nothing but live, answer and leave a trace in the server."""
import json, os, pathlib, redis, select, signal, sys
from tidal.process import tell_end
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
spec = json.loads(sys.stdin.buffer.raw.readline())
def leave(why, code=0):
    redis.Redis.from_url(spec["redis_url"], protocol=2).xadd("trace", {name: why})
    (folder / f"{name}.left").write_text(why)
    sys.exit(tell_end(code))
if (folder / f"{name}.hangs").exists():
    signal.signal(signal.SIGTERM, lambda *_: (folder / f"{name}.hung").touch())
else:
    signal.signal(signal.SIGTERM, lambda *_: leave("told"))
with (folder / f"{name}.lives").open("a") as lives:  # who reads of a life finds one that heeds signals
    lives.write(json.dumps([os.getpid(), spec.get("run", "")]) + "\\n")
if (folder / f"{name}.refuses").exists():
    print(json.dumps({"error": "NoHost", "message": "no host"}), flush=True)
    sys.exit(15)
if (folder / f"{name}.fenced").exists():
    sys.exit(44)
if (folder / f"{name}.crashes").exists():
    os._exit(9)
if name == "master":
    print(json.dumps({"run": spec["run"] or "r1"}), flush=True)
while True:
    readable, _, _ = select.select([0], [], [], 0.05)
    if readable:
        said = os.read(0, 4096)
        if not said:
            leave("lifeline")
        with (folder / f"{name}.heard").open("ab") as heard:
            heard.write(said)
    if name == "worker" and (folder / "drained").exists():
        leave("drained", 46)
    if name == "master" and (folder / "closed").exists():
        leave("closed")
'''

DRIVER = """
import sys
from tidal.supervisor import Commands, main
script, folder, logs = sys.argv[1:]
command = [sys.executable, script]
sys.exit(main([logs], Commands([*command, "master", folder], [*command, "worker", folder])))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME of the test's own; when the test is over no process may have it."""
    os.environ["TIDAL_HOME"] = str(tmp_path / "home")
    yield tmp_path / "home"
    try:
        until(lambda: ours() == {}, 15, "no process is left behind")
    finally:
        for pid in ours():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        del os.environ["TIDAL_HOME"]


def ours() -> dict[int, str]:
    """Every process of this test but itself."""
    found = processes_of(os.environ["TIDAL_HOME"])
    return {pid: command for pid, command in found.items() if pid != os.getpid()}


class Stage:
    """A supervisor over a real server and stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "stand_in.py"
        self.script.write_text(STAND_IN)
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}

    def start(self, **spec: Any) -> dict[str, Any]:
        """Start the supervisor; its answer."""
        logs = paths.logs_dir() / "launch-test"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "supervisor.log").open("wb") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(self.script), str(self.folder), str(logs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.supervisor.stdin is not None
        assert self.supervisor.stdout is not None
        options = RunOptions(stop_timeout_ms=1_000)
        self.supervisor.stdin.write(json.dumps(to_wire(LaunchSpec("/f.py", options, **spec))).encode() + b"\n")
        self.supervisor.stdin.close()
        self.ready = json.loads(self.supervisor.stdout.readline())
        self.supervisor.stdout.close()
        return self.ready

    def tell(self, what: str) -> None:
        """Leave a file that the stand-ins heed."""
        (self.folder / what).touch()

    def lives(self, name: str) -> list[tuple[int, str]]:
        """The process and run of each life of a stand-in."""
        file = self.folder / f"{name}.lives"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []

    def pid(self, name: str, life: int = 1) -> int:
        """The process of a stand-in's life, once it has begun."""
        return until(lambda: self.lives(name)[life - 1 : life], what=f"life {life} of the {name}")[0][0]

    def heard(self, name: str) -> str:
        """What came to a stand-in on its lifeline."""
        file = self.folder / f"{name}.heard"
        return file.read_text() if file.exists() else ""

    def deputy(self) -> int:
        """The deputy's process, once there is one."""
        return until(lambda: part_pids(WORD), what="there is a deputy")[0]

    def kill_supervisor(self) -> int:
        """Kill the first supervisor; the process that is the supervisor then."""
        successor = self.deputy()
        assert self.supervisor is not None
        self.supervisor.kill()
        self.supervisor.wait(60)
        until(lambda: looks_after() == successor, what="the deputy is the supervisor")
        return successor

    def left(self, name: str) -> str:
        """Why a stand-in left in order; "" when it did not."""
        file = self.folder / f"{name}.left"
        return file.read_text() if file.exists() else ""

    def wait(self, within_s: float = 15) -> int:
        """The supervisor's exit code."""
        assert self.supervisor is not None
        return self.supervisor.wait(PATIENCE * within_s)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage, cleared when the test is over."""
    made = Stage(tmp_path)
    yield made
    if made.supervisor is not None and made.supervisor.poll() is None:
        made.supervisor.kill()
        made.supervisor.wait(60)


def looks_after(run: str = "r1") -> int:
    """Who looks after the run, by the registry."""
    entry = paths.local_run(run)
    return entry.supervisor_pid if entry is not None and entry.is_alive else 0


def client_of(url: str) -> redis.Redis:
    """A client of the embedded server."""
    return redis.Redis.from_url(url, protocol=2, socket_timeout=10.0)


def server_pids() -> dict[str, int]:
    """Guard and server by name."""
    names = {"guard": "tidal.guard", "server": "valkey-server"}
    return {name: pid for pid, command in ours().items() for name, part in names.items() if part in command}


def test_a_run_from_its_opening_to_its_close(stage: Stage, home: Path) -> None:
    """While it lives the registry says so; after it nothing is left but a note, the archive and the logs.

    Its spec may be more than a pipe holds: thousands of tags, a long list of users.
    """
    ready = stage.start(ship=("/x" * 100_000,))
    assert (ready["run"], ready["pid"]) == ("r1", stage.supervisor.pid)  # type: ignore[union-attr]
    entry = paths.local_run("r1")
    assert entry is not None
    assert entry.is_alive
    assert entry.redis_url == ready["redis_url"]
    stage.pid("worker")
    commands = " ".join(ours().values())
    assert ready["redis_url"] not in commands
    assert ready["redis_url"].split("@")[0].removeprefix("unix://:") not in commands
    stage.tell("closed")
    assert stage.wait() == 0
    note = paths.local_run("r1")
    assert note is not None
    assert (note.ended, note.redis_url, note.is_alive) == ("closed", "", False)
    assert stage.left("worker") == "told"
    assert list((home / "state" / "servers").glob("s-*")) == []
    assert (home / "state" / "logs" / "r1" / "master.log").exists()


def test_a_killed_master_is_succeeded(stage: Stage) -> None:
    """Its successor is told which run to take over; server and worker go on."""
    stage.start()
    worker, first = stage.pid("worker"), stage.pid("master")
    os.kill(first, signal.SIGKILL)
    stage.pid("master", 2)
    assert [run for _, run in stage.lives("master")] == ["", "r1"]
    assert alive(worker)
    stage.tell("closed")
    assert stage.wait() == 0


def test_a_killed_worker_is_replaced(stage: Stage) -> None:
    """The run has workers again."""
    stage.start()
    os.kill(stage.pid("worker"), signal.SIGKILL)
    stage.pid("worker", 2)
    stage.tell("closed")
    assert stage.wait() == 0


def test_a_killed_server_and_a_killed_guard_come_back(stage: Stage) -> None:
    """At the same address, with the same data, under the same master and worker."""
    ready = stage.start()
    children = [stage.pid("master"), stage.pid("worker")]
    for victim in ("server", "guard"):
        with contextlib.closing(client_of(ready["redis_url"])) as client:
            client.xadd("log", {"before": victim})
            until(lambda c=client: not c.info("persistence")["aof_buffer_length"], what="it is written")  # type: ignore[misc]
        before = server_pids()
        os.kill(before[victim], signal.SIGKILL)
        until(all_gone([before["server"]]))
        until(lambda: reachable(ready["redis_url"]), what=f"back after the {victim} was killed")
    with contextlib.closing(client_of(ready["redis_url"])) as client:
        assert client.xlen("log") == 2
    assert all(alive(pid) for pid in children)
    stage.tell("closed")
    assert stage.wait() == 0


def reachable(url: str) -> bool:
    """Whether the server answers."""
    try:
        with contextlib.closing(client_of(url)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def test_sigterm_stops_in_order(stage: Stage) -> None:
    """Master, then worker, then server: each of the first two could still write to it."""
    stage.start()
    stage.pid("worker")
    os.kill(stage.supervisor.pid, signal.SIGTERM)  # type: ignore[union-attr]
    assert stage.wait() == 0
    assert (stage.left("master"), stage.left("worker")) == ("told", "told")
    times = [(stage.folder / f"{name}.left").stat().st_mtime_ns for name in ("master", "worker")]
    assert times == sorted(times)
    note = paths.local_run("r1")
    assert note is not None
    assert note.ended.startswith("stopped")


def test_a_second_sigterm_does_not_wait(stage: Stage) -> None:
    """A child that hangs is killed at once, and nothing is left."""
    stage.tell("master.hangs")
    stage.start()
    stage.pid("worker")
    assert stage.supervisor is not None
    os.kill(stage.supervisor.pid, signal.SIGTERM)
    until((stage.folder / "master.hung").exists, what="the first one was heard, and handed on")
    os.kill(stage.supervisor.pid, signal.SIGTERM)
    assert stage.supervisor.wait(12) == 0  # of the sixteen seconds that it would be given


def test_signals_of_a_terminal_mean_nothing(stage: Stage) -> None:
    """Ctrl-C and hang-up end the terminal, not the run."""
    stage.start()
    pids = [stage.pid("master"), stage.pid("worker")]
    assert stage.supervisor is not None
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(stage.supervisor.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):
        stage.supervisor.wait(0.3)
    assert all(alive(pid) for pid in pids)
    stage.tell("closed")
    assert stage.wait() == 0


def test_a_killed_supervisor_is_succeeded(stage: Stage) -> None:
    """Nobody notices but the story; its deputy restarts what dies, and ends in order with the run."""
    ready = stage.start()
    master, worker, before = stage.pid("master"), stage.pid("worker"), server_pids()
    successor = stage.kill_supervisor()
    line = "was killed: its deputy"
    until(lambda: line in stage.heard("master"), what="the story is told")
    assert (alive(master), alive(worker), server_pids()) == (True, True, before)
    for name, pid in (("master", master), ("worker", worker)):
        os.kill(pid, signal.SIGKILL)
        stage.pid(name, 2)
    os.kill(before["guard"], signal.SIGKILL)
    until(all_gone(before.values()))
    until(lambda: reachable(ready["redis_url"]), what="there is a new server")
    stage.tell("closed")
    until(all_gone([successor]), what="the run ends")
    assert (stage.left("master"), stage.left("worker")) == ("closed", "told")
    assert stage.heard("master").count(line) == 1
    assert paths.local_run("r1").ended == "closed"  # type: ignore[union-attr]


def test_supervisors_are_killed_one_after_the_other(stage: Stage) -> None:
    """A deputy that is the supervisor has a deputy; a killed deputy is replaced."""
    stage.start()
    pids = [stage.pid("master"), stage.pid("worker")]
    killed = stage.deputy()
    os.kill(killed, signal.SIGKILL)
    until(lambda: [pid for pid in part_pids(WORD) if pid != killed], what="there is another deputy")
    second = stage.kill_supervisor()
    third = stage.deputy()
    os.kill(second, signal.SIGKILL)
    until(lambda: looks_after() == third, what="and the deputy of that one goes on")
    assert all(alive(pid) for pid in pids)
    os.kill(third, signal.SIGTERM)
    until(all_gone([third]), what="it heeds SIGTERM as the first one would")
    assert (stage.left("master"), stage.left("worker")) == ("told", "told")


def test_a_successor_knows_how_children_of_another_ended(stage: Stage) -> None:
    """A worker that was let go stays away, though its exit code is not the successor's to know."""
    stage.start()
    worker = stage.pid("worker")
    successor = stage.kill_supervisor()
    stage.tell("drained")
    until(all_gone([worker]))
    log = paths.logs_dir() / "r1" / "supervisor.log"
    until(lambda: "the worker is done" in log.read_text(), what="its end is understood")
    stage.tell("closed")
    until(all_gone([successor]))
    assert len(stage.lives("worker")) == 1


def test_a_supervisor_killed_after_the_close_has_a_successor_that_knows_of_it(stage: Stage) -> None:
    """What the master said at its end was read already: nobody starts another one for a run that is closed."""
    ready = stage.start()
    master, unknowing = stage.pid("master"), stage.deputy()
    with contextlib.closing(client_of(ready["redis_url"])) as client:
        client.set("tidal:{r1}:viewer", b"1", px=60_000)
        stage.tell("closed")
        until(all_gone([master, unknowing]), what="the run is closed, and there is another deputy")
        successor = stage.kill_supervisor()
        client.delete("tidal:{r1}:viewer")
    until(all_gone([successor]), what="everything ends")
    assert len(stage.lives("master")) == 1
    assert paths.local_run("r1").ended == "closed"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["master", "worker"])
def test_a_child_and_the_supervisor_killed_at_once_are_both_succeeded(stage: Stage, name: str) -> None:
    """The supervisor hears of the child's death and has another deputy forked just when it dies itself."""
    stage.start()
    pids = [stage.pid("master"), stage.pid("worker")]
    stage.deputy()
    assert stage.supervisor is not None
    os.kill(pids[name == "worker"], signal.SIGKILL)
    stage.supervisor.kill()
    stage.supervisor.wait(60)
    assert stage.pid(name, 2)
    until(lambda: looks_after() not in (0, stage.ready["pid"]), what="there is a successor")
    assert alive(pids[name == "master"])
    stage.tell("closed")
    until(lambda: ours() == {}, what="the run ends")
    assert stage.left("master") == "closed"


def test_a_guard_and_the_supervisor_killed_one_after_the_other_leave_one_server(stage: Stage) -> None:
    """Between a new guard and the first answer of its server the deputy knows of it, or there is none."""
    ready = stage.start()
    stage.pid("worker")
    stage.deputy()
    guard, server = (server_pids()[name] for name in ("guard", "server"))
    os.kill(guard, signal.SIGKILL)
    until(lambda: {*part_pids("tidal.guard")} - {guard}, what="there is a new guard")
    assert stage.supervisor is not None
    until(lambda: stopped_beside_a_server(stage.supervisor, server), what="there is a new server")
    stage.supervisor.kill()
    stage.supervisor.wait(60)
    until(lambda: looks_after() not in (0, stage.ready["pid"]) or ours() == {}, what="a successor, or the end")
    until(lambda: len(part_pids("tidal.guard")) <= 1, what="there is one guard at most")
    until(lambda: reachable(ready["redis_url"]) or ours() == {}, what="the server answers, or the run ends in order")
    stage.tell("closed")


def stopped_beside_a_server(supervisor: subprocess.Popen[bytes], former: int) -> bool:
    """Stop it, most times before the new server has answered; where it has told the guard of none yet, let it go on."""
    os.kill(supervisor.pid, signal.SIGSTOP)
    end_s = time.monotonic() + 2
    while not (found := {*part_pids("valkey-server")} - {former}) and time.monotonic() < end_s:
        time.sleep(0.02)
    if not found:
        os.kill(supervisor.pid, signal.SIGCONT)
    return bool(found)


def limit_file_sizes(pid: int, bytes_max: int) -> None:
    """Have a process find the disk full: no file may grow beyond this."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes_max, resource.RLIM_INFINITY))


def test_a_successor_on_a_full_disk_is_named_when_there_is_room(stage: Stage) -> None:
    """Until then a stop by its number would go to a process that is gone, or to a stranger with that number."""
    stage.start()
    successor = stage.deputy()
    limit_file_sizes(successor, 0)
    assert stage.supervisor is not None
    stage.supervisor.kill()
    stage.supervisor.wait(60)
    until(lambda: "was killed: its deputy" in stage.heard("master"), what="it goes on")
    assert looks_after() == stage.ready["pid"]
    until(lambda: not list((paths.state_dir() / "local").glob(f".*.{successor}")), what="no draft stays")  # it tries on
    limit_file_sizes(successor, resource.RLIM_INFINITY)
    until(lambda: looks_after() == successor, what="it is named")
    os.kill(successor, signal.SIGTERM)
    until(all_gone([successor]), what="it heeds SIGTERM")


def test_a_supervisor_on_a_full_disk_ends_in_order(stage: Stage) -> None:
    """The note of how it ended is lost; that it has ended is known by its lock."""
    stage.start()
    stage.pid("worker")
    stage.deputy()
    assert stage.supervisor is not None
    limit_file_sizes(stage.supervisor.pid, 0)
    stage.tell("closed")
    assert stage.wait() == 0
    entry = paths.local_run("r1")
    assert entry is not None
    assert not entry.is_alive


def kill_both(stage: Stage) -> None:
    """Kill the supervisor with its deputy."""
    deputy = stage.deputy()
    os.kill(deputy, signal.SIGSTOP)
    assert stage.supervisor is not None
    stage.supervisor.kill()
    stage.supervisor.wait(60)
    os.kill(deputy, signal.SIGKILL)


def test_supervisor_and_deputy_killed_at_once_leave_no_process(stage: Stage, home: Path) -> None:
    """Master and worker learn it from their stdin and may still write; the server leaves last."""
    stage.start()
    stage.pid("worker")
    kill_both(stage)
    until(lambda: ours() == {}, 5, "everything ends")
    assert (stage.left("master"), stage.left("worker")) == ("lifeline", "lifeline")
    assert list((home / "state" / "servers").glob("s-*")) == []
    entry = paths.local_run("r1")
    assert entry is not None
    assert not entry.is_alive
    paths.tidy_registry()
    assert paths.local_run("r1").ended == "the supervisor was killed"  # type: ignore[union-attr]


def test_supervisor_deputy_and_guard_killed_at_once_leave_no_process(stage: Stage) -> None:
    """The server dies with its guard; master and worker with their lifelines, though Redis is gone."""
    stage.start()
    stage.pid("worker")
    assert stage.supervisor is not None
    guard = server_pids()["guard"]
    deputy = stage.deputy()
    for pid in (stage.supervisor.pid, deputy):
        os.kill(pid, signal.SIGSTOP)
    for pid in (guard, stage.supervisor.pid, deputy):
        os.kill(pid, signal.SIGKILL)
    stage.supervisor.wait(60)
    until(lambda: ours() == {}, 5, "everything ends")


def test_what_the_master_finds_wrong_is_answered(stage: Stage) -> None:
    """The terminal gets the error by name, the exit code is the error's, and nothing is left running."""
    stage.tell("master.refuses")
    assert stage.start() == {"error": "NoHost", "message": "no host"}
    assert stage.wait() == NoHost.exit_code
    assert paths.local_runs() == []


def test_a_master_that_dies_before_the_run_is_open_is_answered(stage: Stage) -> None:
    """There is no run to take over yet."""
    stage.tell("master.crashes")
    assert "the master ended with 9" in stage.start()["message"]
    assert stage.wait() == 70
    assert len(stage.lives("master")) == 1


def test_a_master_that_dies_too_often_ends_the_run(stage: Stage) -> None:
    """The waits grow, then there is an end, with a note that says why."""
    stage.start()
    stage.tell("master.crashes")
    os.kill(stage.pid("master"), signal.SIGKILL)
    assert stage.wait(40) == 70
    note = paths.local_run("r1")
    assert note is not None
    assert "died too often" in note.ended


def test_a_master_that_was_fenced_waits_for_its_turn(stage: Stage) -> None:
    """While another master serves the run ours is not to blame: it is tried again, and at last takes over."""
    stage.start()
    stage.tell("master.fenced")
    os.kill(stage.pid("master"), signal.SIGKILL)
    stage.pid("master", 3)
    (stage.folder / "master.fenced").unlink()
    stage.tell("closed")
    assert stage.wait() == 0
    assert stage.left("master") == "closed"


def test_with_a_redis_of_the_operators_there_is_only_a_master(stage: Stage, redis_url: str) -> None:
    """No server, no worker; the URL stays in the note, because that Redis stays."""
    ready = stage.start(redis_url=redis_url)
    assert ready["redis_url"] == redis_url
    assert server_pids() == {}
    stage.tell("closed")
    assert stage.wait() == 0
    assert stage.lives("worker") == []
    note = paths.local_run("r1")
    assert note is not None
    assert note.redis_url == redis_url


def test_viewers_may_read_the_end(stage: Stage) -> None:
    """The server stays while somebody looks, and leaves when nobody does."""
    ready = stage.start()
    with contextlib.closing(client_of(ready["redis_url"])) as client:
        client.set("tidal:{r1}:viewer", b"1", px=60_000)
        stage.tell("closed")
        until(lambda: stage.left("master") == "closed")
        with pytest.raises(subprocess.TimeoutExpired):
            stage.supervisor.wait(3)  # type: ignore[union-attr] # longer than it stays for who may come
        client.delete("tidal:{r1}:viewer")
    assert stage.wait() == 0


def test_a_run_that_is_over_at_once_waits_for_its_first_viewer(stage: Stage) -> None:
    """Refused by its worker, say: whoever started it has not looked yet, and would never hear why."""
    stage.start()
    stage.tell("closed")
    assert stage.wait() == 0
    assert time.time() - (stage.folder / "master.left").stat().st_mtime > 1.5  # two seconds; without them it is a third


# ------------------------------------------------------------------ with the real master and worker

LOCUSTFILE = """
from locust import User, constant, task

class Walker(User):
    wait_time = constant(0.1)

    @task
    def walk(self):
        self.environment.events.request.fire(
            request_type="STEP", name="walk", response_time=1, response_length=0, exception=None
        )
"""


def spec_of(folder: Path, *, text: str = LOCUSTFILE, run_time_ms: int | None = 2_000, **spec: Any) -> LaunchSpec:
    """A small run of a file of its own."""
    file = folder / "locustfile.py"
    file.write_text(text)
    options = RunOptions(users=4, spawn_rate=100, run_time_ms=run_time_ms, classes=spec.pop("classes", ()))
    return LaunchSpec(str(file), options, processes=1, author="tester@stage", **spec)


def test_a_real_run_ends_by_itself(tmp_path: Path) -> None:
    """Launched, served, archived, gone."""
    launched = launch(spec_of(tmp_path))
    entry = paths.local_run(launched.run)
    assert entry is not None
    assert entry.supervisor_pid == launched.supervisor_pid
    until(lambda: ours() == {}, 40, "the run ends")
    assert paths.archive_path(launched.run).exists()
    assert paths.local_run(launched.run).ended == "closed"  # type: ignore[union-attr]


def test_a_real_run_goes_on_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    """To its planned end, with the load as planned: the story says it, and the run is no worse for it."""
    launched = launch(spec_of(tmp_path, run_time_ms=5_000))
    until(lambda: part_pids(WORD), what="there is a deputy")
    os.kill(launched.supervisor_pid, signal.SIGKILL)
    until(lambda: ours() == {}, 40, "the run ends")
    assert paths.local_run(launched.run).ended == "closed"  # type: ignore[union-attr]
    state = folded(launched.run)
    assert state.log.closed is not None
    assert state.log.closed.outcome == "finished"
    assert len([row for row in state.log.story if "was killed: its deputy" in row.text]) == 1
    assert [row.text for row in state.log.story if row.kind in {"wl", "gl"} or "took over" in row.text] == []


def test_a_real_run_whose_supervisor_and_deputy_are_killed_is_closed_in_order(tmp_path: Path) -> None:
    """No process is left after a few seconds, and the archive is whole: the master had the time to close the run."""
    launched = launch(spec_of(tmp_path, run_time_ms=None))
    deputy = until(lambda: part_pids(WORD), what="there is a deputy")[0]
    os.kill(deputy, signal.SIGSTOP)
    os.kill(launched.supervisor_pid, signal.SIGKILL)
    os.kill(deputy, signal.SIGKILL)
    until(lambda: ours() == {}, 12, "everything ends")
    assert paths.archive_path(launched.run).exists()
    closed = folded(launched.run).log.closed
    assert closed is not None
    assert (closed.reason, closed.exit_code) == ("its supervisor is gone", RunLapsed.exit_code)


def test_a_real_run_is_stopped_by_sigterm(tmp_path: Path) -> None:
    """The run is closed and archived."""
    launched = launch(spec_of(tmp_path, run_time_ms=None))
    os.kill(launched.supervisor_pid, signal.SIGTERM)
    until(lambda: ours() == {}, 20, "everything ends")
    assert paths.archive_path(launched.run).exists()
    assert paths.local_run(launched.run).ended.startswith("stopped")  # type: ignore[union-attr]


def test_a_real_run_survives_the_loss_of_each_part(tmp_path: Path) -> None:
    """Master, worker, server and guard are killed in turn; the run goes on until it is stopped."""
    launched = launch(spec_of(tmp_path, run_time_ms=600_000))
    for part in ("tidal.leader", "tidal.worker", "valkey-server", "tidal.guard"):
        until(lambda part=part: part_pids(part), what=f"{part} runs")  # type: ignore[misc]
        killed = part_pids(part)
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):  # with the one before
                os.kill(pid, signal.SIGKILL)
        until(all_gone(killed))
        until(lambda part=part: part_pids(part), what=f"{part} is back")  # type: ignore[misc]
        until(lambda: reachable(launched.redis_url), what=f"Redis answers after the loss of {part}")
    assert alive(launched.supervisor_pid)
    with contextlib.closing(Bus.connect(launched.redis_url, role="tester")) as bus:
        Operator(bus, RunKeys(launched.run), "tester").want(WantStop("enough was seen"))
    until(lambda: ours() == {}, 60, "the run ends")
    assert paths.local_run(launched.run).ended == "closed"  # type: ignore[union-attr]
    assert paths.archive_path(launched.run).exists()


def part_pids(part: str) -> list[int]:
    """The processes whose command line names a part."""
    return [pid for pid, command in ours().items() if part in command]


@pytest.mark.parametrize(
    ("text", "classes", "error"),
    [("x = (", (), FileSyntaxError), (LOCUSTFILE, ("Runner",), UnknownUserClass)],
)
def test_what_is_wrong_with_the_file_is_raised_here(
    tmp_path: Path, text: str, classes: tuple[str, ...], error: type[Exception]
) -> None:
    """With its own class and exit code, and nothing is left."""
    with pytest.raises(error):
        launch(spec_of(tmp_path, text=text, classes=classes))
    assert ours() == {}


def test_a_taken_port_is_raised_here(tmp_path: Path) -> None:
    """Two runs cannot have one port."""
    import socket  # noqa: PLC0415 - only here

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        launch(spec_of(tmp_path, embedded_port=taken.getsockname()[1]))


def test_launching_under_a_screen_that_has_replaced_the_streams(tmp_path: Path) -> None:
    """As Textual does: sys.stdout and sys.stderr have no descriptors, and the call comes from a thread that ends."""
    spec_of(tmp_path)
    script = f"""
import io, os, sys, threading
from tidal.launch import LaunchSpec, launch
from tidal.model.events import RunOptions
out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
def start():
    out.write(launch(LaunchSpec({str(tmp_path / "locustfile.py")!r}, RunOptions(users=1, run_time_ms=1500))).run)
thread = threading.Thread(target=start)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    until(lambda: ours() == {}, 40, "the run ends though its terminal is gone")
    assert paths.local_run(done.stdout).ended == "closed"  # type: ignore[union-attr]
