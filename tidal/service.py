"""A worker's part in one run: the folded log, the shipped files, the crew, the outboxes.

    reading ──its files are whole──▶ loading ──▶ ready ──▶ running ──▶ finished

`Service` has no line to Redis: entries of the log are handed in, attempts to report are taken out, and every turn
gets the time. Whether a master lives matters only to an endless plan; the rest follows from
the newest plan and the clock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tidal import paths
from tidal.crew import Asked, Crew, Died, Silent
from tidal.lastwords import LOG_BYTES_MAX
from tidal.lodging import Lodging, lodge, own_copy, root_of
from tidal.measure import Usage
from tidal.model import phases
from tidal.model.clock import BACK_MS
from tidal.model.codec import BadEntry, Entry, understood, unpack, unpacked_secrets
from tidal.model.each import Spans
from tidal.model.events import (
    ByMaster,
    Event,
    FileChunk,
    GeneratorLost,
    LoadFailed,
    MessageReceived,
    MessageSent,
    StopWanted,
    WorkerFinished,
)
from tidal.model.files import Files
from tidal.model.fold import fold_entry
from tidal.model.gather import Gathering
from tidal.model.intervals import report_interval_ms, report_span_s, report_turn_ms
from tidal.model.ledger import plan_at
from tidal.model.liveness import LastWord
from tidal.model.loglines import retimed
from tidal.model.outbox import Outbox
from tidal.model.pipe import Batch, Load, NotLoaded, Said, WantTickets
from tidal.model.state import State
from tidal.model.struct import Discreet, Struct, replace
from tidal.model.tenant import Tenants
from tidal.model.ticketing import Desk
from tidal.model.watched import edges_of, watches
from tidal.signing import is_signed, key_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.state import WorkerRecord
    from tidal.sayings import Sayings

DRAIN_PATIENCE_MS = 4_000
ACCEPTED = "--accept-signed-by"
UNSIGNED = f"the run is not signed with the key of this worker's {ACCEPTED}: the master needs it as --sign-with"
MESSAGES_MAX = 200
"""Custom messages that a worker's user code may send in a second."""
BRIEF_BYTES_MAX = 64 << 20  # a state without what workers wrote
NOT_TOLD = (0, 0, 0)  # of a plan: its number, to how many loaded children it was told, when it began
REPORT_DELAY_MS = 300
"""How long after a whole interval its report is made: the generators' batches of that second are in by then."""


class WorkerSpec(Discreet, frozen=True):
    """What a worker is told at its start."""

    HIDDEN: ClassVar = frozenset({"redis_url"})

    redis_url: str | None = None  # it may hold a password
    fleet: str = "default"
    processes: int = 0  # 0: as many as cores
    file: str = ""  # run only this copy of the locustfile
    origin: str = ""  # where the locustfile of the run lies that this worker was started for
    id: str = ""
    once: bool = False  # leave after one run
    accept_signed_by: str = ""  # the file of the key that a run has to be signed with
    max_users: int = 0  # how many users it takes; 0: as many as its file descriptors allow
    drained_code: int = 0  # what it ends with when an operator let it go: who would start it again must know


class Identity(Struct):
    """Who the worker is: the id for its life, the incarnation until it is declared lost."""

    worker: str
    host: str
    incarnation: str

    @classmethod
    def new(cls, worker: str = "") -> Identity:
        """An identity of this process."""
        host = socket.gethostname()[:40] or "host"
        safe = "".join(c if c.isalnum() or c in "-." else "-" for c in host).strip("-.") or "host"
        return cls(worker or f"{safe}-{secrets.token_hex(3)}", host, secrets.token_hex(8))


