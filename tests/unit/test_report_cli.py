"""`tidal report`: where each kind of report goes, and what is said when it cannot."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from recordings import Shop, record

from tidal.archive import Archive, ArchiveWriter
from tidal.cli.parser import parser_of
from tidal.errors import UsageError
from tidal.outputs.junit import junit
from tidal.outputs.markdown import markdown
from tidal.report import read_frame, read_html


def report(*words: object) -> int:
    """Run `tidal report` with these words."""
    parser = parser_of("report")
    return parser.run(parser.read([str(word) for word in words]))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Twenty seconds of a shop."""
    return record(tmp_path / "shop.tidal", Shop(seconds=20))


def test_every_kind_in_a_file(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is written and named on standard error."""
    html, md, figures = (tmp_path / name for name in ("r.html", "r.md", "r.json"))
    assert report(archive, "--html", html, "--md", md, "--json", figures) == 0
    assert html.read_text(encoding="utf8") == read_html(archive)
    assert md.read_text(encoding="utf8").startswith("### Load test")
    assert json.loads(figures.read_text(encoding="utf8"))["schema"] == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [f"written: {html}", f"written: {md}", f"written: {figures}"]


def test_one_to_standard_output(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else stands there, and the page is not made when it was not asked for."""
    assert report(archive, "--md", "-") == 0
    assert capsys.readouterr().out.startswith("### Load test")


def test_two_cannot_have_standard_output(archive: Path) -> None:
    """Said before anything is written."""
    with pytest.raises(UsageError, match="only one"):
        report(archive, "--md", "-", "--json", "-")


def test_the_source_can_be_left_out(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a report that goes to strangers."""
    report(archive, "--html", "-", "--no-source")
    assert "class Shopper" not in capsys.readouterr().out


def test_a_place_that_is_none(archive: Path, tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(UsageError, match="cannot write"):
        report(archive, "--html", tmp_path / "nowhere" / "r.html")


def test_a_moment_after_the_end_is_its_end(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And that is said."""
    parser = parser_of("replay")
    assert parser.run(parser.read([str(archive), "--print", "--at", "1h"])) == 0
    assert "the recording ends before 1:00:00: this is its end, at 0:20" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "replay"])
def test_what_a_ci_server_reads(command: str, archive: Path, tmp_path: Path) -> None:
    """JUnit XML and a job's summary of a run that is over, of both commands the same; no page that nobody asked for."""
    xml, added = tmp_path / "r.xml", tmp_path / "summary.md"
    added.write_text("before\n", encoding="utf8")
    parser = parser_of(command)
    assert parser.run(parser.read([str(archive), "--junit", str(xml), "--summary", str(added)])) == 0
    frame = read_frame(archive)
    assert xml.read_text(encoding="utf8") == junit(frame)
    assert added.read_text(encoding="utf8") == "before\n" + markdown(frame)
    assert not list(Path.cwd().glob(f"{frame.run.run}.html"))


@pytest.mark.parametrize("command", ["report", "explain", "export", "log", "diff"])
def test_a_recording_that_was_cut_is_said_to_be_one(
    command: str, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes its last second for the end of the run: on standard error, and in the figures themselves."""
    words = {"report": ["--md", "-"], "export": ["-o", str(tmp_path / "out.tidal")], "diff": [str(archive)]}.get(
        command, []
    )
    parser = parser_of(command)
    assert parser.run(parser.read([str(archive), *words])) == 0
    assert "ends before its run" not in capsys.readouterr().err
    cut = tmp_path / "cut.tidal"
    with Archive.open(archive) as whole, closing(ArchiveWriter(cut, whole.header)) as writer:
        for entry in islice(whole.entries(), whole.count * 3 // 4):
            writer.add(entry)
    cut.write_bytes(cut.read_bytes() + b"torn")
    words = [word.replace("out.tidal", "cut-out.tidal") for word in words]
    assert parser.run(parser.read([str(cut), *words])) == 0
    said = "ends before its run: it was cut off, or its writer crashed"
    assert said in capsys.readouterr().err
    frame = read_frame(cut)
    assert frame.verdict.remarks[0] == f"the recording {said}"
    assert f"Worth knowing: `the recording {said}`" in markdown(frame)


@pytest.mark.parametrize("command", ["report", "explain", "export", "replay", "log", "diff"])
def test_a_recording_that_holds_its_runs_close_is_whole(
    command: str, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A writer that was killed after that entry has lost nothing but its own last mark."""
    words = {"report": ["--md", "-"], "export": ["-o", str(tmp_path / "out.tidal")], "diff": [str(archive)]}.get(
        command, []
    )
    cut = tmp_path / "cut.tidal"
    cut.write_bytes(archive.read_bytes()[:-3])
    parser = parser_of(command)
    assert parser.run(parser.read([str(cut), *words])) == 0
    assert "the recording" not in capsys.readouterr().err
    assert read_frame(cut) == read_frame(archive)
