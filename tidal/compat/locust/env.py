"""Locust's `locust.env`."""

from tidal.generator.environment import Environment

__all__ = ["Environment"]
