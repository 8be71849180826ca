"""The events of a run: one frozen dataclass a kind, grouped by who writes them.

Masters write commands (imperative) and observations (past tense) to `log`. Workers write reports
(past tense) to `reports`. Operators write intents to `intents`. An event carries what happened; who wrote it,
when and with which identity is in its envelope (`ByMaster`, `ByWorker`, `ByOperator`). The kinds and versions are
in `docs/reference/schema.md`, which a test holds to this file.

Adding a kind: a dataclass here, one function in `fold.py` (and one line in `story.py`), a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import unpack
from typing import ClassVar

from tidal.model.samples import (  # the readers of events find these here too
    COUNT_MAX,  # noqa: F401
    TEXT_MAX,
    TRACEBACK_MAX,  # noqa: F401
    Block,
    ExceptionTally,
    FailureTally,
    is_count,
)
from tidal.model.spans import Spans  # noqa: TC001 - from_wire reads the annotations
from tidal.model.spec import HEIGHT_MAX, ClassSpec, FileSpec, RunOptions, Track

SCHEMA_VERSION = 1
"""The major version: an entry of a higher one is refused, a lower one is upcast."""

MOMENT_MS_MAX = 1 << 46
"""A moment is before this (the year 4199), so that no envelope can have the fold plan for ages."""
INCARNATION_MAX = 64
"""Characters of an incarnation; ours have sixteen."""
SLOTS_MAX, TRACKS_MAX, USERS_MAX = 32_768, 1_000, 10_000_000
CHUNK_BYTES = 200_000
"""One entry's share of a shipped file: below the 256 KB at which an entry is refused unread."""


class Event:
    """What the kinds have in common."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class ByMaster:
    """A master's envelope: (epoch, n) is the entry's identity, `at_ms` the Redis time of writing."""

    epoch: int
    n: int
    at_ms: int
    event: Event

    def __post_init__(self) -> None:
        """Refuse an identity or a moment that cannot be."""
        if not (0 <= self.epoch < 1 << 63 and 0 <= self.n < 1 << 63 and 0 <= self.at_ms < MOMENT_MS_MAX):
            raise ValueError(f"a master's envelope says epoch {self.epoch}, n {self.n}, {self.at_ms} ms")


@dataclass(frozen=True, slots=True)
class ByWorker:
    """A worker's envelope: the incarnation with the range of sequence numbers is the entry's identity.

    The range is longer than one when reports were merged before they were ever sent.
    """

    incarnation: str
    first: int
    last: int
    at_ms: int
    event: Event

    def __post_init__(self) -> None:
        """Refuse an identity that could not be told from another."""
        if not 1 <= self.first <= self.last < 1 << 63 or not 1 <= len(self.incarnation) <= INCARNATION_MAX:
            raise ValueError(f"a report's range is {self.first}..{self.last} of {self.incarnation[:INCARNATION_MAX]!r}")


@dataclass(frozen=True, slots=True)
class ByOperator:
    """An operator's envelope: `id` is random and makes the intent repeatable."""

    id: str
    author: str
    at_ms: int
    event: Event


def is_target(users: int, spawn_rate: float) -> bool:
    """Whether a curve can go to so many users at this rate."""
    return 0 <= users <= USERS_MAX and 0 < spawn_rate <= HEIGHT_MAX


# ---------------------------------------------------------------------------- commands, by masters


@dataclass(frozen=True, slots=True)
class RunOpened(Event):
    """Open the run: everything that a worker or a replay must know of it."""

    KIND = "ro"
    run: str
    fleet: str
    author: str
    file: str  # the locustfile's path relative to the shipped root
    files: tuple[FileSpec, ...]
    classes: tuple[ClassSpec, ...]
    options: RunOptions
    versions: tuple[tuple[str, str], ...] = ()
    slots: int = 4096
    plan_text: str = ""  # the plan as the operator wrote it (stages and arrivals)
    more_files: tuple[str, ...] = ()  # further locustfiles, as `file`
    shape: str = ""  # the LoadTestShape that sets the users; "": the options do
    hooks: tuple[str, ...] = ()  # hooks with listeners in the file: whether a hook host is needed
    signature: str = ""  # over files, host and arguments, by a key that workers may ask for; hexadecimal

    def __post_init__(self) -> None:
        """Refuse a run that nobody could plan."""
        if not 1 <= self.slots <= SLOTS_MAX:
            raise ValueError(f"a run has 1 to {SLOTS_MAX:,} slots, not {self.slots}")
        if not is_target(self.options.users, self.options.spawn_rate):
            raise ValueError(f"{self.options.users} users at {self.options.spawn_rate:g}/s")
        if not all(0 <= c.weight <= HEIGHT_MAX and 0 <= c.fixed_count <= USERS_MAX for c in self.classes):
            raise ValueError("a user class's weight or fixed count is out of range")


