"""The processes of a fleet without processes: tidal's own Master, Agent, Service, Crew and Schedule, in virtual time.

What is replaced is what touches the world: threads (each step of a line is a step of the schedule), children (a pipe's
bytes are handed over in memory, gevent's part is played by `Gen`), files (the archive is a list with a mark up to which
it was fsynced). Every rule is the real one.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyredis import TinyClient, Wire

from tidal.bus import Bus, BusError
from tidal.crew import Crew
from tidal.errors import Fenced
from tidal.generator.clock import PATIENCE_S, RedisClock
from tidal.generator.scheduler import Schedule
from tidal.keys import FleetKeys, RunKeys
from tidal.lines import Beats, Read, Sender, Tail, Trouble
from tidal.master import Master
from tidal.model import phases
from tidal.model.codec import LOG, REPORTS, PipeReader, pack_message
from tidal.model.events import Block
from tidal.model.pipe import Batch, Finish, Finished, Load, Loaded, SetClock, SetShare
from tidal.model.state import sealed
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.record import Record
from tidal.renewal import brief_of
from tidal.service import Identity, Service, WorkerSpec
from tidal.worker import Agent

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import World

    from tidal.generator.scheduler import Key
    from tidal.model.codec import Entry
    from tidal.model.events import Event

RUN, FLEET = "r1", "default"
KEYS = RunKeys(RUN)
BATCH_MS = 250
JUMP_MS = 1_000
REQUESTS_A_SECOND = 3
"""Of each user: enough to tell one count from another."""


class SimBus(Bus):
    """The real bus; only the machine's clock, which it reads beside the server's, is the story's."""

    def __init__(self, wire: Wire, now_us: Callable[[], int], line: str = "") -> None:
        super().__init__(TinyClient(wire, line), "redis://tiny")
        self._now_us = now_us
        self.most = 1_000

    def read(self, *arguments: Any, count: int, **more: Any) -> Any:
        """So much as this story lets through."""
        return super().read(*arguments, count=min(count, self.most), **more)

    def time_us(self) -> tuple[int, int, int]:
        """One exchange for the clock."""
        return self._now_us(), super().time_us()[1], self._now_us()

    def beat(self, *arguments: Any, **more: Any) -> tuple[int, int, int, str | None]:
        """One heartbeat."""
        _, redis_us, _, run = super().beat(*arguments, **more)
        return self._now_us(), redis_us, self._now_us(), run


class Clocked:
    """A process: it has a clock of its own, a way to Redis, and may be dead or asleep."""

    def __init__(self, world: World, name: str, offset_us: int) -> None:
        self.world, self.name, self._offset_us = world, name, offset_us
        self.is_dead = self.is_asleep = False
        self.suspended_us: int | None = None  # since when its machine sleeps, and its clock with it
        self.wire = Wire(world.server)
        self.bus = SimBus(self.wire, self.now_us)

    def __repr__(self) -> str:
        return f"<{self.name}{' dead' * self.is_dead}{' asleep' * self.is_asleep}{' cut off' * self.wire.is_cut}>"

    @property
    def is_live(self) -> bool:
        """Whether it does anything."""
        return not self.is_dead and not self.is_asleep

    def now_us(self) -> int:
        """This host's monotonic clock."""
        at_us = self.world.now_us if self.suspended_us is None else self.suspended_us
        return at_us - self.world.began_us + self._offset_us

    def wake(self) -> None:
        """It goes on; a clock that stood still is late for ever."""
        if self.suspended_us is not None:
            self._offset_us -= self.world.now_us - self.suspended_us
        self.is_asleep, self.suspended_us = False, None

    @property
    def now_ms(self) -> int:
        """The same in ms."""
        return self.now_us() // 1000


# ------------------------------------------------------------------ the gevent side


