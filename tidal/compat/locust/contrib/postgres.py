"""Locust's `locust.contrib.postgres`."""

from tidal.contrib.postgres import PostgresClient, PostgresUser

__all__ = ["PostgresClient", "PostgresUser"]
