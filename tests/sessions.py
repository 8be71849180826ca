"""Sessions of `FastHttpUser` whose samples are noted, for the tests of both clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gevent

from tidal.generator.fasthttp import FastHttpSession
from tidal.hooks import EventHook

if TYPE_CHECKING:
    from collections.abc import Callable


def noting(samples: list[dict[str, Any]]) -> EventHook:
    """A hook `request` that puts down what it is told."""
    hook = EventHook("request")
    hook.add_listener(lambda **meta: samples.append(meta))
    return hook


def fast(samples: list[dict[str, Any]], base_url: str, **kwargs: Any) -> FastHttpSession:
    """A session of `FastHttpUser`."""
    settings = {"max_redirects": 30, "max_retries": 0, "network_timeout": 5.0, "connection_timeout": 5.0}
    return FastHttpSession(base_url, noting(samples), None, **(settings | kwargs))


def texts(samples: list[dict[str, Any]]) -> list[str]:
    """The failures as they are grouped."""
    return [repr(sample["exception"]) for sample in samples]


def turn_until(condition: Callable[[], object]) -> None:
    """Let the loop run until something holds."""
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        gevent.idle()
