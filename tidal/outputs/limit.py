"""The search for a limit as text: what was found, and the knee: a line a level, longer the slower it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.thresholds import decimal
from tidal.outputs.layout import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.judged_rows import LimitRow, ProbeRow
    from tidal.model.rows import Frame

BAR_CELLS, LIMIT_CELLS = 40, 20
"""The limit of the first threshold stands in the middle; what is more than twice as much is cut, with a mark."""
EIGHTHS = " ▏▎▍▌▋▊▉"


def limit_text(frame: Frame) -> str:
    """What was found with the chart below it; "" where nothing was searched for."""
    row = frame.limit
    return "" if row is None else "\n".join(limit_lines(row))


def limit_lines(row: LimitRow) -> Iterator[str]:
    """The same, line by line."""
    yield f"Limit by {', '.join(shorten(text, 40) for text in row.until)}: {row.told or 'not known yet'}"
    if not row.probes:
        return
    heading = shorten(row.until[0].partition(" ")[0], 20) if row.until else ""
    yield f"  {row.unit:>12}  {heading:>10}  {'':{LIMIT_CELLS}}│ the threshold"
    for probe in sorted(row.probes, key=lambda p: (p.level_milli, p.number)):
        yield _line(row, probe)


def _line(row: LimitRow, probe: ProbeRow) -> str:
    value = shorten(probe.values[0], 10) if probe.values else ""
    milli = probe.values_milli[0] if probe.values_milli else None
    mark = "meets" if probe.passed else "does not"
    return f"  {decimal(probe.level_milli):>12}  {value:>10}  {_bar(milli, row.limits_milli)}  {mark}"


def _bar(milli: int | None, limits: tuple[int, ...]) -> str:
    """A bar with the limit in its middle."""
    if milli is None or not limits or limits[0] <= 0:
        return f"{'':{BAR_CELLS + 1}}"
    eighths = min(milli * LIMIT_CELLS * 8 // limits[0], BAR_CELLS * 8)
    bar = "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")
    bar = f"{bar:{BAR_CELLS}}"
    middle = bar[LIMIT_CELLS] if bar[LIMIT_CELLS] != " " else "│"
    return bar[:LIMIT_CELLS] + middle + bar[LIMIT_CELLS + 1 :] + (">" if milli > 2 * limits[0] else " ")
