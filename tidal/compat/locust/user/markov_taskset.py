"""Locust's `locust.user.markov_taskset`."""

from tidal.flow import LocustError
from tidal.markov import (
    InvalidTransitionError,
    MarkovTaskSet,
    MarkovTaskSetMeta,
    MarkovTaskTagError,
    NoMarkovTasksError,
    NonMarkovTaskTransitionError,
    is_markov_task,
    transition,
    transitions,
)
from tidal.tasks import TaskSet, TaskSetMeta

__all__ = [
    "InvalidTransitionError",
    "LocustError",
    "MarkovTaskSet",
    "MarkovTaskSetMeta",
    "MarkovTaskTagError",
    "NoMarkovTasksError",
    "NonMarkovTaskTransitionError",
    "TaskSet",
    "TaskSetMeta",
    "is_markov_task",
    "transition",
    "transitions",
]
