"""What the core costs: recording a sample, encoding a report, decoding and folding it, a frame, a keyframe.

Medians of interleaved rounds, the machine named. Absolute times drift with the machine; compare rows of one run only.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from random import Random
from typing import TYPE_CHECKING

from tidal.model.codec import REPORTS, EntryId, encode, entry_of
from tidal.model.events import Block, ByWorker, GeneratorState, Reported
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.model.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 15
ENDPOINTS = 20
REQUESTS = 1_000
LUCK = Random(1)
SAMPLES_US = [int(LUCK.lognormvariate(9, 0.4)) for _ in range(REQUESTS)]


def report(number: int) -> ByWorker:
    """One second of a worker: 1,000 requests over 20 endpoints."""
    tallies = {("GET", f"/endpoint/{i}"): Tally() for i in range(ENDPOINTS)}
    for i, latency_us in enumerate(SAMPLES_US):
        tallies["GET", f"/endpoint/{i % ENDPOINTS}"].add(latency_us, 500, failed=i % 200 == 0)
    block = Block(1_000 + number, 1, tallies, {"Visitor": 50_000})
    generators = (GeneratorState(0, 1, "running", 50),)
    event = Reported(number * 1000, number * 1000 + 1000, (block,), users={"Visitor": 50}, generators=generators)
    return ByWorker("a" * 16, number, number, number * 1000, event)


def cost_us(action: Callable[[], object], times: int) -> float:
    """Microseconds for one action, on average over one round."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times * 1e6


def main() -> None:
    """Measure every row in turn, round by round."""
    signed = report(1)
    fields = encode(signed)
    state = State()
    for number in range(1, 200):
        fold_entry(state, entry_of(REPORTS, EntryId(number, 0), encode(report(number))))
    tally, count = Tally(), iter(range(10_000, 10_000_000))

    def decode_and_fold() -> None:
        fold_entry(state, entry_of(REPORTS, EntryId(next(count), 0), fields))

    rows: dict[str, tuple[Callable[[], object], int]] = {
        "record one sample": (lambda: tally.add(12_345, 500, failed=False), 20_000),
        "encode one report": (lambda: encode(signed), 50),
        "decode one report (a repeat, so that the state stays as it is)": (decode_and_fold, 50),
        "make one frame": (lambda: frame(state, 300_000), 5),
        "pack one keyframe": (state.packed, 5),
    }
    rounds = [{name: cost_us(*row) for name, row in rows.items()} for _ in range(ROUNDS)]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds")
    print(f"a report: {REQUESTS} requests, {ENDPOINTS} endpoints, {len(fields[b'd'])} bytes")
    for name in rows:
        times = sorted(r[name] for r in rounds)
        print(f"{name:64} {statistics.median(times):10.2f} µs  ({times[0]:.2f} to {times[-1]:.2f})")


if __name__ == "__main__":
    main()
