"""A live run that can be rewound: its feed while it stands at now, its past while it does not.

The past is the archive where this machine writes it, else what the run's streams in Redis hold. The run goes on
meanwhile, and is followed all the while: the end is always now.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from tidal import paths
from tidal.archive import Archive
from tidal.bus import Bus, BusError
from tidal.errors import RedisUnreachable, RunLapsed, TidalError
from tidal.model.codec import LOG, REPORTS, ZERO_ID, EntryId, entry_of
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tidal.keys import RunKeys
    from tidal.live import LiveFeed
    from tidal.model.closeup import Focus
    from tidal.model.codec import Entry
    from tidal.model.rows import Frame

NOW_MS = 700
"""Who goes nearer to now than this stands at now."""
READ_COUNT = 1_000
SEQ_MAX = (1 << 63) - 1


class Past(Protocol):
    """The state of a run at a moment that is over."""

    def state_at(self, at_ms: int) -> State:
        """The state at a moment of Redis time; its own, not to be kept."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class ArchivedPast:
    """The past from the archive, opened anew when it has grown beyond what was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replay: Replay | None = None

    def state_at(self, at_ms: int) -> State:
        """The state at a moment."""
        if self._replay is None or at_ms > self._replay.last_ms:
            self.close()
            self._replay = Replay(Archive.open(self._path))
        return self._replay.state_at(at_ms)

    def close(self) -> None:
        """Close the file."""
        if self._replay is not None:
            self._replay.archive.close()
            self._replay = None


class StreamedPast:
    """The past from the streams in Redis, folded from their beginning; what was trimmed cannot be gone back to."""

    def __init__(self, connect: Callable[[], Bus], keys: RunKeys) -> None:
        self._connect, self._keys = connect, keys
        self._bus: Bus | None = None
        self._state, self._reached_ms = State(), -1

    def state_at(self, at_ms: int) -> State:
        """The state at a moment; RedisUnreachable when Redis does not answer, RunLapsed when the past is gone."""
        if at_ms < self._reached_ms:
            self._state = State()
        try:
            for stream in (LOG, REPORTS):
                for entry in self._entries(stream, at_ms):
                    fold_entry(self._state, entry)
        except BusError as error:
            raise RedisUnreachable(f"cannot go back: {error}") from None
        if not self._state.log.opened_ms:
            raise RunLapsed("cannot go back: the beginning of the log is no longer in Redis, and not archived here")
        self._reached_ms = at_ms
        return self._state

    def _entries(self, stream: str, at_ms: int) -> Iterator[Entry]:
        self._bus = self._bus or self._connect()
        key = self._keys.log if stream == LOG else self._keys.reports
        after, until = self._state.position.get(stream, ZERO_ID), EntryId(at_ms, SEQ_MAX)
        while found := self._bus.range(key, after, until, READ_COUNT):
            yield from (entry_of(stream, entry_id, fields) for entry_id, fields in found)
            after = found[-1][0]

    def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None


def past_of(url: str, keys: RunKeys) -> Past:
    """The nearest source of a run's past."""
    path = paths.archive_path(keys.run)
    if path.is_file() or any(path.parent.glob(f"{path.name}.part-*")):
        return ArchivedPast(path)
    return StreamedPast(lambda: Bus.connect(url, role="viewer"), keys)


class Rewindable:
    """A feed that stands at now, or at a moment before; `tidal.tui.feed.Seekable`.

    Attributes:
        playing: whether a moment before now moves on.
        speed: seconds of the run a second.
    """

    is_replay = False

    def __init__(self, live: LiveFeed, past: Callable[[], Past], clock: Callable[[], float] = time.monotonic) -> None:
        self.live = live
        self.playing, self.speed = False, 1.0
        self._open = past
        self._past: Past | None = None
        self._clock, self._moved_s = clock, clock()
        self._at_ms: float | None = None  # None: now
        self._first_ms = self._last_ms = 0

    def __repr__(self) -> str:
        where = "now" if self._at_ms is None else f"{self.last_ms - self.position_ms} ms ago"
        return f"<Rewindable {where} of {self.live}>"

    @property
    def first_ms(self) -> int:
        """The first moment of the run, in Redis time."""
        return self._first_ms

    @property
    def last_ms(self) -> int:
        """Now, as of the last picture; of a closed run its end."""
        return self._last_ms

    @property
    def position_ms(self) -> int:
        """The moment that is shown."""
        return self._last_ms if self._at_ms is None else int(self._at_ms)

    def seek(self, at_ms: int) -> None:
        """Go to a moment; the end is now."""
        self._look_around()
        self._at_ms = None if at_ms >= self._last_ms - NOW_MS else float(max(at_ms, self._first_ms))

    def return_to_now(self) -> None:
        """Show the run as it is."""
        self._at_ms, self.playing = None, False

    def play(self) -> None:
        """Go on from the moment at `speed`, until it is now."""
        self._moved_s, self.playing = self._clock(), True

    def pause(self) -> None:
        """Stand still."""
        self.playing = False

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The picture of now, or of the moment."""
        self._look_around()
        self._advance()
        if self._at_ms is None:
            return self.live.frame(focus)
        at_ms = int(self._at_ms)
        try:
            self._past = self._past or self._open()
            return frame(self._past.state_at(at_ms), at_ms, focus)
        except TidalError:
            self._at_ms = None  # the run itself can still be seen
            raise

    def _look_around(self) -> None:
        found = self.live.look(lambda state, at_ms: (state.log.opened_ms, state.log.closed_ms or at_ms))
        if found is not None:
            self._first_ms, self._last_ms = found[0], max(found)

    def _advance(self) -> None:
        passed_s, self._moved_s = max(0.0, self._clock() - self._moved_s), self._clock()
        if self._at_ms is None:
            self.playing = False
        elif self.playing:
            self._at_ms += passed_s * 1000 * self.speed
            if self._at_ms >= self._last_ms - NOW_MS:
                self.return_to_now()

    def outline(self) -> Frame | None:
        """The picture of now: its charts and its story are those of all of the run so far."""
        return self.live.frame()

    def trouble(self) -> str:
        """What keeps the picture from being new."""
        return self.live.trouble()

    def close(self) -> None:
        """Stop following, and close the past."""
        if self._past is not None:
            self._past.close()
        self.live.close()
