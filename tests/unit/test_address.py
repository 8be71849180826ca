"""One URL from what is said beside it; nothing secret in what is shown, nor in what is complained of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import parse_url

from tidal import address
from tidal.errors import UsageError
from tidal.routes import route

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a/b#c?d@e:f%g h"  # noqa: S105 - with everything that a URL would stumble over


def parts(url: str) -> dict[str, object]:
    """What the client makes of a URL."""
    found: dict[str, object] = parse_url(url)
    return {name: value for name, value in found.items() if name != "connection_class"}


def password_of(url: str) -> object:
    """The password that the client would say."""
    return parts(url)["password"]


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("redis://h:1/2", {"host": "h", "port": 1, "db": 2}),
        ("redis://h", {"host": "h"}),
        ("redis://h?db=3", {"host": "h", "db": 3}),
        ("redis://[::1]:7/0", {"host": "::1", "port": 7, "db": 0}),
        ("redis://me@h", {"host": "h", "username": "me"}),
        ("redis://me:@h", {"host": "h", "username": "me"}),
        ("unix:///tmp/r.sock", {"path": "/tmp/r.sock"}),  # noqa: S108 - a name only
        ("unix://me@/tmp/r.sock?db=1", {"path": "/tmp/r.sock", "username": "me", "db": 1}),  # noqa: S108
    ],
)
def test_a_password_goes_into_any_url(url: str, more: dict[str, object]) -> None:
    """The client finds it as it was, and the rest as it was without."""
    whole = address.whole(url, {address.PASSWORD: SECRET})
    assert parts(whole) == {**more, "password": SECRET}
    assert SECRET not in address.mask(whole)
    assert "***@" in address.mask(whole)
    assert address.whole(whole, {}) == whole


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40))
def test_any_password_survives(secret: str) -> None:
    """Whatever it is made of."""
    whole = address.whole("redis://me@h:1/0", {address.PASSWORD: secret})
    assert password_of(whole) == secret
    assert address.mask(whole) == "redis://me:***@h:1/0"


def test_what_counts_most(tmp_path: Path) -> None:
    """The URL's own, then the flag's file, then the variable, then the variable's file."""
    file, other = tmp_path / "one", tmp_path / "two"
    file.write_text("of the flag\nsecond line\n")
    other.write_text(" of the file \n")
    environ = {address.PASSWORD_FILE: str(other)}
    assert password_of(address.whole("redis://h", environ)) == "of the file"
    environ[address.PASSWORD] = "of the variable"
    assert password_of(address.whole("redis://h", environ)) == "of the variable"
    flags = {"--redis-password-file": str(file)}
    assert password_of(address.whole("redis://h", environ, flags)) == "of the flag"
    for url in ("redis://:mine@h", "redis://h?password=mine"):
        assert password_of(address.whole(url, environ)) == "mine"
        with pytest.raises(UsageError, match="said twice"):
            address.whole(url, environ, flags)


@pytest.mark.parametrize(
    "url", ["", "h:6379", "http://h", "redis://h:port", "redis://[::1", "redis://me:s3cret/x@h", "redis://:s3cret#x@h"]
)
def test_what_is_no_url_is_told_without_its_password(url: str) -> None:
    """In one line, whatever part of it the password was."""
    with pytest.raises(UsageError) as caught:
        address.whole(url, {})
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("redis://h/x", "x"),
        ("redis://h/1/2", "1/2"),
        ("redis://h/0#3", "0#3"),
        ("redis://h#3", "#3"),
        ("rediss://h/-1", "-1"),
        ("redis://h?db=x", "x"),
        ("unix:///r.sock?db=main", "main"),
        ("redis+cluster://h:1,h:2/3", "3"),
    ],
)
def test_a_database_that_is_no_number_is_refused(url: str, wrong: str) -> None:
    """The client would go to number 0, or to another."""
    with pytest.raises(UsageError, match=f"there is no database '{wrong}'"):
        address.whole(url, {})


def test_a_parameter_that_the_client_does_not_know_is_refused() -> None:
    """Before anybody connects."""
    with pytest.raises(UsageError, match="unexpected keyword argument 'foo'"):
        route("redis://h/0?foo=1", "test", 1.0)


def test_files_of_tls_are_absolute_and_not_shown(tmp_path: Path) -> None:
    """A child works in another folder; a path is nothing for a screen."""
    with pytest.raises(UsageError, match=r"--redis-ca: cannot read .*none"):
        address.whole("rediss://h", {}, {"--redis-ca": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="TIDAL_REDIS_KEY is said, but redis://h is no TLS"):
        address.whole("redis://h", {"TIDAL_REDIS_KEY": "x"})
    shown = address.mask("rediss://me:pw@h:1/0?ssl_ca_certs=/a/b&db=1&ssl_certfile=/c&ssl_keyfile=/d")
    assert shown == "rediss://me:***@h:1/0?db=1"


def test_advice_is_for_those_who_speak_of_tls() -> None:
    """Other troubles keep their own words."""
    assert address.advice("Error 111 connecting: Connection refused", "rediss://h") == ""
    assert address.advice("CERTIFICATE_VERIFY_FAILED", "unix:///x") == ""
    assert "write rediss://" in address.advice("Connection closed by server.", "redis://h")
