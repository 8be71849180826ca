"""What the target served, in its own words: the other side of a load tester's sums."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.target.queues import Queue

SECONDS_MAX = 3_600
"""So many seconds of history are kept."""
ARRIVALS_MAX = 200_000
"""So many requests of users that say who they are are kept one by one."""
USERS_MAX = 20_000
NAME_MAX = 100


@dataclass(slots=True)
class Counts:
    """Requests that came in, and what became of each: requests = answered + aborted + in flight."""

    requests: int = 0
    answered: int = 0
    aborted: int = 0  # the client went away before its answer
    connections: int = 0  # accepted so far
    open_connections: int = 0
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    by_second: dict[int, int] = field(default_factory=dict)  # Unix second to requests that came in
    by_path: Counter[str] = field(default_factory=Counter)  # of the pages whose answer depends on it
    answered_by_user: Counter[str] = field(default_factory=Counter)
    arrivals: deque[tuple[int, str, str]] = field(default_factory=lambda: deque(maxlen=ARRIVALS_MAX))
    arrived: int = 0  # ever put into `arrivals`
    queues: dict[str, Queue] = field(default_factory=dict)  # of the pages that have one

    def came(self, endpoint: str, at_ms: int, user: str = "", sender: str = "") -> None:
        """A request was read whole; `user` and `sender` say whose it is and from which process, if it says so."""
        self.requests += 1
        second = at_ms // 1000
        if user:
            self.arrivals.append((at_ms, user[:NAME_MAX], sender[:NAME_MAX]))
            self.arrived += 1
        self.by_endpoint[endpoint] += 1
        self.by_second[second] = self.by_second.get(second, 0) + 1
        if len(self.by_second) > SECONDS_MAX:
            del self.by_second[min(self.by_second)]

    def went(self, status: int, user: str = "") -> None:
        """Its answer was handed to the network."""
        self.answered += 1
        self.by_status[status] += 1
        if user and (user in self.answered_by_user or len(self.answered_by_user) < USERS_MAX):
            self.answered_by_user[user[:NAME_MAX]] += 1

    def arrivals_from(self, number: int) -> dict[str, object]:
        """The requests of users that say who they are, from the one with this number on: [Unix ms, user, sender]."""
        first = self.arrived - len(self.arrivals)
        return {"first": max(first, number), "arrivals": list(self.arrivals)[max(0, number - first) :]}

    def reset(self) -> None:
        """Begin anew, with the connections that are open."""
        self.requests = self.requests - self.answered - self.aborted  # those in flight
        self.answered = self.aborted = 0
        self.connections = self.open_connections
        for counts in (self.by_endpoint, self.by_status, self.by_second, self.by_path, self.answered_by_user):
            counts.clear()
        self.arrivals.clear()

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON, in a stable order."""
        return {
            "requests": self.requests,
            "answered": self.answered,
            "aborted": self.aborted,
            "in_flight": self.requests - self.answered - self.aborted,
            "connections": self.connections,
            "open_connections": self.open_connections,
            "by_endpoint": dict(sorted(self.by_endpoint.items())),
            "by_status": {str(status): n for status, n in sorted(self.by_status.items())},
            "by_second": {str(second): n for second, n in sorted(self.by_second.items())},
            "by_user": dict(sorted(self.answered_by_user.items())),
        }
