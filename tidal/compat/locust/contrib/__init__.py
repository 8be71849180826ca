"""Locust's `locust.contrib`."""
