"""Rises of latency, and whom the data put them down to: the target, the generators, or Redis and the network.

The evidence is what was measured beside the latency: how late the generators' own timers were (that much of any
latency is theirs), and how long Redis took to answer the master in the same seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.stats import Tally
from tidal.model.struct import Struct
from tidal.model.words import moment

if TYPE_CHECKING:
    from tidal.model.series import Point, Series
    from tidal.model.state import LogHalf, State

SPIKE_FACTOR, SPIKE_LEAST_US = 3, 100_000
"""A spike is a p95 of three times the usual one, and a tenth of a second more at least."""
SPIKE_REQUESTS, SPIKES_MAX = 20, 3
REDIS_SLOW_US = 50_000
"""Redis answers within a millisecond; at fifty the machine or the network was in trouble too."""
TARGET, GENERATORS, NETWORK = "target", "generators", "network"


class Blame(Struct, frozen=True):
    """Whom a rise is put down to, and by what evidence."""

    whom: str  # target, generators, network
    lag_us: int  # how late the generators' timers were, on average
    redis_us: int  # how long Redis took to answer, on average

    @property
    def told(self) -> str:
        """In words."""
        if self.whom == GENERATORS:
            return f"the generators, which lagged {self.lag_us // 1000} ms themselves"
        if self.whom == NETWORK:
            return f"the machine or the network: Redis took {self.redis_us // 1000} ms to answer, too"
        return f"the target: the generators lagged {self.lag_us // 1000} ms"


class Spike(Struct, frozen=True):
    """A rise of the p95 that went again."""

    first_s: int  # Redis time
    end_s: int
    peak_us: int
    usual_us: int
    blame: Blame


def blame(state: State, first_s: int, end_s: int, rise_us: int) -> Blame:
    """Whom a rise of so much in these seconds of Redis time is put down to."""
    lag_us, redis_us = _waits_us(state.reports.series, first_s, end_s), _waits_us(state.log.planned, first_s, end_s)
    whom = GENERATORS if lag_us * 2 >= rise_us else NETWORK if redis_us >= REDIS_SLOW_US else TARGET
    return Blame(whom, lag_us, redis_us)


def _waits_us(series: Series, first_s: int, end_s: int) -> int:
    step_s = series.step_s
    within = [p for i, p in series.points.items() if first_s < (i + 1) * step_s and i * step_s < end_s]
    waits = sum(p.waits for p in within)
    return sum(p.wait_us for p in within) // waits if waits else 0


def found_spikes(state: State, most: int = SPIKES_MAX) -> tuple[Spike, ...]:
    """The worst rises of the p95 over the run, in the order of time."""
    series, step_s = state.reports.series, state.reports.series.step_s
    timed = {i: p95_us(p) for i, p in sorted(series.points.items()) if p.requests >= SPIKE_REQUESTS}
    if len(timed) < 5:
        return ()
    usual_us = sorted(timed.values())[len(timed) // 2]
    high = [i for i, p95 in timed.items() if p95 >= max(SPIKE_FACTOR * usual_us, usual_us + SPIKE_LEAST_US)]
    if not high or len(high) * 2 > len(timed):
        return ()
    runs: list[list[int]] = []
    for index in high:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    worst = sorted(runs, key=lambda run: (-max(timed[i] for i in run), run))[:most]
    return tuple(_spike(state, run, max(timed[i] for i in run), usual_us, step_s) for run in sorted(worst))


def p95_us(point: Point) -> int:
    """The p95 of a point of a series, by its histogram alone."""
    tally = Tally(point.requests, point.failures, 0, 0, 0, 0, 1 << 62, 0, point.histogram)
    return tally.percentiles_us(0.95)[0]


def _spike(state: State, run: list[int], peak_us: int, usual_us: int, step_s: int) -> Spike:
    first_s, end_s = run[0] * step_s, (run[-1] + 1) * step_s
    return Spike(first_s, end_s, peak_us, usual_us, blame(state, first_s, end_s, peak_us - usual_us))


def spikes(state: State) -> tuple[str, ...]:
    """The worst rises of the p95, and whom the data put them down to, in words."""
    return tuple(_told(state.log, spike) for spike in found_spikes(state))


def _told(log: LogHalf, spike: Spike) -> str:
    first, end = moment(spike.first_s * 1000 - log.began_ms), moment(spike.end_s * 1000 - log.began_ms)
    rose = f"p95 rose to {spike.peak_us // 1000} ms (usually {spike.usual_us // 1000} ms)"
    return f"{rose} from {first} to {end}, put down to {spike.blame.told}"
