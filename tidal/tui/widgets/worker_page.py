"""One worker in full: its lamps and figures, CPU and lag over time, its users, what happened to it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidal.model.words import plural
from tidal.tui import text
from tidal.tui.look import LEVELS, WORKERS, mark_of
from tidal.tui.widgets.blocks import beside, columns, headed, pairs_block
from tidal.tui.widgets.chart import Plot, Series, draw
from tidal.tui.widgets.charts import axis_of
from tidal.tui.widgets.logs import worker_log
from tidal.tui.widgets.scale import mean
from tidal.tui.widgets.tables import BEHIND_MS, LAMPS, SKEW_MS, epoch_text, skew_text

if TYPE_CHECKING:
    from tidal.model.closeup import WorkerCloseup
    from tidal.model.rows import Frame, StoryRow, WorkerRow
    from tidal.tui.look import Look
    from tidal.tui.widgets.blocks import Block
    from tidal.tui.widgets.canvas import Runs

EVENTS_MAX = 12


def worker_lines(frame: Frame, incarnation: str, width: int, height: int, look: Look, *, fills: bool) -> Block:
    """The page of a worker; says so when the frame has no such one."""
    row = next((r for r in frame.workers if r.incarnation == incarnation), None)
    if row is None:
        return [[(" this worker was not there at this moment", "dim"), ("   esc back", "dim")]]
    glyph, word, tone = mark_of(WORKERS, row.state)
    title: Runs = [(f" {look.outside(row.name)} ", "strong"), (look.outside(look.own(f" {glyph} {word} ")), tone)]
    lines: Block = [[*title, *_lamps(row, look), ("   esc back", "dim")]]
    if row.why:
        lines.append([(f" {look.outside(row.why)}", "warn")])
    closeup = frame.closeup.worker if frame.closeup is not None else None
    lines += [*pairs_block(_pairs(row, closeup, look), width, look), []]
    if closeup is not None and closeup.cpu_permille:
        lines += [*_charts(frame, closeup, width, height, look, fills=fills), []]
    widths = columns(width, [1, 1])
    users = headed("Users", "", _users(row, closeup, look))
    events = headed("Events", "", _events(frame, row, look))
    log = headed("Log", "of its agent and its generators, the newest first", worker_log(frame, row.name, look))
    told = beside([users, events], widths, look) if width >= 100 else [*users, [], *events]
    return [*lines, *told, [], *log]


def _lamps(row: WorkerRow, look: Look) -> Runs:
    lit = {"alive": row.alive, "running": row.running, "reporting": row.reporting}
    marks = {name: LAMPS[name][0 if on else 1] for name, on in lit.items()}
    return [(look.own(f"  {glyph} {word}"), tone) for glyph, word, tone in marks.values()]


def _pairs(row: WorkerRow, closeup: WorkerCloseup | None, look: Look) -> list[tuple[str, str, str]]:
    gone = row.generators_alive < row.generators
    pairs = [
        ("users", f"{row.users:,}", "users"),
        ("share of users", f"{row.share_permille / 10:.1f} %", ""),
        ("CPU", f"{row.cpu_permille / 10:.0f} % of a core", ""),
        ("memory", f"{row.memory_bytes / 1_000_000:,.0f} MB", ""),
        ("lag", f"{row.lag_ms:,} ms", "warn" if row.lag_ms > 100 else ""),
        ("schedule lag", f"{row.behind_ms:,} ms", "warn" if row.behind_ms > BEHIND_MS else ""),
        ("generators", f"{row.generators_alive} of {row.generators}", "warn" if gone else ""),
        ("heartbeat", look.own(f"{text.seconds(row.heartbeat_age_ms)} s ago"), ""),
        ("last report", look.own(f"{text.seconds(row.report_age_ms)} s ago"), ""),
        ("clock skew", f"{skew_text(row.skew_ms)} ms", "warn" if abs(row.skew_ms or 0) > SKEW_MS else ""),
        ("plan", f"{row.plan}, epoch {epoch_text(row.epoch, look)}", "" if row.is_current else "warn"),
        ("host", look.outside(row.host), ""),
        ("process", str(row.pid), ""),
        ("worker", look.outside(row.worker), "dim"),
        ("incarnation", look.outside(row.incarnation), "dim"),
    ]
    if closeup is not None:
        pairs.append(("user-time", f"{closeup.user_ms / 1000:,.0f} s", ""))
        pairs.append(("in flight", plural(closeup.iterations_in_flight, "iteration"), ""))
    return pairs


def _charts(frame: Frame, closeup: WorkerCloseup, width: int, height: int, look: Look, *, fills: bool) -> Block:
    axis = axis_of(frame)
    offset_ms = closeup.start_ms - frame.run.began_ms
    lead = (0,) * max(0, (offset_ms - axis["start_ms"]) // closeup.step_ms)
    time = {**axis, "step_ms": closeup.step_ms}
    cpu = Series("a generator", "cpu", lead + closeup.cpu_permille, "area", mean)
    lags = (
        Series("worst", "p99", lead + closeup.worst_lag_ms, hides_zero=True),
        Series("mean", "p50", lead + closeup.lag_ms, merge=mean, hides_zero=True),
    )
    plots = (Plot("CPU", "% of a core", (cpu,), 10, **time), Plot("Lag", "ms", lags, 1, **time))
    widths = columns(width, [1, 1])
    rows = min(max(height // 3, 7), 13)
    return beside([draw(p, w, rows, look, fills=fills) for p, w in zip(plots, widths, strict=True)], widths, look)


def _users(row: WorkerRow, closeup: WorkerCloseup | None, look: Look) -> Block:
    most = max((count for _, count in row.users_by_class), default=0) or 1
    lines: Block = [
        [
            (f"  {look.fit(look.outside(name), 20)} {text.count(count):>9}  ", ""),
            (look.own("█") * max(1, round(16 * count / most)), "users"),
        ]
        for name, count in row.users_by_class
    ]
    for number, count in closeup.generators if closeup is not None else ():
        lines.append([(f"  generator {number}".ljust(23), "dim"), (f"{text.count(count):>9}", "dim")])
    return lines or [[("  none", "dim")]]


def events_of(frame: Frame, row: WorkerRow) -> list[StoryRow]:
    """The lines of the story that name a worker, the newest first."""
    name = re.compile(rf"(?<!\w){re.escape(row.name)}(?!\w)")
    return [said for said in reversed(frame.story) if name.search(said.text)]


def _events(frame: Frame, row: WorkerRow, look: Look) -> Block:
    lines: Block = []
    for said in events_of(frame, row)[:EVENTS_MAX]:
        glyph, _, tone = mark_of(LEVELS, said.level)
        lines.append(
            [
                (f"  {text.duration(said.offset_ms):>7} ", "dim"),
                (f"{look.own(glyph)} ", tone),
                (look.outside(said.text), "" if tone == "info" else tone),
            ]
        )
    return lines or [[("  nothing yet", "dim")]]
