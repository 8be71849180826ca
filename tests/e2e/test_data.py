"""Test data in whole runs: users keep their rows, and a unique row reaches the target once, whoever dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from deadline import until
from stage import Stage, ended_with, folded, generators_of, running, seen

from tidal.model.events import RunOptions
from tidal.model.spans import total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROWS = "rows:people.csv"

BUYERS = """
import tidal
from tidal import HttpUser, constant_throughput, task

people = tidal.feed("people.csv", order="unique"{more})
accounts = tidal.feed([f"account-{{n}}" for n in range(100)])


class Buyer(HttpUser):
    wait_time = constant_throughput(5)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.account = accounts.of(self)

    @task
    def buy(self):
        person = people.next(self)
        self.client.get(f"/{{person['id']}}/{{self.number}}/{{self.account}}", name="/buy")
"""


class Shop(ThreadingHTTPServer):
    """A target that knows what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Customer)
        self.asked: list[tuple[str, ...]] = []
        self.sent: list[tuple[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def rows(self) -> Counter[str]:
        """How often each row was seen."""
        return Counter(row for row, *_ in list(self.asked))

    @property
    def accounts(self) -> dict[str, set[str]]:
        """The accounts that each number came with."""
        found = defaultdict(set)
        for _, number, account in list(self.asked):
            found[number].add(account)
        return found


class Customer(BaseHTTPRequestHandler):
    """Notes what is asked for."""

    protocol_version = "HTTP/1.1"
    server: Shop

    def do_GET(self) -> None:
        """An empty answer."""
        self.server.asked.append(tuple(self.path.strip("/").split("/")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """The same, with what was sent."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append((self.path, json.loads(sent)))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A target that knows what it was asked."""
    made = Shop()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()


def write(folder: Path, rows: int, more: str = "") -> Path:
    """A locustfile whose data has so many rows."""
    people = "".join(f"{n},Person {n}\n" for n in range(rows))
    (folder / "people.csv").write_text(f"id,name\n{people}", encoding="utf-8")
    file = folder / "locustfile.py"
    file.write_text(BUYERS.format(more=more), encoding="utf-8")
    return file


def positions(spans: tuple[tuple[int, int], ...]) -> set[str]:
    """The rows of spans, as the target sees them."""
    return {str(n) for first, count in spans for n in range(first, first + count)}


def told(shown: Frame, words: str) -> list[str]:
    """Lines of the story with these words."""
    return [row.text for row in shown.story if words in row.text]


def test_a_worker_dies_and_every_row_stays_single(stage: Stage, shop: Shop) -> None:
    """Its users go on elsewhere with their numbers and accounts; what it held is named, and used by nobody else."""
    file = write(stage.folder, 20_000)
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=90_000, host=shop.url, expect_workers=2)
    _, victim = stage.start_worker(), stage.start_worker()
    master, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 120, 30, "the users work")
    children = generators_of(victim)
    victim.kill()
    victim.wait(10)
    until(lambda: not any(child.is_running() for child in children), 10, "its generators go with it")
    told_of = seen(feed, lambda shown: told(shown, "are lost:"), "the rows that it held are named", 30)
    seen(feed, running, "12 users run again")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 120, 30, "the users work on")
    stage.stop(answer["run"])
    assert master.wait(90) == 0, stage.log_of(master)

    rows = shop.rows
    assert max(rows.values()) == 1, "a row was handed out twice"
    assert shop.accounts == {str(number): {f"account-{number}"} for number in range(12)}
    record = folded(answer["run"]).log.counters[ROWS]
    lost, free = positions(record.lost), positions(record.free)
    assert not free & set(rows), "what was given back was used"
    assert free | lost | set(rows) >= {str(n) for n in range(record.next)}, "a row is nowhere"
    (line,) = told(told_of, "are lost:")
    words = r"rows [\d, -]+( and \d+ more)? of people\.csv are lost: w\d was lost with them; nobody gets them again"
    assert re.fullmatch(words, line.replace(", and", " and")), line
    assert record.lost_count == total(record.lost) > 0


def test_a_generator_dies_and_what_it_held_is_named(stage: Stage, shop: Shop) -> None:
    """Its siblings and its successor use other rows."""
    file = write(stage.folder, 20_000)
    worker = stage.start_worker()
    master, answer = stage.start_master(file, RunOptions(users=12, spawn_rate=50, host=shop.url))
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 60, 30, "the users work")
    generators_of(worker)[0].kill()
    seen(feed, lambda shown: told(shown, "a generator of w1 died with them"), "its rows are named", 40)
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 120, 30, "the users work on")
    master.terminate()
    assert master.wait(60) == 0, stage.log_of(master)
    assert max(shop.rows.values()) == 1, "a row was handed out twice"
    assert shop.accounts == {str(number): {f"account-{number}"} for number in range(12)}


