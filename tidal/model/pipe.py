"""What an agent and its gevent children say to each other over a pipe: frames of the codec.

A frame is a big-endian uint32 length and one message (`codec.pack_message`). The child's standard input carries
orders; a second pipe carries its answers. End of file on either side means that the other is gone.
"""

from __future__ import annotations

from tidal.model import trial
from tidal.model.events import (
    Block,
    ClassSpec,
    Event,
    ExceptionTally,
    FailedRequest,
    FailureTally,
    LogLine,
    PaceTally,
    RunOptions,
    StageSpec,
    Track,
)
from tidal.model.reports import check_counts
from tidal.model.spans import Spans  # noqa: TC001 - from_wire reads the annotations
from tidal.model.stats import Spread, Tally  # noqa: TC001 - from_wire reads the annotations
from tidal.model.struct import Struct, field

# ------------------------------------------------------------------ orders, to a generator or a hook host


class Load(Event, frozen=True):
    """Import the locustfile; answered by `Loaded` or `NotLoaded`."""

    KIND = "load"
    root: str  # the folder that holds the files
    file: str  # relative to the root
    options: RunOptions
    run: str = ""
    number: int = 0  # of the generator within its worker
    side: str = "worker"  # worker, master (the hook host) or inspect (describe and leave)
    more_files: tuple[str, ...] = ()  # further locustfiles, as `file`
    words: tuple[str, ...] = ()  # of the command line, for the file's own arguments; read when inspecting
    index: int = 0  # the generator's in the fleet: `runner.worker_index`
    client: str = ""  # the generator's `runner.client_id`
    shape: str = ""  # on the master's side: the LoadTestShape to ask
    began_ms: int = 0  # on the master's side: Redis time of plan time zero, 0 before; for a host that comes late
    cwd: str = ""  # where the command was given, for files that lie where they were; "": the child works in the root


class SetClock(Event, frozen=True):
    """Redis time minus this machine's CLOCK_MONOTONIC, in µs; sent each beat, so it is the sign of life too."""

    KIND = "clock"
    offset_us: int


class SetShare(Event, frozen=True):
    """The plan with what this generator owns of it, from plan time `from_ms` on; later ones replace earlier ones."""

    KIND = "share"
    number: int  # the plan's; a share may be sent again under the same number when siblings changed
    from_ms: int
    began_ms: int  # Redis time of plan time zero
    tracks: tuple[Track, ...]
    end_ms: int | None
    slots: int  # how many slots there are
    mine: bytes  # the slots owned, as a bit map: bit s%8 of byte s//8
    mix: tuple[ClassSpec, ...]
    stages: tuple[StageSpec, ...] = ()
    spacing: str = "even"  # of arrivals: even or poisson
    seed: int = 0  # of Poisson spacing
    max_in_flight: int = 10_000  # iterations of arrivals that may run here at once
    fresh_users: bool = False  # a new user object for each arrival


class Finish(Event, frozen=True):
    """Stop all users; those in a task may finish within the timeout. Answered by `Finished`."""

    KIND = "finish"
    stop_timeout_ms: int


class Message(Event, frozen=True):
    """A custom message: for user code (an order), or from user code (an answer)."""

    KIND = "message"
    type: str
    data: bytes  # msgpack of user code's value
    client: str = ""  # from or to whom: a generator's client id, "" for the master's side (from) or all (to)


class ClientRow(Struct, frozen=True):
    """A generator, as the master's side shows it in `runner.clients`."""

    id: str
    index: int
    state: str  # Locust's words: ready, spawning, running, missing
    users: dict[str, int] = field(default_factory=dict)
    cpu_permille: int = 0
    memory_bytes: int = 0


class EndpointRow(Struct, frozen=True):
    """An endpoint's samples over the run."""

    method: str
    name: str
    tally: Tally
    first_s: int = 0
    last_s: int = 0


class View(Event, frozen=True):
    """To the hook host, once a second: the run as the master sees it."""

    KIND = "view"
    state: str  # Locust's words: ready, spawning, running, stopping, stopped
    now_ms: int
    began_ms: int
    users: int  # running
    target_users: int
    spawn_rate: float
    clients: tuple[ClientRow, ...] = ()
    endpoints: tuple[EndpointRow, ...] = ()  # those that changed since the last view
    failures: tuple[FailureTally, ...] = ()  # the same; totals of the run
    exceptions: tuple[ExceptionTally, ...] = ()  # the same
    recent: tuple[tuple[int, int, int], ...] = ()  # second, requests, failures of the last seconds


class Fire(Event, frozen=True):
    """To the hook host: call the listeners of test_start, spawning_complete, test_stopping or quit.

    `quit` stands for test_stop, quitting and quit, in this order. Answered by `Fired`.
    """

    KIND = "fire"
    hook: str
    user_count: int = 0
    exit_code: int = 0  # with quit: the run's, as far as it is known


class TakeBlock(Event, frozen=True):
    """Positions of a counter for this generator's users, each to be used once. The answer to `WantBlock`."""

    KIND = "take"
    counter: str
    first: int
    count: int  # 0: there are no more
    drops: bool = False  # no answer: what is here is lost, because the worker was declared lost


class TakeTickets(Event, frozen=True):
    """Rights to begin iterations, in totals of this generator; of another life: all that it had is lost."""

    KIND = "tickets"
    life: int
    rows: tuple[tuple[str, int, int], ...]  # class, number of a user; given so far