class Gen:
    """A generator without gevent: orders in, answers out, users that are a set of keys.

    It follows `tidal.generator.main`, whose rules about time are in `Schedule` and `RedisClock`: those are the real.
    """

    def __init__(self, host: Clocked, pid: int) -> None:
        self.pid, self._host = pid, host
        self._sent_ms = host.now_ms
        self.clock = RedisClock(lambda: host.now_us() * 1000)
        self.schedule = Schedule()
        self.users: set[Key] = set()
        self.answers = bytearray()
        self.made = 0  # samples since the last batch
        self._counted_ms = self._batched_ms = 0
        self._credit_ms = 0
        self._ran_ms: dict[str, int] = {}
        self._is_finished = False
        self.name = ("GET", f"p{pid}")

    def __repr__(self) -> str:
        return f"<Gen {self.pid} {sorted(self.users)} {self.schedule}>"

    def answer(self, message: Event) -> None:
        """Write to the agent."""
        self.answers += pack_message(message)

    def obey(self, order: Event) -> None:
        """One order."""
        if isinstance(order, SetClock):
            self.clock.set(order.offset_us)
            self._counted_ms = self._counted_ms or self.clock.now_ms()
            self._batched_ms = self._batched_ms or self.clock.now_ms()
        elif isinstance(order, Load):
            self.answer(Loaded(()))
        elif isinstance(order, SetShare):
            self.schedule.put(order)
        elif isinstance(order, Finish):
            self.schedule.finish()

    def live(self) -> None:
        """Catch up with the time: who is to run, what they measured since."""
        if not self.clock.is_set:
            return
        now_ms = self.clock.now_ms()
        if now_ms < self._counted_ms - JUMP_MS:  # another server's clock: time goes on from there
            self._counted_ms = now_ms
        for name, _ in self.users:
            self._ran_ms[name] = self._ran_ms.get(name, 0) + max(0, now_ms - self._counted_ms)
        self._credit_ms += len(self.users) * max(0, now_ms - self._counted_ms)
        self._counted_ms = max(self._counted_ms, now_ms)
        requests, self._credit_ms = divmod(self._credit_ms * REQUESTS_A_SECOND, 1000)
        self._credit_ms //= REQUESTS_A_SECOND
        self.made += requests
        is_over = self.schedule.is_over(now_ms)
        if self.schedule.has_share:
            step = self.schedule.step(now_ms, alive=self.clock.silence_s() <= PATIENCE_S)
            self.users.difference_update(step.stop)
            self.users.update(step.start)
        elif is_over:
            self.users.clear()
        if self._host.now_ms - self._sent_ms >= BATCH_MS and not self._is_finished:
            self._batch(now_ms)
        if is_over and not self._is_finished:
            self._batch(now_ms)
            self.answer(Finished())
        self._is_finished = is_over

    def _batch(self, now_ms: int) -> None:
        blocks = ()
        if self.made or self._ran_ms:
            tally = Tally(self.made, total_us=self.made * 1000, min_us=1000, max_us=1000, histogram={694: self.made})
            blocks = (Block(now_ms // 1000, 1, {self.name: tally} if self.made else {}, self._ran_ms),)
            self.made, self._ran_ms = 0, {}
        counts: dict[str, int] = {}
        for name, _ in self.users:
            counts[name] = counts.get(name, 0) + 1
        self.answer(Batch(min(self._batched_ms, now_ms), now_ms, blocks, users=counts))
        self._batched_ms, self._sent_ms = now_ms, self._host.now_ms


class Kid:
    """What a crew takes for a `Child`: the agent's end of two pipes."""

    answers_fd = -1

    def __init__(self, gen: Gen) -> None:
        self.gen, self.pid = gen, gen.pid
        self._reader = PipeReader()
        self.ended = False
        self._code: int | None = None

    def send(self, data: bytes) -> bool:
        """Orders are obeyed at once."""
        if not self.ended:
            for order in self._reader.feed(data):
                self.gen.obey(order)
        return not self.ended

    def flush(self) -> bool:
        """Nothing waits."""
        return not self.ended

    def receive(self) -> bytes:
        """The answers since."""
        data = bytes(self.gen.answers)
        self.gen.answers.clear()
        return data

    def poll(self) -> int | None:
        """The exit code."""
        return self._code

    def wait(self, most_s: float) -> int | None:
        """The exit code: who has ended has one at once."""
        del most_s
        return self._code

    def die(self) -> None:
        """SIGKILL: what it had not said is lost."""
        self.ended, self._code = True, -9
        self.gen.users.clear()
        self.gen.answers.clear()

    kill = die

    def stop(self, grace_s: float) -> int:
        """End it."""
        del grace_s
        self.die()
        return -9

    def close_stdin(self) -> None:
        """Cut the lifeline."""
        self.die()


class SimCrew(Crew):
    """A crew whose children are `Kid`s."""

    def __init__(self, worker: SimWorker, load: Load) -> None:
        super().__init__(load, worker.processes, None)  # type: ignore[arg-type] # nobody prints
        self._worker = worker

    def _open_child(self) -> Any:
        return self._worker.bear()


class SimService(Service):
    """A service without files."""

    def __init__(self, worker: SimWorker, run: str, spec: WorkerSpec, identity: Identity, processes: int) -> None:
        super().__init__(run, spec, identity, processes, worker.said)
        self._worker = worker

    def _open_crew(self, record: Any, contents: Any) -> Crew:
        del record, contents
        return self._worker.world.parts.crew(self._worker, Load("", "f.py", self.state.log.options, self.run))

    def look(self) -> None:
        """There is no CPU here."""

    def _report(self, crew: Crew, *moments: int, is_last: bool = False) -> None:
        self._worker.reported_us = self._worker.world.now_us
        super()._report(crew, *moments, is_last=is_last)

    def _take(self, news: Any, redis_ms: int) -> None:
        if isinstance(news, Batch):
            self._worker.hear(news)
        super()._take(news, redis_ms)


class _Turns:
    """A line without its thread: `take` is one round of its loop."""

    worker: SimWorker
    asked_ms: int

    def begin_with(self, worker: SimWorker) -> Any:
        """Whose line it is."""
        self.worker = worker
        self.own_bus = SimBus(worker.wire, worker.now_us, type(self).__name__)
        return self

    def bus(self) -> Bus:
        """The line's own connection."""
        return self.own_bus

    def say(self, news: Any) -> None:
        """Tell the agent, with the moment of this story."""
        self.worker.tell(replace(news, asked_ms=self.asked_ms) if isinstance(news, Read) else news)

    def start(self) -> None:
        """The schedule says when."""

    def take(self) -> None:
        """One round, as `lines.Line` takes it."""
        self.asked_ms = self.worker.now_ms
        try:
            self.turn()  # type: ignore[attr-defined] # of the line beside this
        except BusError as error:
            self.say(Trouble("line", str(error)))
            self.failed(str(error))  # type: ignore[attr-defined] # the same


class SimBeats(_Turns, Beats):
    """Heartbeats."""

    def take(self) -> None:
        """One beat, and no rest after it."""
        self.hurry()
        super().take()


class SimTail(_Turns, Tail):
    """The log."""


class SimSender(_Turns, Sender):
    """Reports."""

    def take(self) -> None:
        """One attempt, if there is any."""
        if not self._attempts.empty():
            super().take()


class SimWorker(Clocked, Agent):
    """A worker: its lines take a turn when the schedule says so."""

    def __init__(self, world: World, name: str, offset_us: int = 0) -> None:
        Clocked.__init__(self, world, name, offset_us)
        self._lives = 0
        self.reported_us = 0
        self.processes = 1 + len(world.workers) % 2
        self.kids: list[Kid] = []
        self.known: tuple[tuple[int, int], Any] | None = None  # how far it has read the log, and the newest plan there
        self.heard: dict[tuple[str, str], int] = {}  # samples that reached this process, by child
        self.is_out = False  # it left in order
        Agent.__init__(self, WorkerSpec(fleet=FLEET, processes=self.processes, id=name), now_us=self.now_us)
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._wake_read = self._wake_write = -1

    __repr__ = Clocked.__repr__

    # ---- what there is only one of

    def _open_identity(self) -> Identity:
        return Identity(self.name, "host", self._new_life())

    def _new_life(self) -> str:
        self._lives += 1
        return f"{self.name}.{self._lives}"

    def _skew_ms(self) -> int:
        return 0

    def _open_beats(self) -> Any:
        return SimBeats(self._board, self._fleet, self.name, self._heartbeat).begin_with(self)

    def _open_service(self, run: str) -> Service:
        return self.world.parts.service(self, run, self._spec, self.identity, self._processes)

    def _open_lines(self, run: str) -> Any:
        keys = RunKeys(run)
        return SimTail(self._board, keys).begin_with(self), SimSender(self._board, keys).begin_with(self)

    def tell(self, news: Any) -> None:
        """A line's news."""
        self._news.put(news)

    def _wake(self) -> None:
        return

    def _say(self, *words: str) -> None:
        """Nobody reads it."""

    def bear(self) -> Kid:
        """A new child."""
        kid = Kid(Gen(self, self.world.new_pid(self)))
        self.kids.append(kid)
        return kid

    def hear(self, batch: Batch) -> None:
        """A child's samples have reached this process."""
        for block in batch.blocks:
            for name, tally in block.tallies.items():
                self.heard[name] = self.heard.get(name, 0) + tally.requests

    # ---- steps

    def turn_beats(self) -> None:
        """One heartbeat."""
        self._beats.take()

    def turn_tail(self, count: int = 500) -> None:
        """One read of the log, of so many entries at most."""
        if self._tail is not None:
            self._tail.own_bus.most = count
            self._tail.take()

    def turn_sender(self) -> None:
        """One attempt."""
        if self._sender is not None:
            self._sender.take()

    def turn(self) -> None:
        """The agent's own thread."""
        if self.is_out:
            return
        if self.step(self.now_ms):
            self._leave_now()
        log = self.service.state.log if self.service is not None else None
        self.known = ((log.epoch, log.n), log.plan) if log is not None else None

    def _drop(self, service: Any) -> None:
        before = self.identity.incarnation
        super()._drop(service)
        if self.identity.incarnation != before:
            self.world.silent.add(before)  # it has given that life up by itself

    def _leave_now(self) -> None:
        if self.service is not None:
            self._drop(self.service)
        with contextlib.suppress(BusError):
            self.bus.forget_worker(FleetKeys(FLEET), self.name)
        self.is_out = self.is_dead = True

    def live(self) -> None:
        """The children catch up with the time."""
        if not self.is_asleep:
            for kid in self.kids:
                if not kid.ended:
                    kid.gen.live()

    def die(self) -> None:
        """SIGKILL of the agent: its children go with it."""
        self.is_dead = True
        for kid in self.kids:
            if not kid.ended:
                kid.die()

    def is_in_time(self, most_ms: int) -> bool:
        """Whether all its children know Redis time, within so much."""
        clocks = [kid.gen.clock for kid in self.kids if not kid.ended and kid.gen.clock.is_set]
        return all(abs(clock.now_ms() - self.world.redis_us() // 1000) <= most_ms for clock in clocks)

    @property
    def running(self) -> set[Key]:
        """The users that run here."""
        return set().union(*(kid.gen.users for kid in self.kids if not kid.ended)) if self.kids else set()

    @property
    def run_lists(self) -> list[Key]:
        """The same, once for each copy."""
        return [key for kid in self.kids if not kid.ended for key in kid.gen.users]


# ------------------------------------------------------------------ the master


class SimWriter:
    """An archive's file: entries, and how many of them survive a crash."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.entries: list[Entry] = []
        self.safe = 0

    def _write(self) -> None:
        if self._world.is_disk_full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self._write()
        self.entries.append(entry)

    def sync(self) -> None:
        """Have it on the disk."""
        self._write()
        self.safe = len(self.entries)

    def keyframe(self, *_: Any, **__: Any) -> None:
        """Nobody reads it here, but it takes room."""
        self._write()

    def close(self, *, final: bool) -> None:
        """The file."""


class SimRecord(Record):
    """An archive's part in memory."""

    def __init__(self, world: World, bus: Bus, keys: dict[str, str], say: Callable[[str, str], None]) -> None:
        self._world = world
        super().__init__(Path(), {}, bus, keys, say)

    def _open_writer(self, path: Any, header: Any) -> Any:
        del path, header
        self.file = self._world.parts.writer(self._world)
        return self.file


class _Keeper:
    """The thread that renews the lease: the schedule says when."""

    def stop(self) -> None:
        """Nothing to end."""


class SimMaster(Clocked, Master):
    """A master: `turn` is one step, `keep` one renewal of its lease."""

    def __init__(self, world: World, name: str, first: Any, offset_us: int = 0) -> None:
        Clocked.__init__(self, world, name, offset_us)
        self.records: list[SimRecord] = []
        self.keeper_bus = SimBus(self.wire, self.now_us, "keeper")
        Master.__init__(self, self.bus, RUN, first, now_us=self.now_us)
        self.is_fenced = False

    __repr__ = Clocked.__repr__

    def _open_keeper(self, epoch: int) -> Any:
        del epoch
        return _Keeper()

    def _open_record(self, epoch: int) -> Any:
        del epoch
        streams = {LOG: KEYS.log, REPORTS: KEYS.reports}
        self.records.append(SimRecord(self.world, self.bus, streams, self._note))
        return self.records[-1]

    def _rest(self, seconds: float) -> None:
        del seconds

    def _note(self, level: str, text: str) -> None:
        del level, text

    @property
    def plan_ms(self) -> int | None:
        """Plan time, as it sees it; None while nothing runs."""
        log, is_leading = self.state.log, self.is_live and self.state.log.phase == phases.RUNNING
        return self.clock.redis_ms(self.now_us()) - log.began_ms if is_leading else None

    def sign_in(self) -> bool:
        """Take the run; False when somebody else has it or Redis is away."""
        try:
            self.take(patience_ms=-1)
        except (Fenced, BusError):
            self.is_dead = True
            return False
        return True

    def keep(self) -> None:
        """One renewal, as `lease.LeaseKeeper` does it."""
        try:
            self.keeper_bus.renew_lease(KEYS, self._lease.token, self.epoch)
        except BusError:
            return

    def turn(self) -> None:
        """One step; when the run is closed, the end."""
        try:
            if self.step(self.now_ms):
                self._end()
        except Fenced:
            self.is_fenced = self.is_dead = True
        except BusError:
            return

    def _end(self) -> None:
        """As `close`, without the archive's file."""
        if self._keeping.sync(self.state):
            self._lease.store_keyframe(sealed(self.state.packed()), brief_of(self.state))
        self.bus.withdraw_run(FleetKeys(FLEET), RUN)
        self._lease.release()
        self.is_dead = True

    def die(self) -> None:
        """SIGKILL: what was not fsynced is lost."""
        self.is_dead = True
        for record in self.records:
            del record.file.entries[record.file.safe :]
