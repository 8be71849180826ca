"""What records are made of: msgspec's structs, which C makes, compares and copies (docs/decisions/0105).

A struct is written as a dataclass is, and a type checker knows it as one. Python spends half a millisecond on making a
frozen dataclass and a microsecond and a half on each of its objects; a struct takes a fifteenth of either or less. What
is made without its fields, and has them once somebody looks, stays a dataclass: a tally and a spread.
"""

from __future__ import annotations

from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from msgspec import NODEFAULT, Struct, field, to_builtins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from dataclasses import replace  # a type checker knows which fields there are
else:
    from msgspec.structs import replace

__all__ = [
    "Discreet",
    "Field",
    "Remembering",
    "Struct",
    "asdict",
    "field",
    "fields_of",
    "is_record",
    "lasting_fields_of",
    "replace",
]


class Remembering(Struct):
    """A struct whose fields that begin with `_` follow from the others: they are neither compared nor printed."""

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __eq__(self, other: object) -> bool:
        names = [name for name in self.__struct_fields__ if not name.startswith("_")]
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in names)

    def __repr__(self) -> str:
        return _told(self, [name for name in self.__struct_fields__ if not name.startswith("_")])


class Discreet(Struct, frozen=True):
    """A struct that is printed without some of its fields: they hold passwords, or a whole page."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return _told(self, [name for name in self.__struct_fields__ if name not in self.HIDDEN])


def _told(record: Struct, names: Iterable[str]) -> str:
    return f"{type(record).__name__}({', '.join(f'{name}={getattr(record, name)!r}' for name in names)})"


class Field(NamedTuple):
    """A field of a record's class."""

    name: str
    is_required: bool


def is_record(kind: Any) -> bool:
    """Whether it is a class of structs, or of dataclasses."""
    return isinstance(kind, type) and (issubclass(kind, Struct) or hasattr(kind, "__dataclass_fields__"))


def fields_of(kind: Any) -> tuple[Field, ...]:
    """The fields of a record's class, in their order."""
    if not issubclass(kind, Struct):
        rows = dataclass_fields(kind)
        return tuple(Field(one.name, one.default is MISSING and one.default_factory is MISSING) for one in rows)
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    needed = len(names) - len(defaults)
    return tuple(Field(name, at < needed or defaults[at - needed] is NODEFAULT) for at, name in enumerate(names))


def lasting_fields_of(kind: Any) -> tuple[Field, ...]:
    """Those that do not follow from the others: what begins with `_` does, and does not travel."""
    return tuple(field for field in fields_of(kind) if not field.name.startswith("_"))


def asdict(record: Struct) -> dict[str, Any]:
    """A record and all that it is made of as maps by field; what is no text, number, list or map becomes text."""
    return dict(to_builtins(record))
