"""`tidal judge`, and what a CI server reads: JUnit XML and a job's summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from recordings import Shop, record

from tidal.__main__ import main
from tidal.cli.judge import exit_code, split
from tidal.cli.parser import parser_of
from tidal.cli.verdict_files import summary_file
from tidal.errors import UsageError
from tidal.model.judged_rows import ThresholdRow
from tidal.model.struct import replace
from tidal.outputs.junit import junit
from tidal.outputs.markdown import markdown
from tidal.outputs.text import interval_line, summary
from tidal.report import read_frame

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.model.rows import Frame


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a shop whose checkout fails now and then and is slow for a while; one of three workers is lost."""
    return record(tmp_path_factory.mktemp("runs") / "r.tidal", Shop())


def judged(archive: Path, tmp_path: Path, *texts: str) -> tuple[int, dict[str, dict[str, object]]]:
    """The exit code, and each row by its text."""
    out = tmp_path / "out.json"
    code = main(["judge", str(archive), *texts, "--json", str(out), "--allow-suspect"])
    value = json.loads(out.read_text())
    assert value["exit_code"] == code
    return code, {row["text"]: row for row in value["thresholds"]}


def test_it_says_when_a_run_would_have_tripped(archive: Path, tmp_path: Path) -> None:
    """The window, the value, and the entry of the log: a tick."""
    texts = ('p95 of "POST /checkout" > 250ms for 3s', "p95 < 10s", "fail% > 90 within 10s", "p50 of /cat < 1s")
    _, rows = judged(archive, tmp_path, *texts)
    assert [row["word"] for row in rows.values()] == ["failed", "passed", "passed", "unjudged"]
    tripped = rows[texts[0]]
    assert int(str(tripped["entry"]).partition("-")[0]) % 1000 == 901  # ticks are written then
    assert 0 < int(str(tripped["tripped_from_ms"])) < int(str(tripped["tripped_to_ms"])) < 120_000
    assert "near ones: /cart" in str(rows['p50 of "/cat" < 1s']["why"])


@pytest.mark.parametrize(
    ("verdict", "words", "code"),
    [
        ("valid", ["passed"], 0),
        ("valid", ["passed", "failed", "unjudged"], 62),
        ("valid", ["passed", "unjudged"], 63),
        ("suspect", ["passed"], 61),
        ("suspect", ["failed"], 62),
        ("invalid", ["passed"], 60),
        ("invalid", ["failed"], 60),
    ],
)
def test_figures_that_may_not_be_believed_pass_nothing(seen: Frame, verdict: str, words: list[str], code: int) -> None:
    """The code weighs verdict and thresholds."""
    rows = tuple(replace(ROWS[0], word=word) for word in words)
    frame = replace(seen, thresholds=rows, verdict=replace(seen.verdict, word=verdict))
    assert exit_code(frame, allow_suspect=False) == code
    assert exit_code(frame, allow_suspect=True) == (0 if code == 61 else code)


def test_a_run_whose_end_is_not_recorded_passes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What held until there may have failed after it; what failed has failed."""
    cut = record(tmp_path / "cut.tidal", Shop(seconds=20, is_closed=False))
    assert judged(cut, tmp_path, "p95 < 10s")[0] == 43
    assert "The run was not closed: this is how it stood." in capsys.readouterr().out
    assert judged(cut, tmp_path, "p95 < 1ms within 5s")[0] == 62


@pytest.mark.parametrize(("outcome", "code"), [("finished", 0), ("stopped", 0), ("lapsed", 43), ("failed", 43)])
def test_a_run_that_ended_before_its_plan_passes_nothing(seen: Frame, outcome: str, code: int) -> None:
    """As with `tidal run`."""
    verdict = replace(seen.verdict, word="valid")
    frame = replace(seen, run=replace(seen.run, outcome=outcome), thresholds=(ROWS[0],), verdict=verdict)
    assert exit_code(frame, allow_suspect=False) == code


def test_a_run_without_thresholds_needs_one(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There would be nothing to say."""
    assert main(["judge", str(archive)]) == 2
    assert "has no thresholds of its own" in capsys.readouterr().err
    assert main(["judge", str(archive), "p95<1s", "p95<<1s"]) == 2
    assert "a number was expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "run", "texts"),
    [
        ([], "latest", ()),
        (["r42"], "r42", ()),
        (["p95<1s"], "latest", ("p95 < 1s",)),
        (["r42", "p95<1s and rps>3"], "r42", ("p95 < 1s", "rps > 3")),
    ],
)
def test_the_first_word_is_the_run_unless_it_is_a_threshold(words: list[str], run: str, texts: tuple[str, ...]) -> None:
    """`tidal judge 'p95<1s'` means the latest run."""
    assert split(words) == (run, texts)


