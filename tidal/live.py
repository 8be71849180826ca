"""The live feed: reads a run's streams, folds them, and gives frames to whoever asks.

The same fold as the master's and as a replay's. It starts from the keyframe, so attaching to an old run is quick, and
says when Redis does not answer. While it lives it shows presence, so that an endless run knows that it is watched.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

from tidal.bus import Bus, BusError
from tidal.errors import TidalError
from tidal.lines import monotonic_ms, monotonic_us
from tidal.model import phases
from tidal.model.clock import Clock
from tidal.model.codec import LOG, REPORTS, ZERO_ID, BadEntry, entry_of, understood
from tidal.model.events import ByMaster, GenerationOpened
from tidal.model.fold import fold_entries
from tidal.model.frame import frame
from tidal.model.state import State, unsealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.keys import RunKeys
    from tidal.model.closeup import Focus
    from tidal.model.codec import Entry
    from tidal.model.rows import Frame

_View = TypeVar("_View")

READ_BLOCK_MS = 250
READ_COUNT = 2_000
PRESENCE_MS = 1_000
CLOCK_MS = 2_000
SILENCE_MS = 10_000
"""Masters write each second; after so long without a word somebody should look."""
AWAY_MS = 5_000
"""Nothing that is younger than a keyframe's ten seconds is ever trimmed."""
UNANSWERED = frozenset({"unreachable", "timeout", "loading"})


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
        self._troubles: dict[str, tuple[int, str]] = {}  # what fails → since when (monotonic), in words
        self._generation = 0  # the last one that was begun anew for
        self._has_ended = self._is_rewound = False
        self._is_doubtful = False  # we were away: what we had not read may have been trimmed
        self._turned_ms = monotonic_ms()
        self._due = {"presence": 0, "clock": 0}
        self._ended = threading.Event()
        self.changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidal-feed", daemon=True)

    def __repr__(self) -> str:
        return f"<LiveFeed {self._state} {self.trouble()}>"

    def start(self) -> LiveFeed:
        """Begin to follow; returns itself."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop following."""
        self._ended.set()

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The newest picture, with a closer look at what `focus` asks for; None before the first entry."""
        return self.look(lambda state, at_ms: frame(state, at_ms, focus))

    def look(self, view: Callable[[State, int], _View]) -> _View | None:
        """What a pure function of the state and the moment sees now; None before the first entry.

        It must share nothing with the state, which goes on.
        """
        with self._lock:
            if not self._state.log.opened_ms:
                return None
            return view(self._state, self._clock.redis_ms(monotonic_us()))

    def trouble(self) -> str:
        """Empty, or one line that says what is wrong with Redis or the master, and for how long."""
        for since_ms, words in self._troubles.copy().values():
            return f"{words} (for {(monotonic_ms() - since_ms) // 1000} s)"
        return self._silence()

    def _silence(self) -> str:
        """What a log without a word of any master says."""
        log = self._state.log
        silent_ms = self._clock.redis_ms(monotonic_us()) - max(log.ticked_ms, log.opened_ms) if log.opened_ms else 0
        if silent_ms < SILENCE_MS or log.phase == phases.CLOSED or not self._clock.is_set:
            return ""
        word = "the load goes on by its plan" if log.phase == phases.RUNNING else "nothing happens without one"
        return (
            f"no word from a master for {silent_ms // 1000} s: {word}; to lead on: tidal master --run {self._keys.run}"
        )

    @property
    def is_closed(self) -> bool:
        """Whether the run is over and folded to its end."""
        return self._has_ended

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
                self._mend("read")
            except (BusError, TidalError) as error:
                self._fail("read", error)
                self._ended.wait(0.5)
        if bus is not None:
            bus.close()

    def _fail(self, what: str, error: Exception) -> None:
        self._is_doubtful = self._is_doubtful or what == "read"
        since_ms, _ = self._troubles.get(what, (monotonic_ms(), ""))
        self._troubles[what] = (since_ms, str(error))

    def _mend(self, what: str) -> None:
        self._troubles.pop(what, None)

    def _begin(self, bus: Bus) -> None:
        self._clock.sample(*bus.time_us())
        if not self._state.log.opened_ms:
            self._begin_at_keyframe(bus)

    def _begin_at_keyframe(self, bus: Bus, otherwise: State | None = None) -> None:
        """Begin from the stored state, where there is one; else with another, or go on."""
        stored, state = bus.load_keyframe(self._keys), otherwise
        if stored is not None:
            with contextlib.suppress(BadEntry, ValueError):  # the log is the truth, a keyframe only saves time
                state = State.unpacked(unsealed(stored))
        if state is not None:
            with self._lock:
                self._state = state

    def _turn(self, bus: Bus) -> None:
        now_ms = monotonic_ms()
        if now_ms >= self._due["clock"]:
            self._due["clock"] = now_ms + CLOCK_MS
            self._clock.sample(*bus.time_us())
        if self._presence and now_ms >= self._due["presence"]:
            self._due["presence"] = now_ms + PRESENCE_MS
            self._show_presence(bus)
        streams = {self._keys.log: LOG, self._keys.reports: REPORTS}
        if self._is_doubtful or now_ms - self._turned_ms > AWAY_MS:
            self._catch_up(bus, streams)
        self._turned_ms = now_ms
        at = {key: self._state.position[stream] for key, stream in streams.items()}
        found = bus.read(at, block_ms=READ_BLOCK_MS, count=READ_COUNT)
        entries = [entry_of(streams[key], entry_id, fields) for key, entry_id, fields in found]
        if self._has_new_generation(entries):
            self._begin_at_keyframe(bus)  # what lies before it may be missing
            return
        with self._lock:
            self._fold(entries)
        self._look_for_end(bus, is_empty=not found)
        if found:
            self.changed.set()

    def _catch_up(self, bus: Bus, streams: dict[str, str]) -> None:
        """Begin from the keyframe when a stream now begins after what we have read."""
        firsts = bus.read(dict.fromkeys(streams, ZERO_ID), block_ms=None, count=1)
        if any(entry_id > self._state.position[streams[key]] for key, entry_id, _ in firsts):
            self._begin_at_keyframe(bus)
        self._is_doubtful = False

    def _show_presence(self, bus: Bus) -> None:
        """Say that somebody looks; a Redis that takes no writes can still be read."""
        try:
            bus.show_presence(self._keys)
        except BusError as error:
            if error.kind in UNANSWERED:
                raise
            self._fail("write", error)
        else:
            self._mend("write")

    def _has_new_generation(self, entries: list[Entry]) -> bool:
        numbers = [number for entry in entries if (number := generation_of(entry)) > self._state.log.generation]
        newest = max(numbers, default=0)
        is_new, self._generation = newest > self._generation, max(newest, self._generation)
        return is_new

    def _fold(self, entries: list[Entry]) -> None:
        """Fold the log before the reports: it says where they end."""
        fold_entries(self._state, [e for e in entries if e.stream == LOG])
        end = self._state.log.reports_end
        fold_entries(self._state, [e for e in entries if e.stream == REPORTS and (end is None or e.id <= end)])

    def _look_for_end(self, bus: Bus, *, is_empty: bool) -> None:
        """A closed run is at its end with the last report that counts, and not beyond it."""
        log, position = self._state.log, self._state.position[REPORTS]
        if log.phase != phases.CLOSED:
            return
        end = log.reports_end
        if end is not None and position > end and not self._is_rewound:
            self._is_rewound = True
            self._begin_at_keyframe(bus, State())  # a report came too late, but before we knew
            return
        self._has_ended = is_empty or end is None or position >= end


def generation_of(entry: Entry) -> int:
    """The number of the generation that an entry opens; 0 for any other entry."""
    if entry.kind != GenerationOpened.KIND or entry.stream != LOG:
        return 0
    signed = understood(entry)
    event = signed.event if isinstance(signed, ByMaster) else None
    return event.number if isinstance(event, GenerationOpened) else 0
