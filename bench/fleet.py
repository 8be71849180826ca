"""What one master costs with a large fleet: a real Redis, a master in its own process, simulated workers.

    python bench/fleet.py [--workers 1000] [--endpoints 20] [--samples 50] [--seconds 24] [--profile FILE]

One process writes what so many agents would: heartbeats twice a second each, and reports by tidal's own codec, at the
interval and in the turn that the plan in the log asks for. A worker has `endpoints` times `samples` requests a second,
made beforehand: sixteen seconds of them, which the workers share. The master is tidal's, with its archive; it notes how
old each report was once it was folded, and nothing else of it is changed. Redis keeps an append-only file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from contextlib import closing, contextmanager
from dataclasses import dataclass
from dataclasses import field as of_dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import psutil

from tidal import __version__, leader, paths
from tidal.bus import Bus
from tidal.keys import BEAT_TTL_MS, FleetKeys, RunKeys
from tidal.launch import LaunchSpec
from tidal.master import Master
from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, ZERO_ID, encode, entry_of, pack
from tidal.model.each import Spans
from tidal.model.fold import fold_entry
from tidal.model.intervals import report_interval_ms, report_span_s, report_turn_ms
from tidal.model.liveness import BEAT_MS, Heartbeat
from tidal.model.state import State
from tidal.model.stats import Spread, Tally
from tidal.model.struct import field, replace
from tidal.model.wire import to_wire
from tidal.opening import begin_inspection, new_run_id, open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.model.codec import EntryId

FILE = """
from tidal import User, task

class Buyer(User):
    @task
    def buy(self):
        pass
"""
FLEET = FleetKeys("default")
USERS, GENERATORS, TEMPLATES = 20, 4, 16
BUDGET_BYTES = 16 << 20
"""Of the streams: small, so that the master trims while it is watched."""
WINDOWS = 3
PATIENCE_S = 120.0


# ------------------------------------------------------------------ the master's process


class Timed(Master):
    """A master that notes how old each report was when it had been folded, in ms, in a file."""

    moments: Path
    _read_ids: list[EntryId]

    def _take(self, stream: str, entry_id: EntryId, fields: dict[bytes, bytes]) -> None:
        super()._take(stream, entry_id, fields)
        if stream == REPORTS:
            self._read_ids.append(entry_id)

    def _read(self, *args: object, **more_args: object) -> bool:
        self._read_ids = []
        more = super()._read(*args, **more_args)  # type: ignore[arg-type]
        now_ms = time.time_ns() // 1_000_000
        if self._read_ids:
            with self.moments.open("ab") as file:
                array("q", [now_ms - entry_id.ms for entry_id in self._read_ids]).tofile(file)
        return more


def lead(url: str, folder: Path, workers: int) -> None:
    """Lead a run of so many workers until the process is killed."""
    options = ev.RunOptions(
        users=workers * USERS,
        spawn_rate=workers * USERS * 1.0,
        run_time_ms=3_600_000,
        expect_workers=workers,
        expect_workers_max_wait_ms=300_000,
        log_budget_bytes=BUDGET_BYTES,
    )
    bus = Bus.connect(url, role="master")
    run = new_run_id(time.time_ns() // 1_000_000)
    spec = LaunchSpec(str(folder / "locustfile.py"), options, redis_url=url)
    with closing(begin_inspection(spec)) as inspection:
        opening = open_run(spec, run, inspection)
    opened = (replace(e, hooks=()) if isinstance(e, ev.RunOpened) else e for e in opening.events)
    master = Timed(bus, run, replace(opening, events=tuple(opened)), spec.file)  # no plug-ins that listen here
    master.moments = folder / "moments"
    master.take()
    leader.lead(master)


# ------------------------------------------------------------------ the workers


class Wired(ev.Block):
    """A block whose bytes are made once: it is the master that is measured."""

    wire: list[object] = field(default_factory=list)

    def to_wire(self) -> list[object]:
        """As a block's, of another second."""
        return [self.second, *self.wire[1:]]


class Second(NamedTuple):
    """What a worker measured in a second."""

    tallies: dict[tuple[str, str], Tally]
    failures: tuple[ev.FailureTally, ...]
    delay: Spread
    undelayed: Spread