class Service:
    """The worker's part in one run: the folded log, the files, the crew, the outboxes.

    It has no line to Redis of its own: entries are handed in, attempts are taken out.
    """

    def __init__(self, run: str, spec: WorkerSpec, identity: Identity, processes: int, said: Sayings) -> None:
        self._said = said
        self.run, self._spec, self._identity, self._processes = run, spec, identity, processes
        self.state = State()
        self._files = Files()
        self.crew: Crew | None = None
        self._lodging: Lodging | None = None
        self.outboxes = [Outbox(identity.incarnation)]
        self._gathering = Gathering(0)
        self._told_plan = NOT_TOLD
        self._reported_ms = 0
        self._failed = self._was_ready = False
        self.finished = False
        self.is_cut_off = False  # finished because Redis was away for too long
        self.finish_ms: int | None = None  # Redis time at which users were told to stop
        self.drain_since_ms: int | None = None  # monotonic
        self.why = ""
        self._secrets: tuple[tuple[str, str], ...] = ()
        self._tenants, self._desk, self._master = Tenants(), Desk(), LastWord()
        self._messages = (0, 0)  # second, custom messages in it
        self.usage = Usage()
        self.cpu_permille = self.memory_bytes = 0

    def __repr__(self) -> str:
        return f"<Service {self.run} {self.word} {self.crew} {self.outboxes}>"

    # ------------------------------------------------------------------ the log

    @property
    def incarnations(self) -> list[str]:
        """Every incarnation of this worker in this run, the newest last."""
        return [o.incarnation for o in self.outboxes]

    @property
    def is_over(self) -> bool:
        """Whether the run asks nothing more of this worker."""
        return self.state.log.phase == phases.CLOSED

    @property
    def word(self) -> str:
        """The state that the heartbeat tells."""
        if self.finished or self._failed or self.is_over:
            return "waiting"
        if self.drain_since_ms is not None:
            return "draining"
        if not self._was_ready:
            return "loading"
        return "running" if self.state.log.began_ms else "ready"

    def obey(self, entry: Entry) -> None:
        """Fold one entry of the log, and keep the shipped file that it may carry."""
        fold_entry(self.state, entry)
        if entry.kind not in (FileChunk.KIND, MessageSent.KIND):
            return
        signed = understood(entry)
        event = signed.event if isinstance(signed, ByMaster) else None
        if isinstance(event, FileChunk):
            self._files.add(event)
        elif isinstance(event, MessageSent) and self.crew is not None:  # of those before it was there, none
            self.crew.tell_message(event.type, event.data, event.to)

    def adopt(self, brief: bytes | None) -> None:
        """Begin from the state that a master stored, for the log before it may be missing; hand in what is unsafe."""
        if brief is None:
            return
        with contextlib.suppress(BadEntry, ValueError):
            self.state = State.from_wire(unpack(brief, BRIEF_BYTES_MAX))
            self._told_plan = NOT_TOLD
        for outbox in self.outboxes:
            outbox.rewind()

    def learn(self, secrets: bytes | None) -> None:
        """Take in the file's secret arguments; what cannot be read is none."""
        if secrets is not None:
            self._secrets = unpacked_secrets(secrets)

    @property
    def is_drained(self) -> bool:
        """Whether an operator let this worker go, in whichever of its lives."""
        return any(incarnation in self.state.log.drains for incarnation in self.incarnations)

    def is_ended_here(self) -> str:
        """How the newest incarnation ended by the log: "", lost, left or refused."""
        return self.state.log.ended.get(self.incarnations[-1], "")

    # ------------------------------------------------------------------ a turn

    def step(self, now_ms: int, redis_ms: int, offset_us: int) -> None:
        """Everything that follows from what was read: `now_ms` is monotonic."""
        if self.crew is None:
            self._prepare(redis_ms)
        crew = self.crew
        if crew is None:
            return
        self._keep_files(crew)
        crew.start_missing(now_ms, redis_ms, offset_us)
        for news in crew.turn(now_ms):
            self._take(news, redis_ms)
        self._lend(crew, redis_ms)
        self._was_ready = self._was_ready or crew.is_ready
        self._tell_share(crew, redis_ms)
        self._finish_if_due(crew, now_ms, redis_ms)
        self._report_if_due(crew, now_ms, redis_ms)

    def _prepare(self, redis_ms: int) -> None:
        """Start the crew once the shipped files are whole."""
        log = self.state.log
        if not log.opened_ms or log.phase == phases.CLOSED or self._failed:
            return
        try:
            contents = self._files.contents(log.files)
        except ValueError as error:
            self.fail("NotShipped", str(error), redis_ms)
            return
        record = log.worker_of(self._identity.incarnation)
        if (contents is None and not self._spec.file) or record is None:
            return
        if self._spec.accept_signed_by and not is_signed(key_in(self._spec.accept_signed_by, ACCEPTED), log):
            self.fail("NotSigned", UNSIGNED, redis_ms)
            return
        self._gathering.from_ms = redis_ms
        self.crew = self._open_crew(record, contents or {})

    def _open_crew(self, record: WorkerRecord, contents: Mapping[str, bytes]) -> Crew:
        """A crew where the run's files lie."""
        log, own = self.state.log, Path(self._spec.file).absolute() if self._spec.file else None
        self._lodging = own_copy(own.parent) if own else lodge(contents, root_of(self._spec.origin, log.file))
        load = Load(
            str(self._lodging.root),
            own.name if own else log.file,
            replace(log.options, arguments=(*log.options.arguments, *self._secrets)),
            self.run,
            more_files=() if own else log.more_files,
            index=record.first_index,
            client=self._identity.worker,
            cwd=self._lodging.cwd,
        )
        return Crew(load, self._processes, paths.logs_dir() / f"{self.run}-generators-{os.getpid()}.log")

    def _keep_files(self, crew: Crew) -> None:
        """A child that is started anew gets the files as the log has them, whoever has changed them since."""
        if self._lodging is not None and crew.is_short and self._lodging.is_changed:
            self._lodging = lodge(self._files.contents(self.state.log.files) or {})
            crew.move(self._lodging.root)

    @property
    def beat_why(self) -> str:
        """What a heartbeat says beside the state."""
        return self.why or (self.crew.silence if self.crew is not None else "")

    def fail(self, error: str, why: str, redis_ms: int) -> None:
        """Say that the file does not load here."""
        if not self._failed:
            self._failed, self.why = True, why
            self.outboxes[-1].put(LoadFailed(error, why), redis_ms)

    def _lend(self, crew: Crew, redis_ms: int) -> None:
        """Hand on what the log lends to this worker, and ask for more in time."""
        crew.give(self._tenants.orders(self.state.log, self.incarnations[-1]))
        for wish in self._tenants.wishes():
            self.outboxes[-1].put(wish, redis_ms)
        crew.give(self._desk.orders(self.state.log.tickets.get(self.incarnations[-1], {})))
        if self.outboxes[-1].is_sent:  # without Redis nobody could answer, and words would pile up
            self._tell_tickets(redis_ms)

    def _tell_tickets(self, redis_ms: int) -> None:
        for wish in self._desk.wishes():
            self.outboxes[-1].put(wish, redis_ms)

    def _take(self, news: Event | Died | Silent | Asked, redis_ms: int) -> None:
        if isinstance(news, Batch):
            self._gathering.add(news)
        elif isinstance(news, Said):
            self._gathering.hear(retimed(news.lines, news.at_ms, redis_ms))
        elif isinstance(news, Asked):
            self._heed_want(news)
        elif isinstance(news, NotLoaded):
            self.fail(news.error, news.why, redis_ms)
        elif isinstance(news, StopWanted) or (isinstance(news, MessageReceived) and self._may_send(redis_ms)):
            self.outboxes[-1].put(news, redis_ms)
        elif isinstance(news, Died):
            self._bury(news, redis_ms)
        elif isinstance(news, Silent):
            silent_s = news.silent_ms / 1000
            self._said.say("warning", f"generator {news.number} says nothing for {silent_s:.1f} s: it {news.found}")

    def _heed_want(self, news: Asked) -> None:
        if isinstance(news.want, WantTickets):
            self._desk.heard(news.number, news.want)
        else:
            self._tenants.asked(news.number, news.want)

    def _bury(self, news: Died, redis_ms: int) -> None:
        """What a generator held of counters is gone with it, and what it measured since its last batch."""
        self._tenants.died(news.number)
        self._desk.died(news.number)
        if news.loaded and not self.finished:
            told = (news.number, news.pid, news.reached_ms, redis_ms, news.why, news.users, news.in_flight)
            lost = GeneratorLost(*told)
            self.outboxes[-1].put(lost, redis_ms)
            self._told_plan = NOT_TOLD

    def _may_send(self, redis_ms: int) -> bool:
        """Whether one more custom message may go: user code must not fill the memory, nor Redis."""
        second = redis_ms // 1000
        self._messages = (second, self._messages[1] + 1 if self._messages[0] == second else 1)
        if self._messages[1] == MESSAGES_MAX + 1:
            why = f"more than {MESSAGES_MAX} custom messages in a second: the rest is dropped"
            self._said.say("warning", why)
        return self._messages[1] <= MESSAGES_MAX

    def _tell_share(self, crew: Crew, redis_ms: int) -> None:
        log = self.state.log
        if log.plan is None or not log.began_ms or crew.finishing:
            return
        loaded = sum(g.loaded for g in crew.generators.values())
        if self._told_plan == (log.plan.number, loaded, log.began_ms):
            return
        plan_ms = redis_ms - log.began_ms
        in_force = plan_at(log, plan_ms)
        for plan in log.plans:  # with those between the one in force and the newest: told anew, it replaces them
            if in_force is None or plan.from_ms >= in_force.from_ms:
                crew.tell_share(plan, self.incarnations, log.classes, log.began_ms, plan_ms)
        self._told_plan = (log.plan.number, loaded, log.began_ms)

    # ------------------------------------------------------------------ the end

    def finish(self, redis_ms: int, why: str) -> None:
        """Stop all users; the last report follows when they have stopped."""
        if self.finish_ms is None:
            self.finish_ms, self.why = redis_ms, why
            if self.crew is not None:
                self.crew.tell_finish(self._stop_timeout_ms)

    @property
    def _stop_timeout_ms(self) -> int:
        stop = self.state.log.stop
        return stop.stop_timeout_ms if stop is not None else self.state.log.options.stop_timeout_ms

    def _finish_if_due(self, crew: Crew, now_ms: int, redis_ms: int) -> None:
        log = self.state.log
        plan = log.plan
        if self.finished:
            return
        if log.stop is not None:
            self.finish(redis_ms, log.stop.reason)
        elif plan is not None and plan.end_ms is not None and log.began_ms:
            if redis_ms - log.began_ms >= plan.end_ms:
                self.finish(redis_ms, "the plan is over")
        elif log.began_ms and self._masterless_ms(now_ms, redis_ms) > log.options.masterless_timeout_ms:
            self.finish(redis_ms, "no master for too long, and the plan has no end")
        if crew.is_given_up:
            self.finish(redis_ms, "its generators died too often")
        self._drain_if_due(crew, now_ms, redis_ms)
        if crew.finishing and (crew.is_finished or self._is_overdue(redis_ms)):
            self._say_goodbye(crew, now_ms, redis_ms)

    def _masterless_ms(self, now_ms: int, redis_ms: int) -> int:
        return self._master.silent_ms(max(self.state.log.ticked_ms, self.state.log.began_ms), now_ms, redis_ms)

    def _drain_if_due(self, crew: Crew, now_ms: int, redis_ms: int) -> None:
        """A worker that is to leave waits until its users are others', or until it is plain that nobody takes them."""
        if self.drain_since_ms is None:
            return
        plan = self.state.log.plan
        owned = plan is not None and any(i in plan.owners for i in self.incarnations)
        moved = not owned and not sum(crew.users.values())
        if not self.state.log.began_ms or moved or now_ms - self.drain_since_ms > DRAIN_PATIENCE_MS:
            self.finish(redis_ms, "the worker was told to leave")

    def _is_overdue(self, redis_ms: int) -> bool:
        return self.finish_ms is not None and redis_ms - self.finish_ms > self._stop_timeout_ms + 3_000

    def _say_goodbye(self, crew: Crew, now_ms: int, redis_ms: int) -> None:
        self._report(crew, now_ms, redis_ms, redis_ms, is_last=True)
        self._give_back(crew, redis_ms)
        self.outboxes[-1].put(WorkerFinished(self.why[:200], crew.exit_code), redis_ms)
        self.finished = True

    def _give_back(self, crew: Crew, redis_ms: int) -> None:
        """What nobody has used of counters can be lent again; what a child that does not end holds is lost."""
        for generator in crew.generators.values():
            if not generator.finished:
                self._tenants.died(generator.number)
                self._desk.died(generator.number)
        self._tell_tickets(redis_ms)
        for farewell in self._tenants.farewells():
            self.outboxes[-1].put(farewell, redis_ms)

    # ------------------------------------------------------------------ reports

    def _report_if_due(self, crew: Crew, now_ms: int, redis_ms: int) -> None:
        if self.finished:
            return
        log = self.state.log
        interval_ms = report_interval_ms(log)
        if not log.began_ms and self._gathering.is_empty:
            self._gathering.from_ms = redis_ms
            return
        due_ms = redis_ms - REPORT_DELAY_MS - report_turn_ms(log, self.incarnations[-1])
        went_back = due_ms < self._reported_ms - BACK_MS
        if went_back or due_ms // interval_ms > self._reported_ms // interval_ms:
            self._reported_ms = due_ms
            self._report(crew, now_ms, redis_ms, redis_ms if crew.reached_ms is None else crew.reached_ms)

    def _report(self, crew: Crew, now_ms: int, redis_ms: int, to_ms: int, *, is_last: bool = False) -> None:
        self._gathering.hear(self._said.take(redis_ms))
        states = crew.states(now_ms)
        gauges = (crew.users, states, self.cpu_permille, self.memory_bytes)
        wanted = watches(self.state.log)
        spans = Spans(report_span_s(self.state.log), edges_of(self.state.log, wanted), is_last=is_last)
        over_ms = redis_ms - REPORT_DELAY_MS
        report = replace(self._gathering.report(to_ms, *gauges, spans=spans, over_ms=over_ms), watch=wanted)
        self.outboxes[-1].put(report, redis_ms)

    def look(self) -> None:
        """Measure CPU and memory of the agent and its children, and the disk that they take."""
        pids = self.crew.pids if self.crew is not None else []
        self.cpu_permille, self.memory_bytes = self.usage.look(pids)
        if self.crew is not None and self.crew.tidy():
            self._said.say("warning", f"the file prints much: {LOG_BYTES_MAX >> 20} MB of it were removed")

    def reincarnate(self, incarnation: str) -> None:
        """Go on as a new life; what was measured stays with the old one."""
        self.outboxes.append(Outbox(incarnation))
        self._told_plan = NOT_TOLD
        if self.crew is not None:
            self.crew.give(self._tenants.reborn())  # all that it had been lent went with the old life
            self.crew.give(self._desk.reborn(list(self.crew.generators)))

    def close(self) -> None:
        """End the crew and remove what was written."""
        if self.crew is not None:
            self.crew.stop()
        if self._lodging is not None:
            self._lodging.leave()
