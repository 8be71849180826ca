# ruff: noqa: TRY004 - ValueError is the one exception that the codec turns into BadEntry
"""Records to plain msgpack values and back, checked against their annotations.

A record becomes a map from field name to value. On the way back every value is held to its annotation:
a wrong type, a missing field without a default or a number that is not finite raises ValueError;
a field that this version does not know is ignored. Fields that begin with `_` hold what follows from the others and do
not travel. Classes with columns of their own (`Tally`, `Block`)
bring `to_wire` and `from_wire`. Maps and sets are written in the order of their keys, so that equal values make equal
bytes; a map whose keys are tuples becomes a list of pairs.
"""

from __future__ import annotations

import math
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from tidal.model.struct import is_record, lasting_fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

INT_MAX = (1 << 63) - 1
"""A larger sum is written as this, so that a state can always be packed; sums only grow, so equal sums stay equal."""


def to_wire(value: Any) -> Any:
    """A value made of records, tuples, lists, dicts and scalars, as msgpack can carry it."""
    return _writer_of(value.__class__)(value)


@cache
def _writer_of(cls: type) -> Callable[[Any], Any]:
    """A function that makes a plain value of one of this class: found once, for a state has a million values."""
    if hasattr(cls, "to_wire"):
        return cls.to_wire  # type: ignore[no-any-return]
    if is_record(cls):
        names = tuple(field.name for field in lasting_fields_of(cls))
        return lambda value: {name: to_wire(getattr(value, name)) for name in names}
    if issubclass(cls, tuple | list):
        return lambda value: [to_wire(item) for item in value]
    if issubclass(cls, set):
        return sorted
    if issubclass(cls, dict):
        return _map_to_wire
    return _int_to_wire if cls is int else lambda value: value


def _int_to_wire(value: int) -> int:
    return max(-INT_MAX, min(value, INT_MAX))


def _map_to_wire(value: dict[Any, Any]) -> Any:
    rows = [(key, to_wire(value[key])) for key in sorted(value)]
    return [[list(key), item] for key, item in rows] if rows and isinstance(rows[0][0], tuple) else dict(rows)


def from_wire(kind: Any, wire: Any) -> Any:
    """The value of type `kind` that `to_wire` made `wire` of; ValueError says what does not fit."""
    return reader_of(kind)(wire)


@cache
def reader_of(kind: Any) -> Callable[[Any], Any]:  # noqa: PLR0911 - one return a kind reads as a table
    """A function that checks and converts one wire value to `kind`."""
    origin, args = get_origin(kind), get_args(kind)
    if hasattr(kind, "from_wire"):
        return kind.from_wire  # type: ignore[no-any-return]
    if is_record(kind):
        return record_reader(kind)
    if origin in (Union, UnionType):
        return _optional_reader(args)
    if origin is tuple:
        return _tuple_reader(args)
    if origin is list:
        return _list_reader(reader_of(args[0]))
    if origin is set:
        item = reader_of(args[0])
        return lambda wire: {item(x) for x in _list(wire)}
    if origin is dict:
        return _read_int_map if args == (int, int) else _dict_reader(reader_of(args[0]), reader_of(args[1]))
    return _scalar_reader(kind)


def record_reader(cls: Any) -> Callable[[Any], Any]:
    """A function that checks and converts a map to a record; names that it does not know are ignored."""
    hints = get_type_hints(cls)
    slots = lasting_fields_of(cls)
    readers: dict[str, Callable[[Any], Any]] = {}

    def read(wire: Any) -> Any:
        if not isinstance(wire, dict):
            raise ValueError(f"{cls.__name__} is not a map")
        if not readers:  # on first use, so that classes may name each other
            readers.update((name, reader_of(hints[name])) for name, _ in slots)
        values = {}
        for name, required in slots:
            if name in wire:
                values[name] = readers[name](wire[name])
            elif required:
                raise ValueError(f"{cls.__name__} has no {name}")
        return cls(**values)

    return read


def _optional_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    (inner,) = [reader_of(a) for a in args if a is not NoneType]
    return lambda wire: None if wire is None else inner(wire)


def _tuple_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if args[1:] == (...,):
        item = reader_of(args[0])
        return lambda wire: tuple([item(x) for x in _list(wire)])
    if set(args) == {int}:
        return lambda wire: _ints(_list(wire), len(args))
    readers = [reader_of(a) for a in args]
    return lambda wire: tuple([r(x) for r, x in zip(readers, _list(wire), strict=True)])


def _list_reader(item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda wire: [item(x) for x in _list(wire)]


def _dict_reader(key: Callable[[Any], Any], item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(wire: Any) -> dict[Any, Any]:
        if isinstance(wire, list):  # keys that are tuples: msgpack has no such maps
            return {key(k): item(v) for k, v in map(_list, wire)}
        if not isinstance(wire, dict):
            raise ValueError("not a map")
        return {key(k): item(v) for k, v in wire.items()}

    return read


def _list(wire: Any) -> list[Any]:
    if not isinstance(wire, list):
        raise ValueError("not a list")
    return wire


def _scalar_reader(kind: Any) -> Callable[[Any], Any]:
    if kind is Any:
        return lambda wire: wire
    if kind is float:
        return _read_float
    if kind is int:
        return _read_int

    def read(wire: Any) -> Any:
        if type(wire) is not kind:
            raise ValueError(f"{type(wire).__name__} where {kind.__name__} belongs")
        return wire

    return read


def _read_int(wire: Any) -> int:
    if type(wire) is not int:
        raise ValueError(f"{type(wire).__name__} where int belongs")
    if not -INT_MAX <= wire <= INT_MAX:
        raise ValueError("not a whole number of 63 bits")
    return wire


_ONLY_INT = {int}


def _read_int_map(wire: Any) -> dict[int, int]:
    """A map of whole numbers, held to that all at once: a keyframe has some hundred thousand of them."""
    if not isinstance(wire, dict):
        raise ValueError("not a map")
    _check_ints(wire)
    _check_ints(wire.values())
    return wire


def _ints(wire: list[Any], count: int) -> tuple[int, ...]:
    if len(wire) != count:
        raise ValueError(f"{len(wire)} values where {count} belong")
    _check_ints(wire)
    return tuple(wire)


def _check_ints(values: Collection[Any]) -> None:
    if values and (set(map(type, values)) != _ONLY_INT or min(values) < -INT_MAX or max(values) > INT_MAX):
        for value in values:
            _read_int(value)  # says what is wrong


def are_ints(wire: Any) -> bool:
    """Whether it is a list of nothing but whole numbers of 63 bits; ValueError says which is none."""
    _check_ints(_list(wire))
    return True


def _read_float(wire: Any) -> float:
    if type(wire) not in (float, int) or not math.isfinite(wire):
        raise ValueError("not a finite number")
    return float(wire)
