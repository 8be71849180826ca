"""gevent's patch of the standard library."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from gevent import monkey


def patch() -> None:
    """Make the standard library cooperative, once; LOCUST_SKIP_MONKEY_PATCH in the environment prevents it.

    For scripts that run users in their own process.
    """
    if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH") and not monkey.is_module_patched("socket"):
        patch_all()
        from tidal.generator.scopes import watch_sleeping  # noqa: PLC0415 - what it imports is to be patched

        watch_sleeping()


def patch_all() -> None:
    """What `gevent.monkey.patch_all` does, its plugins looked up once.

    It asks 25 times which there are, and each time the files of every installed package are read: 100 ms where there
    are a hundred (docs/decisions/0069).
    """
    ask, found = metadata.entry_points, metadata.entry_points()

    def answer(**wanted: Any) -> Any:
        return found.select(**wanted)

    metadata.entry_points = answer
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = ask
