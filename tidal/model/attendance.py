"""Who is there: workers that came, changed, left or are lost, and the second's heartbeats. PURE.

The fold knows who was there. The shell's look says who is, and what differs becomes events.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.codec import REPORTS, ZERO_ID
from tidal.model.fold import INCARNATIONS_MAX
from tidal.model.intervals import report_interval_ms
from tidal.model.judging import reached_s
from tidal.model.liveness import STALLED_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.liveness import Heartbeat
    from tidal.model.senses import Senses
    from tidal.model.state import LogHalf, State, WorkerRecord

TICK_MS = 1_000
BEATS_MAX = 1_000
"""Heartbeats of one entry: 4,000 would be larger than an entry may be."""


def attend(state: State, senses: Senses) -> list[ev.Event]:
    """Who came, changed, left or is lost since the last look; nothing without one."""
    if not senses.looked:
        return []
    log = state.log
    events: list[ev.Event] = [_lost(log, i) for i in senses.lost if i not in log.ended]
    events += [_left(log, i) for i in senses.left if i not in log.ended]
    late_ms, told = senses.now_ms - 3 * report_interval_ms(log) - 1_000, list[tuple[str, list[ev.Event]]]()
    new = list[tuple[str, str]]()
    for incarnation, beat in senses.beats.items():
        if beat.run not in {"", log.run} or incarnation in senses.lost or incarnation in log.ended:
            continue
        if incarnation not in log.incarnations:
            new.append((beat.worker, incarnation))
        elif changes := _changes(state, log.worker_of(incarnation), beat, late_ms):
            told.append((beat.worker, changes))
    told += _newcomers(log, [senses.beats[incarnation] for _, incarnation in sorted(new)]) if new else []
    return events + [event for _, found in sorted(told, key=itemgetter(0)) for event in found]


def _newcomers(log: LogHalf, beats: list[Heartbeat]) -> Iterator[tuple[str, list[ev.Event]]]:
    """What there is to say of workers that nobody knows, each with its id; somebody may make up lives without end."""
    guests = _Guests(log)
    for beat in beats[: max(0, INCARNATIONS_MAX - len(log.incarnations))]:
        yield beat.worker, [*_former_lives(log, guests, beat), guests.greet(beat.incarnation, beat)]


class _Guests:
    """Who is known by which name, and from which index on a newcomer's generators are numbered: looked up once."""

    def __init__(self, log: LogHalf) -> None:
        self._names = {w.worker: w.name for w in log.workers.values()}
        self.lives: dict[str, list[WorkerRecord]] = {}
        for record in log.workers.values():
            self.lives.setdefault(record.worker, []).append(record)
        self._end = max((w.first_index + w.processes for w in log.workers.values()), default=0)

    def greet(self, incarnation: str, beat: Heartbeat) -> ev.Event:
        """The event that lets it in, or refuses it."""
        name = self._names.setdefault(beat.worker, f"w{len(self._names) + 1}")
        event = _greet(name, incarnation, beat, self._first_index(beat))
        if isinstance(event, ev.WorkerSeen):
            self._end = max(self._end, event.first_index + event.processes)
        return event

    def _first_index(self, beat: Heartbeat) -> int:
        """Where the indexes of a worker's generators begin: where they did before, or after everybody's."""
        former = next(iter(self.lives.get(beat.worker, ())), None)
        return former.first_index if former is not None and former.processes >= beat.processes else self._end


def _former_lives(log: LogHalf, guests: _Guests, beat: Heartbeat) -> list[ev.Event]:
    """A worker that came back under its own id before its old lease lapsed: the old life is over."""
    former = [w for w in guests.lives.get(beat.worker, ()) if not w.is_gone]
    return [_lost(log, w.incarnation) for w in former if w.incarnation != beat.incarnation]


