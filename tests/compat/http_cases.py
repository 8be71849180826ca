"""Requests and blocks, the same for both sides; run as a program it tells what came of each as JSON.

    python http_cases.py locust|tidal PORT TLS_PORT DEAD_PORT

A case is told by the samples that the request hook got, what the file's code saw, and what it raised.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from functools import partial
from typing import Any

Case = Any
PATHS = [
    "/echo", "/404", "/500", "/204", "/304", "/299", "/redir", "/redir307",
    "/redir404", "/gzip", "/deflate", "/chunked", "/until-end", "/drop", "/reset", "/half",
    "/half-head", "/half-chunk", "/garbage", "/interim", "/json", "/badjson", "/empty", "/latin",
    "/utf8", "/untyped", "/big", "/http10",
]  # fmt: skip
FAST_PATHS = ["/ftp", "/bare-deflate", "/bad-length"]
SENT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a name": ("get", "/404?x=1", {"name": "the name"}),
    "a query": ("get", "/echo?a=1 2&b=%41", {}),
    "params": ("get", "/echo", {"params": {"a": 1, "b": [1, 2], "c": None, "d": "x y"}}),
    "no redirects": ("get", "/redir", {"allow_redirects": False}),
    "a redirected POST": ("post", "/redir", {"data": {"a": 1}}),
    "a form": ("post", "/echo", {"data": {"a": "b c"}}),
    "JSON": ("post", "/echo", {"json": {"a": [1]}}),
    "an empty POST": ("post", "/echo", {}),
    "a lost POST": ("post", "/drop", {"data": "x"}),
    "PUT": ("put", "/echo", {"data": b"\x00\xff"}),
    "PATCH": ("patch", "/echo", {"data": b"x"}),
    "DELETE with JSON": ("delete", "/echo", {"json": [1]}),
    "OPTIONS": ("options", "/echo", {}),
    "HEAD": ("head", "/big", {}),
    "headers": ("get", "/echo", {"headers": {"X-A": "1", "accept-encoding": "identity"}}),
    "basic authentication": ("get", "/echo", {"auth": ("u", "p:w")}),
    "a stream": ("get", "/big", {"stream": True}),
    "context": ("get", "/echo", {"context": {"k": 1}}),
    "a file": (
        "post",
        "/echo",
        {"files": {"f": ("a.txt", "hello", "text/plain")}, "data": {"k": "v"}},
    ),
}
FAST_SENT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JSON with a type": ("post", "/echo", {"json": 1, "headers": {"content-type": "x/y"}}),
    "a text": ("post", "/echo", {"data": "héé"}),
    "an iterator": ("post", "/echo", {"data": iter([b"ab", b"cd"])}),
    "parameters by name": ("get", "/echo", {"foo": "bar"}),
    "fields by name": ("post", "/echo", {"foo": "bar"}),
    "params as text": ("get", "/echo?z=1", {"params": "q=1"}),
    "more redirects than allowed": ("get", "/loop", {}),
}
HTTP_SENT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a timeout": ("get", "/slow", {"timeout": 0.3}),
    "cookies": ("get", "/echo", {"cookies": {"c": "1"}}),
    "pairs": ("post", "/echo", {"data": [("a", 1), ("a", 2)]}),
    "a file as body": ("post", "/echo", {"data": io.BytesIO(b"filebody")}),
    "more redirects than allowed": ("get", "/loop", {}),
}


class Stage:
    """Where the cases run: users of both kinds, and what the hook is told."""

    def __init__(self, port: int, tls_port: int, dead_port: int) -> None:
        from locust import FastHttpUser, HttpUser, events  # noqa: PLC0415 - which one it is was decided just now
        from locust.env import Environment  # noqa: PLC0415 - as above

        self.kinds = {"fast": FastHttpUser, "http": HttpUser}
        self.url, self.tls_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
        self.dead_url, self.lost_url = f"http://127.0.0.1:{dead_port}", "http://no.such.host.invalid"
        self.samples: list[dict[str, Any]] = []
        self._environment = Environment(events=events)
        events.request.add_listener(self._note)

    def user(self, kind: str, host: str | None = None, **attributes: Any) -> Any:
        """A user of a class with these attributes."""
        body = {"host": host or self.url, "abstract": False, "tasks": [lambda _: None], **attributes}
        return type("Someone", (self.kinds[kind],), body)(self._environment)

    def _note(self, **meta: Any) -> None:
        kept = {key: meta[key] for key in ("request_type", "name", "response_length", "context", "url")}
        self.samples.append(kept | {"exception": repr(meta["exception"]), "timed": meta.get("response_time", 0) > 0})


def seen(response: Any) -> dict[str, Any]:
    """What a file may ask of a response."""
    text = response.text
    return {
        "status": response.status_code,
        "ok": response.ok,
        "text": text if text is None or len(text) < 2_000 else len(text),
        "url": response.url,
        "error": repr(getattr(response, "error", None)),
        "type": response.headers.get("content-type") if response.headers else None,
    }


def sending(method: str, path: str, stage: Stage, kind: str, **kwargs: Any) -> Any:
    """One request."""
    return getattr(stage.user(kind, max_redirects=3, network_timeout=5).client, method)(path, **kwargs)


def asking_elsewhere(url: str, stage: Stage, kind: str, **attributes: Any) -> Any:
    """One request to another host, in a block."""
    user = stage.user(kind, getattr(stage, url), **attributes)
    with user.client.get("/json", catch_response=True) as response:
        return response.status_code, type(getattr(response, "error", None)).__name__


def block(path: str, act: Any, stage: Stage, kind: str) -> Any:
    """A block that declares how a request went."""
    with stage.user(kind).client.get(path, catch_response=True) as response:
        act(response)
    return response.status_code


def without_catch(act: Any, stage: Stage, kind: str) -> Any:
    """A verdict that nobody asked for."""
    act(stage.user(kind).client.get("/json"))


def resting(method: str, path: str, act: Any, stage: Stage, kind: str, **kwargs: Any) -> Any:
    """A block of `rest`."""
    with stage.user(kind).rest(method, path, **kwargs) as response:
        act(response)
        return response.js


def naming(stage: Stage, kind: str) -> Any:
    """The ways to name requests."""
    client = stage.user(kind).client
    with client.rename_request("grouped"):
        client.get("/json")
        client.get("/json", name="own")
    client.request_name = "sticky"
    client.get("/json")
    return client.request_name


def cookies(stage: Stage, kind: str) -> Any:
    """Cookies are kept and sent."""
    client = stage.user(kind).client
    client.get("/cookie")
    return client.get("/echo").json()["headers"].get("cookie")


def credentials(stage: Stage, kind: str) -> Any:
    """A base URL with a percent-encoded name and password."""
    client = stage.user(kind, stage.url.replace("//", "//us%40er:p%2Fw@")).client
    return client.base_url, client.get("/echo").json()["headers"].get("authorization")


def absolute(stage: Stage, kind: str) -> Any:
    """An absolute URL goes past the base URL."""
    return stage.user(kind, "http://127.0.0.1:1").client.get(stage.url + "/json")


def rest_against_caches(stage: Stage, kind: str) -> Any:
    """The time as a parameter, out of the name."""
    with stage.user(kind).rest_("GET", "/json?a=1") as response:
        return response.js


def lines(stage: Stage, kind: str) -> Any:
    """The lines of a body."""
    return list(stage.user(kind).client.iter_lines("/lines"))


def slow(retries: int, stage: Stage, kind: str) -> Any:
    """A timeout, and what comes of retries."""
    return stage.user(kind, network_timeout=0.3, max_retries=retries).client.get("/slow")


def refuse(response: Any) -> None:
    """Raise what makes the request a failure."""
    from locust.exception import ResponseError  # noqa: PLC0415 - of the side that runs

    assert response
    raise ResponseError("wrong")


def claim(response: Any, message: str) -> None:
    """An assertion that does not hold."""
    assert response.js["a"] == 2, message


def change(response: Any) -> None:
    """Change what will be told."""
    response.request_meta["name"] = "changed"
    response.request_meta["response_length"] = 7


def raise_own(_: Any) -> None:
    """The file's own trouble."""
    raise KeyError("own")


