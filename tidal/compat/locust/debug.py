"""Locust's `locust.debug`."""

from tidal.flow import CatchResponseError, RescheduleTask
from tidal.generator.environment import Environment
from tidal.generator.single import PrintListener, run_single_user

__all__ = [
    "CatchResponseError",
    "Environment",
    "PrintListener",
    "RescheduleTask",
    "run_single_user",
]
