"""Locust's public names, as tidal has them. A name that is not here is not supported."""

from importlib import import_module
from typing import Any

from tidal.hooks import Events, events
from tidal.tasks import SequentialTaskSet, TaskSet, tag, task
from tidal.users import HttpUser, User
from tidal.waits import between, constant, constant_pacing, constant_throughput, poisson

from . import env, event, exception, runners, user, wait_time

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
    "env",
    "event",
    "events",
    "exception",
    "poisson",
    "runners",
    "tag",
    "task",
    "user",
    "wait_time",
]


def __getattr__(name: str) -> Any:
    """`locust.clients` without an import of its own, as Locust has it; fetched late, for it brings requests."""
    if name == "clients":
        return import_module(f"{__name__}.clients")
    raise AttributeError(f"tidal does not have locust.{name}")
