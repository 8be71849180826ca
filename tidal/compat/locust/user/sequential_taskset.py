"""Locust's `locust.user.sequential_taskset`."""

from tidal.flow import LocustError
from tidal.tasks import SequentialTaskSet, SequentialTaskSetMeta, TaskSet, TaskSetMeta

__all__ = [
    "LocustError",
    "SequentialTaskSet",
    "SequentialTaskSetMeta",
    "TaskSet",
    "TaskSetMeta",
]