@dataclass(frozen=True, slots=True)
class FileChunk(Event):
    """Carry one part of a shipped file, named by the hash of the whole."""

    KIND = "fc"
    sha256: str
    part: int
    parts: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """Begin: `began_ms` is the Redis time of plan time zero."""

    KIND = "rs"
    began_ms: int


@dataclass(frozen=True, slots=True)
class PlanSet(Event):
    """The whole plan from `from_ms` (plan time) on: schedule, end and who owns which slot.

    `owners` are incarnations; `table` holds one big-endian uint16 a slot, an index into `owners` (65535: nobody).
    """

    KIND = "ps"
    number: int
    from_ms: int
    tracks: tuple[Track, ...]
    end_ms: int | None
    owners: tuple[str, ...]
    table: bytes
    why: str = ""

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be executed: whoever reads it would stumble over it."""
        ends = (self.from_ms, self.from_ms if self.end_ms is None else self.end_ms)
        if not 0 <= self.number < 1 << 63 or not all(0 <= ms < MOMENT_MS_MAX for ms in ends):
            raise ValueError(f"plan {self.number} from {self.from_ms} to {self.end_ms} ms")
        if len(self.table) % 2 or len(self.table) > 2 * SLOTS_MAX or len(self.tracks) > TRACKS_MAX:
            raise ValueError(f"a plan of {len(self.table)} bytes of slots and {len(self.tracks)} curves")
        indexes = set(unpack(f">{len(self.table) // 2}H", self.table)) - {0xFFFF}
        if indexes and max(indexes) >= len(self.owners):
            raise ValueError("a slot's owner is not in the list of owners")


@dataclass(frozen=True, slots=True)
class StopOrdered(Event):
    """Stop all users; tasks in flight may finish within the timeout."""

    KIND = "so"
    outcome: str  # finished, stopped, lapsed, refused, failed
    reason: str
    author: str
    stop_timeout_ms: int
    exit_code: int | None = None  # None: by what failed


@dataclass(frozen=True, slots=True)
class DrainOrdered(Event):
    """Take a worker's users away from it, then let it go."""

    KIND = "do"
    name: str
    author: str


@dataclass(frozen=True, slots=True)
class BlockLeased(Event):
    """Lend positions of a counter (rows of a file) to a worker: nobody else ever gets them."""

    KIND = "bl"
    counter: str  # what, then which: rows:people.csv
    incarnation: str
    ask: int  # the wish that is answered
    first: int
    count: int  # 0: there is none left
    size: int = 0  # of the counter; 0: no end
    kept: Spans = ()  # what the worker held besides when it asked; all else that it had is used
    why: str = ""  # why it gets none, when that is not the end of them


@dataclass(frozen=True, slots=True)
class BlocksReturned(Event):
    """Take back what a worker that leaves did not use: it can be lent again."""

    KIND = "br"
    counter: str
    incarnation: str
    ask: int
    spans: Spans


@dataclass(frozen=True, slots=True)
class RunClosed(Event):
    """Close the run: nothing of it is counted after this."""

    KIND = "rc"
    outcome: str
    reason: str
    exit_code: int
    verdict: str = ""  # valid, suspect, invalid; "" when it was not judged
    reasons: tuple[str, ...] = ()
    reports_id: str = ""  # the last report that counts: what is in the stream after it came too late


# ---------------------------------------------------------------------------- observations, by masters


@dataclass(frozen=True, slots=True)
class MasterTook(Event):
    """A master took the lease."""

    KIND = "mt"
    host: str
    pid: int
    version: str


@dataclass(frozen=True, slots=True)
class WorkerSeen(Event):
    """A worker's heartbeat was seen for the first time in this incarnation."""

    KIND = "ws"
    name: str  # w1, w2 …: stable for a worker id
    worker: str
    incarnation: str
    host: str
    pid: int
    processes: int
    version: str = ""
    first_index: int = 0  # of its generators: generator k has the index first_index + k in the fleet


@dataclass(frozen=True, slots=True)
class WorkerChanged(Event):
    """A worker's state or lamps changed."""

    KIND = "wc"
    name: str
    incarnation: str
    state: str  # waiting, loading, ready, running, stalled, draining
    alive: bool
    running: bool
    reporting: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLost(Event):
    """A worker's lease lapsed: its slots go to others, its incarnation is over."""

    KIND = "wl"
    name: str
    incarnation: str
    seen_ms: int  # Redis time at which its heartbeat was last seen


