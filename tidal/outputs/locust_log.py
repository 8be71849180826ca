"""A run as Locust logs it: the lines that scripts wait for, from the loggers that they know.

    [2026-11-24 01:47:13,569] HOST/INFO/locust.runners: Ramping to 3 users at a rate of 3.00 per second

    state, moment ──LocustLog.lines()──▶ Line(level, logger, text) …      pure, each thing once

What has no words in Locust (a generator died, a master took over) is said in the story's, from a logger of tidal's own.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tidal.model import phases
from tidal.model.frame import frame
from tidal.model.struct import Struct
from tidal.model.text import clean
from tidal.model.view import is_complete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import Frame, StoryRow
    from tidal.model.state import State, WorkerRecord

MAIN, RUNNERS, ROOT, OWN = "locust.main", "locust.runners", "root", "tidal.run"
LOUD = {"warning": "WARNING", "error": "ERROR"}
TOLD_HERE = frozenset({"so", "rc"})
"""Kinds of the story that have lines of their own."""
WORKERS_TOO = frozenset({"wl", "wg"})
"""Those that have one where each worker is told of."""
SETTLE_MS = 3_000
"""So long the reports may take to show all users, once the plan has started them."""
PATIENCE_MS = 5_000
EVERY_MS = 1_000
TEXT_MAX = 500
RUN_TIME_OVER = "the run time is over"
NO_WORKERS = 40
"""The exit code of a run for which too few workers came."""


class Line(NamedTuple):
    """One line of a log."""

    level: str
    logger: str
    text: str


def opening_lines(version: str, own_version: str, run_time_ms: int | None) -> list[Line]:
    """What is said before the run; that it has no limit is said once it is known to have no shape."""
    limit = [] if run_time_ms is None else [_info(MAIN, f"Run time limit set to {run_time_ms // 1000} seconds")]
    return [_info(MAIN, f"Starting Locust {version} (tidal {own_version})"), *limit]


def closing_line(exit_code: int) -> Line:
    """What is said last, before the final tables."""
    return _info(MAIN, f"Shutting down (exit code {exit_code})")


def _info(logger: str, text: str) -> Line:
    return Line("INFO", logger, text)


# ------------------------------------------------------------------ what is looked at


class Client(Struct, frozen=True):
    """A generator, as Locust would have a worker."""

    id: str
    index: int
    state: str  # of its worker: waiting, loading, ready, running, stalled, draining, lost, left, refused


class Moment(Struct, frozen=True):
    """The run's frame with what it is after."""

    frame: Frame
    target: int
    spawn_rate: float
    classes: tuple[str, ...]
    shape: str
    is_asked: bool  # whether the shape has said its first number of users
    is_endless: bool
    settled_ms: int  # for how long the plan has had nobody left to start; -1: it has
    clients: tuple[Client, ...]
    expected: int
    resets: bool
    stop_code: int | None  # what the stop makes the exit code


def moment(state: State, at_ms: int) -> Moment:
    """What is looked at."""
    log, shown = state.log, frame(state, at_ms)
    return Moment(
        frame=shown,
        target=log.users,
        spawn_rate=log.spawn_rate,
        classes=log.target_classes,
        shape=log.shape,
        is_asked=(log.users, log.spawn_rate) != (log.options.users, log.options.spawn_rate)
        or shown.run.users_planned > 0,
        is_endless=log.options.run_time_ms is None,
        settled_ms=_settled_ms(state, at_ms),
        clients=tuple(c for w in log.workers.values() for c in _clients(w)),
        expected=log.options.expect_workers,
        resets=log.options.reset_stats,
        stop_code=log.stop.exit_code if log.stop else None,
    )


def _clients(worker: WorkerRecord) -> Iterator[Client]:
    for number in range(worker.processes):
        yield Client(f"{clean(worker.worker, 80)}_{number}", worker.first_index + number, worker.state)


def _settled_ms(state: State, at_ms: int) -> int:
    log = state.log
    at_ms = min(at_ms, log.load_ended_ms or at_ms)
    if not log.began_ms or not log.plan:
        return -1
    from_ms, before_ms = log.began_ms + log.plan.from_ms, at_ms - SETTLE_MS
    if at_ms < from_ms or not is_complete(state, at_ms):
        return -1
    return SETTLE_MS if before_ms >= from_ms and is_complete(state, before_ms) else 0


