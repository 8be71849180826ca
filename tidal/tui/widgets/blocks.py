"""Lines put together: blocks of toned text beside and below each other, each in its own width. Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from tidal.tui.widgets.lines import cells_of, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs

Block = list["Runs"]
GAP = 2


def beside(blocks: Sequence[Block], widths: Sequence[int], look: Look) -> Block:
    """Blocks beside each other, each cut or padded to its width, two cells between them."""
    rows = zip_longest(*blocks, fillvalue=[])
    return [
        [
            run
            for i, (cells, width) in enumerate(zip(row, widths, strict=True))
            for run in (*([(" " * GAP, "")] if i else []), *cut(list(cells), width, look))
        ]
        for row in rows
    ]


def columns(width: int, parts: Sequence[int]) -> list[int]:
    """`width` cells shared out by parts, gaps taken off; the last one takes what is left over."""
    room = width - GAP * (len(parts) - 1)
    widths = [room * part // sum(parts) for part in parts]
    widths[-1] += room - sum(widths)
    return widths


def headed(title: str, more: str, block: Block) -> Block:
    """A block under its title."""
    return [[(f" {title}", "head"), (f"  {more}" if more else "", "dim")], *block]


def pairs_block(pairs: Sequence[tuple[str, str, str]], width: int, look: Look) -> Block:
    """Names and values (and a value's tone) in as many columns as fit."""
    if not pairs:
        return []
    name_cells = max(len(name) for name, *_ in pairs)
    value_cells = max(min(cells_of([(value, "")]), 30) for _, value, _ in pairs)
    one = name_cells + value_cells + 5
    across = max(1, min(width // one, 4))
    down = -(-len(pairs) // across)
    lines: Block = []
    for row in range(down):
        runs: Runs = []
        for name, value, tone in pairs[row::down]:
            runs += [(f" {name:<{name_cells}}  ", "dim"), (look.fit(value, value_cells + 2), tone)]
        lines.append(runs)
    return lines
