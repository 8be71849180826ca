"""Workers as the master's side sees them, Locust's names of states, and the constants that files and plugins set."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, ValuesView

    from tidal.model.pipe import ClientRow

STATE_INIT, STATE_SPAWNING, STATE_RUNNING = "ready", "spawning", "running"
STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED, STATE_MISSING = "cleanup", "stopping", "stopped", "missing"

WORKER_REPORT_INTERVAL = 3.0
WORKER_LOG_REPORT_INTERVAL = 10
CPU_MONITOR_INTERVAL = 10.0
CPU_WARNING_THRESHOLD = 90
HEARTBEAT_INTERVAL = 1
HEARTBEAT_LIVENESS = 3
HEARTBEAT_DEAD_INTERNAL = -60
MASTER_HEARTBEAT_TIMEOUT = 60
FALLBACK_INTERVAL = 5
CONNECT_TIMEOUT = 5
CONNECT_RETRY_COUNT = 60


def setting(name: str) -> Any:
    """One of these constants as it is now: files and plugins set them in `locust.runners`."""
    return getattr(sys.modules.get("locust.runners"), name, globals()[name])


class WorkerNode:
    """A worker, as the master sees it."""

    def __init__(self, id: str, state: str = STATE_INIT, heartbeat_liveness: int | None = None) -> None:  # noqa: A002 - Locust's
        self.id = id
        self.state = state
        self.heartbeat = setting("HEARTBEAT_LIVENESS") if heartbeat_liveness is None else heartbeat_liveness
        self.cpu_usage = 0.0
        self.cpu_warning_emitted = False
        self.memory_usage = 0
        self.user_classes_count: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<WorkerNode {self.id} {self.state} {self.user_count} users>"

    @property
    def user_count(self) -> int:
        """Users running there."""
        return sum(self.user_classes_count.values())


class WorkerNodes(MutableMapping[str, WorkerNode]):
    """The workers by id; iterating gives ids, as in Locust."""

    def __init__(self) -> None:
        self._nodes: dict[str, WorkerNode] = {}

    def get_by_state(self, state: str) -> list[WorkerNode]:
        """Those in a state."""
        return [node for node in self._nodes.values() if node.state == state]

    @property
    def all(self) -> ValuesView[WorkerNode]:
        """All of them."""
        return self.values()

    @property
    def ready(self) -> list[WorkerNode]:
        """Those that wait for work."""
        return self.get_by_state(STATE_INIT)

    @property
    def spawning(self) -> list[WorkerNode]:
        """Those that start users."""
        return self.get_by_state(STATE_SPAWNING)

    @property
    def running(self) -> list[WorkerNode]:
        """Those that have all their users."""
        return self.get_by_state(STATE_RUNNING)

    @property
    def missing(self) -> list[WorkerNode]:
        """Those that do not answer."""
        return self.get_by_state(STATE_MISSING)

    def update_from(self, rows: tuple[ClientRow, ...]) -> None:
        """The workers as they are now; who stays is the same object, with what user code put on it."""
        for gone in set(self._nodes) - {row.id for row in rows}:
            del self._nodes[gone]
        for row in rows:
            node = self._nodes.setdefault(row.id, WorkerNode(row.id))
            node.state = row.state
            node.user_classes_count = dict(row.users)
            node.cpu_usage, node.memory_usage = row.cpu_permille / 10, row.memory_bytes

    def __setitem__(self, key: str, value: WorkerNode) -> None:
        self._nodes[key] = value

    def __delitem__(self, key: str) -> None:
        del self._nodes[key]

    def __getitem__(self, key: str) -> WorkerNode:
        return self._nodes[key]

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._nodes))
