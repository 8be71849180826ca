"""Locust's `locust.env`."""

from tidal.flow import RunnerAlreadyExistsError
from tidal.generator.environment import Environment

__all__ = ["Environment", "RunnerAlreadyExistsError"]
