"""An agent's lines to Redis: three threads, so that no slow answer holds up the generators.

    Beats   writes the lease twice a second, brings back Redis time and the run that the fleet serves
    Tail    reads the run's log as it grows
    Sender  hands in reports and brings back what is safe

Each has a connection of its own and nothing else in common: they talk to the agent's one thread through queues, and
every error is an answer like any other. None retries an append; what to hand in again is the outbox's decision.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, ClassVar

from tidal.bus import Bus
from tidal.keys import BEAT_TTL_MS
from tidal.model.codec import LOG, ZERO_ID, Entry, entry_of
from tidal.model.events import GenerationOpened, RunOpened
from tidal.model.liveness import BEAT_MS
from tidal.model.struct import Discreet, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.keys import FleetKeys, RunKeys
    from tidal.model.codec import EntryId
    from tidal.model.outbox import Fields

TAIL_BLOCK_MS = 1_000
READ_COUNT = 500
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.05, 1.0


def monotonic_us() -> int:
    """The machine's monotonic clock, the same in all its processes, in µs."""
    return time.monotonic_ns() // 1000


def monotonic_ms() -> int:
    """The machine's monotonic clock in ms."""
    return time.monotonic_ns() // 1_000_000


class Beaten(Struct, frozen=True):
    """A heartbeat was written."""

    sent_us: int
    redis_us: int
    received_us: int
    run: str | None


class Read(Discreet, frozen=True):
    """The log was read: possibly nothing new."""

    HIDDEN: ClassVar = frozenset({"secrets", "brief"})

    run: str
    entries: tuple[Entry, ...]
    asked_ms: int  # monotonic, before the read
    secrets: bytes | None = None  # with the first entries
    brief: bytes | None = None  # where the log cannot be read from its beginning


class Handed(Struct, frozen=True):
    """An attempt to hand in reports ended: `watermark` is None when nobody knows what became of it."""

    run: str
    incarnation: str
    watermark: int | None
    why: str = ""


class Trouble(Struct, frozen=True):
    """Redis did not answer a line, or refused it."""

    line: str
    why: str


News = Beaten | Read | Handed | Trouble


class Switchboard(Struct, frozen=True):
    """Where the lines lead: which Redis, and the agent's queue with its bell."""

    url: str | None
    news: queue.SimpleQueue[News]
    wake: Callable[[], None]


class Line:
    """A thread with a connection that it opens, and opens again after an error."""

    def __init__(self, board: Switchboard, role: str) -> None:
        self._board, self._role = board, role
        self._bus: Bus | None = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tidal-{role}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is under way; does not wait."""
        self.ended.set()

    def bus(self) -> Bus:
        """This line's connection."""
        if self._bus is None:
            self._bus = Bus.connect(self._board.url, role=self._role)
        return self._bus

    def say(self, news: News) -> None:
        """Tell the agent."""
        self._board.news.put(news)
        self._board.wake()

    def _run(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        while not self.ended.is_set():
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 - a line that ends unnoticed would be worse than any error
                self.say(Trouble(self._role, str(error)))
                self.failed(str(error))
                self.ended.wait(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_LAST_S)
            else:
                backoff_s = BACKOFF_FIRST_S
        if self._bus is not None:
            self._bus.close()

    def turn(self) -> None:
        """One exchange."""
        raise NotImplementedError

    def failed(self, why: str) -> None:
        """An exchange failed."""


class Beats(Line):
    """Writes the lease whole with its TTL; `payload` is asked for each time, so that it is never old."""

    def __init__(self, board: Switchboard, fleet: FleetKeys, worker: str, payload: Callable[[], bytes]) -> None:
        super().__init__(board, "beats")
        self._fleet, self._worker, self._payload = fleet, worker, payload
        self._at_once = threading.Event()

    def hurry(self) -> None:
        """Beat now: something changed that the master waits for."""
        self._at_once.set()

    def turn(self) -> None:
        """One beat, and the rest until the next."""
        self.say(Beaten(*self.bus().beat(self._fleet, self._worker, self._payload(), BEAT_TTL_MS)))
        self._at_once.wait(BEAT_MS / 1000)
        self._at_once.clear()

    def leave(self) -> None:
        """Take the worker out of the fleet, in order."""
        self.stop()
        self.hurry()
        self._thread.join(3.0)
        bus = Bus.connect(self._board.url, role="leave")
        bus.forget_worker(self._fleet, self._worker)
        bus.close()


class Tail(Line):
    """Reads the log of one run from its beginning, in order; where that is missing, a stored state stands for it."""

    def __init__(self, board: Switchboard, keys: RunKeys) -> None:
        super().__init__(board, "tail")
        self._keys = keys
        self._cursor: EntryId = ZERO_ID
        self._is_doubtful = False  # we were away: what was not read may have been trimmed

    def failed(self, why: str) -> None:
        """Look at the beginning of the log before reading on."""
        del why
        self._is_doubtful = self._cursor > ZERO_ID

    def _is_behind(self) -> bool:
        """Whether the log now begins after what was read."""
        first = self.bus().read({self._keys.log: ZERO_ID}, block_ms=None, count=1) if self._is_doubtful else []
        return bool(first) and first[0][1] > self._cursor

    def turn(self) -> None:
        """One read; blocks up to a second while there is nothing new."""
        asked_ms = monotonic_ms()
        found = self.bus().read({self._keys.log: self._cursor}, block_ms=TAIL_BLOCK_MS, count=READ_COUNT)
        entries = tuple(entry_of(LOG, entry_id, fields) for _, entry_id, fields in found)
        is_first = bool(found) and self._cursor == ZERO_ID
        kinds = {entry.kind for entry in entries}
        is_cut = self._is_behind() or (is_first and RunOpened.KIND not in kinds)
        brief = self.bus().load_brief(self._keys) if is_cut or GenerationOpened.KIND in kinds else None
        secrets = self.bus().load_secrets(self._keys) if is_first else None
        self._is_doubtful = False
        if found:
            self._cursor = found[-1][1]
        self.say(Read(self._keys.run, entries, asked_ms, secrets, brief))


class Sender(Line):
    """Hands in one attempt at a time."""

    def __init__(self, board: Switchboard, keys: RunKeys) -> None:
        super().__init__(board, "sender")
        self._keys = keys
        self._attempts: queue.SimpleQueue[tuple[str, list[Fields]] | None] = queue.SimpleQueue()
        self._incarnation = ""

    def hand_in(self, incarnation: str, attempt: list[Fields]) -> None:
        """Begin an attempt; the answer comes as `Handed`. An empty one only asks what is safe."""
        self._attempts.put((incarnation, attempt))

    def stop(self) -> None:
        """End after the attempt under way."""
        super().stop()
        self._attempts.put(None)

    def turn(self) -> None:
        """One attempt."""
        attempt = self._attempts.get()
        if attempt is not None:
            self._incarnation = attempt[0]
            self.say(Handed(self._keys.run, attempt[0], self.bus().send_reports(self._keys, *attempt)))

    def failed(self, why: str) -> None:
        """Say that nobody knows what became of the attempt."""
        self.say(Handed(self._keys.run, self._incarnation, None, why))
