"""When the kernel received what a generator reads later: on Linux it says so with the bytes.

`response_time` keeps Locust's meaning, up to the moment at which user code goes on. What the answer lay in the kernel
before that is told to the recorder beside it.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from struct import Struct
from typing import Any

from tidal.model.stats import Spread

SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None
"""Of <asm-generic/socket.h>, which Python does not name."""
SOL_SOCKET = 1
ANCILLARY_BYTES = 64
UNKNOWN = -1.0
NOTED_A_BATCH = 250
"""Four batches a second: a thousand answers, whose p99 is that of all."""
_timespec = Struct("qq").unpack_from


class Last:
    """What the sample told of next is to know: set by a client, taken by the recorder, without a switch between.

    Attributes:
        delay_s: how long the end of its answer lay in the kernel; negative: not known.
        every: of so many answers one is looked at: as many as the recorder can use.
        turn: counts answers up to that.
    """

    __slots__ = ("delay_s", "every", "turn")

    def __init__(self) -> None:
        self.delay_s = UNKNOWN
        self.every = 1
        self.turn = 0

    def is_due(self) -> bool:
        """Whether the answer that comes now is looked at."""
        self.turn += 1
        if self.turn < self.every:
            return False
        self.turn = 0
        return True


last = Last()


def ask_for_stamps(sock: Any) -> bool:
    """Let the kernel say when bytes came; whether it will."""
    if SO_TIMESTAMPNS is None or sys.maxsize < 1 << 32:
        return False
    with suppress(OSError):
        sock.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, 1)
        return True
    return False


def delay_s(ancillary: Any) -> float:
    """How long ago the kernel received what was just read; `UNKNOWN` when it does not say."""
    if len(ancillary) != 1 or ancillary[0][1] != SO_TIMESTAMPNS:  # it is all that was asked for
        return UNKNOWN
    seconds, nanoseconds = _timespec(ancillary[0][2])
    late_s: float = time.time() - seconds - nanoseconds * 1e-9
    return late_s if late_s > 0 else 0.0


class Delays:
    """The delays since the last batch, and the latencies without them.

    Of more than some hundred answers in a batch every second is looked at, or every third …: as the last batch
    suggests, evenly, so that busy generators pay little for it.
    """

    __slots__ = ("_noted", "delay", "undelayed")

    def __init__(self) -> None:
        self.delay: Spread | None = None
        self.undelayed: Spread | None = None
        self._noted = 0

    def __repr__(self) -> str:
        return f"<Delays of {self._noted} answers>"

    def note(self, delay_us: int, response_us: int) -> None:
        """One answer; a delay that is longer than the response is a clock that was set meanwhile."""
        if delay_us > response_us:
            return
        self._noted += 1
        if self.delay is None or self.undelayed is None:
            self.delay, self.undelayed = Spread(), Spread()
        self.delay.add(delay_us)
        self.undelayed.add(response_us - delay_us)

    def take(self) -> tuple[Spread | None, Spread | None]:
        """Both; they begin anew."""
        taken = self.delay, self.undelayed
        self.delay = self.undelayed = None
        last.every = 1 + self._noted * last.every // NOTED_A_BATCH
        self._noted = 0
        return taken
