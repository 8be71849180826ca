"""The next events from the state and the moment: what a master does, without doing it.

`decide` is pure. It looks at the folded state and at what the shell senses (heartbeats, intents, viewers), and answers
with events to append. It changes nothing: the state changes when those events come back through the log. Rules that
need the outcome of others (a plan needs the workers that were just seen) wait for the next turn, some 50 ms later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.answers import answers
from tidal.model.capacity import fitted, lacking, peak, slot_loads
from tidal.model.codec import REPORTS, ZERO_ID
from tidal.model.fold import INCARNATIONS_MAX
from tidal.model.intervals import report_interval_ms
from tidal.model.judging import aborting, exit_code_with, final_trips, judges_failures, reached_s, trips
from tidal.model.leases import lend
from tidal.model.ledger import seal
from tidal.model.members import able_ones, has_finished, is_draining
from tidal.model.plan import LEAD_MS, Ownership, ramp
from tidal.model.plantext import ARRIVALS
from tidal.model.seeking import exit_code_of as search_exit_code
from tidal.model.seeking import seek
from tidal.model.target import capped
from tidal.model.tickets import is_limited, issue, why_done
from tidal.model.verdict import exit_code_of, judge
from tidal.model.words import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidal.model.liveness import Heartbeat
    from tidal.model.state import LogHalf, State, WorkerRecord

START_LEAD_MS = 50
"""How far in the future a run begins at least: from the log to a user takes some 10 ms on one machine."""
MOVE_LEAD_MS = 1_000
"""The same when users only move: nothing is missing meanwhile."""
TICK_MS = 1_000
BEATS_MAX = 1_000
"""Heartbeats of one entry: 4,000 would be larger than an entry may be."""
UNWATCHED_MS = 60_000
CLOSE_PATIENCE_MS = 10_000
STALLED_MS = 3_000
HOOK_START_PATIENCE_MS = 60_000
"""How long the start waits for the file's listeners of test_start on the master's side."""
HOOK_END_PATIENCE_MS = 30_000
"""How long the close waits for those of test_stop, quitting and quit."""
EXIT_HOOK_FAILED = 2
"""Of a run in which a listener raised, as Locust has it."""

CAPACITY_PATIENCE_MS = 10_000
"""How long more workers are waited for, after the last one came, when those there cannot take all users."""
NAMES_MAX = 5

EXIT_NOT_SHIPPED, EXIT_WORKER_LOAD, EXIT_NOT_SIGNED, EXIT_NO_WORKERS, EXIT_LAPSED = 16, 17, 19, 40, 43
EXIT_TOO_SMALL = 45
EXITS_OF_LOADING = {"NotShipped": EXIT_NOT_SHIPPED, "NotSigned": EXIT_NOT_SIGNED}
"""Of tidal.errors, repeated here because the model imports no shell; a test holds them together."""


@dataclass(frozen=True, slots=True)
class Senses:
    """What the shell found when it looked around; times in ms of Redis time."""

    now_ms: int
    beats: dict[str, Heartbeat] = field(default_factory=dict)  # by incarnation: the keys that are there
    looked: bool = False  # whether `beats`, `lost` and `left` are fresh
    lost: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    intents: tuple[ev.ByOperator, ...] = ()
    unwatched_ms: int = 0
    redis_rtt_us: int = 0
    has_host: bool = False  # whether there is a hook host that will call the file's listeners


def decide(state: State, senses: Senses) -> list[ev.Event]:
    """The events to append now, in order; none once the run is closed."""
    if state.log.phase == phases.CLOSED or not state.log.opened_ms:
        return []
    acts = _members(state, senses) or answers(state, senses.intents, senses.now_ms) or _advance(state, senses)
    tick = _tick(state, senses)
    is_end = any(isinstance(act, ev.RunClosed) for act in acts)
    refusals = _refusals(state) if tick or is_end else []
    tripped = trips(state, tick[0].judged_to_s) if tick and not is_end else []
    return [*refusals, *lend(state), *issue(state), *acts, *tripped, *tick, *(seal(state) if tick else [])]


# ------------------------------------------------------------------ who is there


def _members(state: State, senses: Senses) -> list[ev.Event]:
    if not senses.looked:
        return []
    log = state.log
    events: list[ev.Event] = [_lost(log, i) for i in senses.lost if i not in log.ended]
    events += [_left(log, i) for i in senses.left if i not in log.ended]
    names = {w.worker: w.name for w in log.workers.values()}
    for incarnation, beat in sorted(senses.beats.items(), key=lambda item: item[1].worker):
        if beat.run not in {"", log.run} or incarnation in senses.lost or incarnation in log.ended:
            continue
        if incarnation not in log.incarnations:
            if len(log.incarnations) >= INCARNATIONS_MAX:
                continue  # somebody makes up lives
            events += _former_lives(log, beat)
            name = names.setdefault(beat.worker, f"w{len(names) + 1}")
            events.append(_greet(name, incarnation, beat, _first_index(log, events, beat)))
        else:
            events += _changes(state, log.worker_of(incarnation), beat, senses.now_ms)
    return events


def _former_lives(log: LogHalf, beat: Heartbeat) -> list[ev.Event]:
    """A worker that came back under its own id before its old lease lapsed: the old life is over."""
    former = [w for w in log.workers.values() if w.worker == beat.worker and not w.is_gone]
    return [_lost(log, w.incarnation) for w in former if w.incarnation != beat.incarnation]


def _lost(log: LogHalf, incarnation: str) -> ev.WorkerLost:
    record = log.worker_of(incarnation)
    seen_ms = record.beat_at_ms - record.beat.age_ms if record and record.beat else log.opened_ms
    return ev.WorkerLost(log.incarnations.get(incarnation, "?"), incarnation, seen_ms)


def _left(log: LogHalf, incarnation: str) -> ev.WorkerLeft:
    why = f"drained by {log.drains[incarnation]}" if incarnation in log.drains else "it was told to"
    return ev.WorkerLeft(log.incarnations.get(incarnation, "?"), incarnation, why)


def _first_index(log: LogHalf, greeted: list[ev.Event], beat: Heartbeat) -> int:
    """Where the indexes of a worker's generators begin: where they did before, or after everybody's."""
    former = next((w for w in log.workers.values() if w.worker == beat.worker), None)
    if former is not None and former.processes >= beat.processes:
        return former.first_index
    ends = [w.first_index + w.processes for w in log.workers.values()]
    ends += [e.first_index + e.processes for e in greeted if isinstance(e, ev.WorkerSeen)]
    return max(ends, default=0)


def _greet(name: str, incarnation: str, beat: Heartbeat, first_index: int) -> ev.Event:
    if beat.schema != ev.SCHEMA_VERSION:
        why = f"it speaks schema {beat.schema} (tidal {beat.version}), this run schema {ev.SCHEMA_VERSION}"
        return ev.WorkerRefused(name, beat.worker, incarnation, why)
    who = (name, beat.worker, incarnation, beat.host, beat.pid)
    return ev.WorkerSeen(*who, max(1, beat.processes), beat.version, first_index, beat.users_max)


def _changes(state: State, record: WorkerRecord | None, beat: Heartbeat, now_ms: int) -> list[ev.Event]:
    if record is None or record.is_gone:
        return []
    error = state.reports.load_failures.get(record.incarnation)
    if error is not None and state.log.phase == phases.RUNNING:
        return [ev.WorkerRefused(record.name, record.worker, record.incarnation, error[1])]
    shown = "stalled" if beat.lag_ms >= STALLED_MS and beat.state == "running" else beat.state
    shown = shown if shown in phases.WORKER_STATES and shown not in phases.GONE else "waiting"
    shown = "draining" if record.incarnation in state.log.drains else shown
    lamps = (True, beat.users > 0 or beat.state in {"running", "stalled"}, _is_reporting(state, record, now_ms))
    if (shown, lamps) == (record.state, (record.alive, record.running, record.reporting)):
        return []
    return [ev.WorkerChanged(record.name, record.incarnation, shown, *lamps, why=beat.why[:200])]


def _is_reporting(state: State, record: WorkerRecord, now_ms: int) -> bool:
    log = state.log
    report = state.reports.incarnations.get(record.incarnation)
    if report is None or not report.to_ms:
        return False
    late_ms = 3 * report_interval_ms(log) + 1_000
    return log.phase == phases.CLOSED or now_ms - report.to_ms <= late_ms


def _refusals(state: State) -> list[ev.Event]:
    """Entries of the reports that were refused since it was last written down: told at most once a tick, summed."""
    told = state.log.refusals_told.get(REPORTS, 0)
    refused = state.reports.refused
    if refused.count <= told:
        return []
    return [ev.EntryRefused(REPORTS, refused.id, refused.why, refused.count - told)]


def _tick(state: State, senses: Senses) -> list[ev.Ticked]:
    if senses.now_ms - state.log.ticked_ms < TICK_MS or not senses.looked:
        return []
    beats = []
    for incarnation, beat in senses.beats.items():
        record = state.log.worker_of(incarnation)
        if record is not None and not record.is_gone:
            age_ms = max(0, senses.now_ms - beat.at_ms)
            beats.append(ev.Beat(record.name, age_ms, beat.cpu_permille, beat.memory_bytes, beat.lag_ms))
    beats.sort(key=lambda b: b.name)
    parts = [tuple(beats[i : i + BEATS_MAX]) for i in range(0, max(1, len(beats)), BEATS_MAX)]
    end = state.position[REPORTS]
    seen = (str(end) if end != ZERO_ID else "", reached_s(state))
    return [ev.Ticked(part, senses.redis_rtt_us, *seen) for part in parts]


# ------------------------------------------------------------------ the course of the run


def _advance(state: State, senses: Senses) -> list[ev.Event]:
    return _COURSE[state.log.phase](state, senses)


def _wait_for_workers(state: State, senses: Senses) -> list[ev.Event]:
    log = state.log
    for incarnation, (error, why) in sorted(state.reports.load_failures.items()):
        if incarnation not in log.ended:
            code = EXITS_OF_LOADING.get(error, EXIT_WORKER_LOAD)
            return [_refuse_run(log, f"{log.incarnations.get(incarnation, incarnation)}: {why}", code)]
    ready = able_ones(state)
    if has_enough_workers(state):
        if senses.has_host and "test_start" not in log.hooks_done:
            return []
        tracks = _first_tracks(log)
        began_ms = senses.now_ms + start_lead_ms(senses.redis_rtt_us, len(ready), tracks)
        owned = _placed(log, Ownership.of_nobody(log.slots), ready, tracks)
        end_ms = log.options.run_time_ms
        plan = ev.PlanSet(1, 0, tracks, end_ms, owned.owners, owned.table, "the run starts", log.stages)
        return [ev.RunStarted(began_ms), plan]
    return _give_up(state, senses.now_ms)


def start_lead_ms(rtt_us: int, workers: int, tracks: Iterable[ev.Track]) -> int:
    """How far in the future a run begins, so that every worker has its plan by then.

    Near workers have it at once; each further one and each ms on the way costs. Arrivals have a moment each, and one
    that is met late is late for good: they get the whole lead.
    """
    if any(track.unit == ARRIVALS for track in tracks):
        return LEAD_MS
    return min(LEAD_MS, START_LEAD_MS + workers + 4 * rtt_us // 1_000)


def _give_up(state: State, now_ms: int) -> list[ev.Event]:
    """Refuse the run when those who are missing were waited for long enough."""
    log = state.log
    if missing := _users_missing(state):
        newest_ms = max(w.seen_ms for w in log.workers.values())
        if now_ms - newest_ms > min(CAPACITY_PATIENCE_MS, log.options.expect_workers_max_wait_ms):
            return [_refuse_run(log, _too_small(state, missing), EXIT_TOO_SMALL)]
    elif now_ms - log.opened_ms > log.options.expect_workers_max_wait_ms:
        waited_s = (now_ms - log.opened_ms) // 1000
        why = f"{len(able_ones(state))} of {log.options.expect_workers} worker(s) were ready after {waited_s} s"
        return [_refuse_run(log, why, EXIT_NO_WORKERS)]
    return []


def has_enough_workers(state: State) -> bool:
    """Whether the run could start."""
    return len(able_ones(state)) >= max(1, state.log.options.expect_workers) and not _users_missing(state)


def _users_missing(state: State) -> int:
    """How many of the first plan's users the expected workers cannot take; 0 while not all of these are there."""
    log, able = state.log, able_ones(state)
    if len(able) < max(1, log.options.expect_workers):
        return 0
    return lacking(peak(_first_tracks(log)), [_users_max(log, o) for o in able])


