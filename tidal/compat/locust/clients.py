"""Locust's `locust.clients`."""

import re

from tidal.flow import CatchResponseError, LocustError, ResponseError
from tidal.generator.http import Adapter as LocustHttpAdapter
from tidal.generator.http import HttpSession, ResponseContextManager, RestResponseContextManager
from tidal.hooks import EventHook

absolute_http_url_regexp = re.compile(r"^https?://", re.IGNORECASE)

__all__ = [
    "CatchResponseError",
    "EventHook",
    "HttpSession",
    "LocustError",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "ResponseError",
    "RestResponseContextManager",
    "absolute_http_url_regexp",
]
