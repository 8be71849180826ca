"""Where a run's files lie: where they came from while they are the same, else in a folder of the run's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidal.lodging import lodge, own_copy, root_of
from tidal.model.files import PASSING_FOLDERS

SHIPPED = {"shop.py": b"import pages\n", "lib/pages.py": b"PAGES = 3\n"}


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A folder with the shipped files and another."""
    (tmp_path / "lib").mkdir()
    (tmp_path / ".env").write_text("KEY=1")
    for name, data in SHIPPED.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_files_stay_where_they_came_from(origin: Path) -> None:
    """Then what lies beside them is there, too, and nothing is removed at the end."""
    lodging = lodge(SHIPPED, origin)
    assert (lodging.root, lodging.cwd, lodging.is_changed) == (origin, str(Path.cwd()), False)
    lodging.leave()
    assert (origin / ".env").is_file()


@pytest.mark.parametrize("change", ["other text", "none"])
def test_files_that_are_not_what_the_log_says_get_a_folder_of_their_own(origin: Path, change: str) -> None:
    """The run is what was recorded; the folder goes with it."""
    file = origin / "lib/pages.py"
    file.write_text(change) if change != "none" else file.unlink()
    lodging = lodge(SHIPPED, origin)
    assert lodging.root != origin
    assert not lodging.cwd
    assert {name: (lodging.root / name).read_bytes() for name in SHIPPED} == SHIPPED
    lodging.leave()
    assert not lodging.root.exists()


@pytest.mark.parametrize("prefix", PASSING_FOLDERS)
def test_a_folder_that_goes_before_the_run_does_is_no_place(origin: Path, prefix: str) -> None:
    """A file from a URL, or out of a recording, lies in the folder of a command that may end first."""
    passing = origin.rename(origin.with_name(f"{prefix}x1"))
    lodging = lodge(SHIPPED, passing)
    assert lodging.root != passing
    lodging.leave()


def test_a_change_is_seen(origin: Path) -> None:
    """A generator that is started anew must not import it; a worker's own copy is whatever it is."""
    lodging, copy = lodge(SHIPPED, origin), own_copy(origin)
    (origin / "shop.py").write_bytes(b"import pages, os\n")
    assert lodging.is_changed
    assert not copy.is_changed


def test_the_root_is_what_is_left_of_a_path(origin: Path) -> None:
    """Of a file that is here and ends as the shipped one does."""
    file = str(origin / "lib/pages.py")
    assert root_of(file, "lib/pages.py") == origin
    assert root_of(file, "pages.py") == origin / "lib"
    assert root_of(file, "shop.py") is None
    assert root_of(str(origin / "gone.py"), "gone.py") is None
    assert root_of("", "gone.py") is None
