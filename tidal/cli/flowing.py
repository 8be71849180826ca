"""Help in the width of the terminal: prose flows, what stands in columns keeps them.

The width is argparse's: what COLUMNS says, else the terminal's, else 80; of prose no more than people read at a glance.
"""

from __future__ import annotations

import argparse
import re
import shutil
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROSE_CELLS_MAX = 118
CELLS_MIN = 20
_HEAD = re.compile(r" *\S.*? {2,}(?=\S)")
"""Up to the second column of a line of columns."""


class Help(argparse.RawDescriptionHelpFormatter):
    """A subcommand's help: argparse lays out the flags, this the text above them."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """The one place where argparse lets a formatter lay out a description; it does so for its own kinds, too."""
        cells = max(CELLS_MIN, width - len(indent))
        return "\n".join(indent + line for line in flowed(text, cells).splitlines())


def flowed(text: str, cells: int) -> str:
    """Paragraphs of a docstring in lines of so many characters; those with indented lines stay line by line."""
    return "\n\n".join(_flowed(block, cells) for block in re.split(r"\n\s*\n", text.strip("\n")))


def _flowed(block: str, cells: int) -> str:
    lines = block.splitlines()
    if any(line.startswith(" ") for line in lines):
        return "\n".join(hanging(line, cells) for line in lines)
    return _fill(" ".join(lines), min(cells, PROSE_CELLS_MAX))


def hanging(line: str, cells: int) -> str:
    """A line of columns: what is too long goes on below its last column, or all of that column below the first."""
    head, left = _HEAD.match(line), len(line) - len(line.lstrip()) + 4
    if head is None or len(line) <= cells:
        return _fill(line, cells, left)
    if head.end() <= cells * 2 // 3:
        return _fill(line, cells, head.end())
    return f"{_fill(head[0].rstrip(), cells, left)}\n{_fill(' ' * left + line[head.end() :], cells, left)}"


def _fill(line: str, cells: int, under: int = 0) -> str:
    return fill(line, cells, subsequent_indent=" " * under, break_long_words=False, break_on_hyphens=False)


def listed(names: Mapping[str, str], cells: int) -> list[str]:
    """Names with what they are, in two columns."""
    widest = max(map(len, names))
    return [hanging(f"  {name:<{widest}}  {what}", cells) for name, what in names.items()]


def cells_of_terminal() -> int:
    """The width that argparse takes for its own lines, too."""
    return max(CELLS_MIN, shutil.get_terminal_size().columns - 2)
