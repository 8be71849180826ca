"""What the target saw, as figures: gaps, doubles, pace. Pure: from arrivals to numbers.

An arrival is (Unix ms, user, sender). A user of a pace is there as long as its requests follow one another by it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Arrival = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Gap:
    """A user was missing: between two of its requests, or before the end."""

    user: str
    from_ms: int
    to_ms: int


def by_user(arrivals: Iterable[Arrival]) -> dict[str, list[Arrival]]:
    """Each user's requests in their order."""
    found = defaultdict(list)
    for arrival in sorted(arrivals):
        found[arrival[1]].append(arrival)
    return found


def lateness_ms(arrivals: Sequence[Arrival], pace_ms: int) -> int:
    """By how much the worst request was later than its pace: how busy the machine is."""
    users = by_user(arrivals).values()
    return max((b[0] - a[0] - pace_ms for own in users for a, b in itertools.pairwise(own)), default=0)


def gaps(arrivals: Sequence[Arrival], users: Iterable[str], span_ms: tuple[int, int], most_ms: int) -> list[Gap]:
    """Every stretch longer than `most_ms` in which a user sent nothing, within the span."""
    found = []
    own = by_user(arrivals)
    for user in users:
        moments = [ms for ms, _, _ in own.get(user, []) if span_ms[0] <= ms < span_ms[1]]
        edges = [span_ms[0], *moments, span_ms[1]]
        found += [Gap(user, a, b) for a, b in itertools.pairwise(edges) if b - a > most_ms]
    return found


def missing_ms(found: Iterable[Gap], pace_ms: int) -> int:
    """User time in gaps: a pace of each gap is the user's ordinary wait, half of which it had on average behind it."""
    return sum(gap.to_ms - gap.from_ms - pace_ms for gap in found)


def doubles(arrivals: Sequence[Arrival], most_ms: int) -> list[Gap]:
    """Every stretch in which a user sent from two processes at the same time."""
    found = []
    for user, own in by_user(arrivals).items():
        lives = [life for sender in {s for _, _, s in own} for life in _lives(own, sender, most_ms)]
        lives.sort()
        for number, (_, end_ms) in enumerate(lives):
            for from_ms, to_ms in lives[number + 1 :]:
                if from_ms < min(end_ms, to_ms):
                    found.append(Gap(user, from_ms, min(end_ms, to_ms)))
    return found


def _lives(own: list[Arrival], sender: str, most_ms: int) -> list[tuple[int, int]]:
    """First and last request of each stretch in which a sender's requests followed one another."""
    lives: list[tuple[int, int]] = []
    for ms in (ms for ms, _, s in own if s == sender):
        if lives and ms - lives[-1][1] <= most_ms:
            lives[-1] = (lives[-1][0], ms)
        else:
            lives.append((ms, ms))
    return lives


def share_of_plan(arrivals: Sequence[Arrival], users: int, pace_ms: int, span_ms: tuple[int, int]) -> float:
    """Requests within a span, as a share of what the plan wants; the span is cut to whole paces."""
    paces = (span_ms[1] - span_ms[0]) // pace_ms
    if paces < 1:
        return 1.0
    end_ms = span_ms[0] + paces * pace_ms
    return sum(span_ms[0] <= ms < end_ms for ms, _, _ in arrivals) / (paces * users)


def pace_of_plan(arrivals: Sequence[Arrival], users: Sequence[str], pace_ms: int, span_ms: tuple[int, int]) -> float:
    """The users' mean pace within a span, as a share of the plan's: it knows no edges, as counting would."""
    own = by_user(a for a in arrivals if span_ms[0] <= a[0] < span_ms[1])
    shares = []
    for user in users:
        moments = [ms for ms, _, _ in own.get(user, [])]
        steps = len(moments) - 1
        shares.append(steps * pace_ms / (moments[-1] - moments[0]) if steps > 0 else 0.0)
    return sum(shares) / max(1, len(shares))


def peak_of_plan(arrivals: Sequence[Arrival], users: int, pace_ms: int, span_ms: tuple[int, int]) -> float:
    """The highest share of the plan over any two seconds."""
    starts = range(span_ms[0], max(span_ms[0] + 1, span_ms[1] - 2_000), pace_ms // 2)
    return max(share_of_plan(arrivals, users, pace_ms, (at, at + 2_000)) for at in starts)
