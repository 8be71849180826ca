"""Damage inside an archive is named when it is opened, and what is whole is saved into a new one."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import pytest
from test_replay import history, record

from tidal import __main__, archive_file
from tidal.archive import Archive, ArchiveWriter
from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.errors import ArchiveDamaged
from tidal.model.codec import LOG, Entry, EntryId
from tidal.portable import salvage
from tidal.replay import Replay

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.model.state import State


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Two minutes of a run, a keyframe every twenty entries."""
    path = tmp_path / "r1.tidal"
    record(path, history())
    return path


def spoil(path: Path, kind: int, number: int) -> None:
    """Change one byte of the n-th block of a kind."""
    with Archive.open(path) as archive:
        block = [b for b in archive.blocks if b.kind == kind][number]
    data = bytearray(path.read_bytes())
    data[block.offset + block.length // 2] ^= 0xFF
    path.write_bytes(data)


def final(path: Path) -> State:
    """The last state of a replay."""
    with Archive.open(path) as archive:
        return Replay(archive).final()


def test_damage_that_is_not_needed_is_named_and_the_moment_is_shown(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr with where and what to do; the figures come from the keyframe behind it."""
    assert __main__.main(["replay", str(whole), "--print"]) == 0
    before, err = capsys.readouterr()
    assert err == ""
    spoil(whole, ENTRIES, 1)
    assert __main__.main(["replay", str(whole), "--print"]) == 0
    out, err = capsys.readouterr()
    assert out == before
    assert err.count("\n") == 1
    assert "1 of 59 blocks are damaged, between 22:13:2" in err
    assert f"tidal replay {whole} --salvage OUT.tidal" in err


def test_damage_that_is_needed_ends_with_its_code(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The moment itself cannot be folded: 31, and how to save the rest."""
    spoil(whole, ENTRIES, 1)
    assert __main__.main(["replay", str(whole), "--print", "--at", "5s"]) == ArchiveDamaged.exit_code
    assert "its checksum is off; save what is whole" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [ENTRIES, KEYFRAME])
def test_what_is_whole_is_saved(whole: Path, tmp_path: Path, kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A new archive without damage, whose end is the run's end: keyframes cover what was lost."""
    expected = final(whole).digest()
    with Archive.open(whole) as archive:
        count = archive.count
    spoil(whole, kind, 1)
    out = tmp_path / "saved.tidal"
    assert __main__.main(["replay", str(whole), "--salvage", str(out)]) == 0
    saved = count - 7 if kind == ENTRIES else count
    assert f"{saved} entries saved to {out}, 1 damaged place left out" in capsys.readouterr().out
    assert final(out).digest() == expected
    with Archive.open(out) as archive:
        assert (archive.find_damage(), archive.count, archive.final) == ([], saved, True)
        assert archive.header["salvaged"]


def test_salvage_never_writes_over_a_file(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Least of all over the archive itself."""
    before = whole.read_bytes()
    assert __main__.main(["replay", str(whole), "--salvage", str(whole)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert whole.read_bytes() == before
    assert __main__.main(["replay", str(whole), "--salvage", str(whole / "x")]) == 2


def test_nothing_is_left_of_a_salvage_that_saved_nothing(tmp_path: Path) -> None:
    """A file without any entry is no archive to keep."""
    path, out = tmp_path / "r1.tidal", tmp_path / "out.tidal"
    record(path, history(), every=None)
    for number in range(35):
        spoil(path, ENTRIES, number)
    assert __main__.main(["replay", str(path), "--salvage", str(out)]) == ArchiveDamaged.exit_code
    assert not out.exists()


def test_checking_stops_at_its_budget(whole: Path) -> None:
    """An archive of many gigabytes opens without being read whole."""
    spoil(whole, ENTRIES, -1)
    with Archive.open(whole) as archive:
        assert len(archive.find_damage()) == 1
        assert archive.find_damage(bytes_max=1_000) == []


def test_more_blocks_than_a_run_has_are_refused(whole: Path) -> None:
    """Their heads are held in memory: a file of nothing but heads must not fill it."""
    kept = archive_file.BLOCKS_MAX
    archive_file.BLOCKS_MAX = 10
    try:
        with pytest.raises(ArchiveDamaged, match="more than 10 blocks"):
            Archive.open(whole)
    finally:
        archive_file.BLOCKS_MAX = kept


def test_checking_and_saving_keep_a_block_in_memory(tmp_path: Path) -> None:
    """Not the archive: 30 MB of entries go through in a few."""
    path = tmp_path / "r1.tidal"
    writer = ArchiveWriter(path, {"run": "r1"})
    data = os.urandom(200_000)
    for number in range(150):
        writer.add(Entry(LOG, EntryId(number, 0), "tk", 1, data))
    writer.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Archive.open(path) as archive:
        assert archive.find_damage() == []
    assert salvage(path, tmp_path / "out.tidal") == (150, 0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
