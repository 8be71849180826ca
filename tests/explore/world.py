"""A fleet in virtual time, the steps that can happen to it, and the laws that hold whatever happens.

    seed ──▶ steps, random ──▶ World.apply ──▶ faults end: it must converge ──▶ a stop: it must close ──▶ its books

A step is a plain tuple, so that a schedule can be printed, replayed and shortened. A step that does not apply (the
worker is dead already) does nothing: any sub-sequence of a schedule is a schedule.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors import FLEET, KEYS, RUN, SimCrew, SimMaster, SimService, SimWorker, SimWriter
from laws import Broken, check_books, signed_of
from tinyredis import TinyServer

from tidal.keys import FleetKeys
from tidal.model import events as ev
from tidal.model import phases
from tidal.model.codec import LOG, REPORTS, ZERO_ID, Entry, EntryId, encode, entry_of, unpack
from tidal.model.fold import fold_entry
from tidal.model.ledger import planned_users
from tidal.model.plan import Mix
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.opening import NOTHING, Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.generator.scheduler import Key

Step = tuple[Any, ...]
BEGIN_US = 1_700_000_000_000_000
SLOTS = 8
CALM_ROUNDS, CLOSE_ROUNDS, CATCH_UP_ROUNDS = 80, 120, 20
ROUND_MS = 250
STALE_MS = 4_000
"""Ticks and reports come once a second; two may be on their way."""
LATELY = 4
"""So many rounds a replica may lag behind: a second."""
IN_TIME_MS = 5
"""Who is no further off Redis time knows what the plan says of now."""
BACK_MS = 1_000
"""So far plan time may go back behind the last tick: it is taken for no other server's clock."""
MEND_ROUNDS = 8
"""Until a master that lives has seen what Redis lost, and mended it."""
CLASSES = (ev.ClassSpec("Buyer", 2.0), ev.ClassSpec("Reader", 1.0))
OPTIONS = ev.RunOptions(
    users=5,
    spawn_rate=5.0,
    stop_timeout_ms=1_000,
    keep_running=True,
    isolation_timeout_ms=6_000,
    masterless_timeout_ms=20_000,
    expect_workers_max_wait_ms=8_000,
)


@dataclass(frozen=True)
class Parts:
    """What the actors are made of: a test puts a broken part in the place of a good one."""

    worker: Callable[..., SimWorker] = SimWorker
    master: Callable[..., SimMaster] = SimMaster
    service: Callable[..., SimService] = SimService
    crew: Callable[..., SimCrew] = SimCrew
    writer: Callable[..., SimWriter] = SimWriter
    fold: Callable[[State, Entry], None] = fold_entry
    whole_share: float = 0.25  # of the schedules, how many are folded in other ways too
    keyframe: Callable[[State], State] = lambda state: State.from_wire(unpack(state.packed(), 1 << 26))


