"""A pattern that is compiled later is the pattern."""

from __future__ import annotations

import re

import pytest

from tidal.model.pattern import lazily


def test_it_does_what_the_pattern_does() -> None:
    """Whatever is asked of it, as often as it is asked."""
    word = lazily(r"(?P<letter>[a-z])+", re.IGNORECASE)
    for _ in range(2):
        found = word.fullmatch("aBc")
        assert found is not None
        assert found["letter"] == "c"
        assert word.sub("-", "a1B") == "-1-"
    assert (word.pattern, word.groups) == (r"(?P<letter>[a-z])+", 1)


def test_a_mistake_in_it_shows_at_its_first_match() -> None:
    """Not before: nothing is compiled at an import."""
    wrong = lazily("(")
    with pytest.raises(re.error):
        wrong.match("")