def _lost(log: LogHalf, incarnation: str) -> ev.WorkerLost:
    record = log.worker_of(incarnation)
    seen_ms = record.beat_at_ms - record.beat.age_ms if record and record.beat else log.opened_ms
    return ev.WorkerLost(log.incarnations.get(incarnation, "?"), incarnation, seen_ms)


def _left(log: LogHalf, incarnation: str) -> ev.WorkerLeft:
    why = f"drained by {log.drains[incarnation]}" if incarnation in log.drains else "it was told to"
    return ev.WorkerLeft(log.incarnations.get(incarnation, "?"), incarnation, why)


def _greet(name: str, incarnation: str, beat: Heartbeat, first_index: int) -> ev.Event:
    if beat.schema != ev.SCHEMA_VERSION:
        why = f"it speaks schema {beat.schema} (tidal {beat.version}), this run schema {ev.SCHEMA_VERSION}"
        return ev.WorkerRefused(name, beat.worker, incarnation, why)
    who = (name, beat.worker, incarnation, beat.host, beat.pid)
    return ev.WorkerSeen(*who, max(1, beat.processes), beat.version, first_index, beat.users_max)


def _changes(state: State, record: WorkerRecord | None, beat: Heartbeat, since_ms: int) -> list[ev.Event]:
    """What is new of a worker; `since_ms`: who has reported so far is not late."""
    if record is None or record.is_gone:
        return []
    error = state.reports.load_failures.get(record.incarnation)
    if error is not None and state.log.phase == phases.RUNNING:
        return [ev.WorkerRefused(record.name, record.worker, record.incarnation, error[1])]
    shown = "stalled" if beat.lag_ms >= STALLED_MS and beat.state == "running" else beat.state
    shown = shown if shown in phases.WORKER_STATES and shown not in phases.GONE else "waiting"
    shown = "draining" if record.incarnation in state.log.drains else shown
    lamps = (True, beat.users > 0 or beat.state in {"running", "stalled"}, _is_reporting(state, record, since_ms))
    is_known = (shown, lamps) == (record.state, (record.alive, record.running, record.reporting))
    learned_why = shown == "stalled" and beat.why[:200] not in ("", record.why)
    if is_known and not learned_why:
        return []
    return [ev.WorkerChanged(record.name, record.incarnation, shown, *lamps, why=beat.why[:200])]


def _is_reporting(state: State, record: WorkerRecord, since_ms: int) -> bool:
    report = state.reports.incarnations.get(record.incarnation)
    if report is None or not report.to_ms:
        return False
    return state.log.phase == phases.CLOSED or report.to_ms >= since_ms


def refusals(state: State) -> list[ev.Event]:
    """Entries of the reports that were refused since it was last written down: told at most once a tick, summed."""
    told = state.log.refusals_told.get(REPORTS, 0)
    refused = state.reports.refused
    if refused.count <= told:
        return []
    return [ev.EntryRefused(REPORTS, refused.id, refused.why, refused.count - told)]


def tick(state: State, senses: Senses) -> list[ev.Ticked]:
    """The newest heartbeats, once a second, in entries of at most so many; at once when Redis' clock went back."""
    if abs(senses.now_ms - state.log.ticked_ms) < TICK_MS or not senses.looked:
        return []
    beats = []
    for incarnation, beat in senses.beats.items():
        record = state.log.worker_of(incarnation)
        if record is not None and not record.is_gone:
            age_ms = max(0, senses.now_ms - beat.at_ms)
            strain = (beat.cpu_permille, beat.memory_bytes, beat.lag_ms, beat.behind_ms)
            beats.append(ev.Beat(record.name, age_ms, *strain, beat.skew_ms, beat.epoch, beat.plan))
    beats.sort(key=lambda b: b.name)
    parts = [tuple(beats[i : i + BEATS_MAX]) for i in range(0, max(1, len(beats)), BEATS_MAX)]
    end = state.position[REPORTS]
    seen = (str(end) if end != ZERO_ID else "", reached_s(state))
    return [ev.Ticked(part, senses.redis_rtt_us, *seen) for part in parts]
