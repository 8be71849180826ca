from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.generator.scheduler import Owned
from tidal.model.events import ClassSpec, Track
from tidal.model.plan import (
    NOBODY,
    Mix,
    Ownership,
    bitmap,
    by_need,
    count_at,
    counts_at,
    in_bitmap,
    next_change_ms,
    ramp,
    share_out,
    value_at,
)

HORIZON_MS = 260


@st.composite
def _points(draw: st.DrawFn) -> tuple[tuple[int, float], ...]:
    moments = sorted(draw(st.lists(st.integers(0, 200), min_size=1, max_size=5)))
    height = st.one_of(st.integers(0, 12).map(float), st.floats(0, 12))
    return tuple((ms, draw(height)) for ms in moments)


TRACKS = st.lists(_points(), max_size=2).map(lambda ps: tuple(Track(n, p) for n, p in zip(("", "B"), ps, strict=False)))


def _users(*points: tuple[int, float]) -> tuple[Track, ...]:
    return (Track("", points),)


# ------------------------------------------------------------------ the curve


@settings(max_examples=60, deadline=None)
@given(
    TRACKS,
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=5
    ),
    st.integers(0, 220),
)
def test_shares_sum_to_the_whole_in_any_history(
    tracks: tuple[Track, ...], members: list[dict[str, int]], plan_ms: int
) -> None:
    """Whoever came and went: at every moment each planned user is in the share of exactly one who is there."""
    slots, owned = 16, Ownership.of_nobody(16)
    for weights in members:
        owned = owned.moved_to(weights)
        for count in counts_at(tracks, plan_ms).values():
            shares = [Owned(bitmap(owned.slots_of(w), slots), slots) for w in weights]
            assert sum(share.below(count) for share in shares) == count
            users = [share[i] for share in shares for i in range(share.below(count))]
            assert sorted(users) == list(range(count))


@settings(max_examples=80, deadline=None)
@given(TRACKS, st.integers(-20, 220))
def test_the_next_change_is_the_first_that_a_scan_finds(tracks: tuple[Track, ...], plan_ms: int) -> None:
    """Looking at every millisecond finds the same moment; None where the count stays for good."""
    now = counts_at(tracks, plan_ms)
    scanned = next((ms for ms in range(plan_ms + 1, HORIZON_MS) if counts_at(tracks, ms) != now), None)
    assert next_change_ms(tracks, plan_ms) == scanned


def test_user_k_starts_when_the_line_reaches_k() -> None:
    """Four users at two a second: at 0, 500, 1000 and 1500 ms."""
    tracks = _users(*ramp(0, 0, 4, 2.0))
    assert [count_at(tracks, ms) for ms in (-1, 0, 499, 500, 999, 1_000, 1_499, 1_500, 9_000)] == [
        0, 1, 1, 2, 2, 3, 3, 4, 4,
    ]  # fmt: skip


def test_user_k_stops_when_the_line_has_come_down_to_k() -> None:
    """From four to one at two a second: one goes every 500 ms, the last one stays."""
    tracks = _users(*ramp(0, 4, 1, 2.0))
    assert [count_at(tracks, ms) for ms in (0, 499, 500, 999, 1_000, 1_499, 1_500, 9_000)] == [4, 4, 3, 3, 2, 2, 1, 1]


def test_a_step_is_a_step() -> None:
    """Two points at one moment: the later one holds from there on."""
    tracks = _users((0, 2.0), (100, 2.0), (100, 7.0), (200, 7.0))
    assert (count_at(tracks, 99), count_at(tracks, 100), next_change_ms(tracks, 0)) == (2, 7, 100)


def test_curves_that_cancel_out_are_a_change_of_who_runs() -> None:
    """One user goes as another comes: the count stays, but not who runs."""
    tracks = (Track("", ((0, 1.0), (50, 1.0), (50, 0.0))), Track("B", ((0, 0.0), (50, 0.0), (50, 1.0))))
    assert (count_at(tracks, 49), count_at(tracks, 50), next_change_ms(tracks, 0)) == (1, 1, 50)
    assert counts_at(tracks, 50) == {"": 0, "B": 1}


def test_arrivals_are_not_users() -> None:
    """Only curves of users count here, the mix's and those of single classes."""
    tracks = (Track("Buyer", ((0, 5.0),)), Track("", ((0, 9.0),), "arrivals/s"), Track("", ((0, 2.0),)))
    assert counts_at(tracks, 0) == {"Buyer": 5, "": 2}


