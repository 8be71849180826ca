"""How things look: glyph, word and tone of every state, and the themes.

Nothing is told by colour alone: a state is a glyph, a word and a tone. `Look` carries what the terminal can do
(UTF-8 or ASCII, which dots charts may use) and the time zone of the clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme
from textual.widget import Widget

from tidal.model.struct import Struct
from tidal.tui.text import clean, fit
from tidal.tui.widgets.canvas import DOTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from textual.dom import DOMNode

_ASCII = {
    "●": "*", "○": "o", "◌": ".", "◐": "%", "✓": "+", "✗": "x", "■": "#", "▲": "!", "►": ">", "→": "->", "…": "..",
    "━": "=", "─": "-", "┅": ":", "│": "|", "└": "+", "┤": "+", "·": "-", "µ": "u", "▾": "v", "▴": "^",
    "█": "#", "┈": " ", "←": "<-", "↑": "up", "↓": "down", "⏎": "enter", "◆": "*", "◂": "<", "▸": ">", "▏": "|",
    "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#", "░": ".", "▒": "+", "▓": "%",
    "⏸": "=", "◇": "o", "≥": ">=", "≤": "<=", "⚑": "!", "✘": "x", "✔": "+",
}  # fmt: skip
"""What stands for our own characters where the terminal has no UTF-8."""
_TO_ASCII = str.maketrans(_ASCII)
FEW_COLOURS = frozenset({"linux", "vt100", "vt220", "ansi", "dumb", "xterm", "screen"})
"""Terminals of 16 colours or fewer: a tint of a ground is black there, or glaring."""
HEAT_LEVELS = 8

Mark = tuple[str, str, str]  # glyph, word, tone

PHASES: dict[str, Mark] = {
    "waiting": ("◌", "WAITING", "warn"),
    "running": ("●", "RUNNING", "good"),
    "stopping": ("◐", "STOPPING", "warn"),
    "closed": ("■", "CLOSED", "dim"),
}
OUTCOMES: dict[str, Mark] = {
    "finished": ("✓", "FINISHED", "good"),
    "stopped": ("■", "STOPPED", "info"),
    "lapsed": ("✗", "LAPSED", "bad"),
    "refused": ("✗", "REFUSED", "bad"),
    "failed": ("✗", "FAILED", "bad"),
}
VERDICTS: dict[str, Mark] = {
    "valid": ("✓", "VALID", "good"),
    "suspect": ("▲", "SUSPECT", "warn"),
    "invalid": ("✗", "INVALID", "bad"),
}
WORKERS: dict[str, Mark] = {
    "waiting": ("◌", "waiting", "dim"),
    "loading": ("◌", "loading", "info"),
    "ready": ("○", "ready", "info"),
    "running": ("●", "running", "good"),
    "stalled": ("◐", "stalled", "warn"),
    "draining": ("◐", "draining", "warn"),
    "lost": ("✗", "lost", "bad"),
    "left": ("■", "left", "dim"),
    "finished": ("✓", "finished", "good"),
    "silent": ("▲", "silent", "warn"),
    "refused": ("✗", "refused", "bad"),
}
LEVELS: dict[str, Mark] = {
    "info": ("·", "", "info"),
    "good": ("✓", "", "good"),
    "warning": ("▲", "", "warn"),
    "error": ("✗", "", "bad"),
}

LOG_LEVELS: dict[str, Mark] = {
    "debug": ("·", "debug", "dim"),
    "info": ("·", "info", "info"),
    "warning": ("▲", "warning", "warn"),
    "error": ("✗", "error", "bad"),
    "critical": ("✗", "fatal", "bad"),
}
"""Of Python's logging, the least first."""


def mark_of(table: dict[str, Mark], state: str) -> Mark:
    """The mark of a state; one that this version does not know is shown by its name."""
    return table.get(state) or ("○", clean(state)[:16] or "?", "dim")


class Look(Struct, frozen=True):
    """What the terminal can show, and where its clock stands."""

    ascii_only: bool = False
    dots: str = "braille"  # braille, block or ascii: what charts are drawn with
    zone: tzinfo | None = None  # None: this machine's
    fills: bool = True  # whether grounds may be tinted: areas and heat are drawn so, else with characters

    def own(self, text: str) -> str:
        """A text of ours, in the characters that the terminal has."""
        return text.translate(_TO_ASCII) if self.ascii_only else text

    def outside(self, text: str) -> str:
        """A text from outside, harmless, in the characters that the terminal has."""
        return clean(text, ascii_only=self.ascii_only)

    def fit(self, text: str, width: int, *, right: bool = False) -> str:
        """A clean text in exactly `width` cells."""
        return fit(text, width, right=right, ellipsis=".." if self.ascii_only else "…")

    @classmethod
    def of_terminal(cls, environment: Mapping[str, str]) -> Look:
        """The look that suits the locale, TERM and TIDAL_CHARTS (braille, block or ascii)."""
        term, wanted = environment.get("TERM", ""), environment.get("TIDAL_CHARTS", "")
        fills = term not in FEW_COLOURS and not environment.get("NO_COLOR")
        if wanted == "ascii" or not speaks_utf8(environment):
            return cls(ascii_only=True, dots="ascii", fills=fills)
        dots = "block" if term == "linux" else "braille"  # the console of Linux has no braille
        return cls(dots=wanted if wanted in DOTS else dots, fills=fills)


