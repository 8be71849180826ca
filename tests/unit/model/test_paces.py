"""Paces and lateness: folded in any order, shown, judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from draws import spread_of
from histories import T0, at, by, folded, opened, planned, report, seen, started

from tidal.model import events as ev
from tidal.model.frame import frame
from tidal.model.gather import CLASSES_MAX, Gathering
from tidal.model.pipe import Batch
from tidal.model.verdict import judge

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
