"""The parts of a draft, each by itself: literals, steps, links between requests, and what is kept out."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidal.drafting.exchange import Exchange
from tidal.drafting.links import LEAVES_MAX, LINKS_MAX, is_made, links
from tidal.drafting.literal import WIDTH, Holes, Name, atom, comment, holes_literal, lines, one_line
from tidal.drafting.steps import GAP_MS, PARAMETERS_MAX, endpoint, is_id, slug, steps_of
from tidal.drafting.vault import Unreadable, Vault
from tidal.model.redact import Redactor

TEXTS = st.text(st.sampled_from("\"'\\{}#\n\r\t\x00\u2028\ud800 aé日🙂0"), max_size=30)
CLOSING = {"[": "]", "(": ")", "{": "}"}
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.binary(max_size=12)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(code: str) -> Any:
    """What Python makes of a literal; infinities are calls, so the tree is not enough."""
    return eval(code, {"__builtins__": {}, "float": float})  # noqa: S307 - it was written by the code under test


# ------------------------------------------------------------------ literals


@given(VALUES)
def test_a_value_read_back_is_the_value(value: Any) -> None:
    """On one line, and laid out."""
    assert read(one_line(value)) == value
    assert read("\n".join(lines(value, "", "", 0))) == value


@given(VALUES, st.integers(0, 3))
@example([{"0" * 80: [None]}], 2)
def test_only_what_cannot_be_parted_is_wider_than_a_line(value: Any, depth: int) -> None:
    """An atom, or an atom with its key and what that opens, may be as wide as it is."""
    for line in lines(value, "json=", ",", depth):
        inner = line.strip().removeprefix("json=").removesuffix(",")
        if inner[-1] in CLOSING:  # a wide key, and what it opens
            inner += CLOSING[inner[-1]]
        if len(line) > WIDTH:
            tree = ast.parse(f"{{{inner}}}" if not inner.startswith(("{", "[", "(")) else inner, mode="eval").body
            assert not [n for n in ast.walk(tree) if isinstance(n, ast.List | ast.Tuple) and n.elts]


@given(st.lists(TEXTS | st.sampled_from([Name("A"), Name("B_2")]), max_size=6))
def test_a_text_with_holes_is_its_pieces_in_order(pieces: list[str | Name]) -> None:
    """Braces and quotes of the plain ones stay what they are."""
    values = {"A": "{x}'\"", "B_2": "\\"}
    whole = "".join(values[p.code] if isinstance(p, Name) else p for p in pieces)
    code = holes_literal(Holes(tuple(pieces)))
    assert eval(code, {"__builtins__": {}, **values}) == whole  # noqa: S307 - it was written by the code under test


def test_a_text_with_holes_is_no_more_than_it_needs_to_be() -> None:
    """A lone hole is a name, and none at all a plain string."""
    assert holes_literal(Holes(("", Name("TOKEN"), ""))) == "TOKEN"
    assert holes_literal(Holes(("a", "b"))) == '"ab"'
    assert atom([]) is None


@given(st.lists(st.text("abc:", min_size=1, max_size=100), max_size=30), st.integers(0, 2))
def test_a_remark_keeps_its_words_and_its_width(words: list[str], depth: int) -> None:
    """Only a word that is wider than the line may stand out."""
    told = list(comment(" ".join(words), depth))
    assert " ".join(line.strip().removeprefix("# ") for line in told).split() == words
    for line in told:
        assert len(line) <= WIDTH or len(line.split()) == 2


@pytest.mark.parametrize("first", ["noqa", "type: ignore", "fmt: off", "pragma: no cover", "!/bin/sh", "ruff: noqa"])
def test_no_line_of_a_remark_begins_with_what_a_tool_would_heed(first: str) -> None:
    """Such a word has an ellipsis before it."""
    assert list(comment(first, 0)) == [f"# … {first}"]


# ------------------------------------------------------------------ steps


def asked(url: str = "/", began_ms: float = 0, took_ms: float = 0, page: str = "", **more: Any) -> Exchange:
    """A recorded request."""
    return Exchange(
        "GET", f"http://shop.example{url}", **more, began_ms=began_ms, ended_ms=began_ms + took_ms, page=page
    )


def names_of(exchanges: list[Exchange]) -> list[tuple[list[str], float]]:
    """The steps as paths, and their pauses."""
    return [([e.parts_of_url.path for e in step.exchanges], step.pause_ms) for step in steps_of(exchanges)]


def test_a_step_ends_with_a_gap_or_a_page() -> None:
    """What comes at one go belongs together; the gap counts from the last answer, not from the last request."""
    assert names_of([asked("/a", 0, 400), asked("/b", 400 + GAP_MS - 1)]) == [(["/a", "/b"], 0)]
    assert names_of([asked("/a", 0, 400), asked("/b", 400 + GAP_MS)]) == [(["/a"], GAP_MS), (["/b"], GAP_MS)]
    slow_first = [asked("/a", 0, 2_000), asked("/b", 100, 10), asked("/c", 2_100)]
    assert names_of(slow_first) == [(["/a", "/b", "/c"], 0)]
    assert names_of([asked("/a", 0, 50, "p1"), asked("/b", 20, 5, "p2")]) == [(["/a"], 0), (["/b"], 0)]


def test_before_it_all_begins_again_there_is_the_middle_pause() -> None:
    """Nobody recorded that one."""
    pauses = [pause for _, pause in names_of([asked("/", at) for at in (0, 1_000, 10_000, 12_000)])]
    assert pauses == [1_000, 9_000, 2_000, 2_000]


@pytest.mark.parametrize(
    ("part", "one_of_many"),
    [
        ("7", True), ("123456", True), ("products", False), ("v2", False), ("a1b2c3d4", True), ("deadbeef", False),
        ("dead-beef-7", True), ("f47ac10b-58cc-4372-a567-0e02b2c3d479", True), ("abc123", False),
        ("shirt-blue-large-men-2", True), ("a-long-name-without-digits", False), ("12345678901234567890123", True),
        ("", False), ("%37", True),
    ],
)  # fmt: skip
def test_what_names_one_thing_of_many(part: str, one_of_many: bool) -> None:  # noqa: FBT001 - a column of the table
    """Numbers, UUIDs, hexadecimal words with a digit, long words with digits."""
    assert is_id(part) is one_of_many


def test_an_endpoint_has_no_values() -> None:
    """Ids go, parameters keep their names, each once, and only so many."""
    assert endpoint(asked("/orders/77/lines?page=2&page=3&q=")) == "/orders/[id]/lines?page=[page]&q=[q]"
    many = "&".join(f"p{n}={n}" for n in range(PARAMETERS_MAX + 1))
    assert endpoint(asked(f"/?{many}")).endswith(f"p{PARAMETERS_MAX - 1}=[p{PARAMETERS_MAX - 1}]&…")
    assert endpoint(asked("")) == "/"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/", "home"),
        ("POST", "/7", "post"),
        ("GET", "/Orders/7/lines-all", "orders_lines_all"),
        ("X-Y!", "/", "x_y_"),
    ],
)
def test_a_step_is_called_after_its_path(method: str, path: str, name: str) -> None:
    """Its words without the ids; where none is left, home or the method."""
    assert slug(Exchange(method, f"http://x{path}")) == name


# ------------------------------------------------------------------ links


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("1234", False), ("12345", True), ("abcde", False), ("abc12", False), ("abc123", True), ("a" * 19, False),
        ("a" * 20, True), ("two words 123", False), ("x1" * 2_048, True), ("x1" * 2_048 + "y", False), ("", False),
    ],
)  # fmt: skip
def test_what_seems_made(value: str, made: bool) -> None:  # noqa: FBT001 - a column of the table
    """Long, or a number or word that nobody meets by chance."""
    assert is_made(value) is made


def answered(reply: Any, **more: Any) -> Exchange:
    """A request whose answer was JSON."""
    return asked(reply=json.dumps(reply), reply_kind="application/json", **more)


def linked(*exchanges: Exchange) -> dict[int, list[str]]:
    """What took what from where."""
    return links(exchanges, lambda e: e.parts_of_url.path)


def test_a_value_of_an_answer_that_goes_into_a_later_request_is_told() -> None:
    """Where it came from and where it went, wherever that is, and never the value."""
    login = answered({"data": {"items": [{"id": 987654}]}, "token": "abc123xyz"})
    assert linked(login, asked("/orders/987654")) == {1: ["a part of its path came with JSON data.items[0].id of /"]}
    assert linked(login, asked("/?o=987654")) == {1: ["parameter o came with JSON data.items[0].id of /"]}
    with_header = asked("/a", headers=(("Authorization", "Bearer abc123xyz"),))
    assert linked(login, with_header) == {1: ["header Authorization came with JSON token of /"]}
    as_form = asked("/a", headers=(("Content-Type", "application/x-www-form-urlencoded"),), body="t=abc123xyz")
    assert linked(login, as_form) == {1: ["field t came with JSON token of /"]}
    as_json = asked("/a", headers=(("Content-Type", "application/json"),), body='{"order": {"id": 987654}}')
    assert linked(login, as_json) == {1: ["JSON order.id came with JSON data.items[0].id of /"]}


def test_what_was_sent_before_it_came_is_no_link() -> None:
    """It was typed, or written in the page; a header of the browser's own takes nothing."""
    assert linked(asked("/orders/987654"), answered({"id": 987654}), asked("/orders/987654")) == {}
    cookie = asked("/a", headers=(("Cookie", "abc123xyz"), ("Referer", "abc123xyz")))
    assert linked(answered({"id": "abc123xyz"}), cookie) == {}
    assert linked(answered({"yes": True, "no": None}), asked("/True/None")) == {}


