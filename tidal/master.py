"""The master: read → archive → fold → decide → append, one turn at a time.

`Master.step(now)` is one turn. It decides only from a state that has come back through the log, appends only under
its lease, and acknowledges only what is in the archive and fsynced. What it holds in memory can be had again from the
log, so it may die at any moment: a successor takes the lease, folds from the last keyframe and goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from tidal import __version__, paths
from tidal.archive import finish, part_path
from tidal.bus import Bus, BusError
from tidal.errors import Fenced, FleetBusy, NoSuchRun, RunLapsed, TidalError
from tidal.hookline import HookLine, open_hook_line
from tidal.keys import ANNOUNCE_TTL_MS, LEASE_TTL_MS, FleetKeys, RunKeys
from tidal.launch import LaunchSpec
from tidal.lease import LeaseKeeper
from tidal.lines import monotonic_ms, monotonic_us
from tidal.model import phases
from tidal.model.clock import Clock
from tidal.model.codec import (
    INTENTS,
    LOG,
    REPORTS,
    ZERO_ID,
    BadEntry,
    Entry,
    EntryId,
    decode,
    encode,
    entry_of,
    pack,
    packed_secrets,
    unpack,
)
from tidal.model.decide import Senses, decide
from tidal.model.events import (
    ByMaster,
    ByOperator,
    ByWorker,
    Checkpoint,
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
from tidal.model.fold import fold_entry
from tidal.model.liveness import POLL_MS, Heartbeat, Liveness
from tidal.model.pipe import Message
from tidal.model.state import State, digest_of
from tidal.model.target import grant
from tidal.model.wire import from_wire
from tidal.opening import NOTHING, Opening, new_run_id, open_run
from tidal.record import Record
from tidal.rights import require

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidal.model.state import WorkerRecord

READ_BLOCK_MS = 50
READ_COUNT = 1_000
SYNC_MS = 500
KEYFRAME_MS = 10_000
KEYFRAME_BYTES_MAX = 256 * 1024 * 1024
ANNOUNCE_MS = 10_000
PRESENCE_MS = 1_000
INTENTS_PENDING_MAX = 100
INTENTS_LOOK_BACK_MS = 60_000
"""A successor reads intents from so long before the last answered one: further back all are answered."""
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

    def __init__(
        self, bus: Bus, run: str, first: Opening = NOTHING, file: str = "", *, now_us: Callable[[], int] = monotonic_us
    ) -> None:
        self._now_us = now_us
        self._bus, self.run, self._keys = bus, run, RunKeys(run)
        self._token = secrets.token_hex(12)
        self._first = list(first.events)
        self._secrets = first.secrets
        self._file = file
        self._hooks: HookLine | None = None
        self._hooks_from: EntryId = ZERO_ID  # custom messages of before are of another master's host
        self.clock = Clock()
        self.state = State()
        self._record: Record | None = None
        self._notes: list[Noted] = []
        self._keeper: LeaseKeeper | None = None
        self._liveness = Liveness()
        self._intents: dict[str, ByOperator] = {}
        self._intents_at: EntryId = ZERO_ID
        self.epoch = 0
        self._appended: EntryId = ZERO_ID  # decide again only when this was read back
        self._settling = True  # read to the end of the log before deciding
        self._due = dict.fromkeys(("sync", "look", "keyframe", "announce", "watched", "clock"), 0)
        self._senses = Senses(0)
        self._watched_ms = now_us() // 1000
        self._acked: dict[str, int] = {}
        self._announced_phase = ""
        self.lifeline_cut_ms: int | None = None
        self._answered_ms = now_us() // 1000
        self.stop_wanted = ""
        self._stop_code: int | None = None
        self._must_retake = False

    def __repr__(self) -> str:
        return f"<Master of {self.run}, epoch {self.epoch}, {self.state}>"

    # ------------------------------------------------------------------ the beginning

    def take(self, *, patience_ms: int = 3 * LEASE_TTL_MS) -> None:
        """Take the lease, fold what there is and sign in; Fenced when another master holds on to it."""
        until_ms = self._now_us() // 1000 + patience_ms
        while not (epoch := self._bus.take_lease(self._keys, self._token)):
            if self._now_us() // 1000 > until_ms:
                raise Fenced(f"run {self.run} has a master that is alive")
            self._rest(0.2)
        self._begin_epoch(epoch)
        self.clock.sample(*self._bus.time_us())
        self._record = self._open_record(epoch)
        if not self._first:
            self._load_keyframe()
            while self._read(None):
                pass
            if not self.state.log.opened_ms:
                raise NoSuchRun(f"run {self.run} has no log in {self._bus.shown}")
        answered_ms = self.state.log.answered_ms
        self._hooks_from = EntryId(self.state.log.ticked_ms, 0)
        self._intents_at = EntryId(max(0, answered_ms - INTENTS_LOOK_BACK_MS), 0)
        if self._first and self._secrets:
            self._bus.store_secrets(
                self._keys, packed_secrets(self._secrets)
            )  # before anybody reads that there is a run
        self._append([MasterTook(socket.gethostname()[:60], os.getpid(), __version__), *self._first])
        self._first = []

    def _begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        if self._keeper is not None:
            self._keeper.stop()
        self._keeper = self._open_keeper(epoch)

    def _open_keeper(self, epoch: int) -> LeaseKeeper:
        return LeaseKeeper(self._bus.url, self._keys, self._token, epoch)

    def _open_record(self, epoch: int) -> Record:
        part = part_path(paths.archive_path(self.run), epoch)
        streams = {LOG: self._keys.log, REPORTS: self._keys.reports}
        return Record(part, {"run": self.run, "epoch": epoch}, self._bus, streams, self._note)

    def _rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def _load_keyframe(self) -> None:
        packed = self._bus.load_keyframe(self._keys)
        if packed is None:
            return
        try:
            self.state = State.from_wire(unpack(packed, KEYFRAME_BYTES_MAX))
        except (BadEntry, ValueError):
            self.state = State()  # a keyframe only saves time: the log is the truth
            return
        if self._record is not None:
            self._record.begin_at(packed, self.state.position, max(self.state.log.ticked_ms, self.state.log.opened_ms))

    def _note(self, level: str, text: str) -> None:
        """Write a note of the master's own into the log, with the next events."""
        print(f"tidal master: {text}", file=sys.stderr, flush=True)
        self._notes.append(Noted("master", level, text))

    # ------------------------------------------------------------------ a turn

    def step(self, now_ms: int) -> bool:
        """One turn; True when the run is closed and everything of it is safe. `now_ms` is monotonic."""
        try:
            if self._must_retake:
                self._retake()
            caught_up = not self._read(READ_BLOCK_MS)
            self._sync_if_due(now_ms)
            self._look_if_due(now_ms)
            self._settling = self._settling and not caught_up
            if not self._settling and self.state.position[LOG] >= self._appended:
                self._attend_hooks(now_ms)
                self._decide(now_ms)
            self._answered_ms = now_ms
        except Fenced:
            if self._must_retake:
                raise
            self._must_retake = True
        except BusError as error:
            self._lost_redis(error, now_ms)
        return self.state.log.phase == phases.CLOSED

    def _read(self, block_ms: int | None) -> bool:
        """Read, archive and fold; whether the log or the reports had more to give."""
        keys = {self._keys.log: LOG, self._keys.reports: REPORTS, self._keys.intents: INTENTS}
        at = {self._keys.intents: self._intents_at}
        at |= {key: self.state.position[stream] for key, stream in keys.items() if stream != INTENTS}
        found = self._bus.read(at, block_ms=block_ms, count=READ_COUNT)
        for key, entry_id, fields in found:
            self._take(keys[key], entry_id, fields)
        return any(keys[key] == LOG for key, _, _ in found) or len(found) >= READ_COUNT

    def _take(self, stream: str, entry_id: EntryId, fields: dict[bytes, bytes]) -> None:
        entry = entry_of(stream, entry_id, fields)
        if stream == INTENTS:
            self._take_intent(entry)
            return
        if self._record is not None:
            self._record.take(entry)
        fold_entry(self.state, entry)
        if entry.kind == MessageReceived.KIND and self._hooks is not None and entry.id >= self._hooks_from:
            self._hand_over(entry)

    def _hand_over(self, entry: Entry) -> None:
        """A custom message of a worker's user code, for user code on this side."""
        try:
            signed = decode(entry)
        except BadEntry:
            return
        event = signed.event if isinstance(signed, ByWorker) else None
        if isinstance(event, MessageReceived) and self._hooks is not None:
            self._hooks.hear(Message(event.type, event.data, event.client))

    def _take_intent(self, entry: Entry) -> None:
        self._intents_at = entry.id
        try:
            signed = decode(entry)
        except BadEntry:
            return
        if isinstance(signed, ByOperator) and signed.id in self.state.log.intents:
            return
        if isinstance(signed, ByOperator) and len(self._intents) < INTENTS_PENDING_MAX:
            self._intents[signed.id] = signed

    def _decide(self, now_ms: int) -> None:
        self._intents = {i: s for i, s in self._intents.items() if i not in self.state.log.intents}
        redis_ms = self.clock.redis_ms(self._now_us())
        events = decide(self.state, self._sensed(redis_ms, now_ms))
        granted = 0
        if self._hooks is not None and not any(isinstance(e, TURNS) for e in events):
            wishes = list(self._hooks.wishes)
            wanted, granted = grant(self.state, wishes, redis_ms)
            events += wanted
        if self.stop_wanted and self.state.log.phase in {phases.WAITING, phases.RUNNING}:
            timeout_ms = self.state.log.options.stop_timeout_ms
            outcome = "stopped" if self._stop_code is None else "refused"
            events.append(StopOrdered(outcome, self.stop_wanted, "", timeout_ms, self._stop_code))
        if not events and now_ms >= self._due["keyframe"] and self.state.log.began_ms:
            self._due["keyframe"] = now_ms + KEYFRAME_MS
            events = [self._keyframe()]
        if events or self._notes:
            notes = list(self._notes)
            self._append([*events, *notes])
            del self._notes[: len(notes)]  # only once they are in the log
        for _ in range(granted):
            self._hooks.wishes.popleft()  # type: ignore[union-attr]

    def _attend_hooks(self, now_ms: int) -> None:
        """Have the hook host, once the run is open and its file has something for it to do."""
        log = self.state.log
        if self._hooks is None and log.opened_ms and log.needs_host and log.phase != phases.CLOSED:
            self._hooks = open_hook_line(self._bus, self._keys, log, self._file, self._note)
        if self._hooks is not None:
            self._hooks.turn(self.state, now_ms, self.clock.redis_ms(self._now_us()))

    def _sensed(self, redis_ms: int, now_ms: int) -> Senses:
        senses = self._senses
        self._senses = Senses(0, senses.beats, redis_rtt_us=senses.redis_rtt_us)  # what was looked at counts once
        return Senses(
            redis_ms,
            senses.beats,
            senses.looked,
            senses.lost,
            senses.left,
            tuple(self._intents.values()),
            now_ms - self._watched_ms,
            senses.redis_rtt_us,
            has_host=self._hooks is not None and self._hooks.is_there,
        )

    def _append(self, events: Sequence[Event]) -> None:
        """Append under the lease; what became of it after an error is known only from the log."""
        n = self.state.log.n if self.state.log.epoch == self.epoch else 0
        at_ms = self.clock.redis_ms(self._now_us())
        fields = [encode(ByMaster(self.epoch, n + i, at_ms, event)) for i, event in enumerate(events, 1)]
        try:
            for begin in range(0, len(fields), APPEND_MAX):
                part = fields[begin : begin + APPEND_MAX]
                self._appended = self._bus.append_fenced(self._keys, self._token, self.epoch, part)[-1]
        except BusError:
            self._appended, self._settling = ZERO_ID, True
            raise

    def _retake(self) -> None:
        """The lease is not ours any more: take it again when it lapsed, stop when somebody else has it."""
        epoch = self._bus.take_lease(self._keys, self._token)
        if epoch is None:
            raise Fenced(f"another master has taken over run {self.run}; this one (epoch {self.epoch}) stops")
        self._must_retake = False
        self._begin_epoch(epoch)
        self._settling, self._appended = True, ZERO_ID
        while self._read(None):
            pass
        self._append([MasterTook(socket.gethostname()[:60], os.getpid(), __version__)])

    def _lost_redis(self, error: BusError, now_ms: int) -> None:
        self._liveness.poll_failed()
        self._settling = True
        self._acked.clear()
        self._watched_ms = now_ms  # nobody can show presence now
        cut_ms = self.lifeline_cut_ms
        if cut_ms is not None and now_ms - max(cut_ms, self._answered_ms) > CUT_OFF_MS:
            raise RunLapsed(f"run {self.run} ended with the processes that served it: {error}") from error
        self._rest(0.1)

    # ------------------------------------------------------------------ looking around

    def _look_if_due(self, now_ms: int) -> None:
        if now_ms >= self._due["look"]:
            self._due["look"] = now_ms + POLL_MS
            self._look(now_ms)
        if now_ms >= self._due["watched"]:
            self._due["watched"] = now_ms + PRESENCE_MS
            if self._bus.is_watched(self._keys):
                self._watched_ms = now_ms
        phase = self.state.log.phase
        if self.state.log.opened_ms and (now_ms >= self._due["announce"] or phase != self._announced_phase):
            self._due["announce"], self._announced_phase = now_ms + ANNOUNCE_MS, phase
            self._announce()

    def _look(self, now_ms: int) -> None:
        sent_us, redis_us, received_us = self._bus.time_us()
        self.clock.sample(sent_us, redis_us, received_us)
        found = self._bus.beats(FleetKeys(self.state.log.fleet or "default"))
        beats = {b.incarnation: b for b in map(_heartbeat, found.values()) if b is not None}
        log = self.state.log
        expected = {w.incarnation for w in log.workers.values() if not w.is_gone}
        signed_off = [w.incarnation for w in log.workers.values() if w.worker not in found and self._may_leave(w)]
        rtt_ms = (received_us - sent_us) // 1000
        lost = self._liveness.poll(now_ms, rtt_ms, expected - set(signed_off), set(beats))
        self._senses = Senses(
            0, beats, looked=True, lost=tuple(lost), left=tuple(signed_off), redis_rtt_us=received_us - sent_us
        )

    def _may_leave(self, worker: WorkerRecord) -> bool:
        """Whether a worker that is no longer in the fleet left in order: one that owns slots says when it is done."""
        report = self.state.reports.incarnations.get(worker.incarnation)
        plan = self.state.log.plan
        owns = plan is not None and worker.incarnation in plan.owners
        return not worker.is_gone and (not owns or (report is not None and report.finished))

    def _announce(self) -> None:
        fleet = FleetKeys(self.state.log.fleet)
        holder = self._bus.announce_run(fleet, self.run, ANNOUNCE_TTL_MS)
        if holder != self.run and self.state.log.phase == phases.WAITING:
            self.stop_wanted = f"the fleet {fleet.name} is busy with run {holder}"
            self._stop_code = FleetBusy.exit_code
        log = self.state.log
        summary = {"file": log.file, "opened_ms": log.opened_ms, "phase": log.phase, "fleet": log.fleet}
        self._bus.put_run_summary(self.run, pack(summary))

    # ------------------------------------------------------------------ keeping

    def _sync_if_due(self, now_ms: int) -> None:
        if now_ms >= self._due["sync"]:
            self._due["sync"] = now_ms + SYNC_MS
            self._sync()

    def _sync(self) -> bool:
        """Archive, fsync, then acknowledge: in this order and no other; False when the archive is not whole."""
        if self._record is None or not self._record.sync(self.state.position):
            return False
        safe = {i: r.watermark for i, r in self.state.reports.incarnations.items() if r.watermark}
        new = {i: watermark for i, watermark in safe.items() if self._acked.get(i) != watermark}
        if new:
            self._bus.acknowledge(self._keys, self._token, self.epoch, new)
            self._acked |= new
        return True

    def _keyframe(self) -> Checkpoint:
        packed = self.state.packed()
        if self._record is not None:
            self._record.keyframe(packed, self.state.position, self.clock.redis_ms(self._now_us()))
        self._bus.store_keyframe(self._keys, self._token, self.epoch, packed)
        position = self.state.position
        return Checkpoint(str(position[LOG]), str(position[REPORTS]), digest_of(packed))

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Make everything safe, tell nobody that there is a run any more, give the lease back."""
        self._end_hooks()
        if self._record is None:
            return
        closed = self.state.log.phase == phases.CLOSED
        if closed:
            closed = self._sync()
            self._bus.store_keyframe(self._keys, self._token, self.epoch, self.state.packed())
            self._bus.forget_secrets(self._keys)
            self._bus.withdraw_run(FleetKeys(self.state.log.fleet), self.run)
        self._record.close(final=closed)
        if closed:
            finish(paths.archive_path(self.run))
        if self._keeper is not None:
            self._keeper.stop()
        self._bus.release_lease(self._keys, self._token, self.epoch)

    def _end_hooks(self) -> None:
        if self._hooks is not None:
            self._hooks.stop()

    def abandon(self) -> None:
        """Leave the archive readable when Redis is gone or another master is there."""
        self._end_hooks()
        if self._keeper is not None:
            self._keeper.stop()
        if self._record is not None:
            with contextlib.suppress(OSError):  # a full disk; Redis keeps the run for its successor
                self._record.close(final=False)


def _heartbeat(payload: bytes | None) -> Heartbeat | None:
    """A heartbeat from a key's value; None for an absent key and for nonsense."""
    if payload is None:
        return None
    try:
        beat: Heartbeat = from_wire(Heartbeat, unpack(payload, 16_384))
    except (BadEntry, ValueError, TypeError):
        return None
    return beat


