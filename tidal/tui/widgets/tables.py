"""The tables: which columns they have, and a frame's rows as cells. Pure functions of a frame and a look."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tidal.model.struct import Struct
from tidal.model.words import plural
from tidal.tui import text
from tidal.tui.look import LEVELS, WORKERS, Look, mark_of
from tidal.tui.widgets import books, logs, measured, users
from tidal.tui.widgets.columns import Cell, Column, GridRow
from tidal.tui.widgets.spark import spark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidal.model.closeup import Spark
    from tidal.model.rows import EndpointRow, ExceptionRow, FailureRow, Frame, StoryRow, WorkerRow


class Table(Struct, frozen=True):
    """A table of the dashboard."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Frame, Look], list[GridRow]]
    total: Callable[[Frame, Look], GridRow] | None = None
    empty: str = "nothing yet"
    follows: bool = False
    is_late: bool = False  # its tab comes after the charts
    is_rare: bool = False  # it has a tab only when it holds something
    from_level: Callable[[list[GridRow], str], list[GridRow]] | None = None  # its rows have levels: those from one on


def _number(value: int, shown: str, tone: str = "") -> Cell:
    return Cell(shown, tone, value)


# ------------------------------------------------------------------ requests

SPARK_CELLS = 14
_REQUESTS = (
    Column("method", "Method", 7, right=False),
    Column("name", "Name", 14, right=False, most=80),
    Column("requests", "Requests", 9),
    Column("failures", "Fails", 7),
    Column("median", "Med ms", 7),
    Column("p95", "p95 ms", 7, 1),
    Column("p99", "p99 ms", 7, 2),
    Column("average", "Avg ms", 7, 5),
    Column("min", "Min ms", 7, 7),
    Column("max", "Max ms", 7, 4),
    Column("size", "Size B", 9, 6),
    Column("rps", "Req/s", 8),
    Column("fps", "Fail/s", 7, 3),
    Column("spark", "Trend", SPARK_CELLS, 8, right=False),
    Column("response95", "Resp p95", 9, 9),
    Column("response99", "Resp p99", 9, 10),
)


def endpoint_key(row: EndpointRow) -> str:
    """What an endpoint's row is known by."""
    return f"{row.method}\0{row.name}"


def decimals_of(frame: Frame) -> int:
    """Decimals of the latencies in ms: two for a service that never took 100 ms. It changes at most once in a run."""
    return 2 if 0 < frame.total.max_us < 100_000 else 1


def _endpoint_cells(row: EndpointRow, name: tuple[Cell, Cell], decimals: int, trend: str = "") -> tuple[Cell, ...]:
    times = (row.median_us, row.p95_us, row.p99_us, row.average_us, row.min_us, row.max_us)
    failed = "bad" if row.failures else "dim"
    return (
        *name,
        _number(row.requests, text.count(row.requests)),
        _number(row.failures, text.count(row.failures, 7), failed),
        *(_number(us, text.millis(us, decimals) if row.is_timed else text.NOTHING) for us in times),
        _number(row.average_bytes, text.count(row.average_bytes)),
        _number(row.rps_milli, text.rate(row.rps_milli)),
        _number(row.failures_milli, text.rate(row.failures_milli), "bad" if row.failures_milli else "dim"),
        _number(row.rps_milli, trend, "spark"),
        *(
            _number(us, text.millis(us, decimals) if row.response_count else "", "accent")
            for us in (row.response_p95_us, row.response_p99_us)
        ),
    )


def _requests(frame: Frame, look: Look) -> list[GridRow]:
    decimals, trends = decimals_of(frame), _trends(frame)
    return [
        GridRow(endpoint_key(row), partial(_request_cells, row, look, decimals, trend))
        for row, trend in zip(frame.endpoints, trends, strict=True)
    ]


def _request_cells(row: EndpointRow, look: Look, decimals: int, trend: Spark | None) -> tuple[Cell, ...]:
    name = (Cell(look.outside(row.method), "dim"), Cell(look.outside(row.name)))
    return _endpoint_cells(row, name, decimals, spark(trend.requests, SPARK_CELLS, look) if trend is not None else "")


def _trends(frame: Frame) -> Sequence[Spark | None]:
    """Each endpoint's requests over time, where a closer look has them."""
    sparks = frame.closeup.sparks if frame.closeup is not None else ()
    return sparks if len(sparks) == len(frame.endpoints) else [None] * len(frame.endpoints)


def _requests_total(frame: Frame, _look: Look) -> GridRow:
    names = plural(len(frame.endpoints), "endpoint")
    return GridRow("", _endpoint_cells(frame.total, (Cell("TOTAL"), Cell(names, "dim")), decimals_of(frame)))


# ------------------------------------------------------------------ workers

