"""The two systems under the same faults: the same file, machine, load and signals; only the command lines differ."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import IO, TYPE_CHECKING, Any, cast

import psutil

from tidal.engines import discover

if TYPE_CHECKING:
    from pathlib import Path

USERS, PACE_S, SPAWN_RATE = 30, 0.5, 10
PLAN_RPS = int(USERS / PACE_S)

FILE = f"""
from locust import HttpUser, constant_pacing, task


class Visitor(HttpUser):
    wait_time = constant_pacing({PACE_S})

    @task
    def home(self):
        self.client.get("/")
"""
SLOW_FILE = FILE.replace('get("/")', 'get("/delay/3000")')


def first_line(process: subprocess.Popen[bytes]) -> str:
    """What a process says first."""
    return cast("IO[bytes]", process.stdout).readline().decode()


def free_port() -> int:
    """A port that nobody listens on, below those that outgoing connections take."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Side:
    """One system with a target of its own, started and ended by their own handles."""

    name = ""

    def __init__(self, folder: Path, *, text: str = FILE) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.file = folder / "locustfile.py"
        self.file.write_text(text, encoding="utf-8")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.masters: list[subprocess.Popen[bytes]] = []
        self.others: list[subprocess.Popen[bytes]] = []
        self._env = {**os.environ, "TIDAL_HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        shop = self.spawn([sys.executable, "-m", "tidal.target", "--port", "0", "--seed", "1"], pipe=True)
        self.url = f"http://127.0.0.1:{int(first_line(shop))}"
        self.others.append(shop)

    def spawn(self, argv: list[str], *, pipe: bool = False) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to a file, or its first part to a pipe."""
        log = (self.folder / f"out-{time.monotonic_ns()}.log").open("wb")
        out: int | IO[bytes] = subprocess.PIPE if pipe else log
        made = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=log, env=self._env, cwd=self.folder)
        log.close()
        return made

    def served(self) -> dict[str, Any]:
        """What the target counted."""
        with urllib.request.urlopen(f"{self.url}/__counts", timeout=20) as answer:  # noqa: S310 - our own
            counts: dict[str, Any] = json.load(answer)
        return counts

    def last_words(self) -> str:
        """The end of what each process printed."""
        return "\n".join(log.read_text(errors="replace")[-1_500:] for log in sorted(self.folder.glob("out-*.log")))

    def rate(self) -> int:
        """Requests in the last whole second."""
        by_second = self.served()["by_second"]
        return int(by_second.get(str(int(time.time()) - 1), 0))

    def begin(self, workers: int, run_s: int, stop_timeout_s: int = 0) -> None:
        """Everything up, the load begun."""
        raise NotImplementedError

    def add_worker(self) -> None:
        """One more worker."""
        raise NotImplementedError

    def next_master(self) -> None:
        """What an operator does after the master died."""
        raise NotImplementedError

    def counted(self) -> int | None:
        """Requests in the system's own final report; None when there is none."""
        raise NotImplementedError

    def signal_worker(self, number: int, what: signal.Signals) -> None:
        """Send a signal to a worker, and to its children when it cannot pass it on."""
        worker = self.workers[number]
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = [psutil.Process(worker.pid)]
            if what != signal.SIGTERM:
                tree += tree[0].children(recursive=True)
            for process in tree:
                process.send_signal(what)

    def kill_master(self) -> None:
        """`kill -9`."""
        self.masters[-1].kill()
        self.masters[-1].wait(10)

    def wait(self, within_s: float) -> None:
        """Wait for the end of the run: the newest master's."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.masters[-1].wait(within_s)

    def close(self) -> None:
        """End everything."""
        for process in [*self.masters, *self.workers, *self.others]:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait(10)
            for end in (process.stdin, process.stdout):
                if end is not None:
                    end.close()


class Tidal(Side):
    """`tidal master` and `tidal worker` over a Redis."""

    name = "tidal"
    run = ""

    def begin(self, workers: int, run_s: int, stop_timeout_s: int = 0) -> None:
        """Redis, workers, a master."""
        sock = self.folder / "r.sock"
        server = self.spawn([next(discover([])).path, "-"])
        config = f'port 0\nunixsocket {sock}\ndir {self.folder}\nsave ""\nappendonly yes\n'
        with cast("IO[bytes]", server.stdin) as stdin:
            stdin.write(config.encode())
        self.others.append(server)
        self._env["TIDAL_REDIS_URL"] = f"unix://{sock}"
        while not sock.exists():
            time.sleep(0.05)
        for _ in range(workers):
            self.add_worker()
        words = ["-f", str(self.file), "-u", str(USERS), "-r", str(SPAWN_RATE), "-t", f"{run_s}s", "-H", self.url]
        words += ["--expect-workers", str(workers), "-s", f"{stop_timeout_s}s"]
        self._lead(*words)

    def _lead(self, *words: str) -> None:
        master = self.spawn([sys.executable, "-m", "tidal", "master", *words], pipe=True)
        said = first_line(master).split()
        self.masters.append(master)
        self.run = said[1] if len(said) > 1 else self.run

    def add_worker(self) -> None:
        """`tidal worker`."""
        self.workers.append(self.spawn([sys.executable, "-m", "tidal", "worker", "--processes", "1"]))

    def next_master(self) -> None:
        """`tidal master --run`."""
        self._lead("--run", self.run)

    def counted(self) -> int | None:
        """From the archive."""
        argv = [sys.executable, "-m", "tidal", "replay", self.run, "--json"]
        done = subprocess.run(argv, capture_output=True, env=self._env, check=False, timeout=120)
        return int(json.loads(done.stdout)["total"]["requests"]) if done.returncode == 0 else None


class Locust(Side):
    """`locust --master` and `locust --worker`."""

    name = "Locust"
    more: tuple[str, ...] = ()

    def begin(self, workers: int, run_s: int, stop_timeout_s: int = 0) -> None:
        """A master, then workers."""
        self.port = free_port()
        self._words = ["-u", str(USERS), "-r", str(SPAWN_RATE), "-t", f"{run_s}s", "-H", self.url, "--headless"]
        self._words += ["--expect-workers", str(workers), "-s", str(stop_timeout_s), *self.more]
        self.next_master()
        for _ in range(workers):
            self.add_worker()

    def _locust(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "locust", "-f", str(self.file), *words]

    def add_worker(self) -> None:
        """`locust --worker`."""
        argv = self._locust("--worker", "--master-host", "127.0.0.1", "--master-port", str(self.port))
        self.workers.append(self.spawn(argv))

    def next_master(self) -> None:
        """`locust --master`, as the first."""
        prefix = str(self.folder / f"report{len(self.masters)}")
        words = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(self.port)]
        argv = self._locust(*words, *self._words, "--csv", prefix, "--json-file", prefix)
        self.masters.append(self.spawn(argv))

    def counted(self) -> int | None:
        """From the newest master's JSON; from its CSV when it did not end."""
        prefix = self.folder / f"report{len(self.masters) - 1}"
        with contextlib.suppress(OSError, ValueError):
            rows = json.loads(prefix.with_suffix(".json").read_text())
            return sum(int(row["num_requests"]) for row in rows)
        with contextlib.suppress(OSError):
            found = re.search(
                r"^,Aggregated,(\d+)", (self.folder / f"{prefix.name}_stats.csv").read_text(), re.MULTILINE
            )
            return int(found[1]) if found else None
        return None


class LocustRebalancing(Locust):
    """The same with `--enable-rebalancing`."""

    name = "Locust --enable-rebalancing"
    more = ("--enable-rebalancing",)


SIDES: tuple[type[Side], ...] = (Tidal, Locust, LocustRebalancing)
