"""What schedules came to: users that keep a pace, arrivals that began late. Folded, shown, judged. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.gather import add_paces
from tidal.model.rows import LatenessRow, PacingRow
from tidal.model.text import clean
from tidal.model.words import part, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.events import PaceTally, Reported
    from tidal.model.findings import Finding
    from tidal.model.state import ReportHalf
    from tidal.model.stats import Tally

REACHED_PERMILLE = 950
"""A pace of which less was reached was another load than the one that was written."""
LATE_PERMILLE = 50
"""Late arrivals that make a run suspect: from one in twenty on they are in the p95."""
LEAST = 20
"""Iterations or arrivals below which there is nothing to say."""


def note_schedule(reports: ReportHalf, event: Reported) -> None:
    """Fold what a report says of paces and lateness."""
    add_paces(reports.paces, event.pacing)
    if event.lateness is not None:
        reports.lateness.merge(event.lateness)
    reports.late += event.late


def pacing_rows(reports: ReportHalf, elapsed_ms: int) -> tuple[PacingRow, ...]:
    """A row for each class that keeps a pace; rates are means over the run."""
    return tuple(_row(tally, elapsed_ms) for _, tally in sorted(reports.paces.items()))


def _row(tally: PaceTally, elapsed_ms: int) -> PacingRow:
    wanted = max(tally.wanted_millionths, 1)
    per_s = max(1, elapsed_ms)
    return PacingRow(
        user_class=clean(tally.user_class, 200),
        begun=tally.begun,
        wanted_milli=tally.wanted_millionths // per_s if elapsed_ms else 0,
        achieved_milli=tally.begun * 1_000_000 // per_s if elapsed_ms else 0,
        reached_permille=min(1000, tally.begun * 1_000_000_000 // wanted),
        late_permille=tally.late * 1000 // max(1, tally.begun),
    )


def response_cells(tally: Tally) -> dict[str, int]:
    """Of an endpoint's row: the times from the intended start."""
    if tally.response is None:
        return {}
    p50_us, p95_us, p99_us = tally.response.percentiles_us(0.5, 0.95, 0.99)
    return {
        "response_p50_us": p50_us,
        "response_p95_us": p95_us,
        "response_p99_us": p99_us,
        "response_max_us": tally.response.max_us,
        "response_count": tally.response.count,
    }


def lateness_row(reports: ReportHalf) -> LatenessRow:
    """How late arrivals began."""
    spread = reports.lateness
    p50_us, p95_us, p99_us = spread.percentiles_us(0.5, 0.95, 0.99)
    return LatenessRow(spread.count, reports.late, p50_us, p95_us, p99_us, spread.max_us)


def not_reached(reports: ReportHalf, elapsed_ms: int) -> Iterator[Finding]:
    """Paces that were not kept: the rate that somebody wrote is not the one that was measured."""
    for row in pacing_rows(reports, elapsed_ms):
        if row.begun >= LEAST and row.reached_permille < REACHED_PERMILLE:
            rates = f"{row.achieved_milli / 1000:.1f} of the wanted {row.wanted_milli / 1000:.1f} iterations/s"
            yield (
                1,
                f"{row.user_class} kept its pace only in part: it began {rates} ({row.reached_permille / 10:.1f} %)",
            )


def began_late(reports: ReportHalf) -> Iterator[Finding]:
    """Many arrivals that began late: the generators were saturated."""
    started = reports.lateness.count
    if started >= LEAST and reports.late * 1000 >= LATE_PERMILLE * started:
        (p95_us,) = reports.lateness.percentiles_us(0.95)
        text = f"{plural(reports.late, 'arrival')} ({part(reports.late, started)}) began more than 5 ms late"
        yield 1, f"{text}, a twentieth of all by {p95_us // 1000} ms and more: the generators were saturated"
