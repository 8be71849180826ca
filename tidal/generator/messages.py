"""Custom messages between the two sides of a locustfile, and their values as bytes.

Besides what msgpack has, a value may hold `datetime`s and the `ObjectId`s of bson, in Locust's own form.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

from tidal.model.codec import BadEntry, pack, unpack

_TIME = "%Y%m%dT%H:%M:%S.%f"


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
        """As bytes."""
        return to_bytes((self.type, self.data, self.node_id))

    @classmethod
    def unserialize(cls, data: bytes) -> Message:
        """From bytes; ValueError when they are none of a message."""
        parts = from_bytes(data)
        if not isinstance(parts, list) or len(parts) != 3:
            raise ValueError("these bytes are no message")
        return cls(*parts)


def to_bytes(value: Any) -> bytes:
    """A value of user code's as bytes; TypeError when it holds something that cannot travel."""
    return pack(_plain(value))


def from_bytes(data: bytes) -> Any:
    """The value of `to_bytes`; ValueError when the bytes are damaged."""
    try:
        return _rich(unpack(data))
    except BadEntry as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    """The value without what msgpack does not know."""
    if isinstance(value, dict):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, dt.datetime):
        return {"__datetime__": True, "as_str": value.strftime(_TIME)}
    if type(value).__name__ == "ObjectId" and type(value).__module__.startswith("bson"):
        return {"__ObjectId__": True, "as_str": str(value)}
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise TypeError(f"a message cannot carry a {type(value).__name__}")


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return [_rich(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "__datetime__" in value:
        return dt.datetime.strptime(value["as_str"], _TIME)  # noqa: DTZ007 - Locust's form has no zone
    if "__ObjectId__" in value:
        return _object_id(value["as_str"])
    return {key: _rich(inner) for key, inner in value.items()}


def _object_id(text: str) -> Any:
    """An `ObjectId` where bson is in use, its text elsewhere."""
    bson = sys.modules.get("bson")
    return text if bson is None else bson.ObjectId(text)
