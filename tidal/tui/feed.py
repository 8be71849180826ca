"""What the terminal needs from the outside, as protocols: frames, who passes on wishes, a desk for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard

from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.model.checked import Checked
    from tidal.model.closeup import Focus
    from tidal.model.events import ClassSpec, Event
    from tidal.model.explain import Mark
    from tidal.model.liveness import Heartbeat
    from tidal.model.pipe import Loaded
    from tidal.model.planning import Planned
    from tidal.model.rows import Frame
    from tidal.tui.choice import Typed

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""The speeds that `<` and `>` step through."""


class Feed(Protocol):
    """A source of frames, live or replayed. Its methods are called from a thread, never two at once."""

    @property
    def is_replay(self) -> bool:
        """Whether this feed also is a `Seekable`."""
        ...

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The newest picture, with a closer look at what `focus` asks for; None before the first entry was read."""
        ...

    def trouble(self) -> str:
        """One line on what keeps the picture from being new; "" when all is well."""
        ...

    def close(self) -> None:
        """Let go of threads, files and connections."""
        ...


class Seekable(Feed, Protocol):
    """A feed with a position in Redis time: a replay, or a live run that can be rewound.

    A live one stands at its end as a rule, and goes on with the run; before its end it is rewound.
    """

    playing: bool
    speed: float

    @property
    def position_ms(self) -> int:
        """The moment that `frame()` shows."""
        ...

    @property
    def first_ms(self) -> int:
        """The first moment of the recording."""
        ...

    @property
    def last_ms(self) -> int:
        """The last moment of the recording."""
        ...

    def seek(self, at_ms: int) -> None:
        """Go to a moment; one outside of the recording means its nearer end."""
        ...

    def play(self) -> None:
        """Go on from the position at `speed`."""
        ...

    def pause(self) -> None:
        """Stand still."""
        ...

    def outline(self) -> Frame | None:
        """The picture of the last moment: its charts and its story are those of all of the recording."""
        ...


class Explained(Seekable, Protocol):
    """A recording that knows the moments worth going to. The first question may take seconds: it folds all of it."""

    def marks(self) -> Sequence[Mark]:
        """Anomalies, losses, thresholds that tripped and notes, in order."""
        ...

    def idle(self) -> Sequence[tuple[int, int]]:
        """Stretches of Redis time in ms in which nothing happened, in order."""
        ...


class Proved(Seekable, Protocol):
    """A recording that is held to its hashes meanwhile."""

    def checked(self) -> Checked | None:
        """How far it is; None when nobody does so."""
        ...


class Operator(Protocol):
    """Passes an intent on to the master. It may block on Redis and raise; the app calls it in a thread."""

    def want(self, event: Event) -> str:
        """Write down what the operator wants; returns the intent's id."""
        ...


class Outlook(Struct, frozen=True):
    """What a form comes to: what is wrong with it, and what it would start.

    Attributes:
        wrong: what is wrong, by field, in the words of the command line.
        planned: the curves and stages; None when nobody can know them, or when something is wrong.
        classes: the user classes that would run.
        told: why there is no curve, in words.
        command: what starts the same on a command line; "" when something is wrong.
    """

    wrong: Mapping[str, str] = field(default_factory=dict)
    planned: Planned | None = None
    classes: tuple[ClassSpec, ...] = ()
    told: str = ""
    command: str = ""


class Company(Struct, frozen=True):
    """Who would run it.

    Attributes:
        cores: of this machine, for a run that stays on it; 0: a fleet runs it.
        waiting: the newest heartbeats of the fleet's workers.
        serves: the run that the fleet serves now; "" when it is free.
        trouble: why nobody knows.
    """

    cores: int = 0
    waiting: tuple[Heartbeat, ...] = ()
    serves: str = ""
    trouble: str = ""


class Desk(Protocol):
    """Where a form is handed in: the command line behind it."""

    begin: Typed
    """What the command line said already."""
    is_local: bool
    """Whether the run stays on this machine: it has processes, and no fleet."""

    def inspect(self, file: str) -> Loaded:
        """What the file holds; a TidalError says what is wrong with it. May take seconds."""
        ...

    def outlook(self, typed: Typed) -> Outlook:
        """What the form comes to: at once, for it is asked at every key."""
        ...

    def company(self, fleet: str) -> Company:
        """Who waits in a fleet. It may block on Redis."""
        ...

    def start(self, typed: Typed) -> tuple[Feed, Operator]:
        """Open the run: how to watch and steer it; a TidalError says what was wrong. May take seconds."""
        ...


def is_explained(feed: Seekable) -> TypeGuard[Explained]:
    """Whether the feed knows the moments worth going to."""
    return hasattr(feed, "marks") and hasattr(feed, "idle")


def is_proved(feed: Seekable) -> TypeGuard[Proved]:
    """Whether the feed says how far its recording is proved."""
    return hasattr(feed, "checked")


def is_seekable(feed: Feed | None) -> TypeGuard[Seekable]:
    """Whether the feed has a position that can be changed."""
    return feed is not None and hasattr(feed, "seek")
