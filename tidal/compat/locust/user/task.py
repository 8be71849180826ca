"""Locust's `locust.user.task`."""

import logging

from tidal.flow import RUNNING as LOCUST_STATE_RUNNING
from tidal.flow import STOPPING as LOCUST_STATE_STOPPING
from tidal.flow import WAITING as LOCUST_STATE_WAITING
from tidal.flow import (
    InterruptTaskSet,
    MissingWaitTimeError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from tidal.tasks import DefaultTaskSet, TaskHolder, TaskSet, TaskSetMeta, filter_tasks_by_tags, tag, task
from tidal.tasks import collect_tasks as get_tasks_from_base_classes

logger = logging.getLogger("locust.user.task")

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "DefaultTaskSet",
    "InterruptTaskSet",
    "MissingWaitTimeError",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "StopTest",
    "StopUser",
    "TaskHolder",
    "TaskSet",
    "TaskSetMeta",
    "filter_tasks_by_tags",
    "get_tasks_from_base_classes",
    "logger",
    "tag",
    "task",
]
