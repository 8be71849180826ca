"""Temporary folders of shipped files: made here, and removed by the next process when their owner was killed.

A folder's owner holds the lock of the note inside it, which has its pid for people to read. The kernel frees the lock
when the owner dies, however it does; so a folder is never taken from a living process, also not from one in another
container that shares the temporary folder, where a pid would say nothing.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from tidal import paths
from tidal.model.files import HOOKS_FOLDER, WORKER_FOLDER

NOTE = ".tidal-owner"

_held: dict[Path, int] = {}


def new_folder(kind: str = WORKER_FOLDER) -> Path:
    """A folder of this process's own; those of dead owners are removed first. The caller removes it, or dies."""
    _let_go_of_removed()
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=kind))
    draft = folder / f"{NOTE}.new"
    lock = paths.take_lock(draft)
    if lock is not None:  # nobody else can have it
        os.write(lock, f"{os.getpid()}\n".encode())
        draft.replace(folder / NOTE)  # by its name it is there with its lock taken
        _held[folder] = lock
    return folder


def sweep(parent: Path | None = None) -> list[Path]:
    """Remove the folders whose owner is gone; those without a note, or of somebody else, are left alone."""
    parent = parent or Path(tempfile.gettempdir())
    with os.scandir(parent) as there:  # a temporary folder may hold thousands of files
        found = [Path(entry.path) for entry in there if entry.name.startswith((WORKER_FOLDER, HOOKS_FOLDER))]
    return [folder for folder in found if _is_ours(folder) and _remove_if_free(folder)]


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()


def _remove_if_free(folder: Path) -> bool:
    """Remove a folder under its note's lock, so that two sweepers do not meet."""
    note = folder / NOTE
    try:
        if note.is_symlink() or not note.is_file():
            return False
        lock = paths.take_lock(note)
    except OSError:
        return False
    if lock is None:
        return False
    try:
        paths.remove_folder(folder)
    finally:
        os.close(lock)
    return True


def _let_go_of_removed() -> None:
    """Free the locks of folders that their owner, this process, has removed."""
    for folder in [folder for folder in _held if not (folder / NOTE).exists()]:
        with contextlib.suppress(OSError):
            os.close(_held.pop(folder))
