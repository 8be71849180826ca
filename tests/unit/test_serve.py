"""Who may look at the terminal in a browser, and where it is served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.cli.serve import Place, may_pass, place_of
from tidal.errors import UsageError

HERE, THERE = Place("127.0.0.1", 8090), Place("0.0.0.0", 8090)  # noqa: S104 - not bound here
OURS, TOKEN = {"host": "127.0.0.1:8090"}, "abc123"


@pytest.mark.parametrize(
    ("typed", "host", "port", "is_loopback"),
    [
        ("", "127.0.0.1", 8090, True),
        ("9000", "127.0.0.1", 9000, True),
        (":9000", "127.0.0.1", 9000, True),
        ("localhost", "localhost", 8090, True),
        ("[::1]:9000", "::1", 9000, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),  # noqa: S104 - not bound here
        ("load.example:9000", "load.example", 9000, False),
    ],
)
def test_where_it_is_served(typed: str, host: str, port: int, is_loopback: bool) -> None:  # noqa: FBT001 - a table
    """On loopback unless another address is named."""
    place = place_of(typed)
    assert (place.host, place.port, place.is_loopback) == (host, port, is_loopback)


@pytest.mark.parametrize("typed", ["a:b", "host:0", "host:70000", "host:-1", "host:٣"])
def test_a_place_that_is_none_is_told(typed: str) -> None:
    """With one that is."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        place_of(typed)


@pytest.mark.parametrize(
    ("place", "headers", "token", "given", "passes"),
    [
        (HERE, OURS, "", "", True),
        (HERE, {"host": "localhost:8090"}, "", "", True),
        (HERE, {**OURS, "origin": "http://127.0.0.1:8090"}, "", "", True),
        (HERE, {"host": "evil.example:8090"}, "", "", False),
        (HERE, {}, "", "", False),
        (HERE, {**OURS, "origin": "http://evil.example"}, "", "", False),
        (HERE, {**OURS, "origin": "null"}, "", "", False),
        (THERE, {"host": "load.example:8090"}, TOKEN, TOKEN, True),
        (THERE, {"host": "load.example:8090"}, TOKEN, "", False),
        (THERE, {"host": "load.example:8090"}, TOKEN, "abc124", False),
        (THERE, {"host": "load.example:8090", "origin": "http://evil.example"}, TOKEN, TOKEN, False),
    ],
)
def test_who_may_pass(  # a table
    place: Place,
    headers: dict[str, str],
    token: str,
    given: str,
    passes: bool,  # noqa: FBT001 - a table
) -> None:
    """No page of another site, no other name for this machine, nobody without the token."""
    assert (may_pass(place, token, headers, given) == "") is passes


@given(st.text(), st.text(), st.text())
def test_nobody_passes_by_chance(host: str, origin: str, given_token: str) -> None:
    """Whatever a client sends."""
    assert may_pass(THERE, TOKEN, {"host": host, "origin": origin}, given_token) or given_token == TOKEN
