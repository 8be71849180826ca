"""By what a sample can be cut later: the stage of the plan that is on, and the class of the user that sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import getcurrent

from tidal.generator.scopes import spawners

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.events import StageSpec

EVER_MS = 1 << 62


class Stages:
    """The stages of the newest plan, in Redis time.

    A plan that changes later stages keeps the earlier ones, so the newest tells of every moment.

    Args:
        changed: called when a plan came.

    Attributes:
        known_us: from when to when the last answer of `at` holds.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._stages: list[tuple[int, int, str]] = []  # from ms, to ms, name
        self.known_us = (0, 0)  # from, to: so long the last answer holds
        self._name = ""

    def __repr__(self) -> str:
        return f"<Stages {self._stages}>"

    def put(self, stages: tuple[StageSpec, ...], began_ms: int) -> None:
        """What a plan says."""
        self._stages = [(began_ms + s.from_ms, began_ms + s.to_ms, s.name) for s in stages]
        self.known_us = (0, 0)
        self._changed()

    def at(self, now_us: int) -> str:
        """The name of the stage that is on at a moment; "" where there is none."""
        if not self.known_us[0] <= now_us < self.known_us[1]:
            self._look(now_us // 1000)
        return self._name

    def end_ms(self, now_ms: int) -> int:
        """When what `at` says of a moment may change next."""
        self.at(now_ms * 1000)
        return self.known_us[1] // 1000

    def _look(self, now_ms: int) -> None:
        self._name = next((name for from_ms, to_ms, name in self._stages if from_ms <= now_ms < to_ms), "")
        edges_ms = [edge_ms for from_ms, to_ms, _ in self._stages for edge_ms in (from_ms, to_ms)]
        begin_ms = max((ms for ms in edges_ms if ms <= now_ms), default=0)
        end_ms = min((ms for ms in edges_ms if ms > now_ms), default=EVER_MS)
        self.known_us = (begin_ms * 1000, end_ms * 1000)


def class_of_caller() -> str:
    """The class of the user in whose greenlet, or in a child of whose, this is called; "" in anybody else's."""
    here = getcurrent()
    name: str | None = getattr(here, "user_class", None)
    return name if name is not None else _inherited(here)


def _inherited(child: Any) -> str:
    """The class of the nearest greenlet above that has one; it is kept with the child, who asks for each request."""
    child.user_class = name = next((g.user_class for g in spawners(child) if getattr(g, "user_class", "")), "")
    return name
