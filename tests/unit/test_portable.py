"""Archives on their way: what an export holds and what it does not, and what may come in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import test_proof
from homes import living_in
from recordings import Shop, record

from tidal import paths
from tidal.archive import Archive
from tidal.cli.parser import parser_of
from tidal.errors import ArchiveDamaged, NoSuchRun, NotAnArchive, UsageError
from tidal.model.codec import encode, entry_of
from tidal.model.events import ByMaster, Logged, LogLine, MasterTook, RunOpened, RunOptions
from tidal.model.masking import KINDS, Mask
from tidal.model.state import State
from tidal.outputs.html import render
from tidal.portable import export, run_of, take_in
from tidal.proof import demand
from tidal.replay import Replay
from tidal.report import read_frame, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "20260921-141320-shop"
SECRETS = ("shop.example", "s3cret", "laptop", "class Shopper")


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    """A home of its own."""
    with living_in(tmp_path / "home"):
        yield


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A run as a master recorded it, with checkpoints."""
    return test_proof.record(tmp_path / "whole.tidal")


def tidal(*words: object) -> int:
    """Run a subcommand."""
    parser = parser_of(str(words[0]))
    return parser.run(parser.read([str(word) for word in words[1:]]))


def everything(path: Path) -> str:
    """All text that anybody can get out of an archive."""
    with Archive.open(path) as archive:
        raw = "".join(str(Replay(archive).state_at(ms).packed()) for ms in (archive.first_ms, archive.last_ms))
        return raw + "".join(str(archive.read_keyframe(b)) for b in archive.blocks if b.kind == 2)


def test_an_export_is_the_run(whole: Path, tmp_path: Path) -> None:
    """One file with the same figures, proved by the master's own hashes."""
    out = tmp_path / "out.tidal"
    written = export(whole, out)
    assert written.run == RUN
    assert read_frame(out) == read_frame(whole)
    with Archive.open(out) as archive:
        assert demand(archive).agreed >= 4


def test_a_masked_export_says_nothing_of_hosts_arguments_and_source(whole: Path, tmp_path: Path) -> None:
    """In no entry, no keyframe, no report; the figures are the same, and its own hashes prove it."""
    out = tmp_path / "out.tidal"
    export(whole, out, KINDS)
    told = everything(out) + render(read_report(out))
    assert [word for word in SECRETS if word in told] == []
    assert all(word in everything(whole) + render(read_report(whole)) for word in SECRETS[:1] + SECRETS[2:])
    before, after = read_frame(whole), read_frame(out)
    assert (before.endpoints, before.chart, before.ledger) == (after.endpoints, after.chart, after.ledger)
    with Archive.open(out) as archive, Archive.open(whole) as original:
        assert archive.header["masked"] == list(KINDS)
        assert demand(archive).agreed == demand(original).agreed


def test_the_same_host_keeps_one_name() -> None:
    """So that the story can still be read; user names and passwords of URLs go as well."""
    mask = Mask(("hosts",))
    for number, host in enumerate(("box7", "db.internal"), 1):
        event = MasterTook(host, 7, "0.1")
        mask.learn(entry_of("log", test_proof.EntryId(number, 0), encode(ByMaster(1, number, number, event))))
    assert mask.text("box7 lost db.internal, not mailbox7 or box72") == "host-1 lost host-2, not mailbox7 or box72"
    assert mask.text("GET http://ann:pw@shop.example:80/a from 10.0.0.7") == "GET http://host-3:80/a from host-4"
    assert mask.text("http://shop.example/b and 10.0.0.7") == "http://host-3/b and host-4"


def test_logs_go_by_what_they_say() -> None:
    """Who logged how many lines of which weight stays, in entries and in states; an empty one stays empty."""
    mask = Mask(("logs",))
    masked = mask._event(Logged((LogLine(5, "error", "shop", "what nobody may read"), LogLine(6, "warning", "t", ""))))
    assert isinstance(masked, Logged)
    assert masked.lines == (LogLine(5, "error", "shop", "[redacted]"), LogLine(6, "warning", "t", ""))
    state = State()
    state.reports.lines.add("a1", [LogLine(5, "error", "shop", "what nobody may read")], 9)
    after = mask.state(state.to_wire())
    assert [line.text for _, line in after.reports.lines.kept] == ["[redacted]"]
    assert after == State.from_wire(after.to_wire())


def test_hosts_go_from_lines_too() -> None:
    """However much longer they become."""
    mask = Mask(("hosts",))
    (line,) = mask._event(Logged((LogLine(5, "error", "shop", "1.1.1.1 " * 250),))).lines  # type: ignore[attr-defined]
    assert line.text == "host-1 " * 250


