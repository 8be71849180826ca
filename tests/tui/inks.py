"""Names for colours on the screen: the tone that a run of text was drawn in, else what the theme calls them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color

from tidal.tui.look import TONES, Toned

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.app import App
    from textual.strip import Strip

THEME = (
    *("foreground", "background", "surface", "panel", "boost", "primary", "secondary", "accent"),
    *("success", "warning", "error", "border", "footer-background"),
)
FILLS = tuple(tone for tone in TONES if tone.endswith("-fill"))


class Inks:
    """What an app draws with, by name; asked anew for each screen, as widgets come and go."""

    def __init__(self, app: App[str]) -> None:
        self._app = app
        variables = app.theme_variables
        self._theme = {Color.parse(variables[name]).hex6.lower(): name for name in reversed(THEME) if name in variables}
        self._tones: dict[tuple[str, str, str], str] = {}
        self._asked: set[tuple[str, str]] = set()

    def drawn(self, strip: Strip) -> str:
        """A line of the screen with the name of its ink before each run of text; blanks at the end left out."""
        runs = [(ink, "".join(s.text for s in run)) for ink, run in groupby(filter(_text_of, strip), self._name_of)]
        if runs and not runs[-1][1].strip() and "fill" not in runs[-1][0]:
            runs[-1] = (runs[-1][0], "")
        return "".join(f"⟦{ink}⟧{text}" for ink, text in runs)

    def _name_of(self, segment: Segment) -> str:
        """A tone, else colour on colour, with letters for its weight."""
        style = segment.style or Style.null()
        return self._tones.get(look_of(style)) or self._in_the_theme(style)

    def _in_the_theme(self, style: Style) -> str:
        front, back, letters = look_of(style)
        named = f"{self._theme.get(front, front).removeprefix('foreground')}/{self._theme.get(back, back)}"
        return f"{named} {letters}".rstrip()

    def learn(self) -> None:
        """Ask the widgets of the screen for their inks."""
        for widget in self._app.screen.query(Toned):
            ground = look_of(widget.ink(""))
            parts = sorted(type(widget).COMPONENT_CLASSES)
            if (type(widget).__name__, ground[1]) in self._asked:
                continue
            self._asked.add((type(widget).__name__, ground[1]))
            for part in ("", *parts):
                for tone in ("", *TONES, *(f"{tone}+{fill}" for fill in FILLS for tone in TONES if not part)):
                    named = f"{tone}{part and '@' + part.rpartition('--')[2]}"
                    self._tones.setdefault(look_of(widget.ink(tone, part)), named)


def _text_of(segment: Segment) -> str:
    return segment.text


def look_of(style: Style) -> tuple[str, str, str]:
    """Colours and weight."""
    front = style.color.get_truecolor().hex if style.color is not None else ""
    back = style.bgcolor.get_truecolor().hex if style.bgcolor is not None else ""
    return front, back, letters_of(style)


def letters_of(style: object) -> str:
    """The weight of a style, a letter each."""
    names = {"b": "bold", "r": "reverse", "d": "dim", "u": "underline"}
    return "".join(letter for letter, name in names.items() if getattr(style, name, None))
