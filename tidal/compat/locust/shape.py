"""Locust's `locust.shape`."""

from tidal.shape import LoadTestShape, LoadTestShapeMeta

__all__ = ["LoadTestShape", "LoadTestShapeMeta"]
