"""What a screen shows: frozen rows, integers in the units that their names say.

`Frame` is a picture of the state at a moment (`tidal.model.frame.frame`). Screens, tables and files
are made from frames and from nothing else, so live and replay cannot differ. Text in a frame may come
from user code or the network: it is cleaned of control characters here and escaped by whoever draws it.
"""

from __future__ import annotations

from tidal.model.closeup import Closeup  # noqa: TC001 - the JSON schema reads the annotations
from tidal.model.judged_rows import LimitRow, ThresholdRow, VerdictRow
from tidal.model.own_rows import (  # noqa: TC001 - as above
    CheckRow,
    MetricRow,
    SampleRow,
    TaggedRow,
    TransactionRow,
)
from tidal.model.struct import Struct, field


class RunHeader(Struct, frozen=True):
    """The run in one line."""

    run: str
    file: str
    host: str
    phase: str  # waiting, running, stopping, closed (tidal.model.phases)
    opened_ms: int  # Redis time
    began_ms: int  # Redis time of plan time zero; 0 before the start
    elapsed_ms: int  # plan time, frozen when the run closed
    planned_ms: int | None  # how long the plan is; None: until stopped
    users_planned: int
    users_running: int
    author: str
    reason: str  # why it stopped, in words; "" while it runs
    outcome: str  # "" while it runs; finished, stopped, lapsed, refused, failed
    exit_code: int | None
    epoch: int  # the master's count of lives
    classes: tuple[str, ...] = ()
    fleet: str = ""
    stage: str = ""  # of the plan, now
    arrivals_milli: int = 0  # arrivals a second that the plan wants now, in thousandths
    is_paused: bool = False  # the plan stands still
    plan: str = ""  # as it was written, a line for each class that has its own; "": users and a spawn rate
    stages: tuple[str, ...] = ()  # of the schedule, in order
    hook_failures: int = 0  # times that a listener of a hook raised: the run ends with 2


class EndpointRow(Struct, frozen=True):
    """One row of the requests table; `method` and `name` are empty on the total's row."""

    method: str
    name: str
    requests: int
    failures: int
    cancelled: int
    median_us: int
    p95_us: int
    p99_us: int
    average_us: int
    min_us: int
    max_us: int
    average_bytes: int
    rps_milli: int  # requests/s over the current window, in thousandths
    failures_milli: int  # failures/s over the current window, in thousandths
    total_rps_milli: int  # requests/s over the whole run, in thousandths
    untimed: int = 0  # requests without a latency: they are in no percentile
    response_p50_us: int = 0  # from the moment at which the iteration was meant to begin; 0: there was none
    response_p95_us: int = 0
    response_p99_us: int = 0
    response_max_us: int = 0
    response_count: int = 0  # requests with such a moment

    @property
    def is_timed(self) -> bool:
        """Whether there is any latency to speak of; without one the times are 0 and mean nothing."""
        return self.requests > self.untimed


class WorkerRow(Struct, frozen=True):
    """One row of the workers table."""

    name: str  # w1, w2 … in the order in which the master saw them
    worker: str  # the worker's own id
    host: str
    pid: int
    state: str  # waiting, loading, ready, running, stalled, draining, lost, left, refused; closed: finished, silent
    alive: bool  # the heartbeat's key was there
    running: bool  # it runs users, or has none to run
    reporting: bool  # its reports come in time
    users: int
    users_by_class: tuple[tuple[str, int], ...]
    generators: int
    generators_alive: int
    cpu_permille: int  # of one core, generators and agent together
    memory_bytes: int
    lag_ms: int  # the worst scheduling lag of its generators
    heartbeat_age_ms: int | None
    report_age_ms: int | None
    incarnation: str
    share_permille: int  # of the slots
    why: str = ""
    behind_ms: int = 0  # how late its generators act on what is due: the start of a user or an arrival
    skew_ms: int | None = None  # its machine's clock minus Redis'
    epoch: int = 0  # the highest that it has read; the master's in the header
    plan: int = 0  # the newest plan that it has read
    is_current: bool = True  # that is the newest plan of the newest master


