"""Locust's custom messages, as their listeners get them."""

from __future__ import annotations

from typing import Any

from tidal.model.codec import pack_value, unpack_value


class Message:
    """What a listener of a custom message gets.

    Attributes:
        type: the name that the listener was registered for.
        data: what was sent with it.
        node_id: who sent it: a worker's `client_id`, or the one that the master addressed.
    """

    def __init__(self, message_type: str, data: Any, node_id: str | None) -> None:
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self) -> str:
        return f"<Message {self.type}:{self.node_id}>"

    def serialize(self) -> bytes:
        """As bytes; ValueError when the data cannot travel."""
        return pack_value([self.type, self.data, self.node_id])

    @classmethod
    def unserialize(cls, data: bytes) -> Message:
        """From bytes; ValueError when they are none of a message."""
        parts = unpack_value(data)
        if not isinstance(parts, list) or len(parts) != 3:
            raise ValueError("these bytes are no message")
        return cls(*parts)
