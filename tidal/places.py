"""Where embedded servers keep their data: a locked folder for each, and its socket's in a short path."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.errors import NoServer
from tidal.paths import remove_folder, servers_dir, take_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET_PATH_MAX = 100


class StartFailed(Exception):
    """One engine did not start; the message says why."""


class Place:
    """A data folder whose lock we hold: one of our own making is removed at the end, another's is kept."""

    def __init__(self, folder: Path, *, ours: bool) -> None:
        self.folder = folder
        self.to_remove = folder if ours else None
        lock_fd = take_lock(folder / ".lock")
        if lock_fd is None:
            raise NoServer(f"{folder} is in use by another server of tidal")
        self.lock_fd = lock_fd

    def leave(self) -> None:
        """Remove the folder, if it is ours, and free the lock; a second time does nothing."""
        if self.to_remove:
            remove_folder(self.to_remove)
        self.let_go()

    def let_go(self) -> None:
        """Close our copy of the lock: it is held as long as another's is open."""
        if self.lock_fd >= 0:
            os.close(self.lock_fd)
            self.lock_fd = -1


def take_folder(folder: Path | None) -> Place:
    """The folder asked for, or a new one; what killed owners left is swept first."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(folder, ours=False)
    with _one_at_a_time():
        sweep()
        return Place(Path(tempfile.mkdtemp(prefix="s-", dir=servers_dir())), ours=True)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    end_s = time.monotonic() + 10
    while (lock_fd := take_lock(servers_dir() / ".lock")) is None:
        if time.monotonic() > end_s:
            raise NoServer(f"{servers_dir() / '.lock'} is held by another process for too long")
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(lock_fd)


def sweep() -> None:
    """Remove the data folders, with their sockets' folders, whose lock is free."""
    for folder in servers_dir().glob("s-*"):
        lock_fd = take_lock(folder / ".lock")
        if lock_fd is None:
            continue
        with contextlib.suppress(OSError, ValueError):
            _remove_socket_folder(Path((folder / "socket-folder").read_text()))
        remove_folder(folder)
        os.close(lock_fd)


def _remove_socket_folder(folder: Path) -> None:
    """What a file says is a folder of ours is removed only when it looks like one."""
    found = folder.lstat()
    if folder.name.startswith("tidal-") and found.st_uid == os.getuid() and not folder.is_symlink():
        remove_folder(folder)


def make_socket_folder(folder: Path) -> Path:
    """A folder with a short path that only its owner may enter."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp is safe there
        if not parent or len(parent) > SOCKET_PATH_MAX - 24:
            continue
        with contextlib.suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix="tidal-", dir=parent))
            (folder / "socket-folder").write_text(str(made))
            return made
    raise StartFailed("no folder with a short path for its socket: set XDG_RUNTIME_DIR or TMPDIR")
