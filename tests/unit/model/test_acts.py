"""What operators did, told from what a shape, user code and masters did."""

from __future__ import annotations

from histories import T0, at, entries, opened, ready, started, stopped

from tidal.model import events as ev
from tidal.model.acts import Act, acts_of


def test_what_operators_did_is_found_with_its_moment() -> None:
    """Users that were set, a note and the stop, in the order of the load."""
    history = [
        at(30_000, ev.IntentAccepted("i1", "ann", "50 users")),
        at(30_000, ev.TargetSet(50, 5.0, "ann")),
        at(31_000, ev.Noted("ann", "info", "deploy began")),
        at(60_000, stopped()),
    ]
    run, acts = acts_of(entries(opened(), *ready("w1"), started(), *history))
    assert run is not None
    assert run.file == "locustfile.py"
    assert acts == [
        Act(30_000, ev.WantTarget(50, 5.0)),
        Act(31_000, ev.WantNote("deploy began")),
        Act(60_000, ev.WantStop("an operator's wish")),
    ]


def test_moments_are_those_of_the_load_where_redis_clock_went_back() -> None:
    """Plan time goes on, and with it what an operator did before and after."""
    note = ev.Noted("ann", "info", "here")
    history = [at(50_000, note), at(15_000, ev.RunStarted(T0 - 45_000)), at(16_000, note)]
    history = [at(1_000, ev.IntentAccepted("i1", "ann", "a note")), *history]
    _, acts = acts_of(entries(opened(), *ready("w1"), started(), *history))
    assert [act.at_ms for act in acts] == [50_000, 61_000]


def test_what_the_file_and_masters_did_is_not() -> None:
    """The file does it again; a master's notes are nobody's wish; what came before the load is in its plan."""
    history = [
        at(10_000, ev.TargetSet(7, 1.0, "the shape Stages")),
        at(11_000, ev.Noted("master", "warning", "the archive cannot be written")),
        at(40_000, ev.StopOrdered("finished", "the run time is over", "", 0)),
    ]
    early = at(-5_000, ev.TargetSet(3, 1.0, "ann"))
    accepted = at(-5_000, ev.IntentAccepted("i1", "ann", "3 users"))
    _, acts = acts_of(entries(opened(), accepted, early, *ready("w1"), started(), *history))
    assert acts == []


def test_nothing_that_is_no_run_has_acts() -> None:
    """Nor raises."""
    assert acts_of([]) == (None, [])
    assert acts_of(entries(opened()))[1] == []
