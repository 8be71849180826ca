"""Which exchanges of a recording are replayed: the site's own, without what the client does by itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from tidal.drafting.exchange import header_of
from tidal.errors import BadRecording
from tidal.model.redact import Redactor
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from tidal.drafting.exchange import Exchange, Recording

EXCHANGES_MAX = 2_000
"""A file of more requests is no test that anybody reads."""
LOOK_AHEAD = 20
"""A redirect's next hop is among so many exchanges."""
STATIC_KINDS = ("image", "stylesheet", "script", "font", "media", "manifest", "texttrack")
STATIC_TYPES = re.compile(
    r"(?:image|font|audio|video)/|text/css|(?:text|application)/(?:x-)?javascript|application/font"
)
STATIC_NAMES = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|m4[av]|wasm)$",
    re.IGNORECASE,
)
DYNAMIC_KINDS = ("document", "xhr", "fetch")


class Wanted(Struct, frozen=True):
    """What goes into a draft.

    Attributes:
        static: images, styles, scripts and fonts, too.
        all_hosts: requests to whatever host, not only to the site's own.
        all_headers: every header that is not the connection's own.
        redactor: what must not be written down.
    """

    static: bool = False
    all_hosts: bool = False
    all_headers: bool = False
    redactor: Redactor = field(default_factory=Redactor)


def chosen(recording: Recording, wanted: Wanted) -> list[Exchange]:
    """The exchanges that are replayed; the others are counted in the recording.

    Raises:
        BadRecording: there are none, or too many.
    """
    kept = [e for e in recording.exchanges if _is_ours(e, recording)]
    kept = kept if wanted.all_hosts else _own_hosts(kept, recording)
    kept = _without_hops(kept, recording)
    if not wanted.static:
        kept = _dynamic(kept, recording)
    if not kept:
        told = "; ".join(f"{count} {why}" for why, count in recording.left_out.items())
        raise BadRecording(f"{recording.source}: no request is left to replay{f' ({told} left out)' if told else ''}")
    if len(kept) > EXCHANGES_MAX:
        raise BadRecording(f"{recording.source}: {len(kept):,} requests are more than {EXCHANGES_MAX:,}: record less")
    return kept


def main_exchange(exchanges: list[Exchange]) -> Exchange:
    """The one whose host is the site's: the first page, else the first of all."""
    pages = (e for e in exchanges if e.kind == "document" or "html" in e.reply_kind)
    return next(pages, exchanges[0])


def _is_ours(exchange: Exchange, recording: Recording) -> bool:
    """Whether an HTTP client can send it, and would not do so by itself."""
    why = ""
    if exchange.method == "OPTIONS" and exchange.header("access-control-request-method"):
        why = "preflights of the browser"
    elif exchange.kind == "websocket" or exchange.header("upgrade").lower() == "websocket":
        why = "WebSockets"
    elif exchange.kind == "eventsource" or "text/event-stream" in exchange.reply_kind:
        why = "event streams"
    elif exchange.method == "CONNECT":
        why = "tunnels"
    if why:
        recording.leave_out(why)
    return not why


def site_of(host: str) -> str:
    """What the hosts of one site have in common: `shop.example` for `www.shop.example`, an address as it is."""
    labels = host.lower().strip(".").split(".")
    if ":" in host or all(label.isdigit() for label in labels) or len(labels) < 3:
        return host.lower()
    is_country = len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if is_country else -2 :])


def _own_hosts(exchanges: list[Exchange], recording: Recording) -> list[Exchange]:
    if not exchanges or recording.source == "curl":
        return exchanges
    site = site_of(main_exchange(exchanges).parts_of_url.hostname or "")
    kept, others = [], Counter[str]()
    for exchange in exchanges:
        host = exchange.parts_of_url.hostname or ""
        if site_of(host) == site:
            kept.append(exchange)
        else:
            others[host] += 1
            recording.leave_out("requests to other hosts (--all-hosts keeps them)")
    if others:
        named = ", ".join(f"{host} ({count})" for host, count in others.most_common(10))
        recording.notes.append(f"Other hosts: {named}{', …' if len(others) > 10 else ''}")
    return kept


def _without_hops(exchanges: list[Exchange], recording: Recording) -> list[Exchange]:
    """Without the hops of redirects: the client follows them by itself."""
    hops: set[int] = set()
    for place, exchange in enumerate(exchanges):
        location = header_of(exchange.reply_headers, "location")
        if not (300 <= exchange.status < 400 and location):
            continue
        try:
            target = urljoin(exchange.url, location).partition("#")[0]
        except ValueError:
            continue
        ahead = range(place + 1, min(len(exchanges), place + 1 + LOOK_AHEAD))
        hops.update([n for n in ahead if n not in hops and exchanges[n].url == target][:1])
    for _ in hops:
        recording.leave_out("hops of redirects, which the client follows by itself")
    return [exchange for place, exchange in enumerate(exchanges) if place not in hops]


def _dynamic(exchanges: list[Exchange], recording: Recording) -> list[Exchange]:
    kept = [exchange for exchange in exchanges if not is_static(exchange)]
    for _ in range(len(exchanges) - len(kept)):
        recording.leave_out("images, styles, scripts and fonts (--static keeps them)")
    return kept


def is_static(exchange: Exchange) -> bool:
    """Whether it fetches a file that no application computes."""
    if exchange.method not in ("GET", "HEAD") or exchange.kind in DYNAMIC_KINDS:
        return False
    is_named = STATIC_NAMES.search(exchange.parts_of_url.path) is not None
    return exchange.kind in STATIC_KINDS or is_named or STATIC_TYPES.match(exchange.reply_kind) is not None
