"""Tables of what a run has only sometimes: stages, thresholds, transactions, checks, metrics, tags, failed requests.

Pure functions of a frame and a look. A table without rows has no tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.tui import text
from tidal.tui.widgets.columns import Cell, Column, GridRow

if TYPE_CHECKING:
    from tidal.model.judged_rows import ThresholdRow
    from tidal.model.own_rows import CheckRow, MetricRow, SampleRow, TaggedRow, TransactionRow
    from tidal.model.rows import Frame, StageRow
    from tidal.tui.look import Look

INDENT = "  "


def _count(number: int, tone: str = "") -> Cell:
    return Cell(text.count(number), tone, number)


def _ms(latency_us: int, *, is_timed: bool = True, tone: str = "") -> Cell:
    return Cell(text.millis(latency_us) if is_timed else text.NOTHING, tone, latency_us)


def _failures(number: int) -> Cell:
    return _count(number, "bad" if number else "dim")


# ------------------------------------------------------------------ stages

STAGES = (
    Column("name", "Stage", 16, right=False, most=40),
    Column("now", "", 8, right=False),
    Column("from", "From", 8, 5),
    Column("to", "To", 8, 6),
    Column("lasted", "Lasted", 8, 3),
    Column("requests", "Requests", 9),
    Column("failures", "Fails", 7),
    Column("rps", "Req/s", 8),
    Column("median", "Med ms", 8, 1),
    Column("p95", "p95 ms", 8, 2),
    Column("p99", "p99 ms", 8, 4),
    Column("users", "Users", 8, 7),
)


def stages(frame: Frame, look: Look) -> list[GridRow]:
    """What was measured in each stage of the plan, in its order."""
    return [_stage(number, row, look) for number, row in enumerate(frame.stages)]


def _stage(number: int, row: StageRow, look: Look) -> GridRow:
    total, users_milli = row.total, row.ran_user_ms * 1000 // row.lasted_ms if row.lasted_ms else 0
    cells = (
        Cell(look.outside(row.name) or "(none)", "strong" if row.is_on else ""),
        Cell(look.own("● now") if row.is_on else "", "good"),
        Cell(text.duration(row.from_ms), "dim", row.from_ms),
        Cell(text.duration(row.to_ms), "dim", row.to_ms),
        Cell(text.duration(row.lasted_ms), "", row.lasted_ms),
        _count(total.requests),
        _failures(total.failures),
        Cell(text.rate(total.total_rps_milli), "rps", total.total_rps_milli),
        _ms(total.median_us, is_timed=total.is_timed, tone="p50"),
        _ms(total.p95_us, is_timed=total.is_timed, tone="p95"),
        _ms(total.p99_us, is_timed=total.is_timed, tone="p99"),
        Cell(text.rate(users_milli), "users", users_milli),
    )
    return GridRow(f"{number}\0{row.name}", cells)


# ------------------------------------------------------------------ thresholds

THRESHOLDS = (
    Column("text", "Threshold", 28, right=False, most=80),
    Column("word", "", 12, right=False),
    Column("value", "Now", 12),
    Column("limit", "Limit", 10, 2),
    Column("tripped", "Failed", 16, 1, right=False, most=40),
    Column("why", "Why", 10, 3, right=False, most=200),
)
WORDS = {
    "holds": ("✓", "good"), "passed": ("✓", "good"), "waiting": ("◌", "dim"), "failing": ("▲", "warn"),
    "failed": ("✗", "bad"), "unjudged": ("○", "warn"),
}  # fmt: skip


def thresholds(frame: Frame, look: Look) -> list[GridRow]:
    """How each threshold stands."""
    return [_threshold(row, look) for row in frame.thresholds]


def _threshold(row: ThresholdRow, look: Look) -> GridRow:
    glyph, tone = WORDS.get(row.word, ("○", "dim"))
    limit = f"{row.limit_milli / 1000:g}{' ' + row.unit if row.unit else ''}"
    tripped = ""
    if row.tripped_from_ms is not None:
        until = f" - {text.duration(row.tripped_to_ms)}" if row.tripped_to_ms is not None else ""
        tripped = f"{text.duration(row.tripped_from_ms)}{until}  {row.tripped_value}"
    cells = (
        Cell(look.outside(row.text), "strong"),
        Cell(look.own(f"{glyph} ") + look.outside(row.word), tone),
        Cell(look.outside(row.value) or text.NOTHING, tone if tone in ("warn", "bad") else "", row.value_milli or 0),
        Cell(look.outside(limit), "dim", row.limit_milli),
        Cell(look.outside(tripped), "bad"),
        Cell(look.outside(row.why or ("stops the run" if row.aborts else "")), "dim"),
    )
    return GridRow(row.text, cells)


# ------------------------------------------------------------------ transactions

TRANSACTIONS = (
    Column("name", "Transaction", 20, right=False, most=60),
    Column("tags", "Tags", 8, 6, right=False, most=40),
    Column("times", "Times", 9),
    Column("failures", "Fails", 7),
    Column("requests", "Requests", 9, 3),
    Column("median", "Med ms", 8),
    Column("p95", "p95 ms", 8, 1),
    Column("p99", "p99 ms", 8, 2),
    Column("max", "Max ms", 9, 5),
    Column("busy", "Busy med", 9, 4),
    Column("busy95", "Busy p95", 9, 7),
)


def transactions(frame: Frame, look: Look) -> list[GridRow]:
    """The users' own transactions as a tree; busy: without what the user slept meanwhile."""
    return [_transaction(row, look) for row in frame.transactions]


