"""What is wrong with Redis, told once when it begins and once when it is over, however often it is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from tidal.sayings import Sayings

OVER_MS = 2_500
"""Masters write each second: after so long without an error there is none."""


class Trouble(Struct, frozen=True):
    """One stretch of errors; times are monotonic, in ms."""

    text: str = ""
    since_ms: int = 0
    last_ms: int = 0

    def met(self, text: str, now_ms: int, said: Sayings) -> Trouble:
        """An error was met: its words are said when they are new."""
        if text != self.text:
            said.say("warning", f"{text}; the load goes on")
        return Trouble(text, self.since_ms if self.text else now_ms, now_ms)

    def is_over(self, now_ms: int) -> bool:
        """Whether there was one, and no error for long enough."""
        return bool(self.text) and now_ms - self.last_ms >= OVER_MS

    def in_words(self) -> str:
        """What it was, and for how long."""
        return f"for {max(1, (self.last_ms - self.since_ms + 500) // 1000)} s {self.text.rstrip('.')}"
