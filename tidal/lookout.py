"""What a master sees when it looks around the log: heartbeats, viewers, the clock, and whose the fleet is.

None of it changes the state. It becomes `Senses`, from which `decide` makes events, and what they say is folded only
when they have come back through the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.keys import ANNOUNCE_TTL_MS, FleetKeys
from tidal.model import phases
from tidal.model.attendance import TICK_MS
from tidal.model.codec import BadEntry, pack, unpack
from tidal.model.liveness import BEAT_MS, CROWD, LEASE_MS, POLL_CROWD_MS, Heartbeat, Liveness
from tidal.model.senses import Senses
from tidal.model.struct import replace
from tidal.model.wire import from_wire
from tidal.model.words import plural
from tidal.rhythm import look_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tidal.bus import Bus
    from tidal.keys import RunKeys
    from tidal.model.clock import Clock
    from tidal.model.events import ByOperator
    from tidal.model.state import State, WorkerRecord

ANNOUNCE_MS = 10_000
PRESENCE_MS = 1_000
STALE_MS = LEASE_MS + BEAT_MS
"""A heartbeat that is still there, and the same, after so long: its key lives by a clock of Redis' that went back."""
HOLD_TOLD_MS = 4_000
"""A hold that is shorter is no news: every pause of a master makes one."""


