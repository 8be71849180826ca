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
class WantRate(Event):
    """Change how many arrivals there are a second."""

    KIND = "iv"
    rate: float
    over_ms: int = 0  # so long it takes to get there
    user_class: str = ""  # whose; "": of the only curve of arrivals


@dataclass(frozen=True, slots=True)
class WantStage(Event):
    """Go to the beginning of a stage of the plan: `next`, `prev`, or one by its name."""

    KIND = "ig"
    stage: str


@dataclass(frozen=True, slots=True)
class WantPause(Event):
    """Stand still: nobody runs and nothing arrives, until the plan is resumed where it stood."""

    KIND = "ip"


@dataclass(frozen=True, slots=True)
class WantResume(Event):
    """Go on where the plan stood when it was paused."""

    KIND = "iu"


@dataclass(frozen=True, slots=True)
class WantStop(Event):
    """Stop the run."""

    KIND = "is"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WantDrain(Event):
    """Let a worker go: its users move to the others first."""

    KIND = "id"
    name: str  # w1, w2 …


@dataclass(frozen=True, slots=True)
class WantNote(Event):
    """Write a note into the log."""

    KIND = "in"
    text: str
