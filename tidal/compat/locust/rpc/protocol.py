"""Locust's `locust.rpc.protocol`."""

from tidal.generator.messages import Message

__all__ = ["Message"]
