"""Where levels change and lines bend: what is planted is found, and in noise nothing is."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidal.model.changes import LEAST_POINTS, change_points, knee


def noisy(levels: list[tuple[float, int]], seed: int, sigma: float = 0.1, phi: float = 0.5) -> list[float]:
    """Levels with noise in which each point resembles the one before."""
    chance, drift, values = Random(seed), 0.0, []
    for level, count in levels:
        for _ in range(count):
            drift = phi * drift + chance.gauss(0, sigma)
            values.append(level + drift)
    return values


@pytest.mark.parametrize("seed", range(5))
def test_planted_changes_are_found_where_they_are(seed: int) -> None:
    """To within two points."""
    found = change_points(noisy([(1.0, 80), (2.0, 60), (1.4, 90)], seed), 0.05)
    assert len(found) == 2
    assert abs(found[0] - 80) <= 2
    assert abs(found[1] - 140) <= 2


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.7])
def test_noise_alone_has_no_change(phi: float) -> None:
    """In 200 series that resemble a load, at most one in twenty has one."""
    alarms = sum(bool(change_points(noisy([(1.0, 200)], seed, phi=phi), 0.05)) for seed in range(200))
    assert alarms <= 10


def test_a_spike_is_no_level() -> None:
    """What is shorter than a segment is told elsewhere."""
    values = [1.0] * 100
    values[50] = 1.3
    assert change_points(values, 0.05) == []


def test_the_still_series_has_a_least_noise() -> None:
    """A difference of a hundredth is none, although nothing else moves."""
    assert change_points([1.0] * 50 + [1.01] * 50, 0.05) == []
    assert change_points([1.0] * 50 + [2.0] * 50, 0.05) == [50]


@given(st.lists(st.floats(-5, 5), max_size=60))
def test_segments_are_never_shorter_than_the_least(values: list[float]) -> None:
    """Whatever comes in."""
    edges = [0, *change_points(values, 0.05), len(values)]
    if len(edges) > 2:
        assert min(b - a for a, b in pairwise(edges)) >= LEAST_POINTS


@example([0.0] * 6 + [5.0] * 2 + [0.0] * 4 + [5.0])
@given(st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=8, max_size=16))
def test_pruning_loses_nothing(values: list[float]) -> None:
    """PELT finds the same cost as looking at every segmentation does."""

    def cost(a: int, b: int) -> float:
        mean = sum(values[a:b]) / (b - a)
        return sum((v - mean) ** 2 for v in values[a:b])

    from math import log  # noqa: PLC0415 - of this test alone

    from tidal.model.changes import PENALTY, noise  # noqa: PLC0415 - of this test alone

    count = len(values)
    penalty = PENALTY * log(count) * max(noise(values), 0.5) ** 2
    best = [-penalty] + [float("inf")] * count
    for end in range(LEAST_POINTS, count + 1):
        best[end] = min(best[s] + cost(s, end) + penalty for s in range(end - LEAST_POINTS + 1))
    edges = [0, *change_points(values, 0.5), count]
    found = sum(cost(a, b) + penalty for a, b in pairwise(edges)) - penalty
    assert found <= best[count] + 1e-6


def test_the_knee_is_where_the_line_bends() -> None:
    """Two requests a second a user up to 50 users, and nothing more beyond."""
    chance = Random(1)
    points = [(float(u), min(100.0, 2.0 * u) + chance.gauss(0, 2)) for u in range(1, 101)]
    found = knee(points)
    assert found is not None
    assert abs(found.at - 50) <= 4
    assert found.slope_after < 0.2
    assert found.slope_before > 1.8


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)] * 20, [(float(x), 1.0) for x in range(4)]])
def test_too_little_for_two_lines(points: list[tuple[float, float]]) -> None:
    """No bend, and no error."""
    assert knee(points) is None
