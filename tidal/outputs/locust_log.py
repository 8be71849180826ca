"""A run as Locust logs it: the lines that scripts wait for, from the loggers that they know.

    [2026-11-24 01:47:13,569] HOST/INFO/locust.runners: Ramping to 3 users at a rate of 3.00 per second

Pure: each look at the folded state says what it means in Locust's words, each thing once. What has no words in Locust
(a worker lost, a master that took over) is said in tidal's, from its own logger.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tidal.model import phases
from tidal.model.fold import planned_users
from tidal.model.plan import Mix, counts_at
from tidal.model.text import clean
from tidal.model.view import is_complete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.state import LogHalf, State

MAIN, RUNNERS, OWN = "locust.main", "locust.runners", "tidal.run"
LOUD = {"warning": "WARNING", "error": "ERROR"}
TEXT_MAX = 400


class Line(NamedTuple):
    """One line of a log."""

    level: str
    logger: str
    text: str


def opening_lines(version: str, own_version: str, run_time_ms: int | None) -> list[Line]:
    """What is said before the run."""
    limit = (
        f"Run time limit set to {run_time_ms // 1000} seconds"
        if run_time_ms is not None
        else "No run time limit set, use CTRL+C to interrupt"
    )
    return [Line("INFO", MAIN, f"Starting Locust {version} (tidal {own_version})"), Line("INFO", MAIN, limit)]


class LocustLog:
    """What was said of a run so far.

    Args:
        is_distributed: whether workers come from elsewhere, so that each is worth a line.
    """

    def __init__(self, *, is_distributed: bool = False) -> None:
        self._is_distributed = is_distributed
        self._ramped: tuple[int, float, tuple[str, ...]] | None = None
        self._spawned = 0  # the plan whose users were said to be there
        self._workers: set[str] = set()
        self._has_stopped = False
        self._story_ms = 0

    def lines(self, state: State, now_ms: int) -> list[Line]:
        """What is new at a moment of Redis time."""
        log = state.log
        found = [*self._workers_ready(log), *self._ramp(log), *self._all_spawned(state, now_ms)]
        return [*found, *self._own_news(log), *self._stop(log)]

    def _workers_ready(self, log: LogHalf) -> Iterator[Line]:
        for worker in log.workers.values() if self._is_distributed else ():
            if worker.state in phases.ABLE and worker.incarnation not in self._workers:
                self._workers.add(worker.incarnation)
                there = sum(w.processes for w in log.workers.values() if w.state in phases.ABLE)
                said = f"{clean(worker.worker, 80)} (index {worker.first_index}) reported as ready."
                yield Line("INFO", RUNNERS, f"{said} {there} workers connected.")

    def _ramp(self, log: LogHalf) -> Iterator[Line]:
        target = (log.users, log.spawn_rate, log.target_classes)
        if not log.began_ms or target == self._ramped:
            return
        is_first, self._ramped = self._ramped is None, target
        if log.shape and is_first:
            yield Line("INFO", RUNNERS, "Shape test starting.")
            if log.plan is not None and log.plan.number == 1:
                return  # the shape has not been asked yet
        if log.shape:
            text = f"Shape test updating to {log.users} users at {log.spawn_rate:.2f} spawn rate"
            yield Line("INFO", RUNNERS, text)
        yield Line("INFO", RUNNERS, f"Ramping to {log.users} users at a rate of {log.spawn_rate:.2f} per second")

    def _all_spawned(self, state: State, now_ms: int) -> Iterator[Line]:
        log = state.log
        at_ms = min(now_ms, log.stopped_ms or now_ms)
        plan = log.plan
        if plan is None or not log.began_ms or plan.number <= self._spawned or not is_complete(state, at_ms):
            return
        counts = users_by_class(log, at_ms - log.began_ms)
        is_news, self._spawned = self._spawned == 0 or "wants" in plan.why, plan.number
        if is_news and (counts or planned_users(log, at_ms - log.began_ms)):
            total = sum(counts.values())
            yield Line("INFO", RUNNERS, f"All users spawned: {json.dumps(counts)} ({total} total users)")

    def _own_news(self, log: LogHalf) -> Iterator[Line]:
        """What the story tells loudly, and Locust has no words for."""
        rows = [row for row in log.story if row.at_ms > self._story_ms]
        self._story_ms = max((row.at_ms for row in rows), default=self._story_ms)
        for row in rows:
            if row.level in LOUD and row.kind not in {"so", "rc"}:
                yield Line(LOUD[row.level], OWN, clean(row.text, TEXT_MAX))

    def _stop(self, log: LogHalf) -> Iterator[Line]:
        stop = log.stop
        if stop is None or self._has_stopped:
            return
        self._has_stopped = True
        if stop.reason == "the run time is over":
            yield Line("INFO", MAIN, "--run-time limit reached, shutting down")
        elif stop.outcome not in {"finished", "stopped"}:
            yield Line("ERROR", MAIN, clean(stop.reason, TEXT_MAX))
        elif log.shape:
            yield Line("INFO", RUNNERS, "Shape test stopping")
        else:
            yield Line("INFO", MAIN, f"Stopping: {clean(stop.reason, TEXT_MAX)}")


def closing_line(exit_code: int) -> Line:
    """What is said last, before the final tables."""
    return Line("INFO", MAIN, f"Shutting down (exit code {exit_code})")


def users_by_class(log: LogHalf, plan_ms: int) -> dict[str, int]:
    """How many users of each class the plan wants at a moment of plan time."""
    counts = counts_at(log.plan.tracks, plan_ms) if log.plan is not None else {}
    mixed = Mix(c for c in log.classes if c.name not in counts).counts(counts.get("", 0))
    return {name: count for name, count in (mixed | counts).items() if name}
