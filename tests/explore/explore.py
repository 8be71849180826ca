"""Random schedules, and the shortest one that breaks a law.

    python tests/explore/explore.py 200000              # so many schedules, on all cores
    python tests/explore/explore.py --seed 4711         # one, printed step by step

A seed is a schedule: the same seed gives the same steps and, since nothing here is random or takes time, the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from laws import Broken
from world import Parts, Step, World

from tidal.model.codec import LOG, REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOSSES = ("request", "reply", "half")
JUMPS_MS = (0, 0, 40, -1_500, 3_000, -45_000, 60_000)
"""How far the clock of a replica is ahead of the primary's."""
LOST_ROUNDS = 28
"""After so many rounds all are lost that were cut off within the first four: a lease, a look, and a lease more."""
OUTAGES = 10
"""Every so many-th seed is one of the network's whole outages, by the stricter law."""
CHUNK = 100
ENOUGH = 20
"""So many schedules that break a law are enough for one search."""
_STEPS: tuple[tuple[int, Callable[[random.Random], Step]], ...] = (
    (60, lambda c: ("round", c.randrange(1 << 30))),
    (8, lambda c: ("pass", c.choice([20, 120, 700, 1_300, 2_600, 5_000, 9_000, 40_000]))),
    (6, lambda c: ("tail", c.randrange(5), c.choice([1, 2, 500]))),
    (6, lambda c: ("turn", c.randrange(5))),
    (4, lambda c: ("beat", c.randrange(5))),
    (6, lambda c: ("send", c.randrange(5))),
    (6, lambda c: ("master_turn", c.randrange(4))),
    (2, lambda c: ("keep", c.randrange(4))),
    (4, lambda c: ("kill", c.randrange(5))),
    (4, lambda c: ("freeze", c.randrange(5))),
    (6, lambda c: ("wake", c.randrange(5))),
    (4, lambda c: ("cut", c.randrange(5))),
    (6, lambda c: ("mend", c.randrange(5))),
    (8, lambda c: ("lose", c.randrange(5), c.choice(LOSSES))),
    (4, lambda c: ("kill_child", c.randrange(5))),
    (3, lambda c: ("drain", c.randrange(5))),
    (5, lambda c: ("join",)),
    (4, lambda c: ("kill_master", c.randrange(4))),
    (4, lambda c: ("freeze_master", c.randrange(4))),
    (5, lambda c: ("wake_master", c.randrange(4))),
    (7, lambda c: ("begin_master",)),
    (5, lambda c: ("lose_master", c.randrange(4), c.choice(LOSSES))),
    (3, lambda c: ("cut_master", c.randrange(4))),
    (4, lambda c: ("mend_master", c.randrange(4))),
    (3, lambda c: ("down",)),
    (6, lambda c: ("up",)),
    (2, lambda c: ("disk_full",)),
    (4, lambda c: ("disk_free",)),
    (3, lambda c: ("save",)),
    (2, lambda c: ("rollback", c.randrange(1 << 30))),
    (1, lambda c: ("empty", c.randrange(1 << 30))),
    (6, lambda c: ("want", c.randrange(10), c.choice([1.0, 3.0, 50.0]))),
    (2, lambda c: ("stop",)),
    (2, lambda c: ("pause",)),
    (3, lambda c: ("resume",)),
    (2, lambda c: ("let_go", c.randrange(4))),
    (2, lambda c: ("full",)),
    (5, lambda c: ("room",)),
    (2, lambda c: ("rivals", c.randrange(12))),
    (2, lambda c: ("ghost", c.randrange(100))),
    (12, lambda c: ("race", c.randrange(12), c.randrange(8))),
    (4, lambda c: ("echo", c.choice((LOG, REPORTS)), c.randrange(200))),
    (3, lambda c: ("suspend", c.randrange(5))),
    (3, lambda c: ("failover", c.randrange(1 << 30), c.choice(JUMPS_MS))),
)


