"""A plan as a picture in text: what `tidal plan` and `tidal run` show before anything starts. PURE.

500 ┤            ▂▅████████▇▃
250 ┤          ▃▇████████████▆▂
0 ┼─┬────────┬──┬──────────┬──
up       hold            down
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.plan import height_at
from tidal.model.plantext import ARRIVALS, USERS, parsed, part_text
from tidal.outputs.layout import duration, shorten, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.events import StageSpec, Track
    from tidal.model.planning import Planned

BARS = " ▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 60, 5
LEGEND_MAX = 30
UNITS = {USERS: "users", ARRIVALS: "arrivals/s"}


def plan_lines(found: Planned, columns: int = WIDTH, rows: int = HEIGHT) -> list[str]:
    """The curves of users and of arrivals, each with an axis and the stages, then the stages in words.

    A plan without an end is shown up to its last change, and a bit longer.
    """
    lines = []
    last_ms = max((at_ms for t in found.tracks for at_ms, _ in t.points), default=0)
    length_ms = max(1, found.end_ms if found.end_ms is not None else last_ms * 6 // 5 + 1_000)
    for unit in (USERS, ARRIVALS):
        tracks = [t for t in found.tracks if t.unit == unit]
        if tracks:
            lines += [*curve_lines(tracks, found.stages, length_ms, columns, rows), ""]
    return lines + _legend(found)


def curve_lines(
    tracks: Sequence[Track], stages: Sequence[StageSpec], length_ms: int, columns: int = WIDTH, rows: int = HEIGHT
) -> list[str]:
    """One picture: the sum of curves of one unit over plan time, `columns` wide and `rows` high without its axis."""
    heights = [_height(tracks, column, columns, length_ms) for column in range(columns)]
    peak = max(heights if len(tracks) > 1 else [height for _, height in tracks[0].points], default=0) or 1.0
    labels = {rows - 1: f"{peak:,.6g}", -1: "0"}
    pad = max(width(label) for label in labels.values())
    lines = [f"{UNITS[tracks[0].unit]} over {duration(length_ms)}"]
    for row in range(rows - 1, -1, -1):
        bars = "".join(_bar(height / peak * rows - row) for height in heights).rstrip()
        lines.append(f"{labels.get(row, ''):>{pad}} ┤{bars}")
    columns_of = {min(columns - 1, s.from_ms * columns // length_ms): s.name for s in stages if s.from_ms < length_ms}
    axis = "".join("┬" if column in columns_of else "─" for column in range(columns))
    lines.append(f"{labels[-1]:>{pad}} ┼{axis}")
    return [*lines, *([f"{'':>{pad}}  {_names(columns_of, columns)}".rstrip()] if columns_of else [])]


def _height(tracks: Sequence[Track], column: int, columns: int, length_ms: int) -> float:
    """The highest that the curves are within a column: at its ends, its middle and its corners."""
    from_ms, to_ms = column * length_ms // columns, (column + 1) * length_ms // columns
    corners = {at_ms for t in tracks for at_ms, _ in t.points if from_ms <= at_ms < to_ms}
    moments = {from_ms, (from_ms + to_ms) // 2, max(from_ms, to_ms - 1), *list(corners)[:100]}
    return max(height_at(tracks, at_ms) for at_ms in moments)


def _bar(filled: float) -> str:
    return BARS[max(0, min(8, round(filled * 8)))]


def _names(columns_of: dict[int, str], columns: int) -> str:
    """The stages' names below the columns in which they begin, as far as there is room."""
    starts = sorted(columns_of)
    line = ""
    for start, after in zip(starts, [*starts[1:], columns + 12], strict=True):
        name = shorten(columns_of[start], max(1, after - start - 1))
        line += " " * max(0, start - width(line)) + (name if after - start > 1 else "")
    return line


def _legend(found: Planned) -> list[str]:
    """The stages in words, plan by plan."""
    lines: list[str] = []
    for text in found.text.split("\n"):
        of_class, equals, stages = text.rpartition("=")
        lines += [f"{shorten(of_class)}:"] if equals else []
        at_ms = 0
        for number, part in enumerate((plan := parsed(stages)).parts, 1):
            if number <= LEGEND_MAX:
                lines.append(
                    f"  {duration(at_ms):>7}  {shorten(part.name or str(number), 20):<20}  {part_text(part, plan.unit)}"
                )
            at_ms += part.length_ms or 0
        if len(plan.parts) > LEGEND_MAX:
            lines.append(f"  … and {len(plan.parts) - LEGEND_MAX} more stages")
        lines.append(f"  {duration(at_ms):>7}  {'the end' if plan.length_ms is not None else 'and on, until stopped'}")
    return lines