def test_a_curve_is_nothing_before_it_begins_and_holds_after_it_ends() -> None:
    """Between its points it is a straight line."""
    points = ((100, 2.0), (200, 4.0))
    assert [value_at(points, ms) for ms in (99, 100, 150, 200, 10**9)] == [0.0, 2.0, 3.0, 4.0, 4.0]


def test_dust_of_floating_point_starts_nobody_late() -> None:
    """Thirty users at 0.1 a second start at whole tens of seconds, not a millisecond later."""
    tracks = _users(*ramp(0, 0, 30, 0.1))
    assert [count_at(tracks, k * 10_000) for k in range(30)] == list(range(1, 31))


# ------------------------------------------------------------------ the mix

CLASSES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 3.0, 10.0]), st.sampled_from([0, 0, 0, 1, 5])), max_size=6
).map(lambda rows: [ClassSpec(f"C{i}", weight, fixed) for i, (weight, fixed) in enumerate(rows)])


@settings(deadline=None)
@given(CLASSES, st.integers(0, 60))
def test_numbering_has_no_gaps_and_counts_sum_up(classes: list[ClassSpec], users: int) -> None:
    """Per class the numbers are 0, 1, 2 … in turn, and the counts of n users are n users."""
    mix = Mix(classes)
    possible = users if mix.limit is None else min(users, mix.limit)
    met: dict[str, int] = {}
    for index in range(possible):
        name, number = mix.user(index)
        assert number == met.get(name, 0)
        met[name] = number + 1
    assert {n: c for n, c in mix.counts(users).items() if c} == met
    assert sum(met.values()) == possible


@settings(deadline=None)
@given(CLASSES, st.permutations(range(20)))
def test_every_machine_finds_the_same_user(classes: list[ClassSpec], asked: list[int]) -> None:
    """The sequence does not depend on the order in which it is asked for."""
    one, other = Mix(classes), Mix(classes)
    indexes = [i for i in asked if one.limit is None or i < one.limit]
    assert {i: one.user(i) for i in indexes} == {i: other.user(i) for i in sorted(indexes)}


@settings(deadline=None)
@given(CLASSES)
def test_classes_come_in_their_weights(classes: list[ClassSpec]) -> None:
    """At every moment each weighted class is within two users of its share."""
    mix = Mix(classes)
    fixed = sum(c.fixed_count for c in classes)
    weights = {c.name: c.weight for c in classes if not c.fixed_count and c.weight}
    for users in range(60) if weights else ():
        counts = mix.counts(fixed + users)
        for name, weight in weights.items():
            assert abs(counts[name] - users * weight / sum(weights.values())) < 2


@pytest.mark.parametrize("order", [1, -1])
def test_who_is_next_is_furthest_behind_its_weight(order: int) -> None:
    """From the first user on; of equals the one whose name comes first, whatever the order of the file."""
    three_to_one = [ClassSpec("Buyer", 3.0), ClassSpec("Reader", 1.0)][::order]
    assert "".join(Mix(three_to_one).user(n)[0][0] for n in range(8)) == "BBRBBBRB"
    equal = [ClassSpec(name) for name in "abc"][::order]
    assert "".join(Mix(equal).user(n)[0] for n in range(6)) == "abcabc"


def test_fixed_classes_come_first_in_turn() -> None:
    """And when all are fixed there can be no more users than they say."""
    mix = Mix([ClassSpec("A", fixed_count=2), ClassSpec("B", fixed_count=1), ClassSpec("C")])
    assert [mix.user(i) for i in range(5)] == [("A", 0), ("B", 0), ("A", 1), ("C", 0), ("C", 1)]
    full = Mix([ClassSpec("A", fixed_count=2)])
    assert (full.limit, full.counts(9)) == (2, {"A": 2})
    with pytest.raises(IndexError, match="fixed count"):
        full.user(2)


# ------------------------------------------------------------------ ownership

WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 8), min_size=1, max_size=8)
MEMBERS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 8), max_size=8)


