"""The agent of a worker: obey the log, split the share, merge the reports, beat.

    idle ──the fleet serves a run──▶ reading ──files are whole──▶ loading ──▶ ready ──▶ running ──▶ finished ──▶ idle

`Agent.step(now)` is one turn: take what the lines to Redis and the generators have brought, then do what follows.
It never waits for Redis or for user code. The worker executes the plan alone: whether a master lives matters only to an
endless plan. Its lease names its incarnation; a worker that was declared lost learns it from the log and goes on as a
new one, and what it had measured is kept under the old.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

from tidal import __version__, preflight
from tidal.bus import Bus
from tidal.errors import TidalError, WorkerRefusedError
from tidal.keys import FleetKeys, RunKeys
from tidal.lastwords import to_stderr
from tidal.lines import (
    Beaten,
    Beats,
    Handed,
    News,
    Read,
    Sender,
    Switchboard,
    Tail,
    Trouble,
    monotonic_ms,
    monotonic_us,
)
from tidal.measure import cores
from tidal.model.clock import Clock
from tidal.model.codec import pack
from tidal.model.events import SCHEMA_VERSION
from tidal.model.liveness import LEASE_MS, Heartbeat
from tidal.model.struct import replace
from tidal.model.wire import from_wire, to_wire
from tidal.process import tell_end
from tidal.rights import require
from tidal.sayings import Sayings
from tidal.service import Identity, Service, WorkerSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEP_MS = 50
BEAT_CLOCK_MS = 500
LEAVE_PATIENCE_MS = 10_000


class Agent:
    """One worker process: idles until its fleet serves a run, serves it, idles again.

    Args:
        spec: what it was told at its start.
        now_us: this machine's monotonic clock.
        warnings: what of this machine may get in the way of any run.
    """

    def __init__(
        self, spec: WorkerSpec, *, now_us: Callable[[], int] = monotonic_us, warnings: Sequence[str] = ()
    ) -> None:
        self._now_us = now_us
        self._spec = spec
        self._fleet = FleetKeys(spec.fleet)
        self._processes = spec.processes or cores()
        self.identity = self._open_identity()
        self.clock = Clock()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._board = Switchboard(spec.redis_url, self._news, self._wake)
        self._beats = self._open_beats()
        self._tail: Tail | None = None
        self._sender: Sender | None = None
        self._sending = False
        self._retry_ms = 0
        self.service: Service | None = None
        self._done_runs: list[str] = []
        self._announced: str | None = None
        self._contact_ms = now_us() // 1000
        self._clock_told_ms = self._looked_ms = self._asked_ms = 0
        self._stepped_ms = now_us() // 1000
        self._blind_since_ms: int | None = None  # woke up after a long sleep: the log must be read before users run on
        self._untimed_since_ms: int | None = None  # the plan goes by another server's clock, and ours not yet
        self.leaving_ms: int | None = None
        self._is_drained = False
        self.refused: TidalError | None = None
        self._troubles: dict[str, str] = {}  # line → what is wrong with it
        self.said = Sayings("tidal worker", lambda: self._now_us() // 1000)
        self._warnings = warnings

    def __repr__(self) -> str:
        return f"<Agent {self.identity.worker} {self.service or 'idle'}>"

    # ------------------------------------------------------------------ what there is only one of

    def _open_identity(self) -> Identity:
        return Identity.new(self._spec.id)

    def _new_life(self) -> str:
        return secrets.token_hex(8)

    def _open_beats(self) -> Beats:
        return Beats(self._board, self._fleet, self.identity.worker, self._heartbeat)

    def _open_service(self, run: str) -> Service:
        return Service(run, self._spec, self.identity, self._processes, self.said)

    def _open_lines(self, run: str) -> tuple[Tail, Sender]:
        keys = RunKeys(run)
        tail, sender = Tail(self._board, keys), Sender(self._board, keys)
        tail.start()
        sender.start()
        return tail, sender

    def _skew_ms(self) -> int:
        """How far this machine's clock is off Redis time."""
        return time.time_ns() // 1_000_000 - self.clock.redis_ms(self._now_us()) if self.clock.is_set else 0

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b"!")

    def _heartbeat(self) -> bytes:
        service = self.service
        now_ms = self._now_us() // 1000
        crew = service.crew if service is not None else None
        states = crew.states(now_ms) if crew is not None else ()
        plan = service.state.log.plan if service is not None else None
        return pack(
            to_wire(
                Heartbeat(
                    worker=self.identity.worker,
                    incarnation=self.identity.incarnation,
                    host=self.identity.host,
                    pid=os.getpid(),
                    processes=self._processes,
                    schema=SCHEMA_VERSION,
                    version=__version__,
                    at_ms=self.clock.redis_ms(self._now_us()),
                    run=service.run if service is not None else "",
                    state=service.word if service is not None else "waiting",
                    why=service.beat_why[:200] if service is not None else "",
                    users=sum(crew.users.values()) if crew is not None else 0,
                    generators=sum(s.state != "gone" for s in states),
                    cpu_permille=service.cpu_permille if service is not None else 0,
                    memory_bytes=service.memory_bytes if service is not None else 0,
                    lag_ms=max((s.lag_ms for s in states), default=0),
                    users_max=self._spec.max_users,
                    behind_ms=crew.behind_ms if crew is not None else 0,
                    skew_ms=self._skew_ms(),
                    epoch=service.state.log.epoch if service is not None else 0,
                    plan=plan.number if plan is not None else 0,
                )
            )
        )

    # ------------------------------------------------------------------ turns

    def serve(self, watch_fd: int | None = None) -> int:
        """Take turns until told to leave; returns the exit code.

        Args:
            watch_fd: at its end of file means the same; a word on it says that there is news of the fleet.
        """
        self._beats.start()
        while not self.step(monotonic_ms()):
            readable = self._wait(watch_fd)
            if watch_fd is not None and watch_fd in readable:
                if os.read(watch_fd, 4096):
                    self._beats.hurry()  # it brings back which run the fleet serves
                else:
                    self.leave()
                    watch_fd = None
        self._close()
        if self.refused is not None:
            raise self.refused
        return self._spec.drained_code if self._is_drained else 0

    def _wait(self, watch_fd: int | None) -> list[int]:
        crew = self.service.crew if self.service is not None else None
        fds = [self._wake_read, *([watch_fd] if watch_fd is not None else [])]
        if crew is not None:
            fds += [g.child.answers_fd for g in crew.generators.values() if not g.child.ended]
        readable, _, _ = select.select(fds, [], [], STEP_MS / 1000)
        if self._wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        return readable

    def leave(self) -> None:
        """Leave in order: users move first, everything measured is handed in."""
        if self.leaving_ms is None:
            self.leaving_ms = self._now_us() // 1000
            if self.service is not None:
                self.service.drain_since_ms = self.leaving_ms
            self._beats.hurry()

    def step(self, now_ms: int) -> bool:
        """One turn; True when there is nothing left to do."""
        if now_ms - self._stepped_ms > LEASE_MS:
            self._blind_since_ms = now_ms
        self._stepped_ms = now_ms
        while not self._news.empty():
            self._hear(self._news.get(), now_ms)
        if self.service is None:
            self._join_if_announced()
        if self.service is not None and self.clock.is_set and not self._is_untimed(now_ms):
            self._serve_turn(self.service, now_ms)
        if self.leaving_ms is None:
            return self.refused is not None
        patience_ms = LEAVE_PATIENCE_MS + (self.service.state.log.options.stop_timeout_ms if self.service else 0)
        return self.service is None or now_ms - self.leaving_ms > patience_ms

    def _is_untimed(self, now_ms: int) -> bool:
        """Whether the next exchange for the clock must come first: by ours the plan may be over."""
        return self._untimed_since_ms is not None and now_ms - self._untimed_since_ms < LEASE_MS

    def _serve_turn(self, service: Service, now_ms: int) -> None:
        redis_ms = self.clock.redis_ms(self._now_us())
        word = service.word
        if now_ms - self._looked_ms >= 1_000:
            self._looked_ms = now_ms
            service.look()
        service.step(now_ms, redis_ms, self.clock.offset_us)
        is_blind = self._blind_since_ms is not None
        if service.crew is not None and not is_blind and now_ms - self._clock_told_ms >= BEAT_CLOCK_MS:
            self._clock_told_ms = now_ms  # after the step: a generator that woke up gets its share first
            service.crew.tell_clock(self.clock.offset_us)
        if not is_blind and now_ms - self._contact_ms > service.state.log.options.isolation_timeout_ms:
            service.is_cut_off = service.finish_ms is None or service.is_cut_off
            service.finish(redis_ms, "cut off from Redis for too long")
        self._hand_in(service, now_ms)
        self._heed_end(service)
        if service.word != word:
            self._beats.hurry()
        self._release_if_done(service)

    def _hear(self, news: News, now_ms: int) -> None:
        if isinstance(news, Beaten):
            self.clock.sample(news.sent_us, news.redis_us, news.received_us)
            self._contact_ms, self._announced = now_ms, news.run
            if self._untimed_since_ms is not None and news.sent_us // 1000 >= self._untimed_since_ms:
                self._untimed_since_ms = None
            self._say("beats", "")
        elif isinstance(news, Read) and self.service is not None and news.run == self.service.run:
            self._contact_ms = now_ms  # who reads the log knows the plan, even where Redis takes no writes
            self._say("tail", "")
            self.service.learn(news.secrets)
            before_ms = self.service.state.log.began_ms
            self.service.adopt(news.brief)
            for entry in news.entries:
                self.service.obey(entry)
            if before_ms and self.service.state.log.began_ms != before_ms:
                self._untimed_since_ms = now_ms
                self._beats.hurry()
            if self._blind_since_ms is not None and news.asked_ms >= self._blind_since_ms:
                self._blind_since_ms = None
        elif isinstance(news, Handed):
            self._heard_handed(news, now_ms)
        elif isinstance(news, Trouble):
            self._say(news.line, news.why)

    def _say(self, line: str, trouble: str) -> None:
        """Print what is wrong with a line to Redis once, and once when all are well again."""
        before = self._troubles.copy()
        self._troubles = {**before, line: trouble} if trouble else {k: v for k, v in before.items() if k != line}
        if trouble and trouble not in before.values():
            self.said.say("warning", f"{trouble}; the users run on")
        if before and not self._troubles:
            self.said.say("info", "Redis answers")

    # ------------------------------------------------------------------ runs

    def _join_if_announced(self) -> None:
        run = self._announced
        if run is None or run in self._done_runs or self.leaving_ms is not None or not self.clock.is_set:
            return
        to_stderr(f"tidal worker {self.identity.worker}: serves run {run}")
        self.said.take(0)  # what was said between two runs belongs to neither; what is wrong here belongs to each
        for warning in self._warnings:
            self.said.keep("warning", warning)
        self.service = self._open_service(run)
        self._tail, self._sender = self._open_lines(run)
        self._beats.hurry()

    def _heed_end(self, service: Service) -> None:
        """What to do when the log says that this life is over, or is to be."""
        if service.is_drained and not self._is_drained:
            self._is_drained = True
            self.said.say("info", f"an operator of run {service.run} lets it go")
            self.leave()
        how = service.is_ended_here()
        if how == "refused":
            record = service.state.log.workers.get(service.state.log.incarnations[self.identity.incarnation])
            self.refused = WorkerRefusedError(f"run {service.run} refused this worker: {record.why if record else ''}")
        elif how == "lost":
            self.identity.incarnation = self._new_life()
            service.reincarnate(self.identity.incarnation)
            self._beats.hurry()

    def _hand_in(self, service: Service, now_ms: int) -> None:
        if self._sending or self._sender is None or now_ms < self._retry_ms:
            return
        if service.is_over or self._blind_since_ms is not None:
            return  # nothing is counted after the end, and whether it has come must be read first
        for outbox in service.outboxes:
            if outbox.is_empty:
                continue
            attempt = outbox.attempt(now_ms)
            if attempt or now_ms - self._asked_ms >= BEAT_CLOCK_MS:
                self._sending, self._asked_ms = True, now_ms
                self._sender.hand_in(outbox.incarnation, attempt)
                return

    def _heard_handed(self, news: Handed, now_ms: int) -> None:
        if self.service is None or self.service.run != news.run:
            return  # the answer to an attempt of a run that is over
        self._sending = False
        if news.watermark is not None:
            self._say("sender", "")
        outboxes = self.service.outboxes
        for outbox in outboxes:
            if outbox.incarnation == news.incarnation:
                if news.watermark is None:
                    outbox.failed()
                    self._retry_ms = now_ms + 250
                else:
                    outbox.confirmed(news.watermark, now_ms)

    def _release_if_done(self, service: Service) -> None:
        """Let go of a run that is over once everything is safe, or once Redis has it and nobody will say so."""
        safe = all(o.is_empty for o in service.outboxes)
        sent = all(o.is_sent for o in service.outboxes)
        elsewhere = service.is_over or self._announced not in {None, service.run} or self.leaving_ms is not None
        ended = service.is_over or service.finished or service.is_ended_here() == "refused"
        if ended and (safe or service.is_over or (sent and elsewhere)):
            self._drop(service)

    def _drop(self, service: Service) -> None:
        for line in (self._tail, self._sender):
            if line is not None:
                line.stop()
        self._tail = self._sender = self.service = None
        self._sending = False
        if service.is_cut_off and not service.is_over:
            self.identity.incarnation = self._new_life()  # Redis is back: come again, as a new life
        else:
            self._done_runs = [*self._done_runs[-20:], service.run]
        service.close()
        if self._spec.once:
            self.leave()
        self._beats.hurry()

    def _close(self) -> None:
        if self.service is not None:
            self._drop(self.service)
        try:
            self._beats.leave()
        except Exception as error:  # noqa: BLE001 - leaving must not fail on a Redis that is gone
            to_stderr(f"tidal worker: left without a word: {error}")


