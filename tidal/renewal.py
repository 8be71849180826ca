"""What a master does when Redis lost or mangled the run's streams: it notices, and begins them anew from its state.

    look ──a stream is gone, went back, or was cut──▶ begin: keyframe, MasterTook, shipped files, GenerationOpened

Ids rise over all generations: the first entry of a new one gets an id beyond all that was read before. So whoever
follows the log reads on where it was and meets `GenerationOpened`, by which it knows to begin from the keyframe; the
archive joins the generations without knowing of them. Reports that were not safe are handed in again by the workers.
What only the streams held, the contents of shipped files and secrets, the master keeps in memory for this.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tidal.bus import BusError, Stream
from tidal.errors import Fenced
from tidal.leadership import Renewed
from tidal.model.codec import LOG, REPORTS, ZERO_ID, BadEntry, EntryId, decode, entry_of
from tidal.model.events import ByMaster, FileChunk, GenerationOpened
from tidal.model.state import State, sealed

if TYPE_CHECKING:
    from tidal.bus import Bus
    from tidal.keys import RunKeys
    from tidal.lease import Lease
    from tidal.model.codec import Entry
    from tidal.model.state import LogHalf

LOOK_MS = 1_000
SLEPT_MS = 10_000
"""A turn takes less, even when every call in it times out; whoever needs more was frozen, and may have a successor."""
AGAIN_MS = 10_000
"""A stream that was only cut is mended no more often: somebody may cut it again and again."""


class Renewal:
    """One master's watch over the two streams of its run; `now_ms` is monotonic."""

    def __init__(self, bus: Bus, keys: RunKeys) -> None:
        self._bus = bus
        self._keys = {LOG: keys.log, REPORTS: keys.reports}
        self._run_keys = keys
        self._chunks: dict[tuple[str, int], FileChunk] = {}
        self._seen: dict[str, Stream] = {}
        self._due_ms = self._again_ms = 0
        self._began_at: dict[str, EntryId] = {}  # how far each stream was read when this generation began
        self._log_end: EntryId | None = None  # when this turn has looked
        self._appended: EntryId = ZERO_ID  # the last entry of ours that Redis took: others may have read it before us
        self._turned_ms: int | None = None
        self._has_slept = False  # since the last look that found all well: somebody may have led meanwhile
        self._generation: int | None = None  # the one that we know, begun by us or before us; None: not yet found out
        self.secrets: bytes | None = None

    def __repr__(self) -> str:
        return f"<Renewal of {self._run_keys.run}, {len(self._chunks)} chunks>"

    # ------------------------------------------------------------------ what only the streams hold

    def take(self, entry: Entry) -> None:
        """Keep what a later generation must begin with."""
        if entry.kind == FileChunk.KIND and entry.stream == LOG:
            with contextlib.suppress(BadEntry):
                signed = decode(entry)
                if isinstance(signed, ByMaster) and isinstance(signed.event, FileChunk):
                    self._chunks[signed.event.sha256, signed.event.part] = signed.event

    def collect(self, log: LogHalf) -> None:
        """Read from the log what a keyframe does not hold: for a master that takes a run over."""
        self._generation = log.generation
        self.secrets = self._bus.load_secrets(self._run_keys)
        at, wanted = ZERO_ID, {spec.sha256 for spec in log.files}
        while not self._has_files(wanted) and (found := self._bus.range(self._keys[LOG], at, None, 100)):
            at = found[-1][0]
            for entry_id, fields in found:
                self.take(entry_of(LOG, entry_id, fields))

    def _has_files(self, wanted: set[str]) -> bool:
        parts = {sha256: chunk.parts for (sha256, _), chunk in self._chunks.items()}
        return all(sha in parts and all((sha, n) in self._chunks for n in range(parts[sha])) for sha in wanted)

    @property
    def chunks(self) -> list[FileChunk]:
        """The shipped files' contents, in order."""
        return [self._chunks[key] for key in sorted(self._chunks)]

    # ------------------------------------------------------------------ looking

    def hurry(self) -> None:
        """Look at the next turn: Redis was away."""
        self._due_ms = 0

    def look(self, state: State, now_ms: int, *, at_once: bool = False) -> str:
        """What has become of the streams, in words; "" when all is well or it is not time to look.

        Fenced when another master may know more of what was lost: we slept.
        """
        self._has_slept |= self._turned_ms is not None and now_ms - self._turned_ms > SLEPT_MS
        self._turned_ms, self._log_end = now_ms, None
        if self._generation is None:
            self._generation = state.log.generation
        if now_ms < self._due_ms and not at_once:
            return ""
        self._due_ms = now_ms + LOOK_MS
        now = {name: self._bus.stream(key) for name, key in self._keys.items()}
        self._log_end = now[LOG].last_id
        why = self._lost(state, now)
        if not why and now_ms >= self._again_ms:
            why = self._cut(now)
        self._seen = now
        if why:
            self._again_ms = now_ms + AGAIN_MS
            if self._has_slept:
                raise Fenced(f"run {self._run_keys.run}: {why}, and this master slept: another knows more, so it stops")
        self._has_slept = False
        return why

    def check_generation(self, log: LogHalf) -> None:
        """Fenced when another master has begun the streams anew: what we never read is in its keyframe alone."""
        if self._generation is not None and log.generation > self._generation:
            raise Fenced(f"another master has begun the streams of run {self._run_keys.run} anew; this one stops")

    def appended(self, entry_id: EntryId) -> None:
        """Redis has taken entries of ours, up to this one."""
        self._appended = entry_id

    def has_lost(self, entry_id: EntryId) -> bool:
        """Whether an entry of ours that nobody has read yet is gone, as the look of this turn saw."""
        return self._log_end is not None and self._log_end < entry_id

    def _lost(self, state: State, now: dict[str, Stream]) -> str:
        """What ends before the place up to which it was read, or written by us: a worker may have read that."""
        for name, stream in now.items():
            is_news = state.position[name] != self._began_at.get(name)
            if stream.last_id < state.position[name] and is_news:
                return f"{name} {'is gone' if stream == Stream() else 'has lost its end'}"
        return "log has lost its end" if now[LOG].last_id < self._appended else ""

    def _cut(self, now: dict[str, Stream]) -> str:
        """What has lost its beginning or its middle since the last look, and not by us."""
        for name, stream in now.items():
            before = self._seen.get(name, Stream())
            if stream.length < before.length or stream.first_id > before.first_id > ZERO_ID:
                return f"somebody cut {name}"
        return ""

    @property
    def lengths(self) -> dict[str, int]:
        """How long the streams were at the last look."""
        return {name: stream.length for name, stream in self._seen.items()}

    def trimmed(self) -> None:
        """We cut the streams ourselves: the next look compares with nothing."""
        self._seen = {}

    # ------------------------------------------------------------------ beginning anew

    def begin(self, lease: Lease, state: State, now_ms: int, first: dict[bytes, bytes]) -> None:
        """Store the state and append the first entry of a new generation, in one transaction."""
        position = state.position
        first_id = EntryId(max(now_ms, *(position[name].ms + 1 for name in (LOG, REPORTS))), 0)
        last = self._bus.last_id(self._keys[LOG])
        first_id = max(first_id, EntryId(last.ms, last.seq + 1), EntryId(self._appended.ms + 1, 0))
        lease.begin_generation(Renewed(sealed(state.packed()), brief_of(state), first, first_id, self.secrets))
        self._began_at, self._seen, self._appended = dict(position), {}, first_id
        self._generation, self._turned_ms, self._has_slept = state.log.generation + 1, None, False

    def raise_ids(self, lease: Lease, state: State) -> None:
        """Reports whose stream began anew get ids beyond those that were read, also when Redis' clock went back.

        Once one of them was read all that follow have.
        """
        if state.position[REPORTS] != self._began_at.get(REPORTS):
            return
        if ZERO_ID < self._seen.get(REPORTS, Stream()).last_id < state.position[REPORTS]:
            with contextlib.suppress(BusError):  # the stand-in has no such command, nor a clock that goes back
                lease.raise_ids(state.position[REPORTS])

    def event(self, state: State, why: str) -> GenerationOpened:
        """What tells readers of the log to begin from the keyframe."""
        position = state.position
        return GenerationOpened(state.log.generation + 1, why, str(position[LOG]), str(position[REPORTS]))


def brief_of(state: State) -> bytes:
    """The half of a state that masters wrote, packed as a state without reports."""
    return State(state.log, position={LOG: state.position[LOG], REPORTS: ZERO_ID}).packed()
