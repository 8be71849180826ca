"""Thresholds as text: a table, a line while the run goes, a line each for how they are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.words import moment
from tidal.outputs.layout import Column, shorten, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.judged_rows import ThresholdRow
    from tidal.model.rows import Frame

TEXT_CELLS, MEANING_CELLS = 60, 140
BAD = frozenset({"failing", "failed", "unjudged"})
GOOD = frozenset({"holds", "passed"})
COLUMNS = (
    Column("", number=False), Column("threshold", number=False), Column("value"),
    Column("when", number=False, rank=1), Column("meaning", number=False, rank=2),
)  # fmt: skip


def threshold_table(frame: Frame, most: int | None = None) -> str:
    """All thresholds; "" when there are none."""
    if not frame.thresholds:
        return ""
    rows = [
        [
            row.word,
            shorten(row.text, TEXT_CELLS),
            shown_value(row) or "-",
            when(row),
            shorten(row.meaning, MEANING_CELLS),
        ]
        for row in frame.thresholds
    ]
    return "Thresholds\n" + table(COLUMNS, rows, most=most)


def shown_value(row: ThresholdRow) -> str:
    """What it was when it failed, else what it is."""
    return shorten(row.tripped_value or row.value, 20)


def when(row: ThresholdRow) -> str:
    """When it failed, or why it could not be judged."""
    if row.tripped_from_ms is None or row.tripped_to_ms is None:
        return ""
    return shorten(row.why, 80) if row.why else f"{moment(row.tripped_from_ms)} to {moment(row.tripped_to_ms)}"


def meaning_lines(frame: Frame) -> Iterator[str]:
    """How each is understood."""
    for row in frame.thresholds:
        yield f"threshold {shorten(row.text, TEXT_CELLS)}: {shorten(row.meaning, MEANING_CELLS)}"


def in_short(frame: Frame) -> str:
    """How they stand, in a few words; "" when there are none, or nothing is measured yet."""
    bad, count = sum(row.word in BAD for row in frame.thresholds), len(frame.thresholds)
    if bad:
        return f"{bad} of {count} thresholds fail{'' if bad > 1 else 's'}"
    good = sum(row.word in GOOD for row in frame.thresholds)
    return f"{good} of {count} thresholds hold{'' if good > 1 else 's'}" if good else ""
