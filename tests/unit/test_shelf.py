"""What is known of archives beside them: notes, tags, pins, names, figures, and what pruning takes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from homes import living_in
from recordings import Shop, record

from tidal import paths, shelf
from tidal.archive import part_path
from tidal.cli.parser import parser_of
from tidal.errors import NoSuchRun, UsageError
from tidal.shelf import About, Shelved, to_prune

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN, OTHER = "20260921-141320-shop", "20260922-090000-shop"


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of its own with two runs."""
    with living_in(tmp_path):
        record(paths.archive_path(RUN), Shop(seconds=12))
        record(paths.archive_path(OTHER), Shop(seconds=15, users=120))
        yield tmp_path


def runs(*words: str) -> int:
    """Run `tidal runs` with these words."""
    parser = parser_of("runs")
    return parser.run(parser.read(list(words)))


def test_figures_are_read_once_and_again_when_the_archive_changes(home: Path) -> None:
    """They lie beside the archive, and a stamp says of which one they are."""
    first = shelf.shelved(RUN)
    assert first is not None
    assert first.about.figures.requests > 100
    assert shelf.about(RUN).figures == first.about.figures
    paths.archive_path(RUN).write_bytes(paths.archive_path(OTHER).read_bytes())
    again = shelf.shelved(RUN)
    assert again is not None
    assert again.about.figures.requests > first.about.figures.requests


def test_a_damaged_archive_has_no_figures_and_says_why() -> None:
    """The list of runs goes on."""
    paths.archive_path(RUN).write_bytes(b"nothing of ours")
    found = shelf.shelved(RUN)
    assert found is not None
    assert "not an archive" in found.about.figures.trouble


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("file=locustfile.py", 2),
        ("requests>0 and users<100", 1),
        ("tag=slow", 1),
        ("note~cache", 1),
        ("pinned", 1),
        ("name=good", 1),
        ("age<1h", 2),
        ("opened>2026-09-01 and opened<2026-10-01", 2),
        ("verdict=valid", 0),
        ("duration>=13s", 1),
    ],
)
def test_runs_are_found_by_what_is_known_of_them(
    condition: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures, what people said, and the file."""
    runs("tag", RUN, "slow", "nightly")
    runs("note", RUN, "the", "cache", "was", "cold")
    runs("pin", OTHER, "--as", "good")
    capsys.readouterr()
    assert runs("--json", condition) == 0
    assert len(capsys.readouterr().out.splitlines()) == count


def test_tags_come_and_go(capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, in the order given."""
    runs("tag", RUN, "slow", "nightly", "slow")
    runs("tag", RUN, "--remove", "slow")
    assert capsys.readouterr().out.splitlines() == [f"run {RUN}: slow, nightly", f"run {RUN}: nightly"]


def test_a_name_is_one_runs_alone() -> None:
    """It stands for the run, and goes to the next one that is pinned by it."""
    runs("pin", RUN, "--as", "baseline")
    assert shelf.run_named("baseline") == RUN
    runs("pin", OTHER, "--as", "baseline")
    assert shelf.run_named("baseline") == OTHER
    assert shelf.about(RUN).pinned
    runs("unpin", "baseline")
    assert shelf.run_named("baseline") is None


def test_every_command_knows_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    """`tidal log NAME` is the run's log."""
    runs("pin", RUN, "--as", "baseline")
    parser = parser_of("log")
    assert parser.run(parser.read(["baseline", "--where", "kind=run_opened"])) == 0
    assert RUN in capsys.readouterr().out


def test_a_span_of_the_log_has_its_end_after_its_beginning() -> None:
    """Else nothing would come out, and nobody would know why."""
    parser = parser_of("log")
    with pytest.raises(UsageError, match="--to is not after --from"):
        parser.run(parser.read([RUN, "--from", "1m", "--to", "30s"]))


def test_a_run_compared_with_itself_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline that is the latest run as well: no error, for the first run of a pipeline is that."""
    runs("pin", RUN, "--as", "baseline")
    parser = parser_of("diff")
    assert parser.run(parser.read(["baseline", RUN, "--fail-on", "regression"])) == 0
    assert "are the same recording" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["note", RUN],
        ["tag"],
        ["prune"],
        ["p95>fast"],
        ["pin", RUN, "--as", "a/b"],
        ["pin", RUN, "--as", "latest"],
        ["pin", RUN, "--as", ""],
    ],
)
def test_mistakes_are_one_line(words: list[str]) -> None:
    """With what to type instead."""
    with pytest.raises(UsageError):
        runs(*words)


def test_a_run_that_is_not_here() -> None:
    """Near ones are offered."""
    with pytest.raises(NoSuchRun, match="shop"):
        runs("pin", "20260921-141320-shpo")


def test_pruning_leaves_what_is_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    """And says what it did; a dry run does nothing."""
    runs("pin", RUN)
    runs("prune", "--down-to", "0", "--dry-run")
    assert paths.archive_path(OTHER).exists()
    runs("prune", "--down-to", "0")
    assert not paths.archive_path(OTHER).exists()
    assert paths.archive_path(RUN).exists()
    assert "1 pinned" in capsys.readouterr().out.splitlines()[-1]


def test_pruning_leaves_what_is_being_written() -> None:
    """A master that no registry here knows of writes to its part twice a second; one that died long ago does not."""
    part = part_path(paths.archive_path(OTHER), 7)
    paths.archive_path(OTHER).rename(part)
    runs("prune", "--down-to", "0")
    assert part.exists()
    assert not paths.archive_path(RUN).exists()
    os.utime(part, (1_000, 1_000))
    runs("prune", "--down-to", "0")
    assert not part.exists()


def test_a_pruned_run_is_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Its supervisor's note goes with the archive: nothing of it could be replayed."""
    paths.Registration(paths.LocalRun(RUN, "f.py", 1_000)).end("finished", 2_000)
    runs()
    assert RUN in capsys.readouterr().out
    runs("prune", "--down-to", "0")
    capsys.readouterr()
    runs()
    assert RUN not in capsys.readouterr().out


def test_what_pruning_takes() -> None:
    """By age first, then the oldest until the rest is small enough; never what is pinned."""

    def kept(run: str, age_s: float, size: int, *, pinned: bool = False) -> Shelved:
        return Shelved(run, Path(run), size, 1000 - age_s, About(pinned=pinned))

    there = [kept("a", 900, 10), kept("b", 500, 10, pinned=True), kept("c", 400, 10), kept("d", 10, 10)]
    assert [s.run for s in to_prune(there, 1000, older_than_s=300)] == ["a", "c"]
    assert [s.run for s in to_prune(there, 1000, down_to_bytes=30)] == ["a"]
    assert [s.run for s in to_prune(there, 1000, older_than_s=800, down_to_bytes=20)] == ["a", "c"]
    assert [s.run for s in to_prune(there, 1000, down_to_bytes=0)] == ["a", "c", "d"]


def test_foreign_files_beside_archives_are_nothing() -> None:
    """Torn, huge or of another kind: as if nobody had said anything."""
    path = paths.runs_dir() / f"{RUN}{shelf.SUFFIX}"
    for text in ("", "[]", "{", json.dumps({"tags": 3}), "[" * 100_000):
        path.write_text(text)
        assert shelf.about(RUN) == About()