def test_a_worker_that_was_taken_for_lost_uses_nothing_of_its_old_life(stage: Stage, shop: Shop) -> None:
    """What it held was written off while it slept: awake, it asks for other rows."""
    file = write(stage.folder, 20_000)
    sleeper, _ = stage.start_worker(), stage.start_worker()
    options = RunOptions(users=12, spawn_rate=50, host=shop.url, expect_workers=2)
    master, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 60, 30, "the users work")
    asleep = [psutil.Process(sleeper.pid), *generators_of(sleeper)]
    for process in asleep:
        process.suspend()
    seen(feed, lambda shown: told(shown, "are lost:"), "its rows are named", 30)
    seen(feed, running, "its users run elsewhere", 30)
    used_before = set(shop.rows)
    for process in asleep:
        process.resume()
    seen(feed, lambda shown: len(told(shown, " is running")) > 2, "it serves again", 40)
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 120, 30, "the users work on")
    master.terminate()
    assert master.wait(60) == 0, stage.log_of(master)
    assert max(shop.rows.values()) == 1, "a row was handed out twice"
    lost = positions(folded(answer["run"]).log.counters[ROWS].lost)
    in_hand = (set(shop.rows) - used_before) & lost
    assert len(in_hand) <= 12 < len(lost), "more was used than what users had in hand when they fell asleep"


def test_a_master_dies_and_its_successor_lends_on(stage: Stage, shop: Shop) -> None:
    """Users have rows ahead while nobody leads; no row is lent twice, and none is lost."""
    file = write(stage.folder, 20_000)
    stage.start_worker()
    stage.start_worker()
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=200_000, host=shop.url, expect_workers=2)
    master, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 180, 30, "the users have rows ahead")
    master.kill()
    master.wait(10)
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 80, 30, "the users work on without a master")
    successor, _ = stage.start_master(file, options, run=answer["run"])
    seen(feed, lambda shown: told(shown, "took over"), "there is a successor")
    before = len(shop.asked)
    until(lambda: len(shop.asked) > before + 400, 30, "it lends on")
    stage.stop(answer["run"])
    assert successor.wait(90) == 0, stage.log_of(successor)
    assert max(shop.rows.values()) == 1, "a row was handed out twice"
    record = folded(answer["run"]).log.counters[ROWS]
    assert not record.lost_count
    assert positions(record.free) | set(shop.rows) == {str(n) for n in range(record.next)}


def test_rows_that_run_out_stop_their_users_and_nobody_comes_back(stage: Stage, shop: Shop) -> None:
    """Every row reaches the target exactly once; the run says once that there are no more."""
    file = write(stage.folder, 200)
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=90_000, host=shop.url, expect_workers=2)
    stage.start_worker()
    stage.start_worker()
    master, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda shown: told(shown, "handed out"), "the rows run out")
    seen(feed, lambda shown: shown.total.requests == 200 and not shown.run.users_running, "the users stop", 30)
    stage.stop(answer["run"])
    assert master.wait(60) == 0, stage.log_of(master)
    until(lambda: feed.is_closed, what="the feed is at the end")
    last = feed.frame()
    assert last is not None
    assert shop.rows == dict.fromkeys(map(str, range(200)), 1)
    assert told(last, "handed out") == ["all 200 rows of people.csv are handed out"]


def test_a_worker_that_leaves_gives_its_rows_back(stage: Stage, shop: Shop) -> None:
    """A rolling deploy costs no row: all are used when those that stay have gone through them."""
    file = write(stage.folder, 600)
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=240_000, host=shop.url, expect_workers=2)
    leaver, _ = stage.start_worker(), stage.start_worker()
    master, answer = stage.start_master(file, options)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    leaver.terminate()
    assert leaver.wait(60) == 0
    seen(feed, lambda shown: told(shown, "handed out") and not shown.run.users_running, "all rows are used", 60)
    assert shop.rows == dict.fromkeys(map(str, range(600)), 1)
    shown = feed.frame()
    assert shown is not None
    assert not told(shown, "are lost")
    master.terminate()
    assert master.wait(60) == 0, stage.log_of(master)


