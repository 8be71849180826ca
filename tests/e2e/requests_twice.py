"""Runs generated requests through plain requests and through tidal's session; prints what is not the same, as JSON.

    python requests_twice.py SEED COUNT PORT PORT

Each side has a server of its own. Before each request an ordinary one goes, so that there is a connection to go on
with; its path says which request follows and at which try. Half of the requests have that connection closed again, and
open one. At the end there are some that open none: refused, too late, and to names that lead nowhere. What differs is
tried again by new sessions on both sides: an end of a connection that overtakes the next request is no difference, nor
is a wait that ran out on a busy machine.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all(thread=False)

import json  # noqa: E402 - after the patch
import pickle  # noqa: E402 - as above
import re  # noqa: E402 - as above
import socket  # noqa: E402 - as above
import sys  # noqa: E402 - as above
import time  # noqa: E402 - as above
import warnings  # noqa: E402 - as above
from contextlib import ExitStack  # noqa: E402 - as above
from typing import Any  # noqa: E402 - as above

import requests  # noqa: E402 - as above
from answers import answer_of, request_of  # noqa: E402 - as above

from tidal.generator.http import HttpSession  # noqa: E402 - as above
from tidal.hooks import EventHook  # noqa: E402 - as above

TIMEOUT_S = (0.5, 2, 5, 10)  # by the try; some answers have no end, and both sides shall find that out
ADDRESS = re.compile(r"0x[0-9a-f]+")
HERE = ("127.0.0.1", "localhost")
BOUNDARY = re.compile(r"\b[0-9a-f]{32}\b")


def cookies_of(jar: Any) -> list[Any]:
    """A jar in plain values; when a cookie ends is a moment of its own on each side."""
    return sorted([c.name, str(c.value), c.domain, c.path, c.secure, c.expires is None] for c in jar)


def request_seen(request: Any) -> Any:
    """A prepared request in plain values."""
    if request is None:
        return None
    return {
        "method": request.method,
        "url": request.url,
        "headers": [[k, str(v)] for k, v in request.headers.items()],
        "body": repr(request.body)[:300],
        "path_url": request.path_url,
        "hooks": repr(request.hooks),
        "cookies": cookies_of(request._cookies),
    }


def seen(response: Any) -> dict[str, Any]:
    """All that a file can ask of a response."""
    raw = response.raw
    was_read = not response._content_consumed
    content = repr(response.content)
    try:
        parsed = response.json()
    except ValueError as error:
        parsed = type(error).__name__
    return {
        "status": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "ok": response.ok,
        "headers": list(map(list, response.headers.items())),
        "content": content[:3000],
        "length": len(content),
        "encoding": response.encoding,
        "text": response.text[:500],
        "json": parsed,
        "was_read": was_read,
        "redirect": [response.is_redirect, response.is_permanent_redirect],
        "links": repr(response.links),
        "history": [[r.status_code, r.url, repr(r.content), cookies_of(r.cookies)] for r in response.history],
        "cookies": cookies_of(response.cookies),
        "request": request_seen(response.request),
        "next": request_seen(response.next),
        "elapsed": response.elapsed.total_seconds() > 0,
        "lines": list(map(repr, response.iter_lines()))[:20],
        "pieces": [len(piece) for piece in response.iter_content(7000)],
        "raw": [
            raw.status,
            raw.version,
            raw.reason,
            list(map(list, raw.headers.items())),
            repr(raw.read()),
            raw.closed,
            repr(raw.data)[:300],
            raw.version_string,
        ],
        "msg": [type(raw._original_response).__name__, list(map(list, raw._original_response.msg.items()))],
        "connection": hasattr(response.connection, "send"),
        "repr": repr(response),
        "bool": bool(response),
        "pickled": repr(pickle.loads(pickle.dumps(_plain(response))).headers),  # noqa: S301 - made just now
    }


def _plain(response: Any) -> Any:
    """The response without what tidal adds to it."""
    made = requests.Response()
    made.__setstate__(response.__getstate__())
    return made


def said(error: BaseException | None) -> list[str]:
    """An exception and what it came from."""
    chain = []
    while error is not None and len(chain) < 6:
        chain.append(ADDRESS.sub("_", f"{type(error).__module__}.{type(error).__name__}: {error}"))
        error = error.__cause__ or error.__context__
    return chain


def answered(response: Any) -> Any:
    """The response; tidal's session keeps in it what requests would raise."""
    if getattr(response, "error", None) is not None:
        raise response.error
    return response


