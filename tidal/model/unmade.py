"""A map that is made once somebody looks: what most who hand it on never do. PURE."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Unmade(MutableMapping[K, V]):
    """A map that is made once somebody looks."""

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[], dict[K, V]]) -> None:
        self._make: Callable[[], dict[K, V]] | None = make
        self._known: dict[K, V] = {}

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[type[dict[K, V]], tuple[dict[K, V]]]:
        """A copy, or what is pickled, is a plain one."""
        return dict, (self._all(),)

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has looked."""
        return self._make is not None

    def _all(self) -> dict[K, V]:
        if self._make is not None:
            self._known, self._make = self._make(), None
        return self._known

    def __getitem__(self, key: K) -> V:
        return self._all()[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._all()[key] = value

    def __delitem__(self, key: K) -> None:
        del self._all()[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def keys(self) -> KeysView[K]:
        """As a map's."""
        return self._all().keys()

    def values(self) -> ValuesView[V]:
        """As a map's."""
        return self._all().values()

    def items(self) -> ItemsView[K, V]:
        """As a map's."""
        return self._all().items()
