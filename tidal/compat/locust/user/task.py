"""Locust's `locust.user.task`."""

from tidal.tasks import RUNNING as LOCUST_STATE_RUNNING
from tidal.tasks import STOPPING as LOCUST_STATE_STOPPING
from tidal.tasks import WAITING as LOCUST_STATE_WAITING
from tidal.tasks import DefaultTaskSet, TaskSet, TaskSetMeta, tag, task

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "DefaultTaskSet",
    "TaskSet",
    "TaskSetMeta",
    "tag",
    "task",
]
