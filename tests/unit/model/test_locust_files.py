"""Tables, CSV files and JSON in Locust's form, beside headers recorded from Locust 2.47, with hostile names."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from histories import T0, T0_S, Happening, at, block, by, closed, entries, folded, report, reported, running, tally

from tidal.errors import UsageError
from tidal.model import events as ev
from tidal.outputs import locust_csv, locust_tables
from tidal.outputs.layout import width
from tidal.outputs.locust_json import entries_json, seconds_of
from tidal.outputs.locust_rows import Picture, Problem, picture

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """\
Type     Name                                                                          # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
--------|----------------------------------------------------------------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
GET      /                                                                                  4    2(50.00%) |      1       1       1      1 |    1.33        0.67
--------|----------------------------------------------------------------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
         Aggregated                                                                         4    2(50.00%) |      1       1       1      1 |    1.33        0.67
"""  # noqa: E501 - as it is printed
PERCENTILE_HEAD = """\
Type     Name                                                                                  50%    66%    75%    80%    90%    95%    98%    99%  99.9% 99.99%   100% # reqs
--------|--------------------------------------------------------------------------------|--------|------|------|------|------|------|------|------|------|------|------|------
"""  # noqa: E501 - as it is printed
STATS_HEAD = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
    "Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"
)
HISTORY_HEAD = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%,"
    "Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,"
    "Total Min Response Time,Total Max Response Time,Total Average Content Size"
)
JSON_KEYS = [
    "name", "method", "last_request_timestamp", "start_time", "num_requests", "num_none_requests", "num_failures",
    "total_response_time", "max_response_time", "min_response_time", "total_content_length", "response_times",
    "num_reqs_per_sec", "num_fail_per_sec",
]  # fmt: skip
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(A1)",
    " \t=1+1",
    "\uff1d1+1",
    "two\nlines\r\n=3",
    "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202eevil\x00",
    "x" * 300,
    "🌊" * 80,
    'quote "and", comma',
]


def seen(*happenings: Happening, at_ms: int = 3_000) -> Picture:
    """The picture of a run of one worker."""
    return picture(folded(running("w1"), list(happenings)), T0 + at_ms)


def named(*names: str) -> Picture:
    """A run with endpoints of these names, all of whose requests failed."""
    tallies = {(name[:20], name): tally([1_000], failures=1) for name in names}
    failures = tuple(ev.FailureTally(name[:20], name, name, 1, T0, T0) for name in names)
    exceptions = tuple(ev.ExceptionTally(name, name, 1) for name in names)
    one = report(ev.Block(T0_S, 1, tallies, {}), failures=failures, exceptions=exceptions)
    return seen(by("w1", 1, one), at_ms=2_000)


def read(path: Path) -> list[list[str]]:
    """A file's rows."""
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.reader(file))


def cells(name: str, shown: Picture) -> list[list[str]]:
    """What a spreadsheet reads."""
    bodies = {
        "stats": locust_csv.stats_rows(shown.entries, shown.total),
        "failures": locust_csv.failure_rows(shown.problems),
        "exceptions": locust_csv.exception_rows(shown.frame.exceptions),
        "history": [locust_csv.history_row(1, 1, row) for row in shown.entries],
    }
    return list(csv.reader(io.StringIO(locust_csv.text_of(*bodies[name]))))


# ------------------------------------------------------------------ tables


def test_the_table_of_requests_is_locusts() -> None:
    """To the blank, with the rates of the moment."""
    shown = seen(reported("w1", 1, 4, failures=2), reported("w1", 2, 0), reported("w1", 3, 0))
    assert "\n".join(locust_tables.request_lines(shown.entries, shown.total)) + "\n" == TABLE


def test_the_table_of_percentiles_is_locusts() -> None:
    """Its first column is wider than the others."""
    shown = seen(reported("w1", 1, 4))
    lines = locust_tables.percentile_lines(shown.entries, shown.total)
    assert lines[0] == "Response time percentiles (approximated)"
    assert "\n".join(lines[1:3]) + "\n" == PERCENTILE_HEAD
    row = f"{'GET':<8} {'/':<80} {1:>8} " + " ".join([f"{1:>6}"] * 10) + f" {4:>6}"
    assert lines[3] == row
    assert lines[5].startswith("         Aggregated")


def test_a_run_without_requests_has_tables_too() -> None:
    """No row, no division by nothing."""
    shown = seen()
    assert len(locust_tables.request_lines(shown.entries, shown.total)) == 4
    assert len(locust_tables.percentile_lines(shown.entries, shown.total)) == 4