def _too_small(state: State, missing: int) -> str:
    log = state.log
    room = ", ".join(f"{log.incarnations[o]} takes {_users_max(log, o):,}" for o in list(able_ones(state))[:NAMES_MAX])
    users = peak(_first_tracks(log))
    return f"{missing:,} of {users:,} users are too many for the workers ({room}): start more, or raise --max-users"


def _first_tracks(log: LogHalf) -> tuple[ev.Track, ...]:
    """The curves to begin with: those of the plan, else a ramp; nobody, where a shape will say."""
    if log.tracks:
        return log.tracks
    if log.options.limit is not None:
        return (ev.Track("", ((0, 0.0),), log.options.limit.unit),)
    users = 0 if log.shape else capped(log, ev.TargetSet(log.users, log.spawn_rate, ""))
    return (ev.Track("", ramp(0, 0, users, log.spawn_rate)),)


def _refuse_run(log: LogHalf, why: str, exit_code: int) -> ev.StopOrdered:
    return ev.StopOrdered("refused", why, "", log.options.stop_timeout_ms, exit_code)


def _run(state: State, senses: Senses) -> list[ev.Event]:
    log, plan = state.log, state.log.plan
    plan_ms = senses.now_ms - log.began_ms
    if plan is not None and all(o in log.ended for o in plan.owners) and not able_ones(state):
        if (plan.end_ms is not None and plan_ms >= plan.end_ms) or _is_deserted(state, senses.now_ms):
            return [ev.StopOrdered("failed", "every worker is gone", "", log.options.stop_timeout_ms, EXIT_LAPSED)]
        return []
    if plan is not None and (why := _why_finished(state, plan, plan_ms)):
        return [ev.StopOrdered("finished", why, "", log.options.stop_timeout_ms)]
    if (wanted := _wanted_end(state)) is not None:
        return [wanted]
    if plan is not None and (why := _why_lapsed(state, senses, plan)):
        return [ev.StopOrdered("lapsed", why, "", log.options.stop_timeout_ms, EXIT_LAPSED)]
    return seek(state, senses.now_ms) or (_share_out(state, plan, plan_ms) if plan is not None else [])


