"""The state of a run: two halves that never touch each other's fields.

`LogHalf` changes only by what masters wrote, `ReportHalf` only by what workers wrote. That is why reports commute
with everything (design: "reports commute"): no order of the two streams can matter, because no field is written by
both. What joins them, a worker's row say, is joined when a frame is made or a decision taken.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any, get_args, get_type_hints

from tidal.model.codec import LOG, REPORTS, ZERO_ID, EntryId, is_entry_id, pack, unpack
from tidal.model.events import (
    Beat,
    BlockWanted,
    ClassSpec,
    FailedRequest,
    FileSpec,
    LedgerSealed,
    LimitFound,
    PaceTally,
    PlanSet,
    ProbeBegun,
    ProbeJudged,
    RunClosed,
    RunOptions,
    StageSpec,
    StopOrdered,
    ThresholdTripped,
    Track,
)
from tidal.model.fresh import Fresh
from tidal.model.held import Planned, Ran
from tidal.model.lanes import Lanes
from tidal.model.leases import CounterRecord  # noqa: TC001 - from_wire reads the annotations when it runs
from tidal.model.loglines import Lines
from tidal.model.measured import Measured
from tidal.model.phases import GONE, RUN_MOVES, WAITING
from tidal.model.rows import StoryRow  # noqa: TC001 - from_wire reads the annotations when it runs
from tidal.model.series import POINTS_MAX, STRAIN_POINTS, SUM_POINTS, Seconds, Series, Strain, is_spanned
from tidal.model.staged import CutRecord  # noqa: TC001 - from_wire reads the annotations when it runs
from tidal.model.stats import Spread, Tally, percentiles_us
from tidal.model.struct import Remembering, Struct, field, is_record, lasting_fields_of
from tidal.model.watched import WatchedRecord  # noqa: TC001 - from_wire reads the annotations when it runs
from tidal.model.wire import from_wire, to_wire

STORY_MAX = 500
PLANS_KEPT = 4
INTENTS_KEPT = 1_000
INTERVALS_KEPT = 200
GENERATOR_HOOKS = frozenset({"request", "user_error", "init_command_line_parser"})
"""Hooks that are never called on the master's side while a run goes on."""


class Refused(Struct):
    """Entries that were not believed: how many, and the last of them."""

    count: int = 0
    id: str = ""
    why: str = ""


class WorkerRecord(Struct):
    """A worker as the master saw it, in its newest incarnation."""

    name: str
    worker: str
    incarnation: str
    host: str
    pid: int
    processes: int
    state: str = "waiting"
    alive: bool = True
    running: bool = False
    reporting: bool = False
    why: str = ""
    seen_ms: int = 0
    first_index: int = 0
    users_max: int = 0  # how many users it takes; 0: any number
    beat: Beat | None = None
    beat_at_ms: int = 0

    def __repr__(self) -> str:
        return f"<Worker {self.name} {self.state} {self.incarnation} of {self.worker}>"

    @property
    def is_gone(self) -> bool:
        """Whether it owns nothing any more."""
        return self.state in GONE


