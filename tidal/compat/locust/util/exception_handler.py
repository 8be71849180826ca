"""Locust's `locust.util.exception_handler`."""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

logger = logging.getLogger("locust.util.exception_handler")


def retry(delays: Sequence[float] = (1, 3, 5), exception: type[Exception] = Exception) -> Callable[..., Any]:
    """Call a function again after each of these delays (s) while it raises; after the last one it may raise."""

    def decorate(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def retried(*arguments: Any, **named: Any) -> Any:
            for times, delay_s in enumerate(delays, 1):
                try:
                    return function(*arguments, **named)
                except exception:
                    logger.exception("Exception found on retry %d: -- retry after %ds", times, delay_s)
                    time.sleep(delay_s)
            return function(*arguments, **named)

        return retried

    return decorate
