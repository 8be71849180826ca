"""A child of a supervisor that is started again when it dies."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

from tidal.errors import Fenced, RedisUnreachable
from tidal.lastwords import to_stderr
from tidal.process import ENDED, Backoff, Child

if TYPE_CHECKING:
    from collections.abc import Callable

EXCUSED = frozenset({RedisUnreachable.exit_code, Fenced.exit_code})
HEALTHY_S = 30.0
EXCUSED_S = 1.0
"""How long to wait before a child that was not to blame is started again."""


class Kept:
    """A child that is started again when it dies.

    Args:
        name: for the log.
        start: starts it, the first time and again.
        ends: the exit code that means that its work is done.
        patience_s: how long it may fail for an excused reason (Redis is away, another master serves the run) before
            that is the end; such failures do not count as deaths.

    Attributes:
        code: the last exit code, None before the first death.
        done: it ended with 0 and stays away.
        given_up: it died too often and stays away.
    """

    def __init__(
        self, name: str, start: Callable[[], Child], *, ends: int | None = None, patience_s: float = 600.0
    ) -> None:
        self.name = name
        self.code: int | None = None
        self.done = self.given_up = False
        self._ends = ends
        self._patience_s = patience_s
        self._excused_since_s: float | None = None
        self._start = start
        self._backoff = Backoff()
        self._again_s: float | None = None
        self.restart(time.monotonic())

    def __repr__(self) -> str:
        return f"<Kept {self.name} {self.child!r} deaths={self._backoff.deaths}>"

    def restart(self, now_s: float) -> None:
        """Start it, for the first time or again."""
        self._born_s, self._again_s = now_s, None
        self._unread, self._last_word = b"", -signal.SIGKILL  # who could not say how it ends was killed
        self.child = self._start()

    def hear(self) -> list[dict[str, Any]]:
        """The lines that it answered with since; what it says of its end is kept."""
        self._unread += self.child.receive()
        *lines, self._unread = self._unread.split(b"\n")
        answers: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for answer in answers:
            self._last_word = answer.get(ENDED, self._last_word)
        return [answer for answer in answers if ENDED not in answer]

    def turn(self, now_s: float) -> None:
        """Take note of its death, and start it again when that is due."""
        if self._again_s is not None:
            if now_s >= self._again_s:
                self._try_again(now_s)
        elif self.is_kept() and self.child.poll() is not None:
            self._died(now_s)

    def _try_again(self, now_s: float) -> None:
        """Start it; where there is no memory or no process for it that is one more death."""
        try:
            self.restart(now_s)
        except OSError as error:
            self._wait(now_s, self._backoff.after(0), f"was not started: {error}")

    def _died(self, now_s: float) -> None:
        for answer in self.hear():
            say(f"{self.name} said: {answer}")
        code = self.child.stop(0)
        self.code = self._last_word if self.child.is_adopted else code
        self.done = self._ends is not None and self.code == self._ends
        if self.done:
            say(f"{self.name} is done")
            return
        self._wait(now_s, self._wait_s(now_s), f"ended with {self.code}")

    def _wait(self, now_s: float, wait_s: float | None, how: str) -> None:
        """Be started again after so many seconds, never for None."""
        self.given_up = wait_s is None
        self._again_s = None if wait_s is None else now_s + wait_s
        what = "it died too often" if wait_s is None else f"again in {wait_s} s"
        say(f"{self.name} {how}; {what}")

    def _wait_s(self, now_s: float) -> float | None:
        if self.code not in EXCUSED:
            self._excused_since_s = None
            return self._backoff.after(now_s - self._born_s)
        if self._excused_since_s is None or now_s - self._born_s > HEALTHY_S:
            self._excused_since_s = now_s
        return EXCUSED_S if now_s - self._excused_since_s < self._patience_s else None

    def is_kept(self) -> bool:
        """Whether it is to run."""
        return not (self.done or self.given_up)

    def has_child(self) -> bool:
        """Whether there is one whose end was not seen yet."""
        return self.is_kept() and self._again_s is None

    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self.has_child() and self.child.poll() is None

    # ------------------------------------------------------------------ in two processes

    def mark(self) -> tuple[Any, ...]:
        """What is different once a fork knows another child, or another fate of it, than we do."""
        return self.child.pid, self._again_s, self.done, self.given_up

    def lend(self) -> list[int]:
        """The descriptors that a fork needs to `adopt` the child, also one that ends just now; none where none is."""
        return self.child.lend() if self.has_child() else []

    def take_back(self) -> None:
        """After the fork: see `Child.take_back`."""
        self.child.take_back()

    def adopt(self) -> None:
        """In a fork whose parent is gone: look after the child it had; that it had none is known."""
        if self.has_child():
            self.child.adopt()


def say(text: str) -> None:
    """A line of the supervisor's own log."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    to_stderr(f"{stamp} {text}")