class LogHalf(Struct):
    """What masters wrote."""

    run: str = ""
    fleet: str = ""
    author: str = ""
    file: str = ""
    files: tuple[FileSpec, ...] = ()
    classes: tuple[ClassSpec, ...] = ()
    options: RunOptions = field(default_factory=RunOptions)
    versions: tuple[tuple[str, str], ...] = ()
    slots: int = 4096
    plan_text: str = ""
    tracks: tuple[Track, ...] = ()  # the schedule that the run began with; none: users and spawn rate
    stages: tuple[StageSpec, ...] = ()
    more_files: tuple[str, ...] = ()
    shape: str = ""
    hooks: tuple[str, ...] = ()
    hooks_done: dict[str, int] = field(default_factory=dict)  # hook → when its listeners had been called
    hook_failures: int = 0
    exit_code_wanted: int | None = None  # by user code on the master's side
    phase: str = WAITING
    opened_ms: int = 0
    began_ms: int = 0
    stopped_ms: int = 0
    closed_ms: int = 0
    epoch: int = 0
    n: int = 0
    users: int = 0
    spawn_rate: float = 1.0
    target_classes: tuple[str, ...] = ()  # only these are to run; empty: all
    workers: dict[str, WorkerRecord] = field(default_factory=dict)  # by name
    incarnations: dict[str, str] = field(default_factory=dict)  # every incarnation → name
    ended: dict[str, str] = field(default_factory=dict)  # incarnation → lost, left, refused
    drains: dict[str, str] = field(default_factory=dict)  # incarnation → the operator who lets it go
    plans: list[PlanSet] = field(default_factory=list)  # the newest last; older ones until they are superseded
    planned: Series = field(default_factory=Series)
    planned_user_ms: int = 0
    planned_to_ms: int = 0  # plan time up to which `planned` was added up
    arrivals_planned: int = 0
    arrivals_to_ms: int = 0  # plan time up to which they were added up
    stop: StopOrdered | None = None
    closed: RunClosed | None = None
    ticked_ms: int = 0
    redis_rtt_us: int = 0
    answered_ms: int = 0  # when an intent was answered last
    intents: dict[str, bool] = field(default_factory=dict)  # id → accepted
    intents_order: list[str] = field(default_factory=list)  # their ids, the first answered first: maps are sorted
    story: list[StoryRow] = field(default_factory=list)
    story_dropped: int = 0
    counters: dict[str, CounterRecord] = field(default_factory=dict)  # what is handed out once, by name
    tickets: dict[str, dict[tuple[str, int], tuple[int, int]]] = field(default_factory=dict)
    """Incarnation → class and number of a user → tickets lent to it, given back by it."""
    refusals_told: dict[str, int] = field(default_factory=dict)  # stream → how many were written down
    refused: Refused = field(default_factory=Refused)
    skipped: int = 0
    repeats: int = 0
    fenced: int = 0
    planned_s: Seconds = field(default_factory=Seconds)  # `planned_user_ms` of the newest seconds
    sealed: LedgerSealed | None = None  # the books of the seconds before them
    losses: dict[str, tuple[int, int]] = field(default_factory=dict)  # incarnation → last seen, declared lost
    clock_back_ms: int = 0  # the furthest that the master's time went back
    generation: int = 1  # how often the streams were begun anew in Redis, from a keyframe
    signature: str = ""  # over files, host and arguments
    judged_to_s: int = 0  # Redis time in whole seconds up to which thresholds were judged
    tripped: dict[str, ThresholdTripped] = field(default_factory=dict)  # by the threshold's text
    probe: ProbeBegun | None = None  # of a search for a limit: the one that goes on, or the last
    probes: list[ProbeJudged] = field(default_factory=list)
    limit: LimitFound | None = None
    held: Planned = field(default_factory=Planned)  # what was planned over time, by curve
    lines: Lines = field(default_factory=Lines)  # of the master's logging and its hook host's

    @property
    def plan(self) -> PlanSet | None:
        """The newest plan, which may begin a little in the future."""
        return self.plans[-1] if self.plans else None

    @property
    def load_ended_ms(self) -> int:
        """When the load ended: at the stop, or by its plan while no master could order one; 0: it has not."""
        if not self.stopped_ms or self.plan is None or self.plan.end_ms is None:
            return self.stopped_ms
        return min(self.stopped_ms, self.began_ms + self.plan.end_ms)

    @property
    def reports_end(self) -> EntryId | None:
        """The last report that counts, once the run is closed; what lies after it in the stream came too late."""
        named = self.closed.reports_id if self.closed is not None else ""
        return EntryId.parse(named) if is_entry_id(named) else None

    @property
    def needs_host(self) -> bool:
        """Whether there is anything to call on the master's side: OpenTelemetry's count of users is."""
        return bool(self.shape or self.options.use_otel or set(self.hooks) - GENERATOR_HOOKS)

    def worker_of(self, incarnation: str) -> WorkerRecord | None:
        """The record whose newest incarnation this is."""
        record = self.workers.get(self.incarnations.get(incarnation, ""))
        return record if record is not None and record.incarnation == incarnation else None


class IncarnationRecord(Struct):
    """What one incarnation reported last, and which of its reports were counted."""

    watermark: int = 0
    ahead: dict[int, int] = field(default_factory=dict)  # first → last of ranges beyond the watermark
    newest: int = 0  # the sequence number that the gauges below are from
    to_ms: int = 0
    users: dict[str, int] = field(default_factory=dict)
    generators: int = 0
    generators_alive: int = 0
    by_generator: dict[int, dict[str, int]] = field(default_factory=dict)  # number → users by class, of those alive
    cpu_permille: int = 0
    memory_bytes: int = 0
    lag_ms: int = 0
    finished: bool = False
    user_ms: int = 0
    ran_to_s: int = 0  # its users ran until then
    in_flight: int = 0  # iterations that were begun and not ended
    in_flight_lost: int = 0  # those among them whose generator died
    strain: Strain = field(default_factory=Strain)
    wants: dict[str, BlockWanted] = field(default_factory=dict)  # counter → its newest wish
    tickets: dict[tuple[str, int], tuple[int, int, int, int]] = field(default_factory=dict)
    """Class and number of a user → tickets to be lent, given back, ended, lost with a generator."""


