"""A picture of the state at a moment: all that any screen, table or file shows.

`frame(state, at_ms)` is pure, so live and replay agree to the byte when they are given the same entries and moment. A
current rate is a mean over three whole seconds, the last of which every expected worker has reported; when reports
stay away the window moves on without them after three seconds, so a target that stops answering shows 0 at once.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from struct import unpack
from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.arrivalbook import arrival_cells, rate_milli
from tidal.model.cells import endpoint_row
from tidal.model.delays import delay_row
from tidal.model.judged_rows import VerdictRow
from tidal.model.ledger import EVER_S, Books, balance, complete_to_ms, expected, iterations, losses, planned_users
from tidal.model.loglines import log_rows, missing_lines
from tidal.model.measured_rows import (
    check_rows,
    crowd_remarks,
    metric_rows,
    sample_rows,
    tagged_rows,
    transaction_rows,
)
from tidal.model.paces import lateness_row, pacing_rows
from tidal.model.redact import DEFAULT
from tidal.model.rows import (
    Chart,
    Completeness,
    EndpointRow,
    ExceptionRow,
    FailureRow,
    Frame,
    GapRow,
    LedgerRow,
    LossRow,
    RunHeader,
    StoryRow,
    WorkerRow,
)
from tidal.model.series import POINTS_MAX, Point
from tidal.model.spec import stage_at
from tidal.model.spikes import spikes
from tidal.model.staged import class_rows, stage_rows
from tidal.model.story import row
from tidal.model.text import clean
from tidal.model.threshold_rows import limit_row, threshold_rows
from tidal.model.tickets import ticket_cells
from tidal.model.verdict import Verdict, added_together, judge
from tidal.model.zoom import closeup, grouped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tidal.model.closeup import Focus
    from tidal.model.events import Beat
    from tidal.model.series import Series
    from tidal.model.state import EndpointRecord, IncarnationRecord, LogHalf, State, WorkerRecord

WINDOW_S = 3
PATIENCE_S = 3
"""How long a current rate waits for a worker that does not report."""


NO_POINT = Point()
LOSSES_MAX = 200
REASONS_MAX = 50


def frame(state: State, at_ms: int, focus: Focus | None = None) -> Frame:
    """Everything there is to see of a run at a moment of Redis time, and a closer look at what `focus` asks for."""
    at_ms = _frozen(state.log, at_ms)
    completeness = _completeness(state)
    window = _window(state, at_ms, completeness.complete_to_ms)
    records = grouped(state.reports.endpoints, focus.group) if focus and focus.group else state.reports.endpoints
    endpoints = tuple(_endpoint(k, v, window, state, at_ms) for k, v in sorted(records.items()))
    logs_left_out, logs_dropped = missing_lines(state)
    books = balance(state)
    return Frame(
        at_ms=at_ms,
        run=_header(state, at_ms),
        total=_total(state, endpoints, at_ms),
        endpoints=endpoints,
        workers=_workers(state, at_ms),
        failures=_failures(state),
        exceptions=_exceptions(state),
        story=_story(state),
        chart=_chart(state, window.stop),
        completeness=completeness,
        ledger=_ledger(state, books),
        bad_entries=state.log.refused.count + state.reports.refused.count,
        skipped_entries=state.log.skipped + state.reports.skipped,
        verdict=_verdict(state, books),
        closeup=closeup(state, focus, _seen(state, window), sorted(records), at_ms) if focus else None,
        pacing=pacing_rows(state.reports, _elapsed_ms(state.log, at_ms)),
        lateness=lateness_row(state.reports),
        delay=delay_row(state.reports),
        thresholds=threshold_rows(state),
        limit=limit_row(state.log),
        transactions=transaction_rows(state.reports.measured),
        metrics=metric_rows(state.reports.measured, _elapsed_ms(state.log, at_ms)),
        checks=check_rows(state.reports.measured),
        tagged=tagged_rows(state.reports.measured),
        samples=sample_rows(state),
        samples_dropped=state.reports.failed_dropped,
        logs=log_rows(state),
        logs_left_out=logs_left_out,
        logs_dropped=logs_dropped,
        stages=stage_rows(state.log, state.reports, _elapsed_ms(state.log, at_ms)),
        classes=class_rows(state.reports, _elapsed_ms(state.log, at_ms)),
    )


def _seen(state: State, window: range) -> range:
    """The window; that of a closed run holds its last second, too."""
    return window if state.log.phase != phases.CLOSED else range(window.start, window.stop + 1)


def _frozen(log: LogHalf, at_ms: int) -> int:
    """The moment of the picture: a closed run stands still."""
    return min(at_ms, log.closed_ms) if log.closed_ms else at_ms


def _by_number(record: WorkerRecord) -> tuple[int, str]:
    return len(record.name), record.name


def _completeness(state: State) -> Completeness:
    owners = expected(state)
    records = [state.reports.incarnations.get(i) for i in owners]
    reached = [r.to_ms for r in records if r is not None and r.to_ms]
    latest_ms = max(reached, default=0)
    reporting = sum(latest_ms - to_ms <= PATIENCE_S * 1000 for to_ms in reached)
    return Completeness(reporting, len(owners), complete_to_ms(state))


def _window(state: State, at_ms: int, complete_to_ms: int) -> range:
    """The whole seconds of Redis time over which current rates are meant."""
    end_s = max(min(complete_to_ms // 1000, at_ms // 1000), at_ms // 1000 - PATIENCE_S)
    if state.log.phase == phases.CLOSED:
        end_s = at_ms // 1000
    return range(max(end_s - WINDOW_S, state.log.began_ms // 1000), end_s)


def _elapsed_ms(log: LogHalf, at_ms: int) -> int:
    if not log.began_ms:
        return 0
    end_ms = log.load_ended_ms or at_ms
    return max(0, min(at_ms, end_ms) - log.began_ms)


def _header(state: State, at_ms: int) -> RunHeader:
    log = state.log
    plan = log.plan
    running = log.phase == phases.RUNNING
    stop, closed = log.stop, log.closed
    return RunHeader(
        run=clean(log.run),
        file=clean(log.file),
        host=clean(DEFAULT.url(log.options.host or next((c.host for c in log.classes if c.host), ""))),
        phase=log.phase,
        opened_ms=log.opened_ms,
        began_ms=log.began_ms,
        elapsed_ms=_elapsed_ms(log, at_ms),
        planned_ms=plan.end_ms if plan is not None else log.options.run_time_ms,
        users_planned=planned_users(log, at_ms - log.began_ms) if running else 0,
        users_running=_users_running(state),
        author=clean(log.author),
        reason=clean(closed.reason if closed else stop.reason if stop else ""),
        outcome=clean(closed.outcome if closed else stop.outcome if stop else ""),
        exit_code=closed.exit_code if closed else None,
        epoch=log.epoch,
        classes=tuple(clean(c.name) for c in log.classes),
        fleet=clean(log.fleet),
        stage=clean(stage_at(plan.stages, at_ms - log.began_ms), 100) if plan is not None and running else "",
        plan="\n".join(clean(line, 2_000) for line in log.plan_text.splitlines()[:100]),
        is_paused=plan is not None and plan.rest is not None and running,
        stages=tuple(clean(s.name, 100) for s in log.stages),
        arrivals_milli=rate_milli(log, at_ms - log.began_ms) if running else 0,
        hook_failures=log.hook_failures + state.reports.hook_failures,
    )


def _users_running(state: State) -> int:
    """Users by the newest gauges; a worker that is silent for longer than the others' patience is not counted."""
    if state.log.phase == phases.CLOSED:
        return 0
    alive = [r for i, r in state.reports.incarnations.items() if i not in state.log.ended and not r.finished]
    latest_ms = max((r.to_ms for r in alive), default=0)
    return sum(sum(r.users.values()) for r in alive if latest_ms - r.to_ms <= PATIENCE_S * 1000)


