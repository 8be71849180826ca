"""A run goes on while somebody writes what hurts into every key: nothing stops, nothing is shown as it is."""

from __future__ import annotations

import csv
import io
import json
import signal
import time
import unicodedata
from typing import TYPE_CHECKING, Any

import hostile
import pytest
import redis
from deadline import until
from screen import Screen
from secured import REDIS, Secured
from stage import Stage, seen

from tidal.keys import FleetKeys, RunKeys
from tidal.live import LiveFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.skipif(not REDIS, reason="needs redis-server")]

FLEET = FleetKeys("default")


def strange(text: str) -> set[str]:
    """Characters that a terminal might obey, beside the end of a line."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c not in "\n\r\t"}


@pytest.fixture
def client(stage: Stage) -> Iterator[redis.Redis]:
    """The hostile hand."""
    made = redis.Redis.from_url(stage.redis_url, protocol=2)
    yield made
    made.close()


def begun(stage: Stage, *more: str) -> tuple[Any, Any, str]:
    """A console with a run of eight users over one worker, all of them running."""
    secured = Secured(stage, "port 0\n")
    env = {"TIDAL_REDIS_URL": stage.redis_url}
    worker = secured.start("worker", "--processes", "1", **env)
    words = ["-f", "locustfile.py", "-u", "8", "-r", "50", "-H", stage.target_url, *more]
    console = secured.start("run", *words, **env)
    line = console.stdout.readline().decode()
    assert line.startswith("run "), line + stage.log_of(console)
    return worker, console, line.split()[1]


def test_nothing_hostile_stops_a_run_or_reaches_an_output(stage: Stage, client: redis.Redis) -> None:
    """With all rights there are: the users run on, what was measured is whole, the rest is counted and cleaned."""
    files = ["--csv", "out", "--csv-full-history", "--html", "out.html", "--json", "out.json"]
    worker, console, run = begun(stage, *files)
    keys = RunKeys(run)
    feed = LiveFeed(stage.redis_url, keys, presence=False).start()
    seen(feed, lambda frame: frame.run.users_running >= 8, "eight users run")
    now_ms = time.time_ns() // 1_000_000
    hostile.as_worker(client, keys, FLEET, now_ms)
    hostile.as_operator(client, keys, now_ms)
    hostile.as_master(client, keys, FLEET, now_ms)
    shown = seen(feed, lambda frame: frame.bad_entries >= 2 * hostile.REFUSED_LEAST, "what was refused is counted")
    assert any("refused" in row.text for row in shown.story)
    late = LiveFeed(stage.redis_url, keys, presence=False).start()  # who comes now begins at the garbage keyframe
    seen(late, lambda frame: frame.bad_entries >= 2 * hostile.REFUSED_LEAST, "a late viewer sees the same")
    served = stage.served()["answered"]
    until(lambda: stage.served()["answered"] > served + 60, 30, "the load goes on")
    console.send_signal(signal.SIGINT)  # in order
    whole, _ = console.communicate(timeout=200)
    log = stage.log_of(console)
    assert "Traceback (most recent call last)" not in log
    end = json.loads((stage.folder / "out.json").read_text())
    ours = {(row["method"], row["name"]): row["requests"] for row in end["endpoints"] if row["name"].startswith("/")}
    assert ours["GET", "/"] + ours["GET", "/products/[id]"] == stage.served()["answered"]
    assert end["run"]["outcome"] == "stopped"
    assert end["bad_entries"] >= 2 * hostile.REFUSED_LEAST
    feed.close()
    late.close()
    worker.terminate()
    assert worker.wait(60) == 0, stage.log_of(worker)
    _check_outputs(stage.folder, whole.decode() + log, run)


def _check_outputs(folder: Path, printed: str, run: str) -> None:
    """Tables, CSV, HTML and JSON hold no control character, no markup and no formula of a stranger's."""
    assert strange(printed) == set()
    html = (folder / "out.html").read_text()
    assert "<script>alert(1)" not in html
    assert "<img src=x" not in html
    assert strange(html) == set()
    files = sorted(folder.glob("out_*.csv"))
    assert len(files) == 4
    for path in files:
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")):
            assert not [cell for cell in row if strange(cell)], path
            assert not [cell for cell in row if cell.lstrip()[:1] in tuple("=+@")], path
    assert "\\u001b" not in (folder / "out.json").read_text()
    assert run in printed


def test_the_screen_shows_it_as_text(stage: Stage, client: redis.Redis) -> None:
    """A terminal that is attached meanwhile keeps its screen, its lines and its life."""
    _, console, run = begun(stage)
    keys = RunKeys(run)
    screen = Screen(stage.home, "watch", run, "--redis", stage.redis_url, size=(160, 48))
    screen.until("/products/[id]")
    hostile.as_worker(client, keys, FLEET, time.time_ns() // 1_000_000)
    assert strange(screen.until("/flood/0")) == set()
    screen.press("/")
    screen.until("words to look for")  # the field has come, and with it the keys
    screen.press(*"boo", "enter")  # far down among what floods the table
    assert strange(screen.until("[red]boo[/]")) == set()
    screen.press("q")
    assert screen.left() == 0
    assert screen.is_restored
    console.terminate()
    console.wait(100)