class EndpointRecord(Remembering):
    """An endpoint's samples over the run, and its counts of the last seconds."""

    tally: Tally = field(default_factory=Tally)
    recent: dict[int, tuple[int, int]] = field(default_factory=dict)  # second → requests, failures
    _seen: tuple[int, tuple[int, ...]] | None = None
    _buckets: list[int] = field(default_factory=list)  # of the histogram, in order

    def percentiles_us(self) -> tuple[int, ...]:
        """p50, p95 and p99, found once for each number of requests: most pictures show most endpoints as they were."""
        tally = self.tally
        if self._seen is None or self._seen[0] != tally.requests:
            if len(self._buckets) != len(tally.histogram):  # none is ever taken away
                self._buckets = sorted(tally.histogram)
            found = percentiles_us(tally.histogram, (0.5, 0.95, 0.99), tally.min_us, tally.max_us, self._buckets)
            self._seen = (tally.requests, found)
        return self._seen[1]


class FailureRecord(Struct):
    """Failed requests of one endpoint with one message."""

    occurrences: int = 0
    first_ms: int = 0
    last_ms: int = 0


class ExceptionRecord(Struct):
    """Exceptions of user code with one message and traceback, by incarnation."""

    occurrences: dict[str, int] = field(default_factory=dict)


class ReportHalf(Remembering):
    """What workers wrote."""

    incarnations: dict[str, IncarnationRecord] = field(default_factory=dict)
    endpoints: dict[tuple[str, str], EndpointRecord] = field(default_factory=dict)
    total: Tally = field(default_factory=Tally)  # all endpoints' tallies in one
    series: Series = field(default_factory=Series)
    lanes: Lanes = field(default_factory=Lanes)  # the endpoints over time
    failures: dict[tuple[str, str, str], FailureRecord] = field(default_factory=dict)
    exceptions: dict[tuple[str, str], ExceptionRecord] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)  # transactions, metrics, requests by tags
    failed: list[tuple[str, FailedRequest]] = field(default_factory=list)  # with the incarnation, to be read
    failed_chars: int = 0  # of those
    failed_dropped: int = 0  # handed in and not kept
    lost_intervals: dict[tuple[int, str, int], tuple[int, str]] = field(default_factory=dict)
    """(to ms, incarnation, generator) → (from ms, why): what was measured then was never sent."""
    lost_count: int = 0
    load_failures: dict[str, tuple[str, str]] = field(default_factory=dict)  # incarnation → error, why
    iterations: tuple[int, int, int, int] = (0, 0, 0, 0)
    hook_failures: int = 0
    exit_codes: dict[str, int] = field(default_factory=dict)  # incarnation → what its user code wants
    stops_wanted: dict[str, str] = field(default_factory=dict)  # incarnation → why its user code wants the end
    messages: int = 0  # of user code to the master's side
    user_ms: int = 0
    ran_s: Seconds = field(default_factory=Seconds)  # `user_ms` of the newest seconds
    ended: tuple[int, int, int] = (0, 0, 0)  # users that ended by themselves; of them restarted, let go
    let_go_ms: int = 0  # the moments at which users were let go, added up
    paces: dict[str, PaceTally] = field(default_factory=dict)  # user class → what its pace came to
    arrivals: tuple[int, int] = (0, 0)  # started, dropped
    together: tuple[int, int] = (0, 0)  # requests whose second is not known, and of how many seconds one is, at most
    stages: dict[str, CutRecord] = field(default_factory=dict)  # by the plan's stage
    classes: dict[str, CutRecord] = field(default_factory=dict)  # by the user's class
    lateness: Spread = field(default_factory=Spread)  # how late arrivals began
    late: int = 0  # of these: later than LATE_US
    delay: Spread = field(default_factory=Spread)  # how long answers lay in the kernel before generators read them
    undelayed: Spread = field(default_factory=Spread)  # the latencies of the same answers without that
    first_ms: int = 0  # when the first of it came, by Redis
    latest_s: int = 0
    held: Ran = field(default_factory=Ran)  # what was done of it, by class
    watched: dict[tuple[str, int, int], WatchedRecord] = field(default_factory=dict)  # what thresholds look at
    lines: Lines = field(default_factory=Lines)  # of the logging of agents and generators
    refused: Refused = field(default_factory=Refused)
    skipped: int = 0
    repeats: int = 0
    _fresh: Fresh = field(default_factory=Fresh)  # of reports folded loosely, to be counted


