"""The terminal in a browser: `tidal tui --serve [HOST:PORT]`, by textual-serve.

    browser ── websocket ──▶ this server ── pipes ──▶ `tidal attach RUN`, one for each page

On loopback whoever is on this machine may look. Elsewhere only who knows the token, which is new with each start; the
page keeps it in a cookie. Everywhere a page of another site may not open the websocket, and a name that is not ours may
not lead here (DNS rebinding): keys that are pressed in it start load.
"""

from __future__ import annotations

import hmac
import importlib
import ipaddress
import secrets
import shlex
import sys
from typing import TYPE_CHECKING, Any

from tidal.errors import UsageError
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

DEFAULT = "127.0.0.1:8090"
COOKIE = "tidal-token"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
)
"""Nothing is fetched from anywhere else: no fonts, no scripts."""


class Place(Struct, frozen=True):
    """Where the page is served."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def authority(self) -> str:
        """HOST:PORT as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(typed: str) -> Place:
    """`HOST:PORT`, `:PORT`, `PORT` or `HOST` as a place; UsageError says what it may be."""
    host, colon, port = typed.rpartition(":")
    if not colon:
        host, port = ("", typed) if typed.isdigit() else (typed, "")
    default_host, _, default_port = DEFAULT.rpartition(":")
    host, port = host.strip("[]") or default_host, port or default_port
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(f"--serve takes HOST:PORT such as {DEFAULT}, not {typed!r}")
    return Place(host, int(port))


def may_pass(place: Place, token: str, headers: dict[str, str], given: str) -> str:
    """Why a request may not pass, else nothing. `given` is the token that it brought, if any."""
    host = headers.get("host", "")
    origin = headers.get("origin", "")
    if place.is_loopback and host.rpartition(":")[0].strip("[]") not in ("localhost", "127.0.0.1", "::1"):
        return "this page is served under another name"
    if origin and origin.partition("://")[2] != host:
        return "a page of another site may not look in here"
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        return "the address with its token was printed where this was started"
    return ""


def serve(place: Place, command: Sequence[str], title: str) -> int:
    """Serve a command of ours in browsers until Ctrl-C; UsageError when textual-serve is not installed."""
    try:
        base: Any = importlib.import_module("textual_serve.server").Server
        web: Any = importlib.import_module("aiohttp.web")
    except ImportError:
        raise UsageError("--serve needs textual-serve: pip install 'tidal[serve]'") from None
    token = "" if place.is_loopback else secrets.token_urlsafe(18)
    url = f"http://{place.authority}"

    class Server(base):  # type: ignore[misc] # its home has no types
        """The server, guarded."""

        def initialize_logging(self) -> None:
            """Ours is quiet."""

        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(_guard(place, token, web))
            return app

        async def on_startup(self, app: Any) -> None:
            """Say where to look."""
            del app
            print(f"tidal is served on {url}/{f'?token={token}' if token else ''} (Ctrl-C ends it)", flush=True)

    Server(shlex.join(command), host=place.host, port=place.port, title=title, public_url=url).serve()
    return 0


def _guard(place: Place, token: str, web: Any) -> Any:
    """A middleware that lets pass who may, and keeps the token in a cookie."""

    @web.middleware  # type: ignore[untyped-decorator] # its home has no types
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        query = request.query.get("token", "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        why = may_pass(place, token, headers, query or request.cookies.get(COOKIE, ""))
        if why:
            return web.Response(status=403, text=f"tidal: {why}\n")
        response = await handler(request)
        if not getattr(response, "prepared", False):
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
            if query and token:
                response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
        return response

    return guard


def serve_words(typed: str, title: str) -> int:
    """Serve this very command without its --serve."""
    words = iter(sys.argv[1:])
    kept = [word for word in words if not _is_serve(word, typed, words)]
    return serve(place_of(typed), this_command(*kept), title)


def _is_serve(word: str, typed: str, more: Iterator[str]) -> bool:
    """Whether a word is the flag; its value goes with it."""
    if word == "--serve" and typed:
        next(more, None)
    return word == "--serve" or word.startswith("--serve=")


def this_command(*words: str) -> list[str]:
    """`tidal …` as another process of this installation."""
    return [sys.executable, "-m", "tidal", *words]
