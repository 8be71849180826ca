from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.redact import DEFAULT, HEADERS_MAX, MARK, Redactor

SECRET_NAMES = [
    "password",
    "Api-Key",
    "access_token",
    "clientSecret",
    "X-CSRFToken",
    "sessionId",
    "user_pwd",
    "authKey",
]
HARMLESS = ["user", "author", "pathway", "pinned", "compass", "name", "description", "signed_in", "design"]

secrets = st.from_regex(r"\A[a-f0-9]{16,40}\Z")
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
names = st.sampled_from([*HARMLESS, 'quote"', "back\\slash", ""]) | st.text(max_size=6)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


@st.composite
def documents_with(draw: st.DrawFn, secret: str) -> Any:
    """A JSON document that has the secret, or a nest around it, somewhere under a secret's name."""
    value: Any = draw(st.sampled_from([secret, [secret], {"deep": {"user": secret}}, {"a": [1, [secret]]}]))
    found: Any = {draw(names): draw(documents), draw(st.sampled_from(SECRET_NAMES)): value, "then": draw(documents)}
    for _ in range(draw(st.integers(0, 3))):
        found = [draw(documents), found] if draw(st.booleans()) else {draw(names): found, "x": draw(documents)}
    return found


def leaks(secret: str, text: str) -> bool:
    """Whether a piece of the secret that says something is in the text."""
    return any(secret[i : i + 6] in text for i in range(len(secret) - 5))


@given(st.data(), secrets)
def test_no_secret_of_a_json_body_is_shown(data: st.DataObject, secret: str) -> None:
    """However deep it lies, however the document is written, and wherever it is cut off."""
    text = json.dumps(data.draw(documents_with(secret)), indent=data.draw(st.sampled_from([None, 1])))
    if data.draw(st.booleans()):
        text = text.replace('"password"', '"pass\\u0077ord"')
    cut = text[: data.draw(st.integers(0, len(text)))]
    for shown in (DEFAULT.body(text), DEFAULT.body(cut.encode(), "application/json"), DEFAULT.body(text, most=60)):
        assert not leaks(secret, shown)


@given(st.data(), secrets)
def test_json_stays_json_and_keeps_what_is_harmless(data: st.DataObject, secret: str) -> None:
    """What has other names is as it was."""
    document = data.draw(documents_with(secret))
    kept = {"user": "Ann", "count": 12, "rest": ["x", {"name": None}]}
    shown = json.loads(DEFAULT.body(json.dumps({"kept": kept, "doc": document}), most=100_000))
    assert shown["kept"] == kept


@given(st.text(st.characters(), max_size=300) | st.binary(max_size=300), st.text(max_size=20), st.integers(1, 200))
def test_whatever_comes_in_something_bounded_comes_out(content: str | bytes, kind: str, most: int) -> None:
    """Nothing is raised, whatever it is said to be."""
    for shape in (kind, "application/json", "multipart/form-data", "application/x-www-form-urlencoded", "text/html"):
        assert len(DEFAULT.body(content, shape, most)) <= most + 60 + len(shape)
    text = content if isinstance(content, str) else content.decode("latin1")
    assert len(DEFAULT.url(text, most)) <= most
    assert len(DEFAULT.text(text, most)) <= most
    for name in ("Cookie", "Set-Cookie", "Authorization", "Location", text):
        assert len(DEFAULT.header(name, text, most)) <= max(most, 40)


KNOTS = {
    "quotes": '"',
    "inputs": "<input ",
    "parts": '; name="a"\r\n',
    "brackets": "[",
    "dots": "a.",
    "backslashes": "\\",
}


@pytest.mark.parametrize("knot", KNOTS)
def test_megabytes_and_knots_cost_little(knot: str) -> None:
    """Only so much is looked at as may be shown; the test's own time limit is the bound."""
    for kind in ("application/json", "multipart/form-data", "text/html", "application/x-www-form-urlencoded", ""):
        assert len(DEFAULT.body(KNOTS[knot] * 1_000_000, kind, 50_000)) < 50_100  # and how long it was


@given(secrets, st.sampled_from(SECRET_NAMES), st.sampled_from(["?", "#", "?a=b&", "?q=x;"]))
def test_no_secret_of_a_url_or_form_is_shown(secret: str, name: str, before: str) -> None:
    """Query, fragment and form, by the name."""
    pair = f"{name}={secret}"
    assert (
        DEFAULT.url(f"http://shop.example/x{before}{pair}&page=2")
        == f"http://shop.example/x{before}{name}={MARK}&page=2"
    )
    assert DEFAULT.body(f"user=ann&{pair}&page=2") == f"user=ann&{name}={MARK}&page=2"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abcdef1234567890", f"Bearer {MARK}"),
        ("authorization", "abcdef", MARK),
        ("Proxy-Authorization", 'Digest username="ann", response="77"', f"Digest {MARK}"),
        ("Cookie", "session=1234; theme=dark", f"session={MARK}; theme={MARK}"),
        ("Cookie", "strange", MARK),
        ("Set-Cookie", "sid=12; Path=/; HttpOnly", f"sid={MARK}; Path=/; HttpOnly"),
        ("X-Api-Key", "k", MARK),
        ("X-CSRF-Token", "k", MARK),
        ("X-Amz-Security-Token", "k", MARK),
        ("X-Auth", "k", MARK),
        ("Location", "/in?token=abc&next=/cart", f"/in?token={MARK}&next=/cart"),
        ("Content-Type", "application/json", "application/json"),
        ("X-Author", "Ann", "Ann"),
        ("X-Note", "it was Bearer abcdefgh12345", f"it was Bearer {MARK}"),
    ],
)
def test_headers_by_example(name: str, value: str, shown: str) -> None:
    """Schemes, the names of cookies and their attributes stay."""
    assert DEFAULT.headers([(name, value)]) == ((name, shown),)