class World:
    """Everything that there is.

    Args:
        parts: what the actors are made of.
        workers: how many there are at first.
        masters: how many there are at first: one serves, the others stand by.
        end_ms: the run's time; None: until it is stopped.
        knows_all: whether no user may ever run twice, whatever its workers have read.
    """

    def __init__(
        self, parts: Parts | None = None, workers: int = 2, end_ms: int | None = None, *, knows_all: bool = False
    ) -> None:
        self._knows_all = knows_all
        self.parts = parts or Parts()
        self.now_us = self.began_us = BEGIN_US
        self._back_ms = 0  # by how much Redis' clock went back in all
        self.redis_off_us = 0  # of Redis' clock: another server's may be wrong
        self.server = TinyServer(self.redis_us)
        self.is_disk_full = False
        self.workers: list[SimWorker] = []
        self.masters: list[SimMaster] = []
        self._pids = 100
        self._wishes = self._born = 0
        self.silent: set[str] = set()  # incarnations whose heartbeat was ever absent
        self._saved: Any = None
        self._lately: deque[Any] = deque(maxlen=LATELY)  # what Redis had, a round apart
        self._busy: list[Any] = []  # who takes a turn at the moment
        self.was_damaged = False
        self._told: dict[str, dict[EntryId, Entry]] = {LOG: {}, REPORTS: {}}
        self._looked = 0  # entries of the log that were looked at for the end
        self._is_closed = False
        isolation_ms = 60_000 if knows_all else OPTIONS.isolation_timeout_ms
        options = replace(OPTIONS, run_time_ms=end_ms, isolation_timeout_ms=isolation_ms)
        opened = ev.RunOpened(RUN, FLEET, "ann", "f.py", (), CLASSES, options, slots=SLOTS)
        self._begin_master(Opening((opened,)))
        for _ in range(workers):
            self._join()

    def redis_us(self) -> int:
        """Redis time."""
        return self.now_us + self.redis_off_us

    def __repr__(self) -> str:
        return f"<World at {self.now_us // 1000 - BEGIN_US // 1000} ms, {self.masters}, {self.workers}>"

    def new_pid(self, worker: SimWorker) -> int:
        """A process id for a child."""
        del worker
        self._pids += 1
        return self._pids

    # ------------------------------------------------------------------ steps

    def apply(self, step: Step) -> None:
        """One step; then what must hold at every moment."""
        getattr(self, "_" + step[0])(*step[1:])
        self.check_users()

    def _note_silence(self) -> None:
        for worker in self.workers:
            if self.server.find(FleetKeys(FLEET).beat(worker.name), bytes) is None:
                self.silent.add(worker.identity.incarnation)

    def _worker(self, index: int) -> SimWorker:
        return self.workers[index % len(self.workers)]

    def _master(self, index: int) -> SimMaster:
        return self.masters[index % len(self.masters)]

    def _pass(self, ms: int) -> None:
        """Time goes by: children live on by themselves."""
        while ms > 0:
            leap_ms = min(ms, ROUND_MS)
            self.now_us += leap_ms * 1000
            ms -= leap_ms
            for worker in self.workers:
                worker.live()
        self._note_silence()

    def _round(self, seed: int) -> None:
        """A quarter of a second in which everybody who can does what it does, in some order."""
        self._pass(ROUND_MS)
        actors: list[Any] = [*self.workers, *self.masters]
        random.Random(seed).shuffle(actors)
        for actor in actors:
            self._act(actor)
        self._lately.append(self.server.snapshot())

    def _act(self, actor: Any) -> None:
        """Everything that somebody does in a round."""
        if isinstance(actor, SimMaster):
            self._do(actor, actor.keep, actor.turn)
        else:
            self._do(actor, actor.turn_beats, actor.turn_tail, actor.turn, actor.turn_sender, actor.turn)

    def _do(self, actor: Any, *turns: Callable[[], None]) -> None:
        """Turns of somebody who lives, and is not in the middle of one."""
        for turn in turns:
            if actor.is_live and actor not in self._busy:
                self._busy.append(actor)
                try:
                    turn()
                finally:
                    self._busy.remove(actor)

    def _beat(self, index: int) -> None:
        worker = self._worker(index)
        self._do(worker, worker.turn_beats)

    def _tail(self, index: int, count: int) -> None:
        worker = self._worker(index)
        self._do(worker, lambda: worker.turn_tail(count))

    def _turn(self, index: int) -> None:
        worker = self._worker(index)
        self._do(worker, worker.turn)

    def _send(self, index: int) -> None:
        worker = self._worker(index)
        self._do(worker, worker.turn_sender)

    def _master_turn(self, index: int) -> None:
        master = self._master(index)
        self._do(master, master.turn)

    def _keep(self, index: int) -> None:
        master = self._master(index)
        self._do(master, master.keep)

    def _race(self, exchanges: int, who: int) -> None:
        """Somebody's round falls between two exchanges of another's turn: so many exchanges from now."""
        actors: list[Any] = [*self.masters, *self.workers]
        self._after(exchanges, lambda: self._act(actors[who % len(actors)]))

    def _after(self, exchanges: int, act: Callable[[], None]) -> None:
        """Something happens between two exchanges, so many from now."""
        self.server.between = act if exchanges <= 0 else lambda: self._after(exchanges - 1, act)

    # ---- faults of workers

    def _join(self) -> None:
        if len(self.workers) < 5:
            self.workers.append(
                self.parts.worker(self, f"w-{len(self.workers)}", 3_600_000_000 * (1 + 7 * len(self.workers)))
            )

    def _kill(self, index: int) -> None:
        if not (worker := self._worker(index)).is_dead:
            worker.die()

    def _freeze(self, index: int) -> None:
        self._worker(index).is_asleep = True

    def _wake(self, index: int) -> None:
        self._worker(index).wake()

    def _suspend(self, index: int) -> None:
        """Its machine sleeps, and its clock with it."""
        if not (worker := self._worker(index)).is_asleep:
            worker.suspended_us = self.now_us
            worker.is_asleep = True

    def _cut(self, index: int) -> None:
        self._worker(index).wire.is_cut = True

    def _mend(self, index: int) -> None:
        self._worker(index).wire.is_cut = False

    def _lose(self, index: int, what: str) -> None:
        self._worker(index).wire.loses = what

    def _drain(self, index: int) -> None:
        if (worker := self._worker(index)).is_live:
            worker.leave()

    def _kill_child(self, index: int) -> None:
        worker = self._worker(index)
        living = [kid for kid in worker.kids if not kid.ended]
        if living and worker.is_live:
            living[-1].die()

    # ---- faults of masters and of Redis

    def _begin_master(self, first: Opening = NOTHING) -> None:
        serving = [m for m in self.masters if not m.is_dead]
        if len(serving) < 3:
            self._born += 1
            made = self.parts.master(self, f"m-{self._born}", first, 3_600_000_000 * self._born)
            if made.sign_in():
                self.masters.append(made)

    def _rivals(self, exchanges: int) -> None:
        """Two masters begin at the same moment: the one between two exchanges of the other."""
        self._after(exchanges, self._begin_master)
        self._begin_master()

    def _kill_master(self, index: int) -> None:
        if not (master := self._master(index)).is_dead:
            master.die()

    def _freeze_master(self, index: int) -> None:
        self._master(index).is_asleep = True

    def _wake_master(self, index: int) -> None:
        self._master(index).wake()

    def _lose_master(self, index: int, what: str) -> None:
        self._master(index).wire.loses = what

    def _cut_master(self, index: int) -> None:
        self._master(index).wire.is_cut = True

    def _mend_master(self, index: int) -> None:
        self._master(index).wire.is_cut = False

    def _disk_full(self) -> None:
        self.is_disk_full = True

    def _disk_free(self) -> None:
        self.is_disk_full = False

    def _save(self) -> None:
        self._saved = self.server.snapshot()

    def _rollback(self, seed: int) -> None:
        """Redis comes back as it was: what was appended since is lost."""
        self._come_back(self._saved, seed)

    def _empty(self, seed: int) -> None:
        """Redis comes back with nothing."""
        self._come_back(({}, {}), seed)

    def _forget(self) -> None:
        """The same before the master has read that its run is open: nobody knows of it yet."""
        if not any(m.state.log.opened_ms for m in self.masters):
            self.server.restore(({}, {}))

    def _failover(self, seed: int, jump_ms: int) -> None:
        """A replica takes over: it lacks the last second, and its clock is another."""
        self._come_back(self._lately[0] if self._lately else None, seed, jump_ms)

    def _come_back(self, snapshot: Any, seed: int, jump_ms: int = 0) -> None:
        """With other data, and a master that lives on and has what it archived: then the run goes on."""
        self._round(seed)  # whoever slept is awake, and has looked
        lease = self.server.find(KEYS.lease, bytes) or b""
        leads = [m for m in self.masters if m.is_live and not m.wire.is_cut and lease.endswith(b":%d" % m.epoch)]
        leads = [m for m in leads if not m.records[-1]._is_behind]  # what is in no archive would be gone
        leads = [m for m in leads if m.state.log.opened_ms]  # before that there is no run that could go on
        if not leads or snapshot is None or not self.server.is_well or self.is_disk_full or self.is_closed:
            return
        ticked_ms = leads[-1].state.log.planned_to_ms
        self._remember()
        self.server.restore(snapshot)
        self.redis_off_us += jump_ms * 1000
        self._back_ms += max(0, -jump_ms)
        self._note_silence()
        self._looked = 0
        for round_ in range(MEND_ROUNDS):
            self._round(seed + round_)
        plan_ms = leads[-1].plan_ms
        if plan_ms is not None and plan_ms < ticked_ms - BACK_MS:
            raise Broken("plan time does not go back", f"{ticked_ms} ms at the last tick, then {plan_ms} ms")

    def _remember(self) -> None:
        """Keep what is in the streams and in archives: it happened, whatever Redis says."""
        for stream in (LOG, REPORTS):
            read = [e for m in self.masters for r in m.records for e in r.file.entries if e.stream == stream]
            self._told[stream].update((e.id, e) for e in read)
        self.was_damaged = True

    def _full(self) -> None:
        """Redis takes nothing more: `maxmemory`."""
        self.server.is_full = True

    def _room(self) -> None:
        self.server.is_full = False

    def _down(self) -> None:
        self.server.is_down = True

    def _up(self) -> None:
        self.server.is_down = False

    def _echo(self, stream: str, index: int) -> None:
        """An entry comes a second time, late and past every fence: somebody's client tried again."""
        found = self.server.find(KEYS.log if stream == LOG else KEYS.reports, object)
        if found is not None and found.entries and self.server.is_well:
            fields = found.entries[index % len(found.entries)][1]
            self.server.do_xadd(KEYS.log if stream == LOG else KEYS.reports, dict(fields))

    # ---- what people want

    def _want(self, users: int, rate: float) -> None:
        self._intend(ev.WantTarget(users, rate))

    def _stop(self) -> None:
        self._intend(ev.WantStop("enough"))

    def _pause(self) -> None:
        self._intend(ev.WantPause())

    def _resume(self) -> None:
        self._intend(ev.WantResume())

    def _let_go(self, index: int) -> None:
        """An operator drains a worker."""
        self._intend(ev.WantDrain(f"w{1 + index}"))

    def _intend(self, event: ev.Event) -> None:
        if not self.server.is_well:
            return
        self._wishes += 1
        signed = ev.ByOperator(f"i{self._wishes}", "ann", self.redis_us() // 1000, event)
        self.server.do_xadd(KEYS.intents, dict(encode(signed)))

    def _ghost(self, index: int) -> None:
        """A batch of an older epoch reaches the log late, past every fence of the server's."""
        entries = self.entries(LOG)
        signed = [s for e in entries if (s := signed_of(e)) is not None]
        newest = max((s.epoch for s in signed), default=0)
        old = [s for s in signed if s.epoch < newest]
        if old:
            epoch = old[index % len(old)].epoch
            plan = ev.PlanSet(99, 0, (), None, (), b"\xff\xff" * SLOTS, "a ghost")
            late = ev.ByMaster(epoch, 10_000 + index, self.redis_us() // 1000, plan)
            self.server.do_xadd(KEYS.log, dict(encode(late)))

    # ------------------------------------------------------------------ what is in Redis

    def entries(self, stream: str) -> list[Entry]:
        """A stream with all its generations: what Redis has, and what it had when somebody archived it."""
        found = self.server.find(KEYS.log if stream == LOG else KEYS.reports, object)
        now = [entry_of(stream, EntryId(*i), f) for i, f in found.entries] if found is not None else []
        if not self.was_damaged:
            return now
        self._remember()
        told = self._told[stream]
        return [e for _, e in sorted((told | {e.id: e for e in now if e.id > self._passed(stream)}).items())]

    def _passed(self, stream: str) -> EntryId:
        """Up to where a stream had been read when it began anew: what came to stand before that nobody reads."""
        read = [e.id for e in self._told[stream].values()] if stream == REPORTS else []
        return max(read, default=ZERO_ID)

    def folded(self) -> State:
        """The fold of all of it, the log first."""
        state = State()
        for entry in [*self.entries(LOG), *self.entries(REPORTS)]:
            self.parts.fold(state, entry)
        return state

    # ------------------------------------------------------------------ the laws of every moment

    def check_users(self) -> None:
        """No user runs on two live workers that both know the newest plan and the time, nor twice within one."""
        live = [w for w in self.workers if w.is_live and w.is_in_time(IN_TIME_MS)]
        for worker in live:
            worker.live()
        newest = max((w.known for w in live if w.known is not None), key=lambda known: known[0], default=None)
        known = [w for w in live if newest is not None and (w.known is None or w.known[1] == newest[1])]
        known = live if self._knows_all else known
        where: dict[Key, SimWorker] = {}
        for worker in known:
            for key in worker.run_lists:
                if key in where:
                    raise Broken("one user, one place", f"{key} runs on {where[key]} and {worker}, {newest}")
                where[key] = worker

    # ------------------------------------------------------------------ the end

    def finish(self, seed: int) -> None:
        """Let the faults end, wait until all is as planned; stop, wait until all is closed; then look at the books."""
        self._end_faults()
        chance = random.Random(seed)
        if not self._await(self._is_settled, CALM_ROUNDS, chance):
            raise Broken("planned = running", self._why_unsettled())
        if self.redis_off_us and not self.is_closed:  # who waits for a clock to catch up is found out by then
            for _ in range(CATCH_UP_ROUNDS):
                self.apply(("round", chance.randrange(1 << 30)))
            if not self._await(self._is_settled, CATCH_UP_ROUNDS, chance):
                raise Broken("planned = running", self._why_unsettled())
        self._stop()
        rounds = CLOSE_ROUNDS + self._back_ms // ROUND_MS  # patience with who is gone is counted in Redis time
        if not self._await(lambda: self.is_closed, rounds, chance):
            raise Broken("a stop closes the run", self._why_open())
        check_books(self, chance)

    def _await(self, holds: Callable[[], bool], rounds: int, chance: random.Random) -> bool:
        run = 0
        for _ in range(rounds):
            self.apply(("round", chance.randrange(1 << 30)))
            run = run + 1 if holds() else 0
            if run >= 3:
                return True
            if not any(m.is_live for m in self.masters) and not self.is_closed:
                self._begin_master()
        return False

    def _end_faults(self) -> None:
        self.server.is_down = self.server.is_full = self.is_disk_full = False
        self.server.between = None
        for actor in (*self.workers, *self.masters):
            actor.wake()
            actor.wire.is_cut = False
            actor.wire.loses = ""
        if not any(w.is_live and w.leaving_ms is None for w in self.workers):
            self.workers.append(self.parts.worker(self, f"w-{len(self.workers)}", 3_600_000_000))

    @property
    def master(self) -> SimMaster | None:
        """The one that serves."""
        return next((m for m in self.masters if m.is_live), None)

    def _is_settled(self) -> bool:
        if self.is_closed:
            return not any(w.running for w in self.workers if w.is_live)
        master = self.master
        if master is None or not master.state.log.opened_ms or master.state.log.phase == phases.WAITING:
            return False
        return self._running() == self._planned(master.state) and self._is_delivered() and self._is_up_to_date(master)

    def _is_up_to_date(self, master: SimMaster) -> bool:
        """Whether what screens show is of now: the master ticks, and every worker that serves reports."""
        log, now_ms = master.state.log, self.now_us // 1000
        services = [(w, w.service) for w in self.workers if w.is_live and w.service is not None]
        told = [w.reported_us // 1000 for w, service in services if service.word == "running"]
        ticked_ms = log.ticked_ms - self.redis_off_us // 1000
        return all(abs(now_ms - at_ms) < STALE_MS for at_ms in (ticked_ms, *told))

    def _running(self) -> list[Key]:
        return sorted(key for w in self.workers if w.is_live for key in w.run_lists)

    def _planned(self, state: State) -> list[Key]:
        log = state.log
        if log.phase != phases.RUNNING:
            return []
        count = planned_users(log, self.redis_us() // 1000 - log.began_ms)
        mix = Mix(log.classes)
        return sorted(mix.user(i) for i in range(count))

    def _is_delivered(self) -> bool:
        return all(o.is_sent for w in self.workers if w.is_live and w.service for o in w.service.outboxes)

    @property
    def is_closed(self) -> bool:
        """Whether the log says so."""
        found = self.server.find(KEYS.log, object)
        if found is not None and not self._is_closed:
            self._looked = self._looked if self._looked <= len(found.entries) else 0
            self._is_closed = any(f[b"k"] == b"rc" for _, f in found.entries[self._looked :])
            self._looked = len(found.entries)
        return self._is_closed

    def _why_unsettled(self) -> str:
        master = self.master
        planned = self._planned(master.state) if master is not None else None
        undelivered = [o for w in self.workers if w.is_live and w.service for o in w.service.outboxes if not o.is_sent]
        phase = master.state.log.phase if master is not None else "no master"
        ticked_ms = self.redis_us() // 1000 - master.state.log.ticked_ms if master is not None else 0
        return (
            f"{phase}, ticked {ticked_ms} ms ago; planned {planned}, running {self._running()}; {undelivered}; {self!r}"
        )

    def _why_open(self) -> str:
        return f"{self.folded()!r} {self!r}"
