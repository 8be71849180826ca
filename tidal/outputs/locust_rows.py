"""A run under Locust's names: rows for the tables, files and lines that Locust's users know.

    state ──picture()──▶ Picture: the frame, an entry for each endpoint, their total, the kinds of failures

Pure, so the same live and replayed. A picture shares nothing with the state. Rates of the moment are the frame's, those
of the whole run go over its plan time; times are ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.frame import frame
from tidal.model.stats import Tally
from tidal.model.struct import Struct
from tidal.outputs.locust_tables import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.rows import EndpointRow, Frame
    from tidal.model.state import State

AGGREGATED = "Aggregated"


class Entry(Struct, frozen=True):
    """An endpoint's figures; the total has no method and the name "Aggregated"."""

    method: str
    name: str
    tally: Tally
    rates: tuple[float, float]  # requests and failures a second now
    elapsed_s: float

    @property
    def num_requests(self) -> int:
        """Finished requests, failed ones too."""
        return self.tally.requests

    @property
    def num_none_requests(self) -> int:
        """Those without a response time."""
        return self.tally.untimed

    @property
    def num_failures(self) -> int:
        """Failed requests."""
        return self.tally.failures

    @property
    def fail_ratio(self) -> float:
        """Failed of all."""
        return self.num_failures / self.num_requests if self.num_requests else 0.0

    @property
    def avg_response_time(self) -> float:
        """The mean."""
        return self.tally.total_us / self.tally.timed / 1000 if self.tally.timed else 0.0

    @property
    def min_response_time(self) -> float | None:
        """The shortest; None when there is none."""
        return self.tally.min_us / 1000 if self.tally.timed else None

    @property
    def max_response_time(self) -> float:
        """The longest."""
        return self.tally.max_us / 1000

    @property
    def median_response_time(self) -> float:
        """The median."""
        return self.response_time_percentiles([0.5])[0]

    @property
    def avg_content_length(self) -> float:
        """Bytes a response."""
        return self.tally.bytes / self.num_requests if self.num_requests else 0.0

    @property
    def current_rps(self) -> float:
        """Requests a second now."""
        return self.rates[0]

    @property
    def current_fail_per_sec(self) -> float:
        """Failures a second now."""
        return self.rates[1]

    @property
    def total_rps(self) -> float:
        """Requests a second over the run."""
        return self.num_requests / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def total_fail_per_sec(self) -> float:
        """Failures a second over the run."""
        return self.num_failures / self.elapsed_s if self.elapsed_s else 0.0

    def response_time_percentiles(self, shares: Sequence[float]) -> list[float]:
        """Percentiles (0…1) of the whole run."""
        return [us / 1000 for us in self.tally.percentiles_us(*shares)]


class Problem(Struct, frozen=True):
    """Failed requests of one endpoint with one message; `first_seen` and `last_seen` are Unix times."""

    method: str
    name: str
    message: str
    occurrences: int
    first_seen: float
    last_seen: float

    @property
    def error(self) -> str:
        """The message as Locust writes it: a text of the file's own (`failure("…")`) with the class around it."""
        return f"CatchResponseError({self.message!r})" if is_plain_text(self.message) else self.message

    def to_name(self) -> str:
        """Method, name and message; a text of the file's own as it is."""
        return f"{self.method} {self.name}: {self.message}"


class Picture(Struct, frozen=True):
    """A run at a moment. Entries are sorted by name and method, as Locust sorts them."""

    frame: Frame
    entries: tuple[Entry, ...]
    total: Entry
    problems: tuple[Problem, ...]


def picture(state: State, at_ms: int) -> Picture:
    """The run at a moment of Redis time."""
    shown = frame(state, at_ms)
    elapsed_s = shown.run.elapsed_ms / 1000
    records = sorted(state.reports.endpoints.items())  # in the order of the frame's rows
    entries = [
        Entry(method, name, record.tally.copy(), _rates(row), elapsed_s)
        for ((method, name), record), row in zip(records, shown.endpoints, strict=True)
    ]
    problems = [
        Problem(*key, record.occurrences, record.first_ms / 1000, record.last_ms / 1000)
        for key, record in state.reports.failures.items()
    ]
    return Picture(
        frame=shown,
        entries=tuple(sorted(entries, key=lambda e: (e.name, e.method))),
        total=Entry("", AGGREGATED, _sum(entries), _rates(shown.total), elapsed_s),
        problems=tuple(sorted(problems, key=lambda p: (-p.occurrences, p.name, p.method, p.message))),
    )


def _rates(row: EndpointRow) -> tuple[float, float]:
    return row.rps_milli / 1000, row.failures_milli / 1000


def _sum(entries: list[Entry]) -> Tally:
    total = Tally()
    for entry in entries:
        total.merge(entry.tally)
    return total