def speaks_utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale is a UTF-8 one; none at all counts as one, as terminals go today.

    Under LANG=C Python sets LC_CTYPE=C.UTF-8 for itself (PEP 538): that says nothing of the terminal.
    """
    every, ctype, lang = (environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    if lang in ("C", "POSIX") and ctype in ("C.UTF-8", "C.utf8"):
        ctype = ""
    named = every or ctype or lang
    return not named or "utf8" in named.lower().replace("-", "")


TONES = (
    "good", "info", "warn", "bad", "dim", "faint", "strong", "accent", "head", "total", "loud",
    "rps", "rps-area", "rps-fill", "failures", "planned", "users", "users-area", "users-fill",
    "p50", "p95", "p99", "limit", "limit-bad", "cpu", "cpu-area", "cpu-fill", "spark", "bars",
    "heat-1", "heat-2", "heat-3", "heat-4", "heat-5", "heat-6", "heat-7", "heat-8", "key",
    "good-badge", "info-badge", "warn-badge", "bad-badge", "dim-badge", "replay-badge", "frozen-badge", "tab",
)  # fmt: skip
TONE_CLASSES = {f"tone--{tone}" for tone in TONES}
"""Component classes of the app: the style sheet is asked once for each tone, not once more for each widget."""


class Toned(Widget):
    """A widget that draws in tones, which the style sheet turns into colours of the theme.

    Its app has TONE_CLASSES among its component classes.
    """

    def __init__(self, **names: Any) -> None:
        self._mixed: dict[str, Style] = {}
        super().__init__(**names)

    def notify_style_update(self) -> None:
        """Another theme or state: mix the colours anew."""
        self._mixed.clear()
        super().notify_style_update()

    def tone(self, name: str) -> Style:
        """The colours and weight of a tone, to be laid over the ground of the widget; "a+b" is a over b."""
        if "+" in name:
            over, _, ground = name.partition("+")
            return self.tone(ground) + self.tone(over)
        return self._mix(self.app, f"tone--{name}") if name else Style.null()

    def ink(self, tone: str, part: str = "") -> Style:
        """What a piece of text is drawn with: a tone on the ground of the widget, under a component class.

        Mixed once and kept: Textual finds a ground by asking all that the widget lies in.
        """
        key = f"{tone}\0{part}"
        if key not in self._mixed:
            over = self.part(part) if part else Style.null()
            self._mixed[key] = self.rich_style + self.tone(tone) + over
        return self._mixed[key]

    @property
    def fills(self) -> bool:
        """Whether grounds can be tinted: not in the terminal's own colours, and not without any."""
        return not self.app.native_ansi_color

    def part(self, component: str) -> Style:
        """What a component class of the widget sets, translucent colours mixed with its ground."""
        return self._mix(self, component)

    def _mix(self, owner: DOMNode, component: str) -> Style:
        if component not in self._mixed:
            styles = owner.get_component_styles(component)
            ground = self.background_colors[1]
            back = ground + styles.background if styles.has_rule("background") else None
            front = (back or ground) + styles.color if styles.has_rule("color") else None
            self._mixed[component] = styles.text_style + Style(
                color=front.rich_color if front else None, bgcolor=back.rich_color if back else None
            )
        return self._mixed[component]


DEEP = Theme(
    name="tidal",
    primary="#5cc8c2",
    secondary="#7fb4e0",
    accent="#e8c07a",
    foreground="#d3dee3",
    background="#0b171e",
    surface="#0f1f28",
    panel="#173039",
    boost="#12262f",
    success="#7fd19b",
    warning="#e8c07a",
    error="#ef7f7f",
    dark=True,
    variables={
        "footer-key-foreground": "#5cc8c2",
        "footer-background": "#0f1f28",
        "input-selection-background": "#5cc8c2 30%",
        "border": "#2b5560",
        "scrollbar": "#24454f",
        "scrollbar-background": "#0b171e",
    },
)
"""Deep water: the default."""

SHORE = Theme(
    name="tidal-light",
    primary="#0b7a75",
    secondary="#2a6598",
    accent="#8a5a00",
    foreground="#1c2b31",
    background="#f7f5ef",
    surface="#efece3",
    panel="#e2ddd0",
    boost="#ebe7dc",
    success="#23733f",
    warning="#8a5a00",
    error="#b3303a",
    dark=False,
    variables={"footer-key-foreground": "#0b7a75", "footer-background": "#efece3", "border": "#b9b2a0"},
)
"""Sand in daylight."""

CONTRAST = Theme(
    name="tidal-contrast",
    primary="#00e5ff",
    secondary="#7fb2ff",
    accent="#ffe600",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    boost="#101010",
    success="#00ff66",
    warning="#ffe600",
    error="#ff6b6b",
    dark=True,
    variables={"footer-key-foreground": "#ffe600", "footer-background": "#000000", "border": "#ffffff"},
)
"""White on black, and nothing between."""

THEMES = (DEEP, SHORE, CONTRAST)


def theme_names() -> tuple[str, ...]:
    """All themes by name, ours first."""
    return (*(theme.name for theme in THEMES), *BUILTIN_THEMES)
