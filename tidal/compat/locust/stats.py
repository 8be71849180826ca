"""Locust's `locust.stats`: statistics, tables and files made of them, and the knobs that files and plugins set here.

The knobs are read when they are used, so `locust.stats.CONSOLE_STATS_INTERVAL_SEC = 1` in a file works. Tables go to
the logger `locust.stats_logger`, which `setup_logging` lets through without a stamp.
"""

import contextlib
import csv
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import gevent

from tidal.flow import CatchResponseError
from tidal.generator.stats_entry import StatsEntry, table_widths
from tidal.generator.stats_error import StatsError
from tidal.generator.stats_settings import (
    CONSOLE_STATS_INTERVAL_SEC,
    CSV_STATS_FLUSH_INTERVAL_SEC,
    CSV_STATS_INTERVAL_SEC,
    CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW,
    HISTORY_STATS_INTERVAL_SEC,
    PERCENTILES_TO_CHART,
    PERCENTILES_TO_REPORT,
    PERCENTILES_TO_STATISTICS,
    STATS_AUTORESIZE,
    STATS_NAME_WIDTH,
    STATS_TYPE_WIDTH,
    bucket_response_time,
    setting,
)
from tidal.generator.stats_view import RequestStats
from tidal.model.rows import ExceptionRow
from tidal.outputs import locust_csv as files
from tidal.outputs import locust_tables as tables
from tidal.outputs.layout import iso

from .util.date import format_utc_timestamp
from .util.rounding import proper_round

console_logger = logging.getLogger("locust.stats_logger")

__all__ = [
    "CONSOLE_STATS_INTERVAL_SEC",
    "CSV_STATS_FLUSH_INTERVAL_SEC",
    "CSV_STATS_INTERVAL_SEC",
    "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW",
    "HISTORY_STATS_INTERVAL_SEC",
    "PERCENTILES_TO_CHART",
    "PERCENTILES_TO_REPORT",
    "PERCENTILES_TO_STATISTICS",
    "STATS_AUTORESIZE",
    "STATS_NAME_WIDTH",
    "STATS_TYPE_WIDTH",
    "CatchResponseError",
    "RequestStats",
    "StatsCSV",
    "StatsCSVFileWriter",
    "StatsEntry",
    "StatsError",
    "bucket_response_time",
    "calculate_response_time_percentile",
    "console_logger",
    "diff_response_time_dicts",
    "format_utc_timestamp",
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_readable_percentiles",
    "get_stats_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_stats_json",
    "proper_round",
    "save_stats_json",
    "sort_stats",
    "stats_history",
    "stats_printer",
    "update_stats_history",
]


def get_readable_percentiles(percentile_list: Iterable[float]) -> list[str]:
    """Titles of percentiles: `50%`, `99.9%`."""
    return tables.readable(percentile_list)


def calculate_response_time_percentile(response_times: dict[int, int], num_requests: int, percent: float) -> int:
    """The smallest time that at least `percent` (0…1) of the requests did not exceed; 0 when there is none."""
    rank = max(1, math.ceil(num_requests * percent - 1e-9))
    seen = 0
    for time_ms in sorted(response_times):
        seen += response_times[time_ms]
        if seen >= rank:
            return time_ms
    return max(response_times, default=0)


def diff_response_time_dicts(latest: dict[int, int], old: dict[int, int]) -> dict[int, int]:
    """What came to `latest` since `old`."""
    return {time_ms: count - old.get(time_ms, 0) for time_ms, count in latest.items() if count != old.get(time_ms, 0)}


def sort_stats(stats: dict[Any, Any]) -> list[Any]:
    """The values, by their keys."""
    return [stats[key] for key in sorted(stats)]


# ------------------------------------------------------------------ tables


def get_stats_summary(stats: RequestStats, current: bool = True) -> list[str]:  # noqa: FBT001, FBT002 - Locust's
    """The table of requests, in lines."""
    return tables.request_lines(sort_stats(stats.entries), stats.total, current=current, widths=table_widths())


