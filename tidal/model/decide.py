"""The next events from the state and the moment: what a master does, without doing it.

`decide` is pure. It looks at the folded state and at what the shell senses (heartbeats, intents, viewers), and answers
with events to append. It changes nothing: the state changes when those events come back through the log. Rules that
need the outcome of others (a plan needs the workers that were just seen) wait for the next turn, some 50 ms later.

    senses.py   what the shell found      attendance.py  who came, changed, left, is lost
    sharing.py  who owns which slots      closing.py     the last reports, the verdict, the exit code
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.answers import answers
from tidal.model.attendance import attend, refusals, tick
from tidal.model.capacity import lacking, peak
from tidal.model.clock import BACK_MS
from tidal.model.closing import EXIT_LAPSED, finish
from tidal.model.judging import aborting, trips
from tidal.model.leases import lend
from tidal.model.ledger import seal
from tidal.model.members import able_ones, has_finished, is_any_able
from tidal.model.plan import LEAD_MS, Ownership, ramp
from tidal.model.plantext import ARRIVALS
from tidal.model.seeking import seek
from tidal.model.sharing import placed, share_out, too_many, users_max
from tidal.model.target import capped
from tidal.model.tickets import is_limited, issue, why_done
from tidal.model.words import moment, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidal.model.senses import Senses
    from tidal.model.state import LogHalf, State

START_LEAD_MS = 50
"""How far in the future a run begins at least: from the log to a user takes some 10 ms on one machine."""
UNWATCHED_MS = 60_000
HOOK_START_PATIENCE_MS = 60_000
"""How long the start waits for the file's listeners of test_start on the master's side."""
CAPACITY_PATIENCE_MS = 10_000
"""How long more workers are waited for, after the last one came, when those there cannot take all users."""
NAMES_MAX = 5

EXIT_NOT_SHIPPED, EXIT_WORKER_LOAD, EXIT_NOT_SIGNED, EXIT_NO_WORKERS = 16, 17, 19, 40
EXIT_TOO_SMALL = 45
EXITS_OF_LOADING = {"NotShipped": EXIT_NOT_SHIPPED, "NotSigned": EXIT_NOT_SIGNED}
"""Of tidal.errors, repeated here because the model imports no shell; a test holds them together."""


def decide(state: State, senses: Senses) -> list[ev.Event]:
    """The events to append now, in order; none once the run is closed."""
    if state.log.phase == phases.CLOSED or not state.log.opened_ms:
        return []
    acts = _retimed(state.log, senses.now_ms) or attend(state, senses)
    acts = acts or answers(state, senses.intents, senses.now_ms) or _advance(state, senses)
    ticked = tick(state, senses)
    is_end = any(isinstance(act, ev.RunClosed) for act in acts)
    refused = refusals(state) if ticked or is_end else []
    tripped = trips(state, ticked[0].judged_to_s) if ticked and not is_end else []
    return [*refused, *lend(state), *issue(state), *acts, *tripped, *ticked, *(seal(state) if ticked else [])]


# ------------------------------------------------------------------ the course of the run


def _retimed(log: LogHalf, now_ms: int) -> list[ev.Event]:
    """Where Redis' clock went back, when plan time zero was by it: the plan goes on from where it was."""
    if log.phase != phases.RUNNING or now_ms - log.began_ms >= log.planned_to_ms - BACK_MS:
        return []
    return [ev.RunStarted(now_ms - log.planned_to_ms)]


def _advance(state: State, senses: Senses) -> list[ev.Event]:
    return _COURSE[state.log.phase](state, senses)


def _wait_for_workers(state: State, senses: Senses) -> list[ev.Event]:
    log = state.log
    for incarnation, (error, why) in sorted(state.reports.load_failures.items()):
        if incarnation not in log.ended:
            return [refusal(log, f"{log.incarnations.get(incarnation, incarnation)}: {why}", error)]
    ready = able_ones(state)
    if has_enough_workers(state):
        if senses.has_host and "test_start" not in log.hooks_done:
            return []
        tracks = _first_tracks(log)
        began_ms = senses.now_ms + start_lead_ms(senses.redis_rtt_us, len(ready), tracks)
        owned = placed(log, Ownership.of_nobody(log.slots), ready, tracks)
        end_ms = log.options.run_time_ms
        plan = ev.PlanSet(1, 0, tracks, end_ms, owned.owners, owned.table, "the run starts", log.stages)
        return [ev.RunStarted(began_ms), plan, *too_many(log, len(ready))]
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
        why = f"{len(able_ones(state))} of {plural(log.options.expect_workers, 'worker')} were ready after {waited_s} s"
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
    return lacking(peak(_first_tracks(log)), [users_max(log, o) for o in able])


def _too_small(state: State, missing: int) -> str:
    log = state.log
    room = ", ".join(f"{log.incarnations[o]} takes {users_max(log, o):,}" for o in list(able_ones(state))[:NAMES_MAX])
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


def refusal(log: LogHalf, why: str, error: str) -> ev.StopOrdered:
    """The end of a run whose file does not load; `error` is the name of the TidalError that says it."""
    return _refuse_run(log, why, EXITS_OF_LOADING.get(error, EXIT_WORKER_LOAD))


def _refuse_run(log: LogHalf, why: str, exit_code: int) -> ev.StopOrdered:
    return ev.StopOrdered("refused", why, "", log.options.stop_timeout_ms, exit_code)


def _run(state: State, senses: Senses) -> list[ev.Event]:
    log, plan = state.log, state.log.plan
    plan_ms = senses.now_ms - log.began_ms
    if plan is not None and all(o in log.ended for o in plan.owners) and not is_any_able(state):
        if (plan.end_ms is not None and plan_ms >= plan.end_ms) or _is_deserted(state, senses.now_ms):
            return [ev.StopOrdered("failed", "every worker is gone", "", log.options.stop_timeout_ms, EXIT_LAPSED)]
        return []
    if plan is not None and (why := _why_finished(state, plan, plan_ms)):
        return [ev.StopOrdered("finished", why, "", log.options.stop_timeout_ms)]
    if (wanted := _wanted_end(state)) is not None:
        return [wanted]
    if plan is not None and (why := _why_lapsed(state, senses, plan)):
        return [ev.StopOrdered("lapsed", why, "", log.options.stop_timeout_ms, EXIT_LAPSED)]
    return seek(state, senses.now_ms) or (share_out(state, plan, plan_ms) if plan is not None else [])


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
    return not is_any_able(state) and all(o in state.log.ended or has_finished(state, o) for o in plan.owners)


def _is_deserted(state: State, now_ms: int) -> bool:
    """Whether no worker served for as long as one is waited for at the start; who has finished only looks on."""
    log, seen_ms = state.log, [state.log.opened_ms]
    for worker in log.workers.values():
        is_idle = has_finished(state, worker.incarnation)
        last_ms = state.reports.incarnations[worker.incarnation].to_ms if is_idle else worker.beat_at_ms
        seen_ms.append(worker.seen_ms if worker.state == "waiting" and not is_idle else last_ms or worker.seen_ms)
    return now_ms - max(seen_ms) > log.options.expect_workers_max_wait_ms


_COURSE: dict[str, Callable[[State, Senses], list[ev.Event]]] = {
    phases.WAITING: _wait_for_workers,
    phases.RUNNING: _run,
    phases.STOPPING: finish,
}
