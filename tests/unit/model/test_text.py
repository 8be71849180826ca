from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.text import clean


@given(st.text(st.characters(), max_size=40), st.integers(1, 30))
def test_what_is_clean_is_harmless(text: str, most: int) -> None:
    """One line of harmless characters within its length; cleaning again changes nothing."""
    cleaned = clean(text, most)
    assert len(cleaned) <= most
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in cleaned)
    assert clean(cleaned, most) == cleaned
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\u202egnp.exe", "gnp.exe"),
        ("two\nlines\r\n", "two⏎lines⏎"),
        ("a\tb", "a b"),
        ("\udc80\x00\u2028", ""),
        ("Ünïcödé 日本 🙂", "Ünïcödé 日本 🙂"),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 300, "x" * 300),
    ],
)
def test_escapes_go_and_words_stay(text: str, cleaned: str) -> None:
    """By example."""
    assert clean(text) == cleaned


def test_a_text_of_megabytes_costs_little() -> None:
    """Only as much is looked at as may be shown."""
    assert clean("\x00" * 10_000_000 + "x") == ""
