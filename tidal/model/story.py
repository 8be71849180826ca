"""Events as sentences: the run's log, read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.leases import in_story
from tidal.model.limit import told as told_limit
from tidal.model.planning import begins
from tidal.model.rows import StoryRow
from tidal.model.text import clean
from tidal.model.thresholds import decimal, value_text
from tidal.model.thresholds_read import threshold_of
from tidal.model.words import moment, plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.state import LogHalf

Line = tuple[str, str] | None
"""Level and sentence; None for what is no news."""


def tell(log: LogHalf, event: ev.Event) -> Line:
    """Level and sentence for an event of the log that is about to be folded; None when it is no news."""
    teller = _TELLERS.get(type(event))
    return teller(log, event) if teller else None


def row(began_ms: int, at_ms: int, kind: str, level: str, text: str) -> StoryRow:
    """A row of the story, its text cut and cleaned."""
    return StoryRow(at_ms, at_ms - began_ms if began_ms else 0, kind, clean(level, 20), clean(text, 400))


def _run_opened(_: LogHalf, event: ev.RunOpened) -> Line:
    return "info", f"{event.author} opened run {event.run}: {event.file}, {begins(event.options, event.tracks)}"


def _run_started(log: LogHalf, event: ev.RunStarted) -> Line:
    if log.began_ms:
        back_s = (log.began_ms - event.began_ms) / 1000
        return "warning", f"Redis' clock went back by {back_s:.1f} s: the plan goes on from where it was"
    return "good", f"the run started with {plural(sum(not w.is_gone for w in log.workers.values()), 'worker')}"


def _plan_set(log: LogHalf, event: ev.PlanSet) -> Line:
    names = [log.incarnations.get(o, o) for o in event.owners]
    who = ", ".join(names) if len(names) <= 6 else plural(len(names), "worker")
    return "info", f"plan {event.number}: {event.why or 'set'}; the load is on {who or 'nobody'}"


def _stop_ordered(_: LogHalf, event: ev.StopOrdered) -> Line:
    by = f" by {event.author}" if event.author else ""
    return ("info" if event.outcome in phases.IN_ORDER else "error"), f"stop ordered{by}: {event.reason}"


def _run_closed(_: LogHalf, event: ev.RunClosed) -> Line:
    text = f"the run closed: {event.outcome}, {event.reason}"
    if event.verdict in {"suspect", "invalid"}:
        why = f": {event.reasons[0]}" if event.reasons else ""
        return "warning" if event.verdict == "suspect" else "error", f"{text}; its verdict is {event.verdict}{why}"
    if event.outcome not in phases.IN_ORDER:
        return "warning", text
    return ("info", f"{text}; exit code {event.exit_code}") if event.exit_code else ("good", text)


def _master_took(log: LogHalf, event: ev.MasterTook) -> Line:
    verb = "took over" if log.opened_ms else "took the lease"
    return ("warning" if log.opened_ms else "info"), f"master {event.host}:{event.pid} {verb} (epoch {log.epoch})"


def _worker_seen(_: LogHalf, event: ev.WorkerSeen) -> Line:
    most = f", at most {plural(event.users_max, 'user')}" if event.users_max else ""
    return "good", f"{event.name} joined: {event.worker} on {event.host}, {plural(event.processes, 'generator')}{most}"


def _worker_changed(log: LogHalf, event: ev.WorkerChanged) -> Line:
    before = log.workers.get(event.name)
    lamps = {"alive": event.alive, "running": event.running, "reporting": event.reporting}
    out = [name for name, on in lamps.items() if not on]
    gone_out = [name for name in out if before is not None and getattr(before, name)]
    if event.state == "stalled" or (gone_out and event.state in {"running", "ready"}):
        dark = "".join(f", not {name}" for name in out) if event.alive else ", no sign of life"
        return "warning", f"{event.name} is {event.state}{dark}" + (f": {event.why}" if event.why else "")
    if before is not None and before.state == event.state:
        return None
    return "info", f"{event.name} is {event.state}"


def _worker_lost(log: LogHalf, event: ev.WorkerLost) -> Line:
    heirs = log.phase == phases.RUNNING and any(not w.is_gone and w.name != event.name for w in log.workers.values())
    return "error", f"{event.name} lost: its heartbeat lapsed{'; its users go to the others' * heirs}"


def _worker_left(_: LogHalf, event: ev.WorkerLeft) -> Line:
    return "info", f"{event.name} left: {event.why}"


def _worker_refused(_: LogHalf, event: ev.WorkerRefused) -> Line:
    return "error", f"{event.name} ({event.worker}) refused: {event.why}"


def _block_leased(log: LogHalf, event: ev.BlockLeased) -> Line:
    counter = log.counters.get(event.counter)
    what = " of ".join(filter(None, event.counter.partition(":")[::2]))  # rows of people.csv
    if event.why:
        return "error", f"{log.incarnations.get(event.incarnation, event.incarnation)} gets no {what}: {event.why}"
    if event.count or (counter is not None and counter.is_exhausted):
        return None
    return "warning", f"all {event.size} {what} are handed out"


def _blocks_lost(_: LogHalf, event: ev.BlocksLost) -> Line:
    return "error", f"{in_story(event.counter, event.spans)} are lost: {event.why}; nobody gets them again"


def _target_set(_: LogHalf, event: ev.TargetSet) -> Line:
    only = f" of {', '.join(event.classes)}" if event.classes else ""
    if event.arrivals is not None:
        return "info", f"{event.author} wants {event.arrivals:g} arrivals/s{only}"
    return "info", f"{event.author} wants {plural(event.users, 'user')}{only} at {event.spawn_rate:g}/s"


def _hook_done(_: LogHalf, event: ev.HookDone) -> Line:
    if event.failed:
        return "error", f"the file's listeners of {event.hook} were called: {event.failed} raised"
    code = "" if event.exit_code is None else f"; they want exit code {event.exit_code}"
    return "info", f"the file's listeners of {event.hook} were called{code}"


def _drain_ordered(_: LogHalf, event: ev.DrainOrdered) -> Line:
    return "info", f"{event.author} drains {event.name}"


def _intent_refused(_: LogHalf, event: ev.IntentRefused) -> Line:
    return "warning", f"{event.author}: {event.text} refused, {event.why}"


def _entry_refused(_: LogHalf, event: ev.EntryRefused) -> Line:
    entries = plural(event.count, "entry", "entries")
    return "warning", f"{entries} of {event.stream} refused, last {event.id}: {event.why}"


def _noted(_: LogHalf, event: ev.Noted) -> Line:
    return event.level, f"{event.author}: {event.text}"


def _threshold_tripped(_: LogHalf, event: ev.ThresholdTripped) -> Line:
    one = threshold_of(event.text)
    if event.value_milli is None or one is None:
        return "error", f"threshold {event.text} could not be judged: {event.why or 'this version does not know it'}"
    when = f"from {moment(event.from_ms)} to {moment(event.to_ms)}"
    return "error", f"threshold not met: {event.text}: it was {value_text(one.metric, event.value_milli)} {when}"


def _probe_judged(log: LogHalf, event: ev.ProbeJudged) -> Line:
    unit = log.options.limit.unit if log.options.limit is not None else ""
    told = ", ".join(_probe_value(text, value) for text, value in event.values)
    word = "meets" if event.passed else "does not meet"
    return "info", f"probe {event.number}: {decimal(event.level_milli)} {unit} {word} the thresholds ({told})"


def _probe_value(text: str, value: int | None) -> str:
    one = threshold_of(text)
    return f"{text}: {'nothing' if one is None or value is None else value_text(one.metric, value)}"


def _limit_found(log: LogHalf, event: ev.LimitFound) -> Line:
    spec = log.options.limit
    return ("warning" if event.level_milli is None else "good"), told_limit(spec, event) if spec is not None else ""


def _generation_opened(_: LogHalf, event: ev.GenerationOpened) -> Line:
    return "warning", f"Redis lost a part of the run ({event.why}): it goes on from what the master knows"


_TELLERS: dict[type[ev.Event], Callable[..., Line]] = {
    ev.RunOpened: _run_opened,
    ev.RunStarted: _run_started,
    ev.PlanSet: _plan_set,
    ev.StopOrdered: _stop_ordered,
    ev.RunClosed: _run_closed,
    ev.MasterTook: _master_took,
    ev.WorkerSeen: _worker_seen,
    ev.WorkerChanged: _worker_changed,
    ev.WorkerLost: _worker_lost,
    ev.WorkerLeft: _worker_left,
    ev.WorkerRefused: _worker_refused,
    ev.BlockLeased: _block_leased,
    ev.BlocksLost: _blocks_lost,
    ev.TargetSet: _target_set,
    ev.HookDone: _hook_done,
    ev.DrainOrdered: _drain_ordered,
    ev.IntentRefused: _intent_refused,
    ev.EntryRefused: _entry_refused,
    ev.Noted: _noted,
    ev.GenerationOpened: _generation_opened,
    ev.ThresholdTripped: _threshold_tripped,
    ev.ProbeJudged: _probe_judged,
    ev.LimitFound: _limit_found,
}