_WORKERS = (
    Column("name", "Worker", 7, right=False, most=12),
    Column("host", "Host", 9, 2, right=False, most=28),
    Column("alive", "Alive", 7, right=False),
    Column("running", "Runs", 6, right=False),
    Column("reporting", "Reports", 9, right=False),
    Column("state", "State", 10, 1, right=False),
    Column("users", "Users", 7),
    Column("generators", "Gens", 5, 3),
    Column("cpu", "CPU %", 6),
    Column("memory", "Mem MB", 7, 7),
    Column("lag", "Lag ms", 7, 4),
    Column("behind", "Late ms", 8, 5),
    Column("beat", "Beat s", 7, 6),
    Column("report", "Rept s", 7, 8),
    Column("skew", "Skew ms", 8, 9),
    Column("share", "Share %", 8, 10),
    Column("epoch", "Epoch", 9, 12),
    Column("plan", "Plan", 5, 13),
    Column("why", "Why", 10, 11, right=False, most=40),
)

BEHIND_MS, SKEW_MS = 100, 1_000
"""Later than this, or further off, is worth a colour."""
LAMPS = {
    "alive": (("●", "alive", "good"), ("✗", "gone", "bad")),
    "running": (("●", "runs", "good"), ("○", "idle", "dim")),
    "reporting": (("●", "reports", "good"), ("◐", "silent", "warn")),
}


def _lamp(name: str, look: Look, *, lit: bool) -> Cell:
    glyph, word, tone = LAMPS[name][0 if lit else 1]
    return Cell(look.own(f"{glyph} {word}"), tone, int(lit))


def worker_key(row: WorkerRow) -> str:
    """What a worker's row is known by."""
    return f"{row.name}\0{row.incarnation}"


def worker_state(state: str, look: Look) -> Cell:
    """A worker's state as glyph and word."""
    glyph, word, tone = mark_of(WORKERS, state)
    return Cell(look.outside(look.own(f"{glyph} {word}")), tone)


