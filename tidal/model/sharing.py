"""Who owns what: the slots of a plan, shared out by weight as workers come, leave and are lost. PURE."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.capacity import fitted, peak, slot_loads
from tidal.model.members import able_ones, has_finished, is_draining
from tidal.model.plan import LEAD_MS, Ownership
from tidal.model.plantext import ARRIVALS
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.state import LogHalf, State

MOVE_LEAD_MS = 1_000
"""How far in the future users move when nobody is gone: nothing is missing meanwhile."""
RETURN_MS = 3_000
"""Of a fleet that was lost whole: how long after the first is back the others' users are still theirs. Each of them
tries again at least once a second, and needs one exchange for its heartbeat."""


def share_out(state: State, plan: ev.PlanSet, plan_ms: int) -> list[ev.Event]:
    """A plan with other owners: at once when somebody is gone, a little later when users only move."""
    log, served = state.log, set(plan.owners)
    gone = [o for o in plan.owners if o in log.ended or has_finished(state, o)]
    if not gone and not _is_any_moving(state, served):  # as in nearly every turn, of which a second has many
        return _refit(log, plan, plan_ms)
    able = able_ones(state)
    if len(gone) == len(served) and _is_returning(state, gone, able, plan_ms):
        return []
    heirs = {o: life for o in gone if (life := _next_life(log, o)) in able and life not in served}
    changes = {o: "is gone" for o in gone if o not in heirs}
    changes |= {o: "came back" if o in heirs.values() else "came" for o in able if o not in served}
    leaving = {o: "leaves" for o in plan.owners if o not in gone and is_draining(log, o)}
    stay = {o: _weight(log, o) for o in plan.owners if o not in gone and o not in leaving}
    owners = {**stay, **{o: able[o] for o in able if o not in served}}
    if owners:
        changes |= leaving
    else:  # nobody could take over from those who leave: they stay as long as they do
        owners = {o: _weight(log, o) for o in leaving}
    if not changes or not owners:
        return _refit(log, plan, plan_ms) if owners else []
    owned = placed(log, Ownership([heirs.get(o, o) for o in plan.owners], plan.table), owners, plan.tracks)
    from_ms = max(_soon_ms(plan, plan_ms) if gone else plan_ms + MOVE_LEAD_MS, plan.from_ms)
    why = ", ".join(f"{log.incarnations.get(o, o)} {what}" for o, what in changes.items())[:300]
    return [_handed_over(plan, from_ms, owned, why), *too_many(log, len(owned.owners), len(plan.owners))]


def _is_returning(state: State, gone: list[str], able: dict[str, int], plan_ms: int) -> bool:
    """Whether all were lost together, and some are back: then it was the way to Redis, and the others come, too.

    Until they do they run what they had, so nothing of it may be given away; whoever is back does the same.
    """
    log = state.log
    cut = [o for o in gone if log.ended.get(o) == "lost" and not has_finished(state, o)]
    lives = [_next_life(log, o) for o in cut]
    back_ms = [record.seen_ms for life in lives if (record := log.worker_of(life)) is not None]
    is_due = not back_ms or log.began_ms + plan_ms - min(back_ms) >= RETURN_MS
    return not is_due and any(life not in able for life in lives)


def _next_life(log: LogHalf, incarnation: str) -> str:
    """The life in which a worker came back; "" when it did not."""
    record = log.workers.get(log.incarnations.get(incarnation, ""))
    return record.incarnation if record is not None and not record.is_gone else ""


def too_many(log: LogHalf, workers: int, before: int = 0) -> list[ev.Event]:
    """What is said once there are more workers than slots: some of them will have nothing to do."""
    if not before <= log.slots < workers:
        return []
    idle, slots, flag = f"{workers - log.slots:,}", f"{log.slots:,}", "--expect-workers"
    why = f"{workers:,} workers share {slots} slots, so {idle} have no users: say {flag} {workers} for more slots"
    return [ev.Noted("master", "warning", why)]


def _is_any_moving(state: State, served: set[str]) -> bool:
    """Whether a worker leaves, or one is able that owns nothing yet."""
    return any(
        worker.state == "draining" or (worker.state in phases.ABLE and not has_finished(state, worker.incarnation))
        for worker in state.log.workers.values()
        if worker.incarnation not in served or worker.state == "draining"
    )


def _soon_ms(plan: ev.PlanSet, plan_ms: int) -> int:
    """When users or arrivals of somebody who is gone go to others.

    Users begin at once. Arrivals have a moment each: who begins which must be known to all before it comes, or a
    worker that hears of it a little later than another would begin what the other has begun.
    """
    return plan_ms + LEAD_MS if any(track.unit == ARRIVALS for track in plan.tracks) else plan_ms


def placed(log: LogHalf, owned: Ownership, weights: dict[str, int], tracks: tuple[ev.Track, ...]) -> Ownership:
    """The slots shared out by weight, and nobody with more users than it takes."""
    return _fitted(log, owned.moved_to(weights), weights, tracks)


def _fitted(log: LogHalf, owned: Ownership, weights: dict[str, int], tracks: tuple[ev.Track, ...]) -> Ownership:
    limits = {o: most for o in weights if (most := users_max(log, o))}
    if not any(most < peak(tracks) for most in limits.values()):
        return owned
    return fitted(owned, limits, weights, slot_loads(tracks, log.classes, log.slots))


def _refit(log: LogHalf, plan: ev.PlanSet, plan_ms: int) -> list[ev.Event]:
    """Another placement when a new target is more, or less, than somebody takes."""
    if not any(worker.users_max for worker in log.workers.values()):
        return []  # each takes any number
    takers = tuple((users_max(log, o), _weight(log, o)) for o in plan.owners)
    if all(limit == 0 or limit >= peak(plan.tracks) for limit in {limit for limit, _ in takers}):
        return []
    table = _refitted(plan.owners, takers, plan.table, plan.tracks, log.classes)
    if table == plan.table:
        return []
    why, from_ms = "as many users as each worker takes", max(_soon_ms(plan, plan_ms), plan.from_ms)
    return [_handed_over(plan, from_ms, Ownership(plan.owners, table), why)]


@lru_cache(2)
def _refitted(
    owners: tuple[str, ...],
    takers: tuple[tuple[int, int], ...],
    table: bytes,
    tracks: tuple[ev.Track, ...],
    classes: tuple[ev.ClassSpec, ...],
) -> bytes:
    """The table in which all fits, found once: every turn of a master asks, and there is seldom another plan."""
    limits = {owner: limit for owner, (limit, _) in zip(owners, takers, strict=True) if limit}
    weights = {owner: weight for owner, (_, weight) in zip(owners, takers, strict=True)}
    loads = slot_loads(tracks, classes, len(table) // 2)
    return fitted(Ownership(owners, table), limits, weights, loads).table


def _handed_over(plan: ev.PlanSet, from_ms: int, owned: Ownership, why: str) -> ev.PlanSet:
    """The same schedule with other owners."""
    return replace(plan, number=plan.number + 1, from_ms=from_ms, owners=owned.owners, table=owned.table, why=why)


def users_max(log: LogHalf, incarnation: str) -> int:
    """How many users a worker takes; 0: any number."""
    record = log.worker_of(incarnation)
    return record.users_max if record is not None else 0


def _weight(log: LogHalf, incarnation: str) -> int:
    record = log.worker_of(incarnation)
    return record.processes if record is not None else 1
