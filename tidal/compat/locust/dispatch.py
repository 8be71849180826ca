"""Locust's `locust.dispatch`: it serves runners in a script's own process; a run's plan needs none."""

from tidal.generator.dispatch import UsersDispatcher

__all__ = ["UsersDispatcher"]
