"""Locust's public names, as tidal has them. A name that is not here is not supported."""

from tidal.hooks import Events, events
from tidal.tasks import SequentialTaskSet, TaskSet, tag, task
from tidal.users import HttpUser, User
from tidal.waits import between, constant, constant_pacing, constant_throughput, poisson

__version__ = "2.47.0"
"""The version of Locust whose meaning this follows."""

__all__ = [
    "Events",
    "HttpUser",
    "SequentialTaskSet",
    "TaskSet",
    "User",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "poisson",
    "tag",
    "task",
]
