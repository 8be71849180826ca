"""What is fresh, counted: into the endpoints, the chart, the lanes, the stages and classes. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.failures import bounded
from tidal.model.fresh import Fresh
from tidal.model.sent import summed_spreads
from tidal.model.staged import count_cuts
from tidal.model.state import EndpointRecord
from tidal.model.stats import Tally, merge_histogram
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from tidal.model.samples import Block
    from tidal.model.state import ReportHalf

RECENT_S = 20
"""How many seconds of counts an endpoint keeps for its current rates."""
ENDPOINTS_MAX = 10_000


def settle(reports: ReportHalf) -> None:
    """Count what is fresh."""
    fresh = reports._fresh  # noqa: SLF001 - the state keeps it for this module alone
    if not fresh.heaps and not fresh.delays and not fresh.undelayed:
        return
    reports._fresh = Fresh()  # noqa: SLF001 - as above
    reports.delay.merge(summed_spreads(fresh.delays))
    reports.undelayed.merge(summed_spreads(fresh.undelayed))
    slowest = fresh.slowest(reports.lanes.least_us())
    for kind, heap in fresh.heaps.items():
        block = heap.block(kind)
        _count_block(reports, block)
    for key, slow in slowest.items():
        reports.lanes.note_slow(_place(reports, key), slow)


def _place(reports: ReportHalf, key: tuple[str, str]) -> tuple[str, str]:
    return bounded(reports.endpoints, key, ("", OTHER), ENDPOINTS_MAX)


def _count_block(reports: ReportHalf, block: Block) -> None:
    point, whole = reports.series.at(block.second, block.span), Tally()
    for key, tally in block.tallies.items():
        if not block.is_warmup:
            _count_endpoint(reports, key, tally, block)
        whole.merge(tally)
    count_cuts(reports, block, whole)
    point.requests += whole.requests
    point.failures += whole.failures
    point.user_ms += sum(block.user_ms.values())
    merge_histogram(point.histogram, whole.histogram)
    if not block.is_warmup:
        reports.total.merge(whole)
    if block.second + block.span - 1 > reports.latest_s:
        _forget_old_seconds(reports, block.second + block.span - 1)


def _count_endpoint(reports: ReportHalf, key: tuple[str, str], tally: Tally, block: Block) -> None:
    place = _place(reports, key)
    endpoint = reports.endpoints.setdefault(place, EndpointRecord())
    endpoint.tally.merge(tally)
    reports.lanes.add(place, block.second, tally, block.span)
    for second, more_requests, more_failures in block.counts_of(key):
        if second > reports.latest_s - RECENT_S:
            requests, failures = endpoint.recent.get(second, (0, 0))
            endpoint.recent[second] = (requests + more_requests, failures + more_failures)


def _forget_old_seconds(reports: ReportHalf, latest_s: int) -> None:
    reports.latest_s = latest_s
    for endpoint in reports.endpoints.values():
        for second in [s for s in endpoint.recent if s <= latest_s - RECENT_S]:
            del endpoint.recent[second]
