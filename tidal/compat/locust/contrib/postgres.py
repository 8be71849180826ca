"""Locust's `locust.contrib.postgres`."""

from tidal.contrib.postgres import PostgresClient, PostgresUser
from tidal.hooks import events
from tidal.users import User

__all__ = [
    "PostgresClient",
    "PostgresUser",
    "User",
    "events",
]
