"""Locust's `locust.clients`."""

from tidal.generator.http import Adapter as LocustHttpAdapter
from tidal.generator.http import HttpSession, ResponseContextManager, RestResponseContextManager

__all__ = ["HttpSession", "LocustHttpAdapter", "ResponseContextManager", "RestResponseContextManager"]
