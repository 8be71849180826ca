"""What masters order: events in the imperative, on the log."""

from __future__ import annotations

from struct import unpack

from tidal.model.envelopes import MOMENT_MS_MAX, SLOTS_MAX, TRACKS_MAX, USERS_MAX, Event, is_target
from tidal.model.samples import TEXT_MAX, is_count
from tidal.model.spans import Spans  # noqa: TC001 - from_wire reads the annotations
from tidal.model.spec import HEIGHT_MAX, STAGES_MAX, ClassSpec, FileSpec, Rest, RunOptions, StageSpec, Track


class RunOpened(Event, frozen=True):
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
    tracks: tuple[Track, ...] = ()  # the plan as curves; none: users and spawn rate of the options say it
    stages: tuple[StageSpec, ...] = ()  # its named parts

    def __post_init__(self) -> None:
        """Refuse a run that nobody could plan."""
        if not 1 <= self.slots <= SLOTS_MAX:
            raise ValueError(f"a run has 1 to {SLOTS_MAX:,} slots, not {self.slots}")
        if not is_target(self.options.users, self.options.spawn_rate):
            raise ValueError(f"{self.options.users} users at {self.options.spawn_rate:g}/s")
        if not all(0 <= c.weight <= HEIGHT_MAX and 0 <= c.fixed_count <= USERS_MAX for c in self.classes):
            raise ValueError("a user class's weight or fixed count is out of range")
        if len(self.tracks) > TRACKS_MAX or len(self.stages) > STAGES_MAX:
            raise ValueError(f"a run of {len(self.tracks)} curves and {len(self.stages)} stages")


class FileChunk(Event, frozen=True):
    """Carry one part of a shipped file, named by the hash of the whole."""

    KIND = "fc"
    sha256: str
    part: int
    parts: int
    data: bytes


class RunStarted(Event, frozen=True):
    """Begin: `began_ms` is the Redis time of plan time zero; said again where Redis' clock went back."""

    KIND = "rs"
    began_ms: int


class PlanSet(Event, frozen=True):
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
    stages: tuple[StageSpec, ...] = ()
    rest: Rest | None = None  # it stands still, and this is how it goes on
    shift_ms: int = 0  # so much later than in the schedule that the run began with

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be executed: whoever reads it would stumble over it."""
        ends = (self.from_ms, self.from_ms if self.end_ms is None else self.end_ms)
        if not 0 <= self.number < 1 << 63 or not all(0 <= ms < MOMENT_MS_MAX for ms in ends):
            raise ValueError(f"plan {self.number} from {self.from_ms} to {self.end_ms} ms")
        if self.rest is not None and len(self.rest.tracks) > TRACKS_MAX:
            raise ValueError(f"a plan that goes on with {len(self.rest.tracks)} curves")
        if len(self.stages) > STAGES_MAX:
            raise ValueError(f"a plan of {len(self.stages)} stages")
        if len(self.table) % 2 or len(self.table) > 2 * SLOTS_MAX or len(self.tracks) > TRACKS_MAX:
            raise ValueError(f"a plan of {len(self.table)} bytes of slots and {len(self.tracks)} curves")
        indexes = set(unpack(f">{len(self.table) // 2}H", self.table)) - {0xFFFF}
        if indexes and max(indexes) >= len(self.owners):
            raise ValueError("a slot's owner is not in the list of owners")


class StopOrdered(Event, frozen=True):
    """Stop all users; tasks in flight may finish within the timeout."""

    KIND = "so"
    outcome: str  # finished, stopped, lapsed, refused, failed
    reason: str
    author: str
    stop_timeout_ms: int
    exit_code: int | None = None  # None: by what failed


class DrainOrdered(Event, frozen=True):
    """Take a worker's users away from it, then let it go."""

    KIND = "do"
    name: str
    author: str
    incarnation: str = ""  # the life that is meant; a later one of the same worker is not


class BlockLeased(Event, frozen=True):
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


class BlocksReturned(Event, frozen=True):
    """Take back what a worker that leaves did not use: it can be lent again."""

    KIND = "br"
    counter: str
    incarnation: str
    ask: int
    spans: Spans


class TicketsLent(Event, frozen=True):
    """Lend rights to begin iterations: totals of an incarnation, so that a later entry replaces an earlier one."""

    KIND = "tl"
    incarnation: str
    rows: tuple[tuple[str, int, int, int], ...]  # class and number of a user ("" and 0: the run), lent, given back

    def __post_init__(self) -> None:
        """Refuse totals that cannot be."""
        if not all(len(row[0]) <= TEXT_MAX and all(is_count(n) for n in row[1:]) for row in self.rows):
            raise ValueError("totals of tickets are whole, not negative and not too large")
        if any(returned > lent for _, _, lent, returned in self.rows):
            raise ValueError("tickets that are given back were lent before")


class RunClosed(Event, frozen=True):
    """Close the run: nothing of it is counted after this."""

    KIND = "rc"
    outcome: str
    reason: str
    exit_code: int
    verdict: str = ""  # valid, suspect, invalid; "" when it was not judged
    reasons: tuple[str, ...] = ()
    reports_id: str = ""  # the last report that counts: what is in the stream after it came too late
