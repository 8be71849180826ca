"""What a greenlet is in the middle of: the transactions around it and the tags in force.

A scope is a link in a chain that only grows inwards; who opens one puts it before the other and puts the other back.
It hangs on the greenlet (a context variable) and is handed to the children that the greenlet starts meanwhile. Nobody
has a scope until one is opened, and what that costs the others is one look at a context variable for each request.
"""

from __future__ import annotations

import time
from contextvars import Context, ContextVar
from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent import Greenlet, getcurrent

from tidal.model.measured import DEPTH_MAX, NAME_MAX, TAGS_MAX
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tidal.model.measured import Path

TAG_COUNT_MAX = 8
TAG_NAME_MAX, TAG_VALUE_MAX = 40, 60
_BREAKS = str.maketrans(dict.fromkeys(",={}\"'\n\r\t", "_"))
"""What would end a tag where somebody writes it down."""


class Run:
    """One run of a transaction, from its beginning to its end.

    Attributes:
        scope: what is in force inside; before: the greenlet's scope before it.
        opener: the object that began it, and ends it.
        outer: the run around it.
        path: its name after those of the transactions around it.
        waited_us: how long the greenlet that began it has slept meanwhile.
        requests: that ended inside; failed_requests: those of them that failed.
        is_failed: whether it counts as failed already.
        is_over: whether it has ended: what comes later is not its own.
    """

    __slots__ = (
        "before",
        "began_s",
        "failed_requests",
        "is_failed",
        "is_over",
        "opener",
        "outer",
        "owner",
        "path",
        "requests",
        "scope",
        "waited_us",
    )

    def __init__(self, opener: object, name: str, tags: Mapping[str, Any]) -> None:
        self.opener = opener
        self.before = before = current()
        outer: Run | None = before.run if before is not None else None
        self.outer = outer
        around: Path = outer.path if outer is not None else ()
        self.path: Path = (*around, name) if len(around) < DEPTH_MAX else (*around[: DEPTH_MAX - 1], OTHER)
        self.owner = getcurrent()
        self.waited_us = self.requests = self.failed_requests = 0
        self.is_failed = self.is_over = False
        self.scope = Scope(before, self, tags)
        self.began_s = perf_counter()

    def __repr__(self) -> str:
        return f"<Run of {' / '.join(self.path)}: {self.requests} requests{', failed' if self.is_failed else ''}>"

    def failure(self) -> None:
        """Let this run count as failed, whatever else happens in it."""
        self.is_failed = True

    def count(self, *, failed: bool) -> None:
        """A request has ended inside, so inside of all that are around it as well."""
        run: Run | None = self
        while run is not None:
            if not run.is_over:
                run.requests += 1
                run.failed_requests += failed
                run.is_failed = run.is_failed or failed
            run = run.outer

    def waited(self, us: int) -> None:
        """The greenlet slept: that is waiting of all the runs that it began itself."""
        run: Run | None = self
        here = getcurrent()
        while run is not None and run.owner is here:
            run.waited_us += us
            run = run.outer


def run_of(opener: object) -> Run | None:
    """The innermost run here that this object began."""
    scope = current()
    run = scope.run if scope is not None else None
    while run is not None and run.opener is not opener:
        run = run.outer
    return run


class Scope:
    """A link of the chain.

    Attributes:
        run: the innermost transaction.
        pairs: the tags in force; tags: the same as text.
    """

    __slots__ = ("pairs", "run", "tags")

    def __init__(self, outer: Scope | None, run: Run | None = None, more: Mapping[str, Any] | None = None) -> None:
        self.run: Run | None = run if run is not None else outer.run if outer is not None else None
        known: Mapping[str, str] = outer.pairs if outer is not None else {}
        self.pairs: Mapping[str, str] = {**known, **tag_pairs(more)} if more else known
        self.tags: str = tags_text(self.pairs) if more else outer.tags if outer is not None else ""


_scope: ContextVar[Scope | None] = ContextVar("tidal_scope", default=None)
current = _scope.get
"""The scope of this greenlet; None for who has opened none."""
_is_ready = [False]


def enter(scope: Scope | None) -> None:
    """From now on this greenlet is in that scope; None: in none."""
    if not _is_ready[0]:
        _is_ready[0] = True
        Greenlet.add_spawn_callback(_hand_down)
    _scope.set(scope)


def _hand_down(child: Any) -> None:
    """A greenlet is started: it is in the middle of what its starter is in."""
    scope = current()
    if scope is not None and child.gr_context is None:
        child.gr_context = context = Context()
        context.run(_scope.set, scope)


def user_here() -> Any:
    """The user whose greenlet, or whose greenlet's child, this is; None for anybody else."""
    return next((greenlet.user for greenlet in spawners(getcurrent()) if getattr(greenlet, "user", None)), None)


def spawners(greenlet: Any) -> Iterator[Any]:
    """A greenlet, who started it, who started that, and so on, as far as they are still there."""
    for _ in range(20):
        if greenlet is None:
            return
        yield greenlet
        spawner = getattr(greenlet, "spawning_greenlet", None)
        greenlet = spawner() if spawner is not None else None


# ------------------------------------------------------------------ tags as text


def tag_pairs(tags: Mapping[str, Any]) -> dict[str, str]:
    """Names and values as they are kept: short, and without what would end them; ValueError for too many."""
    if len(tags) > TAG_COUNT_MAX:
        raise ValueError(f"{len(tags)} tags where {TAG_COUNT_MAX} are allowed: {', '.join(list(tags)[:12])}")
    return {_plain(name, TAG_NAME_MAX): _plain(value, TAG_VALUE_MAX) for name, value in tags.items()}


def _plain(value: Any, most: int) -> str:
    text = value if isinstance(value, str) else str(value)
    return text[:most].translate(_BREAKS).encode("utf-8", "replace").decode()


def tags_text(pairs: Mapping[str, str]) -> str:
    """`region=eu,tier=pro`, by name: equal tags make equal text."""
    if len(pairs) > TAG_COUNT_MAX:
        raise ValueError(f"{len(pairs)} tags where {TAG_COUNT_MAX} are allowed: {', '.join(list(pairs)[:12])}")
    return ",".join(f"{name}={pairs[name]}" for name in sorted(pairs))[:TAGS_MAX]


def tags_with(more: Mapping[str, Any]) -> str:
    """The tags in force here, with more of them."""
    scope = current()
    if not more:
        return scope.tags if scope is not None else ""
    return tags_text({**(scope.pairs if scope is not None else {}), **tag_pairs(more)})


def short_name(name: Any, what: str) -> str:
    """A name as it is kept; ValueError for none."""
    text = name if isinstance(name, str) else str(name)
    if not text:
        raise ValueError(f"a {what} needs a name")
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= NAME_MAX else f"{text[: NAME_MAX - 1]}…"


# ------------------------------------------------------------------ sleeping


def watch_sleeping() -> None:
    """Let `time.sleep` and `gevent.sleep` tell the transactions around them; before the file is imported, once."""
    if hasattr(gevent.sleep, "tells_transactions"):
        return
    asleep = gevent.sleep

    @wraps(asleep)
    def sleep(seconds: float = 0, ref: bool = True) -> None:  # noqa: FBT001, FBT002 - gevent's signature
        scope = current()
        if scope is None or scope.run is None:
            asleep(seconds, ref)
            return
        began_s = perf_counter()
        try:
            asleep(seconds, ref)
        finally:
            scope.run.waited(round((perf_counter() - began_s) * 1e6))

    sleep.tells_transactions = True  # type: ignore[attr-defined] # a mark for the next call
    gevent.sleep = time.sleep = cast("Any", sleep)
