"""Two runs compared: equal ones raise no alarm, a planted slowness is found; both counted over simulations."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.compare import (
    FASTER,
    SLOWER,
    UNKNOWN,
    Comparison,
    batches_of,
    compare,
    quantile_of,
    share_error,
)
from tidal.model.segments import OTHER, TOTAL, Phase, Piece, Pieces
from tidal.model.students import critical, two_sided, welch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidal.model.segments import Key
    from tidal.model.stats import Histogram

SECONDS, RATE = 240, 12
ENDPOINTS = (("GET", "/"), ("GET", "/cart"), ("POST", "/checkout"))
PHASES = [Phase("60 users", 0, SECONDS * 1000, is_steady=True)]


def run(
    seed: int,
    slower: Callable[[Key], float] = lambda key: 1.0,
    fails: Callable[[Key], float] = lambda key: 0.01,
    phases: Sequence[Phase] = PHASES,
) -> Pieces:
    """Four minutes in which each second resembles the one before, and requests of a second resemble each other."""
    chance, pieces, drift = Random(seed), Pieces(phases, 0), 0.0
    for second in range(SECONDS):
        drift = 0.7 * drift + chance.gauss(0, 0.06)
        for number, key in enumerate(ENDPOINTS):
            piece = Piece()
            for _ in range(RATE):
                ln_us = 9.5 + number + drift + chance.gauss(0, 0.4)
                bucket = int((ln_us + _ln(slower(key))) * 100.499)
                piece.histogram[bucket] = piece.histogram.get(bucket, 0) + 1
            piece.requests, piece.failures = RATE, sum(chance.random() < fails(key) for _ in range(RATE))
            for one in (key, TOTAL):
                pieces._piece(phases[0].name, one, second).merge(piece)
    return pieces


@cache
def _ln(factor: float) -> float:
    from math import log  # noqa: PLC0415 - of this one

    return log(factor)


@cache
def even(seed: int) -> Pieces:
    """A run in which nothing is planted."""
    return run(seed)


def outcome(comparison: Comparison, key: Key, metric: str) -> str:
    """What came of one figure."""
    return next(r.outcome for r in comparison.rows if (r.method, r.name) == key and r.metric == metric)


def test_equal_runs_raise_no_alarm_95_times_in_100() -> None:
    """A hundred pairs of runs that differ by noise alone, a dozen figures and more each."""
    alarms = 0
    for pair in range(100):
        found = compare(even(2 * pair), even(2 * pair + 1), tolerance=0.0)
        assert found.tested >= 12
        alarms += any(row.outcome in {SLOWER, FASTER} for row in found.rows)
    assert alarms <= 5


def test_twenty_per_cent_at_p95_are_found() -> None:
    """On one endpoint of three, in each of twenty pairs but one at the most; the others raise nothing."""
    hits = 0
    for seed in range(20):
        slow = run(1_000 + seed, lambda key: 1.2 if key == ENDPOINTS[1] else 1.0)
        found = compare(even(seed), slow)
        hits += outcome(found, ENDPOINTS[1], "p95") == SLOWER
        assert outcome(found, ENDPOINTS[0], "p95") != SLOWER
    assert hits >= 19


def test_what_became_faster_or_fails_more_is_told_as_such() -> None:
    """By its own word."""
    better = run(5_000, slower=lambda key: 0.7, fails=lambda key: 0.08 if key == ENDPOINTS[2] else 0.01)
    found = compare(even(0), better)
    assert outcome(found, ENDPOINTS[0], "p50") == FASTER
    assert outcome(found, ENDPOINTS[2], "fail%") == SLOWER
    assert outcome(found, ENDPOINTS[0], "fail%") != SLOWER


def test_what_is_within_the_tolerance_is_no_regression() -> None:
    """However sure it is: a hundredth more matters to nobody, unless they say so."""
    slow = run(0, slower=lambda key: 1.04)  # the same noise, so the difference is all that there is
    assert all(row.outcome != SLOWER for row in compare(even(0), slow, tolerance=0.05).rows)


def test_a_run_is_the_same_as_itself() -> None:
    """No difference, and a ratio of one."""
    found = compare(even(3), even(3))
    assert {row.ratio for row in found.rows if row.metric != "fail%"} == {1.0}
    assert found.regressions == ()


def test_what_is_too_little_is_said() -> None:
    """Three requests are no p99."""
    few = Pieces(PHASES, 0)
    few._piece("60 users", TOTAL, 1).merge(Piece(3, 0, {900: 3}))
    assert outcome(compare(few, even(1)), TOTAL, "p99") == UNKNOWN


def test_phases_are_compared_by_their_names() -> None:
    """What one of them has alone is told."""
    other = run(7, phases=[Phase("80 users", 0, SECONDS * 1000, is_steady=True)])
    found = compare(even(0), other)
    assert (found.rows, found.phases, found.only) == ((), (), ("a: 60 users", "b: 80 users"))


# ------------------------------------------------------------------ the parts


def test_a_percentile_is_where_it_is() -> None:
    """A uniform distribution over buckets 0 to 999: p95 is at 950, give or take its error."""
    batches: list[Histogram] = [dict.fromkeys(range(1_000), 1) for _ in range(10)]
    known = quantile_of(batches, 0.95)
    assert known is not None
    assert known.value == pytest.approx(950, abs=0.5)
    assert known.below == pytest.approx(1000 * (0.95 * 0.05 / 10_000) ** 0.5, rel=0.1)


def test_coverage_of_the_interval() -> None:
    """Of 300 runs, the 95 % interval of the median holds the true one in nine of ten at the least."""
    held = 0
    for seed in range(300):
        chance, drift, batches = Random(seed), 0.0, []
        for _ in range(60):
            drift = 0.5 * drift + chance.gauss(0, 3)
            histogram: Histogram = {}
            for _ in range(10):
                bucket = int(900 + drift + chance.gauss(0, 30))
                histogram[bucket] = histogram.get(bucket, 0) + 1
            batches.append(Piece(10, 0, histogram))
        known = quantile_of([b.histogram for b in batches_of(batches, 1)], 0.5)
        assert known is not None
        t = critical(0.05, known.freedom)
        held += known.value - t * known.below <= 900 <= known.value + t * known.above
    assert held >= 270


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(10, 20)), min_size=2, max_size=30))
def test_an_error_is_never_less_than_chance_alone(parts: list[tuple[int, int]]) -> None:
    """Nor negative, nor no number."""
    total = sum(n for _, n in parts)
    share = sum(s for s, _ in parts) / total
    assert share_error(parts, share) >= (share * (1 - share) / total) ** 0.5 * 0.999


@pytest.mark.parametrize(
    ("chance", "freedom", "t"),
    [(0.05, 1, 12.706), (0.05, 10, 2.228), (0.01, 10, 3.169), (0.05, 30, 2.042), (0.001, 60, 3.460), (0.05, 1e6, 1.96)],
)
def test_students_t_is_the_tables(chance: float, freedom: float, t: float) -> None:
    """Both ways."""
    assert critical(chance, freedom) == pytest.approx(t, abs=0.002)
    assert two_sided(t, freedom) == pytest.approx(chance, rel=0.01)


@given(st.floats(1e-9, 1.0), st.floats(0.05, 1e6))
def test_the_t_of_a_chance_has_that_chance(chance: float, freedom: float) -> None:
    """There and back; where no t that is finite has it, the farthest one is told."""
    t = critical(chance, freedom)
    assert 0 <= t <= 2**30
    assert two_sided(t, freedom) == pytest.approx(chance, rel=1e-6) or (t == 2**30 and two_sided(t, freedom) > chance)


def test_without_a_degree_of_freedom_nothing_is_sure() -> None:
    """Whatever was seen may be chance."""
    assert critical(0.05, 0) == 2**30
    assert two_sided(1e6, 0) == 1.0


def test_welchs_freedom() -> None:
    """Equal variances add up; one that counts alone counts alone."""
    assert welch((1.0, 1.0), (9, 9)) == pytest.approx(18)
    assert welch((1.0, 0.0), (9, 99)) == pytest.approx(9)


def test_endpoints_without_end_are_counted_as_one() -> None:
    """Beyond the bound, under a name of their own; and pieces grow coarse rather than many."""
    from tidal.model.events import Block  # noqa: PLC0415 - of this test alone
    from tidal.model.stats import Tally  # noqa: PLC0415 - of this test alone

    pieces = Pieces([Phase("x", 0, 400_000, is_steady=True)], 0)
    for second in range(400):
        tallies = {("GET", f"/{(second * 7 + i) % 500}"): Tally() for i in range(60)}
        for tally in tallies.values():
            tally.add(1_000, 1, failed=False)
        pieces.add(Block(second, 1, tallies))
    row = pieces.row(pieces.phases[0], TOTAL)
    assert sum(piece.requests for piece in row) == 400 * 60
    assert sum(p.requests for p in pieces.by_key["x", OTHER].values()) > 0
    assert len(pieces._known) == 200


@given(st.integers(0, 40), st.sampled_from([1.0, 1.03, 1.3, 3.0]), st.sampled_from([0.0, 0.01, 0.2]))
@settings(max_examples=12, deadline=None)
def test_looked_at_from_the_other_side_a_difference_is_its_inverse(seed: int, slower: float, fails: float) -> None:
    """What is a regression from a to b is an improvement from b to a, by the same factor and as likely by chance."""
    a, b = run(seed), run(seed + 100, lambda key: slower, lambda key: fails)
    there, back = compare(a, b), compare(b, a)
    turned = {SLOWER: FASTER, FASTER: SLOWER}
    for one, other in zip(there.rows, back.rows, strict=True):
        assert (one.name, one.metric, one.a, one.b) == (other.name, other.metric, other.b, other.a)
        assert other.ratio == pytest.approx(-one.ratio if one.metric == "fail%" else 1 / one.ratio)
        assert other.chance == pytest.approx(one.chance)
        assert other.outcome == turned.get(one.outcome, one.outcome)
