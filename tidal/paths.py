"""Where tidal keeps its files on this machine, and which runs its supervisors know of.

    data    ~/.local/share/tidal   (or $TIDAL_HOME)        runs/RUN.tidal       the archives
    state   ~/.local/state/tidal   (or $TIDAL_HOME/state)  logs/…               what background processes print
                                                           servers/…            data of embedded servers, swept at start
                                                           local/RUN.json       the registry of local runs (0600)
                                                           local/RUN.lock       locked by a supervisor while it lives

A registry entry holds the Redis URL with its password, so folders are 0700 and files 0600. Whether a supervisor lives
is asked of the kernel by its lock, not by its pid: a pid may be somebody else's by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from pathlib import Path

import platformdirs

from tidal.address import mask
from tidal.errors import NoSuchRun, UsageError
from tidal.keys import is_name
from tidal.model.struct import Struct, replace
from tidal.model.wire import from_wire, to_wire

HOME = "TIDAL_HOME"
ENTRY_BYTES_MAX = 64 * 1024
NOTES_MAX = 200
"""So many runs that have ended are kept in the registry."""
LOGS_KEPT_S = 30 * 24 * 3_600


def data_dir() -> Path:
    """The folder of what the user wants to keep; made when it is not there."""
    home = os.environ.get(HOME)
    return _folder(
        Path(home).expanduser().absolute() if home else Path(platformdirs.user_data_dir("tidal", appauthor=False))
    )


def state_dir() -> Path:
    """The folder of what tidal needs while it runs: logs, servers' data, the registry."""
    home = os.environ.get(HOME)
    return _folder(data_dir() / "state" if home else Path(platformdirs.user_state_dir("tidal", appauthor=False)))


def runs_dir() -> Path:
    """The folder of the archives."""
    return _folder(data_dir() / "runs")


def config_dir() -> Path:
    """The folder of the user's own settings; it need not be there."""
    home = os.environ.get(HOME)
    return Path(home).expanduser().absolute() if home else Path(platformdirs.user_config_dir("tidal", appauthor=False))


def logs_dir() -> Path:
    """The folder of the background processes' log files."""
    return _folder(state_dir() / "logs")


def servers_dir() -> Path:
    """The folder of the embedded servers' data folders."""
    return _folder(state_dir() / "servers")


def archive_path(run: str) -> Path:
    """The archive of a run; NoSuchRun when the id could not be one's."""
    return runs_dir() / f"{checked(run)}.tidal"


def checked(run: str) -> str:
    """The run id itself when it can be part of a file name; NoSuchRun otherwise."""
    if not is_name(run):
        raise NoSuchRun(f"{run[:100]!r} is not the id of a run")
    return run


def whole(given: Path | str) -> Path:
    """A path as it was typed, absolute: `~` is a home, and with `..` in it the folder is named as it really is.

    Whether a file lies below a folder is read off the two names, and `/here/../x.py` is not below `/here`.
    """
    path = Path(given).expanduser().absolute()
    return path.parent.resolve() / path.name if ".." in path.parts else path


def _folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot use the folder {path}: {error.strerror}; set {HOME} to one that can be") from None
    return path


# ------------------------------------------------------------------ locks


