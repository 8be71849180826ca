"""Locust's `locust.user`."""

from tidal.tasks import TaskSet, tag, task
from tidal.users import HttpUser, User

from . import wait_time

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task", "wait_time"]
