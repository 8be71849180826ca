"""Closer looks at the frames of `frames.py`: made without chance, of the same size and shape as real ones."""

from __future__ import annotations

from math import exp, sin
from typing import TYPE_CHECKING

from frames import BEGAN_MS

from tidal.model.closeup import Closeup, EndpointCloseup, Focus, Heat, SlowRow, Spark, WorkerCloseup
from tidal.model.held import Held, Line, Span
from tidal.model.plantext import ARRIVALS, USERS
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.rows import EndpointRow, Frame

BANDS = 24
EDGES_US = tuple(round(1_500 * 1.35**i) for i in range(BANDS + 1))


def looked_at(frame: Frame, focus: Focus) -> Frame:
    """The frame with what the focus asks for."""
    row = next((r for r in frame.endpoints if (r.method, r.name) == focus.endpoint), None)
    closeup = Closeup(
        heat=heat(frame, 1.0) if focus.heat else None,
        sparks=tuple(Spark(1_000, rps(frame, n)[-40:]) for n in range(len(frame.endpoints))) if focus.sparks else (),
        endpoint=endpoint(frame, row) if row is not None else None,
        worker=worker(frame, focus.worker) if focus.worker else None,
        plan=held(frame) if focus.plan else None,
    )
    return replace(frame, closeup=closeup)


def held(frame: Frame) -> Held:
    """The plan of `frames.chart` to its end, what ran of it so far, and arrivals where the run has any."""
    chart, seconds = frame.chart, 600
    planned = tuple(1000 * min(500, 500 * (t + 1) // 60) for t in range(570)) + (0,) * 30
    ran = chart.users_running_milli
    lines = [Line("", USERS, planned, ran)]
    for name, part in (("Admin", 10), ("Shopper", 90)):
        lines.append(Line(name, USERS, tuple(n * part // 100 for n in planned), tuple(n * part // 100 for n in ran)))
    if frame.run.arrivals_milli:
        rate = tuple(40_000 * min(1, t // 60) for t in range(seconds))
        lines.append(
            Line(
                "", ARRIVALS, rate, tuple(n - (n // 5 if 150 < t < 170 else 0) for t, n in enumerate(rate))[: len(ran)]
            )
        )
    now_ms = frame.run.elapsed_ms
    edges = (("warmup", 0, 60), ("hold", 60, 180), ("peak", 180, 570), ("cool down", 570, 600))
    stages = tuple(
        Span(
            name,
            from_s * 1000,
            to_s * 1000,
            500 * max(0, min(now_ms, to_s * 1000) - from_s * 1000),
            500 * max(0, min(now_ms, to_s * 1000) - from_s * 1000) - (630_000 if name == "hold" else 0),
            630_000 if name == "hold" else 0,
        )
        for name, from_s, to_s in edges
    )
    return Held(0, 1_000, now_ms, 600_000, tuple(lines), stages)


def rps(frame: Frame, number: int) -> tuple[int, ...]:
    """Requests of one endpoint, each second."""
    return tuple(round(r * (1 + 0.2 * sin(t / (5 + number)))) // 10_000 for t, r in enumerate(frame.chart.rps_milli))


def heat(frame: Frame, part: float) -> Heat:
    """Bands that follow the percentiles: most samples at the median, a tail up to the 99th."""
    chart = frame.chart
    columns = []
    for rate, p50, p99 in zip(chart.rps_milli, chart.p50_us, chart.p99_us, strict=True):
        weights = [
            exp(-(((low / p50) - 1.0) ** 2) * 2) + (0.05 if p50 < low < p99 else 0.004 if low <= p99 * 3 else 0)
            for low in EDGES_US[:-1]
        ]
        columns.append(tuple(round(part * rate * w / sum(weights) / 1000) for w in weights) if rate else ())
    return Heat(BEGAN_MS, chart.step_ms, EDGES_US, tuple(columns))


def endpoint(frame: Frame, row: EndpointRow) -> EndpointCloseup:
    """A closer look at one endpoint."""
    chart = frame.chart
    part = row.requests / max(frame.total.requests, 1)
    spectrum = (
        (0, row.min_us), (250_000, round(row.median_us * 0.7)), (500_000, row.median_us),
        (750_000, round(row.median_us * 1.6)), (900_000, round(row.median_us * 2.4)), (950_000, row.p95_us),
        (990_000, row.p99_us), (999_000, round(row.p99_us * 1.7)), (1_000_000, row.max_us),
    )  # fmt: skip
    bars = tuple(
        (EDGES_US[i], EDGES_US[i + 1], round(row.requests * 0.3 * exp(-(((EDGES_US[i] / row.median_us) - 1) ** 2))))
        for i in range(18)
    )
    slowest = tuple(
        SlowRow(row.max_us - 40_000 * n, BEGAN_MS + 121_000 + 900 * n, 121_000 + 900 * n, f"w{1 + n % 2}")
        for n in range(5)
    )
    return EndpointCloseup(
        row.method,
        row.name,
        BEGAN_MS,
        chart.step_ms,
        tuple(round(r * part) for r in chart.rps_milli),
        tuple(round(f * (row.failures > 0)) for f in chart.failures_milli),
        tuple(round(us * row.median_us / 17_900) for us in chart.p50_us),
        tuple(round(us * row.median_us / 17_900) for us in chart.p95_us),
        tuple(round(us * row.median_us / 17_900) for us in chart.p99_us),
        heat(frame, part),
        spectrum,
        bars,
        slowest,
    )


def worker(frame: Frame, incarnation: str) -> WorkerCloseup:
    """A closer look at one worker."""
    seconds = len(frame.chart.rps_milli)
    cpu = tuple(round(420 + 60 * sin(t / 9) + (380 if 120 <= t < 132 else 0)) for t in range(seconds))
    lag = tuple(round(3 + 2 * sin(t / 5) ** 2 + (90 if 120 <= t < 132 else 0)) for t in range(seconds))
    return WorkerCloseup(
        incarnation,
        BEGAN_MS,
        1_000,
        cpu,
        lag,
        tuple(round(ms * 2.2) for ms in lag),
        ((0, 63), (1, 63), (2, 62), (3, 62)),
        41,
        55_000_000,
        4,
    )
