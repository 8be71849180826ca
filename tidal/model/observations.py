"""What masters saw: events in the past tense, on the log."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from tidal.model.envelopes import MOMENT_MS_MAX, Event
from tidal.model.samples import LogLine  # noqa: TC001 - from_wire reads the annotations
from tidal.model.spans import Spans  # noqa: TC001 - from_wire reads the annotations
from tidal.model.struct import Struct
from tidal.model.wire import are_ints, record_reader

if TYPE_CHECKING:
    from collections.abc import Callable


class MasterTook(Event, frozen=True):
    """A master took the lease."""

    KIND = "mt"
    host: str
    pid: int
    version: str


class WorkerSeen(Event, frozen=True):
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
    users_max: int = 0  # how many users it takes; 0: any number


class WorkerChanged(Event, frozen=True):
    """A worker's state or lamps changed."""

    KIND = "wc"
    name: str
    incarnation: str
    state: str  # waiting, loading, ready, running, stalled, draining
    alive: bool
    running: bool
    reporting: bool
    why: str = ""


class WorkerLost(Event, frozen=True):
    """A worker's lease lapsed: its slots go to others, its incarnation is over."""

    KIND = "wl"
    name: str
    incarnation: str
    seen_ms: int  # Redis time at which its heartbeat was last seen


class WorkerLeft(Event, frozen=True):
    """A worker left in order."""

    KIND = "wg"
    name: str
    incarnation: str
    why: str


class WorkerRefused(Event, frozen=True):
    """A worker may not serve this run: another schema, or the file does not load there."""

    KIND = "wr"
    name: str
    worker: str
    incarnation: str
    why: str


class Beat(Struct, frozen=True):
    """What one heartbeat said, with its age in ms when the master looked."""

    name: str
    age_ms: int
    cpu_permille: int = 0
    memory_bytes: int = 0
    lag_ms: int = 0
    behind_ms: int = 0  # how late its generators act on what is due
    skew_ms: int = 0  # the worker's clock minus Redis'
    epoch: int = 0  # the highest that it has read
    plan: int = 0  # the newest that it has read

    def to_wire(self) -> list[object]:
        """Its values in order: a tick of a large fleet has a thousand of them."""
        return [*_VALUES(self)]

    @classmethod
    def from_wire(cls, wire: object) -> Beat:
        """That of `to_wire`, or a map from name to value, checked."""
        if not isinstance(wire, list):
            return _read_map(wire)
        if len(wire) != len(cls.__struct_fields__) or type(wire[0]) is not str or not are_ints(wire[1:]):
            raise ValueError("a beat is a name and whole numbers")
        return cls(*wire)


_VALUES: Callable[[Beat], tuple[object, ...]] = attrgetter(*Beat.__struct_fields__)
_read_map: Callable[[object], Beat] = record_reader(Beat)


class Ticked(Event, frozen=True):
    """The master looked around: the moment up to which it saw, and the heartbeats."""

    KIND = "tk"
    beats: tuple[Beat, ...]
    redis_rtt_us: int = 0
    reports_id: str = ""  # the last report that the master had folded when it looked
    judged_to_s: int = 0  # Redis time in whole seconds up to which thresholds are judged: all is reported


class BlocksLost(Event, frozen=True):
    """Positions of a counter are gone with who held them: used or not, nobody gets them again."""

    KIND = "bx"
    counter: str
    incarnation: str
    spans: Spans
    why: str


class TargetSet(Event, frozen=True):
    """A new number of users was wanted, by an operator or a shape."""

    KIND = "ts"
    users: int
    spawn_rate: float
    author: str
    classes: tuple[str, ...] = ()  # only these; empty: all of the run
    arrivals: float | None = None  # a second, instead of users
    over_ms: int = 0  # so long it takes to get there


