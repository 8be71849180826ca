"""The field of a chaos run: a Redis, proxies before it, a target, workers and masters, and their three counts."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import redis
import shop_file
from deadline import until
from proxy import Proxy
from stage import Stage, generators_of
from stalls import Stalls

from tidal.archive import Archive
from tidal.keys import RunKeys
from tidal.model.codec import REPORTS, decode
from tidal.model.events import ByWorker, Reported, RunOptions, WantStop, WorkerSeen
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.operator import Operator
from tidal.replay import Replay

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from measure import Arrival

    from tidal.live import LiveFeed
    from tidal.model.rows import Frame

PACE_MS = int(shop_file.PACE_S * 1000)


class Field(Stage):
    """Starts, hurts and ends what a run needs; each process reaches Redis through a proxy of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        super().__init__(folder, home)
        self.diary = folder / "diary"
        self.diary.mkdir()
        self._env["CHAOS_DIARY"] = str(self.diary)
        self.proxies: dict[str, Proxy] = {}
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: set[int] = set()  # agents that were killed: their last reports may be missing
        self.masters: list[subprocess.Popen[bytes]] = []
        self.run = ""
        self.elsewhere: Path | None = None  # the home of a standby, on another machine as it were
        self.worker_env: dict[str, dict[str, str]] = {}
        self.file = folder / "locustfile.py"
        self.file.write_text(shop_file.TEXT, encoding="utf-8")
        self.options = RunOptions()
        self._arrivals: list[Arrival] = []
        self.stalls = Stalls(folder / "stalls")
        self._admin: redis.Redis | None = None

    # ------------------------------------------------------------------ processes

    def proxy(self, name: str) -> Proxy:
        """The proxy of a process, made when it is first asked for."""
        if name not in self.proxies:
            self.proxies[name] = Proxy(self.folder / "r.sock")
        return self.proxies[name]

    def add_worker(self, name: str, processes: int = 1) -> None:
        """A worker under a name of the test's own."""
        before, self._env = self._env, {**self._env, **self.worker_env.get(name, {})}
        try:
            self.workers[name] = self.start_worker(processes, redis_url=self.proxy(name).url)
        finally:
            self._env = before

    def open_run(self, options: RunOptions) -> None:
        """A master that opens the run."""
        self.options = options
        master, answer = self.start_master(self.file, options, redis_url=self.proxy("master").url)
        assert "run" in answer, answer
        self.masters.append(master)
        self.run = answer["run"]

    def succeed(self) -> None:
        """Another master for the same run."""
        master, _ = self.start_master(self.file, self.options, run=self.run, redis_url=self.proxy("master").url)
        self.masters.append(master)

    def stand_by(self) -> None:
        """A master in reserve with folders of its own."""
        self.elsewhere = self.home / "elsewhere"
        env = {**self._env, "TIDAL_HOME": str(self.elsewhere), "TIDAL_REDIS_URL": self.proxy("standby").url}
        standby = self._start([sys.executable, "-m", "tidal", "master", "--standby"], b"", env=env)
        until(lambda: "stands by" in self.log_of(standby), 30, "the one in reserve is there")

    @property
    def master(self) -> subprocess.Popen[bytes]:
        """The newest."""
        return self.masters[-1]

    def tree_of(self, name: str) -> list[psutil.Process]:
        """A worker's agent and its generators."""
        agent = psutil.Process(self.workers[name].pid)
        return [agent, *agent.children(recursive=True)]

    def generators(self, name: str) -> list[psutil.Process]:
        """The generators of a worker."""
        return generators_of(self.workers[name])

    def signal_tree(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a worker's agent and all its children."""
        for process in self.tree_of(name):
            process.send_signal(number)

    def kill_worker(self, name: str) -> None:
        """`kill -9` of an agent and its children."""
        self.killed.add(self.workers[name].pid)
        self.signal_tree(name, signal.SIGKILL)
        self.workers[name].wait(20)

    # ------------------------------------------------------------------ Redis

    @property
    def admin(self) -> redis.Redis:
        """A connection of the test's own, under a user of its own, made before anything is broken."""
        if self._admin is None:
            made = redis.Redis.from_url(self.redis_url, protocol=2, socket_timeout=20)
            made.execute_command("ACL", "SETUSER", "chaos", "on", ">chaos", "~*", "&*", "+@all")
            made.close()
            self._admin = redis.Redis.from_url(self.redis_url, protocol=2, username="chaos", password="chaos")  # noqa: S106
            self._admin.ping()
        return self._admin

    def kill_redis(self) -> None:
        """`kill -9` of the server."""
        assert self.redis is not None
        self._drop_admin()
        self.redis.kill()
        self.redis.wait(10)
        (self.folder / "r.sock").unlink(missing_ok=True)

    def _drop_admin(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # ------------------------------------------------------------------ the end

    def stop_run(self) -> None:
        """An operator's wish, said until it is in the log."""
        Operator(self.bus(), RunKeys(self.run), "chaos").want(WantStop("the test is over"))

    def end_workers(self) -> None:
        """Tell every worker to leave, and wait for it."""
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            worker.wait(30)

    def close(self) -> None:
        """End everything."""
        for name, worker in self.workers.items():
            if worker.poll() is None:
                self.signal_tree(name, signal.SIGCONT)
        self._drop_admin()
        self.stalls.close()
        for proxy in self.proxies.values():
            proxy.close()
        self.workers, self.proxies = {}, {}
        super().close()

    # ------------------------------------------------------------------ what was counted

    def folded(self) -> Folded:
        """The archive of who led the run to its end."""
        home = self.elsewhere or self.home
        return Folded(home / "runs" / f"{self.run}.tidal", is_whole=self.elsewhere is None)

    def arrivals(self) -> list[Arrival]:
        """Every request that the target got so far from users that say who they are."""
        url = f"{self.target_url}/__arrivals?from={len(self._arrivals)}"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own
            self._arrivals += [(ms, user, sender) for ms, user, sender in json.load(answer)["arrivals"]]
        return self._arrivals

    def diaries(self) -> dict[int, Counter[str]]:
        """What the generators wrote down themselves: requests that ended, by agent and user."""
        found: dict[int, Counter[str]] = {}
        for path in self.diary.glob("*-*"):
            agent = int(path.name.partition("-")[0])
            found.setdefault(agent, Counter()).update(path.read_text().split())
        return found


def now_ms() -> int:
    """The target's clock, which is this machine's."""
    return time.time_ns() // 1_000_000


class Folded:
    """A run as its archive alone tells it."""

    def __init__(self, path: Path, *, is_whole: bool) -> None:
        self.state = State()
        self.by_agent: Counter[int] = Counter()  # requests, by the pid of the worker's agent
        self._pids: dict[str, int] = {}
        self._requests: Counter[str] = Counter()  # by incarnation
        self._seen: set[tuple[str, int, int]] = set()
        with Archive.open(path) as archive:
            for entry in archive.entries():
                fold_entry(self.state, entry)
                self._count(entry)
            if not is_whole:  # it begins with a keyframe
                self.state = Replay(archive).final()
        for incarnation, requests in self._requests.items():
            self.by_agent[self._pids.get(incarnation, 0)] += requests

    def __repr__(self) -> str:
        return f"<Folded {self.state}>"

    def _count(self, entry: Any) -> None:
        signed = decode(entry)
        if signed is None:
            return
        if isinstance(signed.event, WorkerSeen):
            self._pids[signed.event.incarnation] = signed.event.pid
        if entry.stream != REPORTS or not isinstance(signed, ByWorker) or not isinstance(signed.event, Reported):
            return
        identity = (signed.incarnation, signed.first, signed.last)
        if identity not in self._seen:
            self._seen.add(identity)
            tallies = [t for block in signed.event.blocks for t in block.tallies.values()]
            self._requests[signed.incarnation] += sum(t.requests for t in tallies)

    def frame(self, at_ms: int) -> Frame:
        """The picture at a moment."""
        return frame(self.state, at_ms)


def wait_closed(feed: LiveFeed) -> Frame:
    """The last picture of a feed."""
    until(lambda: feed.is_closed, 60, "the feed is at the end")
    last = feed.frame()
    assert last is not None
    return last


def python(*words: str) -> list[str]:
    """A command of this interpreter."""
    return [sys.executable, *words]


def stop(process: psutil.Process | subprocess.Popen[bytes]) -> None:
    """SIGSTOP."""
    os.kill(process.pid, signal.SIGSTOP)


def go_on(process: psutil.Process | subprocess.Popen[bytes]) -> None:
    """SIGCONT."""
    os.kill(process.pid, signal.SIGCONT)
