from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from draws import RECORDED, VALUE, metric_of
from hypothesis import given, settings
from hypothesis import strategies as st
from measured_sums import total_of

from tidal.model.codec import pack, unpack
from tidal.model.metrics import (
    BUCKET_MAX,
    KINDS,
    PARTS,
    TOTAL_MAX,
    VALUE_MAX,
    Metric,
    parts_of,
    trend_bucket,
    trend_middle,
    value_of,
)

KIND = st.sampled_from(sorted(KINDS))


@settings(deadline=None)
@given(KIND, st.lists(RECORDED, max_size=5), st.randoms(use_true_random=False))
def test_the_merged_parts_are_the_whole_whatever_their_order(
    kind: str, parts: list[list[tuple[float, int]]], chance: Any
) -> None:
    """Associative and commutative, to the last digit: however the values were spread over workers and reports."""
    whole = metric_of(kind, [value for part in parts for value in part])
    made = [metric_of(kind, part) for part in parts]
    chance.shuffle(made)
    while len(made) > 1:
        at = chance.randrange(len(made) - 1)
        made[at].merge(made.pop(at + 1))
    assert total_of(made) == whole


@given(KIND, RECORDED)
def test_it_survives_the_wire(kind: str, recorded: list[tuple[float, int]]) -> None:
    """As msgpack carries it."""
    metric = metric_of(kind, recorded)
    assert Metric.from_wire(unpack(pack(metric.to_wire()))) == metric


def test_a_sum_of_floats_knows_no_order() -> None:
    """While (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3)."""
    one, two = (
        metric_of("counter", [(0.1, 0), (0.2, 0), (0.3, 0)]),
        metric_of("counter", [(0.3, 0), (0.2, 0), (0.1, 0)]),
    )
    assert one == two
    assert value_of(one.total) == 0.6


@settings(deadline=None)
@given(st.lists(VALUE, min_size=1, max_size=60), st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.95, 1.0]))
def test_a_trends_percentile_is_within_half_a_per_cent(values: list[float], quantile: float) -> None:
    """Of the nearest-rank truth, on either side of zero, whatever the unit; a billionth is rounded."""
    metric = metric_of("trend", [(value, 0) for value in values])
    exact = sorted(map(parts_of, values))
    truth = exact[max(1, ceil(quantile * len(exact) - 1e-9)) - 1]
    (found,) = metric.percentiles(quantile)
    assert abs(found - truth) <= abs(truth) * 0.005 + 1


@given(st.integers(-VALUE_MAX * PARTS, VALUE_MAX * PARTS))
def test_buckets_rise_with_the_values(parts: int) -> None:
    """And a mirrored value lies in the mirrored one."""
    assert trend_bucket(-parts) == -trend_bucket(parts)
    assert abs(trend_bucket(parts)) <= BUCKET_MAX
    assert abs(trend_middle(trend_bucket(parts)) - parts) <= abs(parts) * 0.005 + 1


def test_of_a_gauge_the_latest_counts() -> None:
    """By the moment and not by who is merged last; of two at one moment the greater."""
    early, late, same = (metric_of("gauge", [pair]) for pair in [(9, 10), (-4, 20), (-3, 20)])
    assert (total_of([late, early]).last, total_of([early, late]).last) == (-4 * PARTS, -4 * PARTS)
    assert total_of([same, late]).last == total_of([late, same]).last == -3 * PARTS
    assert (total_of([late, early]).low, total_of([late, early]).high) == (-4 * PARTS, 9 * PARTS)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (True, PARTS),
        (2, 2 * PARTS),
        (0.5, PARTS // 2),
        (-1.25, -5 * PARTS // 4),
        (Decimal("0.1"), PARTS // 10),
        (Fraction(1, 3), 333_333_333),
        (1e-10, 0),
        (VALUE_MAX, VALUE_MAX * PARTS),
    ],
    ids=str,
)
def test_values_are_whole_billionths(value: Any, parts: int) -> None:
    """Of every kind of number that Python has."""
    assert parts_of(value) == parts


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 1e300, 10**400, -VALUE_MAX - 1, Decimal("inf")]
)
def test_what_is_beyond_all_numbers_is_refused(value: Any) -> None:
    """Where it is recorded, in words: afterwards it would be in every sum."""
    with pytest.raises(ValueError, match="counted"):
        parts_of(value)


@pytest.mark.parametrize("value", ["3", b"3", None, [], 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    """Text that looks like one as well."""
    with pytest.raises(TypeError, match="is no number"):
        parts_of(value)


def test_a_sum_stops_where_the_wire_ends() -> None:
    """A worker that says nonsense cannot make a state that cannot be stored."""
    most = Metric(1, TOTAL_MAX, 0, 0)
    most.merge(most.copy())
    assert most.total == TOTAL_MAX
    assert Metric.from_wire(most.to_wire()).total == TOTAL_MAX


GOOD: list[Any] = [3, [6, 0], [1, 0], [3, 0], 0, [0, 0], 2_084, b"\x00\x45\x29", b"\x01\x01\x01"]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, -1), (0, 2), (0, 1.0), (0, True), (0, 1 << 63), (1, [6]), (1, [0, -1]), (1, [0, PARTS]), (1, [1 << 62, 1]),
        (1, [-(1 << 63), 0]), (1, 6), (2, [4, 0]), (4, -1), (5, [0.0, 0]), (6, -BUCKET_MAX - 1), (6, BUCKET_MAX),
        (6, None), (7, b"\x00\x45"), (7, b"\x00\x45\x00"), (7, [0, -1, 2]), (8, b"\x01\x01"),
        (8, b"\x01\x00\x02"), (8, "x"),
    ],
)  # fmt: skip
def test_what_nobody_can_have_counted_is_refused(place: int, wrong: Any) -> None:
    """Whatever a hostile worker writes."""
    assert Metric.from_wire(GOOD).count == 3
    with pytest.raises(ValueError, match=r"\w"):
        Metric.from_wire([*GOOD[:place], wrong, *GOOD[place + 1 :]])


@pytest.mark.parametrize("wire", [None, [], GOOD[:8], [*GOOD, 0], {"count": 1}])
def test_a_metric_of_another_shape_is_refused(wire: Any) -> None:
    """Nine columns."""
    with pytest.raises(ValueError, match="nine"):
        Metric.from_wire(wire)
