"""Which files a command line asks for, and whether they can be: that is asked before a run, not after it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.errors import UsageError
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

STDOUT = "-"


class Wanted(Struct, frozen=True):
    """What is to be written of a run: prefixes and names, None for nothing."""

    csv_prefix: str | None = None
    full_history: bool = False
    html: str | None = None
    json: bool = False
    json_file: str | None = None
    junit: str | None = None
    summary: str | None = None  # "": the file that GITHUB_STEP_SUMMARY names

    @property
    def is_any(self) -> bool:
        """Whether anything is that is made of the archive; JUnit and the summary are made of a frame."""
        return bool(self.csv_prefix or self.html or self.json or self.json_file)


def check_places(names: Iterable[str | None]) -> None:
    """Make the folders of files that are written at the end; UsageError for one that could not be."""
    for name in names:
        if name and name != STDOUT and (why := _against(Path(name).expanduser())):
            raise UsageError(f"cannot write {name}: {os.strerror(why)}")


def _against(path: Path) -> int:
    """Why a file cannot be written there, as an errno; 0 for nothing. Nothing is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.errno or errno.EIO
    if path.is_dir():
        return errno.EISDIR
    return 0 if os.access(path if path.exists() else path.parent, os.W_OK) else errno.EACCES
