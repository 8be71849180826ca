"""Lines of logging, of master and workers: as rows of a table, whole, and on a worker's page. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.tui import text
from tidal.tui.look import LOG_LEVELS, mark_of
from tidal.tui.widgets.columns import Cell, Column, GridRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.rows import Frame, LogRow
    from tidal.tui.look import Look
    from tidal.tui.widgets.blocks import Block

COLUMNS = (
    Column("time", "Time", 8, right=False),
    Column("plan", "Plan", 8, 2),
    Column("level", "Level", 9, right=False),
    Column("who", "Who", 6, right=False, most=12),
    Column("logger", "Logger", 12, 1, right=False, most=24),
    Column("text", "Text", 32, right=False, most=2_000),
)
LEAST = ("", "info", "warning", "error")
"""What the key for levels goes through: from this one on; "" is all."""
ON_A_PAGE = 40
"""Lines on a worker's page."""
_WEIGHTS = {word: weight for weight, word in enumerate(LOG_LEVELS)}


def log_keys(frame: Frame) -> list[str]:
    """What each line is known by: the same words of one moment are told apart by their number."""
    seen: dict[str, int] = {}
    keys = []
    for row in frame.logs:
        key = f"{row.at_ms}\0{row.who}\0{row.logger}\0{row.text}"
        seen[key] = seen.get(key, 0) + 1
        keys.append(f"{key}\0{seen[key]}")
    return keys


def rows(frame: Frame, look: Look) -> list[GridRow]:
    """A row a line, the oldest first."""
    return [GridRow(key, _cells(row, look)) for key, row in zip(log_keys(frame), frame.logs, strict=True)]


def from_level(rows_: list[GridRow], least: str) -> list[GridRow]:
    """Those of this level and above."""
    weight = _WEIGHTS.get(least, -1)
    return [row for row in rows_ if (row.cells[2].by or 0) >= weight] if least else rows_


def _cells(row: LogRow, look: Look) -> tuple[Cell, ...]:
    glyph, word, tone = mark_of(LOG_LEVELS, row.level)
    return (
        Cell(look.own(text.clock(row.at_ms, look.zone)), "dim", row.at_ms),
        Cell(text.duration(row.offset_ms), "dim", row.offset_ms),
        Cell(look.outside(look.own(f"{glyph} {word}")), tone, _WEIGHTS.get(row.level, 0)),
        Cell(look.outside(row.who), "strong"),
        Cell(look.outside(row.logger), "dim"),
        Cell(look.outside(in_one_line(row.text)), tone if tone in ("warn", "bad") else ""),
    )


def in_one_line(said: str) -> str:
    """A message, and of the traceback below it what was raised: its last line."""
    first, *rest = said.split("\n")
    last = next((line.strip() for line in reversed(rest) if line.strip()), "")
    return f"{first} ⏎ {last}" if last else first


def missing(frame: Frame) -> str:
    """What is not there, in a few words."""
    parts = (f"{frame.logs_left_out:,} left out" * bool(frame.logs_left_out),
             f"{frame.logs_dropped:,} older ones not kept" * bool(frame.logs_dropped))  # fmt: skip
    return ", ".join(filter(None, parts))


def alarming(logs: Sequence[LogRow]) -> bool:
    """Whether there is an error among them."""
    return any(row.level in ("error", "critical") for row in logs)


def worker_log(frame: Frame, worker: str, look: Look) -> Block:
    """What a worker and its generators said, the newest first."""
    lines: Block = []
    for row in [row for row in reversed(frame.logs) if row.worker == worker][:ON_A_PAGE]:
        glyph, _, tone = mark_of(LOG_LEVELS, row.level)
        said = look.outside(look.own(in_one_line(row.text)))
        who = f"{row.who.partition('/')[2] or 'agent'} "
        lines.append(
            [
                (f"  {text.duration(row.offset_ms):>7} ", "dim"),
                (look.own(f"{glyph} "), tone),
                (look.outside(who), "dim"),
                (f"{look.outside(row.logger)} ", "dim"),
                (said, tone if tone in ("warn", "bad") else ""),
            ]
        )
    return lines or [[("  nothing was logged", "dim")]]
