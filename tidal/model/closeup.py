"""What a screen looks at more closely: asked for by a `Focus`, answered in `Frame.closeup`.

A picture of everything at once would be a hundred times as large; so each picture has what all need, and a closer look
at what somebody has opened. Both are functions of the state and the moment, so live and replay agree here, too.
"""

from __future__ import annotations

from tidal.model.held import Held  # noqa: TC001 - the JSON schema reads the annotations
from tidal.model.struct import Struct


class Focus(Struct, frozen=True):
    """What is looked at more closely."""

    heat: bool = False
    sparks: bool = False
    endpoint: tuple[str, str] | None = None  # method and name, as rows have them
    worker: str = ""  # an incarnation
    plan: bool = False
    group: int = 0  # the endpoints of a frame are put together by so many parts of their paths; 0: one by one


class Heat(Struct, frozen=True):
    """How many samples took how long, over time: bands of latency, each as much longer than the one before."""

    start_ms: int = 0  # Redis time of the first column
    step_ms: int = 1_000
    edges_us: tuple[int, ...] = ()  # the lower edge of each band, and the upper one of the last
    columns: tuple[tuple[int, ...], ...] = ()  # for each step: samples a band, the fastest first; () where none is


class Spark(Struct, frozen=True):
    """An endpoint's requests over time, for a line in a table."""

    step_ms: int
    requests: tuple[int, ...]


class SlowRow(Struct, frozen=True):
    """The slowest sample that one worker reported of a second."""

    latency_us: int
    at_ms: int  # Redis time, to the second
    offset_ms: int  # plan time
    worker: str


class EndpointCloseup(Struct, frozen=True):
    """One endpoint: over time, by percentile, by latency."""

    method: str
    name: str
    start_ms: int = 0
    step_ms: int = 1_000
    rps_milli: tuple[int, ...] = ()
    failures_milli: tuple[int, ...] = ()
    p50_us: tuple[int, ...] = ()  # within 5 %
    p95_us: tuple[int, ...] = ()
    p99_us: tuple[int, ...] = ()
    heat: Heat = Heat()
    spectrum: tuple[tuple[int, int], ...] = ()  # share of samples in millionths, latency in µs: within 0.5 %
    bars: tuple[tuple[int, int, int], ...] = ()  # from µs, to µs, samples
    slowest: tuple[SlowRow, ...] = ()  # the slowest first
    has_series: bool = True  # False: there are more endpoints than are followed one by one


class WorkerCloseup(Struct, frozen=True):
    """One worker over time: means of its generators a step."""

    incarnation: str
    start_ms: int = 0
    step_ms: int = 1_000
    cpu_permille: tuple[int, ...] = ()  # of a generator, of one core
    lag_ms: tuple[int, ...] = ()
    worst_lag_ms: tuple[int, ...] = ()
    generators: tuple[tuple[int, int], ...] = ()  # number, users
    iterations_in_flight: int = 0
    user_ms: int = 0  # user-time that it ran
    processes: int = 0


class Closeup(Struct, frozen=True):
    """The answer to a `Focus`, as far as there is one."""

    heat: Heat | None = None
    sparks: tuple[Spark | None, ...] = ()  # in the order of the frame's endpoints
    endpoint: EndpointCloseup | None = None
    worker: WorkerCloseup | None = None
    plan: Held | None = None
