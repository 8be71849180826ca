"""The guard of an embedded server: it starts the server, starts it again when it dies, and lets it outlive nobody.

    owner ──stdin──▶ guard      one line of JSON (`GuardOrders`), then the lifeline: end of file means stop
    owner ─┐
    master ┼─users─▶ guard      a pipe that nobody writes to: its end of file means that nobody needs the server now
    worker ┘
    owner ◀─answers─ guard      a line of JSON an event; the server inherits it, so its end of file means: both are gone

After the lifeline has ended the guard waits for the end of `users`, but no longer than `grace_s`: so the master of a
killed supervisor can still close its run in order, and the server leaves last.

One thread only: the kernel's death signal, which the server gets when the guard is killed, means the thread that forked
it, and forking is safe only without other threads. Where there is no such signal (macOS) the owner kills the server of
a dead guard; only when both are killed at once is it left, to be found by its lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import NamedTuple

from tidal.process import Backoff, answer_fd, set_death_signal

STOP_S = 10.0
"""How long the server may take to leave."""
GAVE_UP = 3
"""The guard's exit code when the server died too often."""
ORDERS_BYTES_MAX = 64 * 1024


class GuardOrders(NamedTuple):
    """What the owner tells the guard; it travels on stdin because of the password in `server_input`.

    Attributes:
        argv: the server's command.
        server_input: what the server reads from its stdin: its configuration.
        folder: the server's working folder.
        folders_to_remove: what is removed when the server has left in order.
        server_fds: descriptors that the server inherits: the folder's lock, perhaps a listening socket.
        users_fd: the reading end of the users' pipe.
        grace_s: how long the users may stay after the owner is gone.
    """

    argv: list[str]
    server_input: str
    folder: str
    folders_to_remove: list[str]
    server_fds: list[int]
    users_fd: int
    grace_s: float


class Guard:
    """One guard: `run` returns its exit code when the server is gone."""

    def __init__(self, orders: GuardOrders, wake_fd: int) -> None:
        self.orders = orders
        self.stopping = False
        self._wake_fd = wake_fd
        self._backoff = Backoff(deaths_max=6, longest_s=2.0)
        self._watched = {0, orders.users_fd}
        self._leave_at_s: float | None = None
        self._server = self._start()

    def run(self) -> int:
        """Keep the server alive until it is no longer needed."""
        gave_up = False
        while not (gave_up or self._is_time_to_leave()):
            self._wait(None)
            if self._server.poll() is not None:
                gave_up = not self._start_again()
        self._stop_server()
        if gave_up:
            return GAVE_UP
        for folder in self.orders.folders_to_remove:
            shutil.rmtree(folder, ignore_errors=True)
        return 0

    def _is_time_to_leave(self) -> bool:
        if self.stopping or (0 not in self._watched and self.orders.users_fd not in self._watched):
            return True
        return self._leave_at_s is not None and time.monotonic() >= self._leave_at_s

    def _wait(self, seconds: float | None) -> None:
        """Sleep until a child died, a signal came, a pipe ended or the time is up."""
        if self._leave_at_s is not None:
            left_s = max(0.0, self._leave_at_s - time.monotonic())
            seconds = left_s if seconds is None else min(seconds, left_s)
        ready, _, _ = select.select([self._wake_fd, *self._watched], [], [], seconds)
        for fd in ready:
            with contextlib.suppress(BlockingIOError):
                if not os.read(fd, 4096):
                    self._watched.discard(fd)
        if 0 not in self._watched and self._leave_at_s is None:
            self._leave_at_s = time.monotonic() + self.orders.grace_s

    def _start(self) -> subprocess.Popen[bytes]:
        self._born_s = time.monotonic()
        server = subprocess.Popen(
            self.orders.argv,
            stdin=subprocess.PIPE,
            stdout=2,  # our stderr, which is the server's log
            cwd=self.orders.folder,
            pass_fds=(*self.orders.server_fds, answer_fd()),
            start_new_session=True,
            preexec_fn=_die_with_guard,  # noqa: PLW1509 - this process has one thread
        )
        assert server.stdin is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError), server.stdin:
            server.stdin.write(self.orders.server_input.encode())
        say("started", pid=server.pid)
        return server

    def _start_again(self) -> bool:
        say("died", code=self._server.returncode)
        wait_s = self._backoff.after(time.monotonic() - self._born_s)
        if wait_s is None:
            say("gave up", code=self._server.returncode)
            return False
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._is_time_to_leave():
            self._wait(left_s)
        if not self._is_time_to_leave():
            self._server = self._start()
        return True

    def _stop_server(self) -> None:
        if self._server.poll() is None:
            self._server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(STOP_S)
        self._server.kill()
        self._server.wait()


def say(event: str, **more: object) -> None:
    """Tell the owner; one that is gone or does not listen is no reason to stop."""
    with contextlib.suppress(OSError):
        os.write(answer_fd(), json.dumps({"event": event, **more}).encode() + b"\n")


def read_orders() -> GuardOrders:
    """The first line of stdin, byte by byte, so that the lifeline behind it stays in the pipe."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < ORDERS_BYTES_MAX:
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)  # the owner died while it was starting us
        line += byte
    return GuardOrders(**json.loads(line))


def _die_with_guard() -> None:
    set_death_signal(signal.SIGKILL)  # the append-only file is written before each reply: a kill loses nothing


def main() -> int:
    """Run as `python -m tidal.guard` with orders on stdin."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the server would inherit
    wake_fd, wake_in = os.pipe()
    for fd in (wake_fd, wake_in, answer_fd()):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    guard = Guard(read_orders(), wake_fd)
    signal.signal(signal.SIGTERM, lambda *_: setattr(guard, "stopping", True))
    return guard.run()


if __name__ == "__main__":
    sys.exit(main())
