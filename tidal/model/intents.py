"""What operators want: events on `intents`, which a master accepts or refuses."""

from __future__ import annotations

from dataclasses import dataclass

from tidal.model.envelopes import Event


@dataclass(frozen=True, slots=True)
class WantTarget(Event):
    """Change the number of users and how fast they come or go."""

    KIND = "it"
    users: int
    spawn_rate: float | None = None


@dataclass(frozen=True, slots=True)
class WantStop(Event):
    """Stop the run."""

    KIND = "is"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WantNote(Event):
    """Write a note into the log."""

    KIND = "in"
    text: str
