"""What the parts of the bus that need no stream are built on; `bus.Bus` has it, and they know nothing of redis-py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

R = TypeVar("R")


class Primitives:
    """Commands in one round trip, and transactions under WATCH. Both raise `BusError` when Redis fails."""

    def _run(self, *commands: Sequence[Any]) -> list[Any]:
        """Raw commands in one round trip, without a transaction."""
        raise NotImplementedError

    def _watched(
        self, watch: Iterable[str], look: Callable[[Any], Callable[[], R] | None]
    ) -> tuple[R, list[Any]] | None:
        """Look under WATCH; when `look` gives a queue, run it as a transaction: its value and the answers."""
        raise NotImplementedError

    def _if_ours(self, key: str, value: str, queue: Callable[[Any], object]) -> list[Any] | None:
        """Do what `queue` adds to a transaction while `key` has `value`: its answers, or None when it has not."""

        def look(pipe: Any) -> Callable[[], object] | None:
            return (lambda: queue(pipe)) if pipe.get(key) == value.encode() else None

        done = self._watched((key,), look)
        return done[1] if done else None
