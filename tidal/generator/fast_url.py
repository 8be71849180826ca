"""Where a request goes: URLs, parsed once and kept, because a load test asks for the same few again and again.

    http://shop.test:8080/cart?id=1         over TCP; https:// with TLS
    http+unix://%2Frun%2Fapp.sock/cart      over the Unix socket /run/app.sock, whose slashes are escaped

A server behind a Unix socket is asked for `localhost`: its Host line and its cookies have that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}
UNIX = "http+unix"
SCHEMES = frozenset([*PORTS, UNIX])
ABSOLUTE = re.compile(r"(?:https?|http\+unix)://", re.IGNORECASE)

_PLAIN = re.compile(r"[!#$&'()*+,/:;=?@\[\]~A-Za-z0-9._-]*")
PLAIN_URL = re.compile(
    r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)"
    r"(/[!$&'()*+,/:;=@~A-Za-z0-9._-]*(?:\?[!$&'()*+,/:;=?@~A-Za-z0-9._-]+)?)?"
)
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_NO_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})[0-9A-Za-z]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE = "!#$&'()*+,/:;=?@[]~"


class Target(NamedTuple):
    """A URL as a request needs it.

    Attributes:
        origin: scheme, host and port; connections are to one of these. Of a Unix socket its path, and 0.
        path: path and query as they are sent.
        host_line: the value of the Host header.
    """

    url: str
    origin: tuple[str, str, int]
    path: bytes
    host_line: str

    @property
    def scheme(self) -> str:
        """The scheme: http or https."""
        return self.origin[0]

    @property
    def host(self) -> str:
        """Name or address, without the brackets of IPv6."""
        return self.origin[1]

    @property
    def port(self) -> int:
        """The port, said or implied."""
        return self.origin[2]

    @property
    def request_uri(self) -> str:
        """Path and query."""
        return self.path.decode("ascii")

    @property
    def cookie_url(self) -> str:
        """The URL by which cookies are kept: that of the host that is asked for."""
        return self.url if self.origin[0] != UNIX else f"http://{self.host_line}{self.request_uri}"

    def __str__(self) -> str:
        return self.url


@lru_cache(8_192)
def target_of(url: str) -> Target:
    """Take a URL apart; ValueError when no request can go there."""
    plain = PLAIN_URL.fullmatch(url)
    if plain is None:
        return _taken_apart(url)
    origin, host_line = _origin_of(plain[1])  # thousands of URLs lead to one
    return Target(url, origin, (plain[2] or "/").encode("ascii"), host_line)


@lru_cache(256)
def _origin_of(base: str) -> tuple[tuple[str, str, int], str]:
    """Scheme, host and port of a URL without a path, and its Host line."""
    target = _taken_apart(base)
    return target.origin, target.host_line


def _taken_apart(url: str) -> Target:
    parts = urlsplit(url)
    if parts.scheme == UNIX:
        return _of_socket(url, unquote(parts.netloc), parts.path, parts.query)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"not an http(s) URL: {url[:200]!r}")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    name = f"[{parts.hostname}]" if ":" in parts.hostname else _ascii(parts.hostname)
    host_line = name if port == PORTS[parts.scheme] else f"{name}:{port}"
    return Target(url, (parts.scheme, name.strip("[]"), port), _sent(parts.path, parts.query), host_line)


def _of_socket(url: str, socket_path: str, path: str, query: str) -> Target:
    if not socket_path:
        raise ValueError(f"no path of a Unix socket, as in {UNIX}://%2Frun%2Fapp.sock/: {url[:200]!r}")
    return Target(url, (UNIX, socket_path, 0), _sent(path, query), "localhost")


def _sent(path: str, query: str) -> bytes:
    return requote(f"{path or '/'}?{query}" if query else path or "/").encode("ascii")


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")


def with_params(url: str, params: Any) -> str:
    """The URL with parameters added to its query: a text, a mapping or pairs; a list as value is several."""
    if isinstance(params, bytes):
        params = params.decode("latin-1")
    added = params if isinstance(params, str) else encode_fields(params)
    if not added:
        return url
    url, hash_sign, fragment = url.partition("#")
    mark = "&" if urlsplit(url).query else "" if url.endswith("?") else "?"
    return f"{url}{mark}{added}{hash_sign}{fragment}"


def encode_fields(fields: Any) -> str:
    """Fields as in a query; what is None is left out."""
    pairs = []
    for key, value in fields.items() if isinstance(fields, Mapping) else fields:
        several = value if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
        pairs += [(key, one) for one in several if one is not None]
    return urlencode(pairs)


def redirected(url: str, location: bytes) -> str:
    """Where a Location header leads from a URL."""
    try:
        there = location.decode("utf-8")
    except UnicodeDecodeError:
        there = location.decode("latin-1")
    if not url.lower().startswith(f"{UNIX}:"):
        return urljoin(url, there)
    behind = urlsplit(urljoin(target_of(url).cookie_url, there))
    if (behind.scheme, behind.netloc) != ("http", "localhost"):
        return behind.geturl()
    return behind._replace(scheme=UNIX, netloc=urlsplit(url).netloc).geturl()


def requote(uri: str) -> str:
    """The text with everything percent-encoded that must be, and nothing else; done twice, it is the same."""
    if _PLAIN.fullmatch(uri):
        return uri
    if _NO_ESCAPE.search(uri):  # the percent signs are meant as such
        return quote(uri, safe=_SAFE)
    return quote(_ESCAPE.sub(_unescape, uri), safe=f"{_SAFE}%")


def _unescape(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in _UNRESERVED else escape[0]
