"""Locust's `locust.user.users`."""

import logging
from importlib import import_module
from typing import Any

from tidal.flow import RUNNING as LOCUST_STATE_RUNNING
from tidal.flow import STOPPING as LOCUST_STATE_STOPPING
from tidal.flow import WAITING as LOCUST_STATE_WAITING
from tidal.flow import CatchResponseError, StopTest, StopUser
from tidal.rest import RestMixin
from tidal.tasks import DefaultTaskSet, TaskSet
from tidal.tasks import collect_tasks as get_tasks_from_base_classes
from tidal.users import HttpUser, User, UserMeta
from tidal.waits import constant

logger = logging.getLogger("locust.user.users")

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "CatchResponseError",
    "DefaultTaskSet",
    "HttpUser",
    "RestMixin",
    "StopTest",
    "StopUser",
    "TaskSet",
    "User",
    "UserMeta",
    "constant",
    "get_tasks_from_base_classes",
    "logger",
]

_LATE = {
    "HttpSession": "tidal.generator.http",
    "PytestUser": "tidal.generator.pytestfile",
    "RestResponseContextManager": "tidal.generator.http",
}


def __getattr__(name: str) -> Any:
    """What is heavy, and only some files need."""
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"tidal does not have locust.user.users.{name}")
