"""Pages for trying a client out: what each answers depends on the request alone, or on a counter. Pure.

    any  /echo/…            200   the request as JSON: method, path, query, headers, body
    GET  /redirect/N        302   N times, then /echo
    GET  /cookies           200   the request's cookies as JSON
    GET  /cookies/NAME/V    200   sets one
    GET  /gzip              200   JSON, compressed
    GET  /lines/N           200   N lines of text
    GET  /basic/USER/PASS   200   401 for another user or password
    any  /flaky/N           200   every Nth request to it is a 500
    any  /drop             none  the connection is closed without an answer

They take a millisecond each.
"""

from __future__ import annotations

import base64
import gzip
import json
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tidal.target.pages import Reply

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

DELAY_S = 0.001
LINES_MAX = 10_000
REDIRECTS_MAX = 100
CLOSE = 0
"""The status of a reply that is none."""


class Asked(NamedTuple):
    """A request, and how often each path was asked for so far."""

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    counter: Counter[str]

    @property
    def parts(self) -> list[str]:
        """The path's parts."""
        return [unquote(part) for part in urlsplit(self.target).path.strip("/").split("/")]

    def number(self, most: int) -> int:
        """The path's second part as a number, 0 for anything else."""
        text = self.parts[1] if len(self.parts) > 1 else ""
        return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def lab_answer(asked: Asked) -> Reply | None:
    """The reply to a request; None when the page is not one of these."""
    make = _PAGES.get(asked.parts[0])
    return make(asked) if make else None


def _json(endpoint: str, value: object, status: int = 200, **headers: str) -> Reply:
    named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Reply(endpoint, status, json.dumps(value).encode(), DELAY_S, headers=named)


def _echo(asked: Asked) -> Reply:
    url = urlsplit(asked.target)
    body = asked.body.decode("utf-8", "replace")
    told = {"method": asked.method, "path": url.path, "query": parse_qs(url.query, keep_blank_values=True)}
    return _json("/echo", {**told, "headers": dict(asked.headers), "body": body})


def _redirect(asked: Asked) -> Reply:
    left = asked.number(REDIRECTS_MAX)
    return _json("/redirect/N", {}, 302, Location=f"/redirect/{left - 1}" if left > 1 else "/echo")


def _cookies(asked: Asked) -> Reply:
    if len(asked.parts) == 3:
        return _json("/cookies/NAME/V", {}, Set_Cookie=f"{_word(asked.parts[1])}={_word(asked.parts[2])}; Path=/")
    jar = SimpleCookie()
    try:
        jar.load(asked.headers.get("cookie", ""))
    except CookieError:
        return _json("/cookies", {}, 400)
    return _json("/cookies", {name: morsel.value for name, morsel in jar.items()})


def _word(text: str) -> str:
    """Letters, digits, _ and -: nothing that could end a header."""
    return "".join(c for c in text if c.isascii() and (c.isalnum() or c in "_-"))


def _gzip(asked: Asked) -> Reply:
    body = gzip.compress(json.dumps({"compressed": True, "method": asked.method}).encode(), mtime=0)
    return Reply("/gzip", 200, body, DELAY_S, headers=(("Content-Encoding", "gzip"),))


def _lines(asked: Asked) -> Reply:
    body = "".join(f"line {n}\n" for n in range(1, asked.number(LINES_MAX) + 1))
    return Reply("/lines/N", 200, body.encode(), DELAY_S, "text/plain")


def _basic(asked: Asked) -> Reply:
    wanted = base64.b64encode(":".join(asked.parts[1:3]).encode()).decode()
    if asked.headers.get("authorization") == f"Basic {wanted}":
        return _json("/basic", {"user": asked.parts[1]})
    return _json("/basic", {}, 401, WWW_Authenticate='Basic realm="lab"')


def _flaky(asked: Asked) -> Reply:
    path = urlsplit(asked.target).path
    asked.counter[path] += 1
    fails = asked.counter[path] % max(1, asked.number(1_000)) == 0
    return _json("/flaky/N", {"n": asked.counter[path]}, 500 if fails else 200)


def _drop(_asked: Asked) -> Reply:
    return Reply("/drop", CLOSE, b"", DELAY_S)


_PAGES: dict[str, Callable[[Asked], Reply]] = {
    "echo": _echo,
    "redirect": _redirect,
    "cookies": _cookies,
    "gzip": _gzip,
    "lines": _lines,
    "basic": _basic,
    "flaky": _flaky,
    "drop": _drop,
}
"""First part of the path → page."""