class FailureRow(Struct, frozen=True):
    """Failed requests, grouped by endpoint and message."""

    method: str
    name: str
    error: str
    occurrences: int
    first_ms: int
    last_ms: int


class ExceptionRow(Struct, frozen=True):
    """Exceptions of user code, grouped by message and traceback."""

    message: str
    traceback: str
    occurrences: int
    workers: tuple[str, ...]


class StoryRow(Struct, frozen=True):
    """One event of the run, as a sentence."""

    at_ms: int  # Redis time
    offset_ms: int  # plan time; negative before the start
    kind: str
    level: str  # info, good, warning, error
    text: str


class LogRow(Struct, frozen=True):
    """A line of some process's logging."""

    at_ms: int  # Redis time
    offset_ms: int  # plan time; negative before the start
    worker: str  # w1, w2 …; "" on the master's side
    who: str  # w1: its agent; w1/0: its first generator; master; hooks: the master's side of the file
    level: str  # debug, info, warning, error, critical
    logger: str
    text: str  # the message, and the lines of a traceback


class Chart(Struct, frozen=True):
    """Series over time, all of one length; point i covers [start_ms + i*step_ms, … + step_ms).

    A second each up to ten minutes; then the seconds are rolled up: `step_ms` doubles whenever there are 600 points.
    """

    start_ms: int  # Redis time of the first point
    step_ms: int
    rps_milli: tuple[int, ...] = ()
    failures_milli: tuple[int, ...] = ()
    users_planned: tuple[int, ...] = ()
    users_running_milli: tuple[int, ...] = ()
    p50_us: tuple[int, ...] = ()
    p95_us: tuple[int, ...] = ()
    p99_us: tuple[int, ...] = ()


class Completeness(Struct, frozen=True):
    """How much of the fleet the figures cover."""

    workers_reporting: int
    workers_expected: int
    complete_to_ms: int  # Redis time up to which every expected worker has reported; 0: nothing yet


class GapRow(Struct, frozen=True):
    """Seconds after each other in which the load was not what was planned."""

    from_ms: int  # plan time
    to_ms: int
    missing_user_ms: int
    surplus_user_ms: int


class LossRow(Struct, frozen=True):
    """An interval that somebody measured and never told of."""

    who: str  # a worker, or a generator of one
    from_ms: int  # plan time
    to_ms: int
    why: str


class LedgerRow(Struct, frozen=True):
    """Planned against done, in user-milliseconds, each second by itself: planned + surplus = ran + missing.

    Iterations: started = finished + failed + cancelled + in flight + unknown.
    Tickets: wanted + redone = done + unknown + open.
    """

    planned_user_ms: int = 0
    ran_user_ms: int = 0
    missing_user_ms: int = 0
    surplus_user_ms: int = 0
    lost_intervals: int = 0  # unsent intervals of killed processes, each named in the story
    after_user_ms: int = 0  # ran on after the end of the plan: tasks that might finish; in none of the above
    unplaced_user_ms: int = 0  # of what ran: its second was not known any more, so it filled what was missing
    judged_to_ms: int = 0  # Redis time up to which every worker has reported and seconds are judged; 0: none yet
    iterations_started: int = 0
    iterations_finished: int = 0
    iterations_failed: int = 0
    iterations_cancelled: int = 0
    iterations_in_flight: int = 0
    iterations_unknown: int = 0  # begun by generators and workers that were lost
    users_ended: int = 0  # users that ended by themselves
    users_restarted: int = 0
    users_let_go: int = 0
    reports_repeated: int = 0  # handed in again, and counted once
    reports_refused: int = 0
    gaps: tuple[GapRow, ...] = ()
    losses: tuple[LossRow, ...] = ()
    rows_lost: int = 0  # of unique feeds: they went with processes that died, each named in the story
    arrivals_planned: int = 0  # planned + surplus = started + dropped + unknown
    arrivals_started: int = 0
    arrivals_dropped: int = 0  # as many iterations were in flight as may be
    arrivals_unknown: int = 0  # lost with what died, or not reported yet
    arrivals_surplus: int = 0  # begun beyond the plan: before a stop was heard of, or by a worker that was cut off
    tickets_wanted: int = 0  # iterations that the run is to have (--iterations); 0: any number
    tickets_redone: int = 0  # and so many more, for those that are unknown (--redo-unknown)
    tickets_done: int = 0  # of these: completed
    tickets_unknown: int = 0  # lost with processes that died, begun or not
    tickets_open: int = 0  # not begun, or in flight


