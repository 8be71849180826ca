"""The line of an interval and the tables at the end of a run, as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.closing import EXIT_HOOK_FAILED
from tidal.model.judging import EXIT_NOT_MET, EXIT_UNJUDGED
from tidal.model.text import clean
from tidal.model.verdict import EXIT_INVALID, EXIT_SUSPECT
from tidal.model.words import plural
from tidal.outputs.judged import ledger_lines, verdict_lines
from tidal.outputs.layout import (
    NOTHING,
    Column,
    clock,
    day_and_clock,
    duration,
    latency,
    rate,
    share,
    shorten,
    size,
    table,
)
from tidal.outputs.limit import limit_text
from tidal.outputs.measured import measured_tables, sample_blocks
from tidal.outputs.staged import by_class, by_stage
from tidal.outputs.thresholds import in_short, threshold_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import EndpointRow, ExceptionRow, Frame, PacingRow, RunHeader, WorkerRow

ROWS_MAX = 200
"""So many rows a table; the rest is counted in a line below it."""
TRACEBACK_LINES = 12
MESSAGE_CELLS = 100
STORY_LEVELS = ("warning", "error")
"""Outcomes of runs that nothing kept from ending as they should."""
BY_THRESHOLDS = (EXIT_NOT_MET, EXIT_UNJUDGED)
BY_VERDICT = (EXIT_INVALID, EXIT_SUSPECT)
TOLD_BY_THE_ENDING = ("so", "rc", "tt")
"""Kinds of events that say how the run ended; the last lines do that, and the table of thresholds."""

REQUEST_COLUMNS = (
    Column("method", number=False, rank=3), Column("name", number=False), Column("requests"), Column("failures"),
    Column("failed", rank=5), Column("p50", rank=2), Column("p95"), Column("p99", rank=4), Column("average", rank=7),
    Column("min", rank=8), Column("max", rank=6), Column("size", rank=9), Column("req/s", rank=1),
)  # fmt: skip
RESPONSE_COLUMNS = (
    Column("method", number=False, rank=3), Column("name", number=False), Column("requests", rank=5),
    Column("p50", rank=2), Column("p95"), Column("p99", rank=1), Column("max", rank=4),
)  # fmt: skip
PACING_COLUMNS = (
    Column("users of", number=False), Column("wanted"), Column("achieved"), Column("reached", rank=1),
    Column("late", rank=2), Column("begun", rank=3),
)  # fmt: skip
FAILURE_COLUMNS = (
    Column("times"), Column("method", number=False, rank=2), Column("name", number=False, rank=1),
    Column("error", number=False),
)  # fmt: skip
WORKER_COLUMNS = (
    Column("worker", number=False), Column("host", number=False, rank=6), Column("state", number=False),
    Column("users", rank=1), Column("load", rank=3), Column("generators", rank=5), Column("CPU", rank=4),
    Column("lag", rank=7), Column("why", number=False, rank=2),
)  # fmt: skip


def interval_line(frame: Frame, most: int | None = None) -> str:
    """The run at one moment, in one line that does not jump: time, users, rates, percentiles, completeness.

    With `most` cells for it the least important figures go.
    """
    run, total = frame.run, frame.total
    if not run.began_ms:
        return f"{'':>7}  {shorten(run.phase, 8):<8}  {_coverage(frame)}"
    cells = [  # with a rank each: the highest go first
        (0, f"{duration(run.elapsed_ms):>7}"),
        (3, f"{shorten(run.phase, 8):<8}"),
        (0, _load(run)),
        (0, f"req/s {rate(total.rps_milli):>8}"),
        (6, f"fail/s {rate(total.failures_milli):>6}"),
        (4, f"p50 {_time(total, total.median_us):>7}"),
        (2, f"p95 {_time(total, total.p95_us):>7}"),
        (5, f"p99 {_time(total, total.p99_us):>7}"),
        (1, f"failed {total.failures} of {total.requests}"),
        (7, _coverage(frame)),
        *([(1, told)] if (told := in_short(frame)) else []),
        *([(8, f"in {shorten(run.stage, 20)}")] if run.stage else []),
        *([(0, "paused")] if run.is_paused else []),
    ]
    while most is not None and sum(len(cell) + 2 for _, cell in cells) - 2 > most and any(rank for rank, _ in cells):
        cells.remove(max(cells))
    return "  ".join(cell for _, cell in cells)


def _load(run: RunHeader) -> str:
    """Users that run and that are planned; where only arrivals are planned, how many a second."""
    if run.arrivals_milli and not run.users_planned:
        return f"users {run.users_running:>5}  wanted {rate(run.arrivals_milli):>7}/s"
    return f"users {run.users_running:>5}/{run.users_planned:<5}"


def _time(row: EndpointRow, value_us: int) -> str:
    """A latency; without any sample there is none."""
    return latency(value_us) if row.is_timed else NOTHING


def _coverage(frame: Frame) -> str:
    known = frame.completeness
    if not frame.run.began_ms:
        here = sum(w.alive for w in frame.workers)
        hint = "" if here or frame.run.phase != phases.WAITING else "; to start one: tidal worker"
        return f"{plural(here, 'worker')} here{hint}"
    return f"{known.workers_reporting}/{known.workers_expected} workers"


def summary(frame: Frame, most: int | None = None) -> str:
    """Everything that is worth keeping of a run, as tables; ends with how the run ended and a newline.

    With `most` cells a line the tables show less, the most important last to go.
    """
    tables = (
        _requests(frame, most),
        _responses(frame, most),
        _pacing(frame, most),
        *measured_tables(frame, most),
        by_stage(frame, most),
        by_class(frame, most),
        _failures(frame, most),
        sample_blocks(frame),
        _exceptions(frame),
        _workers(frame, most),
    )
    parts = [*tables, _story(frame), threshold_table(frame, most), limit_text(frame), _ending(frame)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _requests(frame: Frame, most: int | None) -> str:
    if not frame.endpoints:
        return "No request was made."
    rows = [_request_cells(row) for row in frame.endpoints[:ROWS_MAX]]
    total = _request_cells(frame.total)
    lines = table(REQUEST_COLUMNS, rows, ["", "total", *total[2:]], most)
    return _more(lines, len(frame.endpoints))


def _request_cells(row: EndpointRow) -> list[str]:
    timed = [row.median_us, row.p95_us, row.p99_us, row.average_us, row.min_us, row.max_us]
    return [
        shorten(row.method, 12),
        shorten(row.name),
        str(row.requests),
        str(row.failures),
        share(row.failures, row.requests),
        *(_time(row, value_us) for value_us in timed),
        size(row.average_bytes),
        rate(row.total_rps_milli),
    ]


def _responses(frame: Frame, most: int | None) -> str:
    """The times from the intended start, where there are any."""
    timed = [row for row in frame.endpoints if row.response_count]
    if not timed:
        return ""
    total = _response_cells(frame.total)
    lines = table(RESPONSE_COLUMNS, [_response_cells(row) for row in timed[:ROWS_MAX]], ["", "total", *total[2:]], most)
    return _more(f"Response times, from the moment at which the iteration was to begin\n{lines}", len(timed))


def _response_cells(row: EndpointRow) -> list[str]:
    times = (row.response_p50_us, row.response_p95_us, row.response_p99_us, row.response_max_us)
    return [shorten(row.method, 12), shorten(row.name), str(row.response_count), *map(latency, times)]


def _pacing(frame: Frame, most: int | None) -> str:
    """Wanted against achieved, of users that keep a pace."""
    if not frame.pacing:
        return ""
    rows = [_pacing_cells(row) for row in frame.pacing[:ROWS_MAX]]
    return _more("Pacing: iterations/s\n" + table(PACING_COLUMNS, rows, most=most), len(frame.pacing))


def _pacing_cells(row: PacingRow) -> list[str]:
    reached, late = share(row.reached_permille, 1_000), share(row.late_permille, 1_000)
    return [
        shorten(row.user_class, 40),
        rate(row.wanted_milli),
        rate(row.achieved_milli),
        reached,
        late,
        str(row.begun),
    ]


def _failures(frame: Frame, most: int | None) -> str:
    if not frame.failures:
        return ""
    rows = [
        [str(row.occurrences), shorten(row.method, 12), shorten(row.name), shorten(row.error, MESSAGE_CELLS)]
        for row in frame.failures[:ROWS_MAX]
    ]
    return _more("Failures\n" + table(FAILURE_COLUMNS, rows, most=most), len(frame.failures))


def _exceptions(frame: Frame) -> str:
    if not frame.exceptions:
        return ""
    blocks = [_exception(row) for row in frame.exceptions[:ROWS_MAX]]
    return _more("Exceptions in user code\n" + "\n".join(blocks), len(frame.exceptions))


def _exception(row: ExceptionRow) -> str:
    where = ", ".join(shorten(name, 20) for name in row.workers)
    trace = [line for line in row.traceback.split("\n") if line.strip()][-TRACEBACK_LINES:]
    head = f"{plural(row.occurrences, 'time')}: {shorten(row.message, MESSAGE_CELLS)}" + (
        f"  ({where})" if where else ""
    )
    return "\n".join([head, *("    " + clean(line) for line in trace)])


def _workers(frame: Frame, most: int | None) -> str:
    if not frame.workers:
        return ""
    rows = [_worker_cells(row) for row in frame.workers[:ROWS_MAX]]
    return _more("Workers\n" + table(WORKER_COLUMNS, rows, most=most), len(frame.workers))


def _worker_cells(row: WorkerRow) -> list[str]:
    return [
        shorten(row.name, 20),
        shorten(row.host, 30),
        shorten(row.state, 12),
        str(row.users),
        share(row.share_permille, 1_000),
        f"{row.generators_alive}/{row.generators}",
        f"{row.cpu_permille // 10} %",
        f"{row.lag_ms} ms",
        shorten(row.why, MESSAGE_CELLS),
    ]


def _story(frame: Frame) -> str:
    """The warnings and errors of the run, in order."""
    told = [row for row in frame.story if row.level in STORY_LEVELS and row.kind not in TOLD_BY_THE_ENDING]
    lines = [f"{clock(row.at_ms)}  {shorten(row.text, MESSAGE_CELLS)}" for row in told[-ROWS_MAX:]]
    return "\n".join(["What went wrong", *lines]) if lines else ""


def _ending(frame: Frame) -> str:
    run = frame.run
    lines = [
        f"Run {shorten(run.run)}: {shorten(run.file)}, opened {day_and_clock(run.opened_ms)}",
        *_how_it_ended(frame),
        _how_complete(frame),
        *ledger_lines(frame),
        *verdict_lines(frame),
    ]
    return "\n".join(lines)


def _how_it_ended(frame: Frame) -> Iterator[str]:
    run = frame.run
    if run.outcome:
        reason = shorten(run.reason, MESSAGE_CELLS)
        because = f": {reason}" if reason else ""
        yield f"{shorten(run.outcome, 20).capitalize()} after {duration(run.elapsed_ms)}{because}"
    else:
        yield f"Still {shorten(run.phase, 20)} at {duration(run.elapsed_ms)}"
    if run.exit_code is not None:
        yield f"Exit code {run.exit_code}{_why_not_zero(frame)}"


def _why_not_zero(frame: Frame) -> str:
    """A run that went to its end in order and yet does not return 0: because of what failed in it."""
    raised = sum(row.occurrences for row in frame.exceptions)
    if frame.run.exit_code in BY_THRESHOLDS:
        told = in_short(frame) or (frame.limit.told if frame.limit is not None else "")
        return f": {shorten(told, MESSAGE_CELLS)}" if told else ""
    if frame.run.exit_code in BY_VERDICT:
        word = frame.verdict.word or ("invalid" if frame.run.exit_code == EXIT_INVALID else "suspect")
        return f": the verdict is {shorten(word, 20)}"  # a cut has none of its own
    if not frame.run.exit_code or frame.run.outcome not in phases.IN_ORDER:
        return ""
    if frame.total.cancelled and not (frame.total.requests or raised or frame.run.hook_failures):
        return f": no request was answered, {frame.total.cancelled:,} were cut off by the end"
    if what := _what_failed(frame, raised):
        return f": {', '.join(what)}"
    return "" if frame.run.began_ms else ": the load had not begun"


def _what_failed(frame: Frame, raised: int) -> list[str]:
    if frame.run.hook_failures and frame.run.exit_code == EXIT_HOOK_FAILED:
        return [f"a listener of a hook raised, {plural(frame.run.hook_failures, 'time')} in all"]
    failed = frame.total.failures
    what = [f"{failed} of {frame.total.requests} requests failed"] if failed else []
    return what + ([f"user code raised {raised} times" if raised > 1 else "user code raised once"] if raised else [])


def _how_complete(frame: Frame) -> str:
    """What the figures cover: an honest number or none."""
    known, ledger = frame.completeness, frame.ledger
    parts = [f"{known.workers_reporting}/{known.workers_expected} workers reported"] if known.workers_expected else []
    parts.append(f"complete to {clock(known.complete_to_ms)}" if known.complete_to_ms else "nothing was reported")
    if ledger.planned_user_ms and frame.run.exit_code is not None:  # before the end the plan is ahead of the reports
        ran_and_planned = (ledger.ran_user_ms - ledger.surplus_user_ms, ledger.planned_user_ms)
        parts.append(f"{share(*ran_and_planned)} of the planned user time ran")
    lost = [shorten(row.name, 20) for row in frame.workers if row.state == "lost"]
    if lost:
        parts.append(f"lost on the way: {', '.join(lost[:8])}{' …' if len(lost) > 8 else ''}")
    if ledger.lost_intervals:
        parts.append(f"{plural(ledger.lost_intervals, 'interval')} of killed processes never sent")
    if frame.total.cancelled:
        parts.append(f"{plural(frame.total.cancelled, 'request')} cut off by a stop")
    if frame.bad_entries:
        parts.append(f"{plural(frame.bad_entries, 'entry', 'entries')} of the log refused")
    if frame.skipped_entries:
        parts.append(f"{plural(frame.skipped_entries, 'entry', 'entries')} of a newer tidal skipped")
    return "Figures: " + "; ".join(parts)


def _more(text: str, there_are: int) -> str:
    return f"{text}\n… and {there_are - ROWS_MAX} more" if there_are > ROWS_MAX else text
