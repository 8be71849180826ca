"""The plan that a run begins with: which classes run by it, where it ends, and that it is handed on whole."""

from __future__ import annotations

import pytest
from histories import T0, beat, beats, folded, life, lost, opened, ready, started, ticked

from tidal.errors import BadPlan
from tidal.model import events as ev
from tidal.model.decide import decide
from tidal.model.planning import begins, fitting_classes, planned, typed_of
from tidal.model.senses import Senses
from tidal.model.struct import replace

CLASSES = (ev.ClassSpec("Buyer", 3.0), ev.ClassSpec("Reader", 1.0), ev.ClassSpec("Admin", 1.0, fixed_count=2))


def test_plans_of_classes_are_curves_of_their_names() -> None:
    """One without a class beside them; the run ends with the longest, or with its run time."""
    found = planned(typed_of(["up: 0->10 in 10s, 10 for 1m", "Buyer = rate 5/s for 3m"]))
    assert [(t.name, t.unit, t.points[-1]) for t in found.tracks] == [
        ("", "users", (70_000, 0.0)),
        ("Buyer", "arrivals/s", (180_000, 0.0)),
    ]
    assert [s.name for s in found.stages] == ["up", "2"]
    assert found.text == "up: 0→10 in 10s, 10 for 1m\nBuyer=5/s for 3m"
    assert (found.end_ms, planned(typed_of(["5 for 3m"]), 60_000).end_ms) == (180_000, 60_000)
    assert (planned(typed_of(["5 for ever"])).end_ms, planned(typed_of(["5 for ever"]), 9).end_ms) == (None, 9)


def test_what_does_not_go_together_is_refused() -> None:
    """Two plans of a class, two that name stages, and a mistake with the class that it is of."""
    for words, says in (
        (["5 for 3s", "6 for 3s"], "two plans without a class"),
        (["A=5 for 3s", "A=6 for 3s"], "two plans of A: a class has one"),
        (["a: 5 for 3s", "B=b: 5 for 3s"], "stages are named by the plans without a class and of B"),
        (["Buyer=5 fr 3s"], "Buyer: plan, column 3, at 'fr 3s'"),
    ):
        with pytest.raises(BadPlan, match=says):
            planned(typed_of(words))


def test_classes_run_by_their_own_plan_or_the_one_without_a_class() -> None:
    """Without such a one only those with a plan run."""
    names = lambda words, chosen=CLASSES: [  # noqa: E731 - one line
        c.name for c in fitting_classes(planned(typed_of(words)), CLASSES, chosen)
    ]
    assert names(["5 for 3s"]) == ["Buyer", "Reader", "Admin"]
    assert names(["Buyer=5 for 3s"]) == ["Buyer"]
    assert names(["Buyer=5 for 3s", "3 for 1s"]) == ["Buyer", "Reader", "Admin"]
    assert names(["Buyer=5 for 3s", "3 for 1s"], CLASSES[1:2]) == ["Buyer", "Reader"]


def test_plans_that_do_not_fit_the_file_are_refused() -> None:
    """An unknown class, more users than fixed counts allow, arrivals of fixed counts, nobody left."""
    for words, chosen, says in (
        (["Boss=5 for 3s"], CLASSES, "the locustfile has no such class, but Buyer, Reader, Admin"),
        (["5 for 3s"], CLASSES[2:], "a plan of 5 users: the fixed counts of the classes allow 2"),
        (["5/s for 3s"], (ev.ClassSpec("X", 0, 3),), "arrivals are shared out by weight"),
        (["5 for 3s", "Buyer=1 for 1s"], CLASSES[:1], "no class that could run by it"),
    ):
        with pytest.raises(BadPlan, match=says):
            fitting_classes(planned(typed_of(words)), CLASSES, chosen)


def test_a_story_begins_with_what_is_wanted() -> None:
    """Users and arrivals at their heights."""
    found = planned(typed_of(["5 for 3s, ->7 in 3s", "Buyer=rate 2.5/s for 3m"]))
    assert begins(ev.RunOptions(), found.tracks) == "up to 7 users and up to 2.5 arrivals/s"
    assert begins(ev.RunOptions(users=3), ()) == "3 users"


def _opened(*words: str) -> ev.ByMaster:
    made, found = opened(run_time_ms=None), planned(typed_of(words))
    event = made.event
    assert isinstance(event, ev.RunOpened)
    options = replace(event.options, run_time_ms=found.end_ms)
    return replace(made, event=replace(event, options=options, tracks=found.tracks, stages=found.stages))


def test_the_run_starts_with_its_plan() -> None:
    """Curves, stages and end are those that it was opened with."""
    state = folded(_opened("up: 0->10 in 10s, 10 for 1m", "Buyer=rate 5/s for 3m"), *ready("w1"))
    began, plan = [e for e in decide(state, Senses(T0)) if not isinstance(e, ev.Ticked)]
    assert isinstance(began, ev.RunStarted)
    assert isinstance(plan, ev.PlanSet)
    assert (plan.tracks, plan.stages, plan.end_ms) == (state.log.tracks, state.log.stages, 180_000)


def test_who_takes_over_gets_the_whole_plan() -> None:
    """With another owner everything else of it stays."""
    opening = _opened("up: 0->10 in 10s, 10 for 1m")
    history = [opening, *ready("w1", "w2"), started()]
    (_, first) = [e for e in decide(folded(opening, *ready("w1", "w2")), Senses(T0)) if not isinstance(e, ev.Ticked)]
    state = folded(*history, first, ticked("w1"), lost("w2"))
    (plan,) = [e for e in decide(state, Senses(T0 + 5_000, beats(beat("w1")))) if isinstance(e, ev.PlanSet)]
    assert isinstance(first, ev.PlanSet)
    assert (plan.tracks, plan.stages, plan.end_ms) == (first.tracks, first.stages, first.end_ms)
    assert plan.owners == (life("w1"),)
