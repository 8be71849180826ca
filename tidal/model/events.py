"""The events of a run: one frozen dataclass a kind, grouped by who writes them.

Masters write commands (imperative) and observations (past tense) to `log`. Workers write reports
(past tense) to `reports`. Operators write intents to `intents`. An event carries what happened; who wrote it,
when and with which identity is in its envelope (`ByMaster`, `ByWorker`, `ByOperator`). The kinds and versions are
in `docs/reference/schema.md`, which a test holds to this file.

Adding a kind: a dataclass here, one function in `fold.py` (and one line in `story.py`), a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tidal.model.stats import Tally

SCHEMA_VERSION = 1
"""The major version: an entry of a higher one is refused, a lower one is upcast."""

TEXT_MAX = 2_000
"""Characters of a name, message or reason that an event carries; longer ones are cut where they are born."""
TRACEBACK_MAX = 8_000
COUNT_MAX = 1 << 48
"""A count or sum of one report is below this, so that the sums of a run stay within 63 bits."""
MOMENT_MS_MAX = 1 << 46
"""A moment is before this (the year 4199), so that no envelope can have the fold plan for ages."""
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
        if not 1 <= self.first <= self.last < 1 << 63 or not self.incarnation:
            raise ValueError(f"a report's range is {self.first}..{self.last} of {self.incarnation!r}")


@dataclass(frozen=True, slots=True)
class ByOperator:
    """An operator's envelope: `id` is random and makes the intent repeatable."""

    id: str
    author: str
    at_ms: int
    event: Event


# ---------------------------------------------------------------------------- commands, by masters


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """A user class of the locustfile, as its author wrote it."""

    name: str
    weight: float = 1.0
    fixed_count: int = 0
    host: str = ""
    needs_host: bool = False
    tasks: tuple[tuple[str, float], ...] = ()  # task name, share of the class's tasks


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A shipped file: path relative to the shipped root, SHA-256 of its bytes, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the operator asked for, as it goes into the log: no secret is ever in here."""

    users: int = 1
    spawn_rate: float = 1.0  # users a second
    run_time_ms: int | None = None  # None: until stopped
    host: str = ""
    classes: tuple[str, ...] = ()  # chosen user classes; empty: all
    stop_timeout_ms: int = 5_000  # how long a task in flight may go on after a stop
    expect_workers: int = 1
    expect_workers_max_wait_ms: int = 60_000
    keep_running: bool = False  # an endless run without a viewer goes on
    masterless_timeout_ms: int = 600_000
    isolation_timeout_ms: int = 60_000
    report_interval_ms: int = 1_000
    arguments: tuple[tuple[str, str], ...] = ()  # the file's own arguments


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
class Track:
    """A curve over plan time: points (plan ms, value) joined by straight lines, held after the last.

    `name` is a user class, or "" for all classes in the run's mix. `unit` is "users" or "arrivals/s".
    """

    name: str
    points: tuple[tuple[int, float], ...]
    unit: str = "users"


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
class RunClosed(Event):
    """Close the run: nothing of it is counted after this."""

    KIND = "rc"
    outcome: str
    reason: str
    exit_code: int
    verdict: str = ""  # valid, suspect, invalid; "" when it was not judged
    reasons: tuple[str, ...] = ()


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
class TargetSet(Event):
    """A new number of users was wanted, by an operator or a shape."""

    KIND = "ts"
    users: int
    spawn_rate: float
    author: str


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


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """A note for people: an operator's, or a warning of the master."""

    KIND = "nt"
    author: str
    level: str  # info, good, warning, error
    text: str


# ---------------------------------------------------------------------------- reports, by workers


@dataclass(slots=True)
class Block:
    """What was measured in one second of Redis time (or in `span` of them, where detail was merged away)."""

    second: int
    span: int = 1
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)  # (method, name)
    user_ms: dict[str, int] = field(default_factory=dict)  # user-time that ran, by class

    def merge(self, other: Block) -> None:
        """Add the counts of another block of the same second."""
        for key, tally in other.tallies.items():
            if key in self.tallies:
                self.tallies[key].merge(tally)
            else:
                self.tallies[key] = tally.copy()
        for name, ran_ms in other.user_ms.items():
            self.user_ms[name] = self.user_ms.get(name, 0) + ran_ms

    def to_wire(self) -> list[object]:
        """[second, span, [[method, name, tally] …], {class: ms}]."""
        rows = [[*key, tally.to_wire()] for key, tally in sorted(self.tallies.items())]
        return [self.second, self.span, rows, self.user_ms]

    @classmethod
    def from_wire(cls, wire: object) -> Block:
        """The block of `to_wire`, checked."""
        second, span, rows, user_ms = _wire_list(wire, 4)
        if type(second) is not int or type(span) is not int or not 0 <= second < 1 << 40 or not 1 <= span < 1 << 20:
            raise ValueError("a block's second or span is out of range")
        if not isinstance(user_ms, dict) or not all(type(k) is str and _is_count(v) for k, v in user_ms.items()):
            raise ValueError("a block's user time is not whole milliseconds by class")
        tallies = {}
        for row in _wire_list(rows):
            method, name, tally = _wire_list(row, 3)
            if type(method) is not str or type(name) is not str:
                raise ValueError("an endpoint's method and name are text")
            tallies[method[:TEXT_MAX], name[:TEXT_MAX]] = _modest(Tally.from_wire(tally))
        return cls(second, span, tallies, user_ms)


def _wire_list(wire: object, length: int | None = None) -> list[Any]:
    if not isinstance(wire, list) or (length is not None and len(wire) != length):
        raise ValueError("not a list of the right length")
    return wire


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < COUNT_MAX


def _modest(tally: Tally) -> Tally:
    if max(tally.requests, tally.cancelled, tally.total_us, tally.min_us, tally.max_us, tally.bytes) >= COUNT_MAX:
        raise ValueError("a tally's counts are too large for one second")
    return tally


@dataclass(slots=True)
class FailureTally:
    """Failed requests of one endpoint with one message."""

    method: str
    name: str
    error: str
    occurrences: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class ExceptionTally:
    """Exceptions of user code with one message and traceback."""

    message: str
    traceback: str
    occurrences: int


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """A child of a worker, as its agent saw it."""

    number: int
    pid: int
    state: str  # starting, ready, running, stalled, gone
    users: int
    lag_ms: int = 0


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

    def __post_init__(self) -> None:
        """Refuse counts and moments that cannot be: a sum would carry them for ever."""
        counts = [*self.users.values(), *self.iterations, *self.arrivals]
        counts += [f.occurrences for f in self.failures] + [e.occurrences for e in self.exceptions]
        if not all(_is_count(n) for n in counts):
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
    RunOpened, FileChunk, RunStarted, PlanSet, StopOrdered, DrainOrdered, RunClosed,
    MasterTook, WorkerSeen, WorkerChanged, WorkerLost, WorkerLeft, WorkerRefused, Ticked, TargetSet,
    IntentAccepted, IntentRefused, EntryRefused, Checkpoint, Noted,
)  # fmt: skip
WORKER_EVENTS: tuple[type[Event], ...] = (Reported, GeneratorLost, LoadFailed, WorkerFinished)
OPERATOR_EVENTS: tuple[type[Event], ...] = (WantTarget, WantStop, WantNote)
