"""Locust's `locust.clients`."""

from tidal.generator.http import Adapter as LocustHttpAdapter
from tidal.generator.http import HttpSession, ResponseContextManager

__all__ = ["HttpSession", "LocustHttpAdapter", "ResponseContextManager"]