class HookDone(Event, frozen=True):
    """The hook host has called the file's listeners of a hook on the master's side."""

    KIND = "hd"
    hook: str  # test_start, quit
    failed: int = 0  # listeners that raised
    exit_code: int | None = None  # what user code wants the run to end with


class MessageSent(Event, frozen=True):
    """User code on the master's side sent a custom message to generators."""

    KIND = "ms"
    type: str
    data: bytes  # msgpack of user code's value
    to: str = ""  # a generator's client id; "": all


class IntentAccepted(Event, frozen=True):
    """An operator's intent was accepted."""

    KIND = "ia"
    id: str
    author: str
    text: str


class IntentRefused(Event, frozen=True):
    """An operator's intent was refused."""

    KIND = "ir"
    id: str
    author: str
    text: str
    why: str


class EntryRefused(Event, frozen=True):
    """An entry of the log or the reports was not believed, and skipped."""

    KIND = "er"
    stream: str
    id: str  # the last of them
    why: str
    count: int = 1


class Checkpoint(Event, frozen=True):
    """The hash of the folded state after the named entries, and the chain of hashes over the entries themselves."""

    KIND = "ck"
    log_id: str
    reports_id: str
    sha256: str
    rules: str = ""  # which shape of the state and which fold: only the same ones give the same hash
    chain: str = ""  # the hash of every entry from `log_since` and `reports_since` to those named; "": none
    log_since: str = "0-0"
    reports_since: str = "0-0"


class GenerationOpened(Event, frozen=True):
    """The log or the reports were damaged in Redis: they go on from the state that the keyframe beside them holds."""

    KIND = "gn"
    number: int  # 2 for the first that is opened; a run begins with 1
    why: str
    log_id: str  # up to here the keyframe covers the log
    reports_id: str


class LedgerSealed(Event, frozen=True):
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


class ThresholdTripped(Event, frozen=True):
    """A threshold of the run is not met, once and for all."""

    KIND = "tt"
    text: str  # the threshold, as `RunOpened.options` has it
    from_ms: int  # plan time of what was judged
    to_ms: int
    value_milli: int | None = None  # in thousandths of the metric's unit; None: there was none
    why: str = ""  # why there was no value

    def __post_init__(self) -> None:
        """Refuse moments that cannot be."""
        if not 0 <= self.from_ms <= self.to_ms < MOMENT_MS_MAX:
            raise ValueError(f"a threshold tripped from {self.from_ms} to {self.to_ms} ms")


class ProbeBegun(Event, frozen=True):
    """The search for a limit holds a level; the plan that goes there is written beside this."""

    KIND = "pb"
    number: int  # from 1
    level_milli: int
    from_s: int  # the whole seconds of Redis time that are measured
    to_s: int

    def __post_init__(self) -> None:
        """Refuse what nobody could measure."""
        if not 0 <= self.from_s <= self.to_s < MOMENT_MS_MAX or self.level_milli < 0 or self.number < 0:
            raise ValueError(f"probe {self.number} from second {self.from_s} to {self.to_s}")


class ProbeJudged(Event, frozen=True):
    """A level of the search for a limit met the thresholds, or did not."""

    KIND = "pj"
    number: int
    level_milli: int
    passed: bool
    from_ms: int  # plan time of what was measured
    to_ms: int
    values: tuple[tuple[str, int | None], ...] = ()  # each threshold with its value in thousandths; nil: none


class LimitFound(Event, frozen=True):
    """The search for a limit is over."""

    KIND = "lm"
    level_milli: int | None  # None: there is none to tell
    low_milli: int = 0
    high_milli: int = 0
    confidence_permille: int = 0  # of the bounds
    why: str = ""


class Noted(Event, frozen=True):
    """A note for people: an operator's, or a warning of the master."""

    KIND = "nt"
    author: str
    level: str  # info, good, warning, error
    text: str


class Logged(Event, frozen=True):
    """What the logging of the master and of its hook host said."""

    KIND = "lo"
    lines: tuple[LogLine, ...]
