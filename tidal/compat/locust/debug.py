"""Locust's `locust.debug`."""

from tidal.generator.single import PrintListener, run_single_user

__all__ = ["PrintListener", "run_single_user"]
