"""Locust's `locust.user.markov_taskset`."""

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

__all__ = [
    "InvalidTransitionError",
    "MarkovTaskSet",
    "MarkovTaskSetMeta",
    "MarkovTaskTagError",
    "NoMarkovTasksError",
    "NonMarkovTaskTransitionError",
    "is_markov_task",
    "transition",
    "transitions",
]
