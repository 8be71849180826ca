"""What operators want: events on `intents`, which a master accepts or refuses."""

from __future__ import annotations

from tidal.model.envelopes import Event


class WantTarget(Event, frozen=True):
    """Change the number of users and how fast they come or go."""

    KIND = "it"
    users: int
    spawn_rate: float | None = None


class WantRate(Event, frozen=True):
    """Change how many arrivals there are a second."""

    KIND = "iv"
    rate: float
    over_ms: int = 0  # so long it takes to get there
    user_class: str = ""  # whose; "": of the only curve of arrivals


class WantStage(Event, frozen=True):
    """Go to the beginning of a stage of the plan: `next`, `prev`, or one by its name."""

    KIND = "ig"
    stage: str


class WantPause(Event, frozen=True):
    """Stand still: nobody runs and nothing arrives, until the plan is resumed where it stood."""

    KIND = "ip"


class WantResume(Event, frozen=True):
    """Go on where the plan stood when it was paused."""

    KIND = "iu"


class WantStop(Event, frozen=True):
    """Stop the run."""

    KIND = "is"
    reason: str = ""


class WantDrain(Event, frozen=True):
    """Let a worker go: its users move to the others first."""

    KIND = "id"
    name: str  # w1, w2 …


class WantNote(Event, frozen=True):
    """Write a note into the log."""

    KIND = "in"
    text: str
