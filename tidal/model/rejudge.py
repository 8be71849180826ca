"""Thresholds against a run that was recorded: what would have tripped, and at which entry of its log.

Each tick of the log names the reports that its master had folded and the seconds that were whole by then. So the
log is folded up to the tick and the reports up to that name, and what a master would have decided there is decided
here, by the same functions. What the run's own thresholds did is left aside: others are judged in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.codec import LOG, REPORTS, EntryId, is_entry_id, understood
from tidal.model.events import ByMaster, ByWorker, Reported, RunClosed, RunOpened, ThresholdTripped, Ticked
from tidal.model.fold import fold, fold_entry
from tidal.model.judging import final_trips, fold_tripped, trips
from tidal.model.state import State
from tidal.model.struct import Struct, field, replace
from tidal.model.watched import watches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.model.codec import Entry


class Rejudged(Struct):
    """The folded run with other thresholds, and where each tripped."""

    state: State = field(default_factory=State)
    entries: dict[str, EntryId] = field(default_factory=dict)  # by the threshold's text


def rejudge(log: Iterable[Entry], reports: Iterable[Entry], thresholds: tuple[str, ...] | None = None) -> Rejudged:
    """Judge a run by these thresholds, or by its own; each stream's entries come once and in order."""
    judged, pending = Rejudged(), _Pending(iter(reports))
    for entry in log:
        _step(judged, entry, pending, thresholds)
    pending.fold_to(judged.state, judged.state.log.reports_end)
    return judged


def _step(judged: Rejudged, entry: Entry, pending: _Pending, thresholds: tuple[str, ...] | None) -> None:
    state = judged.state
    event = _event_of(state, entry)
    if isinstance(event, Ticked | RunClosed):
        if is_entry_id(event.reports_id):
            pending.fold_to(state, EntryId.parse(event.reports_id))
        elif isinstance(event, RunClosed):
            pending.fold_to(state, None)
        found = trips(state, event.judged_to_s) if isinstance(event, Ticked) else final_trips(state)
        for trip in found:
            fold_tripped(state.log, trip, entry.id.ms)
            judged.entries[trip.text] = entry.id
    if isinstance(event, ThresholdTripped):
        state.position[LOG] = entry.id
        return
    fold_entry(state, entry)
    if isinstance(event, RunOpened) and thresholds is not None:
        state.log.options = replace(state.log.options, thresholds=thresholds)


def _event_of(state: State, entry: Entry) -> object:
    """A master's event that the fold would take; None for anything else."""
    signed = understood(entry)
    is_new = isinstance(signed, ByMaster) and (signed.epoch, signed.n) > (state.log.epoch, state.log.n)
    return signed.event if is_new and isinstance(signed, ByMaster) else None


class _Pending(Struct):
    """Reports that are not folded yet."""

    rest: Iterator[Entry]
    ahead: Entry | None = None

    def fold_to(self, state: State, end: EntryId | None) -> None:
        """Fold up to an entry; None: all."""
        entry = self.ahead if self.ahead is not None else next(self.rest, None)
        while entry is not None and (end is None or entry.id <= end):
            _fold_report(state, entry)
            entry = next(self.rest, None)
        self.ahead = entry


def _fold_report(state: State, entry: Entry) -> None:
    """Fold a report, with what these thresholds want kept of it instead of what its worker was told to keep."""
    signed = understood(entry)
    if isinstance(signed, ByWorker) and isinstance(signed.event, Reported):
        state.position[REPORTS] = entry.id
        fold(state, replace(signed, event=replace(signed.event, watch=watches(state.log))), str(entry.id))
    else:
        fold_entry(state, entry)
