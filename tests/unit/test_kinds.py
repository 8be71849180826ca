"""How values of Locust's flags are read: spans of time, numbers, what is said of user classes."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.options.kinds import above_zero, parse_timespan, positive_integer, timespan, user_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_UNITS = st.tuples(st.integers(0, 99), st.integers(0, 999), st.integers(0, 999))


@given(_UNITS)
def test_a_span_written_is_the_span_read(parts: tuple[int, int, int]) -> None:
    """Whichever of its parts are there."""
    written = "".join(f"{n}{unit}" for n, unit in zip(parts, "hms", strict=True) if n)
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
    assert parse_timespan(written or "0") == seconds
    assert parse_timespan(str(seconds)) == seconds


@given(st.text("0123456789hms .-٣", max_size=8))
def test_any_text_is_a_span_or_refused(text: str) -> None:
    """Nothing else is raised, and no span is negative."""
    try:
        assert timespan(text) >= 0
    except ArgumentTypeError as error:
        assert "Valid formats" in str(error)  # noqa: PT017 - a text may be either


@pytest.mark.parametrize("text", ["", "1h20", "20m5", "5s1m", "1.5m", "-5s", "5 s", "٣s", "h", "9" * 5_000])
def test_what_is_no_span(text: str) -> None:
    """Of Locust's forms alone; digits are ASCII's."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_timespan(text)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (above_zero, "0"), (above_zero, "-1"), (above_zero, "nan"), (above_zero, "inf"),
        (positive_integer, "0"), (positive_integer, "-3"), (positive_integer, "1.5"), (positive_integer, "many"),
        (user_config, "{"), (user_config, "[1]"), (user_config, '{"weight": 1}'), (user_config, "nowhere.json"),
        (user_config, "[" * 100_000),
    ],
)  # fmt: skip
def test_what_will_not_do_says_why(read: Callable[[str], object], text: str) -> None:
    """As argparse wants it: it adds the flag's name."""
    with pytest.raises(ArgumentTypeError):
        read(text)


def test_what_will_do(tmp_path: Path) -> None:
    """Numbers, and what JSON says of classes: one or many, here or in a file."""
    assert (above_zero("0.5"), positive_integer("3")) == (0.5, 3)
    one = '{"user_class_name": "Buyer", "weight": 2}'
    wanted = [{"user_class_name": "Buyer", "weight": 2}]
    file = tmp_path / "users.json"
    file.write_text(one)
    assert user_config(one) == user_config(f"[{one}]") == user_config(str(file)) == wanted