# ---------------------------------------------------------------------- the process


def make_master(spec: LaunchSpec, bus: Bus) -> Master:
    """A master for a new run, or for the run that the spec names."""
    if spec.run:
        return Master(bus, spec.run, file=spec.file)
    fleet = FleetKeys(spec.fleet)
    holder = bus.announced_run(fleet)
    if holder is not None:
        raise FleetBusy(
            f"fleet {spec.fleet!r} is busy with run {holder}: attach to it, stop it, or use another --fleet"
        )
    run = new_run_id(bus.time_us()[1] // 1000)
    return Master(bus, run, open_run(spec, run), spec.file)


def serve(spec: LaunchSpec, *, watch_fd: int | None = None, opened: object = None) -> int:
    """Be the master until the run is closed; returns 0 then.

    Args:
        spec: what to run, or which run to take over.
        watch_fd: at its end of file the run is stopped, as at SIGTERM.
        opened: called with the run's id once it is in the log.
    """
    bus = Bus.connect(spec.redis_url, role="master")
    require(bus, "master", spec.fleet)
    master = make_master(spec, bus)
    _heed_signals(master)
    try:
        master.take()
        if callable(opened):
            opened(master.run)
        while not master.step(monotonic_ms()):
            if watch_fd is not None and _is_cut(watch_fd):
                watch_fd = None
                master.lifeline_cut_ms = monotonic_ms()
                master.stop_wanted = "its supervisor is gone"
        master.close()
    except (TidalError, BusError):
        master.abandon()
        raise
    return 0


def _heed_signals(master: Master) -> None:
    def told(number: int, _frame: object) -> None:
        master.stop_wanted = f"the master was told to stop ({signal.Signals(number).name})"

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)


def _is_cut(fd: int) -> bool:
    readable, _, _ = select.select([fd], [], [], 0)
    return bool(readable) and not os.read(fd, 4096)


def main() -> int:
    """The master of a supervisor: the spec is one line of JSON on stdin, the answer one line of JSON on stdout."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return 0
        line += byte
    spec: LaunchSpec = from_wire(LaunchSpec, json.loads(line))

    def answer(value: dict[str, str]) -> None:
        os.write(1, json.dumps(value).encode() + b"\n")

    try:
        return serve(spec, watch_fd=0, opened=lambda run: answer({"run": run}))
    except TidalError as error:
        answer({"error": type(error).__name__, "message": str(error)})
        return error.exit_code
    except BusError as error:
        answer({"error": "RedisUnreachable", "message": str(error)})
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
