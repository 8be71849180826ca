"""Findings on the generators themselves: how long they stood still, how much their own lag adds to latencies.

A generator's timer, due four times a second, is late by as much as a response waits until the generator reads it. So
the mean of that lag is what the generator itself adds to the latencies that it measures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import Struct
from tidal.model.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.findings import Finding
    from tidal.model.series import Strain
    from tidal.model.state import State

LAG_MS, LAG_PART = 25, 10
"""A lag tells when it is a tenth of the median latency: below, it cannot change what anybody would conclude. And never
below 25 ms: that much a healthy generator shows on a machine that does other things as well."""
LAG_LEAST_S, LAG_TIME_PART = 5, 20
"""And when it lasts five seconds, and a twentieth of the load: a p95 does not see less."""
BAD_LAG_MS, BAD_LAG_PART, BAD_TIME_PART = 100, 2, 2
"""Invalid: half of what was measured for half of the time is the generator's own."""
STILL_MS = 2_000
"""No request is sent by a generator that stands still; a second happens to a garbage collector on a busy machine."""
STILL_TIME_PART = 5
"""Invalid: a fifth of the time."""
OF_A_KIND = 5


class Episode(Struct, frozen=True):
    """Points after each other in which a worker's generators lagged."""

    first_s: int
    end_s: int
    lag_ms: int
    cpu_permille: int


class Pressed(Struct, frozen=True):
    """A finding with its time, in plan time."""

    weight: int
    text: str
    from_ms: int
    to_ms: int


def lagging(state: State) -> Iterator[Finding]:
    """Workers whose generators were too slow for what they measured."""
    return ((found.weight, found.text) for found in lags(state))


def standing_still(state: State) -> Iterator[Finding]:
    """Workers one of whose generators stood still: user code that never yields, a frozen process."""
    return ((found.weight, found.text) for found in stalls(state))


def lags(state: State) -> Iterator[Pressed]:
    """The longest time in which a worker's generators were too slow for what they measured, of each such worker."""
    log, median_us = state.log, state.reports.total.percentiles_us(0.5)[0]
    least_ms = max(LAG_MS, median_us // 1000 // LAG_PART)
    for incarnation, record in sorted(state.reports.incarnations.items()):
        found = _episodes(record.strain, least_ms)
        high_s, load_s = sum(e.end_s - e.first_s for e in found), _length_s(record.strain)
        if not found or high_s < LAG_LEAST_S or high_s * LAG_TIME_PART < load_s:
            continue
        worst = max(found, key=lambda e: ((e.end_s - e.first_s) * e.lag_ms, -e.first_s))
        is_bad = worst.lag_ms >= max(BAD_LAG_MS, median_us // 1000 // BAD_LAG_PART)
        name = log.incarnations.get(incarnation, incarnation)
        since, until = moment(worst.first_s * 1000 - log.began_ms), moment(worst.end_s * 1000 - log.began_ms)
        text = f"generators of {name} at {worst.cpu_permille // 10} % CPU from {since} to {until}"
        inflated = f"latency inflated by about {worst.lag_ms} ms (p50 is {median_us // 1000} ms)"
        weight = 2 if is_bad and high_s * BAD_TIME_PART >= load_s else 1
        began_ms = log.began_ms
        yield Pressed(weight, f"{text}, {inflated}", worst.first_s * 1000 - began_ms, worst.end_s * 1000 - began_ms)


def _length_s(strain: Strain) -> int:
    return len(strain.points) * strain.step_s


def _episodes(strain: Strain, least_ms: int) -> list[Episode]:
    runs: list[list[int]] = []
    if strain.peaks_ms()[0] < least_ms:
        return []
    for index in sorted(i for i, (count, lag_ms, _, _) in strain.points.items() if lag_ms >= least_ms * count):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return [_episode(strain, run) for run in runs]


def _episode(strain: Strain, run: list[int]) -> Episode:
    count, lag_ms, cpu = (sum(strain.points[i][column] for i in run) for column in range(3))
    return Episode(run[0] * strain.step_s, (run[-1] + 1) * strain.step_s, lag_ms // count, cpu // count)


def stalls(state: State) -> Iterator[Pressed]:
    """The longest time for which one of a worker's generators stood still, of each such worker."""
    log = state.log
    for incarnation, record in sorted(state.reports.incarnations.items()):
        if record.strain.peaks_ms()[1] < STILL_MS:
            continue
        still = [(p[3], i) for i, p in record.strain.points.items() if p[3] >= STILL_MS]
        name = log.incarnations.get(incarnation, incarnation)
        longest_ms, index = max(still)
        step_ms = record.strain.step_s * 1000
        when = moment((index + 1) * step_ms - longest_ms - log.began_ms)
        is_bad = sum(min(ms, step_ms) for ms, _ in still) * STILL_TIME_PART >= _length_s(record.strain) * 1000
        text = f"a generator of {name} stood still for {longest_ms / 1000:.1f} s at about {when}"
        why = "user code that never yields, or a machine that had no time for it"
        end_ms = (index + 1) * step_ms - log.began_ms
        yield Pressed(2 if is_bad else 1, f"{text}: {why}", end_ms - longest_ms, end_ms)
