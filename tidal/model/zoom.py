"""A closer look at a part of the state: pure, as a frame is."""

from __future__ import annotations

from math import ceil, exp
from typing import TYPE_CHECKING, Any

from tidal.model.closeup import Closeup, EndpointCloseup, Focus, Heat, SlowRow, Spark, WorkerCloseup
from tidal.model.held import held_of
from tidal.model.lanes import lane_rows
from tidal.model.series import BAND_BITS
from tidal.model.state import EndpointRecord
from tidal.model.stats import BUCKETS_PER_E, percentiles_us
from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidal.model.lanes import Lane, LanePoint
    from tidal.model.state import IncarnationRecord, State
    from tidal.model.stats import Histogram, Tally

HEAT_BANDS_MAX = 32
BARS_MAX = 24
SPARK_POINTS = 60
SPECTRUM = (
    *(100_000, 250_000, 500_000, 750_000, 900_000, 950_000, 980_000, 990_000, 995_000),
    *(999_000, 999_500, 999_900, 999_990),
)
"""The percentiles of a spectrum, in millionths."""


def closeup(state: State, focus: Focus, window: range, keys: Iterable[tuple[str, str]], at_ms: int = 0) -> Closeup:
    """What the focus asks for; `window` ends where the figures do, `keys` are the frame's endpoints in their order."""
    lanes = state.reports.lanes.by_key
    return Closeup(
        heat=heat_of_all(state, window.stop) if focus.heat else None,
        sparks=tuple(_spark(lanes.get(key), window.stop) for key in keys) if focus.sparks else (),
        endpoint=_endpoint(state, focus.endpoint, window.stop) if focus.endpoint is not None else None,
        worker=_worker(state, focus.worker) if focus.worker else None,
        plan=held_of(state, at_ms, window.stop) if focus.plan else None,
    )


def grouped(endpoints: dict[tuple[str, str], EndpointRecord], depth: int) -> dict[tuple[str, str], EndpointRecord]:
    """Endpoints put together by the first parts of their paths: samples merged, so that percentiles are exact."""
    found: dict[str, list[tuple[tuple[str, str], EndpointRecord]]] = {}
    for key, record in endpoints.items():
        found.setdefault(prefix_of(key[1], depth), []).append((key, record))
    return {_group_key(name, [key for key, _ in rows]): _merged([r for _, r in rows]) for name, rows in found.items()}


def prefix_of(name: str, depth: int) -> str:
    """The first parts of a path, or the whole name when it has no more of them."""
    path = name.split("?", 1)[0]
    parts = path.split("/")
    lead = 1 if path.startswith("/") else 0
    return "/".join(parts[: depth + lead]) if len(parts) > depth + lead else path


def _group_key(name: str, keys: list[tuple[str, str]]) -> tuple[str, str]:
    """The method when all have the same, and the prefix; a single endpoint keeps its own name."""
    methods = {method for method, _ in keys}
    method = methods.pop() if len(methods) == 1 else "*"
    return (method, keys[0][1] if len(keys) == 1 else f"{name}/… ({len(keys)})")


def _merged(records: list[EndpointRecord]) -> EndpointRecord:
    whole = EndpointRecord()
    for record in records:
        whole.tally.merge(record.tally)
        for second, (requests, failures) in record.recent.items():
            before = whole.recent.get(second, (0, 0))
            whole.recent[second] = (before[0] + requests, before[1] + failures)
    return whole


# ------------------------------------------------------------------ heat


