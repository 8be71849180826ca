"""Locust's public names, as tidal has them. A name that is not here is not supported.

What is heavy (clients, statistics, the argument parser) is fetched when it is first asked for.
"""

import logging.config  # noqa: F401 - plugins use it without an import of their own: Locust has done it for them
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tidal.hooks import Events, events
from tidal.markov import MarkovTaskSet, transition, transitions
from tidal.shape import LoadTestShape
from tidal.tasks import SequentialTaskSet, TaskSet, tag, task
from tidal.users import HttpUser, User
from tidal.waits import between, constant, constant_pacing, constant_throughput, poisson

from . import event, exception, shape, user
from .user import wait_time
from .util.deprecation import DeprecatedHttpLocustClass as HttpLocust
from .util.deprecation import DeprecatedLocustClass as Locust

if TYPE_CHECKING:
    from tidal.fastuser import FastHttpUser
    from tidal.generator.single import run_single_user

__version__ = "2.47.0"
"""The version of Locust whose meaning this follows."""

__all__ = [
    "Events",
    "FastHttpUser",
    "HttpLocust",
    "HttpUser",
    "LoadTestShape",
    "Locust",
    "MarkovTaskSet",
    "SequentialTaskSet",
    "TaskSet",
    "User",
    "__version__",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "event",
    "events",
    "exception",
    "poisson",
    "run_single_user",
    "shape",
    "tag",
    "task",
    "transition",
    "transitions",
    "user",
    "wait_time",
]

_LATE = {"FastHttpUser": "tidal.fastuser", "run_single_user": "tidal.generator.single"}


if not TYPE_CHECKING:  # for a checker, a name that nobody declared is a mistake

    def __getattr__(name: str) -> Any:
        """A name that is fetched late, or one of Locust's modules, which need no import of their own."""
        if name in _LATE:
            return getattr(import_module(_LATE[name]), name)
        if not name.startswith("_") and _is_module(f"{__name__}.{name}"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"tidal does not have locust.{name}")


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # tidal's finder names what is not there
        return False
