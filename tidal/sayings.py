"""What tidal's own processes say: on their stderr at once, and into the log of the run that they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.lastwords import to_stderr
from tidal.model.events import Logged, RunClosed
from tidal.model.loglines import Intake, few, log_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidal.model.events import Event, LogLine

LOGGED_MS = 1_000
"""How often a master writes lines into the log."""


class Sayings:
    """The lines of one process. They are few and about tidal itself, so those of every level travel.

    Args:
        name: of the logger, and what each line on stderr begins with.
        now_ms: any clock that only rises, in ms.
    """

    def __init__(self, name: str, now_ms: Callable[[], int]) -> None:
        self._name, self._now_ms = name, now_ms
        self._intake = Intake()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._name}: {self._intake}>"

    def tell(self, text: str) -> None:
        """Print a line that is not kept."""
        to_stderr(f"{self._name}: {text}")

    def say(self, level: str, text: str) -> None:
        """Print a line, and keep it for the run."""
        self.tell(text)
        self.keep(level, text)

    def keep(self, level: str, text: str) -> None:
        """Keep a line for the run."""
        now_ms = self._now_ms()
        if self._intake.has_room(now_ms):
            self._intake.put(log_line(now_ms, level, self._name, text))

    def take(self, at_ms: int) -> tuple[LogLine, ...]:
        """What was said since the last time; it is `at_ms` of Redis time now."""
        return self._intake.take(self._now_ms(), at_ms)


class MasterLog(Sayings):
    """The lines of the master's side until they are in the log: the master's own, and those of its hook host."""

    def __init__(self, name: str, now_ms: Callable[[], int]) -> None:
        super().__init__(name, now_ms)
        self._waiting: tuple[LogLine, ...] = ()
        self._logged_ms = -LOGGED_MS
        self._end_waited = False

    def joined(self, events: list[Event], heard: Iterable[LogLine], at_ms: int) -> list[Event]:
        """The events of a turn with the lines that are due, and with what the hook host said; kept until `logged`.

        Nothing follows the end of a run: when lines wait, the end waits for them, but one turn only.
        """
        self._waiting = few((*self._waiting, *self.take(at_ms), *heard))
        is_end = any(isinstance(event, RunClosed) for event in events)
        is_due = is_end or self._now_ms() - self._logged_ms >= LOGGED_MS
        if not self._waiting or not is_due or (is_end and self._end_waited):
            return events
        self._end_waited = is_end
        lines = Logged(self._waiting)
        return [lines] if is_end else [*events, lines]

    def logged(self, events: Iterable[Event]) -> None:
        """These events were appended."""
        if any(isinstance(event, Logged) for event in events):
            self._waiting, self._logged_ms = (), self._now_ms()