class Told(NamedTuple):
    """What a worker says of some seconds."""

    block: ev.Block
    failures: tuple[ev.FailureTally, ...]
    delay: Spread
    undelayed: Spread


def wired(block: ev.Block) -> Wired:
    """A block whose bytes are made."""
    parts = {name: getattr(block, name) for name in block.__struct_fields__}
    return Wired(**parts, wire=block.to_wire())


def second_of(chance: Random, endpoints: int, samples: int) -> Second:
    """A second of one worker, drawn."""
    made, failed = dict[tuple[str, str], Tally](), 0
    delay, undelayed = Spread(), Spread()
    for endpoint in range(endpoints):
        tally = Tally()
        for _ in range(samples):
            took_us = round(1000 * (5 + endpoint) * chance.lognormvariate(0, 0.4))
            tally.add(took_us, 512, failed=chance.random() < 0.001)
            late_us = round(chance.lognormvariate(4, 0.7))
            delay.add(late_us)
            undelayed.add(took_us - late_us)
        failed += tally.failures
        made["GET", f"/products/{endpoint}"] = tally
    said = (ev.FailureTally("GET", "/products/0", "HTTP 500", failed, 0, 0),) if failed else ()
    return Second(made, said, delay, undelayed)


@dataclass
class Fleet:
    """So many simulated workers, which follow the log of their run as agents do."""

    bus: Bus
    count: int
    seconds: list[Second]
    state: State = of_dataclass(default_factory=State)
    run: str = ""
    sent: int = 0
    late_ms: int = 0  # how far this process was behind at the worst: beyond some 100 ms it measures itself
    _told: dict[tuple[int, int], Told] = of_dataclass(default_factory=dict)
    _log_at: EntryId = ZERO_ID
    _due: list[tuple[int, int]] = of_dataclass(default_factory=list)  # (when, whose), the next one last
    _seq: list[int] = of_dataclass(default_factory=list)
    _beaten: int = 0

    def turn(self) -> None:
        """Read, beat and report what is due."""
        now_ms = time.time_ns() // 1_000_000
        self._follow()
        self._beat(now_ms)
        if self.state.log.began_ms and now_ms > self.state.log.began_ms:
            self._report()

    def _follow(self) -> None:
        if not self.run:
            self.run = self.bus.announced_run(FLEET) or ""
            return
        keys = RunKeys(self.run)
        for _, entry_id, fields in self.bus.read({keys.log: self._log_at}, block_ms=None, count=1_000):
            self._log_at = entry_id
            if fields[b"k"] not in {ev.Ticked.KIND.encode(), ev.WorkerChanged.KIND.encode()}:
                fold_entry(self.state, entry_of(LOG, entry_id, fields))

    def _beat(self, now_ms: int) -> None:
        """The heartbeats that are due since the last turn, evenly over half a second."""
        upto = now_ms * self.count // BEAT_MS
        first, self._beaten = max(self._beaten, upto - self.count), upto
        state, users = ("running", USERS) if self.state.log.began_ms else ("ready" if self.run else "waiting", 0)
        commands: list[tuple[str | bytes | int, ...]] = []
        for number in range(first, upto):
            name = f"box{number % self.count}"
            who = (name, incarnation(number % self.count), name, 100, GENERATORS, ev.SCHEMA_VERSION, __version__)
            beat = Heartbeat(*who, now_ms, self.run, state, "", users, GENERATORS, 200 + number % 7, 1 << 27, 3)
            commands += [("SADD", FLEET.workers, name), ("TIME",), ("GET", FLEET.run)]
            commands += [("SET", FLEET.beat(name), pack(to_wire(beat)), "PX", BEAT_TTL_MS)]
        if commands:
            self.bus._run(*commands)  # noqa: SLF001 - `beat` goes to and fro for each worker

    def _report(self) -> None:
        interval_ms = report_interval_ms(self.state.log)
        if not self._due:
            self._begin(interval_ms)
        for _ in range(self.count):
            now_ms = time.time_ns() // 1_000_000
            due_ms, number = self._due[-1]
            if due_ms > now_ms:
                return
            self.late_ms = max(self.late_ms, now_ms - due_ms)
            self._due.pop()
            self._due.insert(0, (due_ms + interval_ms, number))
            self._seq[number] += 1
            fields = encode(self._one(number, due_ms, interval_ms))
            self.bus.send_reports(RunKeys(self.run), incarnation(number), [fields])
            self.sent += 1

    def _spanned(self, first: int, span_s: int) -> Told:
        """What a worker says of so many seconds: put together once, as an agent does it."""
        if (first, span_s) not in self._told:
            parts = [self.seconds[(first + at) % TEMPLATES] for at in range(span_s)]
            delay, undelayed = Spread(), Spread()
            for part in parts:
                delay.merge(part.delay)
                undelayed.merge(part.undelayed)
            each = [
                ev.Block(at, 1, {key: tally.copy() for key, tally in part.tallies.items()}, {"Buyer": USERS * 1_000})
                for at, part in enumerate(parts)
            ]
            (block,) = Spans(span_s).joined(each)
            block = wired(replace(block, user_class="Buyer"))
            self._told[first, span_s] = Told(block, parts[-1].failures, delay, undelayed)
        return self._told[first, span_s]

    def _begin(self, interval_ms: int) -> None:
        log = self.state.log
        first_ms = (log.began_ms // interval_ms + 2) * interval_ms + 300
        turns = [(first_ms + report_turn_ms(log, incarnation(w)), w) for w in range(self.count)]
        self._due, self._seq = sorted(turns, reverse=True), [0] * self.count

    def _one(self, number: int, due_ms: int, interval_ms: int) -> ev.ByWorker:
        """A report as of an agent: the seconds since the last one."""
        seq, span_s = self._seq[number], report_span_s(self.state.log)
        until_s = (due_ms - 300) // 1_000 // span_s * span_s
        from_s = until_s - interval_ms // 1_000
        said = [self._spanned((first + number) % TEMPLATES, span_s) for first in range(from_s, until_s, span_s)]
        blocks = tuple(replace(one.block, second=from_s + at * span_s) for at, one in enumerate(said))
        each = USERS // GENERATORS
        generators = tuple(ev.GeneratorState(g, 1 + g, "running", each, 3, {"Buyer": each}) for g in range(GENERATORS))
        event = ev.Reported(
            from_s * 1_000, until_s * 1_000, blocks, said[-1].failures, users={"Buyer": USERS},
            generators=generators, cpu_permille=200, memory_bytes=1 << 27, delay=said[-1].delay,
            undelayed=said[-1].undelayed,
        )  # fmt: skip
        return ev.ByWorker(incarnation(number), seq, seq, due_ms, event)


def incarnation(number: int) -> str:
    """Of a worker's one life."""
    return f"{number:016x}"


# ------------------------------------------------------------------ measuring


class Cost(NamedTuple):
    """What a fleet cost.

    Attributes:
        cpu: of the master, in percent of a core, by window, if it had been given all that it needed.
        p99_ms: from a report's append until it was folded, by window.
        gb_hour: what the log of an hour would take in Redis, untrimmed, by window.
        note: how many reports there were, and what else is to be said.
    """

    cpu: list[float]
    p99_ms: list[float]
    gb_hour: list[float]
    note: str


@contextmanager
def stage(workers: int, profile: str = "") -> Iterator[tuple[Bus, psutil.Process, Path]]:
    """A Redis, and a master that waits for so many workers."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        raise SystemExit("no redis-server here: bash .ci/redis-server installs one")
    with tempfile.TemporaryDirectory() as name, socket.socket() as sock:
        folder = Path(name)
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        sock.close()
        (folder / "locustfile.py").write_text(FILE, encoding="utf-8")
        argv = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", name]
        redis = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        url = f"redis://127.0.0.1:{port}"
        bus = _connected(url)
        env = {**os.environ, paths.HOME: str(folder / "home")}
        words = [sys.executable, *(["-m", "cProfile", "-o", profile] if profile else []), __file__]
        master = subprocess.Popen([*words, "--lead", json.dumps([url, name, workers])], env=env, cwd=name)
        try:
            yield bus, psutil.Process(master.pid), folder
        finally:
            master.send_signal(signal.SIGINT if profile else signal.SIGKILL)
            master.wait()
            redis.kill()
            redis.wait()


def _connected(url: str) -> Bus:
    for _ in range(100):
        try:
            return Bus.connect(url, role="worker")
        except Exception:  # noqa: BLE001 - it is not up yet
            time.sleep(0.05)
    return Bus.connect(url, role="worker")


@cache
def measure(workers: int, endpoints: int = 20, samples: int = 50, seconds: float = 24.0, profile: str = "") -> Cost:
    """What a master of so many workers costs; measured once."""
    with stage(workers, profile) as (bus, master, folder):
        fleet = Fleet(bus, workers, [second_of(Random(n), endpoints, samples) for n in range(TEMPLATES)])
        began_s = time.monotonic()
        _until(fleet, lambda: fleet.sent > 0)
        started_s = time.monotonic() - began_s
        _until(fleet, lambda: fleet.sent >= 3 * workers)
        fleet.late_ms = 0
        windows = [_window(fleet, master, folder / "moments", seconds / WINDOWS) for _ in range(WINDOWS)]
        rate, held = statistics.median(w[3] for w in windows), max(w[4] for w in windows)
        note = (
            f"{rate:.0f} reports a second, of {endpoints * samples} requests a second each; up in {started_s:.0f} s;"
            f" the log in Redis at most {held / 1e6:.0f} MB with --log-budget {BUDGET_BYTES >> 20} MB;"
            f" the fleet at most {fleet.late_ms} ms late"
        )
        return Cost([w[0] for w in windows], [w[1] for w in windows], [w[2] for w in windows], note)


def _window(fleet: Fleet, master: psutil.Process, moments: Path, seconds: float) -> tuple[float, ...]:
    """CPU in percent, the p99 in ms, GB an hour, reports a second, the most bytes that the streams took.

    CPU and bytes are those of a report, times the reports that so many workers are to send: on a busy machine a master
    that starves, or this fleet, falls behind and would look cheap.
    """
    skip, used_s, sent, began_s = moments.stat().st_size, _cpu_s(master), fleet.sent, time.monotonic()
    most, looked_s = 0, began_s
    while time.monotonic() - began_s < seconds:
        fleet.turn()
        if time.monotonic() - looked_s > 1:
            looked_s, most = time.monotonic(), max(most, _bytes_of(fleet)[0])
        time.sleep(0.005)
    lasted_s = time.monotonic() - began_s
    rate, ages = (fleet.sent - sent) / lasted_s, array("q")
    ages.frombytes(moments.read_bytes()[skip:])
    p99_ms = statistics.quantiles(ages, n=100)[-1]
    due = 1_000 / report_interval_ms(fleet.state.log) * fleet.count
    cpu = (_cpu_s(master) - used_s) / max(1, len(ages)) * due * 100
    return cpu, p99_ms, _bytes_of(fleet)[1] * due * 3_600 / 1e9, rate, most


def _bytes_of(fleet: Fleet) -> tuple[int, float]:
    """What both streams take in Redis, and what a report takes of it."""
    keys = RunKeys(fleet.run)
    size, count, log = fleet.bus._run(  # noqa: SLF001 - nothing of tidal's asks for this
        ("MEMORY", "USAGE", keys.reports, "SAMPLES", 0), ("XLEN", keys.reports), ("MEMORY", "USAGE", keys.log)
    )
    return (size or 0) + (log or 0), (size or 0) / max(1, count)


def _until(fleet: Fleet, is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_done():
        if time.monotonic() > end_s:
            raise SystemExit(f"the fleet did not get there: {fleet.sent} reports sent, {fleet.state}")
        fleet.turn()
        time.sleep(0.005)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--endpoints", type=int, default=20)
    parser.add_argument("--samples", type=int, default=50, help="requests of a worker to an endpoint in a second")
    parser.add_argument("--seconds", type=float, default=24)
    parser.add_argument("--profile", default="", help="write the master's profile (cProfile) to this file")
    args = parser.parse_args()
    cost = measure(args.workers, args.endpoints, args.samples, args.seconds, args.profile)
    print("CPU of the master, % of a core:", ", ".join(f"{share:.1f}" for share in cost.cpu))
    print("p99 from append to fold, ms:", ", ".join(f"{ms:.0f}" for ms in cost.p99_ms))
    print("GB of Redis a run-hour:", ", ".join(f"{gb:.1f}" for gb in cost.gb_hour))
    print(cost.note)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--lead"]:
        url, name, workers = json.loads(sys.argv[2])
        lead(url, Path(name), workers)
    else:
        main()
