"""What thresholds look at second by second: of named endpoints the newest seconds one by one, and sums of whole spans.

The reports' half must not know what masters wrote, so it is the workers who say in each report what is to be kept
(`Reported.watch`, made by `watches_of` from the thresholds in `RunOpened`). Without thresholds nothing is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.each import added
from tidal.model.reports import WATCHES_MAX, Watch
from tidal.model.stats import Tally
from tidal.model.struct import Struct, field, replace
from tidal.model.thresholds import WITHIN
from tidal.model.thresholds_read import threshold_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.model.samples import Block
    from tidal.model.state import LogHalf
    from tidal.model.thresholds import Threshold

LAG_S = 60
"""How long after its window a second is kept: reports of a slow worker may be so late."""

Key = tuple[str, int, int]
"""Endpoint, and the seconds of the span; (…, 0, 0) is what is kept second by second."""


class Seen(Struct):
    """What came in one second, or in a span of them.

    Latencies that are known of several seconds together are in the tally of the last of these; its requests and
    failures are theirs, too. Of the second by itself are those beside it.
    """

    tally: Tally = field(default_factory=Tally)
    user_ms: int = 0
    requests: int = 0
    failures: int = 0

    @classmethod
    def of(cls, tally: Tally, user_ms: int = 0) -> Seen:
        """What a tally has."""
        return cls(tally, user_ms, tally.requests, tally.failures)

    def merge(self, other: Seen) -> None:
        """Add another."""
        self.tally.merge(other.tally)
        self.user_ms += other.user_ms
        self.requests += other.requests
        self.failures += other.failures


class WatchedRecord(Struct):
    """One endpoint's newest seconds, or one span of it."""

    keep_s: int = 0
    latest_s: int = 0
    seconds: dict[int, Seen] = field(default_factory=dict)  # of a span: its sum, at its first second


def is_of(key: tuple[str, str], of: str) -> bool:
    """Whether an endpoint (method, name) is meant by a threshold's words: both, the name alone, or "" for all."""
    return not of or of in {key[1], f"{key[0]} {key[1]}"}


def watches_of(thresholds: Iterable[Threshold], began_ms: int) -> tuple[Watch, ...]:
    """What has to be kept for these thresholds, in a run whose plan time began then."""
    keep_s: dict[str, int] = {}
    spans: dict[Watch, None] = {}
    for one in (each for each in thresholds if not each.metric.source and not each.stage):
        keep_s[one.of] = max(keep_s.get(one.of, 0), one.window_s + LAG_S)
        if not one.window and one.has_place:
            spans[Watch(one.of, 0, *seconds_of(one, began_ms))] = None
    kept = [Watch(of, seconds) for of, seconds in sorted(keep_s.items())]
    return (*kept, *spans)[:WATCHES_MAX]


def watches(log: LogHalf) -> tuple[Watch, ...]:
    """What the workers of a run have to keep for its thresholds, and for its search; nothing before it began."""
    if not log.began_ms:
        return ()
    found = [one for text in log.options.thresholds if (one := threshold_of(text)) is not None]
    if (spec := log.options.limit) is not None:
        asked = (threshold_of(text) for text in spec.until)
        found += [replace(one, window=WITHIN, window_s=spec.probe_ms // 1000) for one in asked if one is not None]
    return watches_of(found, log.began_ms)


def edges_of(log: LogHalf, wanted: Iterable[Watch]) -> tuple[int, ...]:
    """The seconds at which workers begin a block at the latest: what is judged is counted from or up to there."""
    probe = () if log.probe is None else (log.probe.from_s, log.probe.to_s)
    return (*probe, *(edge_s for watch in wanted for edge_s in (watch.from_s, watch.to_s) if edge_s))


EVER_S = 1 << 40


def seconds_of(threshold: Threshold, began_ms: int) -> tuple[int, int]:
    """The whole seconds of Redis time that lie within the part of the run that is judged: first, and after the last."""
    from_s = -(-(began_ms + threshold.from_ms) // 1000)
    return from_s, EVER_S if threshold.to_ms is None else (began_ms + threshold.to_ms) // 1000


def count_watched(watched: dict[Key, WatchedRecord], watches: Iterable[Watch], block: Block) -> None:
    """Add a block of a report to what is kept; of one across the edge of a span the counts of the seconds inside."""
    if block.is_warmup:
        return
    for watch in watches:
        key = (watch.of, watch.from_s, watch.to_s)
        from_s, to_s = (0, EVER_S) if watch.keep_s else (watch.from_s, watch.to_s)
        is_whole = from_s <= block.second and block.second + block.span <= to_s
        is_known = is_whole or (block.each is not None and from_s < block.second + block.span and block.second < to_s)
        if is_known and (key in watched or len(watched) < WATCHES_MAX):
            record = watched.setdefault(key, WatchedRecord(watch.keep_s))
            for second, seen in _seen(block, watch.of):
                if from_s <= second < to_s:
                    seen.tally = seen.tally if is_whole else Tally()  # nobody knows which of its latencies were when
                    _add(record, watch.from_s if watch.to_s else second, seen)


def _seen(block: Block, of: str) -> Iterator[tuple[int, Seen]]:
    """What is of these endpoints, by second."""
    tally = Tally()
    keys = [key for key in block.tallies if is_of(key, of)]
    for key in keys:
        tally.merge(block.tallies[key])
    if block.each is None:
        yield block.second, Seen.of(tally, sum(block.user_ms.values()))
        return
    each, none = block.each, [0] * block.span
    requests = added([each.requests[key] for key in keys]) or none
    failures = added([each.failures[key] for key in keys if key in each.failures]) or none
    last_s = block.second + block.span - 1
    for second, *counts in zip(range(block.second, last_s + 1), each.ran_ms() or none, requests, failures, strict=True):
        yield second, Seen(tally if second == last_s else Tally(), *counts)


def _add(record: WatchedRecord, second: int, seen: Seen) -> None:
    if second > record.latest_s:
        record.latest_s = second
        for old in [s for s in record.seconds if s <= second - record.keep_s and record.keep_s]:
            del record.seconds[old]
    if not record.keep_s or second > record.latest_s - record.keep_s:
        record.seconds.setdefault(second, Seen()).merge(seen)
