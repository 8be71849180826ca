"""What was done at one go, and the pauses between: pages of a browser, or requests with a gap before them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.drafting.exchange import Exchange

GAP_MS = 500
"""After so long without a request somebody was thinking."""
NAME_MAX = 40
PARAMETERS_MAX = 6
_ID = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?=[a-fA-F-]*\d)[0-9a-fA-F-]{8,}"
    r"|(?=[^\d]*\d)(?=[^a-zA-Z]*[a-zA-Z])[\w~.=-]{20,}"
)
"""What a part of a path looks like when it names one thing of many."""


class Step(Struct, frozen=True):
    """Requests that belong together, and the pause after them."""

    name: str  # a Python name
    exchanges: tuple[Exchange, ...]
    pause_ms: int = 0


def steps_of(exchanges: Iterable[Exchange]) -> list[Step]:
    """The steps in order; a new one begins with a new page, or after a gap."""
    groups: list[list[Exchange]] = []
    gaps_ms: list[int] = []
    quiet_ms = 0
    for exchange in exchanges:
        gap_ms = exchange.began_ms - quiet_ms
        if not groups or gap_ms >= GAP_MS or exchange.page != groups[-1][-1].page:
            gaps_ms += [max(0, gap_ms)] if groups else []
            groups.append([])
        groups[-1].append(exchange)
        quiet_ms = max(quiet_ms, exchange.ended_ms)
    pauses_ms = [*gaps_ms, _middle(gaps_ms)]
    named = zip(groups, pauses_ms, strict=True)
    return [Step(f"step_{n}_{slug(group[0])}", tuple(group), pause) for n, (group, pause) in enumerate(named, 1)]


def _middle(gaps_ms: list[int]) -> int:
    """The pause before it all begins again: nobody recorded it, so it is the middle one."""
    return sorted(gaps_ms)[len(gaps_ms) // 2] if gaps_ms else 0


def slug(exchange: Exchange) -> str:
    """A Python name for a request: its path's words, without ids."""
    words = [word for part in _parts(exchange) if not is_id(part) for word in re.findall(r"[a-z0-9]+", part.lower())]
    name = "_".join(words)[:NAME_MAX].strip("_")
    return name or ("home" if exchange.method == "GET" else exchange.method.lower().translate(_NO_MARKS) or "request")


_NO_MARKS = {ord(c): "_" for c in "!#$%&'*+.^`|~-"}


def _parts(exchange: Exchange) -> list[str]:
    return [part for part in exchange.parts_of_url.path.split("/") if part]


def is_id(part: str) -> bool:
    """Whether a part of a path names one thing of many."""
    return _ID.fullmatch(unquote_plus(part)) is not None


def endpoint(exchange: Exchange) -> str:
    """What a request is counted under: its path with `[id]` for ids, its parameters without their values."""
    path = "/".join("[id]" if part and is_id(part) else part for part in exchange.parts_of_url.path.split("/"))
    names = [pair.partition("=")[0] for pair in exchange.parts_of_url.query.split("&") if pair]
    shown = "&".join(f"{name}=[{name}]" for name in dict.fromkeys(names[:PARAMETERS_MAX]))
    more = "&…" if len(names) > PARAMETERS_MAX else ""
    return f"{path or '/'}{f'?{shown}{more}' if names else ''}"[:300]
