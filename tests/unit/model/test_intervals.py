"""Reports come less often the more workers there are, and everybody knows how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import folded, opened, started

from tidal.model import events as ev
from tidal.model.intervals import REPORTS_A_SECOND, SPAN_MAX_S, report_interval_ms, report_span_s, report_turn_ms

if TYPE_CHECKING:
    from tidal.model.state import State


def served_by(*counts: int, **options: object) -> State:
    """A run whose plans had so many owners, one after another."""
    plans = [
        ev.PlanSet(number, 0, (), None, tuple(f"inc{n}" for n in range(count)), b"")
        for number, count in enumerate(counts, 1)
    ]
    return folded(opened(**options), started(), plans)


@pytest.mark.parametrize(
    ("workers", "interval_ms"),
    [(1, 1_000), (300, 1_000), (301, 2_000), (601, 4_000), (1_000, 4_000), (1_201, 8_000), (20_000, 8_000)],
)
def test_many_workers_report_less_often(workers: int, interval_ms: int) -> None:
    """A fleet sends at most so many reports a second, up to the longest interval; each puts that together."""
    log = served_by(workers).log
    assert report_interval_ms(log) == interval_ms == report_span_s(log) * 1_000
    assert workers * 1_000 <= REPORTS_A_SECOND * interval_ms or interval_ms == SPAN_MAX_S * 1_000


def test_a_plan_with_other_owners_changes_it() -> None:
    """Somebody who leaves a large fleet makes the others report as before."""
    assert report_interval_ms(served_by(301, 300).log) == 1_000
    assert report_interval_ms(served_by(300, 301).log) == 2_000


def test_what_the_run_was_opened_with_is_the_least() -> None:
    """In a large fleet in whole spans; and before there is a plan, that alone counts."""
    assert report_interval_ms(served_by(1_000, report_interval_ms=5_000).log) == 8_000
    assert report_interval_ms(served_by(300, report_interval_ms=5_000).log) == 5_000
    assert report_interval_ms(folded(opened(report_interval_ms=250)).log) == 250


@pytest.mark.parametrize("workers", [1, 10, 300, 301, 1_000, 1_200, 5_000])
def test_they_report_one_after_another(workers: int) -> None:
    """Each at a moment of its own within the interval, no more in any tenth of a second than in another."""
    log = served_by(workers).log
    turns = [report_turn_ms(log, f"inc{n}") for n in range(workers)]
    assert turns == sorted(set(turns))
    assert turns[-1] < report_interval_ms(log)
    tenths = [turn // 100 for turn in turns]
    fair = workers * 100 // report_interval_ms(log)
    assert max(tenths.count(tenth) for tenth in set(tenths)) <= max(REPORTS_A_SECOND // 10, fair + 1)


def test_who_owns_nothing_reports_with_the_first() -> None:
    """Somebody whose users are others' by now has but a little left to say."""
    assert report_turn_ms(served_by(3).log, "somebody") == 0
    assert report_turn_ms(folded(opened()).log, "somebody") == 0
