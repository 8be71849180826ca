"""Positions of a counter as spans: (first, how many), in order, apart from each other. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[int, int]
Spans = tuple[Span, ...]

SHOWN_MAX = 6


def merged(*groups: Iterable[Span]) -> Spans:
    """All of these positions, in order, neighbours joined."""
    found: list[Span] = []
    for first, count in sorted(span for group in groups for span in group if span[1] > 0):
        if found and first <= sum(found[-1]):
            start, _ = found[-1]
            found[-1] = (start, max(sum(found[-1]), first + count) - start)
        else:
            found.append((first, count))
    return tuple(found)


def shared(a: Iterable[Span], b: Iterable[Span]) -> Spans:
    """The positions that are in both."""
    left, right = list(merged(a)), list(merged(b))
    found = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, end = max(left[i][0], right[j][0]), min(sum(left[i]), sum(right[j]))
        if first < end:
            found.append((first, end - first))
        if sum(left[i]) < sum(right[j]):
            i += 1
        else:
            j += 1
    return tuple(found)


def without(a: Iterable[Span], b: Iterable[Span]) -> Spans:
    """The positions of `a` that are not in `b`."""
    holes = merged(b)
    found = []
    for first, count in merged(a):
        at, end = first, first + count
        for hole, width in holes:
            if hole + width > at and hole < end:
                found.append((at, max(0, hole - at)))
                at = hole + width
        found.append((at, max(0, end - at)))
    return merged(found)


def total(spans: Iterable[Span]) -> int:
    """How many positions these are."""
    return sum(count for _, count in spans)


def first_of(spans: Iterable[Span], count: int) -> Spans:
    """The lowest `count` positions, or as many as there are."""
    found = []
    for first, width in spans:
        if count <= 0:
            break
        found.append((first, min(width, count)))
        count -= width
    return tuple(found)


def in_words(spans: Iterable[Span]) -> str:
    """For people: 200-299, 310, 320-325."""
    told = [str(first) if count == 1 else f"{first}-{first + count - 1}" for first, count in spans]
    more = [f"and {len(told) - SHOWN_MAX} more"] if len(told) > SHOWN_MAX else []
    return ", ".join([*told[:SHOWN_MAX], *more])
