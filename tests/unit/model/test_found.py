"""Histories that the search of `tests/explore` has found to go wrong: each stays here as it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import T0, at, beat, beats, by, changed, folded, lost, report, running, ticked

from tidal.model import events as ev
from tidal.model.closing import EXIT_LAPSED
from tidal.model.decide import decide
from tidal.model.senses import Senses

if TYPE_CHECKING:
    from tidal.model.state import State

WAIT_MS = 60_000


def after_a_masterless_time() -> State:
    """Two workers stopped by themselves after twenty seconds without a master; then one came."""
    ends = [event for name in ("w1", "w2") for event in (by(name, 1, report(to_ms=20_000)), by(name, 2, _stopped()))]
    idle = [changed(name, "waiting") for name in ("w1", "w2")]
    return folded(*running("w1", "w2", keep_running=True), *ends, at(30_000, ticked("w1", "w2")), *idle)


def _stopped() -> ev.WorkerFinished:
    return ev.WorkerFinished("no master for too long, and the plan has no end")


def decided(state: State, ms: int) -> list[ev.Event]:
    """What is decided while both workers idle, the regular tick aside."""
    idle = beats(beat("w1", run="", state="waiting"), beat("w2", run="", state="waiting"))
    return [e for e in decide(state, Senses(T0 + ms, idle, looked=True)) if not isinstance(e, ev.Ticked)]


def test_a_run_whose_workers_all_stopped_by_themselves_lapses() -> None:
    """They idle and beat, so nobody is lost; nobody would ever have served the plan again."""
    (stop,) = decided(after_a_masterless_time(), 20_000 + WAIT_MS + 1)
    assert isinstance(stop, ev.StopOrdered)
    assert (stop.outcome, stop.exit_code) == ("lapsed", EXIT_LAPSED)


def test_it_waits_for_others_first() -> None:
    """As long as for workers at the start: those who were cut off come again as a new life, others may be started."""
    assert decided(after_a_masterless_time(), 20_000 + WAIT_MS - 1) == []


def test_a_run_one_of_whose_workers_was_lost_and_the_other_stopped_by_itself_lapses() -> None:
    """Neither would ever serve the plan again."""
    ends = [lost("w1"), by("w2", 1, report(to_ms=20_000)), by("w2", 2, _stopped()), changed("w2", "waiting")]
    state = folded(*running("w1", "w2", keep_running=True), at(20_000, ticked("w1", "w2")), *ends)
    assert decided(state, 20_000 + WAIT_MS) == []
    (stop,) = decided(state, 20_000 + WAIT_MS + 1)
    assert isinstance(stop, ev.StopOrdered)
    assert (stop.outcome, stop.reason) == ("lapsed", "every worker has stopped by itself, and no other came")
