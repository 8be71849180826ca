"""The deputy of a supervisor: a fork that holds what it holds, waits for its death, and then is the supervisor.

    supervisor ──fork──▶ deputy      has a copy of every pipe, lock and descriptor, and waits
        ✝                deputy      stdin ends: it adopts the children, who have noticed nothing, and forks a deputy

A lifeline is cut when nobody holds it any more, so as long as one of the two lives no child ends. What a deputy knows
is what its supervisor knew when it was forked. After the end of a child another takes its place; before a child is
started the old one is killed, and another one forked once that is there. Linux only: elsewhere a fork that goes on is
not to be trusted, and no descriptor tells of a stranger's end.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Protocol

from tidal.forks import can_fork
from tidal.kept import say
from tidal.nursery import can_have_one
from tidal.process import Backoff, Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from pathlib import Path

MODULE = "tidal.supervisor"
WORD = "--deputy"
"""What tells the two apart in `ps`."""
RETRY_S = 5.0


class Lent(Protocol):
    """Something that a supervisor has, and its deputy is to have."""

    def lend(self) -> list[int]:
        """The descriptors to inherit."""
        ...

    def take_back(self) -> None:
        """After the fork: close what was opened for it alone."""
        ...


class Deputy:
    """The deputy of this process.

    Args:
        log_path: of the supervisor, which the deputy may be.
        env: variables on top of ours.
        succeed: what the deputy does once its supervisor is gone; returns its exit code.
    """

    def __init__(self, log_path: Path, env: Mapping[str, str], succeed: Callable[[], int]) -> None:
        self._log_path, self._env, self._succeed = log_path, env, succeed
        self._child: Child | None = None
        self._knows: Hashable = None
        self._backoff, self._trouble = Backoff(), ""
        self._born_s, self._due_s = time.monotonic(), 0.0
        self._baton, end = os.pipe()  # whichever deputy takes the byte in it is the supervisor: one, and never two
        os.write(end, b"!")
        os.close(end)

    def __repr__(self) -> str:
        return f"<Deputy {self._child!r}>"

    def turn(self, knows: Hashable, lent: Sequence[Lent], fds: Iterable[int], now_s: float) -> None:
        """See to it that there is one that knows what there is.

        Args:
            knows: differs when a deputy of before would be wrong.
            lent: what a new one needs.
            fds: further descriptors that it inherits.
            now_s: monotonic.
        """
        if self._child is not None and self._child.poll() is not None:
            say(f"the deputy ended with {self._child.stop(0)}")
            self._child = None
            wait_s = self._backoff.after(now_s - self._born_s)
            self._due_s = now_s + wait_s if wait_s is not None else float("inf")
            if wait_s is None:
                say("there is no deputy any more: it died too often")
        if (self._child is None or knows != self._knows) and now_s >= self._due_s:
            self._replace(knows, lent, fds, now_s)

    def _replace(self, knows: Hashable, lent: Sequence[Lent], fds: Iterable[int], now_s: float) -> None:
        """Have another one: it is there before the former is killed."""
        former, self._child = self._child, None
        successor = self._fork(lent, fds)
        if successor is None:
            self._child = former  # better than none
            return
        self._child, self._knows, self._born_s = successor, knows, now_s
        if former is not None:
            former.kill()
            former.stop(0)

    def dismiss(self) -> None:
        """Have none any more. It is killed before its lifeline ends, or it would go on as us."""
        if self._child is not None:
            self._child.kill()
            self._child.stop(0)
            self._child = None

    def _fork(self, lent: Sequence[Lent], fds: Iterable[int]) -> Child | None:
        if not can_have_one() or not can_fork():
            self._due_s = float("inf")
            return None
        try:
            kept = [fd for one in lent for fd in one.lend()]
            argv = python_argv(MODULE, WORD, str(self._log_path.parent))
            keep_fds = [*kept, *fds, self._baton]
            return Child(argv, self._log_path, self._env, keep_fds=keep_fds, entry=self._stand_by)
        except OSError as error:
            if str(error) != self._trouble:  # said once: a kernel that forbids it does so each time
                say(f"no deputy: {error}")
            self._trouble, self._due_s = str(error), time.monotonic() + RETRY_S
            return None
        finally:
            for one in lent:
                one.take_back()

    def _stand_by(self) -> int:
        """In the deputy: wait until the supervisor is gone, however it died, and be it unless another one is."""
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)  # not SIG_IGN, which the children would inherit
        os.read(0, 1)  # its end: nobody writes
        has_baton = os.read(self._baton, 1)
        os.close(self._baton)
        return self._succeed() if has_baton else 0