def _worker_cells(row: WorkerRow, look: Look) -> tuple[Cell, ...]:
    gone = row.generators_alive < row.generators
    return (
        Cell(look.outside(row.name), "strong"),
        Cell(look.outside(row.host), "dim"),
        _lamp("alive", look, lit=row.alive),
        _lamp("running", look, lit=row.running),
        _lamp("reporting", look, lit=row.reporting),
        worker_state(row.state, look),
        _number(row.users, text.count(row.users, 7)),
        _number(row.generators_alive, f"{row.generators_alive}/{row.generators}", "warn" if gone else ""),
        _number(row.cpu_permille, text.count(round(row.cpu_permille / 10), 6)),
        _number(row.memory_bytes, text.count(row.memory_bytes // 1_000_000, 7)),
        _number(row.lag_ms, text.count(row.lag_ms, 7), "warn" if row.lag_ms > 100 else ""),
        _number(row.behind_ms, text.count(row.behind_ms, 8), "warn" if row.behind_ms > BEHIND_MS else ""),
        _age(row.heartbeat_age_ms, look, late_ms=1_500),
        _age(row.report_age_ms, look, late_ms=5_000),
        _number(row.skew_ms or 0, skew_text(row.skew_ms), "warn" if abs(row.skew_ms or 0) > SKEW_MS else ""),
        _number(row.share_permille, f"{row.share_permille / 10:.1f}"),
        _number(row.epoch, epoch_text(row.epoch, look), "" if row.is_current else "warn"),
        _number(row.plan, str(row.plan) if row.plan else text.NOTHING, "" if row.is_current else "warn"),
        Cell(look.outside(row.why), "dim"),
    )


def _worker(row: WorkerRow, look: Look) -> GridRow:
    return GridRow(worker_key(row), partial(_worker_cells, row, look))


def skew_text(skew_ms: int | None) -> str:
    """How far a machine's clock is off, with its sign."""
    return text.NOTHING if skew_ms is None else f"{skew_ms:+,}" if abs(skew_ms) < 1_000_000 else f"{skew_ms:+.0e}"


def epoch_text(epoch: int, look: Look) -> str:
    """Epochs are moments: when the master that a worker heeds took over."""
    return look.own(text.clock(epoch, look.zone)) if epoch else text.NOTHING


def _age(age_ms: int | None, look: Look, *, late_ms: int) -> Cell:
    late = age_ms is not None and age_ms > late_ms
    return Cell(look.own(text.seconds(age_ms)), "warn" if late else "", -1 if age_ms is None else age_ms)


# ------------------------------------------------------------------ failures, exceptions

_FAILURES = (
    Column("count", "Count", 9),
    Column("method", "Method", 7, 2, right=False),
    Column("name", "Name", 12, right=False, most=40),
    Column("error", "Error", 18, right=False, most=400),
    Column("first", "First", 8, 4),
    Column("last", "Last", 8, 3),
)


def failure_key(row: FailureRow) -> str:
    """What a failure's row is known by."""
    return f"{row.method}\0{row.name}\0{row.error}"


def _failure(row: FailureRow, look: Look) -> GridRow:
    cells = (
        _number(row.occurrences, text.count(row.occurrences), "bad"),
        Cell(look.outside(row.method), "dim"),
        Cell(look.outside(row.name)),
        Cell(look.outside(row.error)),
        _number(row.first_ms, look.own(text.clock(row.first_ms, look.zone)), "dim"),
        _number(row.last_ms, look.own(text.clock(row.last_ms, look.zone))),
    )
    return GridRow(failure_key(row), cells)


_EXCEPTIONS = (
    Column("count", "Count", 9),
    Column("message", "Exception", 30, right=False, most=400),
    Column("where", "Where", 18, 2, right=False, most=60),
    Column("workers", "Workers", 8, 1, right=False, most=24),
)


def exception_key(row: ExceptionRow) -> str:
    """What an exception's row is known by."""
    return f"{row.message}\0{row.traceback}"


def _broken(row: ExceptionRow, look: Look) -> GridRow:
    cells = (
        _number(row.occurrences, text.count(row.occurrences), "bad"),
        Cell(look.outside(row.message)),
        Cell(_place_of(row.traceback, look), "dim"),
        Cell(look.outside(", ".join(row.workers)), "dim"),
    )
    return GridRow(exception_key(row), cells)


def _place_of(traceback: str, look: Look) -> str:
    """The innermost place of a traceback as file:line in function; "" when it has none."""
    for line in reversed(text.clean_lines(traceback, ascii_only=look.ascii_only)):
        head, _, rest = line.strip().partition('File "')
        path, _, where = rest.partition('", line ')
        if not head and where:
            number, _, function = where.partition(", in ")
            return f"{path.rsplit('/', 1)[-1]}:{number} {function}".strip()
    return ""


# ------------------------------------------------------------------ the story

_STORY = (
    Column("time", "Time", 8, right=False),
    Column("plan", "Plan", 8, 1),
    Column("level", "", 2, right=False),
    Column("text", "Event", 20, right=False, most=2_000),
)


def story_key(row: StoryRow) -> str:
    """What an event's row is known by."""
    return f"{row.at_ms}\0{row.kind}\0{row.text}"


def _event_cells(row: StoryRow, look: Look) -> tuple[Cell, ...]:
    glyph, _, tone = mark_of(LEVELS, row.level)
    return (
        _number(row.at_ms, look.own(text.clock(row.at_ms, look.zone)), "dim"),
        _number(row.offset_ms, text.duration(row.offset_ms), "dim"),
        Cell(look.own(glyph), tone),
        Cell(look.outside(row.text), "" if tone == "info" else tone),
    )


def _event(row: StoryRow, look: Look) -> GridRow:
    return GridRow(story_key(row), partial(_event_cells, row, look))


def _rare(name: str, columns: tuple[Column, ...], rows: Callable[[Frame, Look], list[GridRow]]) -> Table:
    return Table(name, name.capitalize(), columns, rows, is_late=True, is_rare=True)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("requests", "Requests", _REQUESTS, _requests, _requests_total, "no request yet"),
        Table("workers", "Workers", _WORKERS, lambda f, k: [_worker(r, k) for r in f.workers], empty="no worker yet"),
        Table("failures", "Failures", _FAILURES, lambda f, k: [_failure(r, k) for r in f.failures], empty="none ✓"),
        Table(
            "exceptions", "Exceptions", _EXCEPTIONS, lambda f, k: [_broken(r, k) for r in f.exceptions], empty="none ✓"
        ),
        Table("events", "Events", _STORY, lambda f, k: [_event(row, k) for row in f.story], follows=True),
        Table("ledger", "Ledger", books.COLUMNS, books.rows, empty="nothing was planned yet"),
        Table(
            *("logs", "Logs", logs.COLUMNS, logs.rows),
            empty="nothing was logged",
            follows=True,
            is_late=True,
            from_level=logs.from_level,
        ),
        Table("classes", "Classes", users.COLUMNS, users.rows, users.total, "no class yet", is_late=True),
        _rare("stages", measured.STAGES, measured.stages),
        _rare("thresholds", measured.THRESHOLDS, measured.thresholds),
        _rare("transactions", measured.TRANSACTIONS, measured.transactions),
        _rare("checks", measured.CHECKS, measured.checks),
        _rare("metrics", measured.METRICS, measured.metrics),
        _rare("tags", measured.TAGGED, measured.tagged),
        _rare("samples", measured.SAMPLES, measured.samples),
        _rare("pacing", measured.PACING, measured.pacing),
    )
}
"""In the order of the tabs."""
