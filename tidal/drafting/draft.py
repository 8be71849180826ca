"""The locustfile of a recording: imports, secrets, the steps, the user. It runs under Locust as under tidal."""

from __future__ import annotations

import textwrap
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from tidal.drafting.choose import chosen, main_exchange
from tidal.drafting.exchange import BODY_MAX
from tidal.drafting.links import links
from tidal.drafting.literal import INDENT, WIDTH, Name, call_lines, comment, text_literal
from tidal.drafting.steps import Step, endpoint, slug, steps_of
from tidal.drafting.vault import Unreadable, Vault
from tidal.model.struct import Struct, field
from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.drafting.choose import Wanted
    from tidal.drafting.exchange import Exchange, Recording

VERBS = ("get", "options", "head", "post", "put", "patch", "delete")
OF_THE_CONNECTION = {
    *("host", "content-length", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"),
    *("proxy-connection", "http2-settings", "cookie", "expect"),
}
"""Headers that the client makes by itself; cookies come from its jar."""
OF_THE_BROWSER = {
    *("accept-encoding", "upgrade-insecure-requests", "priority", "dnt", "pragma", "cache-control", "referer"),
    *("if-none-match", "if-modified-since", "save-data", "purpose", "x-client-data", "origin"),
}
"""Headers that say how a browser works and not what is wanted."""
ANY_ACCEPT = ("*/*", "text/html,application/xhtml+xml")
"""What a browser accepts when its page said nothing: begins so, or is the client's own."""
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
USER_PAUSE_S = (1, 3)
"""Between the tasks of a user when no pause was recorded."""


class _Draft(Struct):
    """What is known while the file is written."""

    wanted: Wanted
    vault: Vault
    origin: str
    common: dict[str, str] = field(default_factory=dict)  # headers that all requests have
    links: dict[int, list[str]] = field(default_factory=dict)
    number: int = 0  # of the request that is written


def draft(recording: Recording, wanted: Wanted) -> str:
    """The file's text.

    Raises:
        BadRecording: nothing is left to replay.
    """
    exchanges = chosen(recording, wanted)
    steps = steps_of(exchanges)
    made = _Draft(wanted, Vault(wanted.redactor), main_exchange(exchanges).origin)
    made.common = _common_headers(exchanges, wanted)
    made.links = links(exchanges, lambda e: f"{e.method} {clean(endpoint(e), 120)}")
    body = list(_sequence(steps, made) if len(steps) > 1 else _single(steps[0], made))
    return "\n".join([*_head(recording, exchanges, made), *_imports(steps, made), *_secrets(made.vault), *body, ""])


# ------------------------------------------------------------------ above the classes


def _head(recording: Recording, exchanges: list[Exchange], made: _Draft) -> Iterator[str]:
    """The file's docstring: what it was made of, what is left out, what is to be done."""
    count = f"{len(exchanges)} recorded request{'s' if len(exchanges) > 1 else ''}"
    first = _plain(f"{count} of {made.origin}, from {recording.source}; made by tidal import.", 200)
    told = [f"Left out: {_plain(f'{many} {why}', 200)}." for why, many in recording.left_out.items()]
    told += [_plain(note, 400) for note in recording.notes]
    if cookies := _foreign_cookies(exchanges):
        told.append(_plain(f"Cookies that were there before the recording began: {', '.join(cookies)}.", 400))
    if made.links:
        told.append("Look for TODO: values that came with an answer are still those of the recording.")
    if told:
        yield f'"""{first}'
        yield ""
        yield from (line for text in told for line in textwrap.wrap(text, WIDTH))
        yield '"""'
    else:
        yield f'"""{first}"""'
    yield ""


def _plain(text: str, most: int) -> str:
    """Text for a docstring: nothing in it can end it."""
    return " ".join(clean(text, most).replace("\\", "/").replace('"', "'").split())


def _foreign_cookies(exchanges: list[Exchange]) -> list[str]:
    """The names of cookies that were sent and that no answer had set."""
    known: set[str] = set()
    foreign: dict[str, None] = {}
    for exchange in exchanges:
        for pair in exchange.header("cookie").split(";"):
            name = pair.partition("=")[0].strip()
            if name and name not in known:
                foreign[name] = None
        answers = (v for n, v in exchange.reply_headers if n.lower() == "set-cookie")
        known.update(line.partition("=")[0].strip() for value in answers for line in value.split("\n"))
    return list(foreign)[:30]


def _imports(steps: list[Step], made: _Draft) -> Iterator[str]:
    """What the code below them uses."""
    standard = (["import os"] if made.vault.names else []) + (["import random"] if len(steps) > 1 else [])
    yield from standard
    yield from [""] if standard else []
    names = ["HttpUser", "SequentialTaskSet", "task"] if len(steps) > 1 else ["HttpUser", "between", "task"]
    yield f"from locust import {', '.join(names)}"


def _secrets(vault: Vault) -> Iterator[str]:
    """A line for each variable; where there are none, nothing."""
    if not vault.names:
        return
    yield ""
    yield "# TODO: secrets of the recording are not written down: give them in the environment."
    for name in vault.names:
        yield from call_lines(f"{name} = os.environ.get", [("", name), ("", "")], "", 0)


# ------------------------------------------------------------------ the classes


def _sequence(steps: list[Step], made: _Draft) -> Iterator[str]:
    """The steps one after the other, with their pauses, and a user who does nothing else."""
    yield from ("", "", "class Recording(SequentialTaskSet):")
    yield f'{INDENT}"""The steps of the recording, in their order, again and again."""'
    yield from ("", f"{INDENT}pause_s = 1.0", "", f"{INDENT}def wait_time(self):")
    yield f'{INDENT * 2}"""The pause that was recorded after the step, give or take a fifth."""'
    yield f"{INDENT * 2}return self.pause_s * random.uniform(0.8, 1.2)"
    yield from _on_start(made)
    for step in steps:
        yield from _task(step.name, step, made)
        yield f"{INDENT * 2}self.pause_s = {max(step.pause_ms, 0) / 1000!r}"
    yield from _user(made.origin, f"{INDENT}tasks = [Recording]")


def _single(step: Step, made: _Draft) -> Iterator[str]:
    """A user with the one step as its task."""
    low, high = USER_PAUSE_S
    yield from _user(made.origin, f"{INDENT}wait_time = between({low}, {high})")
    yield from _on_start(made)
    name = slug(step.exchanges[0])
    is_free = name.isidentifier() and not iskeyword(name) and name not in TAKEN
    yield from _task(name if is_free else step.name, step, made)


TAKEN = {
    *("abstract", "client", "context", "environment", "fixed_count", "fullname", "greenlet", "group", "host", "json"),
    *("max_wait", "min_wait", "number", "on_start", "on_stop", "pool_manager", "rest", "rest_", "run", "start", "stop"),
    *("tasks", "wait", "wait_function", "wait_time", "weight", "transaction", "metrics", "check", "user", "request"),
}


def _user(origin: str, line: str) -> Iterator[str]:
    yield from ("", "", "class Visitor(HttpUser):", f'{INDENT}"""Does what was recorded."""', "")
    yield f"{INDENT}host = {text_literal(origin)}"
    yield line


def _on_start(made: _Draft) -> Iterator[str]:
    """The headers that every request has, once for the session."""
    if not made.common:
        return
    yield from ("", f"{INDENT}def on_start(self):")
    headers = {name: made.vault.header(name, value) for name, value in made.common.items()}
    yield from call_lines("self.client.headers.update", [("", headers)], "", 2)


def _task(name: str, step: Step, made: _Draft) -> Iterator[str]:
    yield from ("", f"{INDENT}@task", f"{INDENT}def {name}(self):")
    for exchange in step.exchanges:
        yield from _request(exchange, made)
        made.number += 1


# ------------------------------------------------------------------ a request


def _request(exchange: Exchange, made: _Draft) -> Iterator[str]:
    """The call, with remarks above it; an answer that was an error is expected to be one again."""
    for link in made.links.get(made.number, ()):
        yield from comment(f"TODO: {link}: take it from that answer", 2)
    verb = exchange.method.lower()
    function = f"self.client.{verb}" if verb in VERBS else "self.client.request"
    arguments: list[tuple[str, Any]] = [] if verb in VERBS else [("", exchange.method)]
    remarks: list[str] = []
    arguments += _arguments(exchange, made, remarks)
    for remark in remarks:
        yield from comment(remark, 2)
    if exchange.status < 400:
        yield from call_lines(function, arguments, "", 2)
        return
    arguments.append(("catch_response=", Name("True")))
    yield from call_lines(f"with {function}", arguments, " as response:", 2)
    yield f"{INDENT * 3}if response.status_code == {exchange.status}:"
    yield f"{INDENT * 4}response.success()  # as in the recording"


def _arguments(exchange: Exchange, made: _Draft, remarks: list[str]) -> Iterator[tuple[str, Any]]:
    """Address, name, body, headers and what else differs from a plain call."""
    url = exchange.url[len(made.origin) :] if exchange.origin == made.origin else exchange.url
    url = url if url.startswith(("/", "http")) else f"/{url}"
    yield "", made.vault.url(_without_user(url, remarks))
    if (name := endpoint(exchange)) != url:
        yield "name=", name
    kinds: set[str] = set()
    yield from _body(exchange, made, remarks, kinds)
    headers = {n: made.vault.header(n, v) for n, v in _own_headers(exchange, made) if n.lower() not in kinds}
    if headers:
        yield "headers=", headers
    if exchange.credentials:
        user, password = exchange.credentials
        yield "auth=", (user, made.vault.hole("password", password))
    if exchange.is_insecure:
        yield "verify=", Name("False")


def _without_user(url: str, remarks: list[str]) -> str:
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not mark or "@" not in host:
        return url
    remarks.append("TODO: the address had a name and a password in it: give them with auth=(…)")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _body(exchange: Exchange, made: _Draft, remarks: list[str], kinds: set[str]) -> Iterator[tuple[str, Any]]:
    """What is sent. `kinds` gets "content-type" where the client says it by itself."""
    body, kind = exchange.body, exchange.header("content-type").strip()
    if exchange.parts:
        yield from _fields(exchange, made, remarks, kinds)
    elif body is None or body in ("", b""):
        return
    elif len(body) > BODY_MAX:
        remarks.append(f"TODO: a body of {len(body):,} characters is left out here")
    elif isinstance(body, bytes):
        yield "data=", body
    else:
        try:
            if "json" in kind.lower():
                value = made.vault.json(body)
                if value is not None:  # the client takes None for no body
                    yield "json=", value
                    kinds.update({"content-type"} if kind == JSON else ())
                    return
            if kind.lower().startswith(FORM):
                yield "data=", made.vault.form(body)
                kinds.update({"content-type"} if kind == FORM else ())
                return
        except Unreadable:
            pass
        yield "data=", _plain_body(body, kind, made, remarks)


def _plain_body(body: str, kind: str, made: _Draft, remarks: list[str]) -> Any:
    """A body as it is, without what seems secret."""
    shown, is_changed = made.vault.plain(body, kind)
    if is_changed:
        remarks.append("TODO: secrets were taken out of this body: put them in as variables")
    if shown.isascii():
        return shown
    try:
        shown.encode()
    except UnicodeEncodeError:
        return shown.encode("utf-8", "replace")
    return Name(f"{text_literal(shown)}.encode()")


def _fields(exchange: Exchange, made: _Draft, remarks: list[str], kinds: set[str]) -> Iterator[tuple[str, Any]]:
    """The fields of a form whose bytes were not recorded."""
    kinds.add("content-type")
    if exchange.header("content-type").lower().startswith(FORM):
        yield "data=", made.vault.pairs([(part.name, part.value) for part in exchange.parts])
        return
    rows: list[tuple[str, Any]] = []
    for part in exchange.parts:
        if part.file_name:
            remarks.append(f"TODO: the content of the file {clean(part.file_name, 80)} is not in the recording")
            rows.append((part.name, (part.file_name, b"", *([part.kind] if part.kind else []))))
        else:
            is_secret = made.vault.is_secret(part.name, part.value)
            rows.append((part.name, (None, made.vault.hole(part.name, part.value) if is_secret else part.value)))
    yield "files=", dict(rows) if len({name for name, _ in rows}) == len(rows) else rows


def _kept_headers(exchange: Exchange, wanted: Wanted) -> Iterator[tuple[str, str]]:
    for name, value in exchange.headers:
        lower = name.lower()
        is_browsers = lower in OF_THE_BROWSER or lower.startswith("sec-")
        is_browsers |= lower == "accept" and (value == ANY_ACCEPT[0] or value.startswith(ANY_ACCEPT[1]))
        if lower not in OF_THE_CONNECTION and (wanted.all_headers or not is_browsers) and _fits(value):
            yield name, value


def _fits(value: str) -> bool:
    """Whether the client can send it: headers are Latin-1, and neither begin nor end with a space."""
    return value == value.strip() and all(ord(c) < 256 and (c.isprintable() or c == "\t") for c in value)


def _common_headers(exchanges: list[Exchange], wanted: Wanted) -> dict[str, str]:
    """Headers that every request has, with the same value."""
    sets = [dict(_kept_headers(e, wanted)) for e in exchanges]
    first = {name: value for name, value in sets[0].items() if name.lower() != "content-type"}
    return {n: v for n, v in first.items() if all(s.get(n) == v for s in sets)} if len(sets) > 1 else {}


def _own_headers(exchange: Exchange, made: _Draft) -> Iterator[tuple[str, str]]:
    return ((n, v) for n, v in _kept_headers(exchange, made.wanted) if made.common.get(n) != v)