def heat_of_all(state: State, end_s: int) -> Heat:
    """The latencies of all endpoints over time."""
    series = state.reports.series
    if series.first_s is None or series.last_s is None:
        return Heat()
    last = min(series.last_s, end_s - 1) // series.step_s
    indexes = range(series.first_s // series.step_s, last + 1)
    points = [series.points.get(i) for i in indexes]
    bands = [p.bands() if p is not None else {} for p in points]
    return heat_of(bands, indexes.start * series.step_s * 1000, series.step_s * 1000)


def heat_of(columns: Sequence[Histogram], start_ms: int, step_ms: int) -> Heat:
    """Coarse histograms over time as bands: as few buckets a band as give at most `HEAT_BANDS_MAX` bands."""
    used = [column for column in columns if column]
    if not used:
        return Heat(start_ms, step_ms)
    low, high = min(map(min, used)), max(map(max, used))
    width = ceil((high - low + 1) / HEAT_BANDS_MAX)
    count = (high - low) // width + 1
    edges = tuple(edge_us(low + i * width) for i in range(count + 1))
    return Heat(start_ms, step_ms, edges, tuple(_banded(column, low, width, count) for column in columns))


def _banded(column: Histogram, low: int, width: int, count: int) -> tuple[int, ...]:
    if not column:
        return ()
    bands = [0] * count
    for index, samples in column.items():
        bands[(index - low) // width] += samples
    return tuple(bands)


def edge_us(band: int) -> int:
    """The lower edge of a coarse bucket."""
    return max(1, round(exp((band << BAND_BITS) / BUCKETS_PER_E))) if band else 0


# ------------------------------------------------------------------ endpoints


def _spark(lane: Lane | None, end_s: int) -> Spark | None:
    if lane is None:
        return None
    if lane.first_s is None or lane.last_s is None:
        return Spark(lane.step_s * 1000, ())
    end = min(lane.last_s // lane.step_s + 1, -(-end_s // lane.step_s))
    points = map(lane.points.get, range(max(lane.first_s // lane.step_s, end - SPARK_POINTS), end))
    return Spark(lane.step_s * 1000, tuple([point.requests if point is not None else 0 for point in points]))


def _endpoint(state: State, key: tuple[str, str], end_s: int) -> EndpointCloseup | None:
    """One endpoint; rows carry names that were made harmless, so those are what is looked for."""
    found = next((k for k in state.reports.endpoints if (clean(k[0], 20), clean(k[1])) == key), None)
    if found is None:
        return None
    tally, lane = state.reports.endpoints[found].tally, state.reports.lanes.by_key.get(found)
    spectrum, bars = spectrum_of(tally), bars_of(tally)
    if lane is None:
        return EndpointCloseup(*key, spectrum=spectrum, bars=bars, has_series=False)
    rows = [(index, point) for index, point in lane_rows(lane) if index * lane.step_s < end_s]
    start_ms, step_ms = (rows[0][0] if rows else 0) * lane.step_s * 1000, lane.step_s * 1000
    columns: list[Any] = list(zip(*(_lane_point(point, lane.step_s) for _, point in rows), strict=True)) or [()] * 5
    heat = heat_of([point.histogram if point else {} for _, point in rows], start_ms, step_ms)
    parts = (*columns, heat, spectrum, bars, _slowest(state, lane))
    return EndpointCloseup(*key, start_ms, step_ms, *parts)


def _lane_point(point: LanePoint | None, step_s: int) -> tuple[int, ...]:
    if point is None:
        return (0, 0, 0, 0, 0)
    fine = {(band << BAND_BITS) + (1 << BAND_BITS >> 1): count for band, count in point.histogram.items()}
    times = percentiles_us(fine, (0.5, 0.95, 0.99), 0, point.max_us)
    return (point.requests * 1000 // step_s, point.failures * 1000 // step_s, *times)


def _slowest(state: State, lane: Lane) -> tuple[SlowRow, ...]:
    began_ms, names = state.log.began_ms, state.log.incarnations
    return tuple(
        SlowRow(us, second * 1000, second * 1000 - began_ms, clean(names.get(who, "?"), 60))
        for us, second, who in reversed(lane.slowest)
    )


def spectrum_of(tally: Tally) -> tuple[tuple[int, int], ...]:
    """Latencies by percentile, from the fastest of all to the slowest."""
    if not tally.timed:
        return ()
    found = tally.percentiles_us(*(share / 1_000_000 for share in SPECTRUM))
    return ((0, tally.min_us), *zip(SPECTRUM, found, strict=True), (1_000_000, tally.max_us))


def bars_of(tally: Tally) -> tuple[tuple[int, int, int], ...]:
    """The samples by latency, in at most `BARS_MAX` steps that are each as much longer than the one before."""
    coarse: Histogram = {}
    for index, count in tally.histogram.items():
        coarse[index >> BAND_BITS] = coarse.get(index >> BAND_BITS, 0) + count
    if not coarse:
        return ()
    low, high = min(coarse), max(coarse)
    width = ceil((high - low + 1) / BARS_MAX)
    bands = _banded(coarse, low, width, (high - low) // width + 1)
    return tuple((edge_us(low + i * width), edge_us(low + (i + 1) * width), n) for i, n in enumerate(bands))


# ------------------------------------------------------------------ workers


def _worker(state: State, incarnation: str) -> WorkerCloseup | None:
    """One incarnation of a worker."""
    record = state.reports.incarnations.get(incarnation)
    return _incarnation(record, incarnation) if record is not None else None


def _incarnation(record: IncarnationRecord, incarnation: str) -> WorkerCloseup:
    strain = record.strain
    first = (strain.first_s or 0) // strain.step_s
    indexes = range(first, (strain.last_s or 0) // strain.step_s + 1) if strain.points else range(0)
    points = [strain.points.get(i, (0, 0, 0, 0)) for i in indexes]
    return WorkerCloseup(
        clean(incarnation, 40),
        first * strain.step_s * 1000,
        strain.step_s * 1000,
        tuple(cpu // max(count, 1) for count, _, cpu, _ in points),
        tuple(lag // max(count, 1) for count, lag, _, _ in points),
        tuple(worst for *_, worst in points),
        tuple((number, sum(users.values())) for number, users in sorted(record.by_generator.items())),
        max(0, record.in_flight - record.in_flight_lost),
        record.user_ms,
        record.generators,
    )
