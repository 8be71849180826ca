"""The counts of each second of a block of several: where a histogram goes over some seconds, rates do not. PURE.

A large fleet sends one histogram of an endpoint in a report, of all seconds of its interval: that is what reports cost.
What is judged and shown by the second (requests, failures, user-time) stands beside it, a number a second:

    12:00:04 … 12:00:07   GET /cart   200 requests   [48, 52, 50, 50]   and one histogram
"""

from __future__ import annotations

from collections.abc import MutableMapping  # noqa: TC003 - annotations are read when it runs
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tidal.model.samples import Block

EACH_MAX = 8
"""Seconds of such a block: it lies within so many, from a multiple of them on, and so do the points of a chart.

Who waits longer for a figure believes that the run stands still.
"""

K = TypeVar("K")
Key = tuple[str, str]
Column = bytes | list[int]
"""A number for each second: bytes where all are below 256."""
_INT_ALONE = {int}


class Each(Struct):
    """A number for each second, of all that is counted by the second."""

    user_ms: dict[str, Column] = field(default_factory=dict)  # by class
    requests: MutableMapping[Key, Column] = field(default_factory=dict)  # by (method, name)
    failures: MutableMapping[Key, Column] = field(default_factory=dict)  # of endpoints that have any

    def ran_ms(self) -> list[int]:
        """The user-time of all classes."""
        return added(list(self.user_ms.values()))

    def of(self, key: Key) -> list[tuple[int, int]]:
        """Requests and failures of an endpoint."""
        requests = self.requests.get(key, b"")
        return list(zip(requests, self.failures.get(key) or bytes(len(requests)), strict=True))

    def only(self, keys: Collection[Key], classes: Collection[str]) -> Each:
        """What is of these endpoints and classes."""
        return Each(
            {name: column for name, column in self.user_ms.items() if name in classes},
            {key: column for key, column in self.requests.items() if key in keys},
            {key: column for key, column in self.failures.items() if key in keys},
        )

    def merge(self, other: Each) -> None:
        """Add another one of the same seconds."""
        _add_all(self.user_ms, other.user_ms)
        _add_all(self.requests, other.requests)
        _add_all(self.failures, other.failures)

    def to_wire(self, keys: Iterable[Key]) -> list[object]:
        """{class: user-time}, [an endpoint's requests …] in the order of the keys, {place: an endpoint's failures}."""
        keys = list(keys)
        failures = {place: _packed(self.failures[key]) for place, key in enumerate(keys) if key in self.failures}
        user_ms = {name: _packed(column) for name, column in sorted(self.user_ms.items())}
        return [user_ms, [_packed(self.requests[key]) for key in keys], failures]

    @property
    def size(self) -> int:
        """How many numbers it has, about."""
        return EACH_MAX * (len(self.user_ms) + len(self.requests) + len(self.failures))

    @classmethod
    def from_wire(cls, wire: object, keys: Sequence[Key], wholes: Sequence[Any], block: Block) -> Each:
        """That of `to_wire`, checked: it adds up to the block's user-time and to its tallies, `wholes` on the wire."""
        if not isinstance(wire, list) or len(wire) != 3 or not isinstance(wire[1], list):
            raise ValueError("the counts of each second are three parts")
        if not 2 <= block.span <= EACH_MAX or block.second % EACH_MAX + block.span > EACH_MAX:
            raise ValueError(f"counts of each second go over 2 to {EACH_MAX} seconds, from a multiple of that on")
        user_ms, requests, failures = wire
        if not isinstance(failures, dict) or len(requests) != len(keys) or not isinstance(user_ms, dict):
            raise ValueError("the counts of each second are those of other endpoints")
        _check(user_ms.values(), [block.user_ms.get(name, -1) for name in user_ms], block.span)
        _check(requests, [whole[0] for whole in wholes], block.span)
        failed = {place: whole[1] for place, whole in enumerate(wholes) if whole[1]}
        if failures.keys() != failed.keys() or user_ms.keys() != block.user_ms.keys():
            raise ValueError("the counts of each second are those of other endpoints or classes")
        _check([failures[place] for place in failed], list(failed.values()), block.span)
        for place in failed:
            if any(map(int.__gt__, failures[place], requests[place])):
                raise ValueError("more failures than requests in a second")
        named = {keys[place]: failures[place] for place in failed}
        return cls(user_ms, dict(zip(keys, requests, strict=True)), named)


