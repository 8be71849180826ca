"""A stage for whole runs: a real Redis, a real target that counts, a master and workers, all of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
from deadline import listens, processes_of, until

from tidal.archive import Archive
from tidal.bus import Bus
from tidal.engines import discover
from tidal.keys import RunKeys
from tidal.launch import LaunchSpec
from tidal.live import LiveFeed
from tidal.model.events import RunOptions, WantStop
from tidal.model.fold import fold_entry
from tidal.model.state import State
from tidal.model.verdict import EXIT_INVALID
from tidal.model.wire import to_wire
from tidal.operator import Operator
from tidal.paths import archive_path
from tidal.service import WorkerSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import Frame

S = TypeVar("S", bound="Stage")
LOCUSTFILE = """
import logging

from locust import HttpUser, constant_throughput, events, task

logging.warning("this file is a test")


class Visitor(HttpUser):
    wait_time = constant_throughput(4)

    @task(3)
    def home(self):
        self.client.get("/")

    @task
    def product(self):
        self.client.get("/products/7", name="/products/[id]")


@events.test_stop.add_listener
def farewell(**_):
    logging.getLogger("stage").error("the last word, with password=hunter2")
"""


class Stage:
    """Starts what a distributed run needs and ends it all."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self._processes: list[subprocess.Popen[bytes]] = []
        self._env = {**os.environ, "TIDAL_HOME": str(home)}
        self.redis_url = ""
        self.redis: subprocess.Popen[bytes] | None = None
        self.target_url = ""
        self._feeds: list[LiveFeed] = []
        self._bus: Bus | None = None

    def start_redis(self) -> None:
        """A Redis of its own on a Unix socket, with an append-only file.

        It is written before each answer and left to the kernel: where a slow disk is waited for each second, writing
        waits meanwhile, and a kill may lose what was answered.
        """
        socket = self.folder / "r.sock"
        config = f'port 0\nunixsocket {socket}\ndir {self.folder}\nsave ""\nappendonly yes\nappendfsync no\n'
        self.redis = self._start([next(discover([])).path, "-"], config.encode(), env=None)
        assert self.redis.stdin is not None
        self.redis.stdin.close()
        self.redis_url = f"unix://{socket}"
        until(lambda: listens(socket), what="Redis listens")

    def start_target(self) -> None:
        """The shop, on a free port."""
        shop = self._start([sys.executable, "-m", "tidal.target", "--port", "0", "--seed", "1"], b"")
        assert shop.stdout is not None
        self.target_url = f"http://127.0.0.1:{int(shop.stdout.readline())}"

    def start_worker(self, processes: int = 2, **spec: Any) -> subprocess.Popen[bytes]:
        """A worker of the default fleet; `redis_url` leads it another way to Redis."""
        url = spec.pop("redis_url", self.redis_url)
        line = json.dumps(to_wire(WorkerSpec(url, processes=processes, **spec))).encode() + b"\n"
        return self._start([sys.executable, "-m", "tidal.worker"], line)

    def start_master(
        self, file: Path, options: RunOptions, **spec: Any
    ) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
        """A master with what it answered: the run's id, or the error."""
        url = spec.pop("redis_url", self.redis_url)
        launch = LaunchSpec(file=str(file), options=options, redis_url=url, author="tester@stage", **spec)
        line = json.dumps(to_wire(launch)).encode() + b"\n"
        master = self._start([sys.executable, "-m", "tidal.leader"], line)
        assert master.stdout is not None
        line = master.stdout.readline()
        assert line, f"the master said nothing: {self.log_of(master)}"
        return master, json.loads(line)

    def _start(self, argv: list[str], stdin: bytes, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        log = self._log_path(len(self._processes)).open("wb")
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env or self._env, cwd=self.folder
        )
        log.close()
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.flush()
        self._processes.append(process)
        return process

    def _log_path(self, number: int) -> Path:
        return self.folder / f"process-{number}.log"

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        """What a process printed."""
        return self._log_path(self._processes.index(process)).read_text(errors="replace")

    def watch(self, run: str) -> LiveFeed:
        """A feed of the run, closed with the stage."""
        feed = LiveFeed(self.redis_url, RunKeys(run)).start()
        self._feeds.append(feed)
        return feed

    def bus(self) -> Bus:
        """A connection to the stage's Redis, closed with the stage."""
        if self._bus is None:
            self._bus = Bus.connect(self.redis_url, role="stage")
        return self._bus

    def stop(self, run: str) -> None:
        """End a run of which enough was seen, as an operator does; the master then closes it in order."""
        Operator(self.bus(), RunKeys(run), "tester").want(WantStop("enough was seen"))

    def served(self) -> dict[str, Any]:
        """What the target counted."""
        with urllib.request.urlopen(f"{self.target_url}/__counts", timeout=60) as answer:  # noqa: S310 - our own
            counts: dict[str, Any] = json.load(answer)
        return counts

    def close(self) -> None:
        """End everything, by its own handle."""
        for feed in self._feeds:
            feed.close()
        if self._bus is not None:
            self._bus.close()
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def generators_of(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The generator processes of a worker."""
    return [c for c in psutil.Process(worker.pid).children() if "tidal.generator" in " ".join(c.cmdline())]


def seen(feed: LiveFeed, condition: Any, what: str, within_s: float = 20) -> Frame:
    """Wait until a frame of the feed meets the condition; that frame."""

    def look() -> Frame | None:
        frame = feed.frame()
        return frame if frame is not None and condition(frame) else None

    frame = until(look, within_s, what)
    assert frame is not None
    return frame


def options(stage: Stage, run_time_ms: int) -> RunOptions:
    """Twelve users, four requests a second each."""
    return RunOptions(users=12, spawn_rate=50, run_time_ms=run_time_ms, host=stage.target_url)


def running(shown: Frame) -> bool:
    """Whether all twelve users run."""
    return shown.run.users_running == 12


def end_of(feed: LiveFeed, within_s: float = 30) -> Frame:
    """The last frame of a run that is about to be closed."""
    until(lambda: feed.is_closed, within_s, "the feed is at the end")
    frame = feed.frame()
    assert frame is not None
    return frame


def code_of(last: Frame, ordinary: int = 0) -> int:
    """The exit code of a run that allows a suspect verdict."""
    return EXIT_INVALID if last.verdict.word == "invalid" else ordinary


def ended_with(code: int, said: str, ordinary: int = 0) -> bool:
    """Whether a command that allows a suspect verdict ended with this code, or said that its run is invalid."""
    return code == ordinary or (code == EXIT_INVALID and f"Exit code {EXIT_INVALID}: the verdict is invalid" in said)


def folded(run: str) -> State:
    """The archive, folded to its end."""
    state = State()
    with Archive.open(archive_path(run)) as archive:
        for entry in archive.entries():
            fold_entry(state, entry)
    return state


@contextmanager
def prepared(stage: type[S], home: Path, *, redis: bool = True) -> Iterator[S]:
    """A stage with the target and a locustfile; everything is ended afterwards, and nothing is left running.

    Without `redis` the test has servers of its own.
    """
    os.environ["TIDAL_HOME"] = str(home)
    with tempfile.TemporaryDirectory(prefix="tidal-") as folder:
        made = stage(Path(folder), home)
        try:
            if redis:
                made.start_redis()
            made.start_target()
            file = made.folder / "locustfile.py"
            if not file.exists():  # a stage may bring its own
                file.write_text(LOCUSTFILE, encoding="utf-8")
            yield made
        finally:
            made.close()
            del os.environ["TIDAL_HOME"]
    if redis and sys.platform == "linux":
        until(lambda: not processes_of(home), 15, "no process is left behind")
