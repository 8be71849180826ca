"""What operators want and nobody has answered yet: read from `intents`, kept until the answer is in the log. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.codec import ZERO_ID, Entry, EntryId, understood
from tidal.model.envelopes import ByOperator

if TYPE_CHECKING:
    from tidal.model.state import LogHalf

PENDING_MAX = 100
LOOK_BACK_MS = 60_000
"""A successor reads intents from so long before the last answered one: further back all are answered."""


class Inbox:
    """One master's unanswered intents.

    Attributes:
        at: up to where `intents` was read.
    """

    def __init__(self) -> None:
        self._pending: dict[str, ByOperator] = {}
        self.at: EntryId = ZERO_ID

    def __repr__(self) -> str:
        return f"<Inbox of {len(self._pending)} intents>"

    def begin_after(self, answered_ms: int) -> None:
        """Read on where another master answered last."""
        self.at = EntryId(max(0, answered_ms - LOOK_BACK_MS), 0)

    def take(self, entry: Entry, log: LogHalf) -> None:
        """Keep an intent that is not answered; nonsense and what is too much are dropped."""
        self.at = entry.id
        signed = understood(entry)
        if isinstance(signed, ByOperator) and signed.id not in log.intents and len(self._pending) < PENDING_MAX:
            self._pending[signed.id] = signed

    def pending(self, log: LogHalf) -> tuple[ByOperator, ...]:
        """Those without an answer in the log."""
        self._pending = {i: signed for i, signed in self._pending.items() if i not in log.intents}
        return tuple(self._pending.values())
