"""Children with a lifeline: how every process of tidal starts another.

    parent ──stdin──▶ child      orders; end of file means that the parent is gone, however it died
    parent ◀─answers─ child      a pipe whose number is in TIDAL_ANSWER_FD (or the child's stdout)
                      child ──▶  log file: stdout and stderr, never the terminal

Neither side ever blocks the parent: orders that the child does not read wait in a buffer, answers are read as they
come. A child runs in a session of its own, so that Ctrl-C and a closed terminal reach only who is meant.

On Linux a Python child may also ask the kernel to be killed with its parent (`die_with_parent`). The kernel means the
*thread* that started the child: start children from a thread that lives as long as they do, best the main one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tidal import address
from tidal.forks import Adopted, Forked, forked
from tidal.nursery import NURSERY_FD, Bred, born

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

ANSWER_FD = "TIDAL_ANSWER_FD"
"""Names the environment variable that holds the number of the answers' file descriptor."""
PARENT_PID = "TIDAL_PARENT_PID"
ENDED = "ended"
"""The name of the exit code in the last answer of a child that tells it (`tell_end`)."""
READ_BYTES = 1 << 18
PR_SET_PDEATHSIG = 1


class Child:
    """A child process with orders in, answers out and a log file.

    Args:
        argv: the command; `python_argv` makes one for a module of tidal.
        log_path: the file that its stdout and stderr are appended to (0600); None: they are thrown away.
        env: variables set on top of the parent's. What leads to Redis is not inherited: it is not user code's business.
        cwd: the child's working folder.
        answers_on_stdout: the answers come on the child's stdout instead of the descriptor in TIDAL_ANSWER_FD.
        keep_fds: further descriptors that the child inherits under the same numbers.
        entry: what the command's module would do, already imported: where that is sound, the child is a fork that does
            it, and nothing is imported twice. Only for a process of one thread, without gevent and user code.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log_path: Path | None,
        env: Mapping[str, str] | None = None,
        *,
        cwd: str | Path | None = None,
        answers_on_stdout: bool = False,
        keep_fds: Iterable[int] = (),
        entry: Callable[[], int] | None = None,
    ) -> None:
        self._unsent = bytearray()
        self.ended = False
        self._lent = -1
        log = open_log(log_path)  # first: it is what fails
        orders_out, self._stdin = os.pipe()
        self.answers_fd, answers_in = os.pipe()
        stdio = (orders_out, answers_in if answers_on_stdout else log, log)
        kept = tuple(keep_fds) if answers_on_stdout else (*keep_fds, answers_in)
        environment = _environment(env, None if answers_on_stdout else answers_in)
        try:
            self._process: Bred | Forked | Adopted | subprocess.Popen[bytes] = (
                born(argv, (*stdio, answers_in), env or {}, str(cwd) if cwd else None)
                or forked(argv, entry, stdio, environment, kept)
                or started(argv, stdio, environment, kept, cwd)
            )
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for fd in (orders_out, answers_in, log):
                os.close(fd)
        os.set_blocking(self._stdin, False)
        os.set_blocking(self.answers_fd, False)

    def __repr__(self) -> str:
        return f"<Child {self.pid} {self._process.args!r} {'running' if self.poll() is None else self.poll()}>"

    @property
    def pid(self) -> int:
        """The process id, and that of its group and session."""
        return self._process.pid

    @property
    def unsent(self) -> int:
        """How many bytes of orders wait for the child to read."""
        return len(self._unsent)

    @property
    def unread(self) -> list[int]:
        """The descriptor to watch for writing, while there are orders that wait; nothing else."""
        return [self._stdin] if self._unsent else []

    def send(self, data: bytes) -> bool:
        """Hand in orders without waiting: what the pipe does not take is kept; False when the child is gone."""
        self._unsent += data
        return self.flush()

    def flush(self) -> bool:
        """Write what was kept, as far as the pipe takes it; False when the child is gone."""
        if self._stdin < 0:
            return False
        try:
            while self._unsent:
                del self._unsent[: os.write(self._stdin, self._unsent)]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self.close_stdin()
            return False
        return True

    def receive(self) -> bytes:
        """The answers that have come since; empty when there are none. Sets `ended` at the end of file."""
        if self.ended:
            return b""
        try:
            data = os.read(self.answers_fd, READ_BYTES)
        except BlockingIOError:
            return b""
        self.ended = not data
        return data

    def poll(self) -> int | None:
        """The exit code (negative: the signal), None while the child runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, waiting for it no longer than `timeout_s`; None when the child still runs then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def close_stdin(self) -> None:
        """Cut the lifeline: the child ends, at once or in order. Orders it has not read are lost."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
        self._unsent.clear()

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM)."""
        if self.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End the child and whatever it started in its session, at once."""
        if self.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:  # a fork that has no session of its own yet
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def stop(self, grace_s: float) -> int:
        """Cut the lifeline, wait up to `grace_s`, then kill; the exit code. Nothing of the child is left."""
        self.close_stdin()
        if self.wait(grace_s) is None:
            self.kill()
        code = self._process.wait()
        self._close_pipes()
        return code

    @property
    def is_fork(self) -> bool:
        """Whether it goes on with what this process had imported."""
        return isinstance(self._process, Forked)

    @property
    def is_adopted(self) -> bool:
        """Whether another process is its parent, or was: then its exit code is not ours to know."""
        return isinstance(self._process, Adopted)

    def lend(self) -> list[int]:
        """The descriptors that a fork of this process needs to `adopt` the child. Linux only.

        Of one that has ended, too: what it said at last may be unread, and its pipes' numbers must not be another's.
        """
        if self.poll() is None:
            self._lent = self._process.lend() if isinstance(self._process, Adopted) else os.pidfd_open(self.pid)
        return [fd for fd in (self._stdin, self.answers_fd, self._lent) if fd >= 0]

    def take_back(self) -> None:
        """After the fork, where the child stays ours: close what was opened for the fork alone."""
        if self._lent >= 0:
            os.close(self._lent)
            self._lent = -1

    def adopt(self) -> None:
        """In a fork: go on with the child that was lent. The parent lets go of it, or is gone."""
        self._process = Adopted(self.pid, self._lent)
        self._lent = -1

    def let_go(self) -> None:
        """Leave the child to itself: it lives on; a thread takes note of its end, so that no zombie is left."""
        self._close_pipes()
        self.take_back()
        threading.Thread(target=self._process.wait, daemon=True, name=f"end of {self.pid}").start()

    def _close_pipes(self) -> None:
        self.close_stdin()
        if self.answers_fd >= 0:
            os.close(self.answers_fd)
            self.answers_fd = -1
        self.ended = True


def started(
    argv: Sequence[str], stdio: Sequence[int], env: Mapping[str, str], kept: Sequence[int], cwd: str | Path | None
) -> subprocess.Popen[bytes]:
    """The plain way to a child: its own program, in a session of its own."""
    stdin, stdout, stderr = stdio
    return subprocess.Popen(
        argv, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, pass_fds=kept, start_new_session=True
    )


class Backoff:
    """How long to wait before a child that died is started again.

    Args:
        first_s: the wait after the first death; it doubles with each further one, up to `longest_s`.
        deaths_max: so many deaths in a row are one too many.
        healthy_s: a child that lived so long starts the count anew.
    """

    def __init__(
        self, first_s: float = 0.1, longest_s: float = 5.0, deaths_max: int = 8, healthy_s: float = 30.0
    ) -> None:
        self._first_s, self._longest_s, self._healthy_s = first_s, longest_s, healthy_s
        self._deaths_max = deaths_max
        self.deaths = 0

    def after(self, lived_s: float) -> float | None:
        """Seconds to wait after a death; None to give up."""
        if lived_s >= self._healthy_s:
            self.deaths = 0
        self.deaths += 1
        if self.deaths >= self._deaths_max:
            return None
        return min(self._longest_s, self._first_s * 2.0 ** (self.deaths - 1))


def python_argv(module: str, *arguments: str) -> list[str]:
    """The command that runs a module in this interpreter.

    `-P`: the folder one happens to stand in is no place to import from; a `redis.py` there is the user's, not ours.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def open_log(path: Path | None) -> int:
    """A descriptor that appends to a log file for its owner's eyes only; /dev/null for None."""
    if path is None:
        return os.open(os.devnull, os.O_WRONLY)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def die_with_parent() -> None:
    """In a child: have the kernel kill it when the parent's thread that started this process ends.

    Linux only, elsewhere the lifeline has to do. A parent that died before this call is noticed too.
    """
    set_death_signal(signal.SIGKILL)
    parent = os.environ.get(PARENT_PID)
    if parent is not None and parent != str(os.getppid()):
        os.kill(os.getpid(), signal.SIGKILL)


def set_death_signal(signal_number: int) -> None:
    """The bare system call, for between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)


def answer_fd() -> int:
    """In a child: the descriptor that its answers go to."""
    return int(os.environ[ANSWER_FD])


def tell_end(code: int) -> int:
    """In a child of ours: the exit code as the last answer, for whoever looks after it and is not its parent."""
    with contextlib.suppress(OSError):  # nobody does
        os.write(int(os.environ.get(ANSWER_FD, "1")), b'{"%s": %d}\n' % (ENDED.encode(), code))
    return code


def _environment(extra: Mapping[str, str] | None, answers_fd: int | None) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in (*address.VARIABLES, ANSWER_FD, NURSERY_FD)}
    env[PARENT_PID] = str(os.getpid())
    if answers_fd is not None:
        env[ANSWER_FD] = str(answers_fd)
    return env | dict(extra or {})


def write_all(root: Path, contents: Mapping[str, bytes]) -> None:
    """Write files below a folder, by their relative paths."""
    for relative, data in contents.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