def _owners(owned: Ownership) -> list[str | None]:
    return [owned.owner(slot) for slot in range(len(owned.table) // 2)]


@settings(deadline=None)
@given(WEIGHTS)
def test_every_beginning_is_shared_by_weight(weights: dict[str, int]) -> None:
    """A run of 20 users uses 20 slots: there too nobody has a slot too many, and nobody is behind by two."""
    owners, total = _owners(Ownership.of_nobody(96).moved_to(weights)), sum(weights.values())
    for users in range(1, 97):
        for name, weight in weights.items():
            assert -2 < owners[:users].count(name) - users * weight / total <= 1


@settings(deadline=None)
@given(st.lists(MEMBERS, max_size=6))
def test_every_slot_has_an_owner_whoever_comes_and_goes(members: list[dict[str, int]]) -> None:
    """For any history of memberships each slot is owned by one who is there; by nobody when nobody is."""
    owned = Ownership.of_nobody(64)
    for weights in members:
        owned = owned.moved_to(weights)
        assert set(_owners(owned)) <= (set(weights) if weights else {None})
        assert sum(len(owned.slots_of(name)) for name in weights) == (64 if weights else 0)


@settings(deadline=None)
@given(WEIGHTS, st.data())
def test_a_loss_moves_only_what_was_lost(weights: dict[str, int], data: st.DataObject) -> None:
    """Users of those who stay stay."""
    before = Ownership.of_nobody(64).moved_to(weights)
    lost = data.draw(st.sets(st.sampled_from(sorted(weights))))
    stay = {name: weight for name, weight in weights.items() if name not in lost}
    after = before.moved_to(stay)
    moved = [slot for slot in range(64) if before.owner(slot) != after.owner(slot)]
    assert all(before.owner(slot) in lost for slot in moved)


@settings(deadline=None)
@given(WEIGHTS, st.integers(1, 8))
def test_a_join_moves_slots_only_to_the_joiner(weights: dict[str, int], weight: int) -> None:
    """And the joiner ends within a slot of its share for everyone that gave."""
    before = Ownership.of_nobody(96).moved_to(weights)
    after = before.moved_to({**weights, "z": weight})
    moved = [slot for slot in range(96) if before.owner(slot) != after.owner(slot)]
    assert {after.owner(slot) for slot in moved} <= {"z"}
    assert abs(len(moved) - 96 * weight / (sum(weights.values()) + weight)) <= 1 + len(weights)


@settings(deadline=None)
@given(st.lists(MEMBERS, max_size=4), WEIGHTS)
def test_the_same_owners_again_move_nothing(members: list[dict[str, int]], weights: dict[str, int]) -> None:
    """Sharing out is idempotent."""
    owned = Ownership.of_nobody(64)
    for some in members:
        owned = owned.moved_to(some)
    owned = owned.moved_to(weights)
    if all(owned.slots_of(name) for name in weights):
        assert owned.moved_to(weights).table == owned.table


@settings(deadline=None)
@given(st.lists(st.integers(0, 999), unique=True, max_size=40), WEIGHTS)
def test_a_worker_shares_its_slots_out_to_the_last(slots: list[int], weights: dict[str, int]) -> None:
    """Any list of slots, any owners: the shares add up to the whole."""
    assert set(share_out(slots, {}, weights)) == set(slots)
    assert share_out(slots, {}, {}) == {}


@settings(deadline=None)
@given(st.lists(st.integers(0, 999), unique=True, max_size=40), st.integers(1, 9), st.integers(1, 5), MEMBERS)
def test_equals_take_turns(slots: list[int], owners: int, weight: int, gone: dict[str, int]) -> None:
    """The short way of a beginning, and of a worker with generators, is the long one."""
    weights = {f"n{i}": weight for i in range(owners)}
    current = dict(zip(slots, gone, strict=False))
    assert share_out(slots, current, weights) == by_need(slots, current, weights)


@pytest.mark.parametrize("table", [b"\x00\x01", b"\x00", b"\x00\x00\x00"])
def test_a_table_that_names_no_owner_is_refused(table: bytes) -> None:
    """An index beyond the owners, or half an index."""
    with pytest.raises(ValueError, match="slot"):
        Ownership(("a",), table)


def test_one_slot_without_an_owner_spoils_a_table() -> None:
    """However good the others are."""
    with pytest.raises(ValueError, match="not in the list"):
        Ownership(("a", "b"), b"\0\0\0\1\0\2")


def test_nobody_owns_what_nobody_owns() -> None:
    """The mark of no owner, and somebody who is not in the list."""
    owned = Ownership(("a",), b"\x00\x00" + NOBODY.to_bytes(2, "big"))
    assert (_owners(owned), owned.slots_of("a"), owned.slots_of("b")) == (["a", None], [0], [])


@settings(deadline=None)
@given(st.sets(st.integers(0, 99)))
def test_a_bit_map_holds_its_slots(slots: set[int]) -> None:
    """Exactly those."""
    bits = bitmap(slots, 100)
    assert {slot for slot in range(100) if in_bitmap(bits, slot)} == slots
