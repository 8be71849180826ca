"""A target stands still for a second in five: what the open model says of it is true, the closed one's p99 is not.

A user who waits for the answer sends nothing while the target stands still, so a pause is in one request (coordinated
omission, Gil Tene). Arrivals come all the same, and each of them waits for the rest of the pause.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from tidal.model.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RATE, RUN_S = 20, 10
FILE = """
from tidal import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.002)  # so many that two pauses are less than a hundredth, on a slow machine, too

    @task
    def page(self):
        self.client.get("/")
"""


class Stalling(ThreadingHTTPServer):
    """Answers at once, but in the last second of every five not before that second is over; notes when it answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.began_s = time.monotonic()
        self.answered: list[tuple[float, float]] = []  # wall clock: when a request was there, when its answer went
        self.overslept_s = 0.0  # what the machine itself was late, at the worst

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def until_it_goes_on_s(self) -> float:
        """How long the pause that there is now still takes."""
        phase_s = (time.monotonic() - self.began_s) % 5
        return 5 - phase_s if phase_s >= 4 else 0.0


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Stalling

    def do_GET(self) -> None:
        came_s = time.time()
        pause_s = self.server.until_it_goes_on_s()
        time.sleep(pause_s)
        self.server.overslept_s = max(self.server.overslept_s, time.time() - came_s - pause_s)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.server.answered.append((came_s, time.time()))
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
        """Say nothing."""


@pytest.fixture
def target() -> Iterator[Stalling]:
    """The server, in threads of its own."""
    server = Stalling()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def measured(folder: Path, target: Stalling, *load: str) -> dict[str, Any]:
    """The figures of a run of one process."""
    file, out = folder / "page.py", folder / "out.json"
    file.write_text(FILE)
    argv = [sys.executable, "-m", "tidal", "run", "-f", str(file), "-H", target.url, "--processes", "1", *load]
    env = {**os.environ, "TIDAL_HOME": str(folder / "h")}
    done = subprocess.run(
        [*argv, "--json", str(out), "--allow-suspect"], env=env, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2_000:] + done.stdout.decode()[-2_000:]
    figures: dict[str, Any] = json.loads(out.read_text())
    return figures


def p99(values: list[float]) -> float:
    """Nearest rank."""
    return sorted(values)[ceil(0.99 * len(values)) - 1]


def test_arrivals_tell_the_truth_of_a_stall(target: Stalling, tmp_path: Path) -> None:
    """The truth: when the server answered, less when the request was to be sent by the plan alone."""
    figures = measured(
        tmp_path, target, "--plan", f"rate {RATE}/s for {RUN_S}s", "-s", "5"
    )  # the end may be in a pause
    plan = Arrivals(((0, float(RATE)),), end_ms=RUN_S * 1000)
    assert plan.total == RATE * RUN_S == len(target.answered) == figures["total"]["requests"]
    due_s = [figures["run"]["began_ms"] / 1e3 + (plan.due_us(k) or 0) / 1e6 for k in range(plan.total)]
    truth_ms = p99([1000 * (sent - due) for due, (_, sent) in zip(due_s, sorted(target.answered), strict=True)])
    said_ms = figures["total"]["response_p99_us"] / 1000
    assert truth_ms > 700
    late_ms = 1000 * target.overslept_s + figures["delay"]["max_us"] / 1000  # of the machine: here, and in reading
    assert abs(said_ms - truth_ms) <= 0.025 * truth_ms + late_ms, (said_ms, truth_ms, late_ms)


def test_a_user_who_waits_does_not_see_it(target: Stalling, tmp_path: Path) -> None:
    """The same target, the closed model: less than one request in a hundred met a pause, so the p99 has none of it."""
    figures = measured(tmp_path, target, "-u", "1", "-t", f"{RUN_S}s")
    paused = [sent - came for came, sent in target.answered if sent - came > 0.3]
    assert 1 <= len(paused) < len(target.answered) / 100
    assert figures["total"]["p99_us"] < 300_000
