"""URLs of FastHttpUser: the short way to take one apart and the long one."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from tidal.generator.fast_url import _taken_apart, target_of

PARTS = [
    "http://",
    "https://",
    "HTTP://",
    "h",
    "A.b",
    "127.0.0.1",
    "[::1]",
    ":80",
    ":",
    ":0",
    ":99999",
    "/",
    "//",
    "..",
    "?",
    "#",
    "a",
    "%20",
]
URLS = st.lists(st.sampled_from([*PARTS, "é", " ", "&", "=", "@", ";", "+", "[", "\\"]), max_size=9).map("".join)


@given(URLS.map("http://h".__add__) | URLS)
@example("http://h:80")
@example("http://h?")
@example("http://h/?#x")
def test_both_ways_lead_to_the_same_place(url: str) -> None:
    """Or both refuse it."""
    long = short = None
    with suppress(ValueError):
        long = _taken_apart(url)
    with suppress(ValueError):
        short = target_of(url)
    assert short == long
