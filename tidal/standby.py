"""A master in reserve: it waits until nobody leads the run of its fleet, and goes on leading it from the keyframe.

    look ──a run is led──▶ look      ──nobody leads it, and Redis has answered for long enough──▶ lead ──closed──▶ look

The lease alone decides: two that wait take turns, and an old master that wakes up finds itself fenced. After an outage
of Redis every lease has lapsed; the master of before takes its own again at once, and the one in reserve lets it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tidal.bus import Bus, BusError
from tidal.errors import Fenced, NoSuchRun, TidalError
from tidal.keys import FleetKeys, RunKeys
from tidal.lastwords import to_stderr
from tidal.lines import monotonic_ms
from tidal.model.codec import BadEntry, unpack
from tidal.model.phases import CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S = 0.5
UNLED_MS = 1_500
"""How long nobody must have led a run, and Redis must have answered: its master of before comes first."""
SUMMARY_BYTES_MAX = 16_384


class Standby:
    """Stands by for the runs of a fleet, or for one run.

    Args:
        url: the Redis URL; None: from the environment.
        fleet: whose runs.
        run: the only one to take over; "": any of the fleet.
        lead: leads a run to its close; Fenced when somebody else does.
    """

    def __init__(self, url: str | None, fleet: str, run: str, lead: Callable[[Bus, str], None]) -> None:
        self._url, self._fleet, self._run, self._lead = url, FleetKeys(fleet), run, lead
        self._bus = Bus.connect(url, role="standby")
        self._known: set[str] = {run} if run else set()  # the announcement of a run lapses before long outages do
        self._unled_since_ms: dict[str, int] = {}
        self._said = ""
        self.ended = threading.Event()

    def __repr__(self) -> str:
        return f"<Standby for {self._run or self._fleet.name}, knows {len(self._known)} runs>"

    def serve(self) -> int:
        """Stand by until told to end, or until the one run is closed; returns 0."""
        _say(f"stands by for {f'run {self._run}' if self._run else f'the runs of fleet {self._fleet.name}'}")
        while not self.ended.is_set():
            try:
                run = self._look(monotonic_ms())
                self._trouble("")
            except BusError as error:
                self._unled_since_ms.clear()
                self._trouble(str(error))
                run = None
            if run is not None:
                self._take_over(run)
            if self._run and not self._known:
                _say(f"run {self._run} is closed")
                break
            self.ended.wait(LOOK_S)
        self._bus.close()
        return 0

    def _look(self, now_ms: int) -> str | None:
        """A run that nobody leads; None while there is none."""
        if not self._run and (announced := self._bus.announced_run(self._fleet)) is not None:
            self._known.add(announced)
        summaries = self._bus.list_runs() if self._known else {}
        for run in sorted(self._known):
            if _phase(summaries.get(run, b"")) == CLOSED:
                self._known.discard(run)
            elif self._bus.is_led(RunKeys(run)):
                self._unled_since_ms.pop(run, None)
            elif now_ms - self._unled_since_ms.setdefault(run, now_ms) >= UNLED_MS:
                return run
        return None

    def _take_over(self, run: str) -> None:
        del self._unled_since_ms[run]
        _say(f"nobody leads run {run}: taking over")
        try:
            self._lead(self._bus, run)
        except Fenced as error:
            _say(f"{error}; goes on standing by")
        except NoSuchRun as error:
            self._known.discard(run)
            _say(f"{error}: its Redis has lost it")
        except (BusError, TidalError) as error:
            _say(f"stopped leading run {run}: {error}; goes on standing by")
        else:
            self._known.discard(run)
            _say(f"run {run} is closed")

    def _trouble(self, what: str) -> None:
        if what != self._said:
            _say(what or "Redis answers again")
        self._said = what


def _phase(summary: bytes) -> str:
    """The phase in a run's summary; "" where there is none."""
    try:
        found = unpack(summary, SUMMARY_BYTES_MAX)
    except BadEntry:
        return ""
    return str(found.get("phase", "")) if isinstance(found, dict) else ""


def _say(text: str) -> None:
    to_stderr(f"tidal master: {text}")