def test_arguments_and_headers_go_by_their_fields() -> None:
    """Names stay, values go, also in fields that only a later version has."""
    mask = Mask(("arguments", "headers"))
    opened = RunOpened(
        "r1", "f", "ann", "f.py", (), (), RunOptions(arguments=(("region", '"eu"'),)), versions=(("tidal", "1"),)
    )
    masked = mask._event(opened)
    assert isinstance(masked, RunOpened)
    assert masked.options.arguments == (("region", '"[redacted]"'),)
    sample = {"request_headers": [["Cookie", "a=b"]], "body": "secret", "response_body": b"x", "status": 500}
    assert mask.value(sample) == {
        "request_headers": [["Cookie", "[redacted]"]], "body": "[redacted]", "response_body": b"", "status": 500,
    }  # fmt: skip


def test_an_export_writes_over_nothing(whole: Path, tmp_path: Path) -> None:
    """Also not over what is no archive."""
    out = tmp_path / "out.tidal"
    out.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export(whole, out)
    assert out.read_text() == "mine"


def test_a_damaged_archive_leaves_no_half_export(whole: Path, tmp_path: Path) -> None:
    """One line, and no file."""
    with Archive.open(whole) as archive:
        block = archive.blocks[2]
    data = bytearray(whole.read_bytes())
    data[block.offset + 3] ^= 0xFF
    whole.write_bytes(data)
    with pytest.raises(ArchiveDamaged):
        export(whole, tmp_path / "out.tidal", KINDS)
    assert not (tmp_path / "out.tidal").exists()


def test_the_command_says_what_it_wrote(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what it left out."""
    assert tidal("export", whole, "-o", tmp_path / "x.tidal", "--redact", "hosts,arguments", "--strip-files") == 0
    assert "without hosts, arguments, files" in capsys.readouterr().out
    with pytest.raises(UsageError, match="--redact secrets"):
        tidal("export", whole, "--redact", "secrets")


# ------------------------------------------------------------------ in


def test_what_comes_in_is_known_by_its_id(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It replays to the same figures, and stays as old as it is."""
    assert tidal("import", whole) == 0
    assert f"run {RUN}" in capsys.readouterr().out
    path = paths.archive_path(RUN)
    assert read_frame(path) == read_frame(whole)
    with Archive.open(whole) as archive:
        assert abs(path.stat().st_mtime * 1000 - archive.last_ms) < 1
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_run_comes_in_once(whole: Path) -> None:
    """A second one of the same id wants another."""
    take_in(whole)
    with pytest.raises(UsageError, match="here already"):
        take_in(whole)
    assert take_in(whole, "other").run == "other"


def test_what_will_not_do(tmp_path: Path, whole: Path) -> None:
    """Foreign, empty, absent; an id that is a path; nothing is left behind."""
    (tmp_path / "foreign").write_text("PK")
    with pytest.raises(NotAnArchive):
        take_in(tmp_path / "foreign")
    with pytest.raises(NoSuchRun):
        take_in(whole, "../../etc/passwd")
    with pytest.raises(NoSuchRun, match="no archive file"):
        tidal("import", tmp_path / "absent")
    assert list(paths.runs_dir().iterdir()) == []


def test_a_run_whose_id_is_a_path_is_nobody(tmp_path: Path) -> None:
    """A hostile archive writes nowhere but among the runs."""
    path = record(tmp_path / "a.tidal", Shop(seconds=3))
    with Archive.open(path) as archive:
        archive.header["run"] = "../x"
        assert run_of(archive) == RUN


def test_what_is_whole_of_a_damaged_file_comes_in(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a word of its own; without it the damage is named."""
    with Archive.open(whole) as archive:
        block = archive.blocks[2]
    data = bytearray(whole.read_bytes())
    data[block.offset + 3] ^= 0xFF
    whole.write_bytes(data)
    with pytest.raises(ArchiveDamaged, match="--salvage"):
        tidal("import", whole)
    assert not paths.archive_path(RUN).exists()
    assert tidal("import", whole, "--salvage") == 0
    assert "1 damaged place left out" in capsys.readouterr().out
    assert sorted(p.name for p in paths.runs_dir().iterdir()) == [f"{RUN}.tidal"]


def test_ten_gigabytes_of_nothing_cost_nothing(tmp_path: Path, whole: Path) -> None:
    """A sparse file that claims more than it holds is refused without being copied."""
    big = tmp_path / "big.tidal"
    big.write_bytes(whole.read_bytes())
    os.truncate(big, 10 << 30)
    with pytest.raises(ArchiveDamaged):
        take_in(big)
    assert list(paths.runs_dir().iterdir()) == []
