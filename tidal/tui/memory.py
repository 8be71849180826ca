"""What a terminal remembers between runs, and what its config file says. Pure: files are the command line's.

Remembered is what was chosen by hand: the theme, each table's order and columns, the form's fields for each file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRIES_MAX = 200


class Memory(Protocol):
    """Values by name; a value is what JSON can carry."""

    def get(self, name: str) -> Any:
        """The value, None when there is none."""
        ...

    def put(self, name: str, value: Any) -> None:
        """Remember a value."""
        ...


class ShortMemory:
    """A memory that ends with the process.

    Attributes:
        values: by name, the oldest first.
    """

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.values = {} if values is None else values

    def get(self, name: str) -> Any:
        """The value, None when there is none."""
        return self.values.get(name)

    def put(self, name: str, value: Any) -> None:
        """Remember a value; the oldest ones go when there are too many."""
        self.values.pop(name, None)
        self.values[name] = value
        while len(self.values) > ENTRIES_MAX:
            del self.values[next(iter(self.values))]


class Settings(Struct, frozen=True):
    """What the config file says of the terminal."""

    theme: str = ""
    charts: str = ""  # braille, block or ascii
    keys: Mapping[str, str] = field(default_factory=dict)  # action → keys with commas between


class TableMemory(Struct, frozen=True):
    """How a table was left."""

    sort: str = ""
    down: bool = False
    hidden: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {"sort": self.sort, "down": self.down, "hidden": list(self.hidden)}

    @classmethod
    def of(cls, value: Any) -> TableMemory:
        """The memory of `to_json`; anything else is none."""
        if not isinstance(value, dict):
            return cls()
        sort, hidden = value.get("sort"), value.get("hidden")
        texts = [key for key in hidden if isinstance(key, str)] if isinstance(hidden, list) else []
        return cls(sort if isinstance(sort, str) else "", value.get("down") is True, tuple(texts))
