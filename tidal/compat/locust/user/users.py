"""Locust's `locust.user.users`."""

from importlib import import_module
from typing import Any

from tidal.tasks import DefaultTaskSet, TaskSet
from tidal.tasks import collect_tasks as get_tasks_from_base_classes
from tidal.users import HttpUser, User, UserMeta

__all__ = ["DefaultTaskSet", "HttpUser", "TaskSet", "User", "UserMeta", "get_tasks_from_base_classes"]


def __getattr__(name: str) -> Any:
    """`PytestUser`, which only files of that style need."""
    if name == "PytestUser":
        return import_module("tidal.generator.pytestfile").PytestUser
    raise AttributeError(f"tidal does not have locust.user.users.{name}")
