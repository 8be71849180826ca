"""What each path of the shop answers: status, body and how long it takes. Pure: luck is handed in.

    GET  /                4 ms
    GET  /products        9 ms
    GET  /products/N      5 ms   404 above 50
    GET  /search?q=…     14 ms
    POST /cart           10 ms   201
    POST /checkout       35 ms   2 % are 503
    GET  /slow          800 ms
    GET  /error           3 ms   500
    any  /status/N        1 ms   N
    any  /delay/MS       MS ms   up to 60 s

These are medians; the rest follows a lognormal distribution, as servers do, with no answer above five medians.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

PRODUCTS = 50
SPREAD = 0.35
"""Standard deviation of a latency's logarithm: p99 is 2.3 medians."""
SLOWEST_IN_MEDIANS = 5
DECLINED_SHARE = 0.02
DELAY_MAX_MS = 60_000


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to be sent after a delay."""

    endpoint: str  # the path's pattern, so that counts stay few
    status: int
    body: bytes
    delay_s: float
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def answer(method: str, target: str, luck: Random) -> Reply:
    """The shop's reply to a request line."""
    path, _, query = target.partition("?")
    first, _, rest = path.strip("/").partition("/")
    make = _PAGES.get((method, first, bool(rest))) or _PAGES.get(("*", first, bool(rest)))
    return make(rest, query, luck) if make else _json("(other)", 404, {"error": "no such page"}, 0.001)


def _json(endpoint: str, status: int, value: object, delay_s: float) -> Reply:
    return Reply(endpoint, status, json.dumps(value).encode(), delay_s)


def _latency_s(median_ms: float, luck: Random) -> float:
    drawn_ms = luck.lognormvariate(math.log(median_ms), SPREAD)
    return min(drawn_ms, SLOWEST_IN_MEDIANS * median_ms) / 1_000


def _product(number: int) -> dict[str, object]:
    return {"id": number, "name": f"Tide table {number}", "price": 5 + number * 37 % 90}


def _home(_rest: str, _query: str, luck: Random) -> Reply:
    body = b"<!doctype html><title>Shop</title><h1>Tide tables</h1>"
    return Reply("GET /", 200, body, _latency_s(4, luck), "text/html")


def _products(_rest: str, _query: str, luck: Random) -> Reply:
    return _json("GET /products", 200, [_product(n) for n in range(1, 21)], _latency_s(9, luck))


def _one_product(rest: str, _query: str, luck: Random) -> Reply:
    number = _whole(rest)
    if not 1 <= number <= PRODUCTS:
        return _json("GET /products/N", 404, {"error": "no such product"}, _latency_s(5, luck))
    return _json("GET /products/N", 200, _product(number), _latency_s(5, luck))


def _search(_rest: str, query: str, luck: Random) -> Reply:
    words = parse_qs(urlsplit(f"?{query}").query).get("q", [""])[0][:100]
    found = [_product(n) for n in range(1, PRODUCTS + 1) if words in str(n)]
    return _json("GET /search", 200, {"q": words, "found": found[:10]}, _latency_s(14, luck))


def _cart(_rest: str, _query: str, luck: Random) -> Reply:
    return _json("POST /cart", 201, {"cart": luck.randrange(1 << 32)}, _latency_s(10, luck))


def _checkout(_rest: str, _query: str, luck: Random) -> Reply:
    if luck.random() < DECLINED_SHARE:
        return _json("POST /checkout", 503, {"error": "payment service is busy"}, _latency_s(35, luck))
    return _json("POST /checkout", 200, {"order": luck.randrange(1 << 32)}, _latency_s(35, luck))


def _slow(_rest: str, _query: str, luck: Random) -> Reply:
    return _json("GET /slow", 200, {"slow": True}, _latency_s(800, luck))


def _error(_rest: str, _query: str, luck: Random) -> Reply:
    return _json("GET /error", 500, {"error": "as you asked"}, _latency_s(3, luck))


def _status(rest: str, _query: str, _luck: Random) -> Reply:
    number = _whole(rest)
    return _json("/status/N", number if 200 <= number <= 599 else 400, {"status": number}, 0.001)


def _delay(rest: str, _query: str, _luck: Random) -> Reply:
    delay_ms = min(_whole(rest), DELAY_MAX_MS)
    return _json("/delay/MS", 200, {"delay_ms": delay_ms}, delay_ms / 1_000)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


_PAGES: dict[tuple[str, str, bool], Callable[[str, str, Random], Reply]] = {
    ("GET", "", False): _home,
    ("GET", "products", False): _products,
    ("GET", "products", True): _one_product,
    ("GET", "search", False): _search,
    ("POST", "cart", False): _cart,
    ("POST", "checkout", False): _checkout,
    ("GET", "slow", False): _slow,
    ("GET", "error", False): _error,
    ("*", "status", True): _status,
    ("*", "delay", True): _delay,
}
"""(method, first part of the path, whether there is more of it) → page."""
