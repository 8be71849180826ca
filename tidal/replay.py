"""A run, rewound: the archive folded to any moment, with the fold of the live run and nothing else.

The state at a moment is the fold of every entry whose id is not later, from the last keyframe before it. Entries lie in
the archive as the master read them, so the two streams are only nearly in the order of time: a block of which a part
is still to come waits in a heap, under the moment at which it is due. At the end of the recording everything is due,
also what a worker dated into the future.
"""

from __future__ import annotations

import contextlib
import heapq
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.errors import ArchiveDamaged, TidalError
from tidal.model.codec import BadEntry, EntryId
from tidal.model.counting import settle
from tidal.model.explain import explain, idle, marks
from tidal.model.fold import fold_loosely
from tidal.model.frame import frame
from tidal.model.state import State, own_rules
from tidal.repeats import Repeats
from tidal.uncollected import uncollected
from tidal.waypoints import Waypoints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tidal.archive import Archive
    from tidal.archive_file import Block
    from tidal.model.checked import Checked
    from tidal.model.closeup import Focus
    from tidal.model.codec import Entry
    from tidal.model.explain import Mark
    from tidal.model.rows import Frame
    from tidal.proof import Watch

JUMP_ENTRIES = 500
"""A way forward of fewer entries is folded, even past a keyframe: a state is loaded in the time of some 400."""
_EVER_MS = 1 << 64
_BEFORE_ALL = EntryId(-1, 0)
_BLOCKS_KEPT = 8
"""Blocks of which a part is due again and again while playing; each is a megabyte at most."""


class _Cursor:
    """A state that goes forward through an archive."""

    def __init__(self, archive: Archive, state: State, covered: Mapping[str, EntryId], before: int = 0) -> None:
        self.state = state
        self.covered = covered
        self.reached_ms = -1
        self._archive = archive
        self._read = lru_cache(_BLOCKS_KEPT)(archive.read_entries)
        self._blocks = archive.blocks
        self._repeats = Repeats()
        ahead = ((b.first_ms, i) for i, b in enumerate(archive.blocks) if _is_needed(b) and b.before >= before)
        self._due = list(ahead)
        heapq.heapify(self._due)

    def stand_at(self, reached_ms: int) -> _Cursor:
        """Take the state for the fold of everything up to a moment; itself."""
        self.reached_ms = reached_ms
        self._due = [(first_ms, i) for first_ms, i in self._due if self._blocks[i].last_ms > reached_ms]
        heapq.heapify(self._due)
        return self

    def go_to(self, at_ms: int) -> None:
        """Fold everything up to a moment that is not before the last one."""
        due = []
        while self._due and self._due[0][0] <= at_ms:
            due.append(heapq.heappop(self._due)[1])
        for number in sorted(due):
            if self._blocks[number].kind == KEYFRAME:
                self._bridge(self._blocks[number])
            else:
                self._fold_block(number, at_ms)
        settle(self.state.reports)
        self.reached_ms = max(self.reached_ms, at_ms)

    def _fold_block(self, number: int, at_ms: int) -> None:
        later_ms = _EVER_MS
        for entry in self._read(self._blocks[number]):
            if entry.id.ms > at_ms:
                later_ms = min(later_ms, entry.id.ms)
            elif entry.id.ms > self.reached_ms and self._is_new(entry):
                fold_loosely(self.state, entry)
        if later_ms < _EVER_MS:
            heapq.heappush(self._due, (later_ms, number))

    def _bridge(self, block: Block) -> None:
        """Go on from a keyframe that covers what the archive has not: another machine's part, or a full disk."""
        keyframe = self._archive.read_keyframe(block)
        if keyframe is None or all(self.state.position[name] >= at for name, at in keyframe.position.items()):
            return
        with contextlib.suppress(BadEntry, ValueError):  # one that cannot be read leaves the gap as it is
            self.state = State.unpacked(keyframe.state)
            self.covered, self._repeats = keyframe.position, Repeats()

    def _is_new(self, entry: Entry) -> bool:
        return entry.id > self.covered.get(entry.stream, _BEFORE_ALL) and self._repeats.is_new(entry)


def _is_needed(block: Block) -> bool:
    """Whether a block is more than a shortcut: entries, or a keyframe before which something may be missing."""
    return block.kind == ENTRIES or (block.kind == KEYFRAME and block.entries > 0)


def demand_run(state: State, path: Path) -> State:
    """The state; ArchiveDamaged when the recording at this path has not the entry that opens a run."""
    if not state.log.opened_ms:
        raise ArchiveDamaged(f"{path} holds no run: the entry that opens one is not there")
    return state


