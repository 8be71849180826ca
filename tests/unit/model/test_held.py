"""Planned against actual over time: exact, by class and by stage, the past as it was planned."""

from __future__ import annotations

import pytest
from histories import T0, T0_S, at, by, folded, opened, planned, ready, report, started, stopped, ticked
from hypothesis import given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.closeup import Focus
from tidal.model.frame import frame
from tidal.model.held import CURVES_MAX, Held, Ran, held_of, note_ran, shared
from tidal.model.plan import ramp
from tidal.model.series import SUM_POINTS, Sums
from tidal.model.struct import replace
from tidal.model.words import OTHER

STAGES = (ev.StageSpec("up", 0, 4_000), ev.StageSpec("hold", 4_000, 10_000))
PLAN = replace(planned("w1", end_ms=10_000), tracks=(ev.Track("", ((0, 8.0),)),), stages=STAGES)


def block(second: int, **user_ms: int) -> ev.Block:
    """A second of user time."""
    return ev.Block(T0_S + second, 1, {}, user_ms)


def looked_at(seconds: int, *blocks: ev.Block, plan: ev.PlanSet = PLAN, more: tuple[object, ...] = ()) -> Held:
    """The run after so many seconds."""
    event = report(*blocks, to_ms=1_000 * seconds)
    told = [ev.ByWorker("w1.1", 1, 1, T0 + 1_000 * seconds, event)] if blocks else []
    tick = at(1_000 * seconds, ticked("w1"))
    state = folded(opened(), *ready("w1"), started(), at(0, plan), *more, tick, *told)  # type: ignore[arg-type]
    closeup = frame(state, T0 + 1_000 * seconds, Focus(plan=True)).closeup
    assert closeup is not None
    assert closeup.plan is not None
    return closeup.plan


def line(held: Held, name: str) -> tuple[list[int], list[int]]:
    """Planned and actual of a class, in whole users."""
    (one,) = [line for line in held.lines if line.name == name and line.unit == "users"]
    return [n // 1000 for n in one.planned_milli], [n // 1000 for n in one.actual_milli]


def test_the_plan_goes_on_where_what_ran_ends() -> None:
    """All users, and each class by its share; the plan is shown to its end."""
    held = looked_at(3, *(block(s, Buyer=6_000, Reader=2_000) for s in range(3)))
    assert line(held, "") == ([8] * 10, [8, 8, 8])
    assert line(held, "Buyer") == ([6] * 10, [6, 6, 6])
    assert line(held, "Reader") == ([2] * 10, [2, 2, 2])
    assert (held.start_ms, held.step_ms, held.now_ms, held.end_ms) == (0, 1_000, 3_000, 10_000)
    assert [(one.name, one.unit) for one in held.lines] == [("", "users"), ("Buyer", "users"), ("Reader", "users")]


def test_the_plan_is_there_before_anything_ran() -> None:
    """Nothing was added up yet."""
    assert line(looked_at(0), "") == ([8] * 10, [])


def test_beyond_its_end_a_plan_wants_nobody() -> None:
    """Who still runs is seen."""
    held = looked_at(12, *(block(s, Buyer=6_000, Reader=2_000) for s in range(12)))
    assert line(held, "") == ([8] * 10 + [0, 0], [8] * 12)
    (hold,) = held.stages[1:]
    assert (hold.name, hold.from_ms, hold.to_ms, hold.ran_user_ms) == ("hold", 4_000, 10_000, 48_000)


@pytest.mark.parametrize(("last_ms", "columns"), [(0, 13), (20_000, 24), (500_000, 105)])
def test_of_a_plan_without_an_end_a_bit_more_is_shown(last_ms: int, columns: int) -> None:
    """Than has been, and than its last change, unless that is far away."""
    curve = ((0, 4.0), (last_ms, 8.0)) if last_ms else ((0, 8.0),)
    held = looked_at(10, plan=replace(PLAN, end_ms=None, stages=(), tracks=(ev.Track("", curve),)))
    assert (len(line(held, "")[0]), held.end_ms) == (columns, None)


def test_a_long_run_has_longer_columns() -> None:
    """No more of them, and each says how many users: what ran as a mean, what is to come as it is in its middle."""
    rise = replace(PLAN, end_ms=2_400_000, stages=(), tracks=(ev.Track("", ((0, 0.0), (2_400_000, 240.0))),))
    held = looked_at(1_200, ev.Block(T0_S, 1_200, {}, {"Buyer": 1_200_000 * 60}), plan=rise)
    assert (held.step_ms, held.now_ms) == (16_000, 1_200_000)
    whole = held.lines[0]
    assert (len(whole.planned_milli), whole.planned_milli[100]) == (2_400 // 16, 160_800)
    assert [milli // 1_000 for milli in whole.actual_milli] == [60] * (1_200 // 16)


def test_a_class_with_a_curve_of_its_own_is_no_part_of_the_mix() -> None:
    """The others share what the mix wants."""
    plan = replace(PLAN, tracks=(ev.Track("", ((0, 4.0),)), ev.Track("Reader", ((0, 2.0),))))
    held = looked_at(2, block(0, Buyer=4_000, Reader=1_000), plan=plan)
    assert line(held, "") == ([6] * 10, [5, 0])
    assert line(held, "Buyer") == ([4] * 10, [4, 0])
    assert line(held, "Reader") == ([2] * 10, [1, 0])


def test_who_was_wished_for_alone_is_the_mix() -> None:
    """An operator's target may name classes; of the others nothing is planned."""
    wish = at(0, ev.TargetSet(8, 1.0, "ann", ("Buyer",)))
    held = looked_at(2, block(0, Buyer=8_000), more=(wish,))
    assert [one.name for one in held.lines] == [""]
    assert line(held, "") == ([8] * 10, [8, 0])


def test_each_stage_has_its_own_sums() -> None:
    """What was missing in one second is not made good by another; what lies ahead has none."""
    blocks = [block(0, Buyer=5_000), block(1, Buyer=9_000), *(block(s, Buyer=8_000) for s in (2, 3, 4))]
    up, hold = looked_at(5, *blocks).stages
    assert (up.name, up.planned_user_ms, up.ran_user_ms) == ("up", 32_000, 30_000)
    assert (up.missing_user_ms, up.surplus_user_ms) == (3_000, 1_000)
    assert (hold.planned_user_ms, hold.ran_user_ms, hold.missing_user_ms) == (8_000, 8_000, 0)


def test_the_past_is_what_was_planned_then() -> None:
    """A plan that takes another's place changes what lies ahead alone."""
    ahead = replace(PLAN, number=2, from_ms=3_000, tracks=(ev.Track("", ramp(3_000, 2, 2, 1.0)),), stages=())
    later = looked_at(5, block(0, Buyer=8_000), more=(at(2_900, ahead),))
    assert line(later, "")[0] == [8, 8, 8, 2, 2, 2, 2, 2, 2, 2]


def test_arrivals_have_a_line_of_their_own() -> None:
    """Planned and begun a second; dropped ones by stage."""
    plan = replace(PLAN, tracks=(ev.Track("", ((0, 20.0),), "arrivals/s"),))
    reports = [by("w1", n + 1, report(to_ms=1_000 * n + 999, arrivals=(20, 18, 2))) for n in range(3)]
    ticks = [at(1_000 * n, ticked("w1")) for n in range(1, 4)]
    state = folded(opened(), *ready("w1"), started(), at(0, plan), *reports, *ticks)
    held = held_of(state, T0 + 3_000, T0_S + 3)
    (one,) = held.lines
    assert (one.unit, one.planned_milli[:3], one.planned_milli[-1], one.actual_milli) == (
        "arrivals/s",
        (20_000, 20_000, 20_000),
        20_000,
        (18_000, 18_000, 18_000),
    )
    assert (held.stages[0].planned_arrivals, held.stages[0].begun_arrivals, held.stages[0].dropped_arrivals) == (
        60,
        54,
        6,
    )


def test_a_run_that_was_stopped_shows_what_has_been() -> None:
    """Nothing is planned beyond the stop."""
    held = looked_at(4, block(0, Buyer=8_000), more=(at(2_000, stopped()),))
    assert held.now_ms == 2_000
    assert len(line(held, "")[0]) == 2


def test_before_the_start_there_is_nothing() -> None:
    """No plan, no picture."""
    closeup = frame(folded(opened()), T0, Focus(plan=True)).closeup
    assert closeup is not None
    assert closeup.plan == Held()


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 10**9)), max_size=60), st.randoms())
def test_sums_fold_in_any_order(amounts: list[tuple[int, int]], chance: object) -> None:
    """Bounded, exact, and the same whoever came first."""
    one, other, mixed = Sums(), Sums(), list(amounts)
    chance.shuffle(mixed)  # type: ignore[attr-defined] # hypothesis's own random
    for second, amount in amounts:
        one.add(second, amount)
    for second, amount in mixed:
        other.add(second, amount)
    assert one == other
    assert sum(one.points.values()) == sum(amount for _, amount in amounts)
    assert len(one.points) <= SUM_POINTS


