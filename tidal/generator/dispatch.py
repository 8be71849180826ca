"""Which users of which class run where, step by step: Locust's `UsersDispatcher`, for runs in this very process.

Runs that tidal leads do not use it: their plan says who runs, and workers follow it by themselves.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import gevent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Counts = dict[str, dict[str, int]]


def next_class(classes: Iterable[Any], counts: dict[str, int]) -> str | None:
    """The class of the next user: one with a fixed count that is short of it, else the furthest behind its weight."""
    classes = sorted(classes, key=lambda cls: cls.__name__)
    short = [cls for cls in classes if cls.fixed_count and counts.get(cls.__name__, 0) < cls.fixed_count]
    if short:
        return str(min(short, key=lambda cls: counts.get(cls.__name__, 0)).__name__)
    weighted: dict[str, float] = {cls.__name__: cls.weight for cls in classes if not cls.fixed_count and cls.weight > 0}
    if not weighted:
        return None
    step = sum(counts.get(name, 0) for name in weighted) + 1
    total = sum(weighted.values())
    return max(weighted, key=lambda name: weighted[name] * step / total - counts.get(name, 0))


def split(classes: Sequence[Any], users: int) -> dict[str, int]:
    """How many users of each class there are among so many."""
    counts = {cls.__name__: 0 for cls in classes}
    for _ in range(users):
        name = next_class(classes, counts)
        if name is None:
            break
        counts[name] += 1
    return counts


class UsersDispatcher:
    """An iterator over the users wanted on each worker, at the pace of the spawn rate: it sleeps between its steps.

    Args:
        worker_nodes: the workers; their `id` is all that is used.
        user_classes: the user classes.
    """

    def __init__(self, worker_nodes: Sequence[Any], user_classes: Sequence[Any]) -> None:
        self._worker_nodes = list(worker_nodes)
        self._user_classes = list(user_classes)
        self._names = [cls.__name__ for cls in user_classes]
        self._active: list[tuple[str, str]] = []  # worker, class; the last one stops first
        self._by_class = dict.fromkeys(self._names, 0)
        self._steps: Iterator[Counts] = iter(())
        self._target = 0
        self._spawn_rate = 1.0
        self._dispatch_in_progress = False
        self.dispatch_iteration_durations: list[float] = []

    def __iter__(self) -> Iterator[Counts]:
        return self

    def __next__(self) -> Counts:
        return next(self._steps)

    @property
    def dispatch_in_progress(self) -> bool:
        """Whether the users wanted are not yet those that were asked for."""
        return self._dispatch_in_progress

    def get_current_user_count(self) -> int:
        """Users wanted now."""
        return len(self._active)

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: Sequence[Any] | None = None
    ) -> None:
        """From now on: go to this number of users at this rate; ValueError for what cannot be."""
        if target_user_count < 0:
            raise ValueError(f"target_user_count must be >= 0, got {target_user_count}")
        if spawn_rate <= 0 or not math.isfinite(spawn_rate):
            raise ValueError(f"spawn_rate must be a finite number above 0, got {spawn_rate}")
        if user_classes is not None:
            self._user_classes = list(user_classes)
        self._target, self._spawn_rate = target_user_count, spawn_rate
        self.dispatch_iteration_durations.clear()
        self._steps = self._dispatch()

    def add_worker(self, worker_node: Any) -> None:
        """A worker has come: users are spread anew."""
        self._worker_nodes.append(worker_node)
        self._spread()

    def remove_worker(self, worker_node: Any) -> None:
        """A worker has gone: its users go to the others."""
        self._worker_nodes = [node for node in self._worker_nodes if node.id != worker_node.id]
        self._spread()

    def _spread(self) -> None:
        if self._worker_nodes:
            self._active = [(self._node(place), name) for place, (_, name) in enumerate(self._active)]

    def _node(self, place: int) -> str:
        return str(self._worker_nodes[place % len(self._worker_nodes)].id)

    def _dispatch(self) -> Iterator[Counts]:
        """One step for each batch of users, the last without a sleep after it; at least one step."""
        batch = max(1, math.floor(self._spawn_rate))
        self._dispatch_in_progress = True
        due_s = time.perf_counter()
        while True:
            began_s = time.perf_counter()
            moved = self._step(batch)
            self.dispatch_iteration_durations.append(time.perf_counter() - began_s)
            if not moved or len(self._active) == self._target:
                self._dispatch_in_progress = False
            yield self._counts()
            if not self._dispatch_in_progress:
                return
            due_s = max(due_s + batch / self._spawn_rate, time.perf_counter())
            gevent.sleep(due_s - time.perf_counter())

    def _step(self, batch: int) -> bool:
        """Up to so many users more or fewer; whether anything changed."""
        before = len(self._active)
        for _ in range(min(batch, abs(self._target - before))):
            if self._target < before:
                self._by_class[self._active.pop()[1]] -= 1
            elif (name := next_class(self._user_classes, self._by_class)) is not None:
                self._active.append((self._node(len(self._active)), name))
                self._by_class[name] = self._by_class.get(name, 0) + 1
        return len(self._active) != before

    def _counts(self) -> Counts:
        result: Counts = {str(node.id): dict.fromkeys(self._names, 0) for node in self._worker_nodes}
        for node, name in self._active:
            result[node][name] = result[node].get(name, 0) + 1
        return result
