"""Runs read again from their archives, to the second: what a cut leaves, and the pieces that a comparison needs.

Both read every entry of the archive, for what is to be left out is in no stored state. That costs as long as folding
the run: a few seconds for ten minutes of ten workers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.model import events as ev
from tidal.model.belief import Reach, believed
from tidal.model.codec import LOG, BadEntry, understood
from tidal.model.cuts import Knife, cut_frame
from tidal.model.fold import fold, fold_entry
from tidal.model.segments import Pieces, add_all, phases_of
from tidal.model.state import ReportHalf, State
from tidal.model.struct import replace
from tidal.replay import Replay, ReplayFeed, demand_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.archive import Archive
    from tidal.model.closeup import Focus
    from tidal.model.codec import Entry
    from tidal.model.cuts import Cut
    from tidal.model.events import PlanSet
    from tidal.model.rows import Frame
    from tidal.model.segments import Phase

PLANS_MAX = 10_000
KEEP_MS, KEPT_MAX = 10_000, 200


class Cutting(NamedTuple):
    """A run as a cut left it, at its end.

    Attributes:
        whole: the state of all of it.
        left: the state of what is left.
        missing: whether the recording begins with a stored state: what lies before it is in sums alone, and left out.
        across: requests that went because they were reported together with seconds that go.
    """

    whole: State
    left: State
    last_ms: int
    missing: bool
    across: int = 0


def cut_out(archive: Archive, cut: Cut) -> Cutting:
    """Fold what a cut leaves; ArchiveDamaged when it cannot be read to its end."""
    replay = Replay(archive)
    whole = demand_run(replay.final(), archive.path)
    knife = Knife(cut, whole.log.incarnations, whole.log.began_ms)
    state, missing = _beginning(archive)
    for entry in archive.entries():
        _fold(state, entry, knife)
    return Cutting(whole, state, replay.last_ms, missing, knife.across)


def _beginning(archive: Archive) -> tuple[State, bool]:
    """Nothing, or of a recording without its beginning what masters had written up to there."""
    first = next((b for b in archive.blocks if b.kind in {ENTRIES, KEYFRAME}), None)
    if first is None or first.kind != KEYFRAME:
        return State(), False
    keyframe = archive.read_keyframe(first)
    try:
        state = State.unpacked(keyframe.state) if keyframe is not None else State()
    except (BadEntry, ValueError):
        return State(), True
    return replace(state, reports=ReportHalf()), True


def _fold(state: State, entry: Entry, knife: Knife) -> None:
    signed = understood(entry) if entry.stream != LOG else None
    if not isinstance(signed, ev.ByWorker):
        fold_entry(state, entry)
        return
    state.position[entry.stream] = entry.id
    across, left = knife.across, knife.of(signed)
    if left is not None and not _counted(state, left, entry):
        knife.across = across  # it was there before


def _counted(state: State, signed: ev.ByWorker, entry: Entry) -> bool:
    """Fold what a worker wrote; whether it was new: of what is, a part may be refused."""
    before = _reached(state, signed.incarnation)
    fold(state, signed, str(entry.id))
    return _reached(state, signed.incarnation) != before


def _reached(state: State, incarnation: str) -> tuple[int, dict[int, int]]:
    """Which of its entries were counted."""
    record = state.reports.incarnations.get(incarnation)
    return (0, {}) if record is None else (record.watermark, dict(record.ahead))


# ------------------------------------------------------------------ a replay of what is left


class _Kept(NamedTuple):
    """A moment, the entries before it, what the knife had counted by then, the state."""

    at_ms: int = 0
    entries: int = 0
    across: int = 0
    packed: bytes = b""


class CutFeed(ReplayFeed):
    """A replay of what a cut leaves. It folds from the beginning, so it keeps states of its own to go back to."""

    def __init__(self, archive: Archive, cut: Cut, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(archive, clock)
        whole = Replay(archive).final()
        self._archive, self._cut = archive, cut
        self._knife = Knife(cut, whole.log.incarnations, whole.log.began_ms)
        self._kept: list[_Kept] = []
        self._begin()

    def _begin(self, kept: _Kept | None = None) -> None:
        self._reached_ms, self._count, self._knife.across, packed = kept or _Kept()
        self._state = State.unpacked(packed) if packed else _beginning(self._archive)[0]
        self._entries = self._archive.entries(after=self._count)
        self._next: Entry | None = None

    def _picture(self, at_ms: int, focus: Focus | None) -> Frame | None:
        if at_ms < self._reached_ms:
            self._begin(max((kept for kept in self._kept if kept.at_ms <= at_ms), default=None))
        self._go_to(1 << 64 if at_ms >= self.last_ms else at_ms)
        self._reached_ms = at_ms
        if not self._state.log.opened_ms:
            return None
        return cut_frame(self._state, at_ms, self._cut, focus, self._knife.across)

    def _go_to(self, at_ms: int) -> None:
        while True:
            entry = self._next or next(self._entries, None)
            if entry is None or entry.id.ms > at_ms:
                self._next = entry
                return
            self._next = None
            _fold(self._state, entry, self._knife)
            self._count += 1
            self._keep(entry.id.ms)

    def _keep(self, now_ms: int) -> None:
        last_ms = self._kept[-1].at_ms if self._kept else self.first_ms
        if now_ms - last_ms >= max(KEEP_MS, (self.last_ms - self.first_ms) // KEPT_MAX):
            self._kept.append(_Kept(now_ms, self._count, self._knife.across, self._state.packed()))


# ------------------------------------------------------------------ pieces


def pieces_of(archive: Archive, cut: Cut | None = None) -> tuple[State, Pieces]:
    """A run's last state, and what it measured by phase, endpoint and second.

    An entry that was handed in twice is counted once, as in every fold.
    """
    whole = demand_run(Replay(archive).final(), archive.path)
    log = whole.log
    knife = Knife(cut, log.incarnations, log.began_ms) if cut else None
    phases = _phases(archive, whole)
    kept_ms = {phase.name: cut.kept_ms(phase.to_ms) - cut.kept_ms(phase.from_ms) for phase in phases} if cut else {}
    pieces = Pieces(phases, log.began_ms, kept_ms=kept_ms)
    state = State()  # only to know what was there before
    for entry, signed in _reports(archive):
        if _counted(state, replace(signed, event=ev.WorkerFinished("")), entry):
            left = knife.of(signed) if knife is not None else signed
            event = believed(left, Reach(state.reports.first_ms, entry.id.ms))[0] if left is not None else None
            if isinstance(event, ev.Reported):
                add_all(pieces, event.blocks)
    pieces.cut_off = knife.across if knife is not None else 0
    return whole, pieces


def _reports(archive: Archive) -> Iterator[tuple[Entry, ev.ByWorker]]:
    for entry in archive.entries():
        if entry.stream != LOG:
            signed = understood(entry)
            if isinstance(signed, ev.ByWorker):
                yield entry, signed


def _phases(archive: Archive, whole: State) -> list[Phase]:
    log = whole.log
    plans: list[PlanSet] = []
    for entry in archive.entries():
        if entry.stream == LOG and entry.kind == ev.PlanSet.KIND and len(plans) < PLANS_MAX:
            signed = understood(entry)
            if isinstance(signed, ev.ByMaster) and isinstance(signed.event, ev.PlanSet):
                plans = [p for p in plans if p.from_ms < signed.event.from_ms] + [signed.event]
    until_ms = log.stopped_ms or log.closed_ms or log.ticked_ms
    end_ms = until_ms - log.began_ms if log.began_ms else 0
    last = plans[-1] if plans else None
    if last is not None and last.end_ms is not None:
        end_ms = min(end_ms, last.end_ms)
    return phases_of(plans, end_ms, last.stages if last is not None else ())
