"""The matrix: what is done to both systems, when, and what the target saw of it."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from faults.sides import FILE, PACE_S, PLAN_RPS, SLOW_FILE, USERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.sides import Side

CALM_S = 6
"""So long the load is watched before the first fault."""
NEAR = 0.93
"""Seconds below this part of the plan are short, two of them in a row at least."""


@dataclass(frozen=True)
class Case:
    """A fault, or several, and how long it is watched."""

    name: str
    steps: tuple[tuple[float, Callable[[Side], object]], ...]
    watch_s: int
    workers: int = 3
    text: str = FILE
    run_s: int = 0  # 0: as long as it is watched
    stop_timeout_s: int = 0


@dataclass
class Seen:
    """What came out of one case on one side."""

    side: str
    seconds: list[tuple[int, int]] = field(default_factory=list)  # since the fault, requests
    back_s: float | None = 0.0  # when the load was whole again for good; None: never
    short_s: int = 0  # seconds in which the load was short
    missing_user_s: float = 0.0
    surplus_user_s: float = 0.0
    last_rps: float = 0.0
    answered: int = 0
    counted: int | None = None

    def words(self) -> str:
        """For a cell of the table."""
        parts = [self._short(), f"{self.missing_user_s:.0f} user-s missing"]
        if self.surplus_user_s >= USERS / 3:
            parts.append(f"{self.surplus_user_s:.0f} too many")
        parts.append(f"{self.last_rps:.0f} rps at the end")
        lost = self.answered - self.counted if self.counted is not None else None
        parts.append(
            "no report" if lost is None else f"{lost} of {self.answered} not reported" if lost else "all reported"
        )
        return ", ".join(parts)

    def _short(self) -> str:
        if self.back_s is None:
            return f"short for {self.short_s} s and for ever"
        return f"short for {self.short_s} s, whole after {self.back_s:.0f} s" if self.short_s else "no dip"


def kill(number: int) -> Callable[[Side], object]:
    """`kill -9` of a worker."""
    return lambda side: side.signal_worker(number, signal.SIGKILL)


def leave(number: int) -> Callable[[Side], object]:
    """SIGTERM of a worker."""
    return lambda side: side.signal_worker(number, signal.SIGTERM)


def freeze(number: int) -> Callable[[Side], object]:
    """SIGSTOP."""
    return lambda side: side.signal_worker(number, signal.SIGSTOP)


def wake(number: int) -> Callable[[Side], object]:
    """SIGCONT."""
    return lambda side: side.signal_worker(number, signal.SIGCONT)


def join(side: Side) -> None:
    """One more worker."""
    side.add_worker()


def kill_master(side: Side) -> None:
    """`kill -9`."""
    side.kill_master()


def next_master(side: Side) -> None:
    """The operator starts another."""
    side.next_master()


LOSS = Case("`kill -9` of 1 of 3 workers", ((0, kill(0)),), 80)
CASES = (
    LOSS,
    Case("`kill -9` of 2 of 4, 2.5 s apart", ((0, kill(0)), (2.5, kill(1))), 80, workers=4),
    Case("SIGTERM of 3 of 4 workers, 12 s apart", ((0, leave(0)), (12, leave(1)), (24, leave(2))), 45, workers=4),
    Case(
        "killed, and replaced after 4 s; twice",
        ((0, kill(0)), (4, join), (20, kill(1)), (24, join)),
        60,
    ),
    Case("frozen for 14 s, then awake", ((0, freeze(0)), (14, wake(0))), 40),
    Case("two workers join", ((0, join), (12, join)), 30),
    Case("`kill -9` of the master, another after 3 s", ((0, kill_master), (3, next_master)), 75),
    Case("tasks of 3 s in flight at the end, stop timeout 5 s", (), 14, text=SLOW_FILE, run_s=10, stop_timeout_s=5),
)


def play(kind: type[Side], case: Case, folder: Path) -> Seen:
    """Run one case on one side."""
    side = kind(folder, text=case.text)
    try:
        run_s = case.run_s or case.watch_s + CALM_S + 12
        side.begin(case.workers, run_s, case.stop_timeout_s)
        if case.steps:
            _wait_steady(side)
            time.sleep(CALM_S)
        fault_s = time.time()
        for at_s, step in case.steps:
            time.sleep(max(0, fault_s + at_s - time.time()))
            step(side)
        time.sleep(max(0, fault_s + case.watch_s - time.time()))
        seen = _judge(Seen(side.name), side, fault_s, case)
        side.wait(150 if side.name == "tidal" else 90)
        seen.answered, seen.counted = side.served()["answered"], side.counted()
    finally:
        side.close()
    return seen


def _wait_steady(side: Side) -> None:
    end_s = time.monotonic() + 60
    while (rate := side.rate()) < PLAN_RPS * NEAR:
        if time.monotonic() > end_s:
            raise RuntimeError(f"{side.name}: no steady load but {rate} a second: {side.last_words()}")
        time.sleep(0.25)


def _smooth(seconds: list[tuple[int, int]]) -> list[tuple[int, float]]:
    """The median of each second and its neighbours: pacing drifts across the edges of seconds."""
    counts = [n for _, n in seconds]
    return [(s, median(counts[max(0, i - 1) : i + 2])) for i, (s, _) in enumerate(seconds)]


def _judge(seen: Seen, side: Side, fault_s: float, case: Case) -> Seen:
    if not case.steps:
        return seen
    by_second = {int(s): n for s, n in side.served()["by_second"].items()}
    first, end = int(fault_s) - CALM_S + 1, int(time.time()) - 1
    seen.seconds = [(s - int(fault_s), by_second.get(s, 0)) for s in range(first, end)]
    after = [(s, n) for s, n in seen.seconds if s >= 0]
    calm = dict(_smooth(after))
    short = [(s, n) for s, n in after if calm[s] < PLAN_RPS * NEAR]
    over = [(s, n) for s, n in after if calm[s] > PLAN_RPS * (2 - NEAR)]
    seen.short_s = len(short)
    seen.missing_user_s = sum(PLAN_RPS - n for _, n in short) * PACE_S
    seen.surplus_user_s = sum(n - PLAN_RPS for _, n in over) * PACE_S
    tail = [n for _, n in after[-8:]]
    seen.last_rps = sum(tail) / len(tail)
    is_back = seen.last_rps >= PLAN_RPS * NEAR
    seen.back_s = (short[-1][0] + 1 if short else 0) if is_back else None
    return seen