def _transaction(row: TransactionRow, look: Look) -> GridRow:
    is_timed = row.times > 0
    cells = (
        Cell(INDENT * row.depth + look.outside(row.path[-1] if row.path else ""), "dim" if row.tags else ""),
        Cell(look.outside(row.tags), "dim"),
        _count(row.times),
        _failures(row.failures),
        _count(row.requests),
        _ms(row.median_us, is_timed=is_timed, tone="p50"),
        _ms(row.p95_us, is_timed=is_timed, tone="p95"),
        _ms(row.p99_us, is_timed=is_timed, tone="p99"),
        _ms(row.max_us, is_timed=is_timed),
        _ms(row.busy_median_us, is_timed=is_timed),
        _ms(row.busy_p95_us, is_timed=is_timed),
    )
    return GridRow("\0".join((*row.path, row.tags)), cells)


# ------------------------------------------------------------------ checks

CHECKS = (
    Column("name", "Check", 24, right=False, most=80),
    Column("tags", "Tags", 8, 2, right=False, most=40),
    Column("passes", "Passed", 9),
    Column("fails", "Failed", 9),
    Column("share", "Passed %", 9),
    Column("bar", "", 20, 1, right=False),
)
BAR_CELLS = 20


def checks(frame: Frame, look: Look) -> list[GridRow]:
    """What should be so, and how often it was."""
    return [_check(row, look) for row in frame.checks]


def _check(row: CheckRow, look: Look) -> GridRow:
    whole = row.passes + row.fails
    filled = BAR_CELLS * row.passes // whole if whole else 0
    glyph, tone = ("✓", "good") if not row.fails else ("✗", "bad")
    cells = (
        Cell(look.own(f"{glyph} ") + look.outside(row.name), tone),
        Cell(look.outside(row.tags), "dim"),
        _count(row.passes),
        _failures(row.fails),
        Cell(f"{100 * row.passes / whole:.2f}" if whole else text.NOTHING, "", row.passes / whole if whole else 0),
        Cell(look.own("━") * filled + look.own("─") * (BAR_CELLS - filled), tone, row.passes),
    )
    return GridRow(f"{row.name}\0{row.tags}", cells)


# ------------------------------------------------------------------ metrics

METRICS = (
    Column("name", "Metric", 20, right=False, most=60),
    Column("kind", "Kind", 8, 1, right=False),
    Column("tags", "Tags", 8, 6, right=False, most=40),
    Column("value", "Value", 12),
    Column("unit", "Unit", 6, right=False, most=16),
    Column("count", "Values", 9, 2),
    Column("rate", "/s", 9, 3),
    Column("min", "Min", 10, 5),
    Column("median", "Median", 10, 4),
    Column("p95", "p95", 10, 4),
    Column("max", "Max", 10, 5),
)


def metrics(frame: Frame, look: Look) -> list[GridRow]:
    """The users' own metrics."""
    return [_metric(row, look) for row in frame.metrics]


def _metric(row: MetricRow, look: Look) -> GridRow:
    value = f"{100 * row.value:.2f} %" if row.kind == "rate" else number(row.value)
    spread = row.kind == "trend"
    cells = (
        Cell(look.outside(row.name), "dim" if row.tags else "strong"),
        Cell(look.outside(row.kind), "dim"),
        Cell(look.outside(row.tags), "dim"),
        Cell(value, "", row.value),
        Cell(look.outside(row.unit), "dim"),
        _count(row.count),
        Cell(number(row.rate) if row.kind == "counter" else "", "", row.rate),
        *(Cell(number(one) if spread else "", "", one) for one in (row.min, row.median, row.p95, row.max)),
    )
    return GridRow(f"{row.name}\0{row.tags}", cells)


