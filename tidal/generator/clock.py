"""Redis time in a generator: this machine's monotonic clock plus the offset that the agent measured.

The agent slews the offset, so it creeps; time here never runs backwards for that. A jump of more than a second is a
server with another clock, and is followed. Each `SetClock` is the agent's sign of life too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 2.0
"""The lease's TTL: who has not heard from its agent for so long must take its users for moved."""
JUMP_US = 1_000_000


class RedisClock:
    """Now, in Redis time.

    Args:
        monotonic_ns: the machine's clock.
    """

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._offset_us: int | None = None
        self._heard_ns = 0
        self._latest_us = 0

    def __repr__(self) -> str:
        return f"<RedisClock offset {self._offset_us} us, heard {self.silence_s():.1f} s ago>"

    @property
    def is_set(self) -> bool:
        """Whether the agent has ever said what time it is."""
        return self._offset_us is not None

    def set(self, offset_us: int) -> None:
        """Take in a `SetClock`."""
        if self._offset_us is not None and abs(offset_us - self._offset_us) > JUMP_US:
            self._latest_us = 0
        self._offset_us = offset_us
        self._heard_ns = self._monotonic_ns()

    def silence_s(self) -> float:
        """Seconds since the last `SetClock`."""
        return (self._monotonic_ns() - self._heard_ns) / 1e9

    def now_us(self) -> int:
        """Redis time in µs."""
        now_us = self._monotonic_ns() // 1000 + (self._offset_us or 0)
        if now_us > self._latest_us:  # noqa: PLR1730 - called for each request: `max` costs twice that
            self._latest_us = now_us
        return self._latest_us

    def now_ms(self) -> int:
        """Redis time in ms."""
        return self.now_us() // 1000