def test_the_error_report_is_locusts() -> None:
    """A text of the file's own without the class around it."""
    problems = [Problem("GET", "/", "too slow", 7, 0, 0), Problem("GET", "/", "HTTPError('404')", 2, 0, 0)]
    lines = locust_tables.error_lines(problems)
    assert lines[:2] == ["Error report", f"{'# occurrences':18} {'Error':100}"]
    assert lines[2] == f"{'-' * 18}|{'-' * 141}"
    assert lines[3].rstrip() == f"{'7':18} GET /: too slow"
    assert lines[4].rstrip() == f"{'2':18} GET /: HTTPError('404')"


def test_narrow_terminals_have_narrow_names() -> None:
    """As Locust: 80 columns are for the figures."""
    assert [locust_tables.widths_for(n).name for n in (40, 80, 120, 160, 300)] == [0, 0, 40, 80, 80]
    shown = seen(reported("w1", 1))
    widths = locust_tables.widths_for(120)
    lines = locust_tables.request_lines(shown.entries, shown.total, widths=widths)
    assert {width(line) for line in lines} == {120}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_table(name: str) -> None:
    """One line a row, printable, and no longer than a name may be."""
    shown = named(name)
    lines = [
        *locust_tables.request_lines(shown.entries, shown.total),
        *locust_tables.percentile_lines(shown.entries, shown.total),
        *locust_tables.error_lines(shown.problems),
    ]
    assert all(line.isprintable() for line in lines)
    assert max(width(line) for line in lines) <= 19 + locust_tables.ERROR_CELLS_MAX


def test_wide_names_are_aligned() -> None:
    """An emoji takes two cells."""
    shown = named("🌊🌊🌊", "waves")
    lines = locust_tables.request_lines(shown.entries, shown.total)
    assert len({width(line) for line in lines}) == 1


# ------------------------------------------------------------------ CSV


def test_csv_titles_are_locusts() -> None:
    """All four files'."""
    assert ",".join(locust_csv.stats_columns()) == STATS_HEAD
    assert ",".join(locust_csv.history_columns()) == HISTORY_HEAD
    assert ",".join(locust_csv.FAILURE_COLUMNS) == "Method,Name,Error,Occurrences,First Seen,Last Seen"
    assert ",".join(locust_csv.EXCEPTION_COLUMNS) == "Count,Message,Traceback,Nodes"
    assert locust_tables.readable([0.5, 0.999, 1]) == ["50%", "99.9%", "100%"]


def test_a_row_has_the_exact_figures() -> None:
    """The total last, without a type."""
    rows = cells("stats", seen(reported("w1", 1, 4, failures=1)))
    assert [row[:4] for row in rows] == [["GET", "/", "4", "1"], ["", "Aggregated", "4", "1"]]
    assert rows[0][4:9] == ["1.0", "1.0", "1.0", "1.0", "10.0"]
    assert rows[0][11:] == ["1"] * 11
    assert [len(row) for row in rows] == [len(locust_csv.stats_columns())] * 2


def test_failures_are_written_as_locust_writes_them() -> None:
    """A text of the file's own has the class around it here; times are UTC."""
    failures = (
        ev.FailureTally("GET", "/", "too slow", 2, T0, T0 + 1_500),
        ev.FailureTally("GET", "/", "HTTPError('404')", 1, T0, T0),
    )
    one = report(block(0, 3, failures=3), failures=failures)
    rows = cells("failures", seen(by("w1", 1, one)))
    assert rows[0] == [
        "GET",
        "/",
        "CatchResponseError('too slow')",
        "2",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:21Z",
    ]
    assert rows[1][2] == "HTTPError('404')"


def test_an_exception_says_its_message_without_the_class() -> None:
    """As Locust's column does; the traceback names the class."""
    trace = 'Traceback (most recent call last):\n  File "f.py", line 1\nValueError: boom\n'
    one = report(exceptions=(ev.ExceptionTally("ValueError: boom", trace, 3),))
    assert cells("exceptions", seen(by("w1", 1, one))) == [["3", "boom", trace, "w1"]]
    trace = (
        'Traceback (most recent call last):\n  File "f.py", line 1\ngrpc._channel.RpcFailed: of RPC:\n\tdetails\n>\n'
    )
    one = report(exceptions=(ev.ExceptionTally("RpcFailed: of RPC:\n\tdetails\n>", trace, 1),))
    assert cells("exceptions", seen(by("w1", 1, one)))[0][1].startswith("of RPC:")


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("too slow", True),
        ("<html><body>500</body></html>", True),
        ("<Error><Code>NoSuchKey</Code></Error>", True),
        ("<h1 class=of>", True),
        ("HTTPError('404')", False),
        ("<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n>", False),
        ("<shop.Refused object at 0x…>", False),
    ],
)
def test_an_exception_is_known_by_what_its_repr_begins_with(text: str, *, is_plain: bool) -> None:
    """Whatever else a failure says is the file's own text."""
    assert locust_tables.is_plain_text(text) == is_plain


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("file", ["stats", "failures", "exceptions", "history"])
def test_no_cell_is_a_formula_or_moves_the_cursor(name: str, file: str) -> None:
    """Whatever a target, a file or an exception is called."""
    for row in cells(file, named(name)):
        assert not any(cell.lstrip().startswith(locust_csv.FORMULA_STARTS) for cell in row)
        assert all(cell.replace("\n", "").isprintable() for cell in row)
        assert all("\n" not in cell for cell in row[:2] + row[3:])


