"""Locust's `locust.contrib.dns`."""

from tidal.contrib.dns import DNSClient, DNSUser
from tidal.flow import LocustError
from tidal.users import User

__all__ = [
    "DNSClient",
    "DNSUser",
    "LocustError",
    "User",
]
