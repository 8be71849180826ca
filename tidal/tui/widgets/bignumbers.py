"""Figures three rows high, of half blocks: what can be read across a room. Pure."""

from __future__ import annotations

_PIXELS = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", "  #", "  #"),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    ".": (" ", " ", " ", " ", "#"),
    ",": (" ", " ", " ", "#", "#"),
    "-": ("  ", "  ", "##", "  ", "  "),
    "<": ("  #", " # ", "#  ", " # ", "  #"),
    " ": (" ", " ", " ", " ", " "),
}
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def is_drawable(figure: str) -> bool:
    """Whether there is a picture of every character."""
    return all(character in _PIXELS for character in figure)


def big(figure: str) -> tuple[str, str, str]:
    """A figure as three lines; each character of it must have a picture."""
    rows = [" ".join(_PIXELS[character][row] for character in figure) for row in range(5)]
    rows.append(" " * len(rows[0]))
    lines = [
        "".join(_HALVES[upper == "#", lower == "#"] for upper, lower in zip(rows[i], rows[i + 1], strict=True))
        for i in (0, 2, 4)
    ]
    return lines[0], lines[1], lines[2]
