"""Locust's `locust.contrib.socketio`."""

from tidal.contrib.socketio import SocketIOClient, SocketIOUser

__all__ = ["SocketIOClient", "SocketIOUser"]
