"""What the terminal needs from the outside, as protocols: frames to show, and somebody who passes on wishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeGuard

from tidal.model.events import Event, RunOptions
from tidal.model.pipe import Loaded

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.rows import Frame

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


class Operator(Protocol):
    """Passes an intent on to the master. It may block on Redis and raise; the app calls it in a thread."""

    def want(self, event: Event) -> str:
        """Write down what the operator wants; returns the intent's id."""
        ...


@dataclass(frozen=True, slots=True)
class StartChoice:
    """What the start form asks the starter for."""

    file: str = ""
    options: RunOptions = field(default_factory=RunOptions)
    processes: int = 0  # 0: one per core
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # the file's own arguments beside the log


Starter = Callable[[StartChoice], tuple[Feed, Operator]]
"""Opens a run and returns how to watch and steer it; raises a TidalError that says what was wrong. May take seconds."""

Inspector = Callable[[str], Loaded]
"""Describes a locustfile (`tidal.launch.inspect`); raises a TidalError that says what is wrong with it."""


def is_seekable(feed: Feed | None) -> TypeGuard[Seekable]:
    """Whether the feed has a position that can be changed."""
    return feed is not None and hasattr(feed, "seek")
