"""A new target of users: the plan that goes there, for everybody or for single classes, and what user code may wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import T0, at, closed, folded, opened, ready, running, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.ledger import planned_users
from tidal.model.plan import counts_at
from tidal.model.struct import replace
from tidal.model.target import LEAD_MS, capped, grant, replanned

if TYPE_CHECKING:
    from tidal.model.state import State

SHAPE = ev.RunOpened(
    "r1",
    "default",
    "ann@laptop",
    "locustfile.py",
    (),
    (ev.ClassSpec("Buyer", 3.0), ev.ClassSpec("Reader", 1.0), ev.ClassSpec("Admin", fixed_count=2)),
    ev.RunOptions(users=0),
    slots=64,
    shape="Steps",
)


def wish(users: int, rate: float = 10.0, *classes: str, who: str = "Steps") -> ev.TargetSet:
    """What a shape wants."""
    return ev.TargetSet(users, rate, who, classes)


def granted(state: State, *wishes: ev.Event, ms: int = 5_000) -> list[ev.Event]:
    """What a wish is granted, `ms` after T0."""
    return grant(state, wishes, T0 + ms)[0]


def test_a_wish_becomes_a_target_and_a_plan() -> None:
    """From where the users are, at the wanted rate, a little in the future."""
    state = folded(running("w1", users=10))
    target, plan = granted(state, wish(20, 5.0))
    assert target == wish(20, 5.0)
    assert isinstance(plan, ev.PlanSet)
    assert plan.tracks == (ev.Track("", ((5_000 + LEAD_MS, 10.0), (7_000 + LEAD_MS, 20.0))),)
    assert plan.owners == state.log.plan.owners  # type: ignore[union-attr]


def test_the_same_wish_again_changes_nothing() -> None:
    """A shape says the same every second."""
    state = folded(running("w1", users=10))
    state = folded(running("w1", users=10), *(at(5_000, e) for e in granted(state, wish(20, 5.0))))
    assert granted(state, wish(20, 5.0), ms=9_000) == []


def test_the_first_wish_of_a_shape_counts_although_it_is_what_the_options_say() -> None:
    """A run with a shape begins with nobody, so one user is news."""
    begun = at(0, ev.PlanSet(1, 0, (ev.Track("", ((0, 0.0),)),), None, ("w1.1",), b"\x00\x00" * 64))
    opening = at(-10_000, replace(SHAPE, options=ev.RunOptions(users=1, spawn_rate=1.0)))
    state = folded(opening, *ready("w1"), at(0, ev.RunStarted(T0)), begun)
    assert [type(e) for e in granted(state, wish(1, 1.0))] == [ev.TargetSet, ev.PlanSet]


def test_a_wish_for_single_classes_says_who_comes_and_lets_the_others_stay() -> None:
    """Each class gets a curve of its own, as in Locust: who runs already is left alone."""
    state = folded(running("w1", users=8))
    _, plan = granted(state, wish(12, 2.0, "Reader"))
    assert isinstance(plan, ev.PlanSet)
    from_ms = 5_000 + LEAD_MS
    assert counts_at(plan.tracks, from_ms) == {"Buyer": 6, "Reader": 3}
    assert counts_at(plan.tracks, from_ms + 60_000) == {"Buyer": 6, "Reader": 6}
    assert plan.tracks[1].points[-1] == (from_ms + 2_000, 6.0)


def test_when_fewer_are_wanted_those_of_the_named_classes_go_first() -> None:
    """Then those of the largest class."""
    state = folded(running("w1", users=8))
    _, plan = granted(state, wish(5, 2.0, "Reader"))
    assert isinstance(plan, ev.PlanSet)
    assert counts_at(plan.tracks, 60_000) == {"Buyer": 5, "Reader": 0}


def test_back_from_single_classes_to_all() -> None:
    """The curves of the classes go on, towards the mix's counts."""
    history = running("w1", users=8)
    history += [at(5_000, e) for e in granted(folded(history), wish(6, 100.0, "Reader"))]
    _, plan = granted(folded(history), wish(4, 100.0), ms=9_000)
    assert isinstance(plan, ev.PlanSet)
    assert counts_at(plan.tracks, 20_000) == {"Buyer": 3, "Reader": 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([(), ("Buyer",), ("Reader",), ("Buyer", "Reader")]))))
def test_after_any_wishes_the_plan_heads_for_the_last(wishes: list[tuple[int, tuple[str, ...]]]) -> None:
    """And at the moment of each change the number of users does not jump."""
    history, ms = running("w1", users=5), 0
    for users, classes in wishes:
        ms += 1_000
        state = folded(history)
        before = planned_users(state.log, ms + LEAD_MS)
        events = granted(state, wish(users, 7.0, *classes), ms=ms)
        for event in events:
            if isinstance(event, ev.PlanSet):
                moved = sum(counts_at(event.tracks, event.from_ms).values())
                assert abs(moved - before) <= len(event.tracks)  # a rising curve's first user starts at once
        history += [at(ms, e) for e in events]
    if wishes:
        assert planned_users(folded(history).log, 10_000_000) == wishes[-1][0]


