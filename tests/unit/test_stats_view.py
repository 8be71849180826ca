"""`environment.stats`: Locust's names over tidal's sums."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tidal.generator.stats_view import RequestStats, StatsEntry, StatsError
from tidal.model.stats import Tally

if TYPE_CHECKING:
    from tidal.model.events import FailureTally

START_S = 1_000.0


@dataclass
class Clock:
    """A clock that a test turns."""

    now_s: float = START_S

    def __call__(self) -> float:
        """This moment."""
        return self.now_s


@dataclass
class Sums:
    """A source as a master's side has it: nothing can be counted here."""

    endpoints: dict[tuple[str, str], Tally] = field(default_factory=dict)
    failures: dict[tuple[str, str, str], FailureTally] = field(default_factory=dict)
    recent: dict[int, tuple[int, int]] = field(default_factory=dict)
    version: int = 0

    def add(self, name: str, *latencies_ms: float, failed: bool = False) -> None:
        """Count samples of an endpoint."""
        tally = self.endpoints.setdefault(("GET", name), Tally())
        for latency_ms in latencies_ms:
            tally.add(round(latency_ms * 1000), 10, failed=failed)
        self.version += 1


def counted(*latencies_ms: float | None) -> tuple[RequestStats, Clock]:
    """Statistics that count for themselves, with some requests."""
    clock = Clock()
    stats = RequestStats(clock=clock)
    for latency_ms in latencies_ms:
        stats.log_request("GET", "/", latency_ms, 10)
    return stats, clock


def test_an_entry_has_the_figures_of_its_endpoint() -> None:
    """Counts, sums and extremes are exact; what has no response time is in no time."""
    stats, _ = counted(0.25, 2.0, None, 3.75)
    entry = stats.entries["/", "GET"]
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (4, 1, 0)
    assert (entry.min_response_time, entry.max_response_time, entry.total_response_time) == (0.25, 3.75, 6.0)
    assert (entry.avg_response_time, entry.total_content_length, entry.avg_content_length) == (2.0, 40, 10.0)
    assert (stats.num_requests, stats.num_none_requests, stats.num_failures) == (4, 1, 0)


def test_percentiles_are_exact_to_half_a_percent_and_never_above_the_maximum() -> None:
    """No two digits as in Locust, where p100 of these would be 1200."""
    stats, _ = counted(*range(1, 1189))
    for percent, truth in ((0.5, 594), (0.95, 1129), (0.99, 1177), (1.0, 1188)):
        assert stats.total.get_response_time_percentile(percent) == pytest.approx(truth, rel=0.0051)
    assert stats.total.get_response_time_percentile(1.0) <= stats.total.max_response_time


def test_nothing_counted_is_zero_and_not_an_error() -> None:
    """Before the first request every figure is there."""
    stats, _ = counted()
    total = stats.total
    assert (total.num_requests, total.fail_ratio, total.avg_response_time, total.median_response_time) == (0, 0, 0, 0)
    assert (total.min_response_time, total.max_response_time, total.last_request_timestamp) == (None, 0, None)
    assert (total.current_rps, total.current_fail_per_sec, total.total_rps, total.total_fail_per_sec) == (0, 0, 0, 0)
    assert total.get_current_response_time_percentile(0.95) in {None, 0.0}
    assert stats.entries == {}


def test_the_current_rate_falls_to_zero_when_the_target_stops_answering() -> None:
    """Locust's would stand still at its last value."""
    stats, clock = counted()
    for second in range(20):
        clock.now_s = START_S + second
        for _ in range(5):
            stats.log_request("GET", "/", 1, 0)
    assert stats.total.current_rps == pytest.approx(5.0, rel=0.06)
    clock.now_s += 7
    assert 0 < stats.total.current_rps < 5
    clock.now_s += 20
    assert stats.total.current_rps == 0.0
    clock.now_s += 3600
    assert stats.total.current_rps == 0.0


def test_the_current_rate_is_known_although_nobody_looked() -> None:
    """The source has the last seconds of all endpoints."""
    stats, clock = counted()
    for second in range(100):
        clock.now_s = START_S + second
        for _ in range(9 if second > 80 else 1):
            stats.log_request("GET", "/", 1, 0)
    assert stats.total.current_rps == 9.0


def test_the_current_rate_of_one_endpoint_comes_from_looks_at_the_sums() -> None:
    """A source need not know the seconds of single endpoints."""
    clock, sums = Clock(), Sums()
    stats = RequestStats(sums, clock=clock)
    for _ in range(30):
        clock.now_s += 1
        sums.add("/", 100, 100)
        sums.add("/slow", 900)
        stats.observe()
    assert stats.get("/", "GET").current_rps == pytest.approx(2.0)
    assert stats.get("/slow", "GET").current_rps == pytest.approx(1.0)
    clock.now_s += 30
    assert stats.get("/", "GET").current_rps == 0.0


def test_the_current_percentile_is_of_the_last_seconds() -> None:
    """What was slow a minute ago is not slow now; nobody having looked gives None, as in Locust."""
    clock, sums = Clock(), Sums()
    stats = RequestStats(sums, clock=clock)
    for second in range(60):
        clock.now_s += 1
        sums.add("/", 1000 if second < 30 else 10)
        stats.observe()
    assert stats.total.get_current_response_time_percentile(1.0) == pytest.approx(10, rel=0.006)
    assert stats.total.get_response_time_percentile(1.0) == 1000
    clock.now_s += 60
    assert stats.total.get_current_response_time_percentile(0.95) is None