def get_percentile_stats_summary(stats: RequestStats) -> list[str]:
    """The table of percentiles, in lines."""
    rows = sort_stats(stats.entries)
    return tables.percentile_lines(rows, stats.total, setting("PERCENTILES_TO_REPORT"), table_widths())


def get_error_report_summary(stats: RequestStats) -> list[str]:
    """The report of failed requests, in lines."""
    return tables.error_lines(stats.errors.values(), table_widths())


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        console_logger.info(line)


def print_stats(stats: RequestStats, current: bool = True) -> None:  # noqa: FBT001, FBT002 - Locust's
    """Log the table of requests."""
    _tell([*get_stats_summary(stats, current), ""])


def print_percentile_stats(stats: RequestStats) -> None:
    """Log the table of percentiles."""
    _tell([*get_percentile_stats_summary(stats), ""])


def print_error_report(stats: RequestStats) -> None:
    """Log the report of failed requests, if there are any."""
    if stats.errors:
        _tell(get_error_report_summary(stats))


def print_stats_json(stats: RequestStats) -> None:
    """Print the statistics as JSON."""
    print(json.dumps(stats.serialize_stats(), indent=4))


def save_stats_json(stats: RequestStats, filename: str) -> None:
    """Write the statistics as JSON to a file; `.json` is added to its name."""
    Path(f"{filename}.json").write_text(json.dumps(stats.serialize_stats(), indent=4), encoding="utf8")


def stats_printer(stats: RequestStats) -> Callable[[], NoReturn]:
    """A function that logs the table of requests for ever: `gevent.spawn(stats_printer(env.stats))`."""

    def print_for_ever() -> NoReturn:
        while True:
            print_stats(stats)
            gevent.sleep(setting("CONSOLE_STATS_INTERVAL_SEC"))

    return print_for_ever


# ------------------------------------------------------------------ history


def stats_history(runner: Any) -> None:
    """Take down a point of the history now and then, while the run goes on, for ever."""
    due_s = time.monotonic()
    while runner.stats.total.use_response_times_cache:
        runner.stats.observe()
        if time.monotonic() >= due_s:
            due_s += setting("HISTORY_STATS_INTERVAL_SEC")
            if runner.state not in {"ready", "stopped"}:
                update_stats_history(runner)
        gevent.sleep(min(1.0, setting("HISTORY_STATS_INTERVAL_SEC")))


def update_stats_history(runner: Any, timestamp: str | None = None) -> None:
    """Take down one point of the history."""
    total, at = runner.stats.total, timestamp or iso(time.time())
    shares = setting("PERCENTILES_TO_CHART")
    point: dict[str, Any] = {
        f"response_time_percentile_{share}": [at, total.get_current_response_time_percentile(share) or 0]
        for share in shares
    }
    point["current_rps"] = [at, total.current_rps]
    point["current_fail_per_sec"] = [at, total.current_fail_per_sec]
    point["total_avg_response_time"] = [at, round(total.avg_response_time, 2)]
    point["user_count"] = [at, runner.user_count]
    point["time"] = at
    runner.stats.history.append(point)


# ------------------------------------------------------------------ CSV


