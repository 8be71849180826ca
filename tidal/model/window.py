"""What was counted in the last seconds, found by looking at the sums of a run now and then.

    sums at 10.0, 11.0, 12.0 s …  ──look──▶  what came in each whole second  ──▶  a rate, a percentile of the window

Of each look only what changed is kept, and only as long as the window is: memory is bounded by the samples of a few
seconds and one copy of the sums. Time is handed in.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tidal.model.stats import Tally
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.stats import Histogram

Key = tuple[str, str]


class Change(Struct):
    """What came up to a moment."""

    to_s: float
    tallies: dict[Key, Tally] = field(default_factory=dict)


class Window:
    """The changes of the last seconds.

    Args:
        span_s: how long the window is; one second more or less, for it ends where somebody looked.
        since_s: since when the sums at the first look count; None: what they were then belongs to no window.
    """

    def __init__(self, span_s: float, since_s: float | None = None) -> None:
        self.span_s = span_s
        self._since_s = since_s
        self._seen: dict[Key, Tally] = {}
        self._changes: deque[Change] = deque()

    def __repr__(self) -> str:
        return f"<Window of {self.span_s:g} s, {len(self._changes)} changes>"

    @property
    def covered_s(self) -> float:
        """How many seconds the changes cover; 0 before there are two looks."""
        if self._since_s is None or not self._changes:
            return 0.0
        return max(0.0, self._changes[-1].to_s - self._since_s)

    def look(self, now_s: float, tallies: Mapping[Key, Tally]) -> None:
        """Take in the sums as they are now; a sum that became smaller was begun anew."""
        is_first = self._since_s is None
        if is_first:
            self._since_s = now_s
        if not self._changes or int(now_s) != int(self._changes[-1].to_s):
            self._changes.append(Change(now_s))
        change = self._changes[-1]
        change.to_s = max(change.to_s, now_s)
        for key, tally in tallies.items():
            self._count(change, key, tally, keep=not is_first)
        for key in [k for k in self._seen if k not in tallies]:
            del self._seen[key]
        self._forget(change.to_s - self.span_s)

    def _count(self, change: Change, key: Key, tally: Tally, *, keep: bool) -> None:
        before = self._seen.get(key)
        if before is not None and (before.requests, before.failures) == (tally.requests, tally.failures):
            return
        if keep:
            came = difference(tally, before)
            if key in change.tallies:
                change.tallies[key].merge(came)
            else:
                change.tallies[key] = came
        self._seen[key] = tally.copy()

    def _forget(self, before_s: float) -> None:
        while len(self._changes) > 1 and self._changes[0].to_s <= before_s:
            self._since_s = self._changes.popleft().to_s

    def of(self, key: Key | None) -> Tally:
        """What came of one endpoint, or of all of them (None)."""
        total = Tally()
        for change in self._changes:
            for tally in change.tallies.values() if key is None else [change.tallies.get(key, _NOTHING)]:
                total.merge(tally)
        return total

    def rates(self, key: Key | None, began_s: float = 0.0) -> tuple[float, float]:
        """Requests and failures a second of one endpoint, or of all of them (None), since `began_s` at the most."""
        if not self.covered_s:
            return 0.0, 0.0
        tally = self.of(key)
        ran_s = max(1.0, min(self.covered_s, self._changes[-1].to_s - began_s))  # less than a second is no rate
        return tally.requests / ran_s, tally.failures / ran_s


_NOTHING = Tally()


def difference(now: Tally, before: Tally | None) -> Tally:
    """What came between two looks at one sum; the least and the longest latency are those of the whole."""
    if before is None or now.requests < before.requests or now.failures < before.failures:
        return now.copy()
    return Tally(
        requests=now.requests - before.requests,
        failures=now.failures - before.failures,
        cancelled=max(0, now.cancelled - before.cancelled),
        untimed=max(0, now.untimed - before.untimed),
        total_us=max(0, now.total_us - before.total_us),
        min_us=now.min_us,
        max_us=now.max_us,
        bytes=max(0, now.bytes - before.bytes),
        histogram=_grown(now.histogram, before.histogram),
    )


def _grown(now: Histogram, before: Histogram) -> Histogram:
    return {i: count - before.get(i, 0) for i, count in now.items() if count > before.get(i, 0)}
