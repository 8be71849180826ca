"""Locust's `locust.event`."""

from tidal.hooks import EventHook, Events

__all__ = ["EventHook", "Events"]
