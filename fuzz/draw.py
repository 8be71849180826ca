"""What hypothesis feeds the targets with: random bytes, and good ones with something wrong in them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from http_bytes import GOOD
from hypothesis import strategies as st
from targets import (
    T0,
    good_archive,
    good_entries,
    good_heartbeat,
    good_keyframe,
    good_messages,
    places,
    replaced,
    tagged,
)

from tidal.model.codec import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

NASTY: list[Any] = [
    -1, -(1 << 63), 1 << 62, (1 << 63) - 1, (1 << 64) - 1, 1 << 46, 0.0, -0.0, 1e308, float("inf"), float("nan"), None,
    True, "", "\x1b[2J", "\x1b]0;title\x07", "[bold red]x[/]", "\u202egnp.exe", "\x00", "a" * 3_000, "\ud7ff", b"",
    b"\xff" * 99, [],
    [[]], {}, {"": 0}, {"a" * 500: -1}, [[0]] * 99, list(range(3_000)), {str(n): n for n in range(2_000)},
]  # fmt: skip
"""Values that have broken programs before."""
PLAIN = st.recursive(
    st.one_of(
        st.sampled_from(NASTY),
        st.integers(-(1 << 63), (1 << 64) - 1),
        st.floats(),
        st.text(max_size=9),
        st.binary(max_size=9),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, wire: Any) -> Any:
    """A good plain value with one to three values replaced."""
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(list(places(wire))[:400]))
        wire = replaced(wire, where, draw(PLAIN))
    return wire


@st.composite
def flipped(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes with some flipped, cut out or put in."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 2)):
            case 0 if data:
                data[at] ^= draw(st.integers(1, 255))
            case 1:
                del data[at : at + draw(st.integers(1, 9))]
            case _:
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
    return bytes(data)


@st.composite
def _entries(draw: st.DrawFn) -> bytes:
    good = draw(st.sampled_from(good_entries()))
    plain = good.data[1:] if good.data[:1] == b"\x00" else zlib.decompress(good.data[1:])
    wire = draw(changed(unpack(plain)))
    return tagged(good.stream, good.kind, wire)


def _flipped_entries() -> st.SearchStrategy[bytes]:
    return st.sampled_from(good_entries()).flatmap(
        lambda e: flipped(e.data).map(lambda data: tagged(e.stream, e.kind, None)[:1] + data)
    )


def _wish() -> Any:
    return ["i7", "ann", T0, {"users": 3, "spawn_rate": 2.0, "reason": "x", "text": "y"}]


_STRATEGIES: dict[str, Callable[[], st.SearchStrategy[bytes]]] = {
    "entry": lambda: _entries() | _flipped_entries(),
    "intent": lambda: changed(_wish()).map(lambda wire: b"\x00" + pack(wire)),
    "heartbeat": lambda: changed(good_heartbeat()).map(pack) | flipped(pack(good_heartbeat())),
    "keyframe": lambda: changed(good_keyframe()).map(pack) | flipped(pack(good_keyframe())),
    "messages": lambda: flipped(good_messages()),
    "secrets": lambda: PLAIN.map(pack),
    "archive": lambda: flipped(good_archive()),
    "answer": lambda: st.sampled_from(GOOD).flatmap(flipped),
}


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Random bytes now and then, mostly good ones with something wrong."""
    return _STRATEGIES[name]() | st.binary(max_size=300)
