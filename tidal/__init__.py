"""tidal: an event-sourced load tester for the terminal, coordinated by Redis Streams.

A locustfile writes `from tidal import HttpUser, between, task` (or `from locust import …`: the same things).
Everything here is fetched on first use (PEP 562), so that `import tidal` alone brings neither gevent nor requests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidal.fastuser import FastHttpUser
    from tidal.feeds import Feed, feed
    from tidal.flow import (
        FeedExhausted,
        InterruptTaskSet,
        RescheduleTask,
        RescheduleTaskImmediately,
        StopTest,
        StopUser,
    )
    from tidal.generator.environment import Environment
    from tidal.generator.failed import redact
    from tidal.hooks import EventHook, Events, events
    from tidal.markov import MarkovTaskSet, transition, transitions
    from tidal.measuring import metrics, transaction
    from tidal.planfile import plan
    from tidal.shape import Arrivals, LoadTestShape
    from tidal.tasks import SequentialTaskSet, TaskSet, tag, task
    from tidal.users import HttpUser, User
    from tidal.waits import between, constant, constant_pacing, constant_throughput, poisson

__version__ = "0.1.0"

_HOMES = {
    # users and their tasks
    "User": "users",
    "HttpUser": "users",
    "FastHttpUser": "fastuser",
    "TaskSet": "tasks",
    "SequentialTaskSet": "tasks",
    "task": "tasks",
    "tag": "tasks",
    "MarkovTaskSet": "markov",
    "transition": "markov",
    "transitions": "markov",
    # how many users, decided once a second
    "LoadTestShape": "shape",
    "Arrivals": "shape",
    # how much load, as stages
    "plan": "planfile",
    # test data
    "Feed": "feeds",
    "FeedExhausted": "flow",
    "feed": "feeds",
    # what is measured beside requests
    "metrics": "measuring",
    "redact": "generator.failed",
    "transaction": "measuring",
    # waits between tasks
    "between": "waits",
    "constant": "waits",
    "constant_pacing": "waits",
    "constant_throughput": "waits",
    "poisson": "waits",
    # hooks
    "EventHook": "hooks",
    "Events": "hooks",
    "Environment": "generator.environment",
    "events": "hooks",
    # what a task raises to steer its user
    "InterruptTaskSet": "flow",
    "RescheduleTask": "flow",
    "RescheduleTaskImmediately": "flow",
    "StopTest": "flow",
    "StopUser": "flow",
}
"""Where each public name lives."""

__all__ = [
    "Arrivals",
    "Environment",
    "EventHook",
    "Events",
    "FastHttpUser",
    "Feed",
    "FeedExhausted",
    "HttpUser",
    "InterruptTaskSet",
    "LoadTestShape",
    "MarkovTaskSet",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "SequentialTaskSet",
    "StopTest",
    "StopUser",
    "TaskSet",
    "User",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "feed",
    "metrics",
    "plan",
    "poisson",
    "redact",
    "tag",
    "task",
    "transaction",
    "transition",
    "transitions",
]


def __getattr__(name: str) -> Any:
    """The public name, from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tidal' has no attribute {name!r}")
    return getattr(import_module(f"tidal.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """What is here, fetched or not."""
    return sorted([*globals(), *_HOMES])