class LocustLog:
    """Says each step of a run once.

    Args:
        is_distributed: whether workers come from elsewhere, so that each is worth a line.
    """

    def __init__(self, *, is_distributed: bool = False) -> None:
        self._is_distributed = is_distributed
        self._ramped: tuple[int, float, tuple[str, ...]] | None = None
        self._has_spawned = False
        self._told: set[str] = set()
        self._rows: set[StoryRow] = set()
        self._states: dict[str, str] = {}
        self._asked_ms = 0

    def __repr__(self) -> str:
        return f"<LocustLog {len(self._told)} things told, ramped to {self._ramped}>"

    def lines(self, state: State, at_ms: int) -> list[Line]:
        """What has happened since the last look, at a moment of Redis time."""
        seen = moment(state, at_ms)
        return [
            *self._limit(seen),
            *(self._workers(seen) if self._is_distributed else ()),
            *self._ramp(seen),
            *self._spawned(seen),
            *self._story(seen.frame.story),
            *self._end(seen),
        ]

    def _once(self, what: str) -> bool:
        is_new = what not in self._told
        self._told.add(what)
        return is_new

    # ------------------------------------------------------------------ workers

    def _workers(self, seen: Moment) -> Iterator[Line]:
        for client in seen.clients:
            before = self._states.get(client.id, "")
            self._states[client.id] = client.state
            if before != client.state:
                yield from self._changed(seen, client, before)
        yield from self._waiting(seen)

    def _changed(self, seen: Moment, client: Client, before: str) -> Iterator[Line]:
        able = sum(c.state in phases.ABLE for c in seen.clients)
        who = f"{client.id} (index {client.index})"
        if client.state in phases.ABLE and before == "lost":
            yield _info(RUNNERS, f"Worker {client.id} self-healed with heartbeat, setting state to {client.state}.")
        elif client.state in phases.ABLE and before not in phases.ABLE:
            yield _info(RUNNERS, f"{who} reported as ready. {able} workers connected.")
        elif client.state == "lost":
            yield _info(RUNNERS, f"Worker {client.id} failed to send heartbeat, setting state to missing.")
        elif client.state == "left":
            yield _info(RUNNERS, f"Worker {client.id!r} (index {client.index}) quit. {able} workers ready.")

    def _waiting(self, seen: Moment) -> Iterator[Line]:
        run, now_ms = seen.frame.run, seen.frame.at_ms
        if run.phase != phases.WAITING or now_ms - run.opened_ms < PATIENCE_MS or now_ms - self._asked_ms < EVERY_MS:
            return
        self._asked_ms = now_ms
        able = sum(c.state in phases.ABLE for c in seen.clients)
        yield _info(ROOT, f"Waiting for workers to be ready, {able} of {seen.expected} connected")

    # ------------------------------------------------------------------ users

    def _limit(self, seen: Moment) -> Iterator[Line]:
        if self._once("limit") and seen.is_endless and not seen.shape:
            yield _info(MAIN, "No run time limit set, use CTRL+C to interrupt")

    def _ramp(self, seen: Moment) -> Iterator[Line]:
        run = seen.frame.run
        target = (seen.target, seen.spawn_rate, seen.classes)
        if not run.began_ms or run.phase != phases.RUNNING or target == self._ramped:
            return
        if seen.shape:
            if self._once("shape"):
                yield _info(RUNNERS, "Shape test starting.")
            if self._ramped is None and not seen.is_asked:
                return
            yield _info(RUNNERS, f"Shape test updating to {seen.target} users at {seen.spawn_rate:.2f} spawn rate")
        self._ramped, self._has_spawned = target, False
        if self._is_distributed:
            able = sum(c.state in phases.ABLE for c in seen.clients)
            rate = f"{seen.spawn_rate:.2f} spawn rate to {able} ready workers"
            yield _info(RUNNERS, f"Sending spawn jobs of {seen.target} users at {rate}")
        else:
            yield _info(RUNNERS, f"Ramping to {seen.target} users at a rate of {seen.spawn_rate:.2f} per second")

    def _spawned(self, seen: Moment) -> Iterator[Line]:
        run = seen.frame.run
        if self._ramped is None or self._has_spawned or seen.settled_ms < 0 or run.phase != phases.RUNNING:
            return
        is_seen = run.users_running == run.users_planned
        if not is_seen and seen.settled_ms < SETTLE_MS:
            return
        self._has_spawned = True
        counts = Counter(dict.fromkeys(run.classes, 0))
        for worker in seen.frame.workers:
            counts.update(dict(worker.users_by_class))
        late = "Spawning is complete and report waittime is expired, but not all reports received from workers"
        said = json.dumps(dict(sorted(counts.items())), ensure_ascii=False)
        if seen.resets and self._once("reset"):
            yield _info(RUNNERS, "Resetting stats")
        head = "All users spawned" if is_seen else late
        yield _info(RUNNERS, f"{head}: {said} ({sum(counts.values())} total users)")

    # ------------------------------------------------------------------ what else, and the end

    def _story(self, rows: tuple[StoryRow, ...]) -> Iterator[Line]:
        """What the run's story tells loudly."""
        silent = TOLD_HERE | (WORKERS_TOO if self._is_distributed else frozenset())
        known, self._rows = self._rows, set(rows)
        for row in rows:
            if row.level in LOUD and row.kind not in silent and row not in known:
                yield Line(LOUD[row.level], OWN, clean(row.text, TEXT_MAX))

    def _end(self, seen: Moment) -> Iterator[Line]:
        run = seen.frame.run
        if not run.outcome or not self._once("end"):
            return
        reason = clean(run.reason, TEXT_MAX)
        if seen.stop_code == NO_WORKERS:
            yield Line("ERROR", MAIN, f"Gave up waiting for workers to connect: {reason}")
        elif run.outcome == "finished" and seen.shape and run.reason != RUN_TIME_OVER:
            yield _info(RUNNERS, "Shape test stopping")
            yield _info(MAIN, "Shape test completed, shutting down")
        elif run.outcome == "finished":
            yield _info(MAIN, "--run-time limit reached, shutting down")
        else:
            level = "INFO" if run.outcome == "stopped" else "ERROR"
            yield Line(level, MAIN, f"{reason or run.outcome}, shutting down")