class Side:
    """One session and what its server was asked.

    Attributes:
        short: how many requests tidal's session did itself.
    """

    def __init__(self, session: Any, port: int) -> None:
        self._session, self._port = session, port
        self.short = 0

    def run(self, seed: int, index: int, attempt: int) -> dict[str, Any]:
        """One request, as a file sees it."""
        method, path, kwargs = request_of(seed, index)
        kwargs.setdefault("timeout", TIMEOUT_S[attempt])
        url = f"http://127.0.0.1:{self._port}"
        try:
            answered(self._session.get(f"{url}/warm/{index}/{attempt}"))
        except requests.RequestException as error:  # the end of the connection came too late to be seen
            return {"cold": f"{self._port}: {error!r}"}
        if index % 2:
            self._session.close()
        try:
            response = answered(self._session.request(method, url + path, **kwargs))
            self.short += getattr(response, "_makings", None) is not None
            result = seen(response)
        except Exception as error:  # noqa: BLE001 - what it is, is compared
            result = {"error": said(error)[:2]}
        if answer_of(seed, index).end != "keep":
            time.sleep(0.01)  # for the end to arrive
        return plain(result | {"session": cookies_of(self._session.cookies)}, self._port)

    def unopened(self, url: str) -> list[str]:
        """What a request says that finds nobody."""
        try:
            answered(self._session.get(url, timeout=0.3))
        except requests.RequestException as error:
            return said(error)
        return []


def plain(result: dict[str, Any], port: int) -> dict[str, Any]:
    """A result without what differs by chance."""
    text = json.dumps(result).replace(f":{port}", ":PORT").replace(f"port={port}", "port=PORT")
    made: dict[str, Any] = json.loads(BOUNDARY.sub("BOUNDARY", text))
    return made


def plain_session() -> requests.Session:
    """What tidal's session is compared with."""
    session = requests.Session()
    session.trust_env = False
    return session


def tidal_session() -> HttpSession:
    """Tidal's."""
    session = HttpSession(None, EventHook("request"))
    session.trust_env = False
    return session


def fresh(ports: list[int]) -> tuple[Side, Side]:
    """Two sides with no cookies yet: plain requests, and tidal."""
    return Side(plain_session(), ports[0]), Side(tidal_session(), ports[1])


def difference(sides: tuple[Side, Side], seed: int, index: int, attempt: int) -> dict[str, Any]:
    """What is not the same, by what it is."""
    theirs, ours = (side.run(seed, index, attempt) for side in sides)
    return {key: (theirs.get(key), ours.get(key)) for key in {*theirs, *ours} if theirs.get(key) != ours.get(key)}


def unopened() -> list[Any]:
    """Where what the sides say of connections that nobody takes is not the same."""
    with socket.socket() as nobody, socket.create_server(("127.0.0.1", 0), backlog=0) as busy, ExitStack() as queue:
        nobody.bind(("127.0.0.1", 0))
        for _ in range(4):  # more than it lets wait
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - its signature
            waiting.connect_ex(busy.getsockname())
        urls = [f"http://{address}:{one.getsockname()[1]}/" for one in (nobody, busy) for address in HERE]
        urls += ["http://nobody.invalid/", f"http://{'a.' * 40}invalid/"]
        pairs = [_said_alike(url) for url in urls]
    return [pair for pair in pairs if pair]


def _said_alike(url: str) -> list[Any]:
    """What the sides say that is not the same, each time: a name server may answer one of them and not the other."""
    pair: list[Any] = []
    for _ in TIMEOUT_S:
        pair = [side.unopened(url) for side in fresh([0, 0])]
        if pair[0] == pair[1] != []:
            return []
    return pair


def main() -> None:
    """Compare, and print the differences, how many requests went the short way, and which try of which was the last."""
    warnings.simplefilter("ignore")
    seed, count, *ports = map(int, sys.argv[1:5])
    sides, short = fresh(ports), 0
    differences, tries = [], []
    for index in range(count):
        for attempt in range(len(TIMEOUT_S)):
            parts = difference(sides, seed, index, attempt)
            if not parts:
                break
            short += sides[1].short
            sides = fresh(ports)  # both: else what one of them missed, a cookie say, tells them apart from here on
        tries.append(attempt)
        if parts:
            differences.append({"index": index, "request": repr(request_of(seed, index))[:300], "parts": parts})
    told = {"short": short + sides[1].short, "differences": differences, "tries": tries, "unopened": unopened()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
