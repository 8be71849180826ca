"""A series in one line of a table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.tui.widgets.scale import mean, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.tui.look import Look

STEPS = "▁▂▃▄▅▆▇█"
ASCII_STEPS = "_.-=+*%#"


def spark(values: Sequence[int], cells: int, look: Look) -> str:
    """The series in so many cells, its highest value at the top; blanks where there is nothing yet."""
    if not values:
        return ""
    per_cell = len(values) / cells
    steps = ASCII_STEPS if look.ascii_only else STEPS
    shown = resample(values, per_cell, cells, mean) if per_cell > 1 else list(values)
    most = max((v for v in shown if v is not None), default=0) or 1
    text = "".join(" " if v is None else steps[min(int(v / most * (len(steps) - 0.01)), len(steps) - 1)] for v in shown)
    return text.rjust(cells)
