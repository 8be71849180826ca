"""Redis time on a machine that has only its own monotonic clock.

Each exchange with Redis gives a bound: the server's time lies between our sending and our receiving. The exchange with
the least round trip of the last ones bounds it best (Cristian, 1989). The estimate is slewed, not stepped, so that
plan time never runs backwards; a jump beyond a second (a failover to a server with another clock) is stepped and said.
"""

from __future__ import annotations

from collections import deque

SAMPLES_KEPT = 32
SLEW_PER_S = 0.005
JUMP_US = 1_000_000
BACK_MS = 1_000
"""By so much Redis' clock goes back only where another server took over; less is the slewing of ours."""


class Clock:
    """Monotonic microseconds in, Redis microseconds out."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES_KEPT)  # (round trip, offset)
        self._offset_us: int | None = None  # at the last exchange
        self._best_us = 0  # where it is slewed to
        self._slewed_us = 0

    def __repr__(self) -> str:
        return f"<Clock offset {self._offset_us} us, error {self.error_us} us, {len(self._samples)} samples>"

    @property
    def is_set(self) -> bool:
        """Whether there was an exchange at all."""
        return self._offset_us is not None

    @property
    def offset_us(self) -> int:
        """Redis time minus monotonic time, at the last exchange."""
        return self._offset_us or 0

    @property
    def error_us(self) -> int:
        """Half the round trip of the best exchange: the estimate is no further off than this."""
        return min((rtt for rtt, _ in self._samples), default=0) // 2

    def sample(self, sent_us: int, redis_us: int, received_us: int) -> int:
        """Take in one exchange; returns the jump in µs, 0 when there was none."""
        round_trip_us, offset_us = received_us - sent_us, redis_us - (sent_us + received_us) // 2
        bound_us = JUMP_US + round_trip_us + self.error_us  # of the best estimate: the slewed one may lag behind it
        if self._offset_us is not None and abs(offset_us - self._best_us) > bound_us:
            jump_us = offset_us - self._offset_us
            self._samples.clear()
            self._samples.append((round_trip_us, offset_us))
            self._offset_us, self._best_us, self._slewed_us = offset_us, offset_us, received_us
            return jump_us
        self._samples.append((round_trip_us, offset_us))
        self._slew(min(self._samples)[1], received_us)
        return 0

    def _slew(self, best_us: int, now_us: int) -> None:
        self._offset_us = best_us if self._offset_us is None else self._offset_at(now_us)
        self._best_us, self._slewed_us = best_us, now_us

    def _offset_at(self, now_us: int) -> int:
        """The offset creeps towards the best estimate with the time that passes, so no reading is before another."""
        most_us = max(0, int((now_us - self._slewed_us) * SLEW_PER_S))
        return self.offset_us + max(-most_us, min(most_us, self._best_us - self.offset_us))

    def redis_us(self, monotonic_us: int) -> int:
        """Redis time at a moment of the monotonic clock, in µs."""
        return monotonic_us + self._offset_at(monotonic_us)

    def redis_ms(self, monotonic_us: int) -> int:
        """Redis time at a moment of the monotonic clock, in ms."""
        return self.redis_us(monotonic_us) // 1000
