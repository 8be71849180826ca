"""Figures in sentences, at the places where one form ends and the next begins; and what weighs how much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.findings import weight_of
from tidal.model.words import moment, part, plural, user_seconds


@pytest.mark.parametrize(
    ("plan_ms", "told"),
    [(-999, "0:00"), (-1_000, "-0:01"), (-3_852_000, "-1:04:12"), (0, "0:00"), (999, "0:00"), (59_999, "0:59"),
     (60_000, "1:00"), (252_999, "4:12"), (3_599_999, "59:59"), (3_600_000, "1:00:00")],
)  # fmt: skip
def test_a_moment(plan_ms: int, told: str) -> None:
    """Whole seconds that have passed, or are to pass until the start; hours only where there are some."""
    assert moment(plan_ms) == told


def test_a_count_and_its_noun() -> None:
    """One is one."""
    told = [plural(0, "user"), plural(1, "user"), plural(2_000, "user"), plural(1, "entry", "entries")]
    assert [*told, plural(2, "entry", "entries")] == ["0 users", "1 user", "2,000 users", "1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("user_ms", "told"),
    [(0, "0.0"), (49, "0.0"), (50, "0.1"), (9_949, "9.9"), (10_000, "10"), (10_499, "10"), (10_500, "11"),
     (1_234_000, "1,234")],
)  # fmt: skip
def test_an_amount_of_user_time(user_ms: int, told: str) -> None:
    """Tenths of a few, whole ones of many, rounded to the nearest."""
    assert user_seconds(user_ms) == f"{told} user-seconds"


@pytest.mark.parametrize(
    ("some", "whole", "told"),
    [(0, 0, "0.0 %"), (0, 9, "0.0 %"), (1, 3_000, "below 0.1 %"), (1, 2_000, "0.1 %"), (1, 3, "33.3 %"),
     (2, 3, "66.7 %"), (3, 3, "100.0 %"), (4, 2, "200.0 %")],
)  # fmt: skip
def test_a_share(some: int, whole: int, told: str) -> None:
    """To the nearest thousandth; what is not nothing is never told as nothing."""
    assert part(some, whole) == told


@pytest.mark.parametrize(
    ("off", "planned", "grace", "weight"),
    [(0, 0, 0, 0), (1, 0, 0, 2), (1, 1_000, 0, 0), (2, 1_000, 0, 1), (50, 1_000, 0, 1), (51, 1_000, 0, 2),
     (51, 1_000, 1, 1), (9, 1_000, 8, 0), (10, 1_000, 8, 1), (5, 1_000, 50, 0)],
)  # fmt: skip
def test_from_where_on_a_lack_weighs(off: int, planned: int, grace: int, weight: int) -> None:
    """More than a thousandth, more than a twentieth, beyond what is forgiven in any case."""
    assert weight_of(off, planned, grace) == weight


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_that_is_off_never_weighs_less(off: int, planned: int, grace: int, more: int) -> None:
    """Nor does a larger grace make it weigh more."""
    assert (
        weight_of(off + more, planned, grace) >= weight_of(off, planned, grace) >= weight_of(off, planned, grace + more)
    )