def test_flags_give_thresholds_as_they_do_for_a_run(archive: Path, tmp_path: Path) -> None:
    """However a pipeline says them, and together with expressions; --abort-on trips where it would have stopped it."""
    flags = ["--fail-on", "p95<10s and rps>0", "--threshold", "fail%<99", "--abort-on", "fail% > 90 within 10s"]
    code, rows = judged(archive, tmp_path, "p50<10s", *flags)
    assert (code, [row["word"] for row in rows.values()]) == (0, ["passed"] * 5)
    assert [*rows] == ["p50 < 10s", "p95 < 10s", "rps > 0", "fail% < 99%", "abort: fail% > 90% within 10s"]
    code, _ = judged(archive, tmp_path, "--fail-on", "p95<1us")
    assert code == 62


# ------------------------------------------------------------------ flags


def thresholds_of(*words: str) -> list[str]:
    """What the flags of `tidal run` make of these words."""
    found: list[str] = parser_of("run").read(["-f", "x.py", *words]).thresholds
    return found


def test_abort_on_is_a_threshold_that_stops_the_run() -> None:
    """However it is written."""
    words = ["--threshold", "p95<1s", "--abort-on", "p95>2s and fail%<1", "--fail-on", "rps<3"]
    with pytest.raises(UsageError, match="'and' joins"):
        thresholds_of(*words)
    assert thresholds_of("--abort-on", "p95<2s and fail%<1", "--fail-on", "rps<3") == [
        "abort: p95<2s and fail%<1",
        "rps<3",
    ]
    assert thresholds_of("--abort-on", "fail if p95<2s") == ["abort if p95 < 2s"]


@pytest.mark.parametrize("text", ["p95", "verdict == fine", "p95 < 1s for 1h"])
def test_a_wrong_threshold_is_a_wrong_command_line(text: str) -> None:
    """Said before anything is started."""
    with pytest.raises(UsageError, match="threshold"):
        thresholds_of("--threshold", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("locust.conf", "threshold = p95<1s\n"),
        ("pyproject.toml", '[tool.locust]\nthreshold = ["p95<1s"]\n'),
    ],
)
def test_a_config_file_may_hold_them(tmp_path: Path, name: str, text: str) -> None:
    """A line, or a list of TOML."""
    (tmp_path / name).write_text(text)
    assert thresholds_of("--config", str(tmp_path / name), "--threshold", "rps>3") == ["p95<1s", "rps>3"]


# ------------------------------------------------------------------ files for CI


ROWS = (
    ThresholdRow("p95 < 1s", "p95 must be …", "passed", 5_000, "5ms", 1_000_000, "ms"),
    ThresholdRow("rps < 3 for 5s", "fails …", "failed", 9, "9", 3, "/s", False, 60_000, 65_000, "2.5"),  # noqa: FBT003
    ThresholdRow('p95 of "<x>&\x1b[31m" < 1s', "…", "unjudged", why="no endpoint ']]>' was seen"),
    ThresholdRow("fail% < 1%", "…", "waiting"),
)


@pytest.fixture
def seen(archive: Path) -> Frame:
    """A run with thresholds of every kind."""
    frame = read_frame(archive)
    return replace(frame, thresholds=ROWS, verdict=replace(frame.verdict, word="suspect"))


def test_junit_has_a_case_for_each(seen: Frame) -> None:
    """Failed ones fail, what could not be judged is an error, the rest passes."""
    suite = ET.fromstring(junit(seen))[0]  # noqa: S314 - of our own making
    cases = {case.get("name"): [child.tag for child in case] for case in suite.findall("testcase")}
    assert list(cases.values()) == [["system-out"], ["system-out"], ["failure"], ["error"], ["skipped"]]
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["5", "1", "1"]
    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "it was 2.5 from 1:00 to 1:05"


def xml(frame: Frame) -> ET.Element:
    """What a CI server reads."""
    return ET.fromstring(junit(frame))  # noqa: S314 - of our own making


