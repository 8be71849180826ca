"""Values of user code's own, as custom messages carry them: each comes out as it went in, or is refused in one way."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.codec import BadEntry, pack_value, unpack_value

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(), st.integers(0, 99)), inner, max_size=4)
    ),
    max_leaves=12,
)


class ObjectId:
    """As bson has it."""

    def __str__(self) -> str:
        return "65f0c0ffee"


@given(VALUES)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    """Moments among them, with their zone."""
    assert unpack_value(pack_value(value)) == value


def test_what_has_no_form_of_its_own_goes_as_the_nearest() -> None:
    """A set as a list, an ObjectId as its text, a half of a character as what it was."""
    value = {"ids": frozenset({7}), "one": ObjectId(), "pair": (1, 2), "half": "\ud800"}
    assert unpack_value(pack_value(value)) == {"ids": [7], "one": "65f0c0ffee", "pair": [1, 2], "half": "\\ud800"}


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [object(), 1 << 64, 1j, {"of": print}, _nested(5_000)], ids=lambda v: str(type(v)))
def test_what_cannot_be_sent_is_refused(value: Any) -> None:
    """Where it is sent."""
    with pytest.raises(ValueError, match="no value that can be sent"):
        pack_value(value)


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda data: b"\xc7\x14\x01" + data)))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    """In one way."""
    with suppress(BadEntry):
        unpack_value(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x01",
        msgpack.packb(msgpack.ExtType(99, datetime(2026, 1, 1, tzinfo=UTC).isoformat().encode())),
        pack_value(datetime(2026, 1, 1, tzinfo=UTC)).replace(b"2026", b"year"),
        b"\x81\x90\x01",
        b"\xa1\xff",
        b"\x91" * 5_000 + b"\xc0",
    ],
    ids=["nothing", "two", "an unknown kind", "no moment", "a list as a key", "no text", "a tower"],
)
def test_what_is_no_value_is_refused(data: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(BadEntry, match="not a value"):
        unpack_value(data)
