"""The run as the hook host is told of it once a second: pure, from the folded state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.events import ExceptionTally, FailureTally
from tidal.model.pipe import ClientRow, EndpointRow, View
from tidal.model.plan import next_change_ms
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.state import EndpointRecord, State, WorkerRecord

READY, SPAWNING, RUNNING, STOPPING, STOPPED, MISSING = (
    "ready", "spawning", "running", "stopping", "stopped", "missing",
)  # fmt: skip
"""Locust's words for the state of a run and of a worker."""
RECENT_S = 20


class Told(Struct):
    """What a host was told last, so that the next view carries only what changed."""

    endpoints: dict[tuple[str, str], int] = field(default_factory=dict)  # → samples
    failures: dict[tuple[str, str, str], int] = field(default_factory=dict)  # → occurrences
    exceptions: dict[tuple[str, str], int] = field(default_factory=dict)
    first_s: dict[tuple[str, str], int] = field(default_factory=dict)  # when an endpoint was seen first


def view_of(state: State, now_ms: int, told: Told) -> View:
    """The next view; `told` is brought up to date."""
    log = state.log
    clients = tuple(_clients(state))
    return View(
        state=run_state(state, now_ms),
        now_ms=now_ms,
        began_ms=log.began_ms,
        users=sum(sum(c.users.values()) for c in clients),
        target_users=log.users,
        spawn_rate=log.spawn_rate,
        clients=clients,
        endpoints=tuple(_endpoints(state, told)),
        failures=tuple(_failures(state, told)),
        exceptions=tuple(_exceptions(state, told)),
        recent=tuple(_recent(state)),
    )


def run_state(state: State, now_ms: int) -> str:
    """Locust's word for what the run is doing."""
    log = state.log
    if log.phase == phases.RUNNING:
        return RUNNING if is_complete(state, now_ms) else SPAWNING
    return {phases.WAITING: READY, phases.STOPPING: STOPPING}.get(log.phase, STOPPED)


def is_complete(state: State, now_ms: int) -> bool:
    """Whether everybody whom the plan wants was to be started by now."""
    log = state.log
    return (
        log.plan is not None and next_change_ms(log.plan.tracks, max(now_ms - log.began_ms, log.plan.from_ms)) is None
    )


def _clients(state: State) -> Iterator[ClientRow]:
    for worker in sorted(state.log.workers.values(), key=lambda w: w.first_index):
        if worker.state not in {"refused", "left"}:
            yield from _clients_of(state, worker)


def _clients_of(state: State, worker: WorkerRecord) -> Iterator[ClientRow]:
    report = state.reports.incarnations.get(worker.incarnation)
    word = MISSING if worker.is_gone else _WORDS.get(worker.state, READY)
    cpu, memory = (report.cpu_permille, report.memory_bytes) if report is not None else (0, 0)
    for number in range(worker.processes):
        users = report.by_generator.get(number, {}) if report is not None and not worker.is_gone else {}
        share = max(1, worker.processes)
        yield ClientRow(
            f"{worker.worker}_{number}", worker.first_index + number, word, users, cpu // share, memory // share
        )


_WORDS = {"running": RUNNING, "stalled": RUNNING, "draining": RUNNING}


def _endpoints(state: State, told: Told) -> Iterator[EndpointRow]:
    for key, record in state.reports.endpoints.items():
        samples = record.tally.requests + record.tally.cancelled
        if told.endpoints.get(key) == samples:
            continue
        told.endpoints[key] = samples
        last_s = max(record.recent, default=state.reports.latest_s)
        first_s = told.first_s.setdefault(key, _first_s(record, last_s))
        yield EndpointRow(*key, record.tally, first_s, last_s)


def _first_s(record: EndpointRecord, last_s: int) -> int:
    return min(record.recent, default=last_s)


def _failures(state: State, told: Told) -> Iterator[FailureTally]:
    for key, record in state.reports.failures.items():
        if told.failures.get(key) != record.occurrences:
            told.failures[key] = record.occurrences
            yield FailureTally(*key, record.occurrences, record.first_ms, record.last_ms)


def _exceptions(state: State, told: Told) -> Iterator[ExceptionTally]:
    for key, record in state.reports.exceptions.items():
        count = sum(record.occurrences.values())
        if told.exceptions.get(key) != count:
            told.exceptions[key] = count
            yield ExceptionTally(*key, count)


def _recent(state: State) -> Iterator[tuple[int, int, int]]:
    """Requests and failures of each of the last seconds, of all endpoints."""
    sums: dict[int, list[int]] = {}
    for record in state.reports.endpoints.values():
        for second, (requests, failures) in record.recent.items():
            total = sums.setdefault(second, [0, 0])
            total[0] += requests
            total[1] += failures
    for second in sorted(sums)[-RECENT_S:]:
        yield second, sums[second][0], sums[second][1]