def fails(reason: Any) -> Any:
    """Declares a failure."""
    return lambda response: response.failure(reason)


def cases(kind: str) -> dict[str, Case]:
    """All cases of a kind of user: callables that take the stage and the kind."""
    is_fast = kind == "fast"
    sent = SENT | (FAST_SENT if is_fast else HTTP_SENT)
    nothing = partial(lambda _: None)
    found: dict[str, Case] = {f"GET {path}": partial(sending, "get", path) for path in PATHS + FAST_PATHS * is_fast}
    found |= {name: partial(sending, method, path, **kwargs) for name, (method, path, kwargs) in sent.items()}
    found |= {
        "success of a 404": partial(block, "/404", lambda response: response.success()),
        "a failure's text": partial(block, "/json", fails("not nice")),
        "a failure's exception": partial(block, "/json", fails(ValueError("x"))),
        "ResponseError": partial(block, "/json", refuse),
        "an exception of the block": partial(block, "/json", raise_own),
        "no verdict on a 500": partial(block, "/500", nothing),
        "no verdict on a lost answer": partial(block, "/drop", nothing),
        "no verdict on half an answer": partial(block, "/half", nothing),
        "changed meta": partial(block, "/json", change),
        "a verdict without a block": partial(without_catch, fails("x")),
        "nobody listens": partial(asking_elsewhere, "dead_url"),
        "no such host": partial(asking_elsewhere, "lost_url"),
        "a certificate of its own": partial(asking_elsewhere, "tls_url"),
        "names": naming,
        "cookies kept": cookies,
        "credentials": credentials,
        "absolute": absolute,
        "rest": partial(resting, "GET", "/json", nothing),
        "rest, bad JSON": partial(resting, "GET", "/badjson", nothing),
        "rest, no body": partial(resting, "GET", "/empty", nothing),
        "rest, 404": partial(resting, "GET", "/404", nothing),
        "rest, no answer": partial(resting, "GET", "/drop", nothing),
        "rest, an assertion": partial(resting, "GET", "/json", lambda r: claim(r, "a was wrong")),
        "rest, an assertion with a comma": partial(resting, "GET", "/json", lambda r: claim(r, "a was wrong,")),
        "rest, POST": partial(resting, "POST", "/echo", nothing, json={"q": 1}),
        "rest_": rest_against_caches,
    }
    if is_fast:
        found |= {
            "a body that is not gzip": partial(block, "/badgzip", nothing),
            "lines": lines,
            "slow": partial(slow, 0),
            "slow, tried again": partial(slow, 1),
            "an unknown certificate": partial(asking_elsewhere, "tls_url", insecure=False),
        }
    return found


