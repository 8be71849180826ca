"""Children that are forked from a process which has imported everything already: their parents' side.

To import gevent, requests and tidal costs half a second of CPU, and a local run needs it four times: for the inspection
of the file, for each generator and for a hook host. Where there is a nursery, it is paid once (docs/decisions/0063).

    who wants a child ──one packet: JSON + descriptors──▶ nursery (`tidal.generator.nursery`) ──fork──▶ child
                      ◀──status pipe: its pid, then its exit code─────┘

The nursery is a process like its children before they know what they are to be: no user code, no Redis, no threads,
no event loop yet. TIDAL_NURSERY_FD holds the number of the socket that leads to it; whoever may ask inherits both, and
its children do not. What it does not answer in time is started in the plain way, and it is not asked again.

A child's life hangs on its parent as before: stdin is its lifeline, and when the reader of its status pipe is gone the
nursery kills it. Its exit code is written before it is reaped, and it is reaped when the reader has let go of the pipe:
as long as `poll` says None the pid is that child's and nobody else's.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tidal.lastwords import to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NURSERY_FD = "TIDAL_NURSERY_FD"
"""Names the environment variable that holds the number of the socket's file descriptor."""
MODULE = "tidal.generator"
"""What may be asked for: this module, with any arguments."""
BIRTH_S = 20.0
"""How long a birth may take: longer than the imports of a busy machine, for the first one may wait for them."""
TOLD_S = 5.0
"""How long a nursery may take to say what a child has ended with that is gone."""
STATUS_BYTES = 64
SOURCE_BYTES_MAX = 1 << 20
HTTP, FAST, LOCUST = "http", "fast", "locust"
"""What a nursery has ready for some files alone: requests and its client, our own client, Locust's names."""
_NAMED = {
    HTTP: re.compile(r"(?<!Fast)Http(User|Session|Locust)|requests|urllib3|pytest|def test_"),
    FAST: re.compile(r"FastHttp|geventhttpclient"),
    LOCUST: re.compile(r"locust"),
}
_IMPORTED = re.compile(r"^[ \t]*(?:import|from)[ \t]+([.\w]+(?:[ \t]*,[ \t]*[.\w]+)*)", re.MULTILINE)
_KNOWN = frozenset({"tidal", "locust", "requests", "urllib3", "gevent", *sys.stdlib_module_names})


def named_in(source: str) -> set[str]:
    """What a locustfile needs ready, by the names in its text; everything when it imports what is not known here.

    A guess to save time: what it misses is imported by the child that needs it.
    """
    imported = {word.split(".")[0] for names in _IMPORTED.findall(source) for word in re.split(r"[ \t]*,[ \t]*", names)}
    if not imported <= _KNOWN:
        return set(_NAMED)
    return {what for what, pattern in _NAMED.items() if pattern.search(source)}


def named_by(files: Iterable[str]) -> set[str]:
    """The same of several files, by their paths; everything where one cannot be read."""
    found: set[str] = set()
    for file in files:
        try:
            with open(file, encoding="utf-8", errors="replace") as source:  # noqa: PTH123 - a word for each file
                found |= named_in(source.read(SOURCE_BYTES_MAX))
        except OSError:
            return set(_NAMED)
    return found


def can_have_one() -> bool:
    """Whether forks are to be trusted here, and the kernel tells of a child's end by a descriptor."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Bred:
    """A child of the nursery's, with what `Child` needs of a `Popen`.

    Attributes:
        args: the command that it stands for.
        pid: its process id, and that of its group and session.
        returncode: its exit code (negative: the signal), None while it runs.
    """

    def __init__(self, args: Sequence[str], status_fd: int, first: bytes) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        pid, _, self._said = first.partition(b"\n")
        self.pid = int(pid)
        self._status_fd = status_fd
        self._pid_fd = _opened(self.pid)
        self._gone_s: float | None = None  # since when the child is no more, though the nursery has not said so

    def poll(self) -> int | None:
        """The exit code, None while the child runs."""
        if self.returncode is None:
            self._hear(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, waiting for it; `subprocess.TimeoutExpired` after so many seconds."""
        end_s = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left_s = None if end_s is None else max(0.0, end_s - time.monotonic())
            if not self._hear(left_s) and left_s == 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM)."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def _hear(self, within_s: float | None) -> bool:
        """Take what the nursery says of the child; False when it said nothing in time."""
        if self._gone_s is not None:
            left_s = max(0.0, self._gone_s + TOLD_S - time.monotonic())
            within_s = left_s if within_s is None else min(within_s, left_s)
        watched = [self._status_fd, *([self._pid_fd] if self._pid_fd >= 0 and self._gone_s is None else [])]
        ready, _, _ = select.select(watched, [], [], within_s)
        if self._pid_fd in ready:
            self._gone_s = time.monotonic()
        if self._status_fd not in ready:
            if self._gone_s is not None and time.monotonic() - self._gone_s >= TOLD_S:
                self._ended(-signal.SIGKILL)  # the nursery is stopped, or hangs: nobody else knows the exit code
            return self._pid_fd in ready
        data = os.read(self._status_fd, STATUS_BYTES)
        self._said += data
        if self._said.endswith(b"\n"):
            self._ended(int(self._said))
        elif not data:  # the nursery is gone, and the kernel kills its children
            self._ended(-signal.SIGKILL)
        return True

    def _ended(self, code: int) -> None:
        self.returncode = code
        os.close(self._status_fd)
        if self._pid_fd >= 0:
            os.close(self._pid_fd)


def _opened(pid: int) -> int:
    """A descriptor that tells of the end of a child that is not ours; -1 when it is gone, or cannot be had."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def born(argv: Sequence[str], fds: Sequence[int], env: Mapping[str, str], cwd: str | None) -> Bred | None:
    """Have the nursery start a child; None where there is none, or it is not for this command, or it does not answer.

    Args:
        argv: the command, as `python_argv` makes it.
        fds: stdin, stdout, stderr and the end of the answers' pipe.
        env: variables set on top of the nursery's.
        cwd: the child's working folder.
    """
    number = os.environ.get(NURSERY_FD)
    if number is None or list(argv[1:4]) != ["-P", "-m", MODULE]:
        return None
    status_fd, status_in = os.pipe()
    order = {"argv": list(argv), "env": dict(env), "cwd": cwd}
    with socket.socket(fileno=os.dup(int(number))) as line:
        try:
            socket.send_fds(line, [json.dumps(order).encode()], [*fds, status_in])
            first = _first_words(status_fd)
        except OSError:
            first = b""
        finally:
            os.close(status_in)
    if b"\n" in first:
        return Bred(argv, status_fd, first)
    os.close(status_fd)  # one that is born all the same is killed at once
    del os.environ[NURSERY_FD]
    to_stderr("tidal: the nursery does not answer: children are started without it")
    return None


def _first_words(status_fd: int) -> bytes:
    """The child's pid on a line; what there is of it when the nursery dies or takes too long."""
    said, end_s = b"", time.monotonic() + BIRTH_S
    while b"\n" not in said and select.select([status_fd], [], [], max(0.0, end_s - time.monotonic()))[0]:
        data = os.read(status_fd, STATUS_BYTES)
        if not data:
            break
        said += data
    return said
