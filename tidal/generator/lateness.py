"""How late iterations begin against the moments at which they were meant to, as this generator counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent import getcurrent

from tidal.model.events import PaceTally
from tidal.model.samples import LATE_US
from tidal.model.stats import Spread

if TYPE_CHECKING:
    from tidal.users import User

LATE_MAX_US = 86_400_000_000
"""A day: what is later counts as that."""


def user_here() -> User | None:
    """The user in whose greenlet this is called; None in any other, or before the user is made."""
    return getattr(getcurrent(), "user", None)


def late_us() -> int | None:
    """How late the iteration of the user here began; None where no moment was intended."""
    user = user_here()
    return None if user is None else user._late_us  # noqa: SLF001 - tidal's own


class Paces:
    """What users that keep a pace wanted to begin, and began, since the last batch; by class."""

    def __init__(self) -> None:
        self._tallies: dict[str, PaceTally] = {}

    def __repr__(self) -> str:
        return f"<Paces {list(self._tallies.values())}>"

    def note(self, name: str, begun: int, late_us: int, period_s: float) -> None:
        """An iteration began so late (or, with `begun` 0, none did): so much of a period stands for further ones."""
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = PaceTally(name, 0, 0, 0)
        late_us = min(late_us, LATE_MAX_US)
        tally.begun += begun
        tally.wanted_millionths += begun * 1_000_000 + round(late_us / max(period_s, 0.001))
        tally.late += begun and late_us > LATE_US

    def take(self) -> tuple[PaceTally, ...]:
        """All of it; the counts begin anew."""
        taken, self._tallies = tuple(self._tallies.values()), {}
        return taken


class Begun:
    """Arrivals since the last batch: planned, started, dropped, and how late those that were started began."""

    def __init__(self) -> None:
        self.planned = self.started = self.dropped = self.late = 0
        self.lateness: Spread | None = None

    def __repr__(self) -> str:
        return f"<Begun {self.started} of {self.planned}, {self.dropped} dropped>"

    def start(self) -> None:
        """One is started."""
        self.planned += 1
        self.started += 1

    def note_late(self, late_us: int) -> None:
        """One that was started began so late."""
        late_us = min(max(0, late_us), LATE_MAX_US)
        self.late += late_us > LATE_US
        if self.lateness is None:
            self.lateness = Spread()
        self.lateness.add(late_us)

    def drop(self) -> None:
        """One found too many in flight."""
        self.planned += 1
        self.dropped += 1

    def take(self) -> tuple[tuple[int, int, int], Spread | None, int]:
        """Counts, lateness, how many were late; all begins anew."""
        taken = (self.planned, self.started, self.dropped), self.lateness, self.late
        self.__init__()  # type: ignore[misc] # as it was
        return taken
