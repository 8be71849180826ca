"""Folders of killed processes go, those of living ones stay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tidal import sweep
from tidal.model.files import HOOKS_FOLDER, WORKER_FOLDER
from tidal.paths import remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = """
import sys
from tidal import sweep
print(sweep.new_folder(sys.argv[1]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder of this test's own."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path)
    yield tmp_path
    tempfile.tempdir = before
    for folder in sweep._held:
        remove_folder(folder)
    sweep._let_go_of_removed()


def owner(temporary: Path, kind: str) -> tuple[subprocess.Popen[str], Path]:
    """Another process with a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("kind", [WORKER_FOLDER, HOOKS_FOLDER])
def test_the_folder_of_a_killed_process_goes_with_the_next_start(temporary: Path, kind: str) -> None:
    """While it lives it stays, with all that is in it; its pid is noted."""
    process, folder = owner(temporary, kind)
    with process:
        (folder / "data").mkdir()
        (folder / "data" / "users.csv").write_text("ann\n", encoding="utf-8")
        assert (folder / sweep.NOTE).read_text(encoding="utf-8") == f"{process.pid}\n"
        mine = sweep.new_folder()
        assert (folder / "data" / "users.csv").exists()
        process.kill()
        process.wait(10)
        other = sweep.new_folder()
    assert not folder.exists()
    assert mine.exists()
    assert other.exists()


def test_what_is_not_known_to_be_ours_is_left_alone(temporary: Path) -> None:
    """No note (an older tidal, or one that is just made), another name, a link, a file."""
    (temporary / f"{WORKER_FOLDER}old").mkdir()
    (temporary / "precious").mkdir()
    (temporary / "precious" / sweep.NOTE).touch()
    (temporary / f"{WORKER_FOLDER}link").symlink_to(temporary / "precious")
    (temporary / f"{WORKER_FOLDER}file").touch()
    (temporary / f"{WORKER_FOLDER}odd").mkdir()
    (temporary / f"{WORKER_FOLDER}odd" / sweep.NOTE).symlink_to(temporary / "precious" / sweep.NOTE)
    assert sweep.sweep() == []
    assert len(list(temporary.iterdir())) == 5


def test_locks_do_not_pile_up(temporary: Path) -> None:
    """A worker serves many runs in its life."""
    for _ in range(5):
        remove_folder(sweep.new_folder())
    sweep.new_folder()
    assert len(sweep._held) == 1