class StatsCSV:
    """Writes an environment's statistics as CSV to whatever has `writerow`.

    Args:
        environment: whose statistics.
        percentiles_to_report: the percentiles' columns.
    """

    def __init__(self, environment: Any, percentiles_to_report: list[float]) -> None:
        self.environment = environment
        self.percentiles_to_report = percentiles_to_report
        self.requests_csv_columns = files.stats_columns(percentiles_to_report)
        self.failures_columns = list(files.FAILURE_COLUMNS)
        self.exceptions_columns = list(files.EXCEPTION_COLUMNS)

    def requests_csv(self, csv_writer: Any) -> None:
        """Titles and a row for each endpoint, the total last."""
        csv_writer.writerow(self.requests_csv_columns)
        stats = self.environment.stats
        for row in files.stats_rows(sort_stats(stats.entries), stats.total, self.percentiles_to_report):
            csv_writer.writerow(row)

    def failures_csv(self, csv_writer: Any) -> None:
        """Titles and a row for each kind of failure."""
        csv_writer.writerow(self.failures_columns)
        for row in files.failure_rows(map(_Failed, sort_stats(self.environment.stats.errors))):
            csv_writer.writerow(row)

    def exceptions_csv(self, csv_writer: Any) -> None:
        """Titles and a row for each kind of exception."""
        csv_writer.writerow(self.exceptions_columns)
        for row in files.exception_rows(_exceptions(self.environment.runner)):
            csv_writer.writerow(row)

    def close_files(self) -> None:
        """Nothing is open here."""


class StatsCSVFileWriter(StatsCSV):
    """Writes the four files of `--csv` for ever, each second: `gevent.spawn(writer.stats_writer)`.

    Args:
        environment: whose statistics.
        percentiles_to_report: the percentiles' columns.
        base_filepath: of the files' names, with their folder.
        full_history: a row of the history for each endpoint, too.
    """

    def __init__(
        self,
        environment: Any,
        percentiles_to_report: list[float],
        base_filepath: str,
        full_history: bool = False,  # noqa: FBT001, FBT002 - Locust's
    ) -> None:
        super().__init__(environment, percentiles_to_report)
        self.base_filepath, self.full_history = base_filepath, full_history
        self.stats_history_csv_columns = files.history_columns(percentiles_to_report)
        self._write_whole()
        with self._open("stats_history") as file:
            csv.writer(file).writerow(self.stats_history_csv_columns)

    def __call__(self) -> NoReturn:
        """Write for ever."""
        self.stats_writer()

    def stats_writer(self) -> NoReturn:
        """Write for ever."""
        while True:
            self._write_whole()
            self._add_to_history(int(time.time()))
            gevent.sleep(setting("CSV_STATS_INTERVAL_SEC"))

    def close_files(self) -> None:
        """Write what came last."""
        self._write_whole()
        self._add_to_history(int(time.time()))

    def stats_history_file_name(self) -> str:
        """The file of the history."""
        return f"{self.base_filepath}_stats_history.csv"

    def _open(self, name: str, mode: str = "w") -> Any:
        return Path(f"{self.base_filepath}_{name}.csv").open(mode, encoding="utf8", newline="")

    def _write_whole(self) -> None:
        parts = {"stats": self.requests_csv, "failures": self.failures_csv, "exceptions": self.exceptions_csv}
        for name, write in parts.items():
            with self._open(name) as file:
                write(csv.writer(file))

    def _add_to_history(self, at_s: int) -> None:
        stats, runner = self.environment.stats, self.environment.runner
        users = runner.user_count if runner is not None else 0
        with self._open("stats_history", "a") as file:
            for row in [*sort_stats(stats.entries), stats.total] if self.full_history else [stats.total]:
                now = self._current(row) if self.full_history else None
                csv.writer(file).writerow(files.history_row(at_s, users, row, self.percentiles_to_report, now))

    def _current(self, row: StatsEntry) -> list[int]:
        return [round(row.get_current_response_time_percentile(p) or 0) for p in self.percentiles_to_report]


class _Failed:
    """A `StatsError`, its error as text."""

    def __init__(self, error: StatsError) -> None:
        self.method, self.name, self.error = error.method, error.name, StatsError.parse_error(error.error)
        self.occurrences, self.first_seen, self.last_seen = error.occurrences, error.first_seen, error.last_seen


def _exceptions(runner: Any) -> Iterator[ExceptionRow]:
    """The runner's exceptions; a runner that has none is no error."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(AttributeError):
        found = list(runner.exceptions.values())
    for row in found:
        yield ExceptionRow(row["msg"], row["traceback"], row["count"], tuple(sorted(row["nodes"])))
