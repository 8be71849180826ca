"""Paces and lateness: folded in any order, shown, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from draws import spread_of
from histories import T0, at, by, folded, opened, planned, report, seen, started

from tidal.model import events as ev
from tidal.model.frame import frame
from tidal.model.gather import CLASSES_MAX, Gathering
from tidal.model.paces import LEAST, pacing_rows
from tidal.model.pipe import Batch
from tidal.model.struct import replace
from tidal.model.verdict import judge
from tidal.model.words import plural

if TYPE_CHECKING:
    from tidal.model.state import State


def ran(*reports: ev.Reported) -> State:
    """A run of 10 s in which a worker reported this."""
    told = [by("w1", n, each) for n, each in enumerate(reports, 1)]
    return folded(opened(), seen("w1"), started(), planned("w1"), *told, at(10_000, ev.Ticked(())))


def paced(name: str, begun: int, wanted: int, late: int = 0) -> ev.PaceTally:
    """A class that began so many of so many iterations."""
    return ev.PaceTally(name, begun, wanted * 1_000_000, late)


def test_a_pace_is_shown_as_wanted_and_achieved() -> None:
    """Rates are means over the run."""
    state = ran(report(pacing=(paced("Buyer", 60, 100, 6),)), report(pacing=(paced("Buyer", 40, 100),)))
    (row,) = frame(state, T0 + 10_000).pacing
    assert (row.user_class, row.begun, row.wanted_milli, row.achieved_milli) == ("Buyer", 100, 20_000, 10_000)
    assert (row.reached_permille, row.late_permille) == (500, 60)


def test_a_pace_that_was_not_reached_is_not_believed() -> None:
    """It is a reason of the verdict; one that was reached, or of a handful of iterations, is none."""
    short = ran(report(pacing=(paced("Buyer", 100, 200),)))
    kept = ran(report(pacing=(paced("Buyer", 198, 200), paced("Reader", 2, 9))))
    told = [reason for reason in judge(short).reasons if "pace" in reason]
    assert told == ["Buyer kept its pace only in part: it began 10.0 of the wanted 20.0 iterations/s (50.0 %)"]
    assert not [reason for reason in judge(kept).reasons if "pace" in reason]


@pytest.mark.parametrize(
    ("begun", "wanted", "told"),
    [
        (LEAST - 1, 100, ""),
        (LEAST, 100, "2.0 of the wanted 10.0 iterations/s (20.0 %)"),
        (950, 1_000, ""),
        (949, 1_000, "94.9 of the wanted 100.0 iterations/s (94.9 %)"),
        (1_100, 1_000, ""),
    ],
)
def test_from_where_on_a_pace_was_not_kept(begun: int, wanted: int, told: str) -> None:
    """Of twenty iterations and more, less than 95 %."""
    state = ran(report(pacing=(paced("Buyer", begun, wanted),)))
    found = [reason for reason in judge(state).reasons if "pace" in reason]
    assert found == ([f"Buyer kept its pace only in part: it began {told}"] if told else [])


@pytest.mark.parametrize(
    ("tally", "elapsed_ms", "cells"),
    [
        (paced("A", 3_000, 6_000, 750), 3_000, (2_000_000, 1_000_000, 500, 250)),
        (paced("A", 7, 9, 3), 10_000, (900, 700, 777, 428)),
        (paced("A", 9, 7, 0), 10_000, (700, 900, 1_000, 0)),
        (paced("A", 0, 1, 0), 1_000, (1_000, 0, 0, 0)),
        (paced("A", 0, 0, 0), 1_000, (0, 0, 0, 0)),
        (paced("A", 5, 5, 5), 0, (0, 0, 1_000, 1_000)),
        (paced("A", 5, 5, 1), 1, (5_000_000, 5_000_000, 1_000, 200)),
    ],
)
def test_a_row_of_paces_in_numbers(tally: ev.PaceTally, elapsed_ms: int, cells: tuple[int, ...]) -> None:
    """Wanted and achieved in thousandths a second, reached and late in permille, rounded down; nothing of no time."""
    (row,) = pacing_rows(ran(report(pacing=(tally,))).reports, elapsed_ms)
    assert (row.wanted_milli, row.achieved_milli, row.reached_permille, row.late_permille) == cells


@pytest.mark.parametrize(("started_", "late", "told"), [(19, 19, False), (20, 1, True), (21, 1, False), (60, 3, True)])
def test_from_where_on_arrivals_began_late(started_: int, late: int, told: bool) -> None:  # noqa: FBT001 - a column
    """Of twenty and more, a twentieth."""
    lateness = spread_of([100] * (started_ - late) + [50_000] * late)
    found = [r for r in judge(ran(report(lateness=lateness, late=late))).reasons if "late" in r]
    assert bool(found) == told
    if told:
        assert found[0].startswith(
            f"{plural(late, 'arrival')} (5.0 %) began more than 5 ms late, a twentieth of all by "
        )
        assert found[0].endswith(" ms and more: the generators were saturated")


def test_how_late_a_twentieth_was_is_said_in_ms() -> None:
    """From microseconds."""
    found = judge(ran(report(lateness=spread_of([50_000] * 40), late=40))).reasons
    assert [r for r in found if "a twentieth of all by 50 ms and more" in r]


def test_many_late_arrivals_make_a_run_suspect() -> None:
    """A few do not."""
    late = spread_of([100] * 90 + [50_000] * 10)
    assert [r for r in judge(ran(report(lateness=late, late=10))).reasons if "began more than 5 ms late" in r]
    few = spread_of([100] * 99 + [50_000])
    assert not [r for r in judge(ran(report(lateness=few, late=1))).reasons if "late" in r]


def test_lateness_is_shown() -> None:
    """Of all workers together."""
    state = ran(report(lateness=spread_of([100] * 3), late=0), report(lateness=spread_of([9_000]), late=1))
    row = frame(state, T0 + 10_000).lateness
    assert (row.started, row.late, row.max_us) == (4, 1, 9_000)


def test_classes_that_keep_a_pace_are_bounded() -> None:
    """The rest counts under one name."""
    state = ran(*(report(pacing=(paced(f"C{n}", 1, 1),)) for n in range(CLASSES_MAX + 5)))
    assert len(state.reports.paces) == CLASSES_MAX + 1
    assert state.reports.paces["(other)"].begun == 5


def test_a_report_has_what_the_batches_had() -> None:
    """Paces by class, arrivals, lateness; the next report begins anew."""
    gathering = Gathering(T0)
    batch = Batch(
        T0, T0 + 250, (), pacing=(paced("A", 1, 2),), arrivals=(3, 2, 1), lateness=spread_of([4, 9_000]), late=1
    )
    gathering.add(batch)
    gathering.add(replace(batch, pacing=(paced("B", 1, 1),)))
    assert not gathering.is_empty
    made = gathering.report(T0 + 1000, {}, (), 0, 0)
    assert made.pacing == (paced("A", 1, 2), paced("B", 1, 1))
    assert (made.arrivals, made.late, made.lateness) == ((6, 4, 2), 2, spread_of([4, 4, 9_000, 9_000]))
    assert gathering.is_empty
    assert batch.lateness == spread_of([4, 9_000])
