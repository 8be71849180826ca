"""Locust's `locust.contrib.dns`."""

from tidal.contrib.dns import DNSClient, DNSUser

__all__ = ["DNSClient", "DNSUser"]
