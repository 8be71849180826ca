"""Locust's `locust.util.timespan`."""

from tidal.options.kinds import parse_timespan

__all__ = ["parse_timespan"]