def test_classes_are_bounded() -> None:
    """Further ones are put together, and nothing is lost."""
    ran = Ran()
    note_ran(ran, report(*(block(0, **{f"C{n}": 1}) for n in range(CURVES_MAX + 9))))
    assert len(ran.users) == CURVES_MAX + 1
    assert sum(ran.users[OTHER].points.values()) == 9


def test_time_of_several_seconds_is_spread_over_them() -> None:
    """To the last millisecond."""
    ran = Ran()
    note_ran(ran, report(ev.Block(T0_S, 3, {}, {"Buyer": 10_001})))
    assert ran.users["Buyer"].points == {T0_S: 3_335, T0_S + 1: 3_333, T0_S + 2: 3_333}


def test_many_users_are_shared_out_by_weight() -> None:
    """As one by one, as near as rounding goes; fixed counts are exact."""
    classes = (ev.ClassSpec("A", 3.0), ev.ClassSpec("B", 1.0), ev.ClassSpec("C", fixed_count=40))
    exact, told = shared(classes, 1_040, 2_000), shared(classes, 1_040, 10)
    assert exact == told == {"A": 750, "B": 250, "C": 40}
    assert shared(classes[:2], 1) == {"A": 1, "B": 0}
    assert shared((ev.ClassSpec("A"), ev.ClassSpec("B"), ev.ClassSpec("D", 0.0)), 2_001) == {"A": 1_000, "B": 1_000}


def test_user_time_of_many_seconds_is_spread_over_all_of_them() -> None:
    """A worker that ran on for an hour without Redis did not run all of it in the first five minutes."""
    ran = Ran()
    note_ran(ran, report(ev.Block(T0_S, 3_600, {}, {"Buyer": 3_600_001})))
    sums = ran.users["Buyer"].points
    assert sum(sums.values()) == 3_600_001
    assert max(sums.values()) <= 2 * min(sums.values()) + 12_001
    assert ran.users["Buyer"].last_s is not None
    assert ran.users["Buyer"].last_s >= T0_S + 3_588