def _endpoint(key: tuple[str, str], record: EndpointRecord, window: range, state: State, at_ms: int) -> EndpointRow:
    recent = [record.recent.get(second, (0, 0)) for second in window]
    rates = [sum(counts) * 1000 // WINDOW_S for counts in zip(*recent, strict=True)] if recent else [0, 0]
    elapsed_ms = _elapsed_ms(state.log, at_ms)
    return endpoint_row(key, record.tally, (rates[0], rates[1]), elapsed_ms, record.percentiles_us())


def _total(state: State, endpoints: Iterable[EndpointRow], at_ms: int) -> EndpointRow:
    rows = list(endpoints)
    rates = (sum(r.rps_milli for r in rows), sum(r.failures_milli for r in rows))
    return endpoint_row(("", ""), state.reports.total, rates, _elapsed_ms(state.log, at_ms))


def _workers(state: State, at_ms: int) -> tuple[WorkerRow, ...]:
    owned = _owned(state.log)
    return tuple(_worker(state, w, owned, at_ms) for w in sorted(state.log.workers.values(), key=_by_number))


def _worker(state: State, record: WorkerRecord, owned: Mapping[str, int], at_ms: int) -> WorkerRow:
    report = state.reports.incarnations.get(record.incarnation)
    beat = record.beat
    users = {} if report is None or record.is_gone or report.finished else report.users
    return WorkerRow(
        name=clean(record.name, 60),
        worker=clean(record.worker, 60),
        host=clean(record.host, 60),
        pid=record.pid,
        state=clean(_shown_state(state, record, owned), 20),
        alive=record.alive,
        running=record.running and state.log.phase != phases.CLOSED,
        reporting=record.reporting,
        users=sum(users.values()),
        users_by_class=tuple((clean(name), n) for name, n in sorted(users.items())),
        generators=report.generators if report else record.processes,
        generators_alive=report.generators_alive if report else 0,
        cpu_permille=beat.cpu_permille if beat else 0,
        memory_bytes=beat.memory_bytes if beat else 0,
        lag_ms=max(beat.lag_ms if beat else 0, report.lag_ms if report else 0),
        heartbeat_age_ms=beat.age_ms + max(0, at_ms - record.beat_at_ms) if beat else None,
        report_age_ms=_report_age_ms(report, at_ms),
        incarnation=clean(record.incarnation, 40),
        share_permille=0 if record.incarnation in state.log.ended else owned.get(record.incarnation, 0),
        why=clean(record.why),
        behind_ms=beat.behind_ms if beat else 0,
        skew_ms=beat.skew_ms if beat else None,
        epoch=beat.epoch if beat else 0,
        plan=beat.plan if beat else 0,
        is_current=record.is_gone or beat is None or not beat.epoch or _goes_by_the_newest(state.log, beat),
    )


def _goes_by_the_newest(log: LogHalf, beat: Beat) -> bool:
    """Whether a heartbeat knew the newest plan; one of before it was made could not."""
    return beat.epoch >= log.epoch and beat.plan >= (log.plan.number if log.plan is not None else 0)


def _shown_state(state: State, record: WorkerRecord, owners: Collection[str]) -> str:
    """What a worker is; once the run is closed, what became of it: nobody runs any more."""
    report = state.reports.incarnations.get(record.incarnation)
    if state.log.phase != phases.CLOSED or record.is_gone:
        return record.state
    if report is not None and report.finished:
        return "finished"
    return "silent" if record.incarnation in owners else record.state


def _report_age_ms(report: IncarnationRecord | None, at_ms: int) -> int | None:
    return max(0, at_ms - report.to_ms) if report is not None and report.to_ms else None


def _owned(log: LogHalf) -> dict[str, int]:
    """The share of each owner in the slots, in thousandths."""
    owners, table = (log.plan.owners, log.plan.table) if log.plan is not None else ((), b"")
    counts, size = _counted(table), max(1, len(table))
    return {owner: counts.get(index, 0) * 2000 // size for index, owner in enumerate(owners)}


@lru_cache(4)
def _counted(table: bytes) -> dict[int, int]:
    """How many slots each owner has, by its index: counted once a plan, not once a picture."""
    return Counter(unpack(f">{len(table) // 2}H", table[: len(table) // 2 * 2]))


def _failures(state: State) -> tuple[FailureRow, ...]:
    rows = [
        FailureRow(clean(m, 20), clean(n), clean(e), r.occurrences, r.first_ms, r.last_ms)
        for (m, n, e), r in state.reports.failures.items()
    ]
    return tuple(sorted(rows, key=lambda r: (-r.occurrences, r.method, r.name, r.error, r.first_ms, r.last_ms)))


def _exceptions(state: State) -> tuple[ExceptionRow, ...]:
    rows = []
    for (message, traceback), record in state.reports.exceptions.items():
        names = sorted({clean(state.log.incarnations.get(i, "?"), 60) for i in record.occurrences})
        lines = "\n".join(clean(line, 300) for line in traceback.splitlines()[:60])
        rows.append(ExceptionRow(clean(message), lines, sum(record.occurrences.values()), tuple(names)))
    return tuple(sorted(rows, key=lambda r: (-r.occurrences, r.message, r.traceback, r.workers)))


def _story(state: State) -> tuple[StoryRow, ...]:
    log, rows = state.log, list(state.log.story)
    for (to_ms, incarnation, number), (from_ms, why) in sorted(state.reports.lost_intervals.items()):
        who = log.incarnations.get(incarnation, incarnation)
        text = f"generator {number} of {who} died ({why}): its last {max(0, to_ms - from_ms)} ms were never sent"
        rows.append(row(log.began_ms, to_ms, "gl", "error", text))
    return tuple(sorted(rows, key=lambda r: r.at_ms))


def _chart(state: State, end_s: int) -> Chart:
    """The series up to `end_s`: a second that is still being reported would look like a fall."""
    reports, planned = state.reports.series, state.log.planned
    step_s = max(reports.step_s, planned.step_s)
    firsts = [s.first_s for s in (reports, planned) if s.first_s is not None]
    lasts = [s.last_s for s in (reports, planned) if s.last_s is not None]
    if not firsts:
        return Chart(state.log.began_ms, step_s * 1000)
    last_s = max(lasts) if state.log.phase == phases.CLOSED else min(max(lasts), _charted_to_s(state.log, end_s) - 1)
    while last_s // step_s - min(firsts) // step_s >= POINTS_MAX:  # the two series lie ages apart: a clock was wrong
        step_s *= 2
    indexes = range(min(firsts) // step_s, last_s // step_s + 1)
    ran, wanted = _by_step(reports, step_s), _by_step(planned, step_s)
    mine = [_point(ran.get(i, NO_POINT), wanted.get(i, NO_POINT), step_s) for i in indexes]
    columns = zip(*mine, strict=True)
    return Chart(indexes.start * step_s * 1000, step_s * 1000, *columns)


def _charted_to_s(log: LogHalf, end_s: int) -> int:
    """Up to where the plan is added up as well: of a part of a second it would be a part of the users."""
    return min(end_s, (log.began_ms + log.planned_to_ms) // 1000) if log.phase == phases.RUNNING else end_s


def _by_step(series: Series, step_s: int) -> dict[int, Point]:
    """The points of a series by the index of the wider step in which they lie, added up there."""
    if step_s == series.step_s:
        return series.points
    width = step_s // series.step_s
    groups: dict[int, list[Point]] = {}
    for index, point in series.points.items():
        groups.setdefault(index // width, []).append(point)
    return {index: points[0] if len(points) == 1 else _sum_of(points) for index, points in groups.items()}


def _point(ran: Point, wanted: Point, step_s: int) -> tuple[int, ...]:
    """One point of the chart, of what ran and what was planned in its step."""
    rates = (ran.requests * 1000 // step_s, ran.failures * 1000 // step_s)
    return (*rates, round(wanted.user_ms / (1000 * step_s)), ran.user_ms // step_s, *ran.percentiles_us())


def _sum_of(points: list[Point]) -> Point:
    total = Point()
    for point in points:
        total.merge(point)
    return total


def _ledger(state: State, books: Books) -> LedgerRow:
    """Planned against done, while the run goes on only up to where every worker has reported."""
    log, reports = state.log, state.reports
    counted = iterations(state)
    gaps = (GapRow(_plan_ms(log, g[0] * 1000), _plan_ms(log, g[1] * 1000), g[2], g[3]) for g in books.gaps)
    lost = losses(state)[:LOSSES_MAX]
    return LedgerRow(
        books.planned_user_ms,
        books.ran_user_ms,
        books.missing_user_ms,
        books.surplus_user_ms,
        reports.lost_count + sum(loss.is_worker for loss in lost),
        books.after_user_ms,
        books.unplaced_user_ms,
        log.closed_ms if books.to_s >= EVER_S else books.to_s * 1000,
        counted.started,
        counted.finished,
        counted.failed,
        counted.cancelled,
        counted.in_flight,
        counted.unknown,
        *reports.ended,
        reports.repeats,
        reports.refused.count,
        tuple(gaps),
        tuple(LossRow(clean(x.who, 60), _plan_ms(log, x.from_ms), _plan_ms(log, x.to_ms), clean(x.why)) for x in lost),
        sum(counter.lost_count for counter in log.counters.values()),
        **(arrival_cells(state) | ticket_cells(state)),
    )


def _plan_ms(log: LogHalf, redis_ms: int) -> int:
    return max(0, redis_ms - log.began_ms)


def _verdict(state: State, books: Books) -> VerdictRow:
    """The one that the log says, else the one so far."""
    closed = state.log.closed
    found = (
        Verdict(closed.verdict, closed.reasons) if closed is not None and closed.verdict else judge(state, books=books)
    )
    remarks = (
        *added_together(state),
        *crowd_remarks(state.reports.measured),
        *(spikes(state) if closed is not None else ()),
    )
    reasons = tuple(clean(reason) for reason in found.reasons[:REASONS_MAX])
    return VerdictRow(clean(found.word, 20), reasons, tuple(map(clean, remarks)))
