"""One endpoint in full: figures, charts, every percentile, the histogram, what failed, what was slowest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import replace
from tidal.tui import text
from tidal.tui.widgets.blocks import beside, columns, headed, pairs_block
from tidal.tui.widgets.chart import Plot, Series, draw
from tidal.tui.widgets.charts import axis_of
from tidal.tui.widgets.heat import HeatPlot, draw_heat
from tidal.tui.widgets.limits import limits_of
from tidal.tui.widgets.scale import mean

if TYPE_CHECKING:
    from tidal.model.closeup import EndpointCloseup
    from tidal.model.rows import EndpointRow, Frame
    from tidal.tui.look import Look
    from tidal.tui.widgets.blocks import Block

ERRORS_MAX = 8
MARKED = {500_000: "p50", 950_000: "p95", 990_000: "p99"}
"""The percentiles that have a tone of their own everywhere."""


def endpoint_lines(frame: Frame, key: tuple[str, str], width: int, height: int, look: Look, *, fills: bool) -> Block:
    """The page of an endpoint; says so when the frame has no such one."""
    row = next((r for r in frame.endpoints if (r.method, r.name) == key), None)
    title = f" {look.outside(key[0])} {look.outside(key[1])}"
    if row is None:
        return [[(title, "strong")], [], [(" nothing was asked of it up to this moment", "dim")]]
    closeup = frame.closeup.endpoint if frame.closeup is not None else None
    lines: Block = [[(title, "strong"), ("   esc back", "dim")], *pairs_block(_pairs(row), width, look), []]
    if closeup is not None:
        lines += [*_charts(frame, closeup, width, height, look, fills=fills), []]
        lines += _details(frame, row, closeup, width, look)
    return lines


def _pairs(row: EndpointRow) -> list[tuple[str, str, str]]:
    share = text.percent(row.failures, row.requests)
    return [
        ("requests", f"{row.requests:,}", "strong"),
        ("failures", f"{row.failures:,}  {share}", "bad" if row.failures else "dim"),
        ("requests/s", text.rate(row.rps_milli), "rps"),
        ("over the run", f"{text.rate(row.total_rps_milli)}/s", ""),
        ("median", text.latency_of(row, row.median_us), "p50"),
        ("p95", text.latency_of(row, row.p95_us), "p95"),
        ("p99", text.latency_of(row, row.p99_us), "p99"),
        ("average", text.latency_of(row, row.average_us), ""),
        ("minimum", text.latency_of(row, row.min_us), ""),
        ("maximum", text.latency_of(row, row.max_us), ""),
        ("average size", f"{row.average_bytes:,} B", ""),
        ("cancelled", f"{row.cancelled:,}", "dim"),
    ]


# ------------------------------------------------------------------ over time


def _charts(frame: Frame, closeup: EndpointCloseup, width: int, height: int, look: Look, *, fills: bool) -> Block:
    if not closeup.has_series:
        return [[(" not followed over time: there are more endpoints than that is done for", "dim")]]
    axis = axis_of(frame)
    rows = min(max(height // 3, 7), 15)
    offset_ms = closeup.start_ms - frame.run.began_ms
    lead = max(0, (offset_ms - axis["start_ms"]) // closeup.step_ms)
    time = {**axis, "step_ms": closeup.step_ms}
    limits = limits_of(frame, (0,) * lead + closeup.rps_milli, (closeup.method, closeup.name))

    def series(name: str, tone: str, values: tuple[int, ...], style: str = "line", **zeros: bool) -> Series:
        return Series(name, tone, (0,) * lead + values, style, mean if style == "area" else max, **zeros)

    requests = Plot(
        "Requests",
        "/s",
        (
            series("all", "rps", closeup.rps_milli, "area"),
            series("failed", "failures", closeup.failures_milli, hides_zero=True),
        ),
        1000,
        limits=limits.get("requests", ()),
        **time,
    )
    times = (("p99", closeup.p99_us), ("p95", closeup.p95_us), ("p50", closeup.p50_us))
    percentiles = tuple(series(name, name, us, needs_samples=True) for name, us in times)
    latency = Plot("Latency", "ms", percentiles, 1000, limits=limits.get("latency", ()), **time)
    heat = HeatPlot(closeup.heat, replace(latency, series=(), limits=()), start_ms=offset_ms)
    across = 3 if width >= 120 else 2
    widths = columns(width, [1] * across)
    drawn = [draw(plot, w, rows, look, fills=fills) for plot, w in zip((requests, latency), widths, strict=False)]
    if across > 2:
        drawn.append(draw_heat(heat, widths[2], rows, look, fills=fills))
        return beside(drawn, widths, look)
    return [*beside(drawn, widths, look), *draw_heat(heat, width, rows, look, fills=fills)]


# ------------------------------------------------------------------ by latency


def _details(frame: Frame, row: EndpointRow, closeup: EndpointCloseup, width: int, look: Look) -> Block:
    spectrum = headed("Percentiles", "", _spectrum(closeup, look))
    bars = headed("Histogram", "", [])
    errors = headed("Failures", "", _errors(frame, row, look))
    slowest = headed("Slowest", "the worst of a worker's second", _slowest(closeup, look))
    if width >= 120:
        widths = columns(width, [30, 42, 48])
        bars += _bars(closeup, widths[1], look)
        return beside([spectrum, bars, [*errors, [], *slowest]], widths, look)
    widths = columns(width, [3, 5])
    bars += _bars(closeup, widths[1], look)
    return [*beside([spectrum, bars], widths, look), [], *errors, [], *slowest]


def _spectrum(closeup: EndpointCloseup, look: Look) -> Block:
    if not closeup.spectrum:
        return [[("  no latency was measured", "dim")]]
    top_us = max(us for _, us in closeup.spectrum) or 1
    lines: Block = []
    for share, us in closeup.spectrum:
        name = "min" if not share else "max" if share == 1_000_000 else f"p{share / 10_000:g}"
        tone = MARKED.get(share, "")
        lines.append(
            [
                (f"  {name:<7}", tone or "dim"),
                (f"{text.latency(us):>10}  ", tone),
                (look.own("▏") + look.own("█") * round(6 * us / top_us), tone or "faint"),
            ]
        )
    return lines


def _bars(closeup: EndpointCloseup, width: int, look: Look) -> Block:
    most = max((count for *_, count in closeup.bars), default=0)
    room = max(width - 32, 4)
    lines: Block = []
    for from_us, to_us, count in closeup.bars:
        label = f"  {text.latency(from_us):>9} {look.own('-')} {text.latency(to_us):>8} "
        full = count * room / most if most else 0
        cells = max(1, round(full)) if count else 0
        lines.append(
            [(label, "dim"), (look.own("█") * cells, "bars"), (f" {text.count(count)}" if count else "", "dim")]
        )
    return lines or [[("  no latency was measured", "dim")]]


def _errors(frame: Frame, row: EndpointRow, look: Look) -> Block:
    mine = [f for f in frame.failures if (f.method, f.name) == (row.method, row.name)]
    lines: Block = [
        [(f"  {text.count(f.occurrences):>9}  ", "bad"), (look.outside(f.error), "")] for f in mine[:ERRORS_MAX]
    ]
    if len(mine) > ERRORS_MAX:
        lines.append([(f"  and {len(mine) - ERRORS_MAX} more: see the failures", "dim")])
    return lines or [[(look.own("  none ✓"), "dim")]]


def _slowest(closeup: EndpointCloseup, look: Look) -> Block:
    lines: Block = [
        [
            (f"  {text.latency(row.latency_us):>9}  ", "p99"),
            (f"at {text.duration(row.offset_ms):>7}  ", ""),
            (look.own(text.clock(row.at_ms, look.zone)), "dim"),
            (f"  {look.outside(row.worker)}", "dim"),
        ]
        for row in closeup.slowest
    ]
    return lines or [[("  no latency was measured", "dim")]]
