"""A real generator, driven through its pipes against a small HTTP server."""

from __future__ import annotations

import select
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from deadline import alive, until

from tidal.model.codec import PipeReader, pack_message
from tidal.model.events import RunOptions, Track
from tidal.model.pipe import (
    Batch,
    EndpointRow,
    Finish,
    Finished,
    Fire,
    Fired,
    Leave,
    Load,
    Loaded,
    NotLoaded,
    SetClock,
    SetShare,
    Steer,
    View,
)
from tidal.model.plan import bitmap
from tidal.model.stats import Tally
from tidal.process import Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tidal.model.events import ClassSpec, Event

pytestmark = pytest.mark.e2e

OFFSET_US = 1_700_000_000_000_000
"""Redis time is nobody's wall clock here."""
SLOTS = 8


class Target(ThreadingHTTPServer):
    """Answers "ok": /slow after a second, /held when it is let go, /missing with 404."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.let_go = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        if self.path.startswith("/slow"):
            time.sleep(1)
        if self.path.startswith("/held"):
            self.server.let_go.wait()
        body = b'{"a": 1}' if self.path.startswith("/json") else b"ok"
        status = {"/missing": 404, "/moved": 302}.get(self.path[:8].rstrip("/0123456789"), 200)
        try:
            self.send_response(status)
            self.send_header("Location", "/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Agent:
    """The other end of a generator's pipes."""

    def __init__(self, folder: Path, *, hooks: bool = False) -> None:
        self.log = folder / "log"
        self.child = Child(python_argv("tidal.generator", *(["--hooks"] if hooks else [])), self.log)
        self.answers: list[Event] = []
        self.classes: tuple[ClassSpec, ...] = ()
        self.began_ms = 0
        self.is_silent = False
        self._reader = PipeReader()
        self.spoke_s = 0.0

    def order(self, *orders: Event) -> None:
        """Send orders."""
        self.child.send(b"".join(pack_message(o) for o in orders))

    def turn(self) -> None:
        """Say what time it is now and then, and take the answers."""
        if not self.is_silent and time.monotonic() - self.spoke_s > 0.4:
            self.spoke_s = time.monotonic()
            self.order(SetClock(OFFSET_US))
        select.select([self.child.answers_fd], [], [], 0.05)
        self.answers += self._reader.feed(self.child.receive())

    def until(self, condition: Callable[[], object], what: str, within_s: float = 10.0) -> None:
        """Turn until a condition holds."""

        def turned() -> object:
            self.turn()
            return condition()

        until(turned, within_s, what)

    def load(self, folder: Path, text: str, side: str = "worker", **options: object) -> Event:
        """Have the child import a file; its answer."""
        (folder / "locustfile.py").write_text(text, encoding="utf-8")
        self.order(Load(str(folder), "locustfile.py", RunOptions(**options), side=side))
        self.until(lambda: self.all(Loaded) or self.all(NotLoaded), "an answer to Load")
        answer = next(a for a in self.answers if isinstance(a, Loaded | NotLoaded))
        self.classes = answer.classes if isinstance(answer, Loaded) else ()
        return answer

    def now_ms(self) -> int:
        """Redis time."""
        return (time.monotonic_ns() // 1000 + OFFSET_US) // 1000

    def share(
        self,
        *points: tuple[int, float],
        mine: Iterable[int] = range(SLOTS),
        from_ms: int = 0,
        end_ms: int | None = None,
    ) -> None:
        """Send the plan: points of users over time, and the slots that are the child's."""
        self.began_ms = self.began_ms or self.now_ms() + 50
        track = Track("", points)
        bits = bitmap(mine, SLOTS)
        self.order(SetShare(1, from_ms, self.began_ms, (track,), end_ms, SLOTS, bits, self.classes))

    def all(self, kind: type[Event]) -> list[Event]:
        """The answers of a kind so far."""
        return [a for a in self.answers if isinstance(a, kind)]

    def users(self) -> int:
        """Users running by the last batch."""
        batches = self.all(Batch)
        return sum(batches[-1].users.values()) if batches else 0

    def total(self, figure: str) -> int:
        """A figure summed over all tallies."""
        tallies = [t for b in self.all(Batch) for block in b.blocks for t in block.tallies.values()]
        return sum(getattr(t, figure) for t in tallies)

    def user_ms(self) -> int:
        """User time of all batches."""
        return sum(ms for b in self.all(Batch) for block in b.blocks for ms in block.user_ms.values())

    def exceptions(self) -> dict[str, int]:
        """Occurrences by message."""
        found: dict[str, int] = {}
        for tally in (e for b in self.all(Batch) for e in b.exceptions):
            found[tally.message] = found.get(tally.message, 0) + tally.occurrences
        return found

    def finish(self, stop_timeout_ms: int = 0) -> None:
        """Order the end and wait for it."""
        self.order(Finish(stop_timeout_ms))
        self.until(lambda: self.all(Finished), "Finished")


@pytest.fixture
def target() -> Iterator[Target]:
    """A server to send load to."""
    server = Target()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.let_go.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """A generator with its pipes; killed at the end, whatever it does."""
    agent = Agent(tmp_path)
    yield agent
    agent.child.kill()
    agent.child.stop(5)


VISITOR = """
from tidal import HttpUser, constant, task

class Visitor(HttpUser):
    wait_time = constant(0.05)

    @task
    def front(self):
        self.client.get("/")
"""


def test_a_plan_is_run_to_its_end_and_nothing_is_lost(agent: Agent, tmp_path: Path, target: Target) -> None:
    """What the target saw is what the batches say; user time is what their users took; the batches tile time."""
    agent.load(tmp_path, VISITOR, host=target.url)
    agent.share((0, 0.0), (1000, 10.0), end_ms=1500)
    agent.until(lambda: agent.all(Finished), "the plan's end")
    assert isinstance(agent.answers[-1], Finished)
    assert agent.total("requests") + agent.total("cancelled") == len(target.seen) > 0
    assert agent.total("failures") == 0
    batches = agent.all(Batch)
    assert all(a.to_ms == b.from_ms for a, b in pairwise(batches))
    users, lengths_ms = [sum(b.users.values()) for b in batches], [b.to_ms - b.from_ms for b in batches]
    least_ms = sum(min(pair) * length_ms for pair, length_ms in zip(pairwise([0, *users]), lengths_ms, strict=True))
    assert least_ms <= agent.user_ms() <= 10 * sum(lengths_ms)
    assert batches[-1].users == {"Visitor": 0}
    started, finished, failed, cancelled = (sum(n) for n in zip(*(b.iterations for b in batches), strict=True))
    assert (started, failed) == (finished + cancelled, 0)


def test_locusts_file_runs_and_its_failures_are_named(agent: Agent, tmp_path: Path, target: Target) -> None:
    """`from locust import …` is tidal; failed requests and exceptions are grouped; prints disturb nothing."""
    text = """
import sys
from locust import HttpUser, task, constant, events
from locust.exception import RescheduleTask

@events.request.add_listener
def broken(**_):
    raise RuntimeError("a broken listener")

class Visitor(HttpUser):
    wait_time = constant(0.02)

    @task
    def missing(self):
        print("x" * 1000)
        sys.stdout.buffer.write(bytes(range(256)))
        self.client.get(f"/missing/{id(object())}", name="/missing/[id]")

    @task
    def refused(self):
        response = self.client.get("http://127.0.0.1:1/")
        assert response.status_code == 0

    @task
    def caught(self):
        with self.client.get("/", catch_response=True) as response:
            response.failure("not nice")

    @task
    def raises(self):
        raise KeyError("a mistake")
"""
    assert isinstance(agent.load(tmp_path, text, host=target.url), Loaded)
    agent.share((0, 4.0))
    agent.until(lambda: len({f.error for b in agent.all(Batch) for f in b.failures}) == 3, "three kinds of failures")
    agent.until(agent.exceptions, "exceptions")
    agent.finish()
    failures = {f.error: f.name for b in agent.all(Batch) for f in b.failures}
    assert failures["HTTPError('404 Client Error: Not Found for url: /missing/[id]')"] == "/missing/[id]"
    assert failures["not nice"] == "/"
    assert any("ConnectionRefusedError" in error for error in failures), failures
    assert list(agent.exceptions()) == ["KeyError: 'a mistake'"]
    log = agent.log.read_text(encoding="utf-8", errors="replace")
    assert log.count("Uncaught exception in event handler: \n") == 1
    assert log.count("(listener locustfile.broken of request)") == 1


def test_a_request_in_flight_is_cancelled_not_forgotten(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Users that are stopped inside a request count it as cancelled; with time enough they finish it."""
    agent.load(tmp_path, VISITOR.replace('"/"', '"/held"'), host=target.url, stop_timeout_ms=100)
    agent.share((0, 5.0))
    agent.until(lambda: len(target.seen) == 5, "five requests in flight")
    agent.finish(stop_timeout_ms=100)
    assert agent.total("cancelled") == 5
    assert agent.total("requests") == 0


def test_a_task_in_hand_may_be_finished(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Within the stop timeout."""
    agent.load(tmp_path, VISITOR.replace('"/"', '"/held"'), host=target.url)
    agent.share((0, 3.0))
    agent.until(lambda: len(target.seen) == 3, "three requests in flight")
    agent.order(Finish(60_000))
    target.let_go.set()
    agent.until(lambda: agent.all(Finished), "Finished")
    assert (agent.total("requests"), agent.total("cancelled")) == (3, 0)


def test_a_new_share_takes_effect_at_its_moment(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Until then the old one holds; the users that stay are not started anew."""
    text = VISITOR + "\n    def on_start(self):\n        self.client.get(f'/start/{self.number}')\n"
    agent.load(tmp_path, text, host=target.url)
    agent.share((0, 8.0), mine=range(4))
    agent.until(lambda: agent.users() == 4, "half of the users")
    switch_ms = agent.now_ms() - agent.began_ms + 800
    agent.share((0, 8.0), mine=range(2, 8), from_ms=switch_ms)
    agent.until(lambda: agent.users() == 6, "the new share's users")
    batch = next(b for b in agent.all(Batch) if sum(b.users.values()) == 6)
    assert batch.to_ms - agent.began_ms >= switch_ms
    agent.finish()
    assert sorted(p for p in target.seen if "start" in p) == [f"/start/{n}" for n in range(8)]


def test_a_user_that_ends_itself_comes_back(agent: Agent, tmp_path: Path, target: Target) -> None:
    """StopUser and a failing on_start: again a second later, one after the other; only the latter is an exception."""
    text = """
from tidal import User, StopUser, task
from tidal.generator.http import HttpSession

class Leaver(User):
    fixed_count = 1
    @task
    def leave(self):
        raise StopUser

class Failing(User):
    fixed_count = 1
    def on_start(self):
        raise OSError("no data")
    @task
    def nothing(self): pass
"""
    agent.load(tmp_path, text, host=target.url)
    agent.share((0, 2.0))
    agent.until(lambda: agent.exceptions().get("OSError: no data", 0) >= 2, "a second life")
    assert agent.now_ms() - agent.began_ms > 900
    assert list(agent.exceptions()) == ["OSError: no data"]
    assert sum(b.iterations[1] for b in agent.all(Batch)) >= 1


def test_without_its_agent_a_generator_stops_its_users(agent: Agent, tmp_path: Path, target: Target) -> None:
    """After two seconds without a clock, until the next one."""
    agent.load(tmp_path, VISITOR, host=target.url)
    agent.share((0, 3.0))
    agent.until(lambda: agent.users() == 3, "all users")
    agent.is_silent = True
    agent.until(lambda: agent.users() == 0, "no users")
    assert time.monotonic() - agent.spoke_s > 1.9
    agent.is_silent = False
    agent.until(lambda: agent.users() == 3, "all users again")


@pytest.mark.parametrize("evil", ["while True: pass", "time.sleep(600)", "os.system('sleep 60')"])
def test_no_user_outlives_the_agent(agent: Agent, tmp_path: Path, evil: str) -> None:
    """Whatever user code does, the end of the orders is the end of the process."""
    text = f"""
import os, time
from tidal import User, task

class Evil(User):
    @task
    def evil(self):
        open("began", "w").close()
        {evil}
"""
    agent.load(tmp_path, text)
    agent.share((0, 1.0))
    agent.until((tmp_path / "began").exists, "the user began")
    agent.child.close_stdin()
    until(lambda: not alive(agent.child.pid), within_s=10, what="the child's end")


CLIENT = """
import sys
import gevent
from locust import HttpUser, task, constant, events
from locust.exception import RescheduleTask, ResponseError
from requests.exceptions import MissingSchema

@events.test_start.add_listener
def steers(**_):
    raise RescheduleTask

class Visitor(HttpUser):
    wait_time = constant(60)

    def context(self):
        return {"user": self.number}

    @task
    def all(self):
        get = self.client.get
        assert get("/moved/1").url.endswith("/")
        assert get("/moved/2", allow_redirects=False).status_code == 302
        assert get("/", params={"q": 1}, name="named").text == "ok"
        with self.client.rename_request("renamed"):
            get("/")
        with get("/missing", catch_response=True, name="forgiven") as response:
            response.success()
        with get("/", catch_response=True, name="raised"):
            raise ResponseError("raised")
        with self.rest("GET", "/json", name="json") as response:
            assert response.js == {"a": 1}
        with self.rest("GET", "/", name="no json") as response:
            assert response.js is None
        with self.rest("GET", "/json", name="asserted") as response:
            assert response.js["a"] == 2, "a is not 2"
        assert get("/held", timeout=0.1, name="timeout").status_code == 0
        with gevent.Timeout(0.1, False):
            get("/held", name="given up")
        assert get("/", stream=True, name="stream").iter_content
        try:
            get("/").success()
        except Exception as error:
            assert "catch_response" in str(error)
        self.client.base_url = ""
        try:
            get("nonsense")
        except MissingSchema:
            open("done", "w").close()
        sys.exit("a task may not end the process")
"""


def test_the_client_means_what_locusts_means(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Names, redirects, declared results, JSON, timeouts; and no listener or task ends the generator."""
    agent.load(tmp_path, CLIENT, host=target.url)
    agent.share((0, 1.0))
    agent.until(lambda: (tmp_path / "done").exists() or set(agent.exceptions()) - {"SystemExit: "}, "all was tried")
    agent.until(agent.exceptions, "the exit is an exception")
    assert list(agent.exceptions()) == ["SystemExit: a task may not end the process"]
    agent.finish()
    names = {name for b in agent.all(Batch) for block in b.blocks for _, name in block.tallies}
    expected = {
        "named",
        "renamed",
        "forgiven",
        "raised",
        "json",
        "no json",
        "asserted",
        "timeout",
        "given up",
        "stream",
    }
    assert names == expected | {"/moved/1", "/moved/2", "/"}
    failed = {f.name: f.error for b in agent.all(Batch) for f in b.failures}
    assert failed.keys() == {"raised", "no json", "asserted", "timeout"}
    assert failed["asserted"] == "a is not 2"
    assert "ReadTimeout" in failed["timeout"]
    assert agent.total("cancelled") == 1


def test_what_is_missing_on_a_worker_is_named(agent: Agent, tmp_path: Path) -> None:
    """NotShipped, with the module and the way out."""
    answer = agent.load(tmp_path, "import our_helpers\n")
    assert isinstance(answer, NotLoaded)
    assert answer.error == "NotShipped"
    assert answer.why.startswith("locustfile.py:1: this worker has no module 'our_helpers'")
    assert "--ship" in answer.why


def test_a_file_is_inspected_with_what_it_needs(tmp_path: Path) -> None:
    """Modules, opened files and named files; the child leaves by itself."""
    (tmp_path / "helper.py").write_text("USERS = 'users.csv'\n")
    (tmp_path / "users.csv").write_text("a\n")
    (tmp_path / "opened.json").write_text("{}")
    (tmp_path / ".env").write_text("SECRET=1")
    folder = tmp_path / "logs"
    folder.mkdir()
    agent = Agent(folder, hooks=True)
    text = f"import helper\nopen('opened.json').read(); open('.env').read()\n{VISITOR}"
    answer = agent.load(tmp_path, text, side="inspect")
    assert isinstance(answer, Loaded)
    assert answer.needs == ("helper.py", "opened.json", "users.csv")
    assert [(c.name, c.needs_host, c.tasks) for c in answer.classes] == [("Visitor", True, (("front", 1.0),))]
    assert agent.child.wait(60) == 0
    agent.child.stop(1)


def test_the_hook_host_stays_and_fires_the_masters_hooks(tmp_path: Path) -> None:
    """`init`, `test_start` and `test_stop` see a MasterRunner."""
    agent = Agent(tmp_path, hooks=True)
    text = f"""
from locust import events
from locust.runners import MasterRunner
{VISITOR}
@events.init.add_listener
@events.test_start.add_listener
@events.test_stop.add_listener
def note(environment, **_):
    with open("hooks", "a") as file:
        file.write(f"{{isinstance(environment.runner, MasterRunner)}} {{environment.runner.state}};")
"""
    assert isinstance(agent.load(tmp_path, text, side="master"), Loaded)
    agent.order(View("running", 2_000, 1_000, 1, 1, 1.0), Fire("test_start"), Fire("quit"))
    agent.until(lambda: len(agent.all(Fired)) == 2, "both hooks were called")
    assert (tmp_path / "hooks").read_text() == "True ready;True spawning;True stopped;"
    agent.child.stop(5)


SHAPED = f"""
from locust import events
from locust.shape import LoadTestShape
{VISITOR}
class Steps(LoadTestShape):
    def tick(self):
        return (7, 2.5, [Visitor]) if self.get_run_time() < 60 else None

@events.quitting.add_listener
def judge(environment, **_):
    environment.process_exit_code = 9 if environment.stats.total.num_requests == 12 else 8

@events.quit.add_listener
def broken(**_):
    raise KeyError("oops")
"""


def test_the_hook_host_asks_the_shape_and_shows_the_run_s_statistics(tmp_path: Path) -> None:
    """Its wishes, exit code and failures are answers; a host that comes late knows how long the run has run."""
    agent = Agent(tmp_path, hooks=True)
    loaded = agent.load(tmp_path, SHAPED, side="inspect")
    assert isinstance(loaded, Loaded)
    assert loaded.shape == "Steps"
    assert {"quitting", "quit"} <= set(loaded.hooks)  # and those of plugins that are installed here
    agent.child.stop(1)
    agent = Agent(tmp_path, hooks=True)
    agent.order(Load(str(tmp_path), "locustfile.py", RunOptions(), side="master", shape="Steps"))
    tally = Tally()
    for _ in range(12):
        tally.add(1_000, 10, failed=False)
    agent.order(View("running", 11_000, 1_000, 1, 1, 1.0, endpoints=(EndpointRow("GET", "/", tally),)))
    agent.until(lambda: agent.all(Steer), "the shape was asked")
    assert agent.all(Steer) == [Steer(7, 2.5, ("Visitor",), "Steps")]
    agent.order(Fire("quit"))
    agent.until(lambda: agent.all(Fired), "the last hooks were called")
    assert agent.all(Fired) == [Fired("quit", 1, 9)]
    late = Agent(tmp_path, hooks=True)
    late.order(Load(str(tmp_path), "locustfile.py", RunOptions(), side="master", shape="Steps"))
    late.order(View("running", 100_000, 1_000, 1, 1, 1.0))
    late.until(lambda: late.all(Leave), "the shape was over long ago")
    assert late.all(Leave) == [Leave("Steps has come to its end", "finished")]
    for one in (agent, late):
        one.child.stop(1)
