"""When arrivals began or were dropped and users were let go: sums by second, beside those of a report. PURE.

Generators tell of them several times a second, a report is made once in up to eight seconds and may be one of minutes,
when Redis was away. Where all of them were in the last second of a report nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.reports import Reported

    Dated = dict[int, tuple[int, int, int]]

DATED_MAX = 120
"""Seconds of a report; beyond, neighbours are added together: those of 2, 4, 8 … seconds stand at the last of them.

So nobody who was let go is excused from before it was so.
"""


def dated_of(report: Reported) -> Dated:
    """Arrivals begun and dropped, and users let go, by second of Redis time."""
    sums = (*report.arrivals[1:], report.ended[2])
    return report.dated or ({report.to_ms // 1000: sums} if any(sums) else {})


def let_go_ms_of(report: Reported) -> int:
    """The moments at which users were let go, in ms of Redis time, added up."""
    if not report.dated:
        return report.ended[2] * report.to_ms
    return sum(1_000 * (second + 1) * let_go for second, (_, _, let_go) in report.dated.items())


def add_dated(into: Dated, more: Mapping[int, tuple[int, int, int]]) -> None:
    """Add sums by second."""
    _add(into, more)
    step_s, last_s = 1, max(into, default=0)
    while len(into) > DATED_MAX:
        step_s, known = 2 * step_s, dict(into)
        into.clear()
        for second, row in known.items():
            _add(into, {min(last_s, second // step_s * step_s + step_s - 1): row})


def _add(into: Dated, more: Mapping[int, tuple[int, int, int]]) -> None:
    for second, (begun, dropped, let_go) in more.items():
        mine = into.get(second, (0, 0, 0))
        into[second] = (mine[0] + begun, mine[1] + dropped, mine[2] + let_go)


def said(dated: Dated, to_ms: int) -> Dated:
    """What a report up to a moment has to say of it: nothing where all was in its last second."""
    return dict(sorted(dated.items())) if dated.keys() - {to_ms // 1000} else {}


def check_dated(report: Reported) -> None:
    """Refuse what does not add up to the report's sums."""
    rows = report.dated
    if not rows:
        return
    is_sound = (
        len(rows) <= DATED_MAX and all(0 <= second < 1 << 40 for second in rows) and all(map(_is_sum, rows.values()))
    )
    if not is_sound or tuple(map(sum, zip(*rows.values(), strict=True))) != (*report.arrivals[1:], report.ended[2]):
        raise ValueError("arrivals and users that were let go, by second, do not add up to those of the report")


def _is_sum(row: tuple[int, int, int]) -> bool:
    return any(row) and min(row) >= 0