def _wanted_end(state: State) -> ev.StopOrdered | None:
    """The end that a threshold or user code asks for."""
    log, timeout_ms = state.log, state.log.options.stop_timeout_ms
    if (tripped := aborting(log)) is not None:
        why = f"{tripped.text} was not met from {moment(tripped.from_ms)} to {moment(tripped.to_ms)}"
        return ev.StopOrdered("stopped", why, "threshold", timeout_ms)
    for incarnation, why in sorted(state.reports.stops_wanted.items()):
        who = f"user code on {log.incarnations.get(incarnation, incarnation)}"
        return ev.StopOrdered("stopped", why, who, timeout_ms)
    return None


def _why_finished(state: State, plan: ev.PlanSet, plan_ms: int) -> str:
    """Why there is nothing more to do; "" when there is."""
    if plan.end_ms is not None and plan_ms >= plan.end_ms:
        return "the run time is over"
    return why_done(state)


def _why_lapsed(state: State, senses: Senses, plan: ev.PlanSet) -> str:
    """Why a run that nobody stopped does not go on; "" when it does."""
    end_ms = plan.rest.end_ms if plan.rest is not None else plan.end_ms  # a plan that stands still has its end later
    is_endless = end_ms is None and not state.log.options.keep_running and not is_limited(state.log)
    if is_endless and senses.unwatched_ms >= UNWATCHED_MS:
        return "it has no end and nobody watched it for a minute (--keep-running says otherwise)"
    if _have_all_finished(state, plan) and _is_deserted(state, senses.now_ms):
        return "every worker has stopped by itself, and no other came"
    return ""