def test_the_first_answer_that_had_it_is_named() -> None:
    """Later ones only repeat it."""
    first, second = answered({"id": 987654}, url="/a"), answered({"again": 987654}, url="/b")
    assert linked(first, second, asked("/987654"))[2] == ["a part of its path came with JSON id of /a"]


def test_markup_and_headers_give_too() -> None:
    """Hidden fields, links, a redirect's place, headers of the site's own."""
    page = '<input name="csrf" value="abc123xyz"><META name=k content=\'qwe456rty\'><a href="/buy/uio789pas">'
    markup = asked("/form", reply=page, reply_kind="text/html")
    sent = asked("/x?a=abc123xyz&b=uio789pas")
    assert linked(markup, sent) == {
        1: ["parameter a came with element csrf of /form", "parameter b came with a link of /form"]
    }
    moved = asked("/new", reply_headers=(("Location", "/orders/987654?x=1"), ("X-Trace", "abc123xyz")))
    assert linked(moved, asked("/orders/987654/abc123xyz"))[1] == [
        "a part of its path came with header Location of /new",
        "a part of its path came with header X-Trace of /new",
    ]


def test_much_is_told_of_and_no_more() -> None:
    """A request has so many links, an answer so many values."""
    many = answered({f"k{n}": f"value-{n:06}" for n in range(LEAVES_MAX + 5)})
    query = "&".join(f"p{n}=value-{n:06}" for n in range(LINKS_MAX + 3))
    assert len(linked(many, asked(f"/?{query}"))[1]) == LINKS_MAX
    assert linked(many, asked(f"/?a=value-{LEAVES_MAX - 1:06}")) != {}
    assert linked(many, asked(f"/?a=value-{LEAVES_MAX:06}")) == {}


