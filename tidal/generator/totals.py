"""What was measured in this process since it began, endpoint by endpoint: the source of a library user's statistics.

A generator's numbers come from its recorder instead, which hands them on; here nobody takes them away.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tidal.generator.recorder import (
    ENDPOINTS_MAX,
    FAILURES_MAX,
    NAME_MAX,
    failure_text,
    tidy,
    whole_bytes,
    whole_us,
)
from tidal.model.events import FailureTally
from tidal.model.stats import Tally
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable

RECENT_S = 30
"""Seconds that `recent` goes back."""


class Totals:
    """Sums since the last reset.

    Args:
        now_s: Unix time.

    Attributes:
        endpoints: by (method, name).
        failures: by (method, name, error).
        recent: requests and failures of each of the last seconds.
        spans: first and last second of an endpoint's samples.
        version: rises with every change.
    """

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self.version = 0
        self.reset()

    def __repr__(self) -> str:
        return f"<Totals of {len(self.endpoints)} endpoints>"

    def reset(self) -> None:
        """Forget everything."""
        self.version += 1
        self.endpoints: dict[tuple[str, str], Tally] = {}
        self.failures: dict[tuple[str, str, str], FailureTally] = {}
        self.recent: dict[int, tuple[int, int]] = {}
        self.spans: dict[tuple[str, str], tuple[int, int]] = {}

    def log_request(self, method: Any, name: Any, response_time: float | None, length: int | None) -> None:
        """Count one finished request (ms, bytes)."""
        key, second = self._endpoint(method, name), int(self._now_s())
        self.version += 1
        self.endpoints[key].add(whole_us(response_time), whole_bytes(length), failed=False)
        self.spans[key] = (self.spans.get(key, (second, second))[0], second)
        self._count(second, 1, 0)

    def log_error(self, method: Any, name: Any, error: Any) -> None:
        """Count one of the requests as failed."""
        key, now_ms = self._endpoint(method, name), int(self._now_s() * 1000)
        self.version += 1
        tally = self.endpoints[key]
        tally.failures += 1
        text = failure_text(error)
        if (*key, text) not in self.failures and len(self.failures) >= FAILURES_MAX:
            text = OTHER
        failure = self.failures.setdefault((*key, text), FailureTally(*key, text, 0, now_ms, now_ms))
        failure.occurrences += 1
        failure.last_ms = now_ms
        self._count(now_ms // 1000, 0, 1)

    def _endpoint(self, method: Any, name: Any) -> tuple[str, str]:
        key = (tidy(method, NAME_MAX), tidy(name, NAME_MAX))
        if key not in self.endpoints and len(self.endpoints) >= ENDPOINTS_MAX:
            key = ("", OTHER)
        self.endpoints.setdefault(key, Tally())
        return key

    def _count(self, second: int, requests: int, failures: int) -> None:
        if second not in self.recent:
            for old in [s for s in self.recent if s < second - RECENT_S]:
                del self.recent[old]
        before = self.recent.get(second, (0, 0))
        self.recent[second] = (before[0] + requests, before[1] + failures)
