"""Locust's `locust.wait_time`."""

from tidal.waits import between, constant, constant_pacing, constant_throughput, poisson

__all__ = ["between", "constant", "constant_pacing", "constant_throughput", "poisson"]
