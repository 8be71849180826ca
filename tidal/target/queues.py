"""A page with a known capacity: a queue in front of some servers, first come, first served. Pure: time is handed in.

    GET  /queue/C/MS       200   C servers, each takes MS milliseconds for a request (M/D/c when arrivals are Poisson)
    GET  /queue/C/MS/exp   200   the same on average, exponentially distributed (M/M/c)

The capacity is C * 1000 / MS requests a second. A request that is given up by its client is served all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

from tidal.target.pages import Reply

if TYPE_CHECKING:
    from random import Random

SERVERS_MAX, SERVICE_MS_MAX, QUEUES_MAX = 1_000, 60_000, 100


@dataclass(slots=True)
class Queue:
    """Servers with the moments at which each is free again."""

    servers: int
    free_s: list[float] = field(default_factory=list)

    def delay_s(self, now_s: float, service_s: float) -> float:
        """How long a request that comes now has to wait and is served."""
        if not self.free_s:
            self.free_s = [now_s] * self.servers
            heapify(self.free_s)
        done_s = max(now_s, self.free_s[0]) + service_s
        heapreplace(self.free_s, done_s)
        return done_s - now_s


def queue_answer(path: str, now_s: float, luck: Random, queues: dict[str, Queue]) -> Reply | None:
    """The reply to a request; None when the page is not one of these."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[0] != "queue" or len(parts) not in {3, 4} or parts[3:] not in ([], ["exp"]):
        return None
    servers, service_ms = (int(p) if p.isascii() and p.isdigit() and len(p) < 6 else 0 for p in parts[1:3])
    if not 1 <= servers <= SERVERS_MAX or not 1 <= service_ms <= SERVICE_MS_MAX:
        return None
    name = "/" + "/".join(parts)
    if name not in queues and len(queues) >= QUEUES_MAX:
        return None
    service_s = luck.expovariate(1000 / service_ms) if parts[3:] else service_ms / 1000
    delay_s = queues.setdefault(name, Queue(servers)).delay_s(now_s, service_s)
    return Reply(name, 200, b'{"served": true}', delay_s)