# ------------------------------------------------------------------ secrets


def test_one_secret_has_one_name_and_another_another() -> None:
    """The name is that of its field; a second value of it is numbered."""
    vault = Vault(Redactor())
    holes = [vault.hole("userPassword", v).code for v in ("one", "two", "one")]
    assert holes == ["USER_PASSWORD", "USER_PASSWORD_2", "USER_PASSWORD"]
    assert vault.names == ["USER_PASSWORD", "USER_PASSWORD_2"]
    assert vault.hole("7-of-9", "x").code == "SECRET_7_OF_9"
    assert vault.hole("日", "x").code == "SECRET"


def test_a_scheme_stays_in_its_header() -> None:
    """What follows it is the secret."""
    vault = Vault(Redactor())
    assert vault.header("Authorization", "Bearer abc.def") == Holes(("Bearer ", Name("AUTHORIZATION")))
    assert vault.header("X-Api-Key", "k1") == Name("X_API_KEY")
    assert vault.header("Accept", "text/html") == "text/html"


def test_a_url_has_holes_where_its_secrets_were() -> None:
    """The rest of the query is as it was, to the letter."""
    vault = Vault(Redactor())
    assert vault.url("http://x/a?b=%20&token=t1&c") == Holes(
        ("http://x/a?", "b=", "%20", "&token=", Name("TOKEN"), "&c", "")
    )
    assert vault.url("http://x/a?b=%20&c=&token=") == "http://x/a?b=%20&c=&token="


def test_fields_are_pairs_where_a_name_comes_twice() -> None:
    """A dict would lose one of them."""
    vault = Vault(Redactor())
    assert vault.form("a=1&password=p") == {"a": "1", "password": Name("PASSWORD")}
    assert vault.form("a=1&a=2") == [("a", "1"), ("a", "2")]


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', "NaN", "[Infinity]", "1e999", "[" * 300 + "]" * 300])
def test_json_that_would_not_be_sent_as_it_was_is_left_alone(text: str) -> None:
    """Then the text itself is sent."""
    with pytest.raises(Unreadable):
        Vault(Redactor()).json(text)


def test_a_number_that_is_secret_is_one_again_when_it_is_sent() -> None:
    """The environment holds texts only."""
    assert Vault(Redactor()).json('{"pin": 1234, "n": 1.5, "ok": true}') == {
        "pin": Name("int(PIN or 0)"), "n": 1.5, "ok": True,
    }  # fmt: skip
