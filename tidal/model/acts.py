"""What operators did in a run: their wishes that were granted, by the moment of the load at which they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.codec import LOG, understood
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.codec import Entry

ACTS_MAX = 10_000
_MASTERS = ("master", "")


class Act(Struct, frozen=True):
    """One wish, and plan time at which it was granted."""

    at_ms: int
    intent: ev.Event


def acts_of(entries: Iterable[Entry]) -> tuple[ev.RunOpened | None, list[Act]]:
    """How the run was opened, and what operators did while its load ran, in order.

    A wish is an operator's when its author's acceptance stands in the log. What a shape or user code wants, the file
    does again by itself.
    """
    opened: ev.RunOpened | None = None
    operators: set[str] = set()
    began_ms: int | None = None
    pending: list[tuple[int, str, ev.Event]] = []
    for entry in entries:
        signed = _signed(entry)
        if signed is None:
            continue
        event = signed.event
        if isinstance(event, ev.RunOpened):
            opened = opened or event
        elif isinstance(event, ev.RunStarted):
            began_ms = event.began_ms
        elif isinstance(event, ev.IntentAccepted):
            operators.add(event.author)
        elif began_ms is not None and (act := _act(event)) is not None and len(pending) < ACTS_MAX:
            pending.append((signed.at_ms - began_ms, *act))
    mine = [(at_ms, intent) for at_ms, author, intent in pending if author in operators]
    return opened, [Act(at_ms, intent) for at_ms, intent in mine if at_ms >= 0]


def _act(event: ev.Event) -> tuple[str, ev.Event] | None:
    """Who did what, as the wish that asks for it."""
    if isinstance(event, ev.TargetSet):
        return event.author, ev.WantTarget(event.users, event.spawn_rate)
    if isinstance(event, ev.Noted) and event.author not in _MASTERS:
        return event.author, ev.WantNote(event.text)
    if isinstance(event, ev.StopOrdered) and event.outcome == "stopped":
        return event.author, ev.WantStop(event.reason)
    return None


def _signed(entry: Entry) -> ev.ByMaster | None:
    signed = understood(entry) if entry.stream == LOG else None
    return signed if isinstance(signed, ev.ByMaster) else None
