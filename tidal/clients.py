"""What `self.client` is and what it gives, by names for annotations: a helper that takes a response can say so.

    from tidal.clients import Response

    def first_id(response: Response) -> int:
        return response.json()["items"][0]["id"]

`HttpSession` and `Response` are those of `HttpUser`, `FastHttpSession` and `FastResponse` those of `FastHttpUser`. They
are fetched on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidal.generator.fast_response import FastResponse
    from tidal.generator.fasthttp import FastHttpSession
    from tidal.generator.http import HttpSession
    from tidal.generator.http_response import ResponseContextManager as Response

__all__ = ["FastHttpSession", "FastResponse", "HttpSession", "Response"]

_HOMES = {
    "HttpSession": ("http", "HttpSession"),
    "Response": ("http_response", "ResponseContextManager"),
    "FastHttpSession": ("fasthttp", "FastHttpSession"),
    "FastResponse": ("fast_response", "FastResponse"),
}


def __getattr__(name: str) -> Any:
    """The class, from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tidal.clients' has no attribute {name!r}")
    module, own = _HOMES[name]
    return getattr(import_module(f"tidal.generator.{module}"), own)