def test_rates_of_the_whole_run_go_from_its_begin_to_its_last_request() -> None:
    """One request at the beginning is not ninety thousand a second."""
    stats, clock = counted(1)
    assert stats.total.total_rps == 1.0
    clock.now_s = START_S + 9
    stats.log_request("GET", "/", 1, 0)
    stats.log_error("GET", "/", "bad")
    clock.now_s = START_S + 100
    assert stats.total.total_rps == pytest.approx(0.2)
    assert stats.get("/", "GET").total_fail_per_sec == pytest.approx(0.1)


def test_errors_have_locusts_keys() -> None:
    """A script may look one up."""
    stats, _ = counted(1)
    stats.log_error("GET", "/", "down")
    stats.log_error("GET", "/", "down")
    stats.log_error("GET", "/", "ValueError('x')")
    key = hashlib.sha256(b"""GET./."CatchResponseError('down')\"""").hexdigest()
    error = stats.errors[key]
    assert (error.occurrences, error.first_seen, error.last_seen) == (2, START_S, START_S)
    assert error.to_name() == "GET /: down"
    assert StatsError.create_key("GET", "/", ValueError("x")) in stats.errors
    assert stats.total.fail_ratio == 3.0  # as counted: a script said it three times


def test_addresses_do_not_make_errors_differ() -> None:
    """One broken endpoint is one row."""
    one, two = f"<Thing object at 0x{1:x}>", f"<Thing object at 0x{2:x}>"
    assert StatsError.create_key("GET", "/", one) == StatsError.create_key("GET", "/", two)
    assert StatsError.parse_error(one) == "<Thing object at 0x....>"
    assert StatsError.parse_error(ValueError("x")) == "ValueError('x')"


def test_an_error_travels_as_plain_values() -> None:
    """There and back."""
    error = StatsError("GET", "/", "CatchResponseError('too slow')", 3, 1.0, 2.0)
    again = StatsError.unserialize(error.serialize())
    assert again.to_dict() == error.to_dict()
    assert again.to_name() == "GET /: 'too slow'"


def test_asking_for_an_unknown_endpoint_gives_an_empty_entry() -> None:
    """The same object each time, so that what a plugin sets on it stays."""
    stats, _ = counted()
    entry = stats.get("/later", "GET")
    entry.trend = "up"  # type: ignore[attr-defined]
    stats.log_request("GET", "/later", 5, 0)
    assert stats.entries["/later", "GET"] is entry
    assert entry.num_requests == 1
    assert entry.trend == "up"  # type: ignore[attr-defined]


def test_a_reset_forgets_everything() -> None:
    """Also what only the view keeps."""
    stats, _ = counted(1, 2)
    stats.log_error("GET", "/", "x")
    stats.history.append({"time": "now"})
    stats.reset_all()
    assert (stats.num_requests, stats.errors, stats.history, dict(stats.entries)) == (0, {}, [], {})
    stats.log_request("GET", "/", 1, 0)
    stats.clear_all()
    assert stats.num_requests == 0


def test_what_the_source_cannot_do_is_refused_by_name() -> None:
    """The master's side shows the run and does not count."""
    stats = RequestStats(Sums())
    with pytest.raises(NotImplementedError, match=r"stats\.log_request\(\)"):
        stats.log_request("GET", "/", 1, 0)
    with pytest.raises(NotImplementedError, match=r"stats\.reset_all\(\)"):
        stats.clear_all()
    with pytest.raises(NotImplementedError, match=r"stats\.total\.log\(\)"):
        stats.total.log(1, 0)


def test_an_entry_of_a_script_counts_for_itself() -> None:
    """Locust's constructor, its `log` and its `extend`."""
    stats, _ = counted(50)
    mine = StatsEntry(stats, "/", "GET")
    mine.log(7, 3)
    mine.log_error("x")
    assert (mine.num_requests, mine.num_failures, stats.num_requests, stats.num_failures) == (1, 1, 1, 0)
    mine.extend(stats.get("/", "GET"))
    assert (mine.num_requests, mine.max_response_time) == (2, 50.0)
    mine.reset()
    assert mine.num_requests == 0


def test_an_entry_travels_as_plain_values() -> None:
    """Locust's keys; times as coarse as they are written."""
    stats, _ = counted(7, 8, 147, None)
    stats.log_error("GET", "/", "x")
    wire = stats.serialize_stats()[0]
    assert wire["response_times"] == {7: 1, 8: 1, 150: 1}
    again = StatsEntry.unserialize(wire, stats)
    seconds = ("last_request_timestamp", "num_reqs_per_sec", "num_fail_per_sec")  # Totals knows no endpoint's
    assert all(value == wire[key] for key, value in again.serialize().items() if key not in seconds)
    assert stats.num_requests == 4, "reading does not reset"


def test_a_row_reads_as_in_locust() -> None:
    """To the blank."""
    stats, _ = counted(*[2] * 31, 25)
    text = stats.get("/", "GET").to_string(current=False)
    assert text.startswith("GET      /      ")
    assert text.endswith("   32     0(0.00%) |      2       2      25      2 |   32.00        0.00")
    assert str(stats.total).startswith("         Aggregated ")
    assert stats.total.percentile().endswith(
        " 2      2      2      2      2      2     25     25     25     25     25     32"
    )


def test_a_dict_has_the_figures_of_a_row() -> None:
    """Locust's keys, with the percentiles that are set."""
    stats, _ = counted(10, 20)
    row = stats.total.to_dict()
    assert (row["num_requests"], row["min_response_time"], row["max_response_time"]) == (2, 10, 20)
    assert {"response_time_percentile_0.95", "response_time_percentile_0.99", "total_rps", "current_rps"} <= set(row)
