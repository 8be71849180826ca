"""Locust's `locust.contrib.socketio`."""

from tidal.contrib.socketio import SocketIOClient, SocketIOUser
from tidal.hooks import EventHook
from tidal.users import User

__all__ = [
    "EventHook",
    "SocketIOClient",
    "SocketIOUser",
    "User",
]
