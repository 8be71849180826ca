"""Users by class: how many run, which part that is, and who runs them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.tui import text
from tidal.tui.widgets.columns import Cell, Column, GridRow

if TYPE_CHECKING:
    from tidal.model.rows import Frame
    from tidal.tui.look import Look

COLUMNS = (
    Column("class", "Class", 16, right=False, most=40),
    Column("users", "Running", 9),
    Column("share", "Share %", 8),
    Column("workers", "Workers", 8, 1),
    Column("where", "Where", 24, 2, right=False, most=200),
)
SHOWN_MAX = 40


def by_class(frame: Frame) -> dict[str, list[tuple[str, int]]]:
    """Class → workers and how many of its users each runs; classes of which none runs are there, too."""
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in frame.run.classes}
    for worker in frame.workers:
        for name, count in worker.users_by_class:
            if count:
                found.setdefault(name, []).append((worker.name, count))
    return found


def rows(frame: Frame, look: Look) -> list[GridRow]:
    """A row for each class, in the file's order."""
    found = by_class(frame)
    whole = sum(count for where in found.values() for _, count in where)
    return [_row(name, where, whole, look) for name, where in found.items()]


def _row(name: str, where: list[tuple[str, int]], whole: int, look: Look) -> GridRow:
    running = sum(count for _, count in where)
    told = ", ".join(f"{look.outside(worker)} {count:,}" for worker, count in where[:SHOWN_MAX])
    return GridRow(
        name,
        (
            Cell(look.outside(name), "strong"),
            Cell(text.count(running), "users" if running else "dim", running),
            Cell(f"{100 * running / whole:.1f}" if whole else text.NOTHING, "", running),
            Cell(str(len(where)), "dim", len(where)),
            Cell(told, "dim"),
        ),
    )


def total(frame: Frame, _look: Look) -> GridRow:
    """All classes together, beside what is planned."""
    running, planned = frame.run.users_running, frame.run.users_planned
    cells = (
        Cell("TOTAL"),
        Cell(text.count(running), "", running),
        Cell("100.0" if running else text.NOTHING),
        Cell(str(sum(bool(worker.users) for worker in frame.workers))),
        Cell(f"{planned:,} planned", "dim" if running >= planned else "warn"),
    )
    return GridRow("", cells)
