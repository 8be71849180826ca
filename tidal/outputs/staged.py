"""Tables of what was measured by stage and by class: as text and as cells for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.outputs.layout import NOTHING, Column, duration, latency, rate, share, shorten, table

if TYPE_CHECKING:
    from tidal.model.rows import EndpointRow, Frame, StageRow

ROWS_MAX = 200
STAGE_COLUMNS = (
    Column("stage", number=False), Column("from", rank=7), Column("lasted", rank=8), Column("endpoint", number=False),
    Column("requests"), Column("failed", rank=4), Column("p50", rank=3), Column("p95"), Column("p99", rank=2),
    Column("max", rank=6), Column("req/s", rank=1),
)  # fmt: skip
CLASS_COLUMNS = (
    Column("users of", number=False), Column("requests"), Column("failed", rank=2), Column("p50", rank=3),
    Column("p95"), Column("p99", rank=4), Column("req/s", rank=1),
)  # fmt: skip


def by_stage(frame: Frame, most: int | None) -> str:
    """Each stage, and in it each endpoint where there are several; "" without stages."""
    shown = [row for row in frame.stages if row.lasted_ms or row.total.requests]
    if not shown:
        return ""
    rows = [cells for stage in shown for cells in _stage_rows(stage)]
    lines = table(STAGE_COLUMNS, rows[:ROWS_MAX], most=most)
    return "Stages, rates as means over each\n" + lines + _more(len(rows))


def _stage_rows(stage: StageRow) -> list[list[str]]:
    when = [duration(max(0, stage.from_ms)), duration(stage.lasted_ms)]
    rows = [[shorten(stage.name, 30), *when, "", *cells_of(stage.total)]]
    if len(stage.endpoints) > 1:
        rows += [["", "", "", shorten(f"{e.method} {e.name}".strip()), *cells_of(e)] for e in stage.endpoints]
    return rows


def cells_of(row: EndpointRow) -> list[str]:
    """Requests, failed, p50, p95, p99, max, req/s."""
    times = [row.median_us, row.p95_us, row.p99_us, row.max_us]
    return [
        str(row.requests),
        share(row.failures, row.requests),
        *(latency(us) if row.is_timed else NOTHING for us in times),
        rate(row.total_rps_milli),
    ]


def by_class(frame: Frame, most: int | None) -> str:
    """Each user class, where there are several."""
    if len(frame.classes) < 2:
        return ""
    rows = []
    for row in frame.classes:
        cells = cells_of(row.total)
        rows.append([shorten(row.name, 40), *cells[:5], cells[-1]])
    return "User classes\n" + table(CLASS_COLUMNS, rows[:ROWS_MAX], most=most) + _more(len(rows))


def _more(there_are: int) -> str:
    return f"\n… and {there_are - ROWS_MAX} more" if there_are > ROWS_MAX else ""
