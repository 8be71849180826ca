"""Locust's `locust.rpc`: messages; there is no transport of Locust's here."""

from .protocol import Message

__all__ = ["Message"]
