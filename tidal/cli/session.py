"""A run to follow: its feed, its operator, and whether somebody looks after it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tidal import paths
from tidal.bus import Bus
from tidal.cli.console import Console
from tidal.keys import RunKeys
from tidal.launch import tell_supervisor
from tidal.live import LiveFeed
from tidal.model.struct import Struct, replace
from tidal.operator import Operator
from tidal.rights import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import Frame

ARCHIVE_S = 5.0
"""How long the master may take to finish the archive of a run that is closed."""


class Session(Struct, frozen=True):
    """One run, followed."""

    run: str
    feed: LiveFeed
    operator: Operator
    supervisor_pid: int = 0
    may_stop: bool = True

    def is_alive(self) -> bool:
        """Whether the run's supervisor lives; a run of another machine is taken to be alive."""
        entry = paths.local_run(self.run) if self.supervisor_pid else None
        return entry is None or entry.is_alive

    def end_at_once(self) -> None:
        """Have the supervisor stop the run, where it is of this machine: Redis may not answer."""
        if self.supervisor_pid:
            tell_supervisor(self.run)

    def follow(self, out: IO[str]) -> Frame:
        """Print the run to its end; the last frame."""
        operator = self.operator if self.may_stop else None
        console = Console(self.feed, operator, end_at_once=self.end_at_once, is_alive=self.is_alive, out=out)
        return self.followed_by(console)

    def followed_by(self, console: Console) -> Frame:
        """Let a console follow the run to its end; the last frame."""
        frame = console.follow()
        self._await_archive()
        return frame

    def _await_archive(self) -> None:
        """Let the master of a run of ours finish its archive, so that `tidal replay` right after finds it whole."""
        pause, until_s = threading.Event(), time.monotonic() + ARCHIVE_S
        while self.supervisor_pid and self.is_alive() and time.monotonic() < until_s:
            if paths.archive_path(self.run).is_file():
                return
            pause.wait(0.05)


@contextmanager
def session(
    url: str, run: str, supervisor_pid: int = 0, *, presence: bool = True, may_stop: bool = True
) -> Iterator[Session]:
    """Follow a run for the length of a block."""
    role = "operator" if may_stop else "watcher"
    opened = replace(open_session(url, run, supervisor_pid, presence=presence, role=role), may_stop=may_stop)
    try:
        yield opened
    finally:
        opened.feed.close()


def open_session(
    url: str, run: str, supervisor_pid: int = 0, *, presence: bool = True, role: str = "operator"
) -> Session:
    """Follow a run until its feed is closed; RedisDenied when the user may not do what the role needs."""
    keys = RunKeys(run)
    bus = Bus.connect(url, role=role)
    require(bus, role)
    return Session(run, LiveFeed(url, keys, presence=presence).start(), Operator(bus, keys), supervisor_pid)