def test_headers_are_bounded() -> None:
    """A hundred lines are enough to read."""
    assert len(DEFAULT.headers((f"X-{n}", "") for n in range(1_000))) == HEADERS_MAX


MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n'
    '--x\r\nContent-Disposition: form-data; name="password"\r\nX: y\r\n\r\nhunter\r\n2\r\n--x--'
)
MARKUP = f"<u><name>ann</name><s:password a='b'>{MARK}</s:password></u>"
INPUTS = f'<input type="hidden" name="csrf" value="{MARK}"><input name=q value=1>'


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"user": "ann", "pin": 1234}', f'{{"user": "ann", "pin": "{MARK}"}}'),
        ('{"token": null, "has_password": true}', '{"token": null, "has_password": true}'),
        ('{"a": 1}\n{"secret": "x"}', f'{{"a": 1}}\n{{"secret": "{MARK}"}}'),
        ('{"note": "use password=hunter2 here"}', f'{{"note": "use password={MARK} here"}}'),
        (r'{"raw": "{\"password\": \"hunter2\"}"}', rf'{{"raw": "{{\"password\": \"{MARK}\"}}"}}'),
        ("<u><name>ann</name><s:password a='b'>x</s:password></u>", MARKUP),
        ('<input type="hidden" name="csrf" value="abc"><input name=q value=1>', INPUTS),
        (MULTIPART, MULTIPART.replace("hunter\r\n2", MARK)),
        ("the password is: hunter2", "the password is: hunter2"),
        ("password: hunter2, user: ann", f"password: {MARK}, user: ann"),
        ("at https://ann:hunter2@shop.example/x", f"at https://{MARK}@shop.example/x"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 back", f"got {MARK} back"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", MARK),
        ("Cookie: a=b; c=d\nHost: x", f"Cookie: {MARK}\nHost: x"),
        ("plain words", "plain words"),
        ("", ""),
    ],
)  # fmt: skip
def test_bodies_by_example(body: str, shown: str) -> None:
    """Their form is told by their looks."""
    assert DEFAULT.body(body) == shown


def test_a_body_of_bytes_is_text_or_is_named() -> None:
    """What was left out is told in the unit of the content."""
    assert DEFAULT.body(b"\x89PNG\x00\x01\x02\xff\xff\xff", "image/png") == "(10 bytes of image/png)"
    assert DEFAULT.body("grüße".encode()) == "grüße"
    assert DEFAULT.body(b"x" * 5_000, most=10) == "x" * 9 + "… (of 5,000)"
    assert DEFAULT.body("x" * 10, most=10) == "x" * 10


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secrets_name_is_known_in_any_spelling(name: str) -> None:
    """Case, dashes and underscores do not matter."""
    assert all(map(DEFAULT.is_secret, (name, name.upper(), name.replace("_", "-"), f"my_{name}", f"x-{name}-old")))


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_are_not(name: str) -> None:
    """A word is not a secret's for having the letters of one."""
    assert not DEFAULT.is_secret(name)


def test_a_users_own_rules_come_on_top() -> None:
    """Names as they are, patterns between slashes; of a pattern with a group only the group goes."""
    own = Redactor.of(["X-Tenant", "iban_number", r"/\d{4}-\d{4}/", "/order (\\w+)/", ""])
    assert own.header("x-tenant", "acme") == MARK
    assert own.body('{"ibanNumber": "DE12", "n": "1234-5678"}') == f'{{"ibanNumber": "{MARK}", "n": "{MARK}"}}'
    assert own.text("order abc, password=x") == f"order {MARK}, password={MARK}"
    assert own.url("/x?card=1234-5678") == f"/x?card={MARK}"


@pytest.mark.parametrize("wrong", ["/(/", "/*/", "/a{99999999999}/"])
def test_a_wrong_pattern_is_refused_with_its_text(wrong: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match=re.escape(wrong[1:-1])):
        Redactor.of([wrong])


def test_names_without_end_take_no_memory_without_end() -> None:
    """A server may send any number of them."""
    redactor = Redactor()
    for n in range(6_000):
        redactor.is_secret(f"name{n}")
    assert len(redactor._known) <= 5_000


_SPOKEN = st.lists(
    st.sampled_from(
        ["password", "token", "Cookie", "name", "Bearer", "=", ":", "&", "?", " ", '"', "{", "}", ",", ";", "a1b2c3d4",
         "http://ann:pw@shop.example/", "eyJhbGciOi.x", "<input ", ">", "\n", "\\", "[", "]", MARK]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(_SPOKEN)
def test_what_was_redacted_is_not_redacted_further(text: str) -> None:
    """A line that goes through two processes reads as after one."""
    once = DEFAULT.text(text)
    assert DEFAULT.text(once) == once
    once = DEFAULT.url(text)
    assert DEFAULT.url(once) == once
