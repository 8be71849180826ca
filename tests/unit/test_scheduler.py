"""Which users a generator runs, and when: histories of shares and moments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidal.generator.scheduler import Key, Owned, Schedule
from tidal.model.events import ClassSpec, Track
from tidal.model.pipe import SetShare
from tidal.model.plan import bitmap, count_at
from tidal.model.struct import replace

BEGAN_MS = 1_000_000
SLOTS = 8


def share(
    *points: tuple[int, float],
    mine: object = range(SLOTS),
    from_ms: int = 0,
    end_ms: int | None = None,
    mix: tuple[ClassSpec, ...] = (ClassSpec("A"),),
) -> SetShare:
    """A share with these points of users over plan time."""
    return SetShare(1, from_ms, BEGAN_MS, (Track("", points),), end_ms, SLOTS, bitmap(mine, SLOTS), mix)


def numbers(keys: tuple[Key, ...]) -> tuple[int, ...]:
    """The numbers of users of the one class."""
    assert {name for name, _ in keys} <= {"A"}
    return tuple(number for _, number in keys)


def at(schedule: Schedule, plan_ms: int) -> tuple[tuple[int, ...], tuple[int, ...], int | None]:
    """A step at a plan moment: who starts, who stops, when to look again."""
    step = schedule.step(BEGAN_MS + plan_ms)
    return numbers(step.start), numbers(step.stop), None if step.wake_ms is None else step.wake_ms - BEGAN_MS


def test_where_the_clock_goes_back_nothing_changes_until_a_share_says_when_the_plan_began_by_it() -> None:
    """On a ramp, and at its end: who runs goes on, and the next user starts when it would have."""
    schedule = Schedule()
    first = share((0, 0.0), (8_000, 8.0), end_ms=50_000)
    schedule.put(first)
    assert at(schedule, 4_000)[0] == (0, 1, 2, 3, 4)
    assert at(schedule, -41_000)[:2] == ((), ())
    schedule.ended(("A", 4), BEGAN_MS - 41_000)
    schedule.put(replace(first, began_ms=BEGAN_MS - 45_000, from_ms=4_000))
    assert at(schedule, -41_000)[:2] == ((), ())
    assert at(schedule, -40_000)[:2] == ((5, 4), ())
    assert at(schedule, -39_000)[:2] == ((6,), ())
    assert not schedule.is_over(BEGAN_MS + 4_900)
    assert schedule.is_over(BEGAN_MS + 5_000)


@given(st.sets(st.integers(0, SLOTS - 1), min_size=1), st.integers(0, 100))
def test_own_indexes_are_a_sequence(mine: set[int], count: int) -> None:
    """`below` and the positions agree with the definition."""
    owned = Owned(bitmap(mine, SLOTS), SLOTS)
    expected = [g for g in range(count) if g % SLOTS in mine]
    assert owned.below(count) == len(expected)
    assert [owned[i] for i in range(len(expected))] == expected


def test_every_user_starts_at_its_own_moment_and_the_highest_stop_first() -> None:
    """Up by 4/s, hold, down by 4/s; the wake-ups are those of the own users alone."""
    schedule = Schedule()
    schedule.put(share((0, 0.0), (2000, 8.0), (3000, 8.0), (5000, 0.0), mine=[1, 5]))
    assert at(schedule, 0) == ((), (), 250)
    assert at(schedule, 250) == ((1,), (), 1250)
    assert at(schedule, 1250)[:2] == ((5,), ())
    assert at(schedule, 2900)[:2] == ((), ())
    assert at(schedule, 4000)[:2] == ((), (5,))
    assert at(schedule, 5000)[:2] == ((), (1,))


def test_before_the_share_nothing_runs_and_after_the_end_nothing() -> None:
    """And a flat plan lets the generator sleep until its end."""
    schedule = Schedule()
    schedule.put(share((0, 3.0), from_ms=100, end_ms=60_000))
    assert at(schedule, -500) == ((), (), 100)
    assert at(schedule, 100) == ((0, 1, 2), (), 60_000)
    assert not schedule.is_over(BEGAN_MS + 59_999)
    assert at(schedule, 60_000) == ((), (2, 1, 0), None)
    assert schedule.is_over(BEGAN_MS + 60_000)


def test_a_new_share_holds_from_its_moment_and_moves_only_who_must() -> None:
    """Until then the old one; an earlier announcement of a later moment is replaced."""
    schedule = Schedule()
    schedule.put(share((0, 8.0), mine=range(4)))
    assert at(schedule, 0)[:2] == ((0, 1, 2, 3), ())
    schedule.put(share((0, 8.0), mine=[7], from_ms=2000))
    schedule.put(share((0, 8.0), mine=range(2, 6), from_ms=1000))
    assert at(schedule, 500) == ((), (), 1000)
    assert at(schedule, 1000) == ((4, 5), (1, 0), None)


def test_a_share_may_be_sent_again_under_the_same_number() -> None:
    """A sibling died: its slots are ours at once."""
    schedule = Schedule()
    schedule.put(share((0, 8.0), mine=[0]))
    at(schedule, 5000)
    schedule.put(share((0, 8.0), mine=[0, 1]))
    assert at(schedule, 5001)[:2] == ((1,), ())


def test_who_ends_by_itself_comes_back_one_a_second() -> None:
    """While the plan is flat; in a ramp at the ramp's pace."""
    schedule = Schedule()
    schedule.put(share((0, 4.0)))
    at(schedule, 0)
    schedule.ended(("A", 1), BEGAN_MS + 500)
    schedule.ended(("A", 3), BEGAN_MS + 500)
    schedule.ended(("A", 3), BEGAN_MS + 500)
    assert at(schedule, 600) == ((), (), 1501)
    assert at(schedule, 1501)[0] == (1,)
    assert at(schedule, 2501)[0] == (3,)
    assert at(schedule, 9000)[0] == ()
    ramp = Schedule()
    ramp.put(share((0, 0.0), (10_000, 100.0)))
    at(ramp, 5000)
    ramp.ended(("A", 2), BEGAN_MS + 5000)
    assert 2 in at(ramp, 5101)[0]