class State(Struct):
    """The folded run, and how far each stream was folded."""

    log: LogHalf = field(default_factory=LogHalf)
    reports: ReportHalf = field(default_factory=ReportHalf)
    position: dict[str, EntryId] = field(default_factory=lambda: {LOG: ZERO_ID, REPORTS: ZERO_ID})

    def __repr__(self) -> str:
        return f"<State {self.log.run} {self.log.phase} at {self.log.n} of epoch {self.log.epoch}>"

    def to_wire(self) -> dict[str, Any]:
        """Plain values in canonical order: equal states give equal bytes."""
        position = {stream: list(entry_id) for stream, entry_id in sorted(self.position.items())}
        return {"log": to_wire(self.log), "position": position, "reports": to_wire(self.reports)}

    @classmethod
    def from_wire(cls, wire: Any) -> State:
        """The state of `to_wire`; ValueError when it is something else."""
        try:
            position = {name: EntryId(*from_wire(tuple[int, int], pair)) for name, pair in wire["position"].items()}
            state = cls(from_wire(LogHalf, wire["log"]), from_wire(ReportHalf, wire["reports"]), position)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a state: {type(error).__name__}") from None
        if not state._is_sound():
            raise ValueError("a state whose parts do not belong together")
        return state

    def _is_sound(self) -> bool:
        """Whether the fold can go on from here: what it takes for granted, nobody checks again."""
        log, reports = self.log, self.reports
        ran, planned = reports.held, log.held
        sums = (*planned.users.values(), planned.arrivals, *ran.users.values(), ran.begun, ran.dropped)
        return (
            log.phase in RUN_MOVES
            and set(self.position) == {LOG, REPORTS}
            and sorted(log.intents) == sorted(log.intents_order)
            and all(not each.id or is_entry_id(each.id) for each in (log.refused, reports.refused))
            and all(is_spanned(one, POINTS_MAX) for one in (log.planned, reports.series))
            and all(is_spanned(record.strain, STRAIN_POINTS) for record in reports.incarnations.values())
            and all(is_spanned(one, SUM_POINTS) for one in sums)
            and all(lane.is_sound for lane in reports.lanes.by_key.values())
        )

    def packed(self) -> bytes:
        """The canonical bytes: what a keyframe stores and a checkpoint hashes."""
        return pack(self.to_wire())

    @classmethod
    def unpacked(cls, packed: bytes) -> State:
        """The one of `packed`, which may come from anywhere; BadEntry or ValueError when it is none."""
        return cls.from_wire(unpack(packed, STATE_BYTES_MAX))

    def digest(self) -> str:
        """`digest_of` its canonical bytes."""
        return digest_of(self.packed())


STATE_BYTES_MAX = 256 << 20
"""Of a packed state, in a keyframe or an archive: nothing larger is read."""
FOLD = 6
"""Raised when the same entries fold to another state of the same shape, or the same state packs to other bytes."""


def _shape(kind: Any, known: set[Any]) -> list[str]:
    """The fields of a class and of all that they are made of, by name and kind."""
    if not is_record(kind) or kind in known:
        return [line for part in get_args(kind) for line in _shape(part, known)]
    known.add(kind)
    hints = get_type_hints(kind)
    names = [(field.name, hints[field.name]) for field in lasting_fields_of(kind)]
    lines = [f"{kind.__name__}.{name}: {hint}" for name, hint in names]
    return lines + [line for _, hint in names for line in _shape(hint, known)]


@cache
def own_rules() -> str:
    """Which fold and which shape of the state: only under the same do the same entries have the same hash.

    Found out when it is first asked for: it takes as long as the import of all the model.
    """
    return f"{FOLD}.{sha256(chr(10).join(_shape(State, set())).encode()).hexdigest()[:12]}"


class ForeignState(ValueError):
    """A stored state that was folded by other rules: what it lacks would be read as nothing."""


def sealed(packed: bytes) -> bytes:
    """A packed state as Redis keeps it: with the rules that it was folded by."""
    return pack([own_rules(), packed])


def unsealed(stored: bytes) -> bytes:
    """The packed state of `sealed`; BadEntry or ValueError for something else, ForeignState for other rules'."""
    value = unpack(stored, STATE_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], bytes):
        raise ValueError("not a stored state")
    if value[0] != own_rules():
        raise ForeignState(f"a state by the rules {value[0]!r:.40}, these are {own_rules()}")
    return value[1]


def digest_of(packed: bytes) -> str:
    """SHA-256 of a state's canonical bytes, in hex."""
    return sha256(packed).hexdigest()
