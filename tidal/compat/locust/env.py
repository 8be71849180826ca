"""Locust's `locust.env`."""

from tidal.flow import RunnerAlreadyExistsError
from tidal.generator.dispatch import UsersDispatcher
from tidal.generator.environment import Environment
from tidal.generator.local import LocalRunner
from tidal.generator.runners import MasterRunner, Runner, WorkerRunner
from tidal.generator.stats_view import RequestStats
from tidal.hooks import Events
from tidal.shape import LoadTestShape
from tidal.tasks import TaskHolder, TaskSet, filter_tasks_by_tags
from tidal.users import User

__all__ = [
    "Environment",
    "Events",
    "LoadTestShape",
    "LocalRunner",
    "MasterRunner",
    "RequestStats",
    "Runner",
    "RunnerAlreadyExistsError",
    "TaskHolder",
    "TaskSet",
    "User",
    "UsersDispatcher",
    "WorkerRunner",
    "filter_tasks_by_tags",
]
