"""The summary for a ticket: a table that stays a table, and text that stays text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import Shop, record

from tidal.model.rows import LogRow
from tidal.model.struct import replace
from tidal.outputs.layout import NOTHING
from tidal.outputs.markdown import code, markdown
from tidal.report import read_frame

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "`|</td><img src=x onerror=alert(1)> @everyone #1 [x](http://x)\n# "


def cells(line: str) -> list[str]:
    """The cells of a row of a table, as GitHub splits it."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def without_spans(text: str) -> str:
    """What is left when the code spans are taken out, as CommonMark pairs backticks."""
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_it_says_what_happened(tmp_path: Path) -> None:
    """How it ended, against what, the figures, what failed, what went wrong, how complete it is."""
    text = markdown(read_frame(record(tmp_path / "r.tidal", Shop())))
    assert text.startswith("### Load test `locustfile.py`: `finished` after 2:00, exit code 1\n")
    assert "against `http://…@shop.example`" in text
    assert "s3cret" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert cells(rows[0]) == ["endpoint", "requests", "failed", "p50", "p95", "p99", "max", "req/s"]
    assert any(line.startswith("| **total** | **") for line in rows)
    assert "| `503 Service Unavailable` | `POST /checkout` |" in text
    assert "`w1 lost: its heartbeat lapsed; its users go to the others`" in text
    assert "of the planned user time ran" in text


def test_hostile_text_stays_in_its_cell(tmp_path: Path) -> None:
    """No markup, no mention, no link, no cell of its own, no line of its own."""
    text = markdown(read_frame(record(tmp_path / "r.tidal", Shop(seconds=20, said=EVIL))))
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for block in tables:
        assert len({len(cells(line)) for line in block.splitlines()}) == 1
    for mark in ("<", "@", "[", "http"):
        assert mark not in without_spans(text)


def test_what_has_no_latency_shows_none(tmp_path: Path) -> None:
    """All were cut off, or their client told no time: nought would be the quickest of all."""
    frame = read_frame(record(tmp_path / "r.tidal", Shop(seconds=20, measures=True)))
    silent = replace(frame.endpoints[0], untimed=frame.endpoints[0].requests)
    cut_off = replace(frame.transactions[0], times=0, failures=0)
    text = markdown(replace(frame, endpoints=(silent,), transactions=(cut_off,)))
    rows = [cells(line) for line in text.splitlines() if line.startswith("| `")]
    assert next(row for row in rows if row[0] == f"`{silent.method} {silent.name}`")[3:7] == [NOTHING] * 4
    assert next(row for row in rows if row[1] == "0")[4:8] == [NOTHING] * 4


def with_logs(path: Path, rows: tuple[LogRow, ...]) -> str:
    """The summary of a recorded run whose processes said these lines."""
    return markdown(replace(read_frame(record(path, Shop(seconds=20))), logs=rows))


def row(number: int, level: str, text: str) -> LogRow:
    """A line of the first worker's agent, so many seconds into the run."""
    return LogRow(number * 1_000, number * 1_000, "w1", "w1", level, "shop", text)


def test_warnings_and_errors_of_the_log_are_there(tmp_path: Path) -> None:
    """What is less than a warning is not, nor what stands below the first line of a traceback."""
    text = with_logs(
        tmp_path / "r.tidal", (row(1, "info", "calm"), row(2, "error", "broken\nTraceback"), row(3, "critical", "gone"))
    )
    assert "Log:\n\n- 0:02 `w1 error` `broken`\n- 0:03 `w1 critical` `gone`" in text
    assert "calm" not in text
    assert "Traceback" not in text


def test_a_long_log_is_cut_to_its_newest_lines(tmp_path: Path) -> None:
    """And says how many there are."""
    text = with_logs(tmp_path / "r.tidal", tuple(row(n, "warning", f"line {n};") for n in range(30)))
    assert "line 19;" not in text
    assert "line 20;" in text
    assert "line 29;" in text
    assert "… and 20 more" in text


def test_what_was_not_kept_of_the_log_is_counted(tmp_path: Path) -> None:
    """Also where no line is left to show."""
    calm = replace(read_frame(record(tmp_path / "r.tidal", Shop(seconds=20))), logs=())
    assert "of logging" not in markdown(calm)
    assert "7 lines of logging not kept" in markdown(replace(calm, logs_left_out=4, logs_dropped=3))


def test_hostile_lines_of_logging_stay_in_their_spans(tmp_path: Path) -> None:
    """No markup, no mention, no link."""
    told = without_spans(with_logs(tmp_path / "r.tidal", (replace(row(1, "error", EVIL), who=EVIL),)))
    assert not [mark for mark in ("<", "@", "[", "http") if mark in told]


@given(st.text(max_size=200))
def test_a_code_span_holds_any_text(text: str) -> None:
    """It ends where it is meant to end."""
    assert without_spans(code(text)) == ""
    assert "|" not in code(text).replace("\\|", "")


@pytest.mark.parametrize(
    ("text", "told"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("", "`-`"), ("a|b", "`a\\|b`")]
)
def test_spans(text: str, told: str) -> None:
    """The fence is longer than any run of backticks inside."""
    assert code(text) == told


def test_without_requests_it_says_so(tmp_path: Path) -> None:
    """No table of nothing."""
    assert "No request was made." in markdown(read_frame(record(tmp_path / "r.tidal", Shop(seconds=2, endpoints=()))))
