"""The plan against what was done: now and next, over time, where the load was not held and why, by stage. Pure.

Everything is of a frame: its closer look at the plan, its ledger, its story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.findings import weight_of
from tidal.model.plantext import ARRIVALS, USERS
from tidal.tui import text
from tidal.tui.look import LEVELS, mark_of
from tidal.tui.widgets.blocks import beside, columns, headed
from tidal.tui.widgets.canvas import Runs
from tidal.tui.widgets.chart import Plot, Series, draw_body, has_room
from tidal.tui.widgets.charts import marks_of
from tidal.tui.widgets.forecast import stage_names
from tidal.tui.widgets.lines import cells_of
from tidal.tui.widgets.scale import mean

if TYPE_CHECKING:
    from tidal.model.held import Held, Line, Span
    from tidal.model.rows import Frame, GapRow
    from tidal.tui.look import Look
    from tidal.tui.widgets.blocks import Block

CLASSES_MAX, GAPS_MAX, WHY_MAX = 12, 8, 3
BESIDE_CELLS = 76
"""From here on the charts of users and of arrivals stand beside each other."""
SMALL_ROWS = 7
"""Of the chart of one class, its title among them."""
BEFORE_MS, AFTER_MS = 4_000, 1_500
"""An event explains a gap that begins so soon after it, or ends so soon before."""


def plan_lines(frame: Frame, width: int, height: int, look: Look, *, fills: bool) -> Block:
    """The page of the plan."""
    held = frame.closeup.plan if frame.closeup is not None else None
    if held is None or not held.lines:
        return [[(" nothing was planned yet", "dim")]]
    whole = [line for line in held.lines if not line.name]
    below = [*_gaps(frame, look), *_stages(held, look, width)]
    across = len(whole) if width >= BESIDE_CELLS else 1
    now = _now(frame, held, look)
    rows = min(max((height - len(now) - len(below[:10])) * across // len(whole), SMALL_ROWS + 1), 18)
    lines = [*now, [], *_charts(frame, held, whole, (width, rows, across), look, fills=fills)]
    return [*lines, *below, *_classes(frame, held, width, look, fills=fills)]


# ------------------------------------------------------------------ now and next


def _now(frame: Frame, held: Held, look: Look) -> Block:
    """Which stage, what comes next and when; how much of the plan was held."""
    return [_stage_now(frame, held, look), *_held_so_far(frame, look)]


def _stage_now(frame: Frame, held: Held, look: Look) -> Runs:
    run, now_ms = frame.run, held.now_ms
    if run.phase == "closed":
        return [(look.own(" ■ the plan is over"), "dim"), (f"  {text.duration(now_ms)}", "")]
    if run.is_paused:
        return [(look.own(" ⏸ the plan stands still"), "warn"), (f" at {text.duration(now_ms)}", "")]
    on = next((i for i, s in enumerate(held.stages) if s.from_ms <= now_ms < s.to_ms), None)
    runs: Runs = [(look.own(" ● "), "good")]
    if on is not None:
        runs += [
            (look.outside(held.stages[on].name), "strong"),
            (look.own(f" · stage {on + 1} of {len(held.stages)}"), "dim"),
        ]
    else:
        runs += [(f"{text.duration(now_ms)} of the plan", "strong")]
    after = next((s for s in held.stages if s.from_ms > now_ms), None)
    if after is not None:
        runs += [("   next ", "dim"), (look.outside(after.name), "accent")]
        runs += [(f" in {text.duration(after.from_ms - now_ms)}", "accent")]
    if held.end_ms is not None:
        runs += [("   ends in ", "dim"), (text.duration(max(0, held.end_ms - now_ms)), "")]
    return runs


def _held_so_far(frame: Frame, look: Look) -> Block:
    books, lines = frame.ledger, list[Runs]()
    if whole := books.planned_user_ms:
        short, over = books.missing_user_ms, books.surplus_user_ms
        ran: Runs = [(f" {text.percent(books.ran_user_ms - over, whole)}", _tone(short, whole) or "good")]
        lines.append([*ran, (" of the plan ran", "dim"), *_off("missing", short, whole)])
        lines[-1] += _off("surplus", over, whole) if over else []
    if whole := books.arrivals_planned:
        off = books.arrivals_dropped + books.arrivals_unknown
        share = text.percent(min(books.arrivals_started, whole), whole)
        lines.append([(f" {share}", _tone(off, whole) or "good"), (" of the arrivals began", "dim")])
        if books.arrivals_dropped:
            lines[-1] += [("   dropped ", "dim"), (f"{books.arrivals_dropped:,}", "bad")]
    lines = lines or [[(" nothing is judged yet", "dim")]]
    return [[(look.own(said), tone) for said, tone in line] for line in lines]


def _off(what: str, user_ms: int, whole: int) -> Runs:
    return [(f"   {what} ", "dim"), (f"{user_ms / 1000:,.1f}", _tone(user_ms, whole) or "dim"), (" user-s", "dim")]


def _tone(off: int, whole: int) -> str:
    """How bad it is that so much of the whole is off: as for the verdict."""
    return ("", "warn", "bad")[weight_of(off, whole)]


# ------------------------------------------------------------------ over time


def _chart(frame: Frame, held: Held, line: Line, size: tuple[int, int], look: Look, *, fills: bool) -> Block:
    width, height = size
    if not has_room(width, height):
        return []
    is_rate = line.unit == ARRIVALS
    stages = [s for s in held.stages if s.from_ms > held.start_ms]
    plot = Plot(
        "",
        "",
        (
            Series("actual", "rps" if is_rate else "users", line.actual_milli, "area", mean),
            Series("planned", "planned", line.planned_milli, "dotted", mean),
        ),
        1000,
        held.start_ms,
        held.step_ms,
        max(1, len(line.planned_milli)) * held.step_ms,
        (*((s.from_ms, "accent") for s in stages), *marks_of(frame)),
    )
    names: Runs = []
    if held.stages and not line.name and height > SMALL_ROWS:
        starts = [(max(0, s.from_ms - held.start_ms), s.name) for s in held.stages]
        names = stage_names([s for s in starts if s[0] < plot.span_ms], plot.span_ms, width, look)
    body = draw_body(plot, width, height - bool(names), look, fills=fills)
    return [_chart_title(frame, line, look), *body[: height - 1], *([names] if names else [])]


def _chart_title(frame: Frame, line: Line, look: Look) -> Runs:
    is_rate, actual = line.unit == ARRIVALS, line.actual_milli[-1] if line.actual_milli else 0
    at = min(max(0, len(line.actual_milli) - 1), len(line.planned_milli) - 1)
    planned = line.planned_milli[at] if line.planned_milli else 0
    if not line.name and not is_rate:
        planned, actual = frame.run.users_planned * 1000, frame.run.users_running * 1000
    name = "Arrivals /s" if is_rate else look.outside(line.name)[:30] or "Users"
    begun = f"{actual / 1000:,.1f}" if is_rate else f"{(actual + 500) // 1000:,}"
    wanted = f"{planned / 1000:,.1f}" if is_rate else f"{(planned + 500) // 1000:,}"
    return [
        (f" {name}", "head"),
        (look.own(f"  █ {'begun' if is_rate else 'running'} {begun:<8}"), "rps" if is_rate else "users"),
        (look.own(f" ┅ planned {wanted:<8}"), "planned"),
    ]


def _classes(frame: Frame, held: Held, width: int, look: Look, *, fills: bool) -> Block:
    """Each class by itself, two or three charts beside each other."""
    lines = [line for line in held.lines if line.name][:CLASSES_MAX]
    across = max(1, min(3, width // 48, len(lines)))
    return [[], *_charts(frame, held, lines, (width, SMALL_ROWS, across), look, fills=fills)] if lines else []


def _charts(
    frame: Frame, held: Held, lines: list[Line], size: tuple[int, int, int], look: Look, *, fills: bool
) -> Block:
    """Charts of so many rows, so many beside each other."""
    width, rows, across = size
    widths, block = columns(width, [1] * across), list["Runs"]()
    for first in range(0, len(lines), across):
        row = lines[first : first + across]
        charts = [_chart(frame, held, one, (w, rows), look, fills=fills) for one, w in zip(row, widths, strict=False)]
        block += [*([[]] if first else []), *beside(charts, widths[: len(row)], look)]
    return block


# ------------------------------------------------------------------ where it was not held


def _gaps(frame: Frame, look: Look) -> Block:
    """The gaps of the ledger, the newest first, with what the story has at that time."""
    gaps = sorted(frame.ledger.gaps, key=lambda gap: -gap.from_ms)
    if not gaps:
        return []
    more = f"{len(gaps) - GAPS_MAX} more in the ledger" if len(gaps) > GAPS_MAX else ""
    lines = [line for gap in gaps[:GAPS_MAX] for line in _gap(frame, gap, look)]
    return [[], *headed("Not held", more, lines)]


def _gap(frame: Frame, gap: GapRow, look: Look) -> Block:
    off = [(gap.missing_user_ms, "missing"), (gap.surplus_user_ms, "too many")]
    told = ", ".join(f"{ms / 1000:,.1f} user-s {what}" for ms, what in off if ms)
    when = f"  {text.duration(gap.from_ms):>7} to {text.duration(gap.to_ms):<7}"
    lines: Block = [[(when, ""), (look.own(f" ▲ {told}"), "warn")]]
    reasons = why(frame, gap)
    lines += [
        [(" " * 10, ""), (look.own(f"{glyph} "), tone), (look.outside(said), "dim")] for glyph, tone, said in reasons
    ]
    return lines


def why(frame: Frame, gap: GapRow) -> list[tuple[str, str, str]]:
    """What the story and the verdict have of that time: glyph, tone, words."""
    rows = [
        row
        for row in frame.story
        if row.level in ("warning", "error") and gap.from_ms - BEFORE_MS <= row.offset_ms <= gap.to_ms + AFTER_MS
    ]
    found = [(*mark_of(LEVELS, row.level)[::2], row.text) for row in rows[:WHY_MAX]]
    if found:
        return found
    near = [loss for loss in frame.ledger.losses if loss.from_ms <= gap.to_ms and gap.from_ms <= loss.to_ms]
    if near:
        return [("▲", "warn", f"{loss.who}: {loss.why}") for loss in near[:WHY_MAX]]
    lagging = [f"{w.name} lags {w.lag_ms:,} ms" for w in frame.workers if w.alive and w.lag_ms > 100]
    if lagging and gap.to_ms >= frame.run.elapsed_ms - 10_000:
        return [("▲", "warn", f"the generators are busy: {', '.join(lagging[:WHY_MAX])}")]
    return [("·", "dim", "no event of the run is near it")]


# ------------------------------------------------------------------ stages


def _stages(held: Held, look: Look, width: int) -> Block:
    if not held.stages:
        return []
    has_users = any(s.planned_user_ms or s.ran_user_ms for s in held.stages) or all(
        line.unit == USERS for line in held.lines
    )
    has_arrivals = any(line.unit == ARRIVALS for line in held.lines)
    name_cells = min(24, max(8, *(cells_of([(look.outside(s.name), "")]) for s in held.stages)))
    head = f"   {'Stage':<{name_cells}} {'From':>7} {'To':>7}"
    if has_users:
        head += f" {'Held':>8} {'Missing':>9} {'Surplus':>9}" + (f" {'Planned':>10} {'Ran':>10}" * (width >= 90))
    if has_arrivals:
        head += f" {'Begun':>9} {'Dropped':>8}" + (f" {'Arrivals':>9}" * (width >= 100))
    lines: Block = [[], [(head, "head"), ("  user-seconds" if has_users and len(head) + 14 <= width else "", "dim")]]
    return lines + [
        _stage(s, held, look, name_cells, width, users=has_users, arrivals=has_arrivals) for s in held.stages
    ]


def _stage(stage: Span, held: Held, look: Look, name_cells: int, width: int, *, users: bool, arrivals: bool) -> Runs:
    is_open = stage.to_ms >= 1 << 40 or (held.end_ms is None and stage.to_ms > 1 << 34)
    to = "end" if is_open else text.duration(stage.to_ms)
    off = _tone(stage.missing_user_ms, stage.planned_user_ms) or _tone(stage.dropped_arrivals, stage.planned_arrivals)
    is_ahead, is_on = held.now_ms < stage.from_ms, stage.from_ms <= held.now_ms < stage.to_ms
    glyph, tone = ("◌", "dim") if is_ahead else ("▲", off) if off else ("●", "good") if is_on else ("✓", "good")
    runs: Runs = [
        (look.own(f" {glyph} "), tone),
        (look.fit(look.outside(stage.name), name_cells), "dim" if is_ahead else "strong" if is_on else ""),
        (f" {text.duration(stage.from_ms):>7} {to:>7}", "dim"),
    ]
    if is_ahead:
        return runs
    return [*runs, *(_user_cells(stage, width) if users else []), *(_arrival_cells(stage, width) if arrivals else [])]


def _user_cells(stage: Span, width: int) -> Runs:
    whole, ran = stage.planned_user_ms, stage.ran_user_ms - stage.surplus_user_ms
    cells: Runs = [
        (f" {text.percent(ran, whole) if whole else text.NOTHING:>8}", _tone(stage.missing_user_ms, whole)),
        (f" {stage.missing_user_ms / 1000:>9,.1f}", _tone(stage.missing_user_ms, whole) or "dim"),
        (f" {stage.surplus_user_ms / 1000:>9,.1f}", _tone(stage.surplus_user_ms, whole) or "dim"),
    ]
    if width >= 90:
        cells.append((f" {whole / 1000:>10,.0f} {stage.ran_user_ms / 1000:>10,.0f}", ""))
    return cells


def _arrival_cells(stage: Span, width: int) -> Runs:
    tone = "bad" if stage.dropped_arrivals else "dim"
    cells: Runs = [(f" {text.count(stage.begun_arrivals):>9}", ""), (f" {stage.dropped_arrivals:>8,}", tone)]
    if width >= 100:
        cells.append((f" {text.count(stage.planned_arrivals):>9}", ""))
    return cells
