"""Which arrivals are due: each once, in own slots, whatever shares come when."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tidal.generator.timetable import Draw, Timetable
from tidal.model.arrivals import Arrivals
from tidal.model.events import ClassSpec, Track
from tidal.model.pipe import SetShare
from tidal.model.plan import bitmap
from tidal.model.struct import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGAN_MS = 1_700_000_000_000
SLOTS = 8
MIX = (ClassSpec("A"), ClassSpec("B", 3.0))


def share(
    *points: tuple[int, float],
    mine: Iterable[int] = range(SLOTS),
    from_ms: int = 0,
    end_ms: int | None = None,
    name: str = "A",
    before: tuple[int, int] = (0, 0),
    spacing: str = "even",
) -> SetShare:
    """A share of one curve."""
    tracks = (Track(name, points, "arrivals/s", *before),)
    owned = bitmap(mine, SLOTS)
    return SetShare(1, from_ms, BEGAN_MS, tracks, end_ms, SLOTS, owned, MIX, spacing=spacing)


def due(table: Timetable, plan_us: int) -> list[tuple[int, int]]:
    """Index and moment (plan time, µs) of what is due by now."""
    began_us = BEGAN_MS * 1000
    return [(a.index, a.due_us - began_us) for a in table.due(began_us + plan_us)]


def indexes(table: Timetable, plan_us: int) -> list[int]:
    """The indexes of what is due by now."""
    return [index for index, _ in due(table, plan_us)]


def test_where_the_clock_went_back_arrivals_go_on() -> None:
    """Each once, and none is held back until the clock has caught up."""
    table = Timetable()
    table.put(share((0, 10.0)))
    assert indexes(table, 450_000) == [0, 1, 2, 3, 4]
    assert indexes(table, -44_500_000) == []
    table.put(replace(share((0, 10.0), from_ms=300), began_ms=BEGAN_MS - 45_000))
    assert indexes(table, -44_550_000) == []
    assert indexes(table, -44_300_000) == [5, 6, 7]


def test_arrivals_are_handed_out_when_they_are_due() -> None:
    """The first at once; nothing before the share, nothing twice, all of them however late somebody asks."""
    table = Timetable()
    table.put(share((0, 10.0), end_ms=1000))
    assert table.next_us() == BEGAN_MS * 1000
    assert due(table, -1) == []
    assert due(table, 0) == [(0, 0)]
    assert due(table, 0) == []
    assert table.next_us() == BEGAN_MS * 1000 + 100_000
    assert due(table, 99_999) == []
    assert due(table, 350_000) == [(1, 100_000), (2, 200_000), (3, 300_000)]
    assert indexes(table, 9_000_000) == [4, 5, 6, 7, 8, 9]
    assert table.next_us() is None


def test_only_own_slots_are_served() -> None:
    """A class's curve begins at a slot of its own, as its users do."""
    table = Timetable()
    table.put(share((0, 100.0), mine=[1]))
    assert indexes(table, 200_000) == [0, 8, 16]
    assert table.next_us() == BEGAN_MS * 1000 + 240_000


def test_without_slots_nothing_is_ever_due() -> None:
    """A generator whose siblings have all."""
    table = Timetable()
    table.put(share((0, 100.0), mine=[]))
    assert (due(table, 1_000_000), table.next_us()) == ([], None)


def test_a_share_holds_from_its_moment_on() -> None:
    """Slots that go are served until then, slots that come from then on."""
    table = Timetable()
    table.put(share((0, 8.0), mine=[1, 2]))
    table.put(share((0, 8.0), mine=[2, 3], from_ms=1000))
    assert indexes(table, 2_100_000) == [0, 1, 9, 10]


def test_a_share_that_comes_late_brings_what_it_should_have_brought() -> None:
    """And nothing that was begun before."""
    table = Timetable()
    table.put(share((0, 80.0), mine=[1, 2]))
    assert indexes(table, 1_000_000) == [k for k in range(81) if k % 8 in {0, 1}]
    table.put(share((0, 80.0), mine=[2, 3], from_ms=500))
    assert indexes(table, 1_000_000) == [k for k in range(40, 81) if k % 8 == 2]
    assert indexes(table, 1_100_000) == [k for k in range(81, 89) if k % 8 in {1, 2}]


def test_a_lower_rate_that_comes_late_begins_no_index_again() -> None:
    """What was begun ahead of the new curve is behind it."""
    table = Timetable()
    table.put(share((0, 100.0)))
    assert len(indexes(table, 1_100_000)) == 111
    before = Arrivals(((0, 100.0),)).reached(1_000_000)
    table.put(share((1000, 10.0), before=before, from_ms=1000))
    assert indexes(table, 1_900_000) == []
    assert indexes(table, 2_200_000) == [111, 112]