class PacingRow(Struct, frozen=True):
    """Users of a class that keep a pace: what they wanted to begin and what they did."""

    user_class: str
    begun: int  # iterations
    wanted_milli: int  # iterations/s over the run, in thousandths
    achieved_milli: int  # the same
    reached_permille: int  # begun of wanted
    late_permille: int  # of those begun: later than 5 ms


class LatenessRow(Struct, frozen=True):
    """How late arrivals began after the moments at which they were meant to."""

    started: int = 0
    late: int = 0  # later than 5 ms
    p50_us: int = 0
    p95_us: int = 0
    p99_us: int = 0
    max_us: int = 0


class StageRow(Struct, frozen=True):
    """A stage of the plan, with what was measured in it; rates are means over the stage."""

    name: str
    from_ms: int  # plan time at which it first begins
    to_ms: int  # and last ends
    lasted_ms: int  # so far
    is_on: bool
    ran_user_ms: int
    total: EndpointRow
    endpoints: tuple[EndpointRow, ...] = ()


class ClassRow(Struct, frozen=True):
    """What the users of one class measured, over the whole run."""

    name: str
    ran_user_ms: int
    total: EndpointRow


class DelayRow(Struct, frozen=True):
    """How long answers lay in the kernel before their generator read them, where the kernel says so."""

    answers: int = 0  # of which it is known
    p50_us: int = 0
    p95_us: int = 0
    p99_us: int = 0
    max_us: int = 0
    undelayed_p50_us: int = 0  # the latencies of the same answers without it
    undelayed_p95_us: int = 0
    undelayed_p99_us: int = 0


class Frame(Struct, frozen=True):
    """Everything that a screen shows at one moment."""

    at_ms: int  # Redis time of the picture
    run: RunHeader
    total: EndpointRow
    endpoints: tuple[EndpointRow, ...]
    workers: tuple[WorkerRow, ...]
    failures: tuple[FailureRow, ...]
    exceptions: tuple[ExceptionRow, ...]
    story: tuple[StoryRow, ...]
    chart: Chart
    completeness: Completeness
    ledger: LedgerRow = field(default_factory=LedgerRow)
    bad_entries: int = 0  # entries that were refused: see the story
    skipped_entries: int = 0  # entries of kinds that this version does not know
    verdict: VerdictRow = field(default_factory=VerdictRow)
    closeup: Closeup | None = None  # what was looked at more closely, when somebody asked (tidal.model.closeup)
    pacing: tuple[PacingRow, ...] = ()
    lateness: LatenessRow = field(default_factory=LatenessRow)
    delay: DelayRow = field(default_factory=DelayRow)
    thresholds: tuple[ThresholdRow, ...] = ()
    limit: LimitRow | None = None
    transactions: tuple[TransactionRow, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    tagged: tuple[TaggedRow, ...] = ()
    samples: tuple[SampleRow, ...] = ()
    samples_dropped: int = 0  # failed requests that were handed in and for which there was no room
    logs: tuple[LogRow, ...] = ()  # the newest lines of all processes' logging, those of each that there is room for
    logs_left_out: int = 0  # lines that a process held back, for there were too many at once
    logs_dropped: int = 0  # older lines for which there is no room
    stages: tuple[StageRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
