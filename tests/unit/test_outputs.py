"""Tables, lines and JSON from frames, with the nastiest text that a target could send."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.rows import (
    Chart,
    Completeness,
    EndpointRow,
    ExceptionRow,
    FailureRow,
    Frame,
    LedgerRow,
    RunHeader,
    StoryRow,
    WorkerRow,
)
from tidal.model.struct import replace
from tidal.outputs import layout
from tidal.outputs.json import frame_json
from tidal.outputs.judged import ledger_lines
from tidal.outputs.text import ROWS_MAX, interval_line, summary

NOON_MS = 1_795_435_200_000  # 2026-11-23 12:00:00Z
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\n\u202eevil\u2066\x00\ud800"


def endpoint(method: str = "GET", name: str = "/", requests: int = 10, failures: int = 0) -> EndpointRow:
    """A row with plausible figures."""
    times_us = (4_710, 12_000, 99_900, 5_000, 812, 1_200_000)
    return EndpointRow(method, name, requests, failures, 0, *times_us, 3_400, 12_345, 0, 9_876)


def worker(name: str = "w1", **more: object) -> WorkerRow:
    """A healthy worker."""
    lamps = {"alive": True, "running": True, "reporting": True}
    figures = {"users": 5, "users_by_class": (), "generators": 2, "generators_alive": 2, "cpu_permille": 431}
    rest = {"memory_bytes": 1, "lag_ms": 3, "heartbeat_age_ms": 1, "report_age_ms": 1, "incarnation": "i"}
    fields = {**lamps, **figures, **rest, "share_permille": 1_000, **more}
    return WorkerRow(name, "id", "box", 7, "running", **fields)  # type: ignore[arg-type]


def picture(**more: object) -> Frame:
    """A run of one endpoint that finished after 42 s."""
    header = RunHeader(
        "r1", "shop.py", "http://h", "closed", NOON_MS, NOON_MS + 1_000, 42_000, 42_000, 10, 5, "me@box",
        "the plan ended", "finished", 0, 1,
    )  # fmt: skip
    frame = Frame(
        NOON_MS + 43_000, header, endpoint("", "", 10), (endpoint(),), (worker(),), (), (), (), Chart(0, 1000),
        Completeness(1, 1, NOON_MS + 43_000), LedgerRow(100_000, 99_000, 1_000, 0),
    )  # fmt: skip
    return replace(frame, **more)  # type: ignore[arg-type]


def hostile_picture(text: str) -> Frame:
    """The same text wherever text from outside can be."""
    frame = picture(
        endpoints=(endpoint(text, text),),
        workers=(worker(text, why=text),),
        failures=(FailureRow(text, text, text, 1, 0, 0),),
        exceptions=(ExceptionRow(text, f"{text}\n{text}", 1, (text,)),),
        story=(StoryRow(NOON_MS, 0, "nt", "error", text),),
    )
    header = replace(frame.run, run=text, file=text, outcome=text, reason=text, phase=text)
    return replace(frame, run=header)


def is_harmless(text: str) -> bool:
    """Lines of printable characters and nothing else."""
    return all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text)


def test_the_summary_says_what_happened() -> None:
    """Requests with a total, how it ended, how complete the figures are."""
    text = summary(picture())
    assert "GET     /" in text
    assert "4.71 ms" in text
    assert "Finished after 0:42: the plan ended\nExit code 0" in text
    assert "1/1 workers reported; complete to 12:00:43Z; 99.00 % of the planned user time ran" in text
    assert "Failures" not in text


def test_failures_exceptions_and_losses_have_tables() -> None:
    """Each with its count; a traceback keeps its last lines."""
    text = summary(
        picture(
            failures=(FailureRow("GET", "/", "503", 7, 0, 0),),
            exceptions=(ExceptionRow("ValueError('x')", "Traceback\n  line 1\n  line 2", 3, ("w1", "w2")),),
            story=(StoryRow(NOON_MS, 0, "wl", "error", "w2 is lost"), StoryRow(NOON_MS, 0, "rs", "good", "started")),
            ledger=LedgerRow(1, 1, 0, 0, 2),
            bad_entries=4,
            skipped_entries=5,
        )
    )
    assert "    7  GET     /     503" in text
    assert "3 times: ValueError('x')  (w1, w2)\n    Traceback\n" in text
    assert "12:00:00Z  w2 is lost" in text
    assert "started" not in text
    assert "lost on the way" not in text
    assert "2 intervals of killed processes never sent" in text
    assert "4 entries of the log refused; 5 entries of a newer tidal skipped" in text


def test_a_lost_worker_is_named_beside_the_figures() -> None:
    """What it measured last never came: the sums cannot be whole."""
    assert "; lost on the way: w2" in summary(picture(workers=(worker(), replace(worker("w2"), state="lost"))))


def test_a_run_without_requests_says_so() -> None:
    """No table of nothing, and no time of completeness that nobody knows."""
    text = summary(picture(endpoints=(), completeness=Completeness(0, 0, 0)))
    assert text.startswith("No request was made.")
    assert "Figures: nothing was reported" in text


def test_a_run_that_goes_on_is_told_as_such() -> None:
    """An interrupted console shows the newest frame, not a made-up end."""
    frame = picture()
    running = replace(frame.run, outcome="", reason="", phase="running", exit_code=None)
    assert "Still running at 0:42" in summary(replace(frame, run=running))


def test_long_tables_are_cut_and_say_by_how_much() -> None:
    """A thousand distinct URLs must not scroll the end away."""
    rows = tuple(endpoint(name=f"/{n}") for n in range(ROWS_MAX + 3))
    assert "… and 3 more" in summary(picture(endpoints=rows))


def test_the_interval_line_keeps_its_columns() -> None:
    """Figures grow without pushing their neighbours."""
    small, large = picture(), picture(total=endpoint("", "", 123_456, 0))
    assert interval_line(small).index("p95") == interval_line(large).index("p95")
    assert interval_line(small).startswith("   0:42  closed    users     5/10     req/s     12.3")


def test_without_a_sample_there_is_no_latency() -> None:
    """A dash, not 0 µs: nobody was answered at once. A sample that took no time is one."""
    nothing = replace(endpoint("", ""), requests=0, median_us=0, p95_us=0, p99_us=0, min_us=0, max_us=0, average_us=0)
    untimed = replace(nothing, requests=3, untimed=3)
    for row in (nothing, untimed):
        dashes = [f"{name} {layout.NOTHING:>7}" for name in ("p50", "p95", "p99")]
        assert "  ".join(dashes) in interval_line(picture(total=row))
        assert "0 µs" not in summary(picture(total=row, endpoints=(replace(row, name="/"),)))
    assert "p50    0 µs" in interval_line(picture(total=replace(untimed, untimed=2)))


@pytest.mark.parametrize("most", [40, 60, 80, 100, 140])
def test_tables_and_lines_fit_the_terminal(most: int) -> None:
    """What matters most stays longest; names and messages lose their middle before a column goes."""
    rows = (endpoint("DELETE", "/api/v1/" + "x" * 60, 123_456, 999), endpoint("GET", "/商品/" + "品" * 40))
    frame = picture(
        total=endpoint("", "", 123_466, 999), endpoints=rows, workers=(worker("w1", why="because " * 9),),
        failures=(FailureRow("GET", rows[0].name, "HTTPError " * 9, 7, 0, 0),),
    )  # fmt: skip
    tables = summary(frame, most).split("\n\nRun ")[0]
    assert max(map(layout.width, tables.splitlines())) <= max(most, 52)
    assert layout.width(interval_line(frame, most)) <= max(most, 46)
    for word in ("requests", "p95", "failures", "123466", "HTTP", "w1"):
        assert word in tables


def test_with_room_nothing_is_left_out() -> None:
    """A width that suffices changes nothing, and neither does none at all."""
    assert summary(picture(), 200) == summary(picture())
    assert interval_line(picture(), 200) == interval_line(picture())


def test_an_exit_code_of_1_says_why() -> None:
    """The run went to its end in order: what failed in it is the reason."""
    failed = picture(total=endpoint("", "", 569, 12))
    failed = replace(failed, run=replace(failed.run, exit_code=1))
    assert "Exit code 1: 12 of 569 requests failed\n" in summary(failed)
    raised = replace(failed, exceptions=(ExceptionRow("m", "", 3, ()),))
    assert "Exit code 1: 12 of 569 requests failed, user code raised 3 times\n" in summary(raised)
    hung = replace(failed, total=replace(endpoint("", "", 0, 0), cancelled=3))
    assert "Exit code 1: no request was answered, 3 were cut off by the end\n" in summary(hung)
    hooked = replace(failed, run=replace(failed.run, exit_code=2, hook_failures=7))
    assert "Exit code 2: a listener of a hook raised, 7 times in all\n" in summary(hooked)
    lapsed = replace(failed, run=replace(failed.run, exit_code=43, outcome="lapsed"))
    assert "Exit code 43\n" in summary(lapsed)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**6))
def test_the_sum_of_user_time_balances_as_it_is_shown(planned: int, surplus: int, missing: int, after: int) -> None:
    """Whoever adds the four figures up gets the same on both sides, to the last digit."""
    missing = min(missing, planned)
    ledger = LedgerRow(planned, planned + surplus - missing, missing, surplus, after_user_ms=after)
    line = next(
        (line for line in ledger_lines(replace(picture(), ledger=ledger)) if "surplus" in line), "0.0 0.0 0.0 0.0"
    )
    said = [Decimal(n.replace(",", "")) for n in re.findall(r"[\d,]+\.\d", line.partition(";")[0])]
    assert said[0] + said[1] == said[2] + said[3]


def test_the_interval_line_before_the_start_tells_who_is_here() -> None:
    """No rates before there is a load."""
    frame = picture()
    waiting = replace(frame, run=replace(frame.run, began_ms=0, phase="waiting"))
    assert interval_line(waiting).strip() == "waiting   1 worker here"
    alone = replace(waiting, workers=())
    assert interval_line(alone).strip() == "waiting   0 workers here; to start one: tidal worker"


def test_hostile_text_cannot_reach_the_terminal() -> None:
    """No escape, no control character, no direction mark, no surrogate, and no line of its own."""
    frame = hostile_picture(HOSTILE)
    assert is_harmless(summary(frame))
    assert is_harmless(interval_line(frame))
    assert is_harmless(frame_json(frame))
    frame_json(frame).encode()


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_outputs(text: str) -> None:
    """Whatever a server answers: printable lines, and JSON that parses."""
    frame = hostile_picture(text)
    assert is_harmless(summary(frame) + interval_line(frame))
    assert json.loads(frame_json(frame))["schema"] == 1


def test_json_is_canonical() -> None:
    """Sorted keys, no spaces, one line, every field of the frame."""
    text = frame_json(picture())
    value = json.loads(text)
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert value["total"]["median_us"] == 4_710
    assert value["run"]["exit_code"] == 0
    assert set(Frame.__struct_fields__) <= set(value)


def test_a_traceback_keeps_its_lines_in_json() -> None:
    """Programs show it as a traceback again."""
    frame = picture(exceptions=(ExceptionRow("m", "a\nb", 1, ()),))
    assert json.loads(frame_json(frame))["exceptions"][0]["traceback"] == "a\nb"


@pytest.mark.parametrize(
    ("value_us", "text"),
    [
        (0, "0 µs"),
        (812, "812 µs"),
        (4_719, "4.72 ms"),
        (47_190, "47.2 ms"),
        (471_900, "472 ms"),
        (9_995, "10.0 ms"),
        (99_950, "100 ms"),
        (999_499, "999 ms"),
        (999_500, "1.00 s"),
        (1_200_000, "1.20 s"),
        (75_000_000, "75.0 s"),
        (1_300_000_000_000, "1300000 s"),
    ],
)
def test_latencies_read_well(value_us: int, text: str) -> None:
    """Three digits, rounded, also over the border of a unit."""
    assert layout.latency(value_us) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (0, 9, "0.00 %"), (1, 1_000_000, "<0.01 %"), (999_999, 1_000_000, "99.99 %"), (3, 3, "100.00 %")],
)
def test_a_share_is_never_rounded_away(part: int, whole: int, text: str) -> None:
    """One failure in a million is not none."""
    assert layout.share(part, whole) == text


def test_sizes_spans_and_moments() -> None:
    """Units that people read."""
    sizes = {0: "0 B", 999: "999 B", 3_400: "3.40 kB", 999_999: "1.00 MB", 4_000_000: "4.00 MB"}
    assert [layout.size(n) for n in sizes] == list(sizes.values())
    assert [layout.duration(n) for n in (999, 42_000, 3_723_000)] == ["0:00", "0:42", "1:02:03"]
    assert layout.clock(1 << 62) == layout.day_and_clock(1 << 62) == "?"


def test_wide_characters_stay_aligned() -> None:
    """A name in Japanese takes two cells a character."""
    lines = layout.table([layout.Column("name", number=False), layout.Column("n")], [["商品", "1"], ["ab", "22"]])
    assert len({layout.width(line) for line in lines.splitlines()}) == 1


@given(st.text(max_size=400), st.integers(10, 60))
def test_shortened_text_fits(text: str, most: int) -> None:
    """Never wider than asked, and unchanged when it fits."""
    assert layout.width(layout.shorten(text, most)) <= most


def test_shortening_keeps_both_ends() -> None:
    """The end of a path says more than its middle."""
    assert layout.shorten("/api/v1/" + "x" * 100 + "/checkout", 20) == "/api/v1/xx…/checkout"