def number(value: float) -> str:
    """A figure of any size in at most ten cells: 12, 0.125, 1,234.5, 3.1e+12."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.2f}" if 0.01 <= abs(value) < 1e6 else f"{value:.3g}"


# ------------------------------------------------------------------ tags

TAGGED = (
    Column("tags", "Tags", 18, right=False, most=60),
    Column("method", "Method", 7, right=False),
    Column("name", "Name", 14, right=False, most=60),
    Column("requests", "Requests", 9),
    Column("failures", "Fails", 7),
    Column("median", "Med ms", 8, 1),
    Column("p95", "p95 ms", 8, 2),
    Column("p99", "p99 ms", 8, 3),
    Column("average", "Avg ms", 8, 3),
    Column("max", "Max ms", 9, 4),
)


def tagged(frame: Frame, look: Look) -> list[GridRow]:
    """Requests by the tags under which they were made."""
    return [_tagged(row, look) for row in frame.tagged]


def _tagged(row: TaggedRow, look: Look) -> GridRow:
    cells = (
        Cell(look.outside(row.tags), "accent"),
        Cell(look.outside(row.method), "dim"),
        Cell(look.outside(row.name)),
        _count(row.requests),
        _failures(row.failures),
        *(_ms(us) for us in (row.median_us, row.p95_us, row.p99_us, row.average_us, row.max_us)),
    )
    return GridRow(f"{row.tags}\0{row.method}\0{row.name}", cells)


# ------------------------------------------------------------------ failed requests to be read

SAMPLES = (
    Column("time", "Time", 8, right=False),
    Column("method", "Method", 7, right=False),
    Column("name", "Name", 14, right=False, most=50),
    Column("status", "Status", 7),
    Column("took", "Took ms", 9, 1),
    Column("error", "Error", 18, right=False, most=200),
    Column("worker", "Worker", 7, 2, right=False),
    Column("user", "User", 8, 3, right=False, most=24),
)


def samples(frame: Frame, look: Look) -> list[GridRow]:
    """A few failed requests with what came back; enter shows all of one."""
    return [_sample(number, row, look) for number, row in enumerate(frame.samples)]


def sample_key(number: int, row: SampleRow) -> str:
    """What a failed request is known by."""
    return f"{row.at_ms}\0{row.worker}\0{row.url}\0{number}"


def _sample(number: int, row: SampleRow, look: Look) -> GridRow:
    cells = (
        Cell(look.own(text.clock(row.at_ms, look.zone)), "dim", row.at_ms),
        Cell(look.outside(row.method), "dim"),
        Cell(look.outside(row.name)),
        Cell(
            str(row.status) if row.status else text.NOTHING,
            "bad" if row.status >= 400 or not row.status else "",
            row.status,
        ),
        _ms(row.took_us or 0, is_timed=row.took_us is not None),
        Cell(look.outside(row.error), "bad"),
        Cell(look.outside(row.worker), "dim"),
        Cell(look.outside(row.user), "dim"),
    )
    return GridRow(sample_key(number, row), cells)


# ------------------------------------------------------------------ pace

PACING = (
    Column("class", "Class", 14, right=False, most=40),
    Column("begun", "Begun", 9),
    Column("wanted", "Wanted /s", 10),
    Column("achieved", "Achieved /s", 12),
    Column("reached", "Reached %", 10),
    Column("late", "Late %", 8, 1),
)


def pacing(frame: Frame, look: Look) -> list[GridRow]:
    """The pace wanted and achieved, by class."""
    return [
        GridRow(
            row.user_class,
            (
                Cell(look.outside(row.user_class), "strong"),
                _count(row.begun),
                Cell(text.rate(row.wanted_milli), "", row.wanted_milli),
                Cell(text.rate(row.achieved_milli), "rps", row.achieved_milli),
                Cell(
                    f"{row.reached_permille / 10:.1f}",
                    "warn" if row.reached_permille < 990 else "",
                    row.reached_permille,
                ),
                Cell(f"{row.late_permille / 10:.1f}", "warn" if row.late_permille > 50 else "dim", row.late_permille),
            ),
        )
        for row in frame.pacing
    ]
