"""`locust.stats`, `locust.log` and `locust.html` for scripts and plugins."""

from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tidal.compat.locust import html, log, stats
from tidal.generator.runners import NotSupported
from tidal.generator.stats_view import RequestStats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATCHING = """
from tidal import compat
compat.install()
import locust.stats
from locust.stats import RequestStats, get_percentile_stats_summary, get_stats_summary
made = RequestStats()
for ms in (7, 147, 3432):
    made.log_request("GET", "/", ms, 1)
print(dict(made.total.response_times))
locust.stats.PERCENTILES_TO_REPORT = [0.5, 0.999]
locust.stats.PERCENTILES_TO_STATISTICS = [0.25]
locust.stats.STATS_NAME_WIDTH = 20
locust.stats.bucket_response_time = lambda ms: int(ms) // 50 * 50
print(get_percentile_stats_summary(made)[1])
print(len(get_stats_summary(made)[1]))
print("response_time_percentile_0.25" in made.total.to_dict())
print(dict(made.total.response_times))
"""


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """What `setup_logging` does is taken back."""
    loggers = [logging.getLogger(), logging.getLogger("locust"), logging.getLogger("locust.stats_logger")]
    before = [(one, one.handlers[:], one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.handlers[:] = []
    yield
    for one, handlers, level, propagate in before:
        for handler in one.handlers:
            handler.close()
        one.handlers[:] = handlers
        one.setLevel(level)
        one.propagate = propagate


def environment() -> Any:
    """An environment with some requests, one of them failed."""
    made = RequestStats()
    for ms in (1, 2, 3):
        made.log_request("GET", "/", ms, 10)
    made.log_request("POST", "=evil", 4, 0)
    made.log_error("POST", "=evil", ValueError("no"))
    raised = {1: {"count": 2, "msg": "boom", "traceback": "  File …\n", "nodes": {"local"}}}
    return SimpleNamespace(stats=made, runner=SimpleNamespace(exceptions=raised, user_count=3, stats=made))


def test_knobs_that_a_file_sets_are_used() -> None:
    """At run time, as plugins do."""
    done = subprocess.run([sys.executable, "-c", PATCHING], capture_output=True, text=True, check=True, timeout=60)
    first, head, width, has_share, buckets = done.stdout.splitlines()
    assert first == "{7: 1, 150: 1, 3400: 1}"
    assert head.split() == ["Type", "Name", "50%", "99.9%", "#", "reqs"]
    assert int(width) == 100
    assert has_share == "True"
    assert buckets == "{0: 1, 100: 1, 3400: 1}"


def test_the_summaries_are_lines() -> None:
    """What `print_stats` and its like print."""
    made = environment().stats
    requests, percentiles, errors = (
        stats.get_stats_summary(made, current=False),
        stats.get_percentile_stats_summary(made),
        stats.get_error_report_summary(made),
    )
    assert [line.split()[0] for line in requests] == ["Type", requests[1], "GET", "POST", requests[1], "Aggregated"]
    assert percentiles[0] == "Response time percentiles (approximated)"
    assert errors[3].split(maxsplit=1)[0] == "1"
    assert "POST =evil: ValueError('no')" in errors[3]


def test_tables_go_to_locusts_logger(caplog: pytest.LogCaptureFixture) -> None:
    """So that a script's logging decides where they are seen."""
    with caplog.at_level(logging.INFO, "locust.stats_logger"):
        stats.print_stats(environment().stats)
        stats.print_percentile_stats(environment().stats)
        stats.print_error_report(environment().stats)
        stats.print_error_report(RequestStats())
    assert {record.name for record in caplog.records} == {"locust.stats_logger"}
    assert sum("Aggregated" in record.message for record in caplog.records) == 2
    assert sum("Error report" in record.message for record in caplog.records) == 1


def test_json_is_printed_and_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same list."""
    made = environment().stats
    stats.print_stats_json(made)
    stats.save_stats_json(made, str(tmp_path / "out"))
    printed = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in printed] == ["/", "=evil"]
    assert json.loads((tmp_path / "out.json").read_text()) == printed


def test_helpers_of_histograms() -> None:
    """Nearest rank, as everywhere here."""
    times = {100: 1, 1000: 1}
    assert stats.calculate_response_time_percentile(times, 2, 0.5) == 100
    assert stats.calculate_response_time_percentile(times, 2, 0.51) == 1000
    assert stats.calculate_response_time_percentile(dict.fromkeys(range(1, 101), 1), 100, 0.07) == 7
    assert stats.calculate_response_time_percentile({}, 0, 0.5) == 0
    assert stats.diff_response_time_dicts({1: 5, 2: 3, 3: 1}, {1: 2, 2: 3}) == {1: 3, 3: 1}
    assert stats.get_readable_percentiles([0.5, 0.999, 1.0]) == ["50%", "99.9%", "100%"]
    assert [stats.bucket_response_time(ms) for ms in (1.4, 147, 3432, 58760)] == [1, 150, 3400, 59000]
    assert stats.sort_stats({"b": 2, "a": 1}) == [1, 2]


def test_a_point_of_the_history_has_locusts_keys() -> None:
    """What a plugin's charts read."""
    env = environment()
    stats.update_stats_history(env.runner, "2026-11-24T00:00:00Z")
    point = env.stats.history[0]
    assert point["time"] == "2026-11-24T00:00:00Z"
    assert point["user_count"] == ["2026-11-24T00:00:00Z", 3]
    assert {"response_time_percentile_0.5", "response_time_percentile_0.95", "total_avg_response_time"} <= set(point)
    assert {"current_rps", "current_fail_per_sec"} <= set(point)


def test_stats_csv_writes_rows() -> None:
    """To whatever has `writerow`; formulas are none."""
    out = io.StringIO()
    writer = stats.StatsCSV(environment(), [0.5, 1.0])
    for write in (writer.requests_csv, writer.failures_csv, writer.exceptions_csv):
        write(csv.writer(out))
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert rows[0][-2:] == ["50%", "100%"]
    assert [row[1] for row in rows[1:4]] == ["/", "'=evil", "Aggregated"]
    assert rows[5][:4] == ["POST", "'=evil", "ValueError('no')", "1"]
    assert rows[7] == ["2", "boom", "  File …\n", "local"]


def test_the_file_writer_leaves_whole_files(tmp_path: Path) -> None:
    """With a row for each endpoint when that is wanted."""
    writer = stats.StatsCSVFileWriter(environment(), [0.5], str(tmp_path / "p"), full_history=True)
    writer.close_files()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "p_exceptions.csv", "p_failures.csv", "p_stats.csv", "p_stats_history.csv",
    ]  # fmt: skip
    rows = list(csv.reader((tmp_path / "p_stats_history.csv").read_text(encoding="utf8").splitlines()))
    assert [row[3] for row in rows] == ["Name", "/", "'=evil", "Aggregated"]
    assert [row[1] for row in rows[1:]] == ["3"] * 3


@pytest.mark.usefixtures("logging_as_it_was")
def test_logging_has_locusts_form(tmp_path: Path) -> None:
    """`[time] HOST/LEVEL/logger: text`, and the last lines can be asked for."""
    log.setup_logging("info", str(tmp_path / "new" / "out.log"))
    logging.getLogger("locust.main").info("hello")
    logging.getLogger("mine").debug("not this")
    line = (tmp_path / "new" / "out.log").read_text().strip()
    assert line.endswith(f" {log.HOSTNAME}/INFO/locust.main: hello")
    assert line.startswith("[20")
    assert log.get_logs() == [line]


@pytest.mark.usefixtures("logging_as_it_was")
def test_tables_are_logged_bare(capsys: pytest.CaptureFixture[str]) -> None:
    """Without stamps, on standard error."""
    log.setup_logging("WARNING")
    stats.print_stats(environment().stats)
    assert capsys.readouterr().err.startswith("Type     Name")


def test_an_unknown_level_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """By name."""
    with pytest.raises(SystemExit):
        log.setup_logging("LOUD")
    assert "--loglevel" in capsys.readouterr().err


def test_what_a_greenlet_died_of_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """And remembered for the exit code."""
    before = log.unhandled_greenlet_exception
    error = ValueError("x")
    try:
        log.greenlet_exception_logger(logging.getLogger("t"))(
            SimpleNamespace(exception=error, exc_info=(ValueError, error, None))
        )
        assert log.unhandled_greenlet_exception
        assert caplog.records[0].levelname == "CRITICAL"
    finally:
        log.unhandled_greenlet_exception = before


def test_the_report_is_refused_by_name() -> None:
    """With what to use."""
    with pytest.raises(NotSupported, match=r"get_html_report.*tidal report"):
        html.get_html_report(None)


def test_a_reports_name_has_places() -> None:
    """Those without a value stay."""
    options = SimpleNamespace(html_file="{u}-{r}-{t}.html", num_users=10, spawn_rate=2.0, run_time=None)
    html.process_html_filename(options)
    assert options.html_file == "10-2-{t}.html"
