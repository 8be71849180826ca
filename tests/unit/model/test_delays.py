"""How long answers lay in the kernel: folded in any order, gathered, shown, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from draws import spread_of
from histories import T0, at, by, folded, opened, planned, report, seen, started

from tidal.model import events as ev
from tidal.model.frame import frame
from tidal.model.gather import Gathering, merge_reports
from tidal.model.pipe import Batch
from tidal.model.verdict import judge
from tidal.outputs.judged import ledger_lines

if TYPE_CHECKING:
    from tidal.model.state import State

FIFTY_MS = [50_000] * 40


def ran(*reports: ev.Reported) -> State:
    """A run of 10 s in which a worker reported this."""
    told = [by("w1", n, each) for n, each in enumerate(reports, 1)]
    return folded(opened(), seen("w1"), started(), planned("w1"), *told, at(10_000, ev.Ticked(())))


def test_saturated_generators_make_a_run_suspect() -> None:
    """A fifth of a second in the kernel before answers of 50 ms were read; and what the latencies are without it."""
    state = ran(report(delay=spread_of([200_000] * 40), undelayed=spread_of(FIFTY_MS)))
    (reason,) = [reason for reason in judge(state).reasons if "read late" in reason]
    assert "200 ms" in reason or "199 ms" in reason
    assert "p95 is 50.0 ms" in reason


def test_a_short_delay_is_none() -> None:
    """Below what a timer is good for, or small beside the latency, or of a few answers only."""
    for delay_us, latency_us, count in ((900, 1_000, 40), (6_000, 900_000, 40), (200_000, 50_000, 5)):
        state = ran(report(delay=spread_of([delay_us] * count), undelayed=spread_of([latency_us] * count)))
        assert not [reason for reason in judge(state).reasons if "read late" in reason]


def test_both_are_shown() -> None:
    """In the frame and in the ledger's lines; nothing is said where nothing is known."""
    state = ran(report(delay=spread_of([1_000] * 3), undelayed=spread_of([50_000] * 3)))
    row = frame(state, T0 + 10_000).delay
    assert (row.answers, row.max_us, row.undelayed_p99_us) == (3, 1_000, 50_000)
    assert [line for line in ledger_lines(frame(state, T0 + 10_000)) if "lay in the kernel" in line]
    assert not [line for line in ledger_lines(frame(ran(report()), T0 + 10_000)) if "lay in the kernel" in line]


def test_they_are_gathered_and_merged() -> None:
    """Batches into a report, reports into one; the next begins anew."""
    batch = Batch(T0, T0 + 250, (), delay=spread_of([5]), undelayed=spread_of([9]))
    gathering = Gathering(T0)
    gathering.add(batch)
    gathering.add(batch)
    made = gathering.report(T0 + 500, {}, (), 0, 0)
    assert (made.delay, made.undelayed) == (spread_of([5, 5]), spread_of([9, 9]))
    assert gathering.report(T0 + 600, {}, (), 0, 0).delay is None
    merged = merge_reports(made, made)
    assert merged.delay == spread_of([5] * 4)
    assert batch.delay == spread_of([5])
