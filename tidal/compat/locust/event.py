"""Locust's `locust.event`."""

from tidal.flow import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from tidal.hooks import EventHook, Events

__all__ = [
    "EventHook",
    "Events",
    "InterruptTaskSet",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "StopTest",
    "StopUser",
]
