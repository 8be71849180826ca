"""What operators want, accepted or refused, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.members import why_it_stays
from tidal.model.steering import Steered, has_users, steered
from tidal.model.target import RATE_MAX, replanned
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.state import State

STEERING = (ev.WantStage, ev.WantPause, ev.WantResume, ev.WantRate)
"""Intents that put a plan in the place of the one that holds."""
CHANGES = (ev.TargetSet, ev.StopOrdered, ev.PlanSet, ev.DrainOrdered)


def answers(state: State, intents: Sequence[ev.ByOperator], now_ms: int) -> list[ev.Event]:
    """Answers up to the first that changes the run: the next intent must see it, so it waits for the next turn."""
    events: list[ev.Event] = []
    for signed in {s.id: s for s in intents if s.id not in state.log.intents}.values():
        answer = _answer(state, signed, now_ms)
        events += answer
        if any(isinstance(e, CHANGES) for e in answer):
            break
    return events


def _answer(state: State, signed: ev.ByOperator, now_ms: int) -> list[ev.Event]:
    event, author = signed.event, signed.author[:100] or "somebody"
    text, why = _wish(state, event)
    if not why and isinstance(event, STEERING):
        made = steered(state.log, event, author, now_ms)
        text, why, plan = made.text, made.why, made.plan
        if plan is not None:
            return [ev.IntentAccepted(signed.id, author, text), plan]
    if why:
        return [ev.IntentRefused(signed.id, author, text, why)]
    accepted = ev.IntentAccepted(signed.id, author, text)
    if isinstance(event, ev.WantTarget):
        return [accepted, *_retarget(state, event, author, now_ms)]
    if isinstance(event, ev.WantDrain):
        return [accepted, ev.DrainOrdered(event.name, author, state.log.workers[event.name].incarnation)]
    if isinstance(event, ev.WantStop):
        reason = event.reason[:200] or "an operator's wish"
        return [accepted, ev.StopOrdered("stopped", reason, author, state.log.options.stop_timeout_ms)]
    return [accepted, ev.Noted(author, "info", event.text[: ev.TEXT_MAX] if isinstance(event, ev.WantNote) else text)]


def _wish(state: State, event: ev.Event) -> tuple[str, str]:
    """An intent in words, and why it is refused; "" when it is not."""
    stopping = state.log.phase in {phases.STOPPING, phases.CLOSED}
    if isinstance(event, ev.WantTarget):
        rate = state.log.spawn_rate if event.spawn_rate is None else event.spawn_rate
        text = f"{plural(event.users, 'user')} at {rate:g}/s"
        if not 0 <= event.users <= ev.USERS_MAX or not 0 < rate <= RATE_MAX:
            return text, "users are 0 to 10,000,000 and the rate is above 0"
        return text, "the run is stopping" if stopping else has_users(state.log)
    if isinstance(event, ev.WantStop):
        return "stop", "the run is stopping already" if stopping else ""
    if isinstance(event, ev.WantDrain):
        return f"drain {event.name[:40]}", "the run is stopping" if stopping else why_it_stays(state, event.name)
    if isinstance(event, STEERING):
        text = Steered.words(event)
        return text, "the run is stopping" if stopping else "" if state.log.plan is not None else "it has not begun"
    return "note", ""


def _retarget(state: State, event: ev.WantTarget, author: str, now_ms: int) -> list[ev.Event]:
    rate = state.log.spawn_rate if event.spawn_rate is None else event.spawn_rate
    target = ev.TargetSet(event.users, rate, author, state.log.target_classes)
    return replanned(state.log, target, now_ms)
