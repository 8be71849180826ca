"""Steering a run along its plan: another stage, a pause, another rate of arrivals.

Each is a whole new plan from a moment on, never a change of the old one: who reads only the newest knows all. Arrivals
keep their indexes (`Track.base`, `Track.rest`). A plan that stands still carries what is left of it in `rest`; when it
goes on, that is put so much later as the pause took. `shift_ms` says by how much a plan runs behind the schedule that
the run began with, so that the next stage is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.arrivals import arrivals_of
from tidal.model.plan import LEAD_MS, value_at
from tidal.model.plantext import ARRIVALS, USERS
from tidal.model.spec import HEIGHT_MAX, STAGES_MAX
from tidal.model.struct import Struct, replace
from tidal.model.text import offer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.state import LogHalf

NEXT, PREVIOUS = "next", "prev"
PAUSED = "it is paused: resume it first"
OVER_MS_MAX = 86_400_000


class Steered(Struct, frozen=True):
    """What became of a wish: a plan, or why there is none."""

    text: str
    why: str = ""
    plan: ev.PlanSet | None = None

    @staticmethod
    def words(event: ev.Event) -> str:
        """A wish as a few words."""
        if isinstance(event, ev.WantStage):
            return f"stage {event.stage[:100]}"
        if isinstance(event, ev.WantRate):
            of = f" of {event.user_class[:100]}" if event.user_class else ""
            return f"{event.rate:g} arrivals/s{of}"
        return "pause" if isinstance(event, ev.WantPause) else "resume"


def has_users(log: LogHalf) -> str:
    """Why no number of users can be set now; "" when it can."""
    plan = log.plan
    if plan is None:
        return ""
    if plan.rest is not None:
        return PAUSED
    if not any(t.unit == USERS for t in plan.tracks):
        return "its plan counts arrivals, no users: say arrivals=N"
    return ""


def steered(log: LogHalf, event: ev.Event, author: str, now_ms: int) -> Steered:
    """The plan that a wish asks for, from a moment a little in the future on."""
    plan, text = log.plan, Steered.words(event)
    if plan is None:
        return Steered(text, "it has not begun")
    from_ms = max(now_ms - log.began_ms + LEAD_MS, plan.from_ms + 1)
    why, made = _planned(log, plan, event, from_ms)
    if made is None:
        return Steered(text, why)
    done = f"{author[:100]} wants {text}"
    return Steered(text, plan=replace(made, number=plan.number + 1, from_ms=from_ms, why=done))


def _planned(log: LogHalf, plan: ev.PlanSet, event: ev.Event, from_ms: int) -> tuple[str, ev.PlanSet | None]:
    """The plan, or why there is none."""
    if why := _refusal(log, plan, event, from_ms):
        return why, None
    if isinstance(event, ev.WantRate):
        return _at_rate(log, plan, event, from_ms)
    if isinstance(event, ev.WantStage):
        return _at_stage(log, plan, event.stage, from_ms)
    return "", _paused(log, plan, from_ms) if plan.rest is None else _resumed(plan, plan.rest, from_ms)


def _refusal(log: LogHalf, plan: ev.PlanSet, event: ev.Event, from_ms: int) -> str:
    """Why a wish cannot be, whatever else it says."""
    if log.shape:
        return f"its shape, {log.shape[:60]}, decides"
    if plan.end_ms is not None and plan.end_ms <= from_ms:
        return "the plan is over"
    if isinstance(event, ev.WantResume):
        return "it is not paused" if plan.rest is None else ""
    return PAUSED if plan.rest is not None else ""


def arriving(log: LogHalf, plan: ev.PlanSet, wish: ev.TargetSet, now_ms: int) -> ev.PlanSet:
    """The plan of a shape that wants arrivals: users are no longer wanted, and arrivals of no other class."""
    from_ms = max(now_ms - log.began_ms + LEAD_MS, plan.from_ms + 1)
    name, rate = (wish.classes[0] if wish.classes else ""), float(wish.arrivals or 0)
    going = [_continued(log, plan, t, from_ms) for t in plan.tracks]
    mine = next((t for t in going if (t.name, t.unit) == (name, ARRIVALS)), None)
    mine = mine if mine is not None else ev.Track(name, ((from_ms, 0.0),), ARRIVALS)
    ramp = ((from_ms, mine.points[0][1]),) if wish.over_ms else ()
    wanted = replace(mine, points=(*ramp, (from_ms + wish.over_ms, rate)))
    others = [silent(t, from_ms) for t in going if (t.name, t.unit) != (name, ARRIVALS)]
    why = f"{wish.author[:100]} wants {rate:g} arrivals/s"
    return replace(plan, number=plan.number + 1, from_ms=from_ms, tracks=(*others, wanted), why=why)


def silent(track: ev.Track, from_ms: int) -> ev.Track:
    """Nobody from a moment on; arrivals count on from there."""
    return replace(track, points=((from_ms, 0.0),))


def quiet(log: LogHalf, plan: ev.PlanSet, tracks: Iterable[ev.Track], from_ms: int) -> tuple[ev.Track, ...]:
    """Curves that stop at a moment."""
    return tuple(silent(_continued(log, plan, t, from_ms), from_ms) for t in tracks)


# ------------------------------------------------------------------ standing still


def _paused(log: LogHalf, plan: ev.PlanSet, from_ms: int) -> ev.PlanSet:
    left = tuple(_continued(log, plan, t, from_ms) for t in plan.tracks)
    rest = ev.Rest(from_ms, left, plan.end_ms, _later(plan.stages, from_ms))
    still = tuple(silent(t, from_ms) for t in left)
    return replace(plan, tracks=still, end_ms=None, stages=_earlier(plan.stages, from_ms), rest=rest)


def _resumed(plan: ev.PlanSet, rest: ev.Rest, from_ms: int) -> ev.PlanSet:
    by_ms = from_ms - rest.at_ms
    return replace(
        plan,
        tracks=tuple(_shifted(t, by_ms) for t in rest.tracks),
        end_ms=None if rest.end_ms is None else rest.end_ms + by_ms,
        stages=_newest((*plan.stages, *_moved(rest.stages, by_ms))),
        rest=None,
        shift_ms=plan.shift_ms + by_ms,
    )


# ------------------------------------------------------------------ another stage, another rate


def _at_stage(log: LogHalf, plan: ev.PlanSet, wanted: str, from_ms: int) -> tuple[str, ev.PlanSet | None]:
    place, why = _place(log.stages, wanted, from_ms - plan.shift_ms)
    if why:
        return why, None
    begin_ms = log.stages[place].from_ms
    by_ms, end_ms = from_ms - begin_ms, log.options.run_time_ms
    return "", replace(
        plan,
        tracks=tuple(_jumped(log, plan, t, begin_ms, from_ms) for t in log.tracks),
        end_ms=None if end_ms is None else end_ms + by_ms,
        stages=_newest((*_earlier(plan.stages, from_ms), *_moved(_later(log.stages, begin_ms), by_ms))),
        shift_ms=by_ms,
    )


def _place(stages: tuple[ev.StageSpec, ...], wanted: str, schedule_ms: int) -> tuple[int, str]:
    """The index of the stage that is meant, seen from a moment of the schedule; or why there is none."""
    if not stages:
        return 0, "its plan has no stages"
    now = max((i for i, s in enumerate(stages) if s.from_ms <= schedule_ms), default=0)
    if wanted == PREVIOUS:
        return max(0, now - 1), ""
    if wanted == NEXT:
        return now + 1, f"{stages[now].name} is its last stage" if now + 1 == len(stages) else ""
    found = next((i for i, s in enumerate(stages) if s.name == wanted), None)
    if found is not None:
        return found, ""
    return 0, f"no stage {wanted[:60]!r}; {offer(wanted, dict.fromkeys(s.name for s in stages))}"[:300]


def _jumped(log: LogHalf, plan: ev.PlanSet, track: ev.Track, begin_ms: int, from_ms: int) -> ev.Track:
    """A curve of the schedule from a moment of it on, put to a moment of plan time; arrivals count on."""
    moved = _shifted(replace(track, points=_points_from(track.points, begin_ms)), from_ms - begin_ms)
    now = next((t for t in plan.tracks if (t.name, t.unit) == (track.name, track.unit)), None)
    if track.unit != ARRIVALS or now is None:
        return moved
    so_far = _continued(log, plan, now, from_ms)
    return replace(moved, base=so_far.base, rest=so_far.rest)


def _at_rate(log: LogHalf, plan: ev.PlanSet, event: ev.WantRate, from_ms: int) -> tuple[str, ev.PlanSet | None]:
    curves = [t for t in plan.tracks if t.unit == ARRIVALS and event.user_class in ("", t.name)]
    if len(curves) != 1:
        names = ", ".join(t.name or "the mix" for t in plan.tracks if t.unit == ARRIVALS)[:200]
        return f"arrivals of which class? It plans {names}" if names else "its plan has no arrivals", None
    if not 0 <= event.rate <= HEIGHT_MAX or not 0 <= event.over_ms <= OVER_MS_MAX:
        return f"a rate is 0 to {HEIGHT_MAX:,}, reached within a day", None
    going = _continued(log, plan, curves[0], from_ms)
    ramp = ((from_ms, going.points[0][1]),) if event.over_ms else ()
    changed = replace(going, points=(*ramp, (from_ms + event.over_ms, event.rate)))
    return "", replace(plan, tracks=tuple(changed if t is curves[0] else t for t in plan.tracks))


# ------------------------------------------------------------------ curves and stages


def _continued(log: LogHalf, plan: ev.PlanSet, track: ev.Track, from_ms: int) -> ev.Track:
    """The curve from a moment on; of arrivals, with what was due before."""
    cut = replace(track, points=_points_from(track.points, from_ms))
    if track.unit != ARRIVALS:
        return cut
    curve = arrivals_of(track, plan.end_ms, log.options.spacing, log.options.seed)
    base, rest = curve.reached(from_ms * 1000)
    return replace(cut, base=base, rest=rest)


def _points_from(points: tuple[tuple[int, float], ...], at_ms: int) -> tuple[tuple[int, float], ...]:
    return ((at_ms, value_at(points, at_ms)), *(p for p in points if p[0] > at_ms))


def _shifted(track: ev.Track, by_ms: int) -> ev.Track:
    return replace(track, points=tuple((at_ms + by_ms, height) for at_ms, height in track.points))


def _earlier(stages: Iterable[ev.StageSpec], at_ms: int) -> tuple[ev.StageSpec, ...]:
    return tuple(replace(s, to_ms=min(s.to_ms, at_ms)) for s in stages if s.from_ms < at_ms)


def _later(stages: Iterable[ev.StageSpec], at_ms: int) -> tuple[ev.StageSpec, ...]:
    return tuple(replace(s, from_ms=max(s.from_ms, at_ms)) for s in stages if s.to_ms > at_ms)


def _moved(stages: Iterable[ev.StageSpec], by_ms: int) -> tuple[ev.StageSpec, ...]:
    return tuple(replace(s, from_ms=s.from_ms + by_ms, to_ms=s.to_ms + by_ms) for s in stages)


def _newest(stages: tuple[ev.StageSpec, ...]) -> tuple[ev.StageSpec, ...]:
    """As many as a plan may have, the oldest left out; neighbours of one name are one."""
    joined: list[ev.StageSpec] = []
    for stage in stages:
        if joined and joined[-1].name == stage.name and joined[-1].to_ms == stage.from_ms:
            joined[-1] = replace(joined[-1], to_ms=stage.to_ms)
        else:
            joined.append(stage)
    return tuple(joined[-STAGES_MAX:])
