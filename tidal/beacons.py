"""What is around the log: heartbeats, who serves which run, who is looking, which runs there are.

None of it is truth: it lapses by itself, and what follows from it is written into the log by a master. `Beacons` is the
part of `bus.Bus` that needs no stream.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tidal.keys import ANNOUNCE_TTL_MS, BEAT_TTL_MS, RUNS, VIEWER_TTL_MS, FleetKeys, RunKeys, is_name
from tidal.primitives import Primitives

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

WORKERS_MAX = 10_000
"""Unknown ids of a fleet that are looked at in a turn; anybody with a worker's rights could add millions."""


def _name(value: bytes | None) -> str | None:
    """The id that Redis holds; None for none and for what could not be one."""
    text = value.decode("ascii", "replace") if value is not None else ""
    return text if is_name(text) else None


class Beacons(Primitives):
    """The keys around the log. Every method raises `BusError` when Redis fails."""

    # -------------------------------------------------------------- workers

    def beat(
        self, fleet_keys: FleetKeys, worker_id: str, payload: bytes, ttl_ms: int = BEAT_TTL_MS
    ) -> tuple[int, int, int, str | None]:
        """One heartbeat: (monotonic µs before, Redis time in µs, monotonic µs after, the run that the fleet serves)."""
        before_ns = time.monotonic_ns()
        _, _, (seconds, micros), run = self._run(
            ("SADD", fleet_keys.workers, worker_id),
            ("SET", fleet_keys.beat(worker_id), payload, "PX", ttl_ms),
            ("TIME",),
            ("GET", fleet_keys.run),
        )
        return before_ns // 1_000, seconds * 1_000_000 + micros, time.monotonic_ns() // 1_000, _name(run)

    def beats(self, fleet_keys: FleetKeys, known: Collection[str] = (), turn: int = 0) -> dict[str, bytes | None]:
        """Every worker of the fleet with its last heartbeat; None: its key lapsed.

        Of more than `WORKERS_MAX` the known ones are looked at each time and the others in turns, so that a flood of
        ids hides nobody.
        """
        members = {_name(member) for member in self._run(("SMEMBERS", fleet_keys.workers))[0]} - {None}
        workers = sorted(worker for worker in known if worker in members)
        others = sorted(worker for worker in members - set(workers) if worker)
        windows = -(-len(others) // WORKERS_MAX) or 1
        workers += others[turn % windows * WORKERS_MAX :][:WORKERS_MAX]
        beats = self._run(("MGET", *map(fleet_keys.beat, workers)))[0] if workers else []
        return dict(zip(workers, beats, strict=True))

    def are_all_alive(self, fleet_keys: FleetKeys, workers: Collection[str]) -> bool:
        """Whether each of these has a heartbeat: one number for an answer, where `beats` has all that they say."""
        return bool(workers) and self._run(("EXISTS", *map(fleet_keys.beat, workers)))[0] == len(workers)

    def forget_worker(self, fleet_keys: FleetKeys, worker_id: str) -> None:
        """Take a worker off the fleet: it left in order, or was lost and is not coming back."""
        self._run(("SREM", fleet_keys.workers, worker_id), ("DEL", fleet_keys.beat(worker_id)))

    # -------------------------------------------------------------- announcements

    def announce_run(self, fleet_keys: FleetKeys, run: str, ttl_ms: int = ANNOUNCE_TTL_MS) -> str:
        """Let the fleet serve this run, or renew that: the run it serves now, which is another's when it is busy."""
        serving = run

        def look(pipe: Any) -> Callable[[], object] | None:
            nonlocal serving
            serving = _name(pipe.get(fleet_keys.run)) or run
            return (lambda: pipe.set(fleet_keys.run, run, px=ttl_ms)) if serving == run else None

        self._watched((fleet_keys.run,), look)
        return serving

    def announced_run(self, fleet_keys: FleetKeys) -> str | None:
        """The run that the fleet serves."""
        return _name(self._run(("GET", fleet_keys.run))[0])

    def withdraw_run(self, fleet_keys: FleetKeys, run: str) -> bool:
        """Let the fleet go, when it is still this run that it serves."""
        return self._if_ours(fleet_keys.run, run, lambda pipe: pipe.delete(fleet_keys.run)) is not None

    # -------------------------------------------------------------- viewers

    def show_presence(self, keys: RunKeys) -> None:
        """Somebody is looking at this run."""
        self._run(("SET", keys.viewer, b"1", "PX", VIEWER_TTL_MS))

    def is_watched(self, keys: RunKeys) -> bool:
        """Whether somebody looked at this run in the last seconds."""
        return bool(self._run(("EXISTS", keys.viewer))[0])

    def list_runs(self) -> dict[str, bytes]:
        """The runs that this Redis knows, with their packed summaries."""
        named = ((_name(run), summary) for run, summary in self._run(("HGETALL", RUNS))[0].items())
        return {run: summary for run, summary in named if run}

    def put_run_summary(self, run: str, summary: bytes) -> None:
        """List a run, or say how it is now; runs whose log has lapsed go from the list."""
        fields = [field for field in self._run(("HSET", RUNS, run, summary), ("HKEYS", RUNS))[1] if _name(field) != run]
        named = [field for field in fields if _name(field)]
        logs = [("EXISTS", RunKeys(field.decode()).log) for field in named]
        there = {field for field, is_there in zip(named, self._run(*logs), strict=True) if is_there}
        gone = [field for field in fields if field not in there]
        if gone:
            self._run(("HDEL", RUNS, *gone))