def take_lock(path: Path) -> int | None:
    """A descriptor that holds the lock file's lock; None when somebody else holds it.

    The lock belongs to the open file: it is free once every process that inherited the descriptor is gone.
    """
    return _locked(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock; a file that is not there is not locked."""
    try:
        fd = _locked(os.open(path, os.O_RDWR))
    except FileNotFoundError:
        return False
    if fd is not None:
        os.close(fd)
    return fd is None


def _locked(fd: int) -> int | None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


# ------------------------------------------------------------------ the registry of local runs


class LocalRun(Struct, frozen=True):
    """A run that a supervisor on this machine opened.

    Attributes:
        redis_url: where its log is, with the password until the run has ended; empty when its server is gone.
        tcp_url: the same server on a loopback port, when one was asked for.
        supervisor_pid: 0 once the supervisor has ended.
        ended: how it ended, "" while the supervisor lives.
    """

    run: str
    file: str
    opened_ms: int
    redis_url: str = ""
    tcp_url: str = ""
    fleet: str = "default"
    author: str = ""
    embedded: bool = True
    supervisor_pid: int = 0
    closed_ms: int = 0
    ended: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether its supervisor lives."""
        return is_locked(_local_dir() / f"{self.run}.lock")


class Registration:
    """A supervisor's entry in the registry, held by a lock until `end` or death.

    Raises:
        NoSuchRun: the run's id is no file name.
        UsageError: another supervisor of this machine has this run.
    """

    def __init__(self, entry: LocalRun) -> None:
        self.entry = entry
        self._lock_path = _local_dir() / f"{checked(entry.run)}.lock"
        lock = take_lock(self._lock_path)
        if lock is None:
            raise UsageError(f"run {entry.run} has a supervisor already")
        self._lock = lock
        _write(entry)

    @property
    def lock_fd(self) -> int:
        """The descriptor that holds the lock."""
        return self._lock

    def hand_over(self, supervisor_pid: int) -> None:
        """Another supervisor looks after the run from now on; it has inherited the lock. OSError: nobody knows yet."""
        entry = replace(self.entry, supervisor_pid=supervisor_pid)
        _write(entry)
        self.entry = entry

    def end(self, how: str, closed_ms: int) -> None:
        """Leave a note without a password, and without the URL of a server that is gone; free the lock."""
        kept_url = "" if self.entry.embedded else mask(self.entry.redis_url)
        ended = replace(self.entry, redis_url=kept_url, tcp_url="", supervisor_pid=0, closed_ms=closed_ms, ended=how)
        try:
            _write(ended)
        finally:
            self._lock_path.unlink(missing_ok=True)
            os.close(self._lock)


def local_runs() -> list[LocalRun]:
    """Every run of the registry, the latest first; files that cannot be read are passed over."""
    entries = [entry for path in _local_dir().glob("*.json") if (entry := _read(path)) is not None]
    return sorted(entries, key=lambda entry: (entry.opened_ms, entry.run), reverse=True)


def local_run(run: str) -> LocalRun | None:
    """The registry's entry of a run, None when there is none."""
    return _read(_local_dir() / f"{checked(run)}.json")


def forget_local_run(run: str) -> None:
    """Take a run out of the registry."""
    for suffix in ("json", "lock"):
        (_local_dir() / f"{checked(run)}.{suffix}").unlink(missing_ok=True)


def tidy_registry() -> None:
    """Note the supervisors that were killed, and forget the oldest runs beyond `NOTES_MAX`."""
    runs = local_runs()
    for entry in runs:
        if entry.supervisor_pid and not entry.is_alive:
            with contextlib.suppress(UsageError):
                Registration(entry).end("the supervisor was killed", entry.closed_ms)
    for entry in [entry for entry in runs if not entry.is_alive][NOTES_MAX:]:
        forget_local_run(entry.run)


def tidy_logs(now_s: float) -> None:
    """Remove log files and folders that were last written to more than `LOGS_KEPT_S` ago."""
    for path in logs_dir().iterdir():
        with contextlib.suppress(OSError):
            if now_s - path.stat().st_mtime > LOGS_KEPT_S:
                remove_folder(path) if path.is_dir() else path.unlink()


def _local_dir() -> Path:
    return _folder(state_dir() / "local")


def _read(path: Path) -> LocalRun | None:
    """An entry, or None for anything else: the folder may hold torn, foreign or newer files."""
    try:
        with path.open("rb") as file:
            entry: LocalRun = from_wire(LocalRun, json.loads(file.read(ENTRY_BYTES_MAX)))
    except (OSError, ValueError, RecursionError):
        return None
    return entry if entry.run == path.stem and is_name(entry.run) else None


def _write(entry: LocalRun) -> None:
    write_atomically(_local_dir() / f"{entry.run}.json", json.dumps(to_wire(entry)).encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file (0600) in one step: readers see the old one or the new one, whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def remove_folder(path: Path) -> None:
    """Remove a folder of ours with all it holds; what is gone already is no trouble."""
    shutil.rmtree(path, ignore_errors=True)
