"""What a run is made of, as values that several events carry: user classes, files, options, curves.

They have no kind of their own; on the wire each is a map from field name to value.
"""

from __future__ import annotations

from tidal.model.struct import Struct

POINTS_MAX = 10_000
PLAN_MS_MAX = 1 << 46
HEIGHT_MAX = 100_000_000
STAGES_MAX, STAGE_NAME_MAX = 100, 60


class ClassSpec(Struct, frozen=True):
    """A user class of the locustfile, as its author wrote it."""

    name: str
    weight: float = 1.0
    fixed_count: int = 0
    host: str = ""
    needs_host: bool = False
    tasks: tuple[tuple[str, float], ...] = ()  # task name, share of the class's tasks


class FileSpec(Struct, frozen=True):
    """A shipped file: path relative to the shipped root, SHA-256 of its bytes, size in bytes."""

    path: str
    sha256: str
    size: int


class LimitSpec(Struct, frozen=True):
    """A search for the highest load that still meets thresholds: what for, and how."""

    until: tuple[str, ...]  # thresholds that must hold
    unit: str = "users"  # or arrivals/s
    start_milli: int = 10_000  # the first level, in thousandths
    most_milli: int = 100_000_000  # no level above this
    settle_ms: int = 5_000  # after a change of the level nothing is measured for so long
    probe_ms: int = 20_000
    tolerance_permille: int = 50  # how far apart the bounds may be
    probes_max: int = 40

    def __post_init__(self) -> None:
        """Refuse a search that nobody could make."""
        if self.unit not in {"users", "arrivals/s"} or not 0 < self.start_milli <= self.most_milli:
            raise ValueError(f"a search for {self.unit} from {self.start_milli} to {self.most_milli} thousandths")
        if self.most_milli > HEIGHT_MAX * 1000 or not 1 <= self.tolerance_permille <= 1_000:
            raise ValueError("a search's highest level or tolerance is out of range")
        if (
            not 1_000 <= self.probe_ms <= 600_000
            or not 0 <= self.settle_ms <= 600_000
            or not 1 <= self.probes_max <= 200
        ):
            raise ValueError("a search's spans or number of probes are out of range")


class RunOptions(Struct, frozen=True):
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
    restart_users: bool = True  # a user that ends by itself comes back; else it is let go
    arguments: tuple[tuple[str, str], ...] = ()  # the file's own arguments: name, value as JSON
    tags: tuple[str, ...] = ()  # only tasks that have one of these
    exclude_tags: tuple[str, ...] = ()  # no task that has one of these
    class_settings: tuple[tuple[str, str], ...] = ()  # user class, its attributes to set as a JSON map
    reset_stats: bool = False  # count from the moment at which all users were started
    exit_code_on_error: int = 1  # of a run in which anything failed
    log_level: str = "INFO"  # of the generators' and the hook host's logging
    use_otel: bool = False  # instrument the generators with OpenTelemetry
    profile: str = ""  # a word of the operator's that user code may read
    allow_suspect: bool = False  # a suspect verdict leaves the exit code as it is
    exit_by_verdict: bool = True  # else no verdict changes the exit code, as with Locust
    log_budget_bytes: int = 512 * 1024 * 1024  # of the streams in Redis: above it what is archived is trimmed
    spacing: str = "even"  # of arrivals: even or poisson
    seed: int = 0  # of Poisson spacing
    max_in_flight: int = 0  # iterations of arrivals that may run at once in the whole run; 0: 10,000 a generator
    fresh_users: bool = False  # a new user object for each arrival; else they are pooled and keep their session
    iterations: int = 0  # so many in the whole run, then it ends; 0: any number
    iterations_per_user: int = 0  # so many by each user; 0: any number
    plan: tuple[tuple[str, str], ...] = ()  # user class ("": the others), its plan as text; none: users, spawn rate
    takes_plan: bool = True  # the locustfile's own plan holds where no other is given
    redo_unknown: bool = False  # iterations that were in flight where a process died are begun anew
    thresholds: tuple[str, ...] = ()  # what the run has to keep to, in the grammar of thresholds
    limit: LimitSpec | None = None  # a search for the highest load, instead of a plan
    log_lines: str = "WARNING"  # lines of the logging of generators and hook host travel from this level on


class Track(Struct, frozen=True):
    """A curve over plan time: points (plan ms, value) joined by straight lines, held after the last.

    `name` is a user class, or "" for all classes in the run's mix. `unit` is "users" or "arrivals/s".
    """

    name: str
    points: tuple[tuple[int, float], ...]
    unit: str = "users"
    base: int = 0  # arrivals before the first point
    rest: int = 0  # and the way to the next, in units of area (tidal.model.arrivals)

    def __post_init__(self) -> None:
        """Refuse a curve that nobody could follow: back in time, without end, below nothing."""
        moments = [at_ms for at_ms, _ in self.points]
        if len(moments) > POINTS_MAX or moments != sorted(moments):
            raise ValueError(f"a curve's points go forward in time, and are {POINTS_MAX:,} at most")
        if any(not -PLAN_MS_MAX < at_ms < PLAN_MS_MAX for at_ms in moments[:1] + moments[-1:]):
            raise ValueError("a curve lies out of all time")
        if not all(0 <= value <= HEIGHT_MAX for _, value in self.points):
            raise ValueError(f"a curve's height is 0 to {HEIGHT_MAX:,}")
        if min(self.base, self.rest) < 0:
            raise ValueError("a curve's arrivals before its first point are not negative")


class StageSpec(Struct, frozen=True):
    """A part of a plan with a name, by which what was measured can be cut: plan time [from_ms, to_ms)."""

    name: str
    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        """Refuse a stage without a name, or one that ends before it begins."""
        if not 1 <= len(self.name) <= STAGE_NAME_MAX:
            raise ValueError(f"a stage's name has 1 to {STAGE_NAME_MAX} characters")
        if not -PLAN_MS_MAX < self.from_ms <= self.to_ms < PLAN_MS_MAX:
            raise ValueError(f"a stage from {self.from_ms} to {self.to_ms} ms")


class Rest(Struct, frozen=True):
    """What is left of a plan that stands still, as of the moment at which it was paused."""

    at_ms: int  # plan time
    tracks: tuple[Track, ...]
    end_ms: int | None
    stages: tuple[StageSpec, ...] = ()


def stage_at(stages: tuple[StageSpec, ...], plan_ms: int) -> str:
    """The name of the stage in force at a moment; "" where there is none."""
    return next((s.name for s in stages if s.from_ms <= plan_ms < s.to_ms), "")
