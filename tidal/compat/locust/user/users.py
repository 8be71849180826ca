"""Locust's `locust.user.users`."""

from tidal.users import HttpUser, User, UserMeta

__all__ = ["HttpUser", "User", "UserMeta"]
