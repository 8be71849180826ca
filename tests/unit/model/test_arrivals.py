"""The laws of arrivals: counted and dated alike, shared out without loss or repeat, kept when the curve goes on."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidal.model.arrivals import ARRIVAL, EVEN, POISSON, Arrivals, arrivals_of, in_flight_of
from tidal.model.events import Track
from tidal.model.plan import Ownership, value_at
from tidal.model.struct import replace

SLOTS = 16
SECOND_US = 1_000_000
Points = tuple[tuple[int, float], ...]


@st.composite
def _points(draw: st.DrawFn) -> Points:
    moments = sorted(draw(st.lists(st.integers(-500, 4_000), min_size=1, max_size=5)))
    rate = st.one_of(st.integers(0, 40).map(float), st.floats(0, 40), st.just(0.0))
    return tuple((ms, draw(rate)) for ms in moments)


ENDS = st.none() | st.integers(0, 6_000)
SPACINGS = st.sampled_from([EVEN, POISSON])
SEEDS = st.integers(0, 3)
BASES = st.sampled_from([(0, 0), (0, 1), (3, 0), (1_500, 77), (1_023, ARRIVAL - 1)])


def _curve(points: Points, end_ms: int | None, spacing: str, seed: int, before: tuple[int, int] = (0, 0)) -> Arrivals:
    return Arrivals(points, end_ms=end_ms, spacing=spacing, seed=seed, base=before[0], rest=before[1])


def _all_until(arrivals: Arrivals, until_us: int, first: int = 0) -> list[tuple[int, int]]:
    """Index and moment of every arrival due before a moment, found one by one."""
    found = []
    index = first
    while (due_us := arrivals.due_us(index)) is not None and due_us < until_us:
        found.append((index, due_us))
        index += 1
    return found


# ------------------------------------------------------------------ one curve


@settings(max_examples=150, deadline=None)
@given(_points(), ENDS, SPACINGS, BASES, st.lists(st.integers(0, 6_000_000), max_size=4))
def test_counted_and_dated_alike(
    points: Points, end_ms: int | None, spacing: str, before: tuple[int, int], moments_us: list[int]
) -> None:
    """Arrival k is among those counted before a moment exactly when it is due before it."""
    arrivals = _curve(points, end_ms, spacing, 1, before)
    start_us = points[0][0] * 1000
    assume(end_ms is None or end_ms * 1000 > start_us)
    for moment_us in (*moments_us, 6_000_000):
        moment_us = max(moment_us, start_us)  # noqa: PLW2901 - before its first point a curve knows nothing
        count = arrivals.count_before(moment_us)
        last_us, next_us = arrivals.due_us(count - 1) if count else None, arrivals.due_us(count)
        assert not count or (last_us is not None and last_us < moment_us)
        assert next_us is None or next_us >= moment_us


@settings(max_examples=60, deadline=None)
@given(_points(), ENDS, SPACINGS, SEEDS)
def test_one_after_the_other_and_none_after_the_end(
    points: Points, end_ms: int | None, spacing: str, seed: int
) -> None:
    """Moments rise with the index; a curve with an end has its total and no arrival more."""
    arrivals = _curve(points, end_ms, spacing, seed)
    found = _all_until(arrivals, 6_000_000)
    assert all(a[1] <= b[1] for a, b in pairwise(found))
    assert all(end_ms is None or due_us < end_ms * 1000 for _, due_us in found)
    assert len(found) == arrivals.count_before(6_000_000)
    if arrivals.total is not None:
        assert arrivals.due_us(arrivals.total) is None
        assert arrivals.count_before(1 << 50) == arrivals.total


@settings(max_examples=100, deadline=None)
@given(_points(), st.integers(-500, 6_000))
def test_even_spacing_counts_the_area_under_the_curve(points: Points, until_ms: int) -> None:
    """As many as the area, rounded up: the sum over its straight pieces in exact fractions says the same."""
    corners = sorted({until_ms, *(ms for ms, _ in points if ms < until_ms)})
    area = Fraction(0)
    for from_ms, to_ms in pairwise(corners):
        start = Fraction(round(value_at(points, from_ms) * 1_000_000), 1_000_000)
        before = tuple(p for p in points if p[0] <= from_ms)
        after = next((p for p in points if p[0] > from_ms), None)
        if not before:
            continue
        end = start
        if after is not None:
            (t0, v0), (t1, v1) = before[-1], after
            slope = Fraction(round(v1 * 1_000_000) - round(v0 * 1_000_000), 1_000_000 * (t1 - t0))
            start = Fraction(round(v0 * 1_000_000), 1_000_000) + slope * (from_ms - t0)
            end = start + slope * (to_ms - from_ms)
        area += (start + end) / 2 * (to_ms - from_ms) / 1000
    assert _curve(points, None, EVEN, 0).count_before(until_ms * 1000) == -(-area // 1)


def test_a_steady_rate_is_a_row_of_even_moments() -> None:
    """50/s for two seconds: a hundred arrivals, the first at once, one each 20 ms."""
    arrivals = Arrivals(((0, 50.0),), end_ms=2_000)
    assert [arrivals.due_us(i) for i in (0, 1, 99, 100)] == [0, 20_000, 1_980_000, None]
    assert arrivals.total == 100


def test_a_ramp_is_the_root_of_the_index() -> None:
    """0 to 100/s in 10 s: 500 in all, arrival k after sqrt(k / 5) seconds, rounded down to microseconds."""
    arrivals = Arrivals(((0, 0.0), (10_000, 100.0), (10_000, 0.0)))
    assert arrivals.total == 500
    assert [arrivals.due_us(i) for i in (0, 5, 125, 499)] == [0, SECOND_US, 5 * SECOND_US, 9_989_994]


def test_a_pause_holds_the_next_arrival_back() -> None:
    """What would be due when the rate falls to nothing is due when it comes back."""
    arrivals = Arrivals(((0, 10.0), (1_000, 10.0), (1_000, 0.0), (5_000, 0.0), (5_000, 10.0)))
    assert [arrivals.due_us(i) for i in (9, 10, 11)] == [900_000, 5_000_000, 5_100_000]


def test_nothing_comes_of_no_rate() -> None:
    """A curve that stays at zero, and one without points, have no arrival."""
    for points in ((), ((0, 0.0),), ((0, 0.0), (9, 0.0))):
        assert (Arrivals(points).total, Arrivals(points).due_us(0), Arrivals(points).count_before(99)) == (0, None, 0)


def test_a_far_index_is_found_at_once() -> None:
    """The billionth arrival needs none of those before it, whatever the spacing; Poisson is near where it should be."""
    even, poisson = (Arrivals(((0, 1_000.0),), spacing=s, seed=7) for s in (EVEN, POISSON))
    assert even.due_us(1_000_000_000) == 1_000_000 * SECOND_US
    found_us = poisson.due_us(10_000_000)
    assert found_us is not None
    assert abs(found_us - 10_000 * SECOND_US) < 20 * SECOND_US  # five standard deviations of the count are 16 s


def test_no_moment_takes_ages_to_count_to() -> None:
    """Beyond 134 million, blocks hold their mean: counted and dated alike there, too."""
    arrivals = Arrivals(((0, 1e8),), spacing=POISSON)
    count = arrivals.count_before(1 << 56)
    last_us, next_us = arrivals.due_us(count - 1), arrivals.due_us(count)
    assert last_us is not None
    assert next_us is not None
    assert last_us < 1 << 56 <= next_us


def test_poisson_spacing_is_poisson() -> None:
    """Counts of a second scatter as they should (mean and variance 50), gaps have a coefficient of variation of 1."""
    arrivals = Arrivals(((0, 50.0),), spacing=POISSON, seed=1)
    counts = [arrivals.count_before((s + 1) * SECOND_US) - arrivals.count_before(s * SECOND_US) for s in range(2_000)]
    mean = sum(counts) / len(counts)
    assert abs(mean - 50) < 1  # six standard errors
    assert 42 < sum((c - mean) ** 2 for c in counts) / len(counts) < 58  # five
    moments = [us for i in range(20_000) if (us := arrivals.due_us(i)) is not None]
    gaps = [b - a for a, b in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    assert 0.95 < (sum((g - mean) ** 2 for g in gaps) / len(gaps)) ** 0.5 / mean < 1.05


def test_another_seed_or_name_is_another_row() -> None:
    """The same seed and curve are the same everywhere; a second class is not in step with the first."""
    rows = [
        [Arrivals(((0, 50.0),), spacing=POISSON, seed=seed, name=name).due_us(i) for i in range(5)]
        for seed, name in ((1, ""), (1, ""), (2, ""), (1, "Buyer"))
    ]
    assert rows[0] == rows[1] != rows[2] != rows[3] != rows[0]
    assert rows[0] == [39_003, 86_779, 153_616, 187_002, 202_889]  # for good: a replay computes it again


def test_an_unknown_spacing_is_refused() -> None:
    """A word that means nothing is no spacing."""
    with pytest.raises(ValueError, match="spacing is even or poisson, not 'often'"):
        Arrivals((), spacing="often")


# ------------------------------------------------------------------ a curve that goes on


def _steps(rates: list[float]) -> Points:
    """A curve of steps, each a second long."""
    return tuple(point for i, rate in enumerate(rates) for point in ((i * 1000, rate), (i * 1000 + 1000, rate)))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 40).map(float), min_size=1, max_size=4).map(_steps),
    SPACINGS,
    SEEDS,
    st.lists(st.integers(1, 1_500), min_size=1, max_size=4),
)
def test_a_curve_cut_into_pieces_is_the_same_curve(
    points: Points, spacing: str, seed: int, lengths_ms: list[int]
) -> None:
    """A piece whose base is the area so far has the same indexes at the same moments."""
    whole = arrivals_of(Track("", points, "arrivals/s"), None, spacing, seed)
    track, at_ms = Track("", points, "arrivals/s"), 0
    for length_ms in lengths_ms:
        at_ms += length_ms
        base, rest = arrivals_of(track, None, spacing, seed).reached(at_ms * 1000)
        later = tuple(p for p in points if p[0] > at_ms)
        track = replace(track, points=((at_ms, value_at(points, at_ms)), *later), base=base, rest=rest)
        piece = arrivals_of(track, None, spacing, seed)
        count = piece.count_before(at_ms * 1000)
        assert count == whole.count_before(at_ms * 1000)
        for index in range(count, count + 30):
            ours_us, theirs_us = piece.due_us(index), whole.due_us(index)
            assert ours_us == theirs_us


# ------------------------------------------------------------------ who begins it


def _owned_at(plans: list[tuple[int, Track, Ownership]], slot: int, at_us: int) -> str | None:
    """Who owns a slot at a moment, by the plan in force."""
    return next(owned.owner(slot) for from_us, _, owned in reversed(plans) if from_us <= at_us)


WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(
    _points(),
    SPACINGS,
    SEEDS,
    st.lists(st.tuples(st.integers(1, 1_500), WEIGHTS, st.none() | st.integers(0, 60)), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_none_is_lost_or_doubled_in_any_history(
    points: Points, spacing: str, seed: int, history: list[tuple[int, dict[str, int], int | None]], first: int
) -> None:
    """Workers come and go, the rate is changed: what they begin, each by its own slots, is every arrival once.

    A worker knows its share only. From the moment of a plan on it looks at that plan's arrivals in its slots, up to
    the moment of the next.
    """
    points = tuple((max(0, ms), v) for ms, v in points)
    track, owned = Track("", points, "arrivals/s"), Ownership.of_nobody(SLOTS).moved_to({"a": 1})
    plans, at_ms = [(0, track, owned)], 0
    for length_ms, weights, rate in history:
        at_ms += length_ms
        owned = owned.moved_to(weights)
        if rate is not None:
            base, rest = arrivals_of(track, None, spacing, seed).reached(at_ms * 1000)
            track = Track("", ((at_ms, float(rate)),), "arrivals/s", base, rest)
        plans.append((at_ms * 1000, track, owned))
    end_us = (at_ms + 1_000) * 1000
    begun: list[int] = []
    for worker in "abcde":
        for (from_us, curve, owned), to_us in zip(plans, [*(p[0] for p in plans[1:]), end_us], strict=True):
            arrivals = arrivals_of(curve, None, spacing, seed)
            slots = set(owned.slots_of(worker))
            due = range(arrivals.count_before(from_us), arrivals.count_before(to_us))
            mine = [i for i in due if (i + first) % SLOTS in slots]
            assert all(_owned_at(plans, (i + first) % SLOTS, arrivals.due_us(i) or from_us) == worker for i in mine)
            begun += mine
    total = sum(
        arrivals_of(curve, None, spacing, seed).count_before(to_us)
        - arrivals_of(curve, None, spacing, seed).count_before(from_us)
        for (from_us, curve, _), to_us in zip(plans, [*(p[0] for p in plans[1:]), end_us], strict=True)
    )
    assert sorted(begun) == list(range(total))


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, WEIGHTS)
def test_moving_a_worker_moves_only_its_own(before: dict[str, int], after: dict[str, int]) -> None:
    """An arrival changes hands only from one who is gone or to one who came."""
    first = Ownership.of_nobody(SLOTS).moved_to(before)
    then = first.moved_to(after)
    for slot in range(SLOTS):
        old, new = first.owner(slot), then.owner(slot)
        assert old == new or old not in after or new not in before


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5_000), WEIGHTS)
def test_the_parts_of_what_may_be_in_flight_are_the_whole(most: int, weights: dict[str, int]) -> None:
    """Where there is enough for everybody, the parts sum up to the whole; nobody is left without any."""
    owned = Ownership.of_nobody(SLOTS).moved_to(weights)
    parts = [in_flight_of(most, owned.slots_of(worker), SLOTS) for worker in weights]
    assert min(parts) >= 1
    assert sum(parts) == most or 1 in parts
    assert in_flight_of(0, owned.slots_of("a"), SLOTS) == 10_000