# ------------------------------------------------------------------ answers


class ArgumentSpec(Struct, frozen=True):
    """An argument of the file's own, for a form and for a help text."""

    name: str  # of the attribute in `parsed_options`
    flag: str
    value: str  # what it is now, as JSON; a secret's stays on this machine
    help: str = ""
    kind: str = "text"  # text, int, float, flag, list
    choices: tuple[str, ...] = ()
    is_secret: bool = False
    is_required: bool = False
    in_form: bool = True
    env_var: str = ""
    nargs: str = ""  # how many words follow the flag, as argparse writes it: "", ?, *, + or a number


class Fired(Event, frozen=True):
    """The listeners of a hook were called."""

    KIND = "fired"
    hook: str
    failed: int = 0  # how many raised
    exit_code: int | None = None  # `environment.process_exit_code`


class Steer(Event, frozen=True):
    """User code on the master's side, or its shape, wants so many users."""

    KIND = "steer"
    users: int
    spawn_rate: float
    classes: tuple[str, ...] = ()  # only these; empty: all of the run
    who: str = "shape"
    arrivals: float | None = None  # a second, instead of users
    over_ms: int = 0  # so long it takes to get there


class Leave(Event, frozen=True):
    """User code wants the run to end: `runner.quit()`, `StopTest`, or a shape that returned None."""

    KIND = "leave"
    why: str
    outcome: str = "stopped"  # stopped or finished


class Loaded(Event, frozen=True):
    """The locustfile was imported."""

    KIND = "loaded"
    classes: tuple[ClassSpec, ...]
    needs: tuple[str, ...] = ()  # files below the root that it imported, opened or names: to be shipped
    arguments: tuple[ArgumentSpec, ...] = ()  # the file's own, with what the words and the environment say
    shape: str = ""  # its LoadTestShape
    shape_uses_options: bool = False  # users, spawn rate and run time go with the shape
    hooks: tuple[str, ...] = ()  # hooks with listeners
    plan: tuple[tuple[str, str], ...] = ()  # its own plan: user class ("": the others), stages
    thresholds: tuple[str, ...] = ()  # the file's own
    defaults: tuple[tuple[str, str], ...] = ()  # that it sets for options of Locust's own: name, value as JSON


class NotLoaded(Event, frozen=True):
    """The locustfile was not imported: `error` is the name of the TidalError that says it."""

    KIND = "notloaded"
    error: str
    why: str  # one line for the operator, with the place
    traceback: str = ""


class Batch(Event, frozen=True):
    """What a generator measured since its last batch; sent several times a second."""

    KIND = "batch"
    from_ms: int
    to_ms: int
    blocks: tuple[Block, ...]
    failures: tuple[FailureTally, ...] = ()
    exceptions: tuple[ExceptionTally, ...] = ()
    users: dict[str, int] = field(default_factory=dict)  # running now, by class
    lag_ms: int = 0  # the worst delay of the generator's own timer since the last batch
    iterations: tuple[int, int, int, int] = (0, 0, 0, 0)
    hook_failures: int = 0  # listeners that raised
    ended: tuple[int, int, int] = (0, 0, 0)  # users that ended by themselves; of them restarted, let go
    pacing: tuple[PaceTally, ...] = ()  # of users that keep a pace, by class
    arrivals: tuple[int, int, int] = (0, 0, 0)  # planned, started, dropped
    lateness: Spread | None = None  # how late arrivals began
    late: int = 0  # of these: later than LATE_US
    failed: tuple[FailedRequest, ...] = ()  # a few of the failed requests, to be read
    delay: Spread | None = None  # how long answers lay in the kernel before the generator read them
    undelayed: Spread | None = None  # the latencies of the same answers without that
    behind_ms: int = 0  # how late the generator acted on what was due, at worst

    def __post_init__(self) -> None:
        """Refuse what no report could carry: user code holds the other end of the pipe."""
        check_counts(self)


class Said(Event, frozen=True):
    """What the child's logging said since the last time, from its import of the file on."""

    KIND = "said"
    lines: tuple[LogLine, ...]  # their moments by a clock of the child's own
    at_ms: int  # of that clock, now


class WantTickets(Event, frozen=True):
    """Users need rights to begin iterations: totals of this generator, which only rise."""

    KIND = "wanttickets"
    life: int  # of the worker, as told last
    rows: tuple[tuple[str, int, int, int, int], ...]  # class, number of a user; to be given, given back, ended


class WantBlock(Event, frozen=True):
    """Users need positions of a counter; not said again before the answer."""

    KIND = "want"
    counter: str
    count: int  # 0: none, what it holds is given back
    size: int  # of the counter; 0: no end
    held: Spans = ()  # given before and not used yet


class Finished(Event, frozen=True):
    """All users have stopped; the last batch was sent before this."""

    KIND = "finished"
    exit_code: int | None = None  # `environment.process_exit_code`


ORDERS: tuple[type[Event], ...] = (
    Load,
    SetClock,
    SetShare,
    Finish,
    Message,
    View,
    Fire,
    TakeBlock,
    TakeTickets,
    *trial.ORDERS,
)
ANSWERS: tuple[type[Event], ...] = (
    *(Loaded, NotLoaded, Batch, Finished, Message, Fired, Steer, Leave, WantBlock, WantTickets, Said),
    *trial.ANSWERS,
)
