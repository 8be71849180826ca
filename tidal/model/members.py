"""Who serves a run: the workers that may own slots, those that leave, and those that an operator lets go.

A worker leaves by itself (SIGTERM: its heartbeat says "draining") or because an operator wants it: then `DrainOrdered`
stands in the log, for one life of the worker. From there both go the same way: its users move, then it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases

if TYPE_CHECKING:
    from tidal.model.commands import DrainOrdered
    from tidal.model.state import LogHalf, State, WorkerRecord

NAMES_MAX = 20
"""Workers that a refusal names."""


def able_ones(state: State) -> dict[str, int]:
    """The incarnations that may own slots, with their weights."""
    return {
        record.incarnation: record.processes
        for record in sorted(state.log.workers.values(), key=_by_number)
        if record.state in phases.ABLE and not has_finished(state, record.incarnation)
    }


def is_any_able(state: State) -> bool:
    """Whether there is one that may own slots."""
    return any(w.state in phases.ABLE and not has_finished(state, w.incarnation) for w in state.log.workers.values())


def _by_number(record: WorkerRecord) -> tuple[int, str]:
    return len(record.name), record.name


def has_finished(state: State, incarnation: str) -> bool:
    """Whether its users have stopped and its last report is in."""
    report = state.reports.incarnations.get(incarnation)
    return report is not None and report.finished


def is_draining(log: LogHalf, incarnation: str) -> bool:
    """Whether its users are to move to others."""
    record = log.worker_of(incarnation)
    return record is not None and record.state == "draining"


def why_it_stays(state: State, name: str) -> str:
    """Why a worker cannot be let go; "" when it can."""
    log = state.log
    record = log.workers.get(name)
    if record is None:
        there = [w.name for w in sorted(log.workers.values(), key=_by_number) if not w.is_gone]
        more = f" and {len(there) - NAMES_MAX} more" if len(there) > NAMES_MAX else ""
        return f"no worker {name[:40]!r}: it has {', '.join(there[:NAMES_MAX]) or 'none'}{more}"
    return why_kept(record.name, record.state, has_heirs=bool(able_ones(state).keys() - {record.incarnation}))


def why_kept(name: str, state: str, *, has_heirs: bool) -> str:
    """The same of a worker that is known, by its state; `has_heirs`: another one may own slots."""
    if state in phases.GONE:
        return f"{name} is {state} already"
    if state == "draining":
        return f"{name} leaves already"
    if not has_heirs:
        return f"{name} is the last worker: nobody could take its users; stop the run, or start another worker"
    return ""


def fold_ordered(log: LogHalf, event: DrainOrdered, _: int) -> None:
    """Note who wants it gone; from now on it owns nothing new."""
    record = log.worker_of(event.incarnation)
    if record is not None and not record.is_gone:
        log.drains[event.incarnation] = event.author[:100]
        record.state = "draining"
