"""gevent's patch of the standard library, for scripts that run users in their own process."""

from __future__ import annotations

import os

from gevent import monkey


def patch() -> None:
    """Make the standard library cooperative, once; LOCUST_SKIP_MONKEY_PATCH in the environment prevents it."""
    if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH") and not monkey.is_module_patched("socket"):
        monkey.patch_all()
        from tidal.generator.scopes import watch_sleeping  # noqa: PLC0415 - what it imports is to be patched

        watch_sleeping()
