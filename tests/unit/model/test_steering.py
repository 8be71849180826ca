"""Steering along a plan: the next stage, a pause, another rate, each as a whole plan; arrivals count on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from histories import T0, at, folded, opened, ready, started
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.arrivals import arrivals_of
from tidal.model.decide import UNWATCHED_MS, decide
from tidal.model.frame import frame
from tidal.model.planning import planned, typed_of
from tidal.model.senses import Senses
from tidal.model.steering import OVER_MS_MAX, Steered, steered
from tidal.model.struct import replace
from tidal.model.target import LEAD_MS

USERS = "up: 0->10 in 10s, hold: 10 for 1m, down: ->0 in 10s"
BOTH = "Reader=rate 5/s for 3m"


def _history(*words: str, shape: str = "") -> list[object]:
    found = planned(typed_of(words or (USERS,)))
    made = opened()
    assert isinstance(made.event, ev.RunOpened)
    options = replace(made.event.options, run_time_ms=found.end_ms)
    event = replace(made.event, options=options, tracks=found.tracks, stages=found.stages, shape=shape)
    history: list[object] = [replace(made, event=event), *ready("w1")]
    plan = next(e for e in decide(folded(*history), Senses(T0 - LEAD_MS)) if isinstance(e, ev.PlanSet))  # type: ignore[arg-type]
    return [*history, started(), at(0, plan)]


def _wished(history: list[object], ms: int, event: ev.Event, number: int = 1) -> list[ev.Event]:
    """What a wish comes to, and the history goes on with it."""
    intent = ev.ByOperator(f"i{number}", "bob", T0, event)
    events = [e for e in decide(folded(*history), Senses(T0 + ms, intents=(intent,))) if not isinstance(e, ev.Ticked)]  # type: ignore[arg-type]
    history += [at(ms, e) for e in events]
    return events


def _plan(events: list[ev.Event]) -> ev.PlanSet:
    accepted, plan = events
    assert isinstance(accepted, ev.IntentAccepted)
    assert isinstance(plan, ev.PlanSet)
    return plan


def test_the_next_stage_begins_at_once_and_all_that_follows_comes_earlier() -> None:
    """From the middle of the ramp to the hold, the end so much earlier; then back to where it began."""
    history = _history()
    plan = _plan(_wished(history, 4_700, ev.WantStage("next")))
    assert (plan.from_ms, plan.end_ms, plan.shift_ms) == (5_000, 75_000, -5_000)
    assert plan.tracks[0].points == ((5_000, 10.0), (65_000, 10.0), (75_000, 0.0))
    assert plan.stages == (
        ev.StageSpec("up", 0, 5_000), ev.StageSpec("hold", 5_000, 65_000), ev.StageSpec("down", 65_000, 75_000),
    )  # fmt: skip
    assert plan.why == "bob wants stage next"
    again = _plan(_wished(history, 9_700, ev.WantStage("prev"), 2))
    assert again.tracks[0].points[:2] == ((10_000, 0.0), (20_000, 10.0))
    assert [s.name for s in again.stages] == ["up", "hold", "up", "hold", "down"]
    last = _plan(_wished(history, 11_700, ev.WantStage("down"), 3))
    assert last.tracks[0].points == ((12_000, 10.0), (22_000, 0.0))
    (refused,) = _wished(history, 12_700, ev.WantStage("next"), 4)
    assert isinstance(refused, ev.IntentRefused)
    assert refused.why == "down is its last stage"


def test_a_paused_plan_goes_on_where_it_stood() -> None:
    """Nobody runs meanwhile, plan time stands still, what comes is put so much later."""
    history = _history()
    paused = _plan(_wished(history, 29_700, ev.WantPause()))
    assert (paused.tracks[0].points, paused.end_ms) == (((30_000, 0.0),), None)
    picture = frame(folded(*history), T0 + 31_000)  # type: ignore[arg-type]
    assert (picture.run.is_paused, picture.run.users_planned, picture.run.stage) == (True, 0, "")
    assert "bob wants pause" in picture.story[-1].text
    resumed = _plan(_wished(history, 49_700, ev.WantResume(), 2))
    assert resumed.tracks[0].points == ((50_000, 10.0), (90_000, 10.0), (100_000, 0.0))
    assert (resumed.end_ms, resumed.rest, resumed.shift_ms) == (100_000, None, 20_000)
    assert resumed.stages == (
        ev.StageSpec("up", 0, 10_000), ev.StageSpec("hold", 10_000, 30_000), ev.StageSpec("hold", 50_000, 90_000),
        ev.StageSpec("down", 90_000, 100_000),
    )  # fmt: skip


def test_a_paused_plan_that_has_an_end_is_not_endless() -> None:
    """Nobody need watch a run that does nothing."""
    history = _history()
    _wished(history, 29_700, ev.WantPause())
    state = folded(*history)  # type: ignore[arg-type]
    events = decide(state, Senses(T0 + 40_000, looked=True, unwatched_ms=UNWATCHED_MS))
    assert not any(isinstance(e, ev.StopOrdered) for e in events)


@pytest.mark.parametrize(
    ("words", "before", "wish", "why"),
    [
        ((), None, ev.WantResume(), "it is not paused"),
        ((), ev.WantPause(), ev.WantPause(), "it is paused: resume it first"),
        ((), ev.WantPause(), ev.WantTarget(5), "it is paused: resume it first"),
        ((), ev.WantPause(), ev.WantStage("next"), "it is paused: resume it first"),
        ((), None, ev.WantStage("peak"), "no stage 'peak'; there are up, hold, down"),
        ((), None, ev.WantStage("holt"), "no stage 'holt'; did you mean hold?"),
        (("5 for 1m",), None, ev.WantStage("next"), "its plan has no stages"),
        ((), None, ev.WantRate(5), "its plan has no arrivals"),
        (("rate 5/s for 1m",), None, ev.WantTarget(5), "its plan counts arrivals, no users: say arrivals=N"),
        (("rate 5/s for 1m",), None, ev.WantRate(-1), "a rate is 0 to 100,000,000, reached within a day"),
        (("rate 5/s for 1m",), None, ev.WantRate(1e9), "a rate is 0 to 100,000,000, reached within a day"),
        (("rate 5/s for 1m",), None, ev.WantRate(5, -1), "a rate is 0 to 100,000,000, reached within a day"),
        (
            ("rate 5/s for 1m",),
            None,
            ev.WantRate(5, OVER_MS_MAX + 1),
            "a rate is 0 to 100,000,000, reached within a day",
        ),
        ((BOTH, "rate 1/s for 1m"), None, ev.WantRate(1), "arrivals of which class? It plans Reader, the mix"),
        ((BOTH, "Buyer=rate 1/s for 1m"), None, ev.WantRate(1), "arrivals of which class? It plans Reader, Buyer"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    words: tuple[str, ...], before: ev.Event | None, wish: ev.Event, why: str
) -> None:
    """And nothing else comes of it."""
    history = _history(*words)
    if before is not None:
        _wished(history, 1_000, before)
    (refused,) = _wished(history, 2_000, wish, 2)
    assert isinstance(refused, ev.IntentRefused)
    assert refused.why == why


def test_a_shape_decides_alone() -> None:
    """Pausing would be overruled by its next tick."""
    (refused,) = _wished(_history(shape="Steps"), 1_000, ev.WantPause())
    assert isinstance(refused, ev.IntentRefused)
    assert refused.why == "its shape, Steps, decides"


def test_users_are_set_beside_arrivals_that_go_on() -> None:
    """A number of users replaces the users' future, and no other."""
    history = _history(USERS, BOTH)
    _, target, plan = _wished(history, 20_000, ev.WantTarget(4, 2.0))
    assert isinstance(plan, ev.PlanSet)
    assert isinstance(target, ev.TargetSet)
    assert [(t.name, t.unit, t.points[-1][1]) for t in plan.tracks] == [
        ("", "users", 4.0), ("Reader", "arrivals/s", 0.0),
    ]  # fmt: skip
    assert plan.end_ms == 180_000


