"""Locust's `locust.util.cache`."""

import functools
import time
from collections.abc import Callable
from typing import Any


def memoize(timeout: float, dynamic_timeout: bool = False) -> Callable[[Callable[..., Any]], Any]:  # noqa: FBT001, FBT002 - Locust's
    """Keep what a function returned for `timeout` seconds, whatever it is called with.

    With `dynamic_timeout` the time doubles whenever the function itself took longer than that.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        kept: list[Any] = []  # the result and when it was made, once there is one
        limit_s = [timeout]

        @functools.wraps(function)
        def memoized(*arguments: Any, **named: Any) -> Any:
            began_s = time.time()
            if not kept or began_s - kept[1] > limit_s[0]:
                kept[:] = [function(*arguments, **named), time.time()]
                if dynamic_timeout and kept[1] - began_s > limit_s[0]:
                    limit_s[0] *= 2
            return kept[0]

        memoized.clear_cache = kept.clear  # type: ignore[attr-defined]
        return memoized

    return decorate
