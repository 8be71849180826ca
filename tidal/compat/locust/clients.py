"""Locust's `locust.clients`."""

from tidal.compat.urls import absolute_http_url_regexp
from tidal.flow import CatchResponseError, LocustError, ResponseError
from tidal.generator.http import Adapter as LocustHttpAdapter
from tidal.generator.http import HttpSession, ResponseContextManager, RestResponseContextManager
from tidal.hooks import EventHook

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