def test_what_was_skipped_is_not_begun_later() -> None:
    """While the agent was silent, others had it."""
    table = Timetable()
    table.put(share((0, 10.0)))
    table.skip(BEGAN_MS * 1000 + 1_000_000)
    assert indexes(table, 1_100_000) == [11]


def test_the_mix_is_drawn_by_weight() -> None:
    """Evenly: after any number of arrivals the shares are near the weights; weightless classes never come."""
    draw = Draw([ClassSpec("A"), ClassSpec("B", 3.0), ClassSpec("C", 0.0)])
    seen: Counter[str] = Counter()
    for index in range(400):
        seen[draw.name(index)] += 1
        assert abs(seen["A"] - (index + 1) / 4) < 3
    assert set(seen) == {"A", "B"}
    assert Draw([ClassSpec("C", 0.0)]).is_empty


def test_the_mix_has_the_classes_without_a_curve() -> None:
    """The others come by their own."""
    tracks = (Track("", ((0, 10.0),), "arrivals/s"), Track("B", ((0, 5.0),), "users"))
    table = Timetable()
    table.put(SetShare(1, 0, BEGAN_MS, tracks, None, SLOTS, bitmap(range(SLOTS), SLOTS), MIX))
    assert {a.name for a in table.due(BEGAN_MS * 1000 + 1_000_000)} == {"A"}


CURVES = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(0, 200)), min_size=1, max_size=4, unique_by=lambda point: point[0]
)
MOVES = st.lists(
    st.tuples(st.integers(0, 2_500), st.lists(st.integers(0, 2), min_size=SLOTS, max_size=SLOTS)), max_size=4
)


@given(
    CURVES,
    MOVES,
    st.lists(st.lists(st.integers(0, 3_500), max_size=8), min_size=3, max_size=3),
    st.sampled_from(["even", "poisson"]),
)
def test_every_arrival_is_begun_once_by_somebody(
    curve: list[tuple[int, int]], moves: list[tuple[int, list[int]]], looks: list[list[int]], spacing: str
) -> None:
    """Three generators, any history of ownership that each hears of in time, whoever looks when."""
    points = tuple((at_ms, float(rate)) for at_ms, rate in sorted(curve))
    begun: Counter[int] = Counter()
    for generator in range(3):
        table = Timetable()
        table.put(share(*points, mine=range(SLOTS) if generator == 0 else [], end_ms=3_000, spacing=spacing))
        for from_ms, owners in sorted(moves):
            mine = [slot for slot, owner in enumerate(owners) if owner == generator]
            table.put(share(*points, mine=mine, from_ms=from_ms, end_ms=3_000, spacing=spacing))
        for look_ms in [*sorted(looks[generator]), 4_000]:
            arrivals = due(table, look_ms * 1000)
            assert all(due_us <= look_ms * 1000 for _, due_us in arrivals)
            begun.update(index for index, _ in arrivals)
    total = Arrivals(points, end_ms=3_000, spacing=spacing, name="A").total
    assert begun == Counter(range(total or 0))


@given(CURVES, MOVES, st.lists(st.integers(0, 3_500), max_size=8), st.integers(0, 800))
def test_no_arrival_is_begun_twice_however_late_shares_come(
    curve: list[tuple[int, int]], moves: list[tuple[int, list[int]]], looks: list[int], delay_ms: int
) -> None:
    """And what a share gives is begun, also what was due while it was on its way."""
    points = tuple((at_ms, float(rate)) for at_ms, rate in sorted(curve))
    table = Timetable()
    table.put(share(*points))
    begun: Counter[int] = Counter()
    happenings = [(from_ms + delay_ms, from_ms, owners) for from_ms, owners in moves]
    happenings += [(look_ms, -1, []) for look_ms in looks]
    last: list[int] = list(range(SLOTS))
    last_from_ms = 0
    for at_ms, from_ms, owners in sorted(happenings):
        if from_ms >= 0:
            last = [slot for slot, owner in enumerate(owners) if owner == 0]
            last_from_ms = from_ms
            table.put(share(*points, mine=last, from_ms=from_ms))
        begun.update(indexes(table, at_ms * 1000))
    begun.update(indexes(table, 4_500_000))
    assert max(begun.values(), default=1) == 1
    whole = Arrivals(points, name="A")
    own = {
        k for k in range(whole.count_before(last_from_ms * 1000), whole.count_before(4_500_001)) if (k + 1) % 8 in last
    }
    assert own <= set(begun)
