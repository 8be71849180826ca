"""The legal moves of a run and of a worker, as tables; the docs draw their diagrams from these."""

from __future__ import annotations

WAITING, RUNNING, STOPPING, CLOSED = "waiting", "running", "stopping", "closed"

RUN_MOVES: dict[str, dict[str, str]] = {
    WAITING: {"rs": RUNNING, "so": STOPPING},
    RUNNING: {"so": STOPPING},
    STOPPING: {"rc": CLOSED},
    CLOSED: {},
}
"""phase → kind of the event that moves it → the next phase. Any other event leaves the phase as it is."""

IN_ORDER = frozenset({"finished", "stopped"})
"""Outcomes of runs that went as far as they were meant to."""

WORKER_STATES = ("waiting", "loading", "ready", "running", "stalled", "draining", "lost", "left", "refused")
GONE = frozenset({"lost", "left", "refused"})
"""States in which a worker owns nothing."""
ABLE = frozenset({"ready", "running", "stalled"})
"""States in which a worker may own slots."""


def after(phase: str, kind: str) -> str:
    """The phase of the run after an event of this kind."""
    return RUN_MOVES[phase].get(kind, phase)