@pytest.mark.parametrize(
    "bad",
    [wish(5, 1.0, "Nobody"), wish(-1), wish(ev.USERS_MAX + 1), wish(5, 0.0)],
    ids=["class", "less", "more", "rate"],
)
def test_a_wish_that_cannot_be_is_refused_in_words(bad: ev.TargetSet) -> None:
    """User code may say anything."""
    (noted,) = granted(folded(running("w1")), bad)
    assert isinstance(noted, ev.Noted)
    assert (noted.author, noted.level) == ("Steps", "error")


@pytest.mark.parametrize("classes", [(), ("Buyer",)])
@pytest.mark.parametrize("rate", [1e-12, 5e-324])
def test_a_rate_at_which_nobody_arrives_in_a_lifetime_is_a_plan_all_the_same(rate: float, classes: tuple[str]) -> None:
    """Any master can write it, and whoever comes later replaces it."""
    state = folded(
        running("w1", users=10), [at(5_000, e) for e in granted(folded(running("w1")), wish(20, rate, *classes))]
    )
    assert state.log.plan is not None
    assert state.log.plan.number == 2
    assert planned_users(state.log, 10**9) == 11


def test_nothing_is_granted_before_the_start_or_after_a_stop() -> None:
    """A shape may be ahead, or late."""
    assert granted(folded(opened(), *ready("w1")), wish(5)) == []
    assert granted(folded(running("w1"), at(3_000, stopped())), wish(5), stopped("finished")) == []


def test_what_comes_after_a_change_waits_for_the_next_turn() -> None:
    """It must see the state that the change makes."""
    letter = ev.MessageSent("t", b"\xc0")
    events, count = grant(folded(running("w1")), [letter, wish(5), letter, wish(6)], T0 + 5_000)
    assert (count, [type(e) for e in events]) == (2, [ev.MessageSent, ev.TargetSet, ev.PlanSet])


def test_user_code_may_stop_the_run_once() -> None:
    """As an operator would."""
    stop = stopped("finished")
    assert granted(folded(running("w1")), stop) == [stop]
    assert granted(folded(running("w1"), at(3_000, stopped()), at(4_000, closed())), stop) == []


def test_fixed_counts_cap_a_target() -> None:
    """Where only classes with a fixed count are wanted."""
    log = folded(at(-10_000, SHAPE)).log
    assert capped(log, wish(9, 1.0, "Admin")) == 2
    assert capped(log, wish(9, 1.0)) == 9


def test_before_the_plan_a_target_is_all_there_is() -> None:
    """An operator may change the number while workers are awaited."""
    log = folded(opened(), *ready("w1")).log
    assert replanned(log, wish(7), T0 - 5_000) == [wish(7)]


# ------------------------------------------------------------------ arrivals of a shape


def _arrivals(rate: float, over_ms: int = 0, *classes: str) -> ev.TargetSet:
    return ev.TargetSet(0, 1.0, "Waves", classes, rate, over_ms)


def _by_shape() -> list[object]:
    first, *rest = running("w1", users=10)
    assert isinstance(first, ev.ByMaster)
    assert isinstance(first.event, ev.RunOpened)
    return [replace(first, event=replace(first.event, shape="Waves")), *rest]


def test_a_shape_may_want_arrivals_instead_of_users() -> None:
    """Users go, arrivals come; the next wish continues their indexes; users again silence them."""
    history = _by_shape()
    target, plan = granted(folded(*history), _arrivals(5.0))  # type: ignore[arg-type]
    assert target == _arrivals(5.0)
    assert isinstance(plan, ev.PlanSet)
    from_ms = 5_000 + LEAD_MS
    assert plan.tracks == (ev.Track("", ((from_ms, 0.0),)), ev.Track("", ((from_ms, 5.0),), "arrivals/s"))
    history += [at(5_000, target), at(5_000, plan)]
    state = folded(*history)  # type: ignore[arg-type]
    assert "Waves wants 5 arrivals/s" in [row.text for row in state.log.story]
    target, plan = granted(state, _arrivals(9.0, 1_000), ms=7_000)
    assert isinstance(plan, ev.PlanSet)
    assert plan.tracks[1] == ev.Track("", ((7_300, 5.0), (8_300, 9.0)), "arrivals/s", 10)
    history += [at(7_000, target), at(7_000, plan)]
    _, plan = granted(folded(*history), wish(3, 5.0, who="Waves"), ms=9_000)  # type: ignore[arg-type]
    assert isinstance(plan, ev.PlanSet)
    users, arrivals = plan.tracks
    assert (users.points[-1][1], arrivals.points, arrivals.base) == (3.0, ((9_300, 0.0),), 26)


def test_arrivals_that_nobody_could_plan_are_refused() -> None:
    """Of an unknown class, of two, below nothing."""
    for wrong in (_arrivals(5.0, 0, "Boss"), _arrivals(5.0, 0, "Buyer", "Reader"), _arrivals(-1.0), _arrivals(1.0, -5)):
        (noted,) = granted(folded(*_by_shape()), wrong)  # type: ignore[arg-type]
        assert isinstance(noted, ev.Noted)
        assert noted.text.startswith("a wish of user code was refused")
