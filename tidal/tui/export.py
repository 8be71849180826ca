"""A table as CSV, JSON or plain text: what is on the screen, in its order. Pure but for `save`.

Texts are those of the cells, so harmless already; a CSV cell that a spreadsheet would take for a formula gets a quote
before it. Numbers in JSON are those that the rows are sorted by, in the units of the frame.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tidal.tui.widgets.columns import Cell, Column, GridRow

FORMULA = ("=", "+", "-", "@", "\t", "\r")
TRIES_MAX = 1_000


def as_csv(columns: Sequence[Column], rows: Sequence[GridRow]) -> str:
    """A header and a line a row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title or column.key for column in columns])
    writer.writerows([[_harmless(cell) for cell in row.cells] for row in rows])
    return out.getvalue()


def _harmless(cell: Cell) -> str:
    if cell.by is not None:
        return cell.text.replace(",", "")
    return f"'{cell.text}" if cell.text.startswith(FORMULA) else cell.text


def as_json(columns: Sequence[Column], rows: Sequence[GridRow]) -> str:
    """A list of objects, a column a field."""
    objects = [{column.key: _value(cell) for column, cell in zip(columns, row.cells, strict=True)} for row in rows]
    return json.dumps(objects, indent=1, ensure_ascii=False) + "\n"


def _value(cell: Cell) -> float | str:
    return cell.text if cell.by is None else cell.by


def as_text(columns: Sequence[Column], rows: Sequence[GridRow]) -> str:
    """Aligned columns without borders, for a chat or a ticket."""
    head = [column.title for column in columns]
    body = [[cell.text for cell in row.cells] for row in rows]
    widths = [max(map(cell_len, texts)) for texts in zip(head, *body, strict=True)]
    return "\n".join(
        "  ".join(
            " " * (width - cell_len(text)) + text if column.right else text + " " * (width - cell_len(text))
            for text, width, column in zip(texts, widths, columns, strict=True)
        ).rstrip()
        for texts in (head, *body)
    )


def as_line(row: GridRow) -> str:
    """One row, its cells apart."""
    return "  ".join(cell.text.strip() for cell in row.cells if cell.text.strip())


def save(folder: Path, stem: str, suffix: str, content: str) -> Path:
    """Write a new file and return where; one that is there already is left alone. OSError says why it cannot be."""
    for number in range(TRIES_MAX):
        path = folder / f"{stem}{f'-{number}' if number else ''}.{suffix}"
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{folder / stem}.{suffix} and {TRIES_MAX - 1} more are there already")
