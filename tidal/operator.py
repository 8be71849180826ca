"""What an operator wants, handed to the master as an intent: absolute and signed, answered in the log."""

from __future__ import annotations

import getpass
import secrets
import socket
from typing import TYPE_CHECKING

from tidal.model.codec import encode
from tidal.model.events import ByOperator, Event

if TYPE_CHECKING:
    from tidal.bus import Bus
    from tidal.keys import RunKeys


def author() -> str:
    """Who sits here: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in the password file, as in some containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}"[:100]


class Operator:
    """Hands in intents for one run."""

    def __init__(self, bus: Bus, keys: RunKeys, who: str = "") -> None:
        self._bus, self._keys, self._who = bus, keys, who or author()

    def want(self, event: Event) -> str:
        """Append an intent; its id, under which the log says whether it was accepted.

        Raises:
            BusError: Redis did not take it, or nobody knows; wanting the same again does no harm.
        """
        intent = secrets.token_hex(8)
        self._bus.append(
            self._keys.intents, encode(ByOperator(intent, self._who, self._bus.time_us()[1] // 1000, event))
        )
        return intent
