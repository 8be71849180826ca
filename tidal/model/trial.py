"""What `tidal check` and its gevent child say to each other: what a locustfile has, then what its users do once.

    Load ──▶ child ──▶ Loaded and Outline, or NotLoaded
    Try  ──▶ child ──▶ Step, Tried, Printed, Raised as they happen, Ended at last

Every text in here is bounded where it is made, and was redacted there.
"""

from __future__ import annotations

from tidal.model.events import Event
from tidal.model.struct import Struct

DEPTH_MAX = 20
"""So deep may sets of tasks lie in each other."""

ENDS = {"check": True, "unheld": False, "transaction": True, "broken": False}
"""Kinds of steps that tell what became of a soft check or of a transaction, and whether it is what was hoped for."""


class TaskRow(Struct, frozen=True):
    """A task of a class, or a set of tasks with its own below it."""

    name: str
    depth: int = 0
    share: float = 1.0  # of the picks of the set that it is in; of a sequence: 1
    kind: str = "task"  # task, set, sequence or markov
    tags: tuple[str, ...] = ()
    place: str = ""  # file:line


class ClassRow(Struct, frozen=True):
    """A user class, as its author wrote it."""

    name: str
    base: str = ""  # the class of tidal's that it is one of
    weight: float = 1.0
    fixed_count: int = 0
    host: str = ""
    place: str = ""  # file:line
    tasks: tuple[TaskRow, ...] = ()
    notes: tuple[str, ...] = ()  # what its author may not have meant


class Try(Event, frozen=True):
    """Order: let one user of each class do each of its tasks once."""

    KIND = "try"
    within_ms: int = 60_000
    is_traced: bool = False  # tell headers and bodies
    redact: tuple[str, ...] = ()  # the user's own rules: names, and patterns between slashes


class Outline(Event, frozen=True):
    """Answer: what the file has."""

    KIND = "outline"
    classes: tuple[ClassRow, ...]


class Step(Event, frozen=True):
    """Answer: a user begins something, or what became of it."""

    KIND = "step"
    kind: str  # user, on_start, task, set, on_stop, skipped (was not come to), note, and what stands in ENDS
    name: str
    depth: int = 0
    took_us: int = 0  # of a transaction, with its waits
    requests: int = 0  # in a transaction


class Tried(Event, frozen=True):
    """Answer: a request was finished."""

    KIND = "tried"
    method: str
    name: str
    took_us: int | None = None
    size: int = 0
    status: int = 0  # 0: no answer, or not HTTP
    error: str = ""
    url: str = ""
    sent: tuple[tuple[str, str], ...] = ()  # headers, when traced
    sent_body: str = ""
    got: tuple[tuple[str, str], ...] = ()
    got_body: str = ""  # when traced, or when the request failed


class Printed(Event, frozen=True):
    """Answer: a line that user code printed or logged."""

    KIND = "printed"
    text: str


class Raised(Event, frozen=True):
    """Answer: user code raised."""

    KIND = "raised"
    where: str  # the task, on_start …
    message: str
    places: tuple[str, ...] = ()  # the user's own lines, the outermost first: "file:line in function", with the code


class Ended(Event, frozen=True):
    """Answer: all users have gone."""

    KIND = "ended"
    unfinished: str = ""  # what had not come back in time, and where it stands
    hook_failures: int = 0  # listeners that raised
    exit_code: int | None = None  # `environment.process_exit_code`


ORDERS: tuple[type[Event], ...] = (Try,)
ANSWERS: tuple[type[Event], ...] = (Outline, Step, Tried, Printed, Raised, Ended)