def _have_all_finished(state: State, plan: ev.PlanSet) -> bool:
    """Whether nobody serves the plan, and those who did stopped by themselves: without a master for too long, say."""
    return not able_ones(state) and all(o in state.log.ended or has_finished(state, o) for o in plan.owners)


def _is_deserted(state: State, now_ms: int) -> bool:
    """Whether no worker served for as long as one is waited for at the start; who has finished only looks on."""
    log, seen_ms = state.log, [state.log.opened_ms]
    for worker in log.workers.values():
        is_idle = has_finished(state, worker.incarnation)
        last_ms = state.reports.incarnations[worker.incarnation].to_ms if is_idle else worker.beat_at_ms
        seen_ms.append(worker.seen_ms if worker.state == "waiting" and not is_idle else last_ms or worker.seen_ms)
    return now_ms - max(seen_ms) > log.options.expect_workers_max_wait_ms


def _share_out(state: State, plan: ev.PlanSet, plan_ms: int) -> list[ev.Event]:
    """A plan with other owners: at once when somebody is gone, a little later when users only move."""
    able, log = able_ones(state), state.log
    changes = {o: "is gone" for o in plan.owners if o in log.ended or has_finished(state, o)}
    is_urgent = bool(changes)
    changes |= {o: "came" for o in able if o not in plan.owners}
    leaving = {o: "leaves" for o in plan.owners if o not in changes and is_draining(log, o)}
    stay = {o: _weight(log, o) for o in plan.owners if o not in changes and o not in leaving}
    owners = {**stay, **{o: able[o] for o in able if o not in plan.owners}}
    if owners:
        changes |= leaving
    else:  # nobody could take over from those who leave: they stay as long as they do
        owners = {o: _weight(log, o) for o in leaving}
    if not changes or not owners:
        return _refit(log, plan, plan_ms) if owners else []
    owned = _placed(log, Ownership(plan.owners, plan.table), owners, plan.tracks)
    from_ms = max(_soon_ms(plan, plan_ms) if is_urgent else plan_ms + MOVE_LEAD_MS, plan.from_ms)
    why = ", ".join(f"{log.incarnations.get(o, o)} {what}" for o, what in changes.items())[:300]
    return [_handed_over(plan, from_ms, owned, why)]


