"""Archives of every version replay to the figures that were written down when they were made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from golden import archives, expected_path, figures
from postmortem import PAGE, page, wrong_with

from tidal.archive import Archive
from tidal.cli.parser import parser_of
from tidal.demo import RECORDED
from tidal.model.events import SCHEMA_VERSION
from tidal.outputs.html import render
from tidal.proof import demand
from tidal.report import read, read_report

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVES = pytest.mark.parametrize("archive", archives(), ids=lambda path: path.stem)


def test_there_is_one_of_this_version() -> None:
    """And the one that ships with the package."""
    assert {f"schema-{SCHEMA_VERSION}", "incident"} <= {path.stem for path in archives()}


@ARCHIVES
def test_it_replays_to_its_figures(archive: Path) -> None:
    """For ever."""
    assert figures(archive) == json.loads(expected_path(archive).read_text(encoding="utf8"))


@ARCHIVES
def test_its_bytes_are_whole_and_no_hash_is_another(archive: Path) -> None:
    """By the chain of its entries; another version's fold has states of another shape, which proves nothing."""
    with Archive.open(archive) as opened:
        assert not opened.find_damage()
        assert demand(opened).chain.agreed


@ARCHIVES
def test_everything_is_made_of_it(archive: Path) -> None:
    """The page, the explanation."""
    assert "</html>" in render(read_report(archive))
    assert read(archive).explanation().findings


def test_the_incident_is_what_its_post_mortem_tells_of() -> None:
    """One worker lost, one deploy, one pause, and nothing else; the page has the figures of this very recording."""
    assert wrong_with(RECORDED) == []
    assert PAGE.read_text(encoding="utf8") == page(RECORDED), "write it anew: python tests/golden.py --postmortem"


def test_what_was_left_out_is_no_gap(capsys: pytest.CaptureFixture[str]) -> None:
    """A cut takes what ran and not what was planned: books of it would lie. The verdict is that of the run."""
    for command, more in (("explain", ["--brief"]), ("replay", ["--print"])):
        parser = parser_of(command)
        assert parser.run(parser.read(["incident", *more, "--without", "time=30s..36s"])) == 0
    told = capsys.readouterr().out
    assert "not the plan's" not in told
    assert "w3 lost" in told
    assert "Exit code 61: the verdict is suspect" in told


def test_the_incident_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/postmortem.md walks through is found in it, by the name that every command knows."""
    parser = parser_of("explain")
    assert parser.run(parser.read(["incident"])) == 0
    told = capsys.readouterr().out
    for fact in ("lost: its heartbeat lapsed", "failures began", "POST /checkout", "deploy of checkout", "spiked to"):
        assert fact in told