def test_who_rests_and_is_no_longer_wanted_does_not_come_back() -> None:
    """The plan goes before."""
    schedule = Schedule()
    schedule.put(share((0, 2.0), (1, 2.0), (2, 1.0)))
    at(schedule, 0)
    schedule.ended(("A", 1), BEGAN_MS)
    assert at(schedule, 10)[1] == (1,)
    assert at(schedule, 5000)[0] == ()


def test_without_an_agent_nobody_runs_and_with_it_all_are_back() -> None:
    """The same users as before."""
    schedule = Schedule()
    schedule.put(share((0, 3.0)))
    at(schedule, 0)
    assert numbers(schedule.step(BEGAN_MS + 10, alive=False).stop) == (2, 1, 0)
    assert schedule.step(BEGAN_MS + 20, alive=False).stop == ()
    assert numbers(schedule.step(BEGAN_MS + 30).start) == (0, 1, 2)


def test_classes_with_a_fixed_count_bound_the_users() -> None:
    """A mix of fixed counts alone has no ninth user, whatever the curve says."""
    schedule = Schedule()
    schedule.put(share((0, 100.0), mix=(ClassSpec("A", fixed_count=2), ClassSpec("B", fixed_count=1))))
    assert schedule.step(BEGAN_MS).start == (("A", 0), ("B", 0), ("A", 1))


def test_a_class_with_a_curve_of_its_own_is_not_in_the_mix() -> None:
    """Its users have its numbers, begin at a slot of its own, and keep who they are when the mix takes them over."""
    classes = (ClassSpec("A"), ClassSpec("B"))
    tracks = (Track("", ((0, 2.0),)), Track("B", ((0, 0.0), (1000, 2.0))))
    schedule = Schedule()
    every = bitmap(range(SLOTS), SLOTS)
    schedule.put(SetShare(1, 0, BEGAN_MS, tracks, None, SLOTS, every, classes))
    assert schedule.step(BEGAN_MS + 400).start == (("A", 0), ("A", 1), ("B", 0))
    assert schedule.step(BEGAN_MS + 600).start == (("B", 1),)
    schedule.put(SetShare(2, 700, BEGAN_MS, (Track("", ((0, 3.0),)),), None, SLOTS, every, classes))
    step = schedule.step(BEGAN_MS + 700)
    assert (step.start, step.stop) == ((), (("B", 1),))


def test_few_users_of_many_classes_do_not_all_lie_in_one_slot() -> None:
    """Each class's curve begins at the slot after the one before."""
    classes = tuple(ClassSpec(name) for name in "ABCD")
    tracks = tuple(Track(name, ((0, 1.0),)) for name in "ABCD")
    for slot, name in enumerate("ABCD", 1):
        schedule = Schedule()
        schedule.put(SetShare(1, 0, BEGAN_MS, tracks, None, SLOTS, bitmap([slot], SLOTS), classes))
        assert schedule.step(BEGAN_MS).start == ((name, 0),)


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 30)), min_size=1, max_size=5, unique_by=lambda p: p[0]),
    st.lists(st.tuples(st.sets(st.integers(0, SLOTS - 1)), st.integers(0, 3_000)), max_size=4),
    st.lists(st.integers(0, 4_000), max_size=12),
)
def test_whoever_looks_when_runs_what_the_plan_says(
    curve: list[tuple[int, int]], moves: list[tuple[set[int], int]], looks: list[int]
) -> None:
    """After any history of shares and looks, the users are those below the count in own slots."""
    points = tuple((t, float(v)) for t, v in sorted(curve))
    schedule = Schedule()
    first = share(*points)
    schedule.put(first)
    orders = sorted(moves, key=lambda m: m[1])
    for mine, from_ms in orders:
        schedule.put(share(*points, mine=mine, from_ms=from_ms))
    running: set[int] = set()
    for look_ms in sorted(looks):
        start, stop, _ = at(schedule, look_ms)
        assert not running & set(start)
        assert running >= set(stop)
        running = (running | set(start)) - set(stop)
        mine = [m for m, from_ms in orders if from_ms <= look_ms]
        slots = mine[-1] if mine else set(range(SLOTS))
        count = count_at(first.tracks, look_ms)
        assert running == {g for g in range(count) if g % SLOTS in slots}
