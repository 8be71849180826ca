"""Where a series changes its level, and where a line bends: two known methods, nothing of our own.

`change_points` is PELT (Killick, Fearnhead, Eckley, JASA 107, 2012): the segmentation that minimises the squared
distance from each segment's mean plus a penalty a change, found exactly. `knee` is segmented regression: the two lines
that meet in one point and miss the data least (Quandt 1958; Muggeo 2003 names the uses).
"""

from __future__ import annotations

from itertools import pairwise
from math import log, sqrt
from statistics import median
from typing import TYPE_CHECKING

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

PENALTY = 4.0
"""Times ln n and the variance, a change. BIC has 2, for a variance that is known; here it is estimated: with this, at
most one even series in twenty has a change, also when its points resemble each other (a test counts)."""
LAG_POINTS, ALIKE_MAX = 5, 0.8
LEAST_POINTS = 4
"""Of a segment: what is shorter is a spike."""
MAD_TO_SIGMA = 1.4826
POINTS_OF_A_LINE = 4


def noise(values: Sequence[float]) -> float:
    """How much a mean of the points wanders, for each point in it: the square root of the long-run variance, robustly.

    The points of a load resemble the ones before, so their mean is less certain than the same number of independent
    ones'. How much they do is read from the typical step to the next point against the one over five.
    """
    near, far = _step(values, 1), _step(values, LAG_POINTS)
    if near >= far:
        return near
    alike = min(ALIKE_MAX, 1 - (near / far) ** 2)
    return far * sqrt((1 + alike) / (1 - alike))


def _step(values: Sequence[float], lag: int) -> float:
    """The standard deviation that steps over so many points speak of, from their median."""
    steps = [abs(b - a) for a, b in zip(values, values[lag:], strict=False)]
    return MAD_TO_SIGMA * median(steps) / sqrt(2) if steps else 0.0


def burstiness(values: Sequence[float]) -> float:
    """The same from the mean square of the steps: bursts that come and go count, where `noise` takes them for none."""
    steps = [(b - a) ** 2 for a, b in pairwise(values)]
    return sqrt(sum(steps) / len(steps) / 2) if steps else 0.0


def change_points(values: Sequence[float], least_noise: float) -> list[int]:
    """The indexes at which a new level begins; none when there is one level.

    `least_noise`: smaller differences than this are none, however still the series is.
    """
    count = len(values)
    if count < 2 * LEAST_POINTS:
        return []
    penalty = PENALTY * log(count) * max(noise(values), least_noise) ** 2
    sums, squares = [0.0], [0.0]
    for value in values:
        sums.append(sums[-1] + value)
        squares.append(squares[-1] + value * value)

    def cost(start: int, end: int) -> float:
        total = sums[end] - sums[start]
        return squares[end] - squares[start] - total * total / (end - start)

    best, before = [-penalty] + [0.0] * count, [0] * (count + 1)
    candidates = [0]
    for end in range(LEAST_POINTS, count + 1):
        costs = [(best[start] + cost(start, end), start) for start in candidates]
        found, before[end] = min(costs)
        best[end] = found + penalty
        gone = end + 1 - LEAST_POINTS
        if gone >= LEAST_POINTS:
            candidates.append(gone)
            # PELT's pruning: a change at `gone` beats one at `start` for whatever ends a segment's length after it
            candidates = [s for s in candidates if gone - s < LEAST_POINTS or best[s] + cost(s, gone) <= best[gone]]
    return _walked_back(before, count)


def _walked_back(before: Sequence[int], end: int) -> list[int]:
    changes = []
    while end > 0:
        end = before[end]
        if end > 0:
            changes.append(end)
    return changes[::-1]


class Knee(Struct, frozen=True):
    """Where a rising line bends.

    Attributes:
        at: the x of the bend.
        slope_before, slope_after: of the two lines.
        height: the y of the bend.
    """

    at: float
    height: float
    slope_before: float
    slope_after: float


def knee(points: Sequence[tuple[float, float]]) -> Knee | None:
    """The bend that explains the points best; None when there are too few to draw two lines."""
    points = sorted(points)
    xs = sorted({x for x, _ in points})
    if len(points) < 2 * POINTS_OF_A_LINE or len(xs) < 4:
        return None
    found = [fit for x in xs[1:-1] if (fit := _fit(points, x)) is not None]
    return min(found, key=lambda fit: fit[0])[1] if found else None


def _fit(points: Sequence[tuple[float, float]], at: float) -> tuple[float, Knee] | None:
    """Least squares of y = a + b·x + c·max(0, x - at): what is missed, and the bend."""
    if sum(x <= at for x, _ in points) < POINTS_OF_A_LINE or sum(x > at for x, _ in points) < POINTS_OF_A_LINE:
        return None
    rows = [((1.0, x - at, max(0.0, x - at)), y) for x, y in points]
    matrix = [[sum(u[i] * u[j] for u, _ in rows) for j in range(3)] for i in range(3)]
    right = [sum(u[i] * y for u, y in rows) for i in range(3)]
    solved = _solved(matrix, right)
    if solved is None:
        return None
    missed = sum((y - sum(c * u for c, u in zip(solved, us, strict=True))) ** 2 for us, y in rows)
    return missed, Knee(at, solved[0], solved[1], solved[1] + solved[2])


def _solved(matrix: list[list[float]], right: list[float]) -> tuple[float, float, float] | None:
    """The solution of three equations, by Cramer's rule; None when they say too little."""
    whole = _determinant(matrix)
    if abs(whole) < 1e-9:
        return None
    parts = []
    for column in range(3):
        replaced = [[right[i] if j == column else matrix[i][j] for j in range(3)] for i in range(3)]
        parts.append(_determinant(replaced) / whole)
    return parts[0], parts[1], parts[2]


def _determinant(m: list[list[float]]) -> float:
    return (
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )
