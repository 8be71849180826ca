"""Children that go on with what their parent has imported: a fork that becomes the process it was started as.

Importing redis and tidal costs 0.4 s of CPU. Supervisor, master and worker of a local run need the same, so the two
are forks of the first (docs/decisions/0063). Linux only: elsewhere the system's own libraries forbid a fork that is not
followed by an exec.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HEEDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
"""What a parent may have taken for itself; an exec would set it back."""
LOOK_FIRST_S, LOOK_LAST_S = 0.0005, 0.05


class Forked:
    """A child of a plain fork, with what `Child` needs of a `Popen`.

    Attributes:
        args: the command that it stands for.
        pid: its process id, and that of its group and session.
        returncode: its exit code (negative: the signal), None while it runs.
    """

    def __init__(self, args: Sequence[str], pid: int) -> None:
        self.args, self.pid = list(args), pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while the child runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, waiting for it; `subprocess.TimeoutExpired` after so many seconds."""
        if timeout is None and self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        end_s = None if timeout is None else time.monotonic() + timeout
        pause_s = LOOK_FIRST_S
        while (code := self.poll()) is None:
            if end_s is not None and time.monotonic() >= end_s:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LOOK_LAST_S)
        return code

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM)."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


class Adopted:
    """The child of a process that this one is a fork of: we see its end, and its exit code is its parent's to know.

    It is known by a descriptor, not by its number alone: what we signal is never another process.

    Attributes:
        args: what it is, for a message.
        pid: its process id, and that of its group and session.
        returncode: None while it runs, then 0.

    Args:
        pid: its process id.
        pid_fd: the descriptor that tells of its end; -1: it has ended.
    """

    def __init__(self, pid: int, pid_fd: int) -> None:
        self.args, self.pid, self._pid_fd = ["an adopted child"], pid, pid_fd
        self.returncode: int | None = None if pid_fd >= 0 else 0

    def poll(self) -> int | None:
        """0 once the child has ended, None while it runs."""
        self._look(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """0, once it has ended; `subprocess.TimeoutExpired` after so many seconds."""
        self._look(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM)."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pid_fd, signal.SIGTERM)

    def lend(self) -> int:
        """Another descriptor of the child, for a fork."""
        return os.dup(self._pid_fd)

    def _look(self, within_s: float | None) -> None:
        if self.returncode is None and select.select([self._pid_fd], [], [], within_s)[0]:
            self.returncode = 0
            os.close(self._pid_fd)


def can_fork() -> bool:
    """Whether a fork of this process, as it is now, is to be trusted: it has one thread, on Linux."""
    return sys.platform == "linux" and threading.active_count() == 1


def forked(
    argv: Sequence[str],
    entry: Callable[[], int] | None,
    stdio: Sequence[int],
    env: Mapping[str, str],
    kept: Sequence[int],
) -> Forked | None:
    """A fork that runs `entry` as the process `argv` would; None where there is none, or no fork is to be trusted."""
    if entry is None or not can_fork():
        return None
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # else the child would write it again
    pid = os.fork()
    if pid == 0:
        _live(argv, entry, stdio, env, kept)
    return Forked(argv, pid)


def _live(
    argv: Sequence[str], entry: Callable[[], int], stdio: Sequence[int], env: Mapping[str, str], kept: Sequence[int]
) -> NoReturn:
    """Be the child, from beginning to end: what lies further up the stack is the parent's and never goes on here."""
    code = 1
    try:
        _forget_signals()
        os.environ.clear()
        os.environ.update(env)
        take_over(argv, stdio, kept)
        code = entry()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - the end of the line, as in any program
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def as_program(argv: Sequence[str]) -> int:
    """In a fork: be what `python -P -m MODULE …` is, from its beginning to what is registered for its end."""
    atexit._clear()  # noqa: SLF001 - what the parent does at its end is not ours
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of the parent's script
    sys.argv[:] = ["-m", *argv[4:]]
    try:
        runpy.run_module(argv[3], run_name="__main__", alter_sys=True)
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as the interpreter does, in its order
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to them in a process that is left by _exit
    return 0


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in HEEDED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def take_over(argv: Sequence[str], stdio: Sequence[int], kept: Sequence[int]) -> None:
    """In a fork: a session, streams and a name of its own, and no descriptor but these."""
    os.setsid()
    for number, fd in enumerate(stdio):
        os.dup2(fd, number)
    close_all_but({0, 1, 2, *kept})
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - what the old one had read is not ours
    retitle(argv)


def close_all_but(kept: set[int]) -> None:
    """In a fork: close every descriptor but these. Objects that own one of the others must not be thrown away here."""
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number not in kept:
            with contextlib.suppress(OSError):  # that of the folder itself
                os.close(number)


def retitle(argv: Sequence[str]) -> None:
    """In a fork: have `ps` show another command, as far as there is room for it. Linux only, and never an error.

    The kernel shows what is in memory where the command was; Python works with a copy of it.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        begin, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, see proc(5)
        if 0 < begin < end:
            shown = b"\0".join(os.fsencode(word) for word in argv)[: end - begin - 1]
            ctypes.memmove(begin, shown.ljust(end - begin, b"\0"), end - begin)
