"""A new target of users, by an operator or by user code, and the plan that goes there from where the users are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.ledger import planned_users
from tidal.model.plan import LEAD_MS, Mix, counts_at, line, ramp, ramp_ms
from tidal.model.spec import HEIGHT_MAX
from tidal.model.steering import OVER_MS_MAX, arriving, quiet
from tidal.model.struct import replace
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.state import LogHalf, State

RATE_MAX = 1_000_000


def replanned(log: LogHalf, wanted: ev.TargetSet, now_ms: int) -> list[ev.Event]:
    """A new target, and the plan that goes there from where the users are; before the start only the target."""
    target = replace(wanted, users=capped(log, wanted))
    plan = log.plan
    if plan is None:
        return [target]
    from_ms = max(now_ms - log.began_ms + LEAD_MS, plan.from_ms + 1)
    tracks = _tracks(log, plan, target, from_ms)
    why = f"{target.author} wants {plural(target.users, 'user')}"
    others = tuple(t for t in plan.tracks if t.unit != "users")  # an operator's users leave arrivals as they are
    others = quiet(log, plan, others, from_ms) if log.shape else others
    return [target, replace(plan, number=plan.number + 1, from_ms=from_ms, tracks=(*tracks, *others), why=why)]


def _tracks(log: LogHalf, plan: ev.PlanSet, target: ev.TargetSet, from_ms: int) -> tuple[ev.Track, ...]:
    """One curve of the mix; where single classes are wanted, or still run, one for each class."""
    now = counts_at(plan.tracks, from_ms)
    if not target.classes and not any(name and count for name, count in now.items()):
        return (ev.Track("", ramp(from_ms, planned_users(log, from_ms), target.users, target.spawn_rate)),)
    running = _by_class(log, now)
    wanted = _wanted(log, running, target)
    change = sum(abs(wanted.get(c.name, 0) - running.get(c.name, 0)) for c in log.classes)
    length_ms = ramp_ms(change, target.spawn_rate)
    arriving = {t.name for t in plan.tracks if t.unit != "users"}
    return tuple(
        ev.Track(c.name, line(from_ms, running.get(c.name, 0), wanted.get(c.name, 0), length_ms))
        for c in log.classes
        if c.name not in arriving
    )


def _wanted(log: LogHalf, running: dict[str, int], target: ev.TargetSet) -> dict[str, int]:
    """Users by class: where classes are named, who comes is of them, and who runs already stays, as in Locust.

    When there are to be fewer, those of the named classes go first, then those of the largest.
    """
    chosen = [c for c in log.classes if not target.classes or c.name in target.classes]
    if not target.classes:
        return Mix(chosen).counts(target.users)
    wanted = {name: count for name, count in running.items() if count}
    missing = target.users - sum(wanted.values())
    for name, count in Mix(chosen).counts(max(0, missing)).items():
        wanted[name] = wanted.get(name, 0) + count
    for name in sorted(wanted, key=lambda n: (n not in target.classes, -wanted[n], n)):
        gone = min(wanted[name], max(0, -missing))
        wanted[name] -= gone
        missing += gone
    return wanted


def _by_class(log: LogHalf, counts: dict[str, int]) -> dict[str, int]:
    """How many users of each class a plan's counts mean."""
    running = {name: count for name, count in counts.items() if name}
    mix = Mix(c for c in log.classes if c.name not in counts)
    return mix.counts(counts.get("", 0)) | running


def capped(log: LogHalf, target: ev.TargetSet) -> int:
    """The users of a target, or as many as fixed counts allow."""
    limit = Mix(c for c in log.classes if not target.classes or c.name in target.classes).limit
    return target.users if limit is None else min(target.users, limit)


# ------------------------------------------------------------------ what user code on the master's side wants


def grant(state: State, wishes: Sequence[ev.Event], now_ms: int) -> tuple[list[ev.Event], int]:
    """The events for what the hook host told, and how many wishes they answer.

    It goes up to the first that changes the run: the next must see it, so it waits for the next turn. What is neither
    a target nor a stop (a hook that is done, a message) is written down as it is.
    """
    events: list[ev.Event] = []
    for count, wish in enumerate(wishes, 1):
        granted = _granted(state, wish, now_ms)
        events += granted
        if any(isinstance(e, ev.TargetSet | ev.StopOrdered) for e in granted):
            return events, count
    return events, len(wishes)


def _granted(state: State, wish: ev.Event, now_ms: int) -> list[ev.Event]:
    log = state.log
    if isinstance(wish, ev.StopOrdered):
        return [] if log.phase not in {phases.WAITING, phases.RUNNING} else [wish]
    if not isinstance(wish, ev.TargetSet):
        return [wish]
    if wish.arrivals is not None:
        return _arrivals_granted(log, wish, now_ms)
    if log.phase != phases.RUNNING or _heads_there(log, wish) or (log.plan is not None and log.plan.rest is not None):
        return []
    unknown = set(wish.classes) - {c.name for c in log.classes}
    if unknown or not 0 <= wish.users <= ev.USERS_MAX or not 0 < wish.spawn_rate <= RATE_MAX:
        why = (
            f"no user class {', '.join(sorted(unknown))}"
            if unknown
            else f"{plural(wish.users, 'user')} at {wish.spawn_rate}/s"
        )
        return [ev.Noted(wish.author, "error", f"a wish of user code was refused: {why}")]
    return replanned(log, wish, now_ms)


def _arrivals_granted(log: LogHalf, wish: ev.TargetSet, now_ms: int) -> list[ev.Event]:
    if log.phase != phases.RUNNING or log.plan is None:
        return []
    unknown = set(wish.classes) - {c.name for c in log.classes}
    rate = wish.arrivals or 0.0
    if unknown or len(wish.classes) > 1 or not 0 <= rate <= HEIGHT_MAX or not 0 <= wish.over_ms <= OVER_MS_MAX:
        why = f"{rate:g} arrivals/s of {', '.join(wish.classes) or 'all classes'} in {wish.over_ms} ms"
        return [ev.Noted(wish.author, "error", f"a wish of user code was refused: {why}")]
    return [wish, arriving(log, log.plan, wish, now_ms)]


def _heads_there(log: LogHalf, wish: ev.TargetSet) -> bool:
    """Whether the plan goes there already."""
    heading = sum(t.points[-1][1] for t in log.plan.tracks if t.unit == "users") if log.plan is not None else -1
    wanted = (wish.users, wish.spawn_rate, wish.classes)
    return wanted == (log.users, log.spawn_rate, log.target_classes) and heading == capped(log, wish)
