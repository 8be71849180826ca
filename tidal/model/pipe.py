"""What an agent and its gevent children say to each other over a pipe: frames of the codec.

A frame is a big-endian uint32 length and one message (`codec.pack_message`). The child's standard input carries
orders; a second pipe carries its answers. End of file on either side means that the other is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tidal.model.events import Block, ClassSpec, Event, ExceptionTally, FailureTally, RunOptions, Track

# ------------------------------------------------------------------ orders, to a generator or a hook host


@dataclass(frozen=True, slots=True)
class Load(Event):
    """Import the locustfile; answered by `Loaded` or `NotLoaded`."""

    KIND = "load"
    root: str  # the folder that holds the files; the child's working folder
    file: str  # relative to the root
    options: RunOptions
    run: str = ""
    number: int = 0  # of the generator within its worker
    side: str = "worker"  # worker, master (the hook host) or inspect (describe and leave)


@dataclass(frozen=True, slots=True)
class SetClock(Event):
    """Redis time minus this machine's CLOCK_MONOTONIC, in µs; sent each beat, so it is the sign of life too."""

    KIND = "clock"
    offset_us: int


@dataclass(frozen=True, slots=True)
class SetShare(Event):
    """The plan with what this generator owns of it, from plan time `from_ms` on; later ones replace earlier ones."""

    KIND = "share"
    number: int  # the plan's; a share may be sent again under the same number when siblings changed
    from_ms: int
    began_ms: int  # Redis time of plan time zero
    tracks: tuple[Track, ...]
    end_ms: int | None
    slots: int  # how many slots there are
    mine: bytes  # the slots owned, as a bit map: bit s%8 of byte s//8
    mix: tuple[ClassSpec, ...]


@dataclass(frozen=True, slots=True)
class Finish(Event):
    """Stop all users; those in a task may finish within the timeout. Answered by `Finished`."""

    KIND = "finish"
    stop_timeout_ms: int


# ------------------------------------------------------------------ answers


@dataclass(frozen=True, slots=True)
class Loaded(Event):
    """The locustfile was imported."""

    KIND = "loaded"
    classes: tuple[ClassSpec, ...]
    needs: tuple[str, ...] = ()  # files below the root that it imported, opened or names: to be shipped


@dataclass(frozen=True, slots=True)
class NotLoaded(Event):
    """The locustfile was not imported: `error` is the name of the TidalError that says it."""

    KIND = "notloaded"
    error: str
    why: str  # one line for the operator, with the place
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Batch(Event):
    """What a generator measured since its last batch; sent several times a second."""

    KIND = "batch"
    from_ms: int
    to_ms: int
    blocks: tuple[Block, ...]
    failures: tuple[FailureTally, ...] = ()
    exceptions: tuple[ExceptionTally, ...] = ()
    users: dict[str, int] = field(default_factory=dict)  # running now, by class
    lag_ms: int = 0  # the worst delay of the generator's own timer since the last batch
    iterations: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """All users have stopped; the last batch was sent before this."""

    KIND = "finished"


ORDERS: tuple[type[Event], ...] = (Load, SetClock, SetShare, Finish)
ANSWERS: tuple[type[Event], ...] = (Loaded, NotLoaded, Batch, Finished)
