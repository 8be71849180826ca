"""Locust's `locust.user.inspectuser`: how often each task is picked, by class."""

from tidal.generator.ratios import get_ratio, print_task_ratio, print_task_ratio_json, task_ratio
from tidal.tasks import TaskSet
from tidal.users import User

__all__ = ["TaskSet", "User", "_get_task_ratio", "get_ratio", "print_task_ratio", "print_task_ratio_json"]

_get_task_ratio = task_ratio
