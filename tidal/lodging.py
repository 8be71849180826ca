"""Where a run's files lie for the generators of a worker.

    the worker's own copy        of `tidal worker -f FILE`, whatever runs ship
    the folder they came from    on the machine that the run was started on, while they are what the log says: the file
                                 finds what lies beside it (`.env`, a folder of images), and what it writes stays
    a folder of the run's own    everywhere else, with what the log ships

The last is removed when the run is over.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tidal.model.files import PASSING_FOLDERS
from tidal.model.struct import Struct
from tidal.process import write_all
from tidal.sweep import new_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Mark = tuple[int, int]


def here() -> str:
    """The working folder; "" when it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


class Lodging(Struct, frozen=True):
    """A root with a run's files below it.

    Attributes:
        marks: of files that are not ours, by path: when each was changed and how large it is.
        cwd: where the file works; "": in the root.
        is_ours: whether the folder is to be removed.
    """

    root: Path
    marks: dict[Path, Mark | None]
    cwd: str = ""
    is_ours: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether somebody has changed a file since."""
        return self.marks != _marks(self.marks)

    def leave(self) -> None:
        """Remove what is ours."""
        if self.is_ours:
            shutil.rmtree(self.root, ignore_errors=True)


def own_copy(folder: Path) -> Lodging:
    """A folder whose files are as they are."""
    return Lodging(folder, {})


def lodge(contents: Mapping[str, bytes], origin: Path | None = None) -> Lodging:
    """The folder that the files came from when it holds just these, else one of the run's own."""
    if origin is not None and not any(part.startswith(PASSING_FOLDERS) for part in origin.parts):
        marks = _marks(origin / name for name in contents)
        if all(_holds(origin / name, data) for name, data in contents.items()):
            return Lodging(origin, marks, here())
    root = new_folder()
    write_all(root, contents)
    return Lodging(root, {}, is_ours=True)


def root_of(file: str, shipped: str) -> Path | None:
    """The folder below which a file of this machine is shipped by this path; None when it is not here."""
    path, below = Path(file), PurePosixPath(shipped)
    is_here = bool(file and shipped) and path.is_file() and path.match(shipped)
    return Path(*path.parts[: -len(below.parts)]) if is_here else None


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _marks(paths: Iterable[Path]) -> dict[Path, Mark | None]:
    return {path: _mark(path) for path in paths}


def _mark(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
