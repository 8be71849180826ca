"""State from events: one function a kind, pure, never raising on what it is fed.

`fold_entry` takes what a stream holds; `fold` takes a decoded event in its envelope. Both change the state in place,
for a state of hours is too large to copy at every entry; nothing else ever changes it. Repeats are dropped by identity:
a master's (epoch, n), a report's incarnation and range. Older epochs are fenced off. Nonsense is counted and skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import leases, phases, seeking, story, tickets
from tidal.model.arrivalbook import add_up, take_back
from tidal.model.belief import Reach, believed
from tidal.model.codec import BadEntry, Entry, Signed, decode
from tidal.model.counting import settle
from tidal.model.dated import let_go_ms_of
from tidal.model.failures import FAILURES_MAX, fold_failures
from tidal.model.fresh import FRESH_MAX
from tidal.model.health import note_answer, note_strain
from tidal.model.held import note_ran
from tidal.model.judging import fold_tripped
from tidal.model.ledger import add_up_ran
from tidal.model.loglines import fold_logged
from tidal.model.members import fold_ordered
from tidal.model.paces import note_schedule
from tidal.model.state import (
    INTENTS_KEPT,
    INTERVALS_KEPT,
    PLANS_KEPT,
    STORY_MAX,
    IncarnationRecord,
    State,
    WorkerRecord,
)
from tidal.model.struct import replace
from tidal.model.watched import count_watched
from tidal.model.wire import INT_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidal.model.rows import StoryRow
    from tidal.model.state import LogHalf, Refused, ReportHalf

INCARNATIONS_MAX = 20_000
AHEAD_MAX = 256
"""Gaps in what one incarnation sent. A healthy one has none, or one while something is handed in again."""
GENERATORS_MAX = 1_024
"""Generators of one worker that are kept apart."""
GAUGES_MAX = 1_000_000
"""Users by class and generator: so many figures of the first incarnation, half of the second, a third of the third …"""
CLASS_NAME_MAX = 200
EXIT_CODE_MAX = 255
_Gone = ev.WorkerLost | ev.WorkerLeft | ev.WorkerRefused


def fold_entry(state: State, entry: Entry) -> None:
    """Fold one element of a stream into the state; nonsense is counted, unknown kinds are skipped."""
    fold_loosely(state, entry)
    settle(state.reports)


def fold_entries(state: State, entries: Iterable[Entry]) -> None:
    """Fold many: the same state as one by one, in less time."""
    for entry in entries:
        fold_loosely(state, entry)
    settle(state.reports)


def fold_loosely(state: State, entry: Entry) -> None:
    """Fold one of many. Until `settle`, what it measured is in no figure yet: only the log's half may be looked at."""
    half: LogHalf | ReportHalf = state.log if entry.stream == "log" else state.reports
    state.position[entry.stream] = entry.id
    try:
        signed = decode(entry)
    except BadEntry as error:
        _refuse(half.refused, str(entry.id), str(error))
        return
    if signed is None:
        half.skipped += 1
    else:
        _fold(state, signed, str(entry.id))


def fold(state: State, signed: Signed, entry_id: str = "") -> None:
    """Fold one decoded event into the state."""
    _fold(state, signed, entry_id)
    settle(state.reports)


def _fold(state: State, signed: Signed, entry_id: str) -> None:
    if isinstance(signed, ev.ByMaster):
        _fold_master(state.log, signed)
    elif isinstance(signed, ev.ByWorker):
        _fold_worker(state.reports, signed, entry_id)
        if state.reports._fresh.size > FRESH_MAX:  # noqa: SLF001 - the state keeps it for the fold alone
            settle(state.reports)


def _refuse(refused: Refused, entry_id: str, why: str) -> None:
    """Count a refused entry; the one with the greatest id is named, so that order does not matter."""
    refused.count += 1
    if _order(entry_id) >= _order(refused.id):
        refused.id, refused.why = entry_id, why[:200]


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, seq = (entry_id or "0-0").partition("-")
    return int(ms), int(seq)


# ------------------------------------------------------------------ the log


def _fold_master(log: LogHalf, signed: ev.ByMaster) -> None:
    if signed.epoch < log.epoch:
        log.fenced += 1
        return
    if signed.epoch == log.epoch and signed.n <= log.n:
        log.repeats += 1
        return
    log.epoch, log.n = signed.epoch, signed.n
    event = signed.event
    line = story.tell(log, event)  # before the step: what is news depends on what was
    log.phase = phases.after(log.phase, event.KIND)
    step = _MASTER_STEPS.get(type(event))
    if step is not None:
        step(log, event, signed.at_ms)
    if line is not None:
        _remember(log, story.row(log.began_ms, signed.at_ms, event.KIND, *line))


