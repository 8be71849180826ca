"""curl commands as browsers copy them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replayed import foreign, replayed

from tidal.drafting.choose import Wanted
from tidal.drafting.curl import read_curl
from tidal.drafting.draft import draft
from tidal.drafting.exchange import Exchange, Part
from tidal.drafting.shellwords import commands
from tidal.errors import BadRecording

FORM = "application/x-www-form-urlencoded"
CHROME = r"""
curl 'https://shop.example/api/cart/1234?lang=en' \
  -X 'PUT' \
  -H 'accept: application/json' \
  -H 'content-type: application/json' \
  -b 'session=abc' \
  -H 'sec-fetch-mode: cors' \
  --data-raw $'{"note":"it\'s \u0041","n":1}' \
  --compressed ;
curl 'https://shop.example/' -H 'accept: text/html'
"""


@given(st.lists(st.text(max_size=12).filter(lambda text: "\0" not in text), min_size=1, max_size=5))
def test_quoted_words_come_out_as_they_were(words: list[str]) -> None:
    """As a shell would have them, whatever is in them."""
    assert commands(shlex.join(words)) == [words]


@given(st.text(max_size=60))
def test_any_text_is_taken_apart_as_a_shell_does_or_refused(text: str) -> None:
    """Where both understand it, both understand the same."""
    try:
        found = commands(text)
    except BadRecording:
        return
    if not set(text) & set("\n\r;&#$\\") and not any(c.isspace() and c not in " \t" for c in text):
        assert [word for words in found for word in words] == shlex.split(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"curl a\ b 'c d'\''e' \"f", [["curl", "a b", "c d'e", '"f']]),
        ('curl "a \\"b\\" \\$c \\n" d', [["curl", 'a "b" $c \\n', "d"]]),
        (r"curl $'a\n\x41\u00e9\101\\\''", [["curl", "a\nAéA\\'"]]),
        ("a b; c\nd && e \\\n f", [["a", "b"], ["c"], ["d"], ["e", "f"]]),
        ("curl http://x/#top", [["curl", "http://x/#top"]]),
        ("curl ''", [["curl", ""]]),
        (" ;; \n", []),
    ],
)
def test_shell_words_by_example(text: str, words: list[list[str]]) -> None:
    """Quotes of every kind, escapes, the ends of commands."""
    assert commands(text) == words


@pytest.mark.parametrize(
    ("command", "exchange"),
    [
        ("curl shop.example/x", Exchange("GET", "http://shop.example/x")),
        ("curl -I https://s.example/#a", Exchange("HEAD", "https://s.example/")),
        ("/usr/bin/curl -sSL -XDELETE https://s.example", Exchange("DELETE", "https://s.example")),
        ("curl s.example -d a=1 -d b=2", Exchange("POST", "http://s.example", (("Content-Type", FORM),), "a=1&b=2")),
        (
            "curl s.example --json '{}' -o out",
            Exchange("POST", "http://s.example", (("Content-Type", "application/json"),), "{}"),
        ),
        ("curl -G s.example/?q=1 --data-urlencode 'a=b c'", Exchange("GET", "http://s.example/?q=1&a=b+c")),
        (
            "curl s.example -F a=b -F 'f=@/x/y.png;type=image/png'",
            Exchange("POST", "http://s.example", parts=(Part("a", "b"), Part("f", "", "y.png", "image/png"))),
        ),
        (
            "curl -u ann:pw -k s.example",
            Exchange("GET", "http://s.example", credentials=("ann", "pw"), is_insecure=True),
        ),
        (
            "curl s.example -A me -e there -b a=b -H 'Accept:' -H 'X-Y:  z '",
            Exchange(
                "GET",
                "http://s.example",
                (("X-Y", "z"), ("User-Agent", "me"), ("Referer", "there"), ("Cookie", "a=b")),
            ),
        ),
    ],
)
def test_a_command_by_example(command: str, exchange: Exchange) -> None:
    """Flags that make the request count, those that only print do not."""
    assert read_curl(command).exchanges == [exchange]


def test_what_a_browser_copied_becomes_a_file() -> None:
    """Several commands; the host once, ids under one name, what only a browser says left out."""
    code = draft(read_curl(CHROME), Wanted())
    host, client, _ = replayed(code)
    assert list(foreign(code)) == []
    assert host == "https://shop.example"
    assert client.asked == [
        (
            "PUT",
            "/api/cart/1234?lang=en",
            {
                "name": "/api/cart/[id]?lang=[lang]",
                "json": {"note": "it's A", "n": 1},
                "headers": {"accept": "application/json"},
            },
        ),
        ("GET", "/", {"headers": {"accept": "text/html"}}),
    ]
    assert "Cookies that were there before the recording began: session." in code


@given(
    st.lists(
        st.sampled_from(["curl", "-X", "-H", "a: b", "-d", "@f", "x.y", "http://é/", "-F", "--json", "-u", "-k", "a=b"])
        | st.text(max_size=10),
        max_size=8,
    )
)
def test_any_command_is_drafted_or_refused(words: list[str]) -> None:
    """Nothing else is raised, and the draft has no foreign code."""
    try:
        code = draft(read_curl(shlex.join(["curl", *words])), Wanted())
    except BadRecording:
        return
    assert not list(foreign(code))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("", "no curl command"),
        ("wget http://x", "'wget' is no curl command"),
        ("curl", "one URL is needed, and there are 0"),
        ("curl a b", "one URL is needed, and there are 2"),
        ("curl x --proxy-magic", "--proxy-magic is not understood here"),
        ("curl x -d @body.json", "the body is in the file 'body.json'"),
        ("curl $HOST/x", "only a shell knows what '$HOST/x' stands for"),
        ('curl "$(cat f)"', "only a shell knows what '$(' stands for"),
        ("curl x | jq", "only a shell can do '| jq'"),
        ("curl 'x", "a quote is not closed"),
        ("curl ftp://x/", "ftp is not HTTP"),
        ("curl http:///x", "has no host that could be one"),
        ("curl x -X 'G T'", "is not a method of HTTP"),
        ("curl x -H 'a b: c'", "'a b' is no name of a header"),
        ("curl x -F oops", "-F 'oops' is not name=value"),
    ],
)
def test_what_cannot_be_understood_is_refused(command: str, says: str) -> None:
    """With what it is, and what to do."""
    with pytest.raises(BadRecording) as caught:
        read_curl(command)
    assert says in str(caught.value)
