"""Time series of bounded size that fold in any order.

Points cover a step of whole seconds of Redis time, aligned to multiples of the step. When the span outgrows
`POINTS_MAX` the step doubles and neighbours are added together. The step follows from the first and last second alone
and adding is commutative, so any order of the same additions ends in the same series. Memory is flat in the length of
the run; what it costs is detail: 1 s up to ten minutes, then 2 s up to twenty, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tidal.model.stats import Histogram, merge_histogram

POINTS_MAX = 600


@dataclass(slots=True)
class Point:
    """What is added up for one step."""

    requests: int = 0
    failures: int = 0
    user_ms: int = 0
    histogram: Histogram = field(default_factory=dict)

    def merge(self, other: Point) -> None:
        """Add another point to this one."""
        self.requests += other.requests
        self.failures += other.failures
        self.user_ms += other.user_ms
        merge_histogram(self.histogram, other.histogram)


@dataclass(slots=True)
class Series:
    """Points by index (second // step)."""

    step_s: int = 1
    points: dict[int, Point] = field(default_factory=dict)
    first_s: int | None = None
    last_s: int | None = None

    def at(self, second: int) -> Point:
        """The point that covers a second, made when it is not there."""
        self.first_s = second if self.first_s is None else min(self.first_s, second)
        self.last_s = second if self.last_s is None else max(self.last_s, second)
        while self.last_s // self.step_s - self.first_s // self.step_s >= POINTS_MAX:
            self._coarsen()
        return self.points.setdefault(second // self.step_s, Point())

    def _coarsen(self) -> None:
        self.step_s *= 2
        points: dict[int, Point] = {}
        for index, point in sorted(self.points.items()):
            if index // 2 in points:
                points[index // 2].merge(point)
            else:
                points[index // 2] = point
        self.points = points