@dataclass(frozen=True, slots=True)
class WorkerLeft(Event):
    """A worker left in order."""

    KIND = "wg"
    name: str
    incarnation: str
    why: str


@dataclass(frozen=True, slots=True)
class WorkerRefused(Event):
    """A worker may not serve this run: another schema, or the file does not load there."""

    KIND = "wr"
    name: str
    worker: str
    incarnation: str
    why: str


@dataclass(frozen=True, slots=True)
class Beat:
    """What one heartbeat said, with its age in ms when the master looked."""

    name: str
    age_ms: int
    cpu_permille: int = 0
    memory_bytes: int = 0
    lag_ms: int = 0


@dataclass(frozen=True, slots=True)
class Ticked(Event):
    """The master looked around: the moment up to which it saw, and the heartbeats."""

    KIND = "tk"
    beats: tuple[Beat, ...]
    redis_rtt_us: int = 0


@dataclass(frozen=True, slots=True)
class BlocksLost(Event):
    """Positions of a counter are gone with who held them: used or not, nobody gets them again."""

    KIND = "bx"
    counter: str
    incarnation: str
    spans: Spans
    why: str


@dataclass(frozen=True, slots=True)
class TargetSet(Event):
    """A new number of users was wanted, by an operator or a shape."""

    KIND = "ts"
    users: int
    spawn_rate: float
    author: str
    classes: tuple[str, ...] = ()  # only these; empty: all of the run


@dataclass(frozen=True, slots=True)
class HookDone(Event):
    """The hook host has called the file's listeners of a hook on the master's side."""

    KIND = "hd"
    hook: str  # test_start, quit
    failed: int = 0  # listeners that raised
    exit_code: int | None = None  # what user code wants the run to end with


@dataclass(frozen=True, slots=True)
class MessageSent(Event):
    """User code on the master's side sent a custom message to generators."""

    KIND = "ms"
    type: str
    data: bytes  # msgpack of user code's value
    to: str = ""  # a generator's client id; "": all


@dataclass(frozen=True, slots=True)
class IntentAccepted(Event):
    """An operator's intent was accepted."""

    KIND = "ia"
    id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class IntentRefused(Event):
    """An operator's intent was refused."""

    KIND = "ir"
    id: str
    author: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class EntryRefused(Event):
    """An entry of the log or the reports was not believed, and skipped."""

    KIND = "er"
    stream: str
    id: str  # the last of them
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Checkpoint(Event):
    """The hash of the folded state after the named entries."""

    KIND = "ck"
    log_id: str
    reports_id: str
    sha256: str
    rules: str = ""  # which shape of the state and which fold: only the same ones give the same hash


@dataclass(frozen=True, slots=True)
class GenerationOpened(Event):
    """The log or the reports were damaged in Redis: they go on from the state that the keyframe beside them holds."""

    KIND = "gn"
    number: int  # 2 for the first that is opened; a run begins with 1
    why: str
    log_id: str  # up to here the keyframe covers the log
    reports_id: str


@dataclass(frozen=True, slots=True)
class LedgerSealed(Event):
    """The books of the seconds before `to_s` are closed: sums since the start, each second balanced by itself."""

    KIND = "ls"
    to_s: int  # a second of Redis time
    planned_user_ms: int
    ran_user_ms: int
    missing_user_ms: int
    surplus_user_ms: int
    gaps: tuple[tuple[int, int, int, int], ...] = ()  # first second, the one after its last, missing, surplus

    def __post_init__(self) -> None:
        """Refuse books that do not balance."""
        counts = (self.planned_user_ms, self.ran_user_ms, self.missing_user_ms, self.surplus_user_ms)
        if not 0 <= self.to_s < MOMENT_MS_MAX or any(n < 0 for n in counts):
            raise ValueError("a ledger's sums are not negative")
        if self.planned_user_ms + self.surplus_user_ms != self.ran_user_ms + self.missing_user_ms:
            raise ValueError("a ledger does not balance")


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """A note for people: an operator's, or a warning of the master."""

    KIND = "nt"
    author: str
    level: str  # info, good, warning, error
    text: str


# ---------------------------------------------------------------------------- reports, by workers


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """A child of a worker, as its agent saw it."""

    number: int
    pid: int
    state: str  # starting, ready, running, stalled, gone
    users: int
    lag_ms: int = 0
    classes: dict[str, int] = field(default_factory=dict)  # its users, by class


