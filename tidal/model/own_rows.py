"""Rows of what the users of a run measured by themselves, and of failed requests that were kept; see `rows.py`."""

from __future__ import annotations

from tidal.model.struct import Struct


class TransactionRow(Struct, frozen=True):
    """A transaction of the users' own, in the order of the tree: each one after the one around it.

    With tags: those of its runs that had them; the row without counts all. Times without waiting are the same runs
    without what the user slept meanwhile.
    """

    path: tuple[str, ...]  # its name after those of the transactions around it
    tags: str  # "region=eu,tier=pro"; "" on the row of all
    depth: int  # 0: nothing is around it
    times: int  # how often it ended; 0: only what is in it was seen so far
    failures: int
    cancelled: int  # cut off by a stop; in no other figure
    requests: int  # that ended inside
    failed_requests: int
    median_us: int
    p95_us: int
    p99_us: int
    average_us: int
    min_us: int
    max_us: int
    busy_median_us: int  # without waiting, as the rest of these
    busy_p95_us: int
    busy_p99_us: int
    busy_average_us: int
    busy_max_us: int


class MetricRow(Struct, frozen=True):
    """A metric of the users' own; with tags: those of its values that had them. What a kind does not have is 0."""

    name: str
    kind: str  # counter, gauge, rate, trend
    unit: str
    tags: str
    count: int  # how many values were recorded
    value: float  # a counter's sum, a gauge's last, a rate's share (0 to 1), a trend's mean
    rate: float  # of a counter: its sum for each second of the run
    hits: int  # of a rate: how many were true
    min: float
    max: float
    median: float
    p95: float
    p99: float


class CheckRow(Struct, frozen=True):
    """A check of the users' own: what should be so, and how often it was."""

    name: str
    tags: str
    passes: int
    fails: int


class TaggedRow(Struct, frozen=True):
    """Requests of one endpoint that were made under these tags; the endpoint's own row counts them too."""

    tags: str
    method: str
    name: str
    requests: int
    failures: int
    median_us: int
    p95_us: int
    p99_us: int
    average_us: int
    min_us: int
    max_us: int


class SampleRow(Struct, frozen=True):
    """One failed request and what came back, without secrets; one of a few."""

    at_ms: int  # Redis time
    offset_ms: int  # plan time
    worker: str
    method: str
    name: str
    error: str
    url: str
    status: int  # 0: no answer came
    took_us: int | None
    user: str  # the user's class
    transaction: tuple[str, ...]  # its path, of the one it was in
    tags: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: str
    response_headers: tuple[tuple[str, str], ...]
    response_body: str
