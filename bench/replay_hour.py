"""How long a recording of an hour of 100 workers takes to open, and to seek in, forward and back.

    python bench/replay_hour.py [--workers 100] [--seconds 3600] [--keep FILE]

Records a run as a master does (an entry a worker and second, a keyframe every three seconds), then opens it anew, makes
the first picture, and jumps to moments drawn from a fixed seed. Says milliseconds; nothing asserts them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tidal.archive import Archive, ArchiveWriter
from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, EntryId, encode, entry_of
from tidal.model.counting import settle
from tidal.model.fold import fold_loosely
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.replay import ReplayFeed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.codec import Entry

T0 = 1_790_000_000_000
ENDPOINTS = 10
TEMPLATES = 16
KEYFRAME_S = 3
"""As a master does when so many report: `rhythm.KEYFRAME_SOONER_MS`."""
SEEKS = 60


def entries(workers: int, seconds: int) -> Iterator[Entry]:
    """The run, second by second."""
    n, owners = 0, tuple(f"inc{w:013}" for w in range(workers))
    table = b"".join((slot % workers).to_bytes(2, "big") for slot in range(4096))
    options = ev.RunOptions(
        users=workers * 20, spawn_rate=workers * 20.0, run_time_ms=seconds * 1000, host="http://shop"
    )
    opening: list[ev.Event] = [
        ev.RunOpened("hour", "default", "ann@laptop", "shop.py", (), (ev.ClassSpec("Buyer"),), options)
    ]
    opening += [ev.WorkerSeen(f"w{w + 1}", f"box{w}", owners[w], f"box{w}", 100 + w, 2) for w in range(workers)]
    curve = ev.Track("", ((0, float(workers * 20)),))
    opening += [ev.PlanSet(1, 0, (curve,), seconds * 1000, owners, table), ev.RunStarted(T0)]
    for n, event in enumerate(opening, 1):
        yield entry_of(LOG, EntryId(T0 - 1000 + n, 0), encode(ev.ByMaster(1, n, T0 - 1000, event)))
    templates = [_tallies(Random(number)) for number in range(TEMPLATES)]
    for second in range(seconds):
        at_ms = T0 + (second + 1) * 1000
        for w in range(workers):
            block = ev.Block(T0 // 1000 + second, 1, templates[(second + w) % TEMPLATES], {"Buyer": 20_000})
            generators = (ev.GeneratorState(0, 1, "running", 10, 3), ev.GeneratorState(1, 2, "running", 10, 4))
            said = ev.Reported(at_ms - 1000, at_ms, (block,), (), (), {"Buyer": 20}, generators, 700)
            signed = ev.ByWorker(owners[w], second + 1, second + 1, at_ms, said)
            yield entry_of(REPORTS, EntryId(at_ms + 300, w), encode(signed))
        n += 1
        beats = tuple(ev.Beat(f"w{w + 1}", 200, 700, 1 << 27, 3) for w in range(workers))
        yield entry_of(LOG, EntryId(at_ms + 400, 0), encode(ev.ByMaster(1, n, at_ms + 400, ev.Ticked(beats, 400))))


def _tallies(chance: Random) -> dict[tuple[str, str], Tally]:
    made = {}
    for endpoint in range(ENDPOINTS):
        tally = made["GET", f"/products/{endpoint}"] = Tally()
        for _ in range(12):
            tally.add(round(1000 * (5 + endpoint) * chance.lognormvariate(0, 0.6)), 512, failed=chance.random() < 0.01)
    return made


def record(path: Path, workers: int, seconds: int) -> None:
    """Write the archive as a master does."""
    state, writer, due_s = State(), ArchiveWriter(path, {"run": "hour"}), 0
    for entry in entries(workers, seconds):
        writer.add(entry)
        fold_loosely(state, entry)
        if entry.kind == ev.Ticked.KIND and (entry.id.ms - T0) // 1000 >= due_s:
            settle(state.reports)
            due_s += KEYFRAME_S
            writer.keyframe(state.packed(), state.position[LOG], state.position[REPORTS], entry.id.ms)
    writer.close(final=True)


def main() -> None:
    """Record, open, seek, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true", help="print the figures of --keep as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.keep or Path(folder) / "hour.tidal"
        if not path.exists():
            began = time.perf_counter()
            record(path, args.workers, args.seconds)
            took = f"recorded in {time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e6:.1f} MB"
            print(took, file=sys.stderr)
        open_ms, jumps = measure(path)
        if args.json:
            print(json.dumps({"open_ms": open_ms, "seek_ms": jumps}))
        else:
            say(open_ms, jumps)


def measure(path: Path) -> tuple[int, dict[str, list[tuple[int, int]]]]:
    """Open it, and jump about in it: ms to the first picture; of each jump ms elapsed and of CPU."""
    began = time.perf_counter()
    archive = Archive.open(path)
    feed = ReplayFeed(archive)
    feed.frame()
    open_ms = _ms(began)
    chance, jumps = Random(7), dict[str, list[tuple[int, int]]](forward=[], back=[])
    for _ in range(SEEKS):
        before = feed.position_ms
        feed.seek(chance.randrange(feed.first_ms, feed.last_ms))
        began, cpu = time.perf_counter(), time.process_time()
        feed.frame()
        spent_ms = round((time.process_time() - cpu) * 1000)
        jumps["forward" if feed.position_ms > before else "back"].append((_ms(began), spent_ms))
    archive.close()
    return open_ms, jumps


def say(open_ms: int, jumps: dict[str, list[tuple[int, int]]]) -> None:
    """In words."""
    print(f"open and first picture: {open_ms} ms")
    for way, times in jumps.items():
        for what, column in zip(("elapsed", "CPU"), zip(*times, strict=True), strict=True):
            ordered = sorted(column)
            print(f"{way}, {what}: median {ordered[len(ordered) // 2]} ms, worst {ordered[-1]} ms of {len(ordered)}")


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)


if __name__ == "__main__":
    main()
