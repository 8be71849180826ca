"""What workers did and measured: events in the past tense, on `reports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.model.dated import check_dated
from tidal.model.envelopes import MOMENT_MS_MAX, Event
from tidal.model.samples import (
    COUNT_MAX,
    TEXT_MAX,
    Block,
    ExceptionTally,
    FailedRequest,
    FailureTally,
    LogLine,
    PaceTally,
    is_count,
)
from tidal.model.spans import Spans  # noqa: TC001 - from_wire reads the annotations
from tidal.model.stats import Spread  # noqa: TC001 - the same
from tidal.model.struct import Struct, field, fields_of
from tidal.model.wire import to_wire

if TYPE_CHECKING:
    from tidal.model.pipe import Batch

_INT_ALONE = {int}


class GeneratorState(Struct, frozen=True):
    """A child of a worker, as its agent saw it."""

    number: int
    pid: int
    state: str  # starting, ready, running, stalled, gone
    users: int
    lag_ms: int = 0
    classes: dict[str, int] = field(default_factory=dict)  # its users, by class


WATCHES_MAX, WATCH_S_MAX = 100, 900
"""What a worker may want kept: so many, each for so many seconds."""


class Watch(Struct, frozen=True):
    """What a threshold needs of an endpoint: its newest seconds one by one, or the sum of a span of seconds."""

    of: str  # method and name, or the name alone; "" is all requests
    keep_s: int = 0  # how many seconds; 0: the span
    from_s: int = 0  # Redis time in whole seconds
    to_s: int = 0

    def __post_init__(self) -> None:
        """Refuse what would fill the state."""
        if len(self.of) > TEXT_MAX or not 0 <= self.keep_s <= WATCH_S_MAX:
            raise ValueError(f"a watch of {self.keep_s} s and a name of {len(self.of)} characters")
        if not 0 <= self.from_s <= self.to_s < MOMENT_MS_MAX or bool(self.keep_s) == bool(self.to_s):
            raise ValueError(f"a watch from second {self.from_s} to {self.to_s}")


def check_counts(said: Reported | Batch) -> None:
    """Refuse counts and moments that cannot be: a sum would carry them for ever."""
    counts = [*said.users.values(), *said.iterations, *said.arrivals, said.hook_failures, *said.ended, said.late]
    counts += [f.occurrences for f in said.failures] + [e.occurrences for e in said.exceptions]
    counts += [n for pace in said.pacing for n in (pace.begun, pace.wanted_millionths)]
    if {*map(type, counts)} != _INT_ALONE or min(counts) < 0 or max(counts) >= COUNT_MAX:
        raise ValueError("a report's counts are whole, not negative and not too large")
    moments = [m for f in said.failures for m in (f.first_ms, f.last_ms)]
    if not 0 <= said.from_ms <= said.to_ms < MOMENT_MS_MAX or not all(0 <= m < MOMENT_MS_MAX for m in moments):
        raise ValueError(f"a report covers {said.from_ms} to {said.to_ms} ms")


class Reported(Event, frozen=True):
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
    pacing: tuple[PaceTally, ...] = ()  # of users that keep a pace, by class
    lateness: Spread | None = None  # how late arrivals began
    late: int = 0  # of these: later than LATE_US
    watch: tuple[Watch, ...] = ()  # what of its blocks is to be kept second by second, for thresholds
    failed: tuple[FailedRequest, ...] = ()  # a few of the failed requests, to be read
    delay: Spread | None = None  # how long answers lay in the kernel before the generator read them
    undelayed: Spread | None = None  # the latencies of the same answers without that
    lines: tuple[LogLine, ...] = ()  # what the logging of the agent and its generators said
    dated: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # arrivals begun, dropped, users let go

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_counts(self)
        if len(self.watch) > WATCHES_MAX:
            raise ValueError(f"a report wants {len(self.watch)} endpoints to be watched")
        check_dated(self)

    def to_wire(self) -> dict[str, Any]:
        """Its fields, without those in which there is nothing: most of a quiet report would be names of such."""
        told = ((name, getattr(self, name)) for name in _NAMES)
        return {name: to_wire(value) for name, value in told if name in _NEEDED or (value and value not in _NOTHING)}


_NAMES = tuple(one.name for one in fields_of(Reported))
_NEEDED = frozenset(one.name for one in fields_of(Reported) if one.is_required)
_NOTHING = ((0, 0, 0), (0, 0, 0, 0))


class GeneratorLost(Event, frozen=True):
    """A generator died: what it measured between these moments was never sent."""

    KIND = "gl"
    number: int
    pid: int
    from_ms: int
    to_ms: int
    why: str
    users: int = 0
    in_flight: int = 0  # iterations that it had begun and not ended, as far as it had said


class LoadFailed(Event, frozen=True):
    """The locustfile did not load on this worker."""

    KIND = "lf"
    error: str  # the name of the TidalError that says it
    why: str


class WorkerFinished(Event, frozen=True):
    """The worker's users have stopped and its last report is before this entry."""

    KIND = "wf"
    why: str
    exit_code: int | None = None  # the highest that user code in its generators wants the run to end with


class StopWanted(Event, frozen=True):
    """User code in a generator asked for the end of the run."""

    KIND = "sw"
    number: int  # of the generator
    why: str


class MessageReceived(Event, frozen=True):
    """User code in a generator sent a custom message to the master's side."""

    KIND = "mr"
    number: int  # of the generator
    client: str  # its client id
    type: str
    data: bytes  # msgpack of user code's value


class BlockWanted(Event, frozen=True):
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


class TicketsWanted(Event, frozen=True):
    """The worker's users need rights to begin iterations: totals of its incarnation, which only rise."""

    KIND = "tw"
    rows: tuple[tuple[str, int, int, int, int, int], ...]
    """Class and number of a user ("" and 0: the run); to be lent, given back, ended, lost with a generator."""

    def __post_init__(self) -> None:
        """Refuse totals that cannot be."""
        if not all(len(row[0]) <= TEXT_MAX and all(is_count(n) for n in row[1:]) for row in self.rows):
            raise ValueError("totals of tickets are whole, not negative and not too large")
