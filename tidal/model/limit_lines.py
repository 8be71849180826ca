"""Thresholds as lines in charts over time: which chart each concerns, at what height, and from when to when. PURE.

A threshold is drawn where its metric is: rates with the requests, latencies with the latencies, users with the users.
`fail%` has no height of its own there: its line is so many per cent of the requests, where failures may be. Times from
the intended start, counts, the verdict and what users measure themselves are in no chart, and have no line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import Struct
from tidal.model.threshold_rows import FAILED, FAILING
from tidal.model.watched import is_of

if TYPE_CHECKING:
    from tidal.model.judged_rows import ThresholdRow
    from tidal.model.rows import Frame

REQUESTS, LATENCY, USERS = "requests", "latency", "users"
SHARE = "fail%"
_CHARTS = {"rps": REQUESTS, SHARE: REQUESTS, "users": USERS, "avg": LATENCY, "min": LATENCY, "max": LATENCY}


class LimitLine(Struct, frozen=True):
    """A threshold in a chart.

    Attributes:
        chart: requests, latency or users.
        label: what is to hold, in short.
        value: in the chart's own unit: thousandths of requests/s or of users, microseconds.
        is_share: `value` is in thousandths of a per cent of the requests instead.
        is_bad: it is not kept to.
        from_ms: plan time of the part of the run that it judges.
        to_ms: None: to the end.
    """

    chart: str
    label: str
    value: int
    is_share: bool = False
    is_bad: bool = False
    from_ms: int = 0
    to_ms: int | None = None


def limit_lines(frame: Frame, endpoint: tuple[str, str] | None = None) -> tuple[LimitLine, ...]:
    """The lines of all requests' thresholds, or of one endpoint's, those that are not kept to first."""
    lines = [line for row in frame.thresholds if _concerns(row, endpoint) and (line := _line(row)) is not None]
    return tuple(sorted(lines, key=lambda line: not line.is_bad))


def _concerns(row: ThresholdRow, endpoint: tuple[str, str] | None) -> bool:
    return not row.of if endpoint is None else bool(row.of) and is_of(endpoint, row.of)


def _line(row: ThresholdRow) -> LimitLine | None:
    is_percentile = row.metric == "median" or (row.metric[:1] == "p" and row.metric[1:2].isdigit())
    chart = LATENCY if is_percentile else _CHARTS.get(row.metric)
    if chart is None or row.judged_to_ms == 0:
        return None
    is_bad = row.word in {FAILING, FAILED}
    return LimitLine(
        chart, row.wanted, row.limit_milli, row.metric == SHARE, is_bad, row.judged_from_ms, row.judged_to_ms
    )