def _remember(log: LogHalf, row: StoryRow) -> None:
    log.story.append(row)
    if len(log.story) > STORY_MAX:
        del log.story[STORY_MAX // 10]  # the beginning stays, the middle goes
        log.story_dropped += 1


def _run_opened(log: LogHalf, event: ev.RunOpened, at_ms: int) -> None:
    log.run, log.fleet, log.author, log.file = event.run, event.fleet, event.author, event.file
    log.files, log.classes, log.options, log.versions = event.files, event.classes, event.options, event.versions
    log.slots, log.opened_ms = event.slots, at_ms
    log.users, log.spawn_rate = event.options.users, event.options.spawn_rate
    log.more_files, log.shape, log.hooks = event.more_files, event.shape, event.hooks
    log.signature = event.signature[:128]
    log.plan_text, log.tracks, log.stages = event.plan_text, event.tracks, event.stages


def _run_started(log: LogHalf, event: ev.RunStarted, _: int) -> None:
    log.began_ms = event.began_ms


def _plan_set(log: LogHalf, event: ev.PlanSet, at_ms: int) -> None:
    add_up(log, at_ms)
    take_back(log, event.from_ms)
    log.plans = [*[p for p in log.plans if p.from_ms < event.from_ms][-PLANS_KEPT:], event]


def _target_set(log: LogHalf, event: ev.TargetSet, _: int) -> None:
    # What is no target was never granted: user code may wish for anything.
    if event.arrivals is None and ev.is_target(event.users, event.spawn_rate):
        log.users, log.spawn_rate, log.target_classes = event.users, event.spawn_rate, event.classes


def _hook_done(log: LogHalf, event: ev.HookDone, at_ms: int) -> None:
    log.hooks_done[event.hook[:100]] = at_ms
    log.hook_failures += event.failed
    if event.exit_code is not None:
        log.exit_code_wanted = _exit_code(event.exit_code)


def _stop_ordered(log: LogHalf, event: ev.StopOrdered, at_ms: int) -> None:
    add_up(log, at_ms)
    log.stop, log.stopped_ms = event, at_ms


def _run_closed(log: LogHalf, event: ev.RunClosed, at_ms: int) -> None:
    log.closed, log.closed_ms = event, at_ms


def _worker_seen(log: LogHalf, event: ev.WorkerSeen, at_ms: int) -> None:
    log.incarnations[event.incarnation] = event.name
    log.workers[event.name] = WorkerRecord(
        event.name,
        event.worker,
        event.incarnation,
        event.host,
        event.pid,
        event.processes,
        seen_ms=at_ms,
        first_index=event.first_index,
        users_max=event.users_max,
    )


def _worker_changed(log: LogHalf, event: ev.WorkerChanged, _: int) -> None:
    record = log.worker_of(event.incarnation)
    if record is not None and not record.is_gone:
        record.state = "draining" if event.incarnation in log.drains else event.state
        record.why = event.why
        record.alive, record.running, record.reporting = event.alive, event.running, event.reporting


def _worker_gone(state: str) -> Callable[[LogHalf, _Gone, int], None]:
    def step(log: LogHalf, event: _Gone, at_ms: int) -> None:
        if isinstance(event, ev.WorkerLost) and len(log.losses) < INTERVALS_KEPT:
            log.losses.setdefault(event.incarnation, (event.seen_ms, at_ms))
        log.ended[event.incarnation] = state
        log.incarnations.setdefault(event.incarnation, event.name)
        record = log.worker_of(event.incarnation)
        if record is None and event.name not in log.workers and isinstance(event, ev.WorkerRefused):
            record = WorkerRecord(event.name, event.worker, event.incarnation, "", 0, 0)
            log.workers[event.name] = record
        if record is not None:
            record.state, record.alive, record.running, record.reporting = state, False, False, False
            record.why = getattr(event, "why", "")

    return step


def _ticked(log: LogHalf, event: ev.Ticked, at_ms: int) -> None:
    add_up(log, at_ms)
    note_answer(log, at_ms, event.redis_rtt_us)
    log.ticked_ms, log.redis_rtt_us = at_ms, event.redis_rtt_us
    log.judged_to_s = max(log.judged_to_s, event.judged_to_s)
    for beat in event.beats:
        record = log.workers.get(beat.name)
        if record is not None:
            record.beat, record.beat_at_ms = beat, at_ms


def _ledger_sealed(log: LogHalf, event: ev.LedgerSealed, _: int) -> None:
    if log.sealed is None or event.to_s > log.sealed.to_s:
        log.sealed = event


def _intent(*, accepted: bool) -> Callable[[LogHalf, ev.IntentAccepted | ev.IntentRefused, int], None]:
    def step(log: LogHalf, event: ev.IntentAccepted | ev.IntentRefused, at_ms: int) -> None:
        log.answered_ms = at_ms
        if event.id not in log.intents:
            log.intents_order.append(event.id)
        log.intents[event.id] = accepted
        if len(log.intents) > INTENTS_KEPT:
            del log.intents[log.intents_order.pop(0)]

    return step


def _entry_refused(log: LogHalf, event: ev.EntryRefused, _: int) -> None:
    log.refusals_told[event.stream] = log.refusals_told.get(event.stream, 0) + event.count


def _generation_opened(log: LogHalf, event: ev.GenerationOpened, _: int) -> None:
    log.generation = max(log.generation, event.number)


_MASTER_STEPS: dict[type[ev.Event], Callable[..., None]] = {
    ev.RunOpened: _run_opened,
    ev.RunStarted: _run_started,
    ev.PlanSet: _plan_set,
    ev.TargetSet: _target_set,
    ev.HookDone: _hook_done,
    ev.StopOrdered: _stop_ordered,
    ev.DrainOrdered: fold_ordered,
    ev.RunClosed: _run_closed,
    ev.WorkerSeen: _worker_seen,
    ev.WorkerChanged: _worker_changed,
    ev.WorkerLost: _worker_gone("lost"),
    ev.WorkerLeft: _worker_gone("left"),
    ev.WorkerRefused: _worker_gone("refused"),
    ev.Ticked: _ticked,
    ev.IntentAccepted: _intent(accepted=True),
    ev.IntentRefused: _intent(accepted=False),
    ev.EntryRefused: _entry_refused,
    ev.LedgerSealed: _ledger_sealed,
    ev.BlockLeased: leases.fold_leased,
    ev.TicketsLent: tickets.fold_lent,
    ev.BlocksReturned: leases.fold_returned,
    ev.BlocksLost: leases.fold_lost,
    ev.GenerationOpened: _generation_opened,
    ev.ThresholdTripped: fold_tripped,
    ev.ProbeBegun: seeking.fold_begun,
    ev.ProbeJudged: seeking.fold_judged,
    ev.LimitFound: seeking.fold_found,
    ev.Logged: fold_logged,
}


# ------------------------------------------------------------------ the reports


def _fold_worker(reports: ReportHalf, signed: ev.ByWorker, entry_id: str) -> None:
    if signed.incarnation not in reports.incarnations and len(reports.incarnations) >= INCARNATIONS_MAX:
        _refuse(reports.refused, entry_id, f"{signed.incarnation} is one more than {INCARNATIONS_MAX} incarnations")
        return
    record = reports.incarnations.setdefault(signed.incarnation, IncarnationRecord())
    came_ms = _order(entry_id)[0] if entry_id else signed.at_ms
    reports.first_ms = min(reports.first_ms or came_ms, came_ms)
    if _accept(reports, record, signed, entry_id):
        event, why = believed(signed, Reach(reports.first_ms, came_ms))
        if why:
            _refuse(reports.refused, entry_id, why)
        _count(reports, record, replace(signed, at_ms=min(signed.at_ms, came_ms), event=event))


def _count(reports: ReportHalf, record: IncarnationRecord, signed: ev.ByWorker) -> None:
    event = signed.event
    if isinstance(event, ev.Reported):
        _reported(reports, record, signed, event)
    elif isinstance(event, ev.GeneratorLost):
        _generator_lost(reports, record, signed.incarnation, event)
    elif isinstance(event, ev.LoadFailed):
        _load_failed(reports, signed.incarnation, event)
    elif isinstance(event, ev.WorkerFinished):
        record.finished = True
        if event.exit_code is not None:
            reports.exit_codes[signed.incarnation] = _exit_code(event.exit_code)
    elif isinstance(event, ev.StopWanted):
        reports.stops_wanted.setdefault(signed.incarnation, event.why[:200])
    elif isinstance(event, ev.BlockWanted | ev.TicketsWanted):
        _wanted(record, event)
    else:
        reports.messages += isinstance(event, ev.MessageReceived)


def _wanted(record: IncarnationRecord, event: ev.BlockWanted | ev.TicketsWanted) -> None:
    if isinstance(event, ev.TicketsWanted):
        tickets.fold_wanted(record, event)
    else:
        leases.fold_wanted(record, event)


def _load_failed(reports: ReportHalf, incarnation: str, event: ev.LoadFailed) -> None:
    if len(reports.load_failures) < FAILURES_MAX:
        reports.load_failures[incarnation] = (event.error[:100], event.why[: ev.TEXT_MAX])


def _exit_code(wanted: int) -> int:
    """What a process can end with; anything else is the worst that it can."""
    return wanted if 0 <= wanted <= EXIT_CODE_MAX else EXIT_CODE_MAX


def _accept(reports: ReportHalf, record: IncarnationRecord, signed: ev.ByWorker, entry_id: str) -> bool:
    """Whether this range is new; ranges are counted once, in whatever order they come."""
    first, last, ahead = signed.first, signed.last, record.ahead
    if last <= record.watermark or any(a <= first and last <= b for a, b in ahead.items()):
        reports.repeats += 1
        return False
    if first <= record.watermark or any(first <= b and a <= last for a, b in ahead.items()):
        _refuse(reports.refused, entry_id, f"{first}..{last} overlaps what {signed.incarnation} sent")
        return False
    if first != record.watermark + 1 and len(ahead) >= AHEAD_MAX:
        _refuse(reports.refused, entry_id, f"{first}..{last} of {signed.incarnation}: too many gaps before it")
        return False
    _join(record, first, last)
    return True


def _join(record: IncarnationRecord, first: int, last: int) -> None:
    """Note a range as counted; ranges that touch become one, so what is noted grows with the gaps alone."""
    before = next((a for a, b in record.ahead.items() if b == first - 1), first)
    record.ahead[before] = record.ahead.pop(last + 1, last)
    while record.watermark + 1 in record.ahead:
        record.watermark = record.ahead.pop(record.watermark + 1)


def _reported(reports: ReportHalf, record: IncarnationRecord, signed: ev.ByWorker, event: ev.Reported) -> None:
    for block in event.blocks:
        _count_block(reports, record, block, signed.incarnation)
        count_watched(reports.watched, event.watch, block)
    fold_failures(reports, signed.incarnation, event)
    _count_lives(reports, record, event)
    reports.hook_failures += event.hook_failures
    note_schedule(reports, event)
    note_ran(reports.held, event)
    reports._fresh.hear(event)  # noqa: SLF001 - the state keeps it for the fold alone
    note_strain(reports, record, event)
    reports.lines.add(signed.incarnation, event.lines, signed.at_ms)
    if signed.last > record.newest:
        _take_gauges(record, signed.last, event, GAUGES_MAX // len(reports.incarnations))


def _count_lives(reports: ReportHalf, record: IncarnationRecord, event: ev.Reported) -> None:
    """Iterations, and users that ended by themselves."""
    started, finished, failed, cancelled = (a + b for a, b in zip(reports.iterations, event.iterations, strict=True))
    reports.iterations = (started, finished, failed, cancelled)
    record.in_flight += event.iterations[0] - sum(event.iterations[1:])
    reports.arrivals = (reports.arrivals[0] + event.arrivals[1], reports.arrivals[1] + event.arrivals[2])
    ended, restarted, let_go = (a + b for a, b in zip(reports.ended, event.ended, strict=True))
    reports.ended = (ended, restarted, let_go)
    reports.let_go_ms = min(INT_MAX, reports.let_go_ms + let_go_ms_of(event))


def _take_gauges(record: IncarnationRecord, last: int, event: ev.Reported, room: int) -> None:
    """The newest gauges; of users by class and generator no more than there is room for."""
    alive = [g for g in event.generators if g.state != "gone"]
    record.newest, record.to_ms, record.users = last, event.to_ms, _few(event.users, room)
    record.generators, record.generators_alive = len(event.generators), len(alive)
    record.by_generator = {}
    for generator in alive[:GENERATORS_MAX]:
        room -= 1 + len(generator.classes)
        if room >= 0:
            record.by_generator[generator.number] = _few(generator.classes, len(generator.classes))
    record.lag_ms = max((g.lag_ms for g in alive), default=0)
    record.cpu_permille, record.memory_bytes = event.cpu_permille, event.memory_bytes


def _few(counts: dict[str, int], room: int) -> dict[str, int]:
    return {name[:CLASS_NAME_MAX]: counts[name] for name in sorted(counts)[:room]}


def _count_block(reports: ReportHalf, record: IncarnationRecord, block: ev.Block, incarnation: str) -> None:
    ran_ms = sum(block.user_ms.values())
    reports._fresh.take(block, ran_ms, incarnation)  # noqa: SLF001 - the state keeps it for the fold alone
    if not block.is_warmup:
        reports.measured.add_capped(block.measured)
    if block.span > 1 and block.each is None:
        requests = sum(tally.requests for tally in block.tallies.values())
        reports.together = (reports.together[0] + requests, max(reports.together[1], block.span))
    add_up_ran(reports, block, ran_ms)
    record.user_ms += ran_ms
    if ran_ms:
        record.ran_to_s = max(record.ran_to_s, block.second + block.span)


def _generator_lost(reports: ReportHalf, record: IncarnationRecord, incarnation: str, event: ev.GeneratorLost) -> None:
    reports.lost_count += 1
    record.in_flight_lost += event.in_flight
    reports.lost_intervals[event.to_ms, incarnation, event.number] = (event.from_ms, event.why[:200])
    if len(reports.lost_intervals) > INTERVALS_KEPT:
        del reports.lost_intervals[max(reports.lost_intervals)]
