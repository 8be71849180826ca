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
from tidal.model.liveness import CROWD, POLL_CROWD_MS, Heartbeat, Liveness
from tidal.model.senses import Senses
from tidal.model.struct import replace
from tidal.model.wire import from_wire
from tidal.model.words import plural
from tidal.rhythm import look_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidal.bus import Bus
    from tidal.keys import RunKeys
    from tidal.model.clock import Clock
    from tidal.model.events import ByOperator
    from tidal.model.state import State, WorkerRecord

ANNOUNCE_MS = 10_000
PRESENCE_MS = 1_000
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
        workers = state.log.workers.values()
        self._looks += 1
        known = {w.worker for w in workers if not w.is_gone}
        found = self._bus.beats(FleetKeys(state.log.fleet or "default"), known, self._looks)
        beats = self._sheaf.read(found, in_full=_is_news(state, len(found), redis_us // 1000))
        expected = {w.incarnation for w in workers if not w.is_gone}
        signed_off = [w.incarnation for w in workers if w.worker not in found and _may_leave(state, w)]
        rtt_us = received_us - sent_us
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


def _is_news(state: State, workers: int, redis_ms: int) -> bool:
    """Whether it matters now what so many workers say of themselves: to all but a crowd that runs, and for a tick."""
    is_tick = redis_ms - state.log.ticked_ms >= TICK_MS - POLL_CROWD_MS // 2
    return is_tick or workers <= CROWD or state.log.phase != phases.RUNNING


class Sheaf:
    """The heartbeats of a fleet.

    Those of a crowd are taken apart once a second, for the tick; in between they only show who is there, by their first
    bytes: worker, incarnation, host and what else stays the same in a life. So who is gone and who came is known as
    soon as ever, and what a worker says of itself up to half a second later.

    Attributes:
        fresh: the incarnations that have beaten since the look before.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, bytes, Heartbeat]] = {}
        self.fresh: set[str] = set()

    def __repr__(self) -> str:
        return f"<Sheaf of {len(self._known)}>"

    def read(self, payloads: Mapping[str, bytes | None], *, in_full: bool) -> dict[str, Heartbeat]:
        """The newest heartbeat of each incarnation; without `in_full` one that was read before may stand for it."""
        former, self._known, self.fresh = self._known, {}, set()
        for worker, payload in payloads.items():
            before, head, beat = former.get(worker, _NOBODY)
            if payload is None:
                continue
            if in_full or beat is None or not payload.startswith(head):
                beat, head = heartbeat_of(payload), payload[: payload.find(_MOMENT)]
            if beat is not None:
                self._known[worker] = (payload, head, beat)
                if payload != before:
                    self.fresh.add(beat.incarnation)
        return {beat.incarnation: beat for _, _, beat in self._known.values()}


_MOMENT = b"\xa5at_ms"
"""The name, as msgpack has it, of a heartbeat's first field that is another one each time."""
_NOBODY: tuple[bytes, bytes, Heartbeat | None] = (b"", b"", None)


def heartbeat_of(payload: bytes | None) -> Heartbeat | None:
    """A heartbeat from a key's value; None for an absent key and for nonsense."""
    if payload is None:
        return None
    try:
        beat: Heartbeat = from_wire(Heartbeat, unpack(payload, 16_384))
    except (BadEntry, ValueError, TypeError):
        return None
    return beat
