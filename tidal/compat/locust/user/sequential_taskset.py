"""Locust's `locust.user.sequential_taskset`."""

from tidal.tasks import SequentialTaskSet, SequentialTaskSetMeta

__all__ = ["SequentialTaskSet", "SequentialTaskSetMeta"]
