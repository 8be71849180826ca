"""Locust's `locust.user.inspectuser`: how often each task is picked, by class."""

from tidal.generator.ratios import get_ratio, print_task_ratio, print_task_ratio_json, task_ratio

__all__ = ["_get_task_ratio", "get_ratio", "print_task_ratio", "print_task_ratio_json"]

_get_task_ratio = task_ratio
