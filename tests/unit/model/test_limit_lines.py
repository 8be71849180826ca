"""Which thresholds are lines, in which chart, at what height, and from when to when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recordings import Shop, entries

from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.limit_lines import LimitLine, limit_lines
from tidal.model.state import State
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.rows import Frame


def judged(*thresholds: str) -> Frame:
    """The last picture of a run that had these thresholds."""
    state = State()
    for entry in entries(Shop(seconds=20)):
        fold_entry(state, entry)
    state.log.options = replace(state.log.options, thresholds=thresholds)
    return frame(state, state.log.closed_ms)


@pytest.mark.parametrize(
    ("threshold", "line"),
    [
        ("p95 < 300ms", LimitLine("latency", "p95 < 300ms", 300_000)),
        ("median > 2s", LimitLine("latency", "p50 <= 2s", 2_000_000)),
        ("max < 1s for 10s", LimitLine("latency", "max < 1s", 1_000_000)),
        ("rps >= 0.5 between 1m and 4m", LimitLine("requests", "rps >= 0.5", 500, from_ms=60_000, to_ms=240_000)),
        ("fail% > 1 within 30s", LimitLine("requests", "fail% <= 1%", 1_000, is_share=True)),
        ("users == 10 after 5s", LimitLine("users", "users == 10", 10_000, from_ms=5_000)),
    ],
)
def test_a_threshold_is_a_line_where_its_metric_is(threshold: str, line: LimitLine) -> None:
    """In that chart's unit, named by what is to hold whichever way it was said."""
    (found,) = limit_lines(judged(threshold))
    assert found == replace(line, is_bad=found.is_bad)


@pytest.mark.parametrize(
    "threshold",
    ["verdict == valid", "requests > 10", "response p95 < 1s", "trend p95 of cart < 9", "p95 < 1s in stage nowhere"],
)
def test_what_no_chart_shows_is_no_line(threshold: str) -> None:
    """Counts, words, other times, measures of the users' own, a stage that the plan has not."""
    assert not limit_lines(judged(threshold))


def test_an_endpoint_has_its_own_lines() -> None:
    """By method and name or by name alone; those of all requests are not among them."""
    shown = judged("p95 < 1s", 'p95 of "GET /cart" < 2s', "p50 of /cart < 3s", "p50 of /other < 4s")
    assert [line.label for line in limit_lines(shown)] == ["p95 < 1s"]
    assert [line.label for line in limit_lines(shown, ("GET", "/cart"))] == ["p95 < 2s", "p50 < 3s"]


def test_what_is_not_kept_to_comes_first() -> None:
    """So that it is seen where only some are drawn."""
    state = judged("p99 < 9s", "p50 < 9s")
    ones = tuple(replace(row, word=word) for row, word in zip(state.thresholds, ("passed", "failed"), strict=True))
    lines = limit_lines(replace(state, thresholds=ones))
    assert [(line.label, line.is_bad) for line in lines] == [("p50 < 9s", True), ("p99 < 9s", False)]