class Replay:
    """An archive, folded to any moment of Redis time.

    Attributes:
        first_ms: the first moment of the recording, in Redis time.
        last_ms: its last moment, at which everything is folded.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.first_ms = archive.first_ms
        self.last_ms = max(archive.last_ms, archive.first_ms)
        self._cursor: _Cursor | None = None
        self._shown: State | None = None
        self._keyframes = [number for number, block in enumerate(archive.blocks) if block.kind == KEYFRAME]
        self._unfit: set[int] = set()  # of these: of another version's fold, or not to be read
        entries = sum(b.entries for b in archive.blocks if b.kind == ENTRIES)
        self._waypoints = Waypoints(self.first_ms, self.last_ms, entries)

    def __repr__(self) -> str:
        return f"<Replay of {self.archive} from {self.first_ms} to {self.last_ms}>"

    def state_at(self, at_ms: int) -> State:
        """The state at a moment, and at the nearer end outside of the recording.

        It is the replay's own: the next call goes on with it. Raises ArchiveDamaged when it cannot be read so far.
        """
        return self._folded(at_ms, comes_back=True)

    def _folded(self, at_ms: int, *, comes_back: bool) -> State:
        at_ms = _EVER_MS if at_ms >= self.last_ms else max(at_ms, self.first_ms)
        cursor = self._cursor
        self._cursor = None  # half a fold is no state: after an error begin anew
        with uncollected():
            cursor, from_ms = self._start(at_ms, cursor if cursor is not None and cursor.reached_ms <= at_ms else None)
            is_long = min(at_ms, self.last_ms) - from_ms >= self._waypoints.step_ms
            is_noted = is_long and (not self._keyframes or bool(self._unfit))
            if not is_noted:  # it is seconds from here
                cursor.go_to(at_ms)
        for stop_ms in self._waypoints.between(from_ms, at_ms) if is_noted and comes_back else ():
            cursor.go_to(stop_ms)
            self._waypoints.keep(stop_ms, cursor.state, cursor.covered)
        cursor.go_to(at_ms)
        if self._shown is not None and self._shown is not cursor.state:
            self._shown.reports.series.lend(cursor.state.reports.series)
        self._cursor, self._shown = cursor, cursor.state
        return cursor.state

    def final(self) -> State:
        """The state after the last entry, for whoever asks for no other: nothing is kept on the way."""
        return self._folded(self.last_ms, comes_back=False)

    def _start(self, at_ms: int, cursor: _Cursor | None) -> tuple[_Cursor, int]:
        """Where the way to a moment is shortest: the cursor that is there, a stored state, or the beginning."""
        blocks, kept_ms = self.archive.blocks, self._waypoints.newest(at_ms)
        for number in reversed(self._keyframes):
            block = blocks[number]
            if number in self._unfit or (block.last_ms > at_ms and number > 0):
                continue
            if block.last_ms <= kept_ms or (cursor is not None and not self._is_shortened(cursor, block)):
                break
            if (begun := self._begun(number)) is not None:
                return begun, block.last_ms
            self._unfit.add(number)
        if cursor is not None and kept_ms - cursor.reached_ms < self._waypoints.step_ms:
            return cursor, cursor.reached_ms
        if kept_ms >= 0:
            return _Cursor(self.archive, *self._waypoints.at(kept_ms)).stand_at(kept_ms), kept_ms
        return _Cursor(self.archive, State(), {}), self.first_ms - 1

    def _is_shortened(self, cursor: _Cursor, keyframe: Block) -> bool:
        """Whether a stored state shortens the way by so much that loading it is worth it."""
        if keyframe.last_ms <= cursor.reached_ms:
            return False
        blocks = self.archive.blocks
        here = next((b.before for b in reversed(blocks) if b.kind == ENTRIES and b.first_ms <= cursor.reached_ms), 0)
        return keyframe.before - here >= JUMP_ENTRIES

    def _begun(self, number: int) -> _Cursor | None:
        """A cursor at a keyframe; None where the entries before it have to stand for it: they are the truth."""
        keyframe = self.archive.read_keyframe(self.archive.blocks[number])
        if keyframe is None or (keyframe.rules != own_rules() and keyframe.before):  # what it lacks, the entries have
            return None
        try:
            return _Cursor(self.archive, State.unpacked(keyframe.state), keyframe.position, keyframe.before)
        except (BadEntry, ValueError):
            return None


class ReplayFeed:
    """A replay that plays: a feed for the screen, with a position in Redis time.

    `frame` moves the position by the time that went by on the clock; `advance` does the same with the time handed in.

    Attributes:
        playing: whether the position moves.
        speed: seconds of the recording a second.
    """

    is_replay = True

    def __init__(
        self, archive: Archive, clock: Callable[[], float] = time.monotonic, watch: Watch | None = None
    ) -> None:
        self._watch = watch
        self.playing = False
        self.speed = 1.0
        self._replay = Replay(archive)
        self._clock = clock
        self._moved_s: float | None = clock()
        self._position_ms = float(self._replay.first_ms)
        self._outline: Frame | None = None
        self._has_outline = False
        self._shown: tuple[int, Focus | None, Frame | None] | None = None
        self._known: tuple[tuple[Mark, ...], tuple[tuple[int, int], ...]] | None = None

    def __repr__(self) -> str:
        state = f"playing {self.speed:g}x" if self.playing else "paused"
        return f"<ReplayFeed {state} at {self.position_ms} of {self._replay}>"

    @property
    def first_ms(self) -> int:
        """The first moment of the recording, in Redis time."""
        return self._replay.first_ms

    @property
    def last_ms(self) -> int:
        """The last moment of the recording, in Redis time."""
        return self._replay.last_ms

    @property
    def position_ms(self) -> int:
        """The moment that is shown, in Redis time."""
        return int(self._position_ms)

    def play(self) -> None:
        """Go on from the position; at the end, from the beginning."""
        if self.position_ms >= self.last_ms:
            self.seek(self.first_ms)
        self._moved_s = self._clock()
        self.playing = True

    def cue(self) -> None:
        """Play as soon as somebody looks: time counts from the next picture on, however long a screen takes to open."""
        self._moved_s, self.playing = None, True

    def pause(self) -> None:
        """Stand still."""
        self.playing = False

    def seek(self, at_ms: int) -> None:
        """Go to a moment; one outside of the recording means its nearer end."""
        self._position_ms = float(min(max(at_ms, self.first_ms), self.last_ms))

    def advance(self, now_s: float) -> None:
        """Move the position by the time since the last call; stand still at the end."""
        passed_s = max(0.0, now_s - self._moved_s) if self._moved_s is not None else 0.0
        self._moved_s = now_s
        if self.playing:
            self._position_ms = min(self._position_ms + passed_s * 1000 * self.speed, float(self.last_ms))
            self.playing = self.position_ms < self.last_ms

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The picture of the moment, with a closer look at what `focus` asks for; None before the run was opened.

        ArchiveDamaged when it cannot be read so far.
        """
        self.advance(self._clock())
        at_ms = self.position_ms
        if self._shown is None or self._shown[:2] != (at_ms, focus):
            try:
                with self._watch.held() if self._watch is not None else contextlib.nullcontext():
                    self._shown = (at_ms, focus, self._picture(at_ms, focus))
            except TidalError:
                self.pause()
                raise
        return self._shown[2]

    def _picture(self, at_ms: int, focus: Focus | None) -> Frame | None:
        state = self._replay.state_at(at_ms)
        return frame(state, at_ms, focus) if state.log.opened_ms else None

    def marks(self) -> tuple[Mark, ...]:
        """The moments worth going to, in order: anomalies, losses, thresholds, notes; all of it is folded."""
        return self._explained()[0]

    def idle(self) -> tuple[tuple[int, int], ...]:
        """Stretches of Redis time in which nothing happened."""
        return self._explained()[1]

    def _explained(self) -> tuple[tuple[Mark, ...], tuple[tuple[int, int], ...]]:
        if self._known is None:
            state = Replay(self._replay.archive).final()  # a fold of its own: the one that is shown stays where it is
            shown = frame(state, self.last_ms)
            news_ms = [row.at_ms for row in shown.story]
            began_ms = state.log.began_ms or state.log.opened_ms
            self._known = marks(explain(state, shown.story), began_ms, shown.story), idle(state, news_ms)
        return self._known

    def outline(self) -> Frame | None:
        """The picture of the last moment, found once; None where the recording cannot be read to its end."""
        if not self._has_outline:
            self._has_outline = True  # also when it fails: it will again
            with contextlib.suppress(TidalError):
                state = Replay(self._replay.archive).state_at(self.last_ms)
                self._outline = frame(state, self.last_ms) if state.log.opened_ms else None
        return self._outline

    def checked(self) -> Checked | None:
        """How far the recording is proved; None when nobody proves it."""
        return self._watch.checked if self._watch is not None else None

    def trouble(self) -> str:
        """That the recording is not what was recorded; at the end of one that ends too early: why."""
        if self._watch is not None and self._watch.trouble:
            return self._watch.trouble
        ending = self._replay.archive.ending
        return f"the recording ends here: {ending}" if ending and self.position_ms >= self.last_ms else ""

    def close(self) -> None:
        """Close the archive."""
        if self._watch is not None:
            self._watch.close()
        self._replay.archive.close()