def _soon_ms(plan: ev.PlanSet, plan_ms: int) -> int:
    """When users or arrivals of somebody who is gone go to others.

    Users begin at once. Arrivals have a moment each: who begins which must be known to all before it comes, or a
    worker that hears of it a little later than another would begin what the other has begun.
    """
    return plan_ms + LEAD_MS if any(track.unit == ARRIVALS for track in plan.tracks) else plan_ms


def _placed(log: LogHalf, owned: Ownership, weights: dict[str, int], tracks: tuple[ev.Track, ...]) -> Ownership:
    """The slots shared out by weight, and nobody with more users than it takes."""
    return _fitted(log, owned.moved_to(weights), weights, tracks)


def _fitted(log: LogHalf, owned: Ownership, weights: dict[str, int], tracks: tuple[ev.Track, ...]) -> Ownership:
    limits = {o: most for o in weights if (most := _users_max(log, o))}
    if not any(most < peak(tracks) for most in limits.values()):
        return owned
    return fitted(owned, limits, weights, slot_loads(tracks, log.classes, log.slots))


def _refit(log: LogHalf, plan: ev.PlanSet, plan_ms: int) -> list[ev.Event]:
    """Another placement when a new target is more, or less, than somebody takes."""
    owned = Ownership(plan.owners, plan.table)
    fits = _fitted(log, owned, {o: _weight(log, o) for o in plan.owners}, plan.tracks)
    if fits.table == owned.table:
        return []
    why = "as many users as each worker takes"
    return [_handed_over(plan, max(_soon_ms(plan, plan_ms), plan.from_ms), fits, why)]


