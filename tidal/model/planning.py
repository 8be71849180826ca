"""The plan that a run begins with, from what was typed or stands in a locustfile, and the classes that run by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.errors import BadPlan
from tidal.model.plan import Mix
from tidal.model.plantext import ARRIVALS, USERS, Plan, parsed, printed, stages_of, track_of
from tidal.model.struct import Struct
from tidal.model.text import clean
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidal.model.events import ClassSpec, RunOptions, StageSpec, Track

Typed = tuple[tuple[str, str], ...]
"""Pairs of a user class ("": all that have no plan of their own) and its plan's text."""


class Planned(Struct, frozen=True):
    """What plans come to: curves, stages, an end, and how they are written."""

    tracks: tuple[Track, ...]
    stages: tuple[StageSpec, ...]
    end_ms: int | None
    text: str


def planned(typed: Typed, run_time_ms: int | None = None) -> Planned:
    """The plans of a run; with a run time no longer than that.

    Raises:
        BadPlan: one cannot be read, two are of one class, or two name stages.
    """
    plans = {}
    for name, text in typed:
        if name in plans:
            raise BadPlan(f"two plans {_of(name)}: a class has one")
        plans[name] = _read(name, text)
    lengths = [plan.length_ms for plan in plans.values()]
    ends = [] if None in lengths else [max((n for n in lengths if n is not None), default=0)]
    return Planned(
        tuple(track_of(plan, name) for name, plan in plans.items()),
        _stages(plans),
        min([*ends, *([run_time_ms] if run_time_ms is not None else [])], default=None),
        "\n".join(f"{name}={printed(plan)}" if name else printed(plan) for name, plan in plans.items()),
    )


def _read(name: str, text: str) -> Plan:
    try:
        return parsed(text)
    except BadPlan as error:
        raise BadPlan(f"{clean(name)}: {error}" if name else str(error)) from None


def _of(name: str) -> str:
    return f"of {clean(name)}" if name else "without a class"


def _stages(plans: dict[str, Plan]) -> tuple[StageSpec, ...]:
    """The stages of the plan that names any; else of the one without a class, or of the only one."""
    naming = [name for name, plan in plans.items() if any(part.name for part in plan.parts)]
    if len(naming) > 1:
        raise BadPlan(f"stages are named by the plans {' and '.join(map(_of, naming))}: one of them may name stages")
    if not naming and "" not in plans and len(plans) != 1:
        return ()
    return stages_of(plans[naming[0] if naming else "" if "" in plans else next(iter(plans))])


def typed_of(words: Iterable[str]) -> Typed:
    """`CLASS=PLAN` or `PLAN` words as pairs."""
    return tuple(_pair(word) for word in words)


def _pair(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    return (name.strip(), text) if equals else ("", word)


def fitting_classes(found: Planned, classes: Sequence[ClassSpec], chosen: Sequence[ClassSpec]) -> tuple[ClassSpec, ...]:
    """The classes that run: those with a plan of their own, and, where one has no class, the others that were chosen.

    Args:
        found: the plans.
        classes: all of the file.
        chosen: those that were asked for by name, or all.

    Raises:
        BadPlan: a class that the file has not, or more users than fixed counts allow.
    """
    known, own = {c.name: c for c in classes}, {t.name for t in found.tracks if t.name}
    for name in sorted(own - set(known)):
        raise BadPlan(f"a plan of {clean(name)}: the locustfile has no such class, but {', '.join(known)}")
    others = [c for c in chosen if c.name not in own] if len(own) < len(found.tracks) else []
    for track in found.tracks:
        if not track.name:
            _check_mix(track, others)
    return tuple(c for c in classes if c.name in own or c in others)


def _check_mix(track: Track, others: Sequence[ClassSpec]) -> None:
    limit = Mix(others).limit
    most = max((value for _, value in track.points), default=0)
    if not others or limit == 0:
        raise BadPlan(
            "a plan without a class, and no class that could run by it: each has a plan of its own, or no weight"
        )
    if track.unit == USERS and limit is not None and most > limit:
        raise BadPlan(f"a plan of {most:g} users: the fixed counts of the classes allow {limit}")
    if track.unit == ARRIVALS and not any(c.weight > 0 for c in others):
        raise BadPlan("arrivals are shared out by weight, and no class has any")


def begins(options: RunOptions, tracks: Sequence[Track]) -> str:
    """How much a run wants, in words, for its story."""
    if not tracks:
        return plural(options.users, "user")
    peaks = dict.fromkeys((USERS, ARRIVALS), 0.0)
    for track in tracks:
        peaks[track.unit] = peaks.get(track.unit, 0) + max((height for _, height in track.points), default=0)
    parts = [f"up to {plural(round(peaks[USERS]), 'user')}"] if peaks[USERS] else []
    parts += [f"up to {peaks[ARRIVALS]:g} arrivals/s"] if peaks[ARRIVALS] else []
    return " and ".join(parts) or "nobody"
