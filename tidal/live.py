"""The live feed: reads a run's streams, folds them, and gives frames to whoever asks.

The same fold as the master's and as a replay's. It starts from the keyframe, so attaching to an old run is quick, and
says when Redis does not answer. While it lives it shows presence, so that an endless run knows that it is watched.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from tidal.bus import Bus, BusError
from tidal.errors import TidalError
from tidal.lines import monotonic_ms, monotonic_us
from tidal.model import phases
from tidal.model.clock import Clock
from tidal.model.codec import LOG, REPORTS, BadEntry, entry_of, unpack
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.keys import RunKeys
    from tidal.model.rows import Frame

_View = TypeVar("_View")

READ_BLOCK_MS = 250
READ_COUNT = 2_000
PRESENCE_MS = 1_000
CLOCK_MS = 2_000
KEYFRAME_BYTES_MAX = 256 * 1024 * 1024


class LiveFeed:
    """A thread that follows one run.

    Args:
        url: the Redis URL; None: from the environment.
        keys: the run's keys.
        presence: whether this viewer counts as somebody watching.
    """

    is_replay = False

    def __init__(self, url: str | None, keys: RunKeys, *, presence: bool = True) -> None:
        self._url, self._keys, self._presence = url, keys, presence
        self._lock = threading.Lock()
        self._state = State()
        self._clock = Clock()
        self._trouble = ""
        self._trouble_since_ms = 0
        self._due = {"presence": 0, "clock": 0}
        self._ended = threading.Event()
        self.changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidal-feed", daemon=True)

    def __repr__(self) -> str:
        return f"<LiveFeed {self._state} {self._trouble}>"

    def start(self) -> LiveFeed:
        """Begin to follow; returns itself."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop following."""
        self._ended.set()

    def frame(self) -> Frame | None:
        """The newest picture; None before the first entry."""
        return self.look(frame)

    def look(self, view: Callable[[State, int], _View]) -> _View | None:
        """What a pure function of the state and the moment sees now; None before the first entry.

        It must share nothing with the state, which goes on.
        """
        with self._lock:
            if not self._state.log.opened_ms:
                return None
            return view(self._state, self._clock.redis_ms(monotonic_us()))

    def trouble(self) -> str:
        """Empty, or one line that says since when Redis does not answer."""
        if not self._trouble:
            return ""
        return f"{self._trouble} (for {(monotonic_ms() - self._trouble_since_ms) // 1000} s)"

    @property
    def is_closed(self) -> bool:
        """Whether the run is over and folded to its end."""
        return self._state.log.phase == phases.CLOSED

    def has_answered(self, intent: str) -> bool | None:
        """Whether an intent was accepted; None while the log says nothing of it."""
        with self._lock:
            return self._state.log.intents.get(intent)

    def _run(self) -> None:
        bus: Bus | None = None
        while not self._ended.is_set() and not self.is_closed:
            try:
                if bus is None:
                    bus = Bus.connect(self._url, role="viewer")
                    self._begin(bus)
                self._turn(bus)
                self._trouble = ""
            except (BusError, TidalError) as error:
                if not self._trouble:
                    self._trouble_since_ms = monotonic_ms()
                self._trouble = str(error)
                self._ended.wait(0.5)
        if bus is not None:
            bus.close()

    def _begin(self, bus: Bus) -> None:
        self._clock.sample(*bus.time_us())
        packed = None if self._state.log.opened_ms else bus.load_keyframe(self._keys)
        if packed is None:
            return
        try:
            state = State.from_wire(unpack(packed, KEYFRAME_BYTES_MAX))
        except (BadEntry, ValueError):
            return  # the log is the truth, a keyframe only saves time
        with self._lock:
            self._state = state

    def _turn(self, bus: Bus) -> None:
        now_ms = monotonic_ms()
        if now_ms >= self._due["clock"]:
            self._due["clock"] = now_ms + CLOCK_MS
            self._clock.sample(*bus.time_us())
        if self._presence and now_ms >= self._due["presence"]:
            self._due["presence"] = now_ms + PRESENCE_MS
            bus.show_presence(self._keys)
        streams = {self._keys.log: LOG, self._keys.reports: REPORTS}
        at = {key: self._state.position[stream] for key, stream in streams.items()}
        found = bus.read(at, block_ms=READ_BLOCK_MS, count=READ_COUNT)
        with self._lock:
            for key, entry_id, fields in found:
                fold_entry(self._state, entry_of(streams[key], entry_id, fields))
        if found:
            self.changed.set()