class Lookout:
    """One master's view of what is around its run; `now_ms` is monotonic.

    Args:
        bus: the connection to look through.
        keys: of the run.
        clock: set by each look.
        now_ms: the moment of its making.
        note: takes (level, text): what the operator should see.

    Attributes:
        holder: the run that the fleet serves; "" before it was asked.
    """

    def __init__(
        self, bus: Bus, keys: RunKeys, clock: Clock, now_ms: int, note: Callable[[str, str], None] | None = None
    ) -> None:
        self._bus, self._keys, self._clock = bus, keys, clock
        self._liveness, self._sheaf = Liveness(), Sheaf()
        self._senses = Senses(0)
        self._watched_ms, self._refused_ms = now_ms, -(1 << 40)
        self._due = dict.fromkeys(("look", "announce", "watched"), 0)
        self._looks = 0
        self._announced_phase = ""
        self._note, self._is_hold_told = note, False
        self.holder = ""

    def __repr__(self) -> str:
        return f"<Lookout of {self._keys.run}, {len(self._senses.beats)} workers>"

    def turn(self, state: State, now_ms: int) -> None:
        """Look at what is due; BusError when Redis does not answer."""
        if now_ms >= self._due["look"]:
            self._due["look"] = now_ms + look_ms(state.log, self._clock.redis_ms(now_ms * 1000))
            self._look(state, now_ms)
        if now_ms >= self._due["watched"]:
            self._due["watched"] = now_ms + PRESENCE_MS
            if self._bus.is_watched(self._keys):
                self._watched_ms = now_ms
        phase = state.log.phase
        if state.log.opened_ms and (now_ms >= self._due["announce"] or phase != self._announced_phase):
            self._due["announce"], self._announced_phase = now_ms + ANNOUNCE_MS, phase
            self._announce(state)

    def hurry(self) -> None:
        """Announce the run anew: Redis may have forgotten it."""
        self._due["announce"] = 0

    def redis_failed(self, now_ms: int) -> None:
        """Redis did not answer, or refused: nothing can be said of anybody, and nobody can show presence."""
        self._liveness.poll_failed()
        self._watched_ms = self._refused_ms = now_ms

    def senses(self, redis_ms: int, now_ms: int, intents: tuple[ByOperator, ...], *, has_host: bool) -> Senses:
        """What was seen since the last time; what was looked at counts once."""
        seen = self._senses
        self._senses = Senses(0, seen.beats, redis_rtt_us=seen.redis_rtt_us)
        unwatched_ms, well_ms = now_ms - self._watched_ms, now_ms - self._refused_ms
        seen = replace(seen, now_ms=redis_ms, intents=intents, has_host=has_host)
        return replace(seen, unwatched_ms=unwatched_ms, well_ms=well_ms)

    def _look(self, state: State, now_ms: int) -> None:
        sent_us, redis_us, received_us = self._bus.time_us()
        self._clock.sample(sent_us, redis_us, received_us)
        workers, rtt_us = state.log.workers.values(), received_us - sent_us
        expected, fleet = {w.incarnation for w in workers if not w.is_gone}, FleetKeys(state.log.fleet or "default")
        if self._sheaf.is_enough(state, expected, redis_us // 1000) and self._bus.are_all_alive(fleet, self._sheaf.ids):
            self._liveness.poll(now_ms, rtt_us // 1000, expected, expected, set())
            return
        self._looks += 1
        known = {w.worker for w in workers if not w.is_gone}
        found = self._bus.beats(fleet, known, self._looks)
        beats = self._sheaf.read(found, now_ms)
        signed_off = [w.incarnation for w in workers if w.worker not in found and _may_leave(state, w)]
        due = expected - set(signed_off)
        lost = self._liveness.poll(now_ms, rtt_us // 1000, due, set(beats), self._sheaf.fresh)
        self._tell_hold(now_ms, rtt_us // 1000)
        self._senses = Senses(0, beats, looked=True, lost=tuple(lost), left=tuple(signed_off), redis_rtt_us=rtt_us)

    def _tell_hold(self, now_ms: int, rtt_ms: int) -> None:
        """Say once that Redis is too slow to tell the absent from the lost."""
        count, held_ms = self._liveness.held(now_ms)
        is_long = held_ms > HOLD_TOLD_MS
        if is_long and not self._is_hold_told and self._note is not None:
            limit_s = self._liveness.hold_max_leases * self._liveness.lease_ms // 1000
            why = f"Redis needs {rtt_ms} ms for an answer: called lost after {limit_s} s, not before"
            self._note("warning", f"no heartbeat of {plural(count, 'worker')}, but {why}")
        self._is_hold_told = is_long

    def _announce(self, state: State) -> None:
        log = state.log
        self.holder = self._bus.announce_run(FleetKeys(log.fleet), self._keys.run, ANNOUNCE_TTL_MS)
        summary = {"file": log.file, "opened_ms": log.opened_ms, "phase": log.phase, "fleet": log.fleet}
        self._bus.put_run_summary(self._keys.run, pack(summary))


def _may_leave(state: State, worker: WorkerRecord) -> bool:
    """Whether a worker that is no longer in the fleet left in order: one that owns slots says when it is done."""
    report = state.reports.incarnations.get(worker.incarnation)
    plan = state.log.plan
    owns = plan is not None and worker.incarnation in plan.owners
    return not worker.is_gone and (not owns or (report is not None and report.finished))


class Sheaf:
    """The heartbeats of a fleet.

    Those of a crowd that runs are read once a second, for the tick; in between a look asks Redis for one number: how
    many of them are there. So who is gone is known as soon as ever; who came, or another life under a known id, and
    what a worker says of itself, up to half a second later.

    Attributes:
        fresh: the incarnations that have beaten since they were read before.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, int]] = {}  # what was written, and since when we have seen it
        self._lives: set[str] = set()
        self.fresh: set[str] = set()

    def __repr__(self) -> str:
        return f"<Sheaf of {len(self._known)}>"

    @property
    def ids(self) -> Collection[str]:
        """The workers that had a heartbeat when they were read."""
        return self._known.keys()

    def is_enough(self, state: State, expected: set[str], redis_ms: int) -> bool:
        """Whether it will do to know that all are there: of a crowd that runs, between two ticks, whom it knows."""
        is_tick = redis_ms - state.log.ticked_ms >= TICK_MS - POLL_CROWD_MS // 2
        return not is_tick and len(expected) > CROWD and state.log.phase == phases.RUNNING and expected <= self._lives

    def read(self, payloads: Mapping[str, bytes | None], now_ms: int) -> dict[str, Heartbeat]:
        """The newest heartbeat of each incarnation; of none that has not beaten for longer than its key lives."""
        former, self._known, self.fresh = self._known, {}, set()
        beats: dict[str, Heartbeat] = {}
        for worker, payload in payloads.items():
            beat = heartbeat_of(payload)
            if payload is None or beat is None:
                continue
            is_fresh = worker not in former or payload != former[worker][0]
            since_ms = now_ms if is_fresh else former[worker][1]
            self._known[worker] = (payload, since_ms)
            if is_fresh:
                self.fresh.add(beat.incarnation)
            if now_ms - since_ms <= STALE_MS:
                beats[beat.incarnation] = beat
        self._lives = set(beats)
        return beats


def heartbeat_of(payload: bytes | None) -> Heartbeat | None:
    """A heartbeat from a key's value; None for an absent key and for nonsense."""
    if payload is None:
        return None
    try:
        beat: Heartbeat = from_wire(Heartbeat, unpack(payload, 16_384))
    except (BadEntry, ValueError, TypeError):
        return None
    return beat