def test_files_are_whole_at_the_end(tmp_path: Path) -> None:
    """What came after the last second is in them, and each second is there once."""
    files = locust_csv.Files(str(tmp_path / "new" / "run"))
    history: list[Happening] = [*running("w1")]
    for second in range(1, 4):
        history.append(reported("w1", second, 2))
        for ms in (0, 400, 800):
            files.write(picture(folded(history), T0 + second * 1_000 + ms))
    history += [reported("w1", 4, 5, failures=1), at(4_500, closed())]
    files.close(picture(folded(history), T0 + 4_600))
    assert [p.name for p in sorted(tmp_path.joinpath("new").iterdir())] == [
        "run_exceptions.csv", "run_failures.csv", "run_stats.csv", "run_stats_history.csv",
    ]  # fmt: skip
    assert [row[2] for row in read(tmp_path / "new/run_stats.csv")] == ["Request Count", "11", "11"]
    rows = read(tmp_path / "new/run_stats_history.csv")[1:]
    assert [int(row[0]) - T0_S for row in rows] == [1, 2, 3, 4]
    assert [row[17] for row in rows] == ["2", "4", "6", "11"]


def test_the_full_history_has_the_percentiles_of_the_last_ten_seconds(tmp_path: Path) -> None:
    """For each endpoint; what was slow at the beginning is forgotten, the totals are not."""
    files = locust_csv.Files(str(tmp_path / "p"), full_history=True)
    history: list[Happening] = [*running("w1")]
    for second in range(1, 31):
        times_us = [900_000] if second < 10 else [5_000]
        one = ev.Block(T0_S + second - 1, 1, {("GET", "/"): tally(times_us)}, {})
        history.append(by("w1", second, report(one, to_ms=second * 1_000)))
        files.write(picture(folded(history), T0 + second * 1_000))
    files.close(picture(folded(history), T0 + 30_000))
    rows = [row for row in read(tmp_path / "p_stats_history.csv") if row[3] == "/"]
    assert [row[16] for row in rows][:9] == ["900"] * 9
    assert [row[16] for row in rows][-8:] == ["5"] * 8
    assert rows[-1][22] == "900.0"


def test_the_history_begins_with_the_run_and_without_figures(tmp_path: Path) -> None:
    """Before the first request a percentile is not 0."""
    files = locust_csv.Files(str(tmp_path / "p"))
    files.write(seen(at_ms=500))
    files.close(seen(at_ms=1_500))
    rows = read(tmp_path / "p_stats_history.csv")
    assert rows[1][6:17] == ["N/A"] * 11
    assert rows[1][17:] == ["0", "0", "0.0", "0.0", "0", "0.0", "0.0"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """At the end, not in the middle of the run."""
    folder = tmp_path / "gone"
    files = locust_csv.Files(str(folder / "p"))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    files.write(seen())
    with pytest.raises(UsageError, match=r"cannot write .*gone/p_\*\.csv"):
        files.close(seen())


# ------------------------------------------------------------------ JSON


def test_json_has_locusts_keys_and_the_seconds_of_each_endpoint() -> None:
    """Counted from the log; a report that came twice counts once."""
    history = [*running("w1"), reported("w1", 1, 3), reported("w1", 2, 2, failures=1), reported("w1", 2, 2, failures=1)]
    rows = json.loads(entries_json(picture(folded(history), T0 + 3_000), seconds_of(entries(history))))
    assert [list(row) for row in rows] == [JSON_KEYS]
    assert rows[0]["num_reqs_per_sec"] == {str(T0_S): 3, str(T0_S + 1): 2}
    assert rows[0]["num_fail_per_sec"] == {str(T0_S + 1): 1}
    assert rows[0]["response_times"] == {"1": 5}
    assert (rows[0]["last_request_timestamp"], rows[0]["start_time"]) == (T0_S + 1, T0_S)


def test_json_is_clean() -> None:
    """What a terminal would obey is not in it, however it is shown."""
    rows = json.loads(entries_json(named(*HOSTILE), {}))
    assert len(rows) == len(HOSTILE)
    assert all(row["name"].isprintable() and row["method"].isprintable() for row in rows)
