"""When a master reads, and when it counts what it read and decides: at once, or in a large fleet now and then.

    100 workers    reads at most every 50 ms: each read has a price
    300 workers    and decides four times a second, for there are a thousand workers to look through; and counts once a
                   second, where nothing looks at figures more often

    before the start it reads, and looks at few workers, every 5 ms while they come, and every 50 ms once they do not

What was read in between is folded and archived at once; it is in no figure yet, and nobody looks at the figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.liveness import CROWD, poll_ms, rest_ms

if TYPE_CHECKING:
    from tidal.model.state import LogHalf

GATHER_MS, GATHERED = 50, 100
"""Reports of so many workers are read together."""
DECIDE_MS, COUNT_MS = 250, 1_000
KEYFRAME_MS = 10_000
KEYFRAME_SOONER_MS, KEYFRAME_ENTRIES = 3_000, 250
"""After so many entries a keyframe comes sooner: they are what a seek has to fold."""


class Rhythm:
    """Of one master; `now_ms` is monotonic."""

    def __init__(self) -> None:
        self._read_ms = self._decided_ms = self._counted_ms = 0

    def __repr__(self) -> str:
        return f"<Rhythm, counted at {self._counted_ms} ms>"

    def wait_ms(self, log: LogHalf, now_ms: int) -> int:
        """How long to wait before the next read, so that reports come together."""
        return max(0, self._read_ms + GATHER_MS - now_ms) if _owners(log) >= GATHERED else 0

    def read(self, now_ms: int) -> None:
        """A read begins."""
        self._read_ms = now_ms

    def is_time(self, log: LogHalf, now_ms: int) -> bool:
        """Whether something is to be decided; asking begins the time until the next."""
        if _owners(log) > CROWD and 0 <= now_ms - self._decided_ms < DECIDE_MS:
            return False
        self._decided_ms = now_ms
        return True

    def is_count(self, log: LogHalf, now_ms: int) -> bool:
        """Whether what was read is to be counted before; asking begins the time until the next.

        Thresholds and a search for a limit look at figures whenever something is decided.
        """
        is_judged = bool(log.options.thresholds) or log.options.limit is not None or log.stop is not None
        if _owners(log) > CROWD and not is_judged and 0 <= now_ms - self._counted_ms < COUNT_MS:
            return False
        self._counted_ms = now_ms
        return True


def keyframe_ms(log: LogHalf, entries: int) -> int:
    """How long after a keyframe the next one is due, when so many entries were folded since.

    Not sooner in a crowd: to pack the state of 1,000 workers takes 50 ms in which nothing is read, and each three
    seconds that kept more than one report in a hundred waiting.
    """
    return KEYFRAME_SOONER_MS if entries >= KEYFRAME_ENTRIES and _owners(log) <= CROWD else KEYFRAME_MS


def look_ms(log: LogHalf, redis_ms: int) -> int:
    """How long after a look at the heartbeats the next one is due."""
    there = sum(not worker.is_gone for worker in log.workers.values())
    return poll_ms(there, is_waiting=log.phase == phases.WAITING, quiet_ms=_quiet_ms(log, redis_ms))


def start_rest_ms(log: LogHalf, redis_ms: int) -> int:
    """Before the start: how long to rest when all is read. Heartbeats and the hook host come by no stream."""
    return rest_ms(_quiet_ms(log, redis_ms))


def _quiet_ms(log: LogHalf, redis_ms: int) -> int:
    """How long ago the run was opened, or the last worker came; 0 for a run that is not open yet."""
    if not log.opened_ms:
        return 0
    return redis_ms - max(log.opened_ms, *(worker.seen_ms for worker in log.workers.values()), 0)


def _owners(log: LogHalf) -> int:
    """How many workers run the plan; none before the start and from the stop on."""
    return len(log.plan.owners) if log.phase == phases.RUNNING and log.plan is not None else 0