def tell(stage: Stage, case: Case, kind: str) -> dict[str, Any]:
    """What came of a case."""
    stage.samples = []
    told: dict[str, Any] = {}
    try:
        result = case(stage, kind)
        told["result"] = seen(result) if hasattr(result, "status_code") else result
    except Exception as error:  # noqa: BLE001 - it is what is compared
        told["raised"] = f"{type(error).__name__}: {error}"
    return json.loads(_without_chance(json.dumps(told | {"samples": stage.samples}, default=str)))


def _without_chance(text: str) -> str:
    """Boundaries and times are never the same; Locust's own advice has its own words."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "BOUNDARY", text)
    text = re.sub(r"_=\d{13}", "_=TIME", text)
    return re.sub(r"(LocustError: [^\".:]*)[^\"]*", r"\1", text)


def main() -> None:
    """Run everything on one side."""
    if sys.argv[1] == "tidal":
        from gevent import monkey  # noqa: PLC0415 - before the rest

        monkey.patch_all()
        import tidal.compat  # noqa: PLC0415 - the other side must not have it

        tidal.compat.install()
    stage = Stage(*map(int, sys.argv[2:5]))
    told = {kind: {name: tell(stage, case, kind) for name, case in cases(kind).items()} for kind in ("fast", "http")}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    os._exit(0)  # greenlets that wait for slow answers are of no interest


if __name__ == "__main__":
    main()