def test_junit_says_which_run_it_is_of(seen: Frame) -> None:
    """In properties; and how long it took, in seconds."""
    run = replace(seen.run, run="r7", host="http://h", outcome="finished", exit_code=62, elapsed_ms=123_456)
    total = replace(seen.total, requests=1_234, failures=5)
    (suite,) = xml(replace(seen, run=run, total=total))
    assert suite.get("time") == "123.456"
    told = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert told == {
        "run": "r7", "host": "http://h", "outcome": "finished", "exit code": "62", "requests": "1234", "failures": "5",
    }  # fmt: skip
    going = replace(run, outcome="", phase="running", exit_code=None)
    told = {one.get("name"): one.get("value") for one in xml(replace(seen, run=going)).iter("property")}
    assert (told["outcome"], told["exit code"]) == ("running", "")


def test_junit_says_of_each_threshold_what_it_means_and_how_it_was(seen: Frame) -> None:
    """Under the threshold's own words."""
    suite = xml(seen)[0]
    cases = [(case.get("name"), [(c.tag, c.get("message"), c.text) for c in case]) for case in suite.iter("testcase")]
    assert cases[1:] == [
        ("p95 < 1s", [("system-out", None, "p95 must be …: it is 5ms")]),
        ("rps < 3 for 5s", [("failure", "it was 2.5 from 1:00 to 1:05", "fails …")]),
        ('p95 of "<x>&" < 1s', [("error", "no endpoint ']]>' was seen", "…")]),
        ("fail% < 1%", [("skipped", "not judged yet", "…")]),
    ]
    bare = replace(ROWS[2], why=""), replace(ROWS[1], tripped_from_ms=None, tripped_to_ms=None)
    texts = [case[0].get("message") for case in xml(replace(seen, thresholds=bare))[0].iter("testcase")][1:]
    assert texts == ["it could not be judged", "it was 2.5"]
    assert "a pass would be none" in junit(replace(seen, verdict=replace(seen.verdict, word="invalid")))


@pytest.mark.parametrize(("failures", "tags"), [(0, []), (3, [("failure", "3 of 50 requests failed")])])
def test_junit_without_thresholds_fails_with_a_request(seen: Frame, failures: int, tags: list[tuple[str, str]]) -> None:
    """With how many of how many; without a verdict that is the only case."""
    total = replace(seen.total, requests=50, failures=failures)
    frame = replace(seen, thresholds=(), total=total, verdict=replace(seen.verdict, word=""))
    (case,) = xml(frame).iter("testcase")
    assert [(child.tag, child.get("message")) for child in case] == tags


def test_junit_of_an_invalid_run_passes_nothing(seen: Frame) -> None:
    """A pass on figures that may not be believed is none."""
    invalid = replace(seen, verdict=replace(seen.verdict, word="invalid"))
    suite = ET.fromstring(junit(invalid))[0]  # noqa: S314 - of our own making
    assert [[child.tag for child in case] for case in suite.findall("testcase")] == [
        ["error"], ["skipped"], ["failure"], ["error"], ["skipped"],
    ]  # fmt: skip


def test_junit_without_thresholds_asks_whether_anything_failed(archive: Path) -> None:
    """As the exit code does."""
    suite = ET.fromstring(junit(read_frame(archive)))[0]  # noqa: S314 - of our own making
    assert [case.get("name") for case in suite.findall("testcase")] == [
        "the figures may be believed",
        "no request failed",
    ]


def test_tables_and_lines_show_them(seen: Frame) -> None:
    """Text, Markdown and the line of a moment; what comes from outside is harmless."""
    assert "rps < 3 for 5s" in summary(seen)
    assert "1:00 to 1:05" in markdown(seen)
    assert "2 of 4 thresholds fail" in interval_line(seen)
    assert "\x1b" not in summary(seen) + markdown(seen) + junit(seen)


def test_a_summary_goes_where_the_job_says() -> None:
    """Without a name, and without the variable, it is asked for."""
    assert summary_file(None, {}) is None
    assert summary_file("x.md", {}) == "x.md"
    assert summary_file("", {"GITHUB_STEP_SUMMARY": "step.md"}) == "step.md"
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY"):
        summary_file("", {})


def test_a_summary_is_added_to_what_is_there(archive: Path, tmp_path: Path) -> None:
    """A job's summary has many writers."""
    place, xml = tmp_path / "step.md", tmp_path / "out.xml"
    place.write_text("before\n")
    main(["judge", str(archive), "p95<1s", "--summary", str(place), "--junit", str(xml)])
    assert place.read_text().startswith("before\n### Load test")
    assert ET.parse(xml).getroot().tag == "testsuites"  # noqa: S314 - of our own making