@pytest.mark.parametrize(
    ("content", "said", "code"),
    [
        ("id,name\n1,Ann\n2\n", "people.csv:3: 1 field where the header has 2", 12),
        ("id,id\n1,2\n", "people.csv:1: the header names 'id' twice", 12),
        ("", "people.csv: the file is empty", 12),
        (None, "people.csv: no such file in", 12),
    ],
)
def test_a_bad_file_is_one_line_before_the_run(tmp_path: Path, content: str | None, said: str, code: int) -> None:
    """With the line of the locustfile, and that of the data."""
    file = write(tmp_path, 1)
    if content is None:
        (tmp_path / "people.csv").unlink()
    else:
        (tmp_path / "people.csv").write_text(content, encoding="utf-8")
    argv = [sys.executable, "-m", "tidal", "run", "-f", str(file), "--host", "http://127.0.0.1:9", "-t", "1s"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == code
    assert f"locustfile.py:5: {said}" in done.stderr
    assert "Traceback" not in done.stderr


PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
EXAMPLES = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text(encoding="utf-8"))
DATA = {
    "accounts.csv": "name,password\n" + "".join(f"user-{n},secret-{n}\n" for n in range(9)),
    "vouchers.csv": "code\n" + "".join(f"V{n}\n" for n in range(500)),
    "searches.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in ("tea", "coffee", "bread")),
}


def run_example(
    folder: Path, text: str, url: str, enough: Callable[[], object] = lambda: False
) -> subprocess.CompletedProcess[str]:
    """A run of a locustfile with the data that the page speaks of, until it ends or enough was seen."""
    for name, content in {**DATA, "locustfile.py": text}.items():
        (folder / name).write_text(content, encoding="utf-8")
    words = ["-f", "locustfile.py", "--host", url, "-u", "4", "-r", "50", "-t", "100s", "--processes", "2"]
    argv = [sys.executable, "-m", "tidal", "run", "--allow-suspect", *words]
    where: dict[str, Any] = {"cwd": folder, "env": {**os.environ, "TIDAL_HOME": str(folder / "home")}}
    told = folder / "told.txt"
    with (
        told.open("w") as out,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **where) as console,
    ):

        def is_followed() -> bool:
            """Whether there is more than the first line: a Ctrl-C before that ends the console, too, and at once."""
            return told.read_text(encoding="utf8").count("\n") > 1

        until(lambda: console.poll() is not None or (is_followed() and enough()), 30, "enough was seen")
        console.send_signal(signal.SIGINT)
    return subprocess.CompletedProcess(argv, console.returncode, told.read_text(encoding="utf8"))


def test_the_pages_first_example_does_what_it_says(tmp_path: Path, shop: Shop) -> None:
    """An account for each user, vouchers that come once."""

    def sent(where: str, what: str) -> list[str]:
        return [form[what] for path, form in list(shop.sent) if path == where]

    def searched() -> set[str]:
        return {step.partition("?q=")[2] for step, *_ in list(shop.asked) if step.startswith("search")}

    enough = lambda: len(sent("/login", "name")) == 4 and sent("/redeem", "code") and searched()  # noqa: E731
    done = run_example(tmp_path, EXAMPLES[0], shop.url, enough)
    assert ended_with(done.returncode, done.stdout), done.stdout
    assert sorted(sent("/login", "name")) == [f"user-{n}" for n in range(4)]
    assert max(Counter(sent("/redeem", "code")).values()) == 1
    assert searched() <= {"tea", "coffee", "bread"}


def test_the_pages_second_example_ends_the_run(tmp_path: Path, shop: Shop) -> None:
    """When a user finds no row."""
    first, second = EXAMPLES
    assert "accounts" in first
    done = run_example(tmp_path, second, shop.url)
    assert ended_with(done.returncode, done.stdout), done.stdout
    people = Counter(sent["name"] for _, sent in shop.sent)
    assert set(people.values()) == {1}
    assert len(people) > 25, "a few may be left"
    assert "people: all 50 rows handed out" in done.stdout


LIBRARY = """
import tidal.compat

tidal.compat.install()

import json
import gevent
import tidal
from locust import User, constant_throughput, task
from locust.env import Environment

people = tidal.feed([{"id": n} for n in range(40)], order="unique")
own = tidal.feed(list("abcdefgh"))
seen = []


class Buyer(User):
    wait_time = constant_throughput(100)

    @task
    def buy(self):
        seen.append((self.number, own.of(self), people.next(self)["id"]))


def run():
    seen.clear()
    runner.start(4, spawn_rate=100)
    with gevent.Timeout(20):
        while len(seen) < 40 or runner.user_count:
            gevent.sleep(0.05)
    runner.stop()
    return list(seen)


runner = Environment(user_classes=[Buyer]).create_local_runner()
print(json.dumps([run(), run()]))
runner.quit()
"""


def test_a_script_of_its_own_has_feeds_too() -> None:
    """Locust as a library: the lease is the process's, and every test begins anew."""
    done = subprocess.run([sys.executable, "-c", LIBRARY], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for seen_rows in json.loads(done.stdout):
        assert sorted(row for _, _, row in seen_rows) == list(range(40))
        assert {(number, own) for number, own, _ in seen_rows} == {(0, "a"), (1, "b"), (2, "c"), (3, "d")}