@dataclass(frozen=True, slots=True)
class Reported(Event):
    """What a worker's generators measured in an interval, and how they are."""

    KIND = "rp"
    from_ms: int
    to_ms: int
    blocks: tuple[Block, ...]
    failures: tuple[FailureTally, ...] = ()
    exceptions: tuple[ExceptionTally, ...] = ()
    users: dict[str, int] = field(default_factory=dict)
    generators: tuple[GeneratorState, ...] = ()
    cpu_permille: int = 0
    memory_bytes: int = 0
    iterations: tuple[int, int, int, int] = (0, 0, 0, 0)  # started, finished, failed, cancelled
    arrivals: tuple[int, int, int] = (0, 0, 0)  # planned, started, dropped
    hook_failures: int = 0  # listeners that raised
    ended: tuple[int, int, int] = (0, 0, 0)  # users that ended by themselves; of them restarted, let go

    def __post_init__(self) -> None:
        """Refuse counts and moments that cannot be: a sum would carry them for ever."""
        counts = [*self.users.values(), *self.iterations, *self.arrivals, self.hook_failures, *self.ended]
        counts += [f.occurrences for f in self.failures] + [e.occurrences for e in self.exceptions]
        if not all(is_count(n) for n in counts):
            raise ValueError("a report's counts are whole, not negative and not too large")
        moments = [m for f in self.failures for m in (f.first_ms, f.last_ms)]
        if not 0 <= self.from_ms <= self.to_ms < MOMENT_MS_MAX or not all(0 <= m < MOMENT_MS_MAX for m in moments):
            raise ValueError(f"a report covers {self.from_ms} to {self.to_ms} ms")


@dataclass(frozen=True, slots=True)
class GeneratorLost(Event):
    """A generator died: what it measured between these moments was never sent."""

    KIND = "gl"
    number: int
    pid: int
    from_ms: int
    to_ms: int
    why: str
    users: int = 0
    in_flight: int = 0  # iterations that it had begun and not ended, as far as it had said


@dataclass(frozen=True, slots=True)
class LoadFailed(Event):
    """The locustfile did not load on this worker."""

    KIND = "lf"
    error: str  # the name of the TidalError that says it
    why: str


@dataclass(frozen=True, slots=True)
class WorkerFinished(Event):
    """The worker's users have stopped and its last report is before this entry."""

    KIND = "wf"
    why: str
    exit_code: int | None = None  # the highest that user code in its generators wants the run to end with


@dataclass(frozen=True, slots=True)
class StopWanted(Event):
    """User code in a generator asked for the end of the run."""

    KIND = "sw"
    number: int  # of the generator
    why: str


@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    """User code in a generator sent a custom message to the master's side."""

    KIND = "mr"
    number: int  # of the generator
    client: str  # its client id
    type: str
    data: bytes  # msgpack of user code's value


@dataclass(frozen=True, slots=True)
class BlockWanted(Event):
    """The worker's users need positions of a counter; `ask` rises with each wish of an incarnation for a counter."""

    KIND = "bw"
    counter: str
    ask: int
    count: int
    size: int = 0  # of the counter, as this worker knows it; 0: no end
    held: Spans = ()  # lent to it and not used yet
    lost: Spans = ()  # lent to a generator of it that died
    reached: int = 0  # after the highest position that it was ever lent
    is_last: bool = False  # it wants no more: what it held is free
    seen: int = 0  # the last of its wishes whose answer it has read

    def __post_init__(self) -> None:
        """Refuse a name that would fill the state."""
        if len(self.counter) > TEXT_MAX:
            raise ValueError(f"a counter's name has {len(self.counter)} characters")


# ---------------------------------------------------------------------------- intents, by operators


@dataclass(frozen=True, slots=True)
class WantTarget(Event):
    """Change the number of users and how fast they come or go."""

    KIND = "it"
    users: int
    spawn_rate: float | None = None


@dataclass(frozen=True, slots=True)
class WantStop(Event):
    """Stop the run."""

    KIND = "is"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WantNote(Event):
    """Write a note into the log."""

    KIND = "in"
    text: str


MASTER_EVENTS: tuple[type[Event], ...] = (
    RunOpened, FileChunk, RunStarted, PlanSet, StopOrdered, DrainOrdered, RunClosed, BlockLeased, BlocksReturned,
    MasterTook, WorkerSeen, WorkerChanged, WorkerLost, WorkerLeft, WorkerRefused, Ticked, BlocksLost, TargetSet,
    HookDone, MessageSent,
    IntentAccepted, IntentRefused, EntryRefused, Checkpoint, Noted, GenerationOpened,
    LedgerSealed,
)  # fmt: skip
WORKER_EVENTS: tuple[type[Event], ...] = (
    Reported, GeneratorLost, LoadFailed, WorkerFinished, StopWanted, MessageReceived, BlockWanted,
)  # fmt: skip
OPERATOR_EVENTS: tuple[type[Event], ...] = (WantTarget, WantStop, WantNote)
