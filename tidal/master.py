"""The master: read → archive → fold → decide → append, one turn at a time.

`Master.step(now)` is one turn. It decides only from a state that has come back through the log, appends only under
its lease, and acknowledges only what is in the archive and fsynced. What it holds in memory can be had again from the
log, so it may die at any moment: a successor takes the lease, folds from the last keyframe and goes on.

    lease.py    what is done under the lease       keeping.py  archive, acknowledgements, keyframes
    lookout.py  heartbeats, viewers, the clock     renewal.py  streams that Redis lost
    leader.py   the process around it
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import TYPE_CHECKING

from tidal import __version__, paths
from tidal.archive import part_path
from tidal.bus import Bus, BusError
from tidal.errors import Fenced, FleetBusy, NoSuchRun, RunLapsed
from tidal.hookline import HookLine, open_hook_line
from tidal.keeping import Keeping
from tidal.keys import LEASE_TTL_MS, FleetKeys, RunKeys
from tidal.lease import Lease, LeaseKeeper
from tidal.lines import monotonic_us
from tidal.lookout import Lookout
from tidal.model import phases
from tidal.model.clock import Clock
from tidal.model.codec import (
    INTENTS,
    LOG,
    REPORTS,
    ZERO_ID,
    BadEntry,
    EntryId,
    encode,
    entry_of,
    packed_secrets,
)
from tidal.model.counting import settle
from tidal.model.decide import decide
from tidal.model.events import (
    ByMaster,
    Event,
    MasterTook,
    MessageReceived,
    Noted,
    PlanSet,
    RunClosed,
    RunStarted,
    StopOrdered,
    TargetSet,
)
from tidal.model.fold import fold_loosely
from tidal.model.inbox import Inbox
from tidal.model.state import State, unsealed
from tidal.model.target import grant
from tidal.opening import NOTHING, Opening
from tidal.record import Record, header_of
from tidal.renewal import Renewal
from tidal.rhythm import Rhythm, start_rest_ms
from tidal.sayings import MasterLog
from tidal.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READ_BLOCK_MS = 50
READ_COUNT = 1_000
APPEND_MAX = 20
"""Entries in one transaction: chunks of files are large."""
TURNS = (PlanSet, TargetSet, StopOrdered, RunStarted, RunClosed)
"""Events after which a wish of user code waits for the next turn: it must be judged by the state that they make."""
CUT_OFF_MS = 3_000
"""Without a lifeline and without Redis there is nothing left to do."""


class Master:
    """One life of the master of one run.

    Args:
        bus: the connection for everything but the lease's renewal.
        run: the run's id.
        first: what to open a new run with; nothing to take over a run that there is.
        file: the locustfile on this machine; without it a hook host runs what the log ships.
        now_us: this machine's monotonic clock.
    """

    _keeping: Keeping  # from `take` on

    def __init__(
        self, bus: Bus, run: str, first: Opening = NOTHING, file: str = "", *, now_us: Callable[[], int] = monotonic_us
    ) -> None:
        self._now_us = now_us
        self._bus, self.run, self._keys = bus, run, RunKeys(run)
        self._lease = Lease(bus, self._keys, lambda _, epoch: self._open_keeper(epoch))
        self._first = list(first.events)
        self._secrets = first.secrets
        self._file = file
        self._hooks: HookLine | None = None
        self._hooks_from: EntryId = ZERO_ID  # custom messages of before are of another master's host
        self.clock = Clock()
        self.state = State()
        self._lookout = Lookout(bus, self._keys, self.clock, now_us() // 1000, self.note)
        self._notes: list[Noted] = []
        self._said = MasterLog("tidal master", lambda: self._now_us() // 1000)
        self._inbox = Inbox()
        self._appended: EntryId = ZERO_ID  # decide again only when this was read back
        self._rhythm = Rhythm()
        self._settling = True  # read to the end of the log before deciding
        self.lifeline_cut_ms: int | None = None
        self._answered_ms = now_us() // 1000
        self.stop_wanted = ""
        self._must_retake = False
        self._renewal = Renewal(bus, self._keys)
        self._trouble = Trouble()
        self._unfinished = ""  # why a generation was begun that is not whole in the log
        self._closing = False  # the close is appended and not read back: no report counts any more

    def __repr__(self) -> str:
        return f"<Master of {self.run}, epoch {self.epoch}, {self.state}>"

    @property
    def epoch(self) -> int:
        """Of this life; 0 before it has the lease."""
        return self._lease.epoch

    # ------------------------------------------------------------------ the beginning

    def take(self, *, patience_ms: int = 3 * LEASE_TTL_MS) -> None:
        """Take the lease, fold what there is and sign in; Fenced when another master holds on to it."""
        until_ms = self._now_us() // 1000 + patience_ms
        while not self._lease.take():
            if self._now_us() // 1000 > until_ms:
                raise Fenced(f"run {self.run} has a master that is alive")
            time.sleep(0.2)
        self.clock.sample(*self._bus.time_us())
        self._keeping = Keeping(self._lease, self._open_record(self.epoch))
        if not self._first:
            self._take_over()
        self._hooks_from = EntryId(self.state.log.ticked_ms, 0)
        self._inbox.begin_after(self.state.log.answered_ms)
        self._sign_in()

    def _sign_in(self) -> None:
        """The first entries of this life; of a new run, those that open it."""
        if self._first and self._secrets:
            self._renewal.secrets = packed_secrets(self._secrets)
            self._bus.store_secrets(self._keys, self._renewal.secrets)  # before anybody reads that there is a run
        self._append([_signed_in(), *self._first])

    def _take_over(self) -> None:
        """Fold what there is, the log before the reports: it says where they end."""
        self._load_keyframe()
        for streams in ((LOG,), (LOG, REPORTS)):
            while self._read(None, streams):
                pass
        log = self.state.log
        if not log.opened_ms:
            raise NoSuchRun(f"run {self.run} has no log in {self._bus.shown}")
        if log.epoch >= self.epoch and not self._lease.take(log.epoch):  # Redis had lost the highest
            raise Fenced(f"run {self.run} has a master that is alive")
        self._renewal.collect(log)

    def _open_keeper(self, epoch: int) -> LeaseKeeper:
        return LeaseKeeper(self._bus.url, self._keys, self._lease.token, epoch)

    def _open_record(self, epoch: int) -> Record:
        part = part_path(paths.archive_path(self.run), epoch)
        streams = {LOG: self._keys.log, REPORTS: self._keys.reports}
        return Record(part, header_of(self.run, epoch, self._bus), self._bus, streams, self.note)

    def _load_keyframe(self) -> None:
        stored = self._bus.load_keyframe(self._keys)
        with contextlib.suppress(BadEntry, ValueError):  # a keyframe only saves time: the log is the truth
            if stored is not None:
                packed = unsealed(stored)
                self.state = State.unpacked(packed)
                self._keeping.begin_at(packed, self.state)

    def note(self, level: str, text: str) -> None:
        """Write a note of the master's own into the log, with the next events."""
        self._said.tell(text)
        self._notes.append(Noted("master", level, text))

    # ------------------------------------------------------------------ a turn

    def step(self, now_ms: int) -> bool:
        """One turn; True when the run is closed and everything of it is safe. `now_ms` is monotonic."""
        try:
            if self._must_retake:
                self._retake(now_ms)
            self._mend(now_ms)
            time.sleep(self._rhythm.wait_ms(self.state.log, self._now_us() // 1000) / 1000)
            self._rhythm.read(self._now_us() // 1000)
            caught_up = self._read_up()
            is_time = self._rhythm.is_time(self.state.log, now_ms)
            if is_time and (self._hooks is not None or self._rhythm.is_count(self.state.log, now_ms)):
                settle(self.state.reports)
            self._keeping.turn(self.state, now_ms)
            self._lookout.turn(self.state, now_ms)
            self._settling = self._settling and not caught_up
            if is_time and not self._settling and self.state.position[LOG] >= self._appended:
                self._closing = False
                self._turn(now_ms)
            self._answered_ms = now_ms
            self._tell_recovery(now_ms)
        except Fenced:
            if self._must_retake:
                raise
            self._must_retake = True
            return False
        except BusError as error:
            self._lost_redis(error, now_ms)
        return self.state.log.phase == phases.CLOSED

    def _turn(self, now_ms: int) -> None:
        """What is done once all is read, what we appended too."""
        if self.state.log.opened_ms:
            self._first = []
        elif self._first:  # Redis lost it before anybody had read it, or took only a part of it
            self._take_again()
            self._sign_in()
            return
        self._attend_hooks(now_ms)
        self._decide(now_ms)

    def _read_up(self) -> bool:
        """Read what is new, waiting a moment for it; whether that was all. It is not counted yet.

        Before the start without a BLOCK: an idle Redis ends one 100 ms late.
        """
        if self.state.log.phase != phases.WAITING:
            return not self._read(READ_BLOCK_MS, is_counted=False)
        caught_up = not self._read(None)
        if caught_up:
            rest_ms = start_rest_ms(self.state.log, self.clock.redis_ms(self._now_us()))
            select.select(self._hooks.ears if self._hooks is not None else [], [], [], rest_ms / 1000)
        return caught_up

    def _read(
        self, block_ms: int | None, streams: tuple[str, ...] = (LOG, REPORTS, INTENTS), *, is_counted: bool = True
    ) -> bool:
        """Read, archive and fold; whether the log or the reports had more to give."""
        keys = {self._keys.log: LOG, self._keys.reports: REPORTS, self._keys.intents: INTENTS}
        keys = {key: stream for key, stream in keys.items() if stream in streams}
        if self._closing:
            keys.pop(self._keys.reports, None)
        at = {key: self.state.position.get(stream, self._inbox.at) for key, stream in keys.items()}
        found = self._bus.read(at, block_ms=block_ms, count=READ_COUNT)
        try:
            for key, entry_id, fields in found:
                self._take(keys[key], entry_id, fields)
        finally:
            if is_counted:
                settle(self.state.reports)
        self._renewal.check_generation(self.state.log)
        return any(keys[key] == LOG for key, _, _ in found) or len(found) >= READ_COUNT

    def _take(self, stream: str, entry_id: EntryId, fields: dict[bytes, bytes]) -> None:
        entry = entry_of(stream, entry_id, fields)
        if stream == INTENTS:
            self._inbox.take(entry, self.state.log)
            return
        end = self.state.log.reports_end
        if stream == REPORTS and end is not None and entry_id > end:
            return
        self._renewal.take(entry)
        self._keeping.take(entry)
        fold_loosely(self.state, entry)
        if entry.kind == MessageReceived.KIND and self._hooks is not None and entry.id >= self._hooks_from:
            self._hooks.overhear(entry)

    def _decide(self, now_ms: int) -> None:
        redis_ms = self.clock.redis_ms(self._now_us())
        has_host = self._hooks is not None and self._hooks.is_there
        senses = self._lookout.senses(redis_ms, now_ms, self._inbox.pending(self.state.log), has_host=has_host)
        events = decide(self.state, senses)
        granted = 0
        if self._hooks is not None and not any(isinstance(e, TURNS) for e in events):
            wishes = list(self._hooks.wishes)
            wanted, granted = grant(self.state, wishes, redis_ms)
            events += wanted
        events += self._stop_if_wanted()
        if not events and self.state.log.began_ms and self._keeping.is_keyframe_due(self.state.log, now_ms):
            settle(self.state.reports)
            events = [self._keeping.keyframe(self.state, redis_ms)]
        events = self._said.joined(events, self._hooks.taken_lines() if self._hooks else (), redis_ms)
        if any(isinstance(e, RunClosed) for e in events):
            events.insert(0, self._keeping.keyframe(self.state, redis_ms))  # the last hash covers all but the end
        if not events and not self._notes:
            self._trim(now_ms)
        if events or self._notes:
            notes = list(self._notes)
            self._append([*events, *notes])
            del self._notes[: len(notes)]  # only once they are in the log
            self._said.logged(events)
        for _ in range(granted):
            self._hooks.wishes.popleft()  # type: ignore[union-attr]

    def _trim(self, now_ms: int) -> None:
        """Cut the streams in Redis when they are too large; a log that is cut gets the shipped files anew."""
        cut = self._keeping.to_trim(self.state, now_ms, self._renewal.lengths)
        if not cut:
            return
        if LOG in cut:
            self._append(self._renewal.chunks)
        gone = self._lease.trim({getattr(self._keys, name): before for name, before in cut.items()})
        self._renewal.trimmed()
        self._said.say("info", f"{gone} archived entries trimmed from Redis (--log-budget)")

    def _stop_if_wanted(self) -> list[Event]:
        """The end that a signal or a busy fleet asks for."""
        log, holder = self.state.log, self._lookout.holder
        if log.phase == phases.WAITING and holder not in {"", self.run}:
            why = f"the fleet {log.fleet} is busy with run {holder}"
            return [StopOrdered("refused", why, "", log.options.stop_timeout_ms, FleetBusy.exit_code)]
        if self.stop_wanted and log.phase in {phases.WAITING, phases.RUNNING}:
            # A run whose supervisor was killed did not do what was asked of it, however well it went until then.
            code = None if self.lifeline_cut_ms is None else RunLapsed.exit_code
            return [StopOrdered("stopped", self.stop_wanted, "", log.options.stop_timeout_ms, code)]
        return []

    def _attend_hooks(self, now_ms: int) -> None:
        """Have the hook host, once the run is open and its file has something for it to do."""
        log = self.state.log
        if self._hooks is None and log.opened_ms and log.needs_host and log.phase != phases.CLOSED:
            self._hooks = open_hook_line(self._bus, self._keys, log, self._file, self.note)
        if self._hooks is not None:
            self._hooks.turn(self.state, now_ms, self.clock.redis_ms(self._now_us()))

    def _append(self, events: Sequence[Event]) -> None:
        """Append under the lease; what became of it after an error is known only from the log."""
        self._closing = self._closing or any(isinstance(event, RunClosed) for event in events)
        self._append_encoded(self._encoded(events))

    def _encoded(self, events: Sequence[Event]) -> list[dict[bytes, bytes]]:
        n = self.state.log.n if self.state.log.epoch == self.epoch else 0
        at_ms = self.clock.redis_ms(self._now_us())
        return [encode(ByMaster(self.epoch, n + i, at_ms, event)) for i, event in enumerate(events, 1)]

    def _append_encoded(self, fields: Sequence[dict[bytes, bytes]]) -> None:
        try:
            for begin in range(0, len(fields), APPEND_MAX):
                self._appended = self._lease.append(fields[begin : begin + APPEND_MAX])[-1]
                self._renewal.appended(self._appended)
        except BusError:
            self._appended, self._settling = ZERO_ID, True
            raise

    # ------------------------------------------------------------------ beginning again

    def _retake(self, now_ms: int) -> None:
        """The lease is not ours any more: take it again when it lapsed, stop when somebody else has it."""
        self._renewal.check_generation(self.state.log)
        self._take_again()
        if not self._begin_generation(self._renewal.look(self.state, now_ms, at_once=True)):
            self._append([_signed_in()])
        self._must_retake = False  # only now: to be fenced in here is the end

    def _take_again(self) -> None:
        if not self._lease.take(self.state.log.epoch):
            raise Fenced(f"another master has taken over run {self.run}; this one (epoch {self.epoch}) stops")
        self._settling, self._appended = True, ZERO_ID
        while self._read(None):
            pass

    def _mend(self, now_ms: int) -> None:
        """See to it that the streams in Redis are those that were read."""
        why = self._unfinished or self._renewal.look(self.state, now_ms)
        if self._renewal.has_lost(self._appended):
            self._settling, self._appended = True, ZERO_ID
        if why and self.state.log.opened_ms:
            self._take_again()
            self._begin_generation(why)
        self._renewal.raise_ids(self._lease, self.state)

    def _begin_generation(self, why: str) -> bool:
        """Begin the streams anew from the state, in an epoch of its own; False without a reason."""
        self._unfinished = why
        if not why:
            return False
        self._said.say("warning", f"Redis lost a part of the run ({why}): begun anew from its state")
        events = [_signed_in(), *self._renewal.chunks, self._renewal.event(self.state, why)]
        fields = self._encoded(events)
        redis_ms = self.clock.redis_ms(self._now_us())
        self._keeping.generation(self.state)
        self._renewal.begin(self._lease, self.state, redis_ms, fields[0])
        self._append_encoded(fields[1:])
        self._unfinished = ""
        self._inbox.at = ZERO_ID  # those that were answered are known
        self._lookout.hurry()
        return True

    def _lost_redis(self, error: BusError, now_ms: int) -> None:
        self._trouble = self._trouble.met(str(error), now_ms, self._said)
        self._lookout.redis_failed(now_ms)
        self._keeping.redis_failed()
        self._renewal.hurry()
        self._settling, self._appended = True, ZERO_ID  # what was not read back may be gone with Redis
        cut_ms = self.lifeline_cut_ms
        if cut_ms is not None and now_ms - max(cut_ms, self._answered_ms) > CUT_OFF_MS:
            raise RunLapsed(f"run {self.run} ended with the processes that served it: {error}") from error
        time.sleep(0.1)

    def _tell_recovery(self, now_ms: int) -> None:
        """Write down that Redis had failed, once that is surely over."""
        if self._trouble.is_over(now_ms):
            self.note("warning", f"{self._trouble.in_words()}: the load went on, and nothing is lost")
            self._trouble = Trouble()

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Make everything safe, tell nobody that there is a run any more, give the lease back."""
        self._end_hooks()
        closed = self.state.log.phase == phases.CLOSED
        self._keeping.close(self.state, paths.archive_path(self.run), closed=closed)
        if closed:
            self._bus.forget_secrets(self._keys)
            self._bus.withdraw_run(FleetKeys(self.state.log.fleet), self.run)
        self._lease.release()

    def _end_hooks(self) -> None:
        if self._hooks is not None:
            self._hooks.stop()

    def abandon(self) -> None:
        """Leave the archive readable when Redis is gone or another master is there."""
        self._end_hooks()
        self._lease.stop()
        if hasattr(self, "_keeping"):  # else it came to nothing before there was one
            self._keeping.abandon()


def _signed_in() -> MasterTook:
    return MasterTook(socket.gethostname()[:60], os.getpid(), __version__)