def _handed_over(plan: ev.PlanSet, from_ms: int, owned: Ownership, why: str) -> ev.PlanSet:
    """The same schedule with other owners."""
    return replace(plan, number=plan.number + 1, from_ms=from_ms, owners=owned.owners, table=owned.table, why=why)


def _users_max(log: LogHalf, incarnation: str) -> int:
    record = log.worker_of(incarnation)
    return record.users_max if record is not None else 0


def _weight(log: LogHalf, incarnation: str) -> int:
    record = log.worker_of(incarnation)
    return record.processes if record is not None else 1


def _finish(state: State, senses: Senses) -> list[ev.Event]:
    log, stop = state.log, state.log.stop
    if stop is None or not is_measured(state, senses.now_ms):
        return []
    waited_ms = senses.now_ms - log.stopped_ms
    patience_ms = stop.stop_timeout_ms + CLOSE_PATIENCE_MS + HOOK_END_PATIENCE_MS
    if senses.has_host and "quit" not in log.hooks_done and waited_ms < patience_ms:
        return []
    reason = stop.reason
    if awaited := _awaited(state):
        reason += f"; no last report from {', '.join(log.incarnations.get(o, o) for o in awaited)}"[:300]
    end = state.position[REPORTS]
    found, code = judge(state, is_final=True), exit_code(state)
    if log.options.exit_by_verdict and stop.exit_code is None:
        code = exit_code_of(found, code, allow_suspect=log.options.allow_suspect)
    tripped = final_trips(state)
    if stop.exit_code is None:
        code = search_exit_code(log, exit_code_with(code, log, [*log.tripped.values(), *tripped]))
    reports_id = str(end) if end != ZERO_ID else ""
    return [*tripped, ev.RunClosed(stop.outcome, reason, code, found.word, found.reasons, reports_id)]


def is_measured(state: State, now_ms: int) -> bool:
    """Whether every last report is in, or is waited for no longer."""
    log, stop = state.log, state.log.stop
    timeout_ms = (stop.stop_timeout_ms if stop else 0) + CLOSE_PATIENCE_MS
    return stop is not None and (not _awaited(state) or now_ms - log.stopped_ms >= timeout_ms)


def _awaited(state: State) -> list[str]:
    log = state.log
    owners = log.plan.owners if log.plan is not None else ()
    return [o for o in owners if o not in log.ended and not _is_complete(state, o)]


def _is_complete(state: State, incarnation: str) -> bool:
    """Whether a worker's last report is in, and every one before it: one that Redis lost is handed in again."""
    return has_finished(state, incarnation) and not state.reports.incarnations[incarnation].ahead


def exit_code(state: State) -> int:
    """What the run ends with: its stop's own, a listener that raised, user code's wish, failures."""
    log, reports = state.log, state.reports
    if log.stop is not None and log.stop.exit_code is not None:
        return log.stop.exit_code
    if log.hook_failures or reports.hook_failures:
        return EXIT_HOOK_FAILED
    if log.exit_code_wanted is not None:
        return log.exit_code_wanted
    if reports.exit_codes:
        return max(reports.exit_codes.values())
    failed = reports.total.failures > 0 and not judges_failures(log)
    return log.options.exit_code_on_error if failed or reports.exceptions else 0


_COURSE: dict[str, Callable[[State, Senses], list[ev.Event]]] = {
    phases.WAITING: _wait_for_workers,
    phases.RUNNING: _run,
    phases.STOPPING: _finish,
}