def _check(columns: Collection[Any], sums: list[int], span: int) -> None:
    """Refuse columns that are not a number for each second, or do not add up."""
    for column in columns:
        is_plain = type(column) is bytes or (type(column) is list and {*map(type, column)} == _INT_ALONE)
        if not is_plain or len(column) != span or min(column) < 0:
            raise ValueError("a column has a whole number for each second")
    if [*map(sum, columns)] != sums:
        raise ValueError("the counts of each second do not add up")


def added(columns: Sequence[Column]) -> list[int]:
    """The columns added up, second by second."""
    return [*map(sum, zip(*columns, strict=True))]


def _add_all(mine: MutableMapping[Any, Column], more: Mapping[Any, Column]) -> None:
    for key, column in more.items():
        mine[key] = _packed(added([mine[key], column])) if key in mine else column


def _packed(column: Column) -> Column:
    return bytes(column) if max(column, default=0) < 256 else list(column)


# ------------------------------------------------------------------ blocks of a second made one of several


class Spans(NamedTuple):
    """Which seconds a report puts together.

    Attributes:
        span_s: up to so many, from a multiple of it on: a power of two; 1: none.
        edges: seconds at which a block begins at the latest, for what is counted up to there is needed by itself.
        is_last: no report follows: it goes up to the moment.
    """

    span_s: int = 1
    edges: tuple[int, ...] = ()
    is_last: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether what is not over has to wait for the next report."""
        return self.span_s > 1 and not self.is_last

    def end_ms(self, over_ms: int) -> int:
        """Up to when the spans are over that were so at a moment."""
        return over_ms // (self.span_s * 1_000) * self.span_s * 1_000

    def joined(self, blocks: Sequence[Block]) -> tuple[Block, ...]:
        """Blocks of single seconds, in order, as blocks of a span each; others, and what is alone in its span, stay."""
        groups: dict[tuple[object, ...], list[Block]] = {}
        for number, block in enumerate(blocks):
            is_alone = self.span_s == 1 or block.span > 1
            groups.setdefault((number,) if is_alone else self._place(block), []).append(block)
        return tuple(_whole(group) for group in groups.values())

    def _place(self, block: Block) -> tuple[object, ...]:
        part = sum(edge <= block.second for edge in self.edges)
        return (block.second // self.span_s, part, block.is_warmup, block.stage, block.user_class)


SECONDS = Spans()


def _whole(group: list[Block]) -> Block:
    first = group[0]
    if len(group) == 1:
        return first
    span = group[-1].second - first.second + 1
    each = Each(
        _columns([(block.second - first.second, block.user_ms) for block in group], span),
        _columns([(b.second - first.second, {k: t.requests for k, t in b.tallies.items()}) for b in group], span),
        _columns([(b.second - first.second, _failures(b)) for b in group], span),
    )
    for block in group[1:]:
        first.merge(block)
    first.span, first.each = span, each
    return first


def _failures(block: Block) -> dict[Key, int]:
    return {key: tally.failures for key, tally in block.tallies.items() if tally.failures}


def _columns(parts: Sequence[tuple[int, Mapping[K, int]]], span: int) -> dict[K, Column]:
    """The columns of what was counted at these places."""
    columns: dict[K, list[int]] = {}
    for at, counts in parts:
        for key, count in counts.items():
            columns.setdefault(key, [0] * span)[at] += count
    return {key: _packed(column) for key, column in columns.items()}