@dataclass(frozen=True)
class Schedule:
    """What is to happen: how the world begins, the steps, and the seed of the calm after them."""

    seed: int
    workers: int
    end_ms: int | None
    steps: tuple[Step, ...]
    is_outage: bool = False

    @classmethod
    def drawn(cls, seed: int) -> Schedule:
        """The schedule of a seed."""
        chance = random.Random(seed)
        if seed % OUTAGES == OUTAGES - 1:
            return cls.outage(seed, chance)
        makers, weights = [m for _, m in _STEPS], [w for w, _ in _STEPS]
        begin = [("round", chance.randrange(1 << 30)) for _ in range(chance.choice([0, 6, 10, 10, 14]))]
        drawn = [m(chance) for m in chance.choices(makers, weights, k=chance.randrange(5, 45))]
        return cls(seed, chance.randrange(1, 4), chance.choice([None, None, 6_000]), (*begin, *drawn))

    @classmethod
    def outage(cls, seed: int, chance: random.Random) -> Schedule:
        """All workers are cut off within a second, for longer than it takes to lose them, and come back within two.

        Then nobody runs twice.
        """
        workers = chance.randrange(1, 5)
        order = chance.sample(range(workers), workers)
        cut = [(chance.randrange(5), ("cut", index)) for index in order]
        back_at = LOST_ROUNDS + chance.randrange(40)
        mend = [(back_at + chance.randrange(9), ("mend", index)) for index in order]
        due = sorted([*cut, *mend])
        steps: list[Step] = [("round", chance.randrange(1 << 30)) for _ in range(chance.randrange(14, 24))]
        for at in range(back_at + 30):
            steps += [step for moment, step in due if moment == at]
            steps.append(("round", chance.randrange(1 << 30)))
        return cls(seed, workers, None, tuple(steps), is_outage=True)

    def world(self, parts: Parts) -> World:
        """The world before it."""
        return World(parts, self.workers, self.end_ms, knows_all=self.is_outage)


def run(schedule: Schedule, parts: Parts) -> World:
    """Let it happen; Broken when a law does not hold."""
    with contextlib.redirect_stderr(io.StringIO()):
        world = schedule.world(parts)
        for step in schedule.steps:
            world.apply(step)
        world.finish(schedule.seed)
    return world


def broken(schedule: Schedule, parts: Parts) -> Broken | None:
    """The law that it breaks."""
    try:
        run(schedule, parts)
    except Broken as law:
        return law
    return None


def shortened(schedule: Schedule, law: str, parts: Parts) -> Schedule:
    """A schedule with fewer steps that breaks the same law: leave out halves, quarters … single steps.

    Of an outage only rounds: without one of its cuts it would be no whole one.
    """
    steps, size = list(schedule.steps), max(1, len(schedule.steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            fewer = replace(schedule, steps=(*steps[:at], *steps[at + size :]))
            is_whole = not schedule.is_outage or all(name == "round" for name, *_ in steps[at : at + size])
            if is_whole and _any_error(fewer, parts) == law:
                steps = list(fewer.steps)
            else:
                at += size
        size //= 2
    return replace(schedule, steps=tuple(steps))


def _any_error(schedule: Schedule, parts: Parts) -> str:
    try:
        found = broken(schedule, parts)
    except Exception as error:  # noqa: BLE001 - what crashes is a finding as well
        return f"crash: {type(error).__name__}"
    return found.law if found else ""


def search(seeds: Sequence[int], parts: Parts | None = None) -> list[tuple[Schedule, str]]:
    """The schedules of these seeds that break a law, with what they break."""
    parts = parts or Parts()
    drawn = (Schedule.drawn(seed) for seed in seeds)
    return [(s, law) for s in drawn if (law := _any_error(s, parts))]


def main() -> int:
    """Run schedules; the exit code says whether a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=2_000)
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one, shortened and told")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.seed is not None:
        return _tell(Schedule.drawn(options.seed))
    began_s, done, found = time.monotonic(), 0, []
    chunks = [range(a, min(a + CHUNK, options.first + options.count)) for a in
              range(options.first, options.first + options.count, CHUNK)]  # fmt: skip
    with ProcessPoolExecutor(options.jobs) as pool:
        for chunk, bad in zip(chunks, pool.map(search, chunks), strict=True):
            done += len(chunk)
            found += bad
            for schedule, law in bad:
                print(f"\nseed {schedule.seed}: {law}", flush=True)
            if len(found) >= ENOUGH:
                pool.shutdown(cancel_futures=True)
                break
            print(f"\r{done:,} schedules, {len(found)} broken, {time.monotonic() - began_s:.0f} s ", end="", flush=True)
    print()
    return _tell(found[0][0]) if found else 0


def _tell(schedule: Schedule) -> int:
    law = _any_error(schedule, Parts())
    if not law:
        print(f"seed {schedule.seed}: every law holds")
        return 0
    short = shortened(schedule, law, Parts())
    print(f"{short.workers} worker(s), end {short.end_ms}, seed {short.seed}")
    for step in short.steps:
        print("   ", step)
    with contextlib.redirect_stderr(io.StringIO()):
        world = short.world(Parts())
        try:
            for step in short.steps:
                world.apply(step)
            world.finish(short.seed)
        except Exception:  # noqa: BLE001 - shown whole
            print(traceback.format_exc(limit=-6))
    for row in world.folded().log.story:
        print(f"    {row}")
    for worker in world.workers:
        print(f"    {worker!r} {worker.service!r}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