@pytest.mark.parametrize("over_ms", [0, 10_000, OVER_MS_MAX])
def test_another_rate_is_there_at_once_or_in_so_long(over_ms: int) -> None:
    """From the rate of that moment on, in a line."""
    plan = _plan(_wished(_history("rate 5/s for 1m"), 19_700, ev.WantRate(8, over_ms)))
    begin = ((20_000, 5.0),) if over_ms else ()
    assert plan.tracks[0].points == (*begin, (20_000 + over_ms, 8.0))


def test_a_stage_that_ended_when_the_plan_stood_still_does_not_come_back() -> None:
    """Not even for no time."""
    history = _history()
    _wished(history, 69_700, ev.WantPause())
    plan = _plan(_wished(history, 79_700, ev.WantResume(), 2))
    assert plan.stages[-1] == ev.StageSpec("down", 80_000, 90_000)
    assert all(stage.from_ms < stage.to_ms for stage in plan.stages)
    assert [stage.name for stage in plan.stages].count("hold") == 1


def test_before_the_plan_there_is_nothing_to_steer() -> None:
    """A wish may come at any time."""
    done = steered(folded(opened(), *ready("w1")).log, ev.WantPause(), "bob", T0)
    assert (done.why, done.plan) == ("it has not begun", None)


def test_words_for_wishes() -> None:
    """As they stand in the log."""
    wishes = (ev.WantStage("up"), ev.WantRate(2.5, 0, "A"), ev.WantPause(), ev.WantResume())
    assert [Steered.words(w) for w in wishes] == ["stage up", "2.5 arrivals/s of A", "pause", "resume"]


_WISHES = st.sampled_from(
    [ev.WantPause(), ev.WantResume(), ev.WantStage("next"), ev.WantStage("prev"), ev.WantStage("b"), ev.WantRate(7.5),
     ev.WantRate(40, 1_500), ev.WantTarget(3, 5.0)]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(50, 3_000), _WISHES), max_size=7), st.sampled_from(["even", "poisson"]))
def test_arrivals_count_on_through_any_steering(wishes: list[tuple[int, ev.Event]], spacing: str) -> None:
    """Each plan begins with the index at which the one before ends: none is lost, none comes twice."""
    history = _history("a: rate 5/s for 4s, b: 5/s->20/s in 4s, 20/s for 4s", "Reader=3 for 12s")
    first = history[0]
    assert isinstance(first, ev.ByMaster)
    assert isinstance(first.event, ev.RunOpened)
    history[0] = replace(first, event=replace(first.event, options=replace(first.event.options, spacing=spacing)))
    ms, plans = 0, [e.event for e in history if isinstance(e, ev.ByMaster) and isinstance(e.event, ev.PlanSet)]
    for number, (wait_ms, wish) in enumerate(wishes, 1):
        ms += wait_ms
        made = _wished(history, ms, wish, number)
        plans += [e for e in made if isinstance(e, ev.PlanSet)]
        if any(isinstance(e, ev.StopOrdered) for e in made):
            break
    curves = [
        (p.from_ms, arrivals_of(next(t for t in p.tracks if t.unit == "arrivals/s"), p.end_ms, spacing)) for p in plans
    ]
    for (_, before), (from_ms, after) in pairwise(curves):
        count = after.count_before(from_ms * 1000)
        assert before.count_before(from_ms * 1000) == count
        due_us = after.due_us(count)
        assert due_us is None or due_us >= from_ms * 1000
