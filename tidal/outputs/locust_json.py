"""Locust's `--json`: a list with an object for each endpoint, and no total.

Counts by second are exact: they are counted from the entries of the run's log, by the rule by which the fold takes each
report once. Response times are {ms: how many}, the ms from buckets 1 % wide where Locust's have two digits.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tidal.model.codec import REPORTS, understood
from tidal.model.events import ByWorker, Reported
from tidal.model.fold import fold_entry
from tidal.model.state import State
from tidal.model.stats import bucket_middle_us
from tidal.model.text import clean
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidal.model.codec import Entry as LogEntry
    from tidal.model.stats import Tally
    from tidal.outputs.locust_rows import Entry, Picture

Seconds = dict[tuple[str, str], dict[int, tuple[int, int]]]
"""By endpoint (method, name): requests and failures by second."""
NAME_MAX = 1_000


def seconds_of(entries: Iterable[LogEntry]) -> Seconds:
    """Count a run's requests by endpoint and second, from its entries in the order of folding."""
    state, seconds = State(), Seconds()
    for entry in entries:
        before = (state.reports.repeats, state.reports.refused.count, state.reports.skipped)
        fold_entry(state, entry)
        taken = before == (state.reports.repeats, state.reports.refused.count, state.reports.skipped)
        if taken and entry.stream == REPORTS:
            _count(state, seconds, entry)
    return seconds


def _count(state: State, seconds: Seconds, entry: LogEntry) -> None:
    signed = understood(entry)
    if not isinstance(signed, ByWorker) or not isinstance(signed.event, Reported):
        return
    for block in signed.event.blocks:
        if block.is_warmup:
            continue
        for key in block.tallies:
            endpoint = seconds.setdefault(key if key in state.reports.endpoints else ("", OTHER), {})
            for second, more_requests, more_failures in block.counts_of(key):
                requests, failures = endpoint.get(second, (0, 0))
                endpoint[second] = (requests + more_requests, failures + more_failures)


def entries_json(seen: Picture, seconds: Mapping[tuple[str, str], Mapping[int, tuple[int, int]]]) -> str:
    """The list, as Locust prints it; without the seconds of an endpoint, when its requests were is not said."""
    rows = [
        entry_values(entry, seconds.get((entry.method, entry.name), {}), seen.frame.run.began_ms)
        for entry in seen.entries
        if entry.num_requests or entry.num_failures
    ]
    return json.dumps(rows, indent=4)


def entry_values(entry: Entry, seconds: Mapping[int, tuple[int, int]], began_ms: int) -> dict[str, Any]:
    """One endpoint's object: Locust's keys, in its order."""
    requests = {second: counts[0] for second, counts in sorted(seconds.items()) if counts[0]}
    failures = {second: counts[1] for second, counts in sorted(seconds.items()) if counts[1]}
    return {
        "name": clean(entry.name, NAME_MAX),
        "method": clean(entry.method, NAME_MAX),
        "last_request_timestamp": float(max(requests)) if requests else None,
        "start_time": began_ms / 1000,
        "num_requests": entry.num_requests,
        "num_none_requests": entry.num_none_requests,
        "num_failures": entry.num_failures,
        "total_response_time": entry.tally.total_us / 1000,
        "max_response_time": entry.max_response_time,
        "min_response_time": entry.min_response_time,
        "total_content_length": entry.tally.bytes,
        "response_times": times_ms(entry.tally),
        "num_reqs_per_sec": requests,
        "num_fail_per_sec": failures,
    }


def times_ms(tally: Tally) -> dict[int, int]:
    """How many requests took how many whole ms."""
    times: dict[int, int] = defaultdict(int)
    for index, count in sorted(tally.histogram.items()):
        times[round(min(max(bucket_middle_us(index), tally.min_us), tally.max_us) / 1000)] += count
    return dict(times)