def _whose_code(spec: WorkerSpec) -> str:
    if spec.file:
        return f"runs {spec.file}, whatever they ship"
    if spec.accept_signed_by:
        return "runs what is signed with its key"
    return "runs the code that they ship (-f and --accept-signed-by narrow that)"


def _examined(spec: WorkerSpec, skew_ms: int) -> tuple[WorkerSpec, list[str]]:
    """What the machine allows, and what to say of it where it may get in the way."""
    machine, processes = preflight.look(skew_ms), spec.processes or cores()
    examined = replace(spec, max_users=spec.max_users or preflight.users_max(machine, processes))
    return examined, preflight.warnings(machine, processes)


def serve(spec: WorkerSpec, *, watch_fd: int | None = None) -> int:
    """Run a worker until SIGTERM, Ctrl-C or the end of file on `watch_fd`; a second Ctrl-C ends it at once.

    Raises:
        RedisUnreachable, RedisDenied, RedisTooOld: at the start only; later the worker waits for Redis.
        WorkerRefusedError: the master of a run refused this worker.
    """
    with contextlib.closing(Bus.connect(spec.redis_url, role="worker")) as bus:  # what is wrong is said at once
        require(bus, "worker", spec.fleet)
        skew_ms = (time.time_ns() // 1000 - bus.time_us()[1]) // 1000
    examined, warnings = _examined(spec, skew_ms)
    agent = Agent(examined, warnings=warnings)
    for warning in warnings:
        agent.said.tell(warning)

    def told(number: int, _frame: object) -> None:
        if agent.leaving_ms is not None and number == signal.SIGINT:
            os._exit(130)
        agent.leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    whose = f"of fleet {spec.fleet} and {_whose_code(spec)}"
    to_stderr(f"tidal worker {agent.identity.worker}: waits for runs {whose}")
    return agent.serve(watch_fd)


def main(argv: list[str] | None = None, *, serving: Callable[..., int] = serve) -> int:
    """The worker of a supervisor: the spec is one line of JSON on stdin, which is the lifeline from then on."""
    del argv
    line = sys.stdin.buffer.raw.readline() if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer.readline()
    spec: WorkerSpec = from_wire(WorkerSpec, json.loads(line))
    try:
        return tell_end(serving(spec, watch_fd=sys.stdin.fileno()))
    except TidalError as error:
        to_stderr(f"tidal worker: {error}")
        return tell_end(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
