"""One endpoint's figures under Locust's names, computed when somebody looks: a row of `environment.stats`."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tidal.generator.stats_settings import STATS_NAME_WIDTH, setting, terminal_columns
from tidal.model.stats import Tally, bucket_middle_us, bucket_of
from tidal.outputs.locust_tables import Widths, percentile_line, request_line, widths_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.generator.stats_view import RequestStats

SETTLED_S, RATE_S = 2, 10
"""Where nobody looked lately, a current rate is a mean over ten whole seconds up to two ago: they were reported."""
DICT_FIELDS = (
    "name", "method", "last_request_timestamp", "start_time", "num_requests", "num_none_requests", "num_failures",
    "total_response_time", "max_response_time", "min_response_time", "total_content_length", "response_times",
    "num_reqs_per_sec", "num_fail_per_sec",
)  # fmt: skip
"""Of an entry that is serialized: a line of `--json`."""


class _Alone:
    """The counts of an entry that belongs to no statistics: one that a script made."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seconds: dict[int, tuple[int, int]] = {}

    def count(self, second: int, requests: int, failures: int) -> None:
        """Count in a second."""
        before = self.seconds.get(second, (0, 0))
        self.seconds[second] = (before[0] + requests, before[1] + failures)


class StatsEntry:
    """One endpoint's figures.

    Args:
        stats: the statistics around it.
        name: of the endpoint.
        method: of the endpoint.
        use_response_times_cache: Locust's; taken and not needed.
        shares: whether it shows what `stats` counted; one that a script makes counts for itself.
    """

    def __init__(
        self,
        stats: RequestStats,
        name: str,
        method: str,
        use_response_times_cache: bool = False,  # noqa: FBT001, FBT002 - Locust's
        *,
        shares: bool = False,
    ) -> None:
        self.stats, self.name, self.method = stats, name, method
        self.use_response_times_cache = use_response_times_cache or shares
        self._key = (method, name) if (method, name) != ("", "Aggregated") else None
        self._own = None if shares else _Alone()
        self._made_s = time.time()

    def __repr__(self) -> str:
        return f"<StatsEntry {self.method} {self.name}: {self.num_requests} requests, {self.num_failures} failures>"

    @property
    def _tally(self) -> Tally:
        return self.stats.tally(self._key) if self._own is None else self._own.tally

    @property
    def _seconds(self) -> Mapping[int, tuple[int, int]] | None:
        return self.stats.seconds(self._key) if self._own is None else self._own.seconds

    @property
    def num_requests(self) -> int:
        """Finished requests, failed ones too."""
        return self._tally.requests

    @property
    def num_none_requests(self) -> int:
        """Those without a response time."""
        return self._tally.untimed

    @property
    def num_failures(self) -> int:
        """Failed requests."""
        return self._tally.failures

    @property
    def total_response_time(self) -> float:
        """The sum of the response times."""
        return self._tally.total_us / 1000

    @property
    def min_response_time(self) -> float | None:
        """The shortest; None before the first."""
        return self._tally.min_us / 1000 if self._tally.timed > 0 else None

    @property
    def max_response_time(self) -> float:
        """The longest."""
        return self._tally.max_us / 1000

    @property
    def total_content_length(self) -> int:
        """Bytes received."""
        return self._tally.bytes

    @property
    def response_times(self) -> dict[int, int]:
        """How many requests took how long, in ms, as `locust.stats.bucket_response_time` rounds it."""
        bucket, tally = setting("bucket_response_time"), self._tally
        times: dict[int, int] = defaultdict(int)
        for index, count in sorted(tally.histogram.items()):
            times[bucket(min(max(bucket_middle_us(index), tally.min_us), tally.max_us) / 1000)] += count
        return times

    @property
    def num_reqs_per_sec(self) -> dict[int, int]:
        """Requests by second of Unix time, as far back as this process knows."""
        return defaultdict(int, {s: counts[0] for s, counts in sorted((self._seconds or {}).items()) if counts[0]})

    @property
    def num_fail_per_sec(self) -> dict[int, int]:
        """Failures by second of Unix time, as far back as this process knows."""
        return defaultdict(int, {s: counts[1] for s, counts in sorted((self._seconds or {}).items()) if counts[1]})

    @property
    def start_time(self) -> float:
        """Since when is counted."""
        return self.stats.start_time if self._own is None else self._made_s

    @property
    def last_request_timestamp(self) -> float | None:
        """When the last request finished, to the second; None before the first."""
        if self._own is not None:
            return float(max(self._own.seconds)) if self._own.seconds else None
        span = self.stats.span(self._key)
        return None if span is None else float(span[1])

    # ------------------------------------------------------------------ what follows from it

    @property
    def fail_ratio(self) -> float:
        """Failed of all."""
        return self.num_failures / self.num_requests if self.num_requests else float(self.num_failures > 0)

    @property
    def avg_response_time(self) -> float:
        """The mean."""
        timed = self._tally.timed
        return self.total_response_time / timed if timed > 0 else 0.0

    @property
    def median_response_time(self) -> float:
        """The median."""
        return self.get_response_time_percentile(0.5)

    @property
    def avg_content_length(self) -> float:
        """Bytes a response."""
        return self.total_content_length / self.num_requests if self.num_requests else 0.0

    @property
    def current_rps(self) -> float:
        """Requests a second, over the last seconds up to now."""
        return self._current()[0]

    @property
    def current_fail_per_sec(self) -> float:
        """Failures a second, over the last seconds up to now."""
        return self._current()[1]

    def _current(self) -> tuple[float, float]:
        window = self.stats.observe()
        if self._own is None and (window.covered_s <= 2 * window.span_s or self._seconds is None):
            return window.rates(self._key, self.start_time)
        end_s = int(self.stats.now_s()) - SETTLED_S
        known = self._seconds or {}
        counts = [known.get(s, (0, 0)) for s in range(max(end_s - RATE_S, int(self.start_time)), end_s)]
        seconds = max(1, len(counts))
        return sum(c[0] for c in counts) / seconds, sum(c[1] for c in counts) / seconds

    @property
    def total_rps(self) -> float:
        """Requests a second since counting began."""
        return self._over_all(self.num_requests)

    @property
    def total_fail_per_sec(self) -> float:
        """Failures a second since counting began."""
        return self._over_all(self.num_failures)

    def _over_all(self, count: int) -> float:
        last = self.stats.last_request_timestamp if self._own is None else self.last_request_timestamp
        if last is None:
            return 0.0
        until_s = min(last + 1, self.stats.now_s())
        return count / max(1.0, until_s - self.start_time)  # from less than a second a rate would be a guess

    def get_response_time_percentile(self, percent: float) -> float:
        """A percentile (0…1) of the whole run; 0 when there is none."""
        return self.response_time_percentiles([percent])[0]

    def response_time_percentiles(self, shares: Sequence[float]) -> list[float]:
        """Several percentiles (0…1) of the whole run at once."""
        return [us / 1000 for us in self._tally.percentiles_us(*shares)]

    def get_current_response_time_percentile(self, percent: float) -> float | None:
        """A percentile (0…1) of about the last ten seconds; None when nobody looked so recently."""
        window = self.stats.observe()
        if window.covered_s > 2 * window.span_s:
            return None
        return window.of(self._key).percentiles_us(percent)[0] / 1000

    # ------------------------------------------------------------------ counting

    def log(self, response_time: float | None, content_length: int) -> None:
        """Count one request."""
        if self._own is None:
            self._only_single("log")
            self.stats.log_request(self.method, self.name, response_time, content_length)
            return
        latency_us = None if response_time is None else round(response_time * 1000)
        self._own.tally.add(latency_us, content_length or 0, failed=False)
        self._own.count(int(time.time()), 1, 0)

    def log_error(self, error: Any) -> None:
        """Count one of the requests as failed."""
        if self._own is None:
            self._only_single("log_error")
            self.stats.log_error(self.method, self.name, error)
            return
        self._own.tally.failures += 1
        self._own.count(int(time.time()), 0, 1)

    def _only_single(self, what: str) -> None:
        if self._key is None:
            raise NotImplementedError(
                f"stats.total.{what}(): the total is the sum of the entries; count in one of them"
            )

    def extend(self, other: StatsEntry) -> None:
        """Add the counts of another entry; only to one that counts for itself."""
        if self._own is None:
            raise NotImplementedError("StatsEntry.extend(): this entry shows what the run counted")
        self._own.tally.merge(other._tally)
        for second, counts in (other._seconds or {}).items():
            self._own.count(second, *counts)
        self._made_s = min(self._made_s, other.start_time)

    def reset(self) -> None:
        """Count from zero again; only in an entry that counts for itself."""
        if self._own is None:
            raise NotImplementedError("StatsEntry.reset(): use stats.reset_all(), the entries are the run's")
        self._own, self._made_s = _Alone(), time.time()

    # ------------------------------------------------------------------ as values and as text

    def serialize(self) -> dict[str, Any]:
        """Plain values."""
        return {field: getattr(self, field) for field in DICT_FIELDS}

    get_stripped_report = serialize

    @classmethod
    def unserialize(cls, data: Mapping[str, Any], stats: RequestStats) -> StatsEntry:
        """The entry of `serialize`, counting for itself from there."""
        entry = cls(stats, data["name"], data["method"])
        own = entry._own = _Alone()
        entry._made_s = data["start_time"]
        own.tally = _tally_of(data)
        for counts in ((data["num_reqs_per_sec"], 1, 0), (data["num_fail_per_sec"], 0, 1)):
            for second, count in counts[0].items():
                own.count(int(second), count * counts[1], count * counts[2])
        return entry

    def to_dict(self, escape_string_values: bool = False) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 - Locust's
        """The figures of a row."""
        shares = {f"response_time_percentile_{p}": self.get_response_time_percentile(p)
                  for p in setting("PERCENTILES_TO_STATISTICS")}  # fmt: skip
        plain = ("method", "name", "num_requests", "num_failures", "current_rps", "current_fail_per_sec",
                 "avg_response_time", "median_response_time", "total_rps", "total_fail_per_sec",
                 "avg_content_length")  # fmt: skip
        extremes = {
            "min_response_time": round(self.min_response_time or 0),
            "max_response_time": round(self.max_response_time),
        }
        return {field: getattr(self, field) for field in plain} | extremes | shares

    def to_string(self, current: bool = True) -> str:  # noqa: FBT001, FBT002 - Locust's
        """The entry's row in the table of requests, with the rates of the moment or of the whole run."""
        return request_line(self, current=current, widths=table_widths())

    def __str__(self) -> str:
        return self.to_string()

    def percentile(self) -> str:
        """The entry's row in the table of percentiles."""
        if not self.num_requests:
            raise ValueError("there is no percentile without a request")
        return percentile_line(self, setting("PERCENTILES_TO_REPORT"), table_widths())


def table_widths() -> Widths:
    """The columns' widths as they are set now; what nobody set follows the terminal, unless STATS_AUTORESIZE is off."""
    name = setting("STATS_NAME_WIDTH")
    if name == STATS_NAME_WIDTH and setting("STATS_AUTORESIZE"):
        name = widths_for(terminal_columns()).name
    return Widths(name, setting("STATS_TYPE_WIDTH"))


def _tally_of(data: Mapping[str, Any]) -> Tally:
    """The sums of a serialized entry; its times are as coarse as they were written."""
    histogram: dict[int, int] = defaultdict(int)
    for time_ms, count in data["response_times"].items():
        histogram[bucket_of(float(time_ms) * 1000)] += count
    return Tally(
        requests=data["num_requests"],
        failures=data["num_failures"],
        untimed=data["num_none_requests"],
        total_us=round(data["total_response_time"] * 1000),
        min_us=round((data["min_response_time"] or 0) * 1000),
        max_us=round(data["max_response_time"] * 1000),
        bytes=data["total_content_length"],
        histogram=dict(histogram),
    )
