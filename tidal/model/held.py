"""Whether the load was held: planned and actual over time, curve by curve and class by class. PURE.

    Ticked, PlanSet, StopOrdered ──▶ note_planned ──▶ LogHalf.held       users and arrivals planned, by curve
    Reported ──▶ note_ran ──▶ ReportHalf.held                   users that ran by class, arrivals begun, dropped
                 └──────────────▶ held_of(state) ──▶ Held                what the view of the plan shows

Sums of user-milliseconds and of arrivals, each of at most 300 points, so that they are exact and memory is flat.
What lies ahead comes from the plan that is in force; what lies behind was added up under the plans of its time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.dated import dated_of
from tidal.model.plan import Mix, counts_at, height_at
from tidal.model.plantext import ARRIVALS, USERS
from tidal.model.series import SUM_POINTS, Sums
from tidal.model.struct import Struct, field
from tidal.model.text import clean
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tidal.model.events import ClassSpec, PlanSet, Reported, Track
    from tidal.model.samples import Block
    from tidal.model.spec import StageSpec
    from tidal.model.state import LogHalf, State

CURVES_MAX = 50
"""Curves, and classes, that are followed one by one; further ones are counted as (other)."""
COUNTED_MAX = 2_000
"""Users that are shared out among classes one by one for a picture; of more the shares are told by weight."""
AHEAD_PERMILLE = 150
"""Of an endless plan: how much of what has been is left free for what is to come."""


class Planned(Struct):
    """What was planned."""

    users: dict[str, Sums] = field(default_factory=dict)  # user-ms by curve: "" is the mix of all classes
    arrivals: Sums = field(default_factory=Sums)


class Ran(Struct):
    """What was done."""

    users: dict[str, Sums] = field(default_factory=dict)  # user-ms by class
    begun: Sums = field(default_factory=Sums)  # arrivals
    dropped: Sums = field(default_factory=Sums)


class Line(Struct, frozen=True):
    """Planned and actual over time; the planned one goes on where the actual one ends."""

    name: str  # a class; "" for all of them
    unit: str  # users or arrivals/s
    planned_milli: tuple[int, ...]
    actual_milli: tuple[int, ...]


class Span(Struct, frozen=True):
    """A stage of the plan, and whether it was held as far as is known; sums of the seconds, each by itself."""

    name: str
    from_ms: int  # plan time
    to_ms: int
    planned_user_ms: int = 0
    ran_user_ms: int = 0
    missing_user_ms: int = 0
    surplus_user_ms: int = 0
    planned_arrivals: int = 0
    begun_arrivals: int = 0
    dropped_arrivals: int = 0


class Held(Struct, frozen=True):
    """Planned against actual, from the start to the end of the plan."""

    start_ms: int = 0  # plan time of the first point
    step_ms: int = 1_000
    now_ms: int = 0  # plan time of the picture
    end_ms: int | None = None  # plan time
    lines: tuple[Line, ...] = ()
    stages: tuple[Span, ...] = ()


# ------------------------------------------------------------------ folding


def note_planned(held: Planned, plan: PlanSet | None, plan_ms: int, second: int, length_ms: int) -> None:
    """Add what the plan wants from a moment on, for so long: nothing changes meanwhile."""
    if plan is None or (plan.end_ms is not None and plan_ms >= plan.end_ms):
        return
    for name, count in counts_at(plan.tracks, plan_ms).items():
        _of(held.users, name).add(second, count * length_ms)


def note_ran(held: Ran, event: Reported) -> None:
    """Add what a report says ran, and the arrivals."""
    for block in event.blocks:
        for name, user_ms in block.user_ms.items():
            sums = _of(held.users, name)
            for second, ran_ms in _by_second(block, name, user_ms):
                sums.add(second, ran_ms)
    for second, (begun, dropped, _) in dated_of(event).items():
        held.begun.add(second, begun)
        held.dropped.add(second, dropped)


def _by_second(block: Block, name: str, user_ms: int) -> Iterable[tuple[int, int]]:
    """User time of a class; that of several seconds is spread over all of them where nobody knows better."""
    if block.each is not None:
        return enumerate(block.each.user_ms[name], block.second)
    count = min(max(1, block.span), SUM_POINTS)
    each, rest = divmod(user_ms, count)
    return [(block.second + place * block.span // count, each + (0 if place else rest)) for place in range(count)]


def _of(known: dict[str, Sums], name: str) -> Sums:
    return known.setdefault(name if name in known or len(known) < CURVES_MAX else OTHER, Sums())


# ------------------------------------------------------------------ looking


def held_of(state: State, at_ms: int, end_s: int) -> Held:
    """Planned against actual; actual up to the second `end_s` of Redis time, which is not complete yet."""
    log = state.log
    if not log.began_ms or log.plan is None:
        return Held()
    now_ms = max(0, (log.load_ended_ms or at_ms) - log.began_ms)
    last_ms = _last_ms(log, log.plan, now_ms)
    step_s = _step_s(state, last_ms)
    grid = _Grid(log, log.plan, step_s, last_ms, min(end_s, (log.began_ms + now_ms) // 1000 + 1))
    lines = [*grid.user_lines(state), *grid.arrival_lines(state)]
    spans = grid.spans(state, log.plan.stages)
    return Held(grid.start_ms, step_s * 1000, now_ms, log.plan.end_ms, tuple(lines), spans)


def _last_ms(log: LogHalf, plan: PlanSet, now_ms: int) -> int:
    """Up to where there is something to see: the end of the plan, or a bit after now and after its last change."""
    if log.phase == phases.CLOSED or log.stopped_ms:
        return max(now_ms, 1_000)
    if plan.end_ms is not None:
        return max(plan.end_ms, now_ms, 1_000)
    last_ms = max((at_ms for track in plan.tracks for at_ms, _ in track.points), default=0)
    return max(now_ms, min(last_ms, now_ms * 3 + 60_000)) * (1000 + AHEAD_PERMILLE) // 1000 + 1_000


def _step_s(state: State, last_ms: int) -> int:
    """The least step that all sums have, and of which few enough reach to the end."""
    held, ran = state.log.held, state.reports.held
    sums = (*held.users.values(), *ran.users.values(), held.arrivals, ran.begun, ran.dropped)
    step_s = max((one.step_s for one in sums), default=1)
    while last_ms // 1000 // step_s >= SUM_POINTS:
        step_s *= 2
    return step_s


class _Grid:
    """Columns of equal length from the start to the end."""

    def __init__(self, log: LogHalf, plan: PlanSet, step_s: int, last_ms: int, end_s: int) -> None:
        self.log, self.plan, self.step_s = log, plan, step_s
        first = log.began_ms // 1000 // step_s
        last = (log.began_ms + last_ms - 1) // 1000 // step_s
        self.columns = range(first, last + 1)
        self.past = range(first, max(first, min(last + 1, end_s // step_s)))
        self.start_ms = first * step_s * 1000 - log.began_ms

    def user_lines(self, state: State) -> list[Line]:
        """All users, then each class by itself where there are several."""
        log, ran = self.log, {n: s.by_step(self.step_s) for n, s in state.reports.held.users.items()}
        curves = {n: self._planned(n, s.by_step(self.step_s)) for n, s in sorted(log.held.users.items())}
        curves |= {
            t.name: self._planned(t.name, {}) for t in self.plan.tracks if t.unit == USERS and t.name not in curves
        }
        if not any(any(values) for values in curves.values()) and not any(ran.values()):
            return []
        planned = [self._by_class({n: curves[n][i] for n in curves}) for i in range(len(self.columns))]
        names = sorted({name for counts in planned for name in counts} | set(ran))
        lines = [
            Line(clean(n, 100), USERS, tuple(c.get(n, 0) for c in planned), self._actual(ran.get(n, {}))) for n in names
        ]
        whole = Line(
            "",
            USERS,
            tuple(sum(values[i] for values in curves.values()) for i in range(len(self.columns))),
            tuple(map(sum, zip(*(line.actual_milli for line in lines), strict=True))),
        )
        return [whole, *(lines if len(lines) > 1 else [])]

    def arrival_lines(self, state: State) -> list[Line]:
        """All arrivals: planned, and begun."""
        begun = state.reports.held.begun.by_step(self.step_s)
        wanted = self.log.held.arrivals.by_step(self.step_s)
        tracks = [t for t in self.plan.tracks if t.unit == ARRIVALS]
        if not (tracks or begun or any(wanted.values())):
            return []
        past = [wanted.get(i, 0) * 1000 // self.step_s for i in self.past]
        actual = tuple(begun.get(i, 0) * 1000 // self.step_s for i in self.past)
        return [Line("", ARRIVALS, (*past, *self._ahead(tracks)), actual)]

    def spans(self, state: State, stages: Sequence[StageSpec]) -> tuple[Span, ...]:
        """Each stage with sums of its own, of the columns whose middle lies in it."""
        planned, done = state.log.held, state.reports.held
        users = (_added(planned.users, self.step_s), _added(done.users, self.step_s))
        arrivals = [sums.by_step(self.step_s) for sums in (planned.arrivals, done.begun, done.dropped)]
        return tuple(self._span(stage, users, arrivals) for stage in stages)

    def _span(
        self, stage: StageSpec, users: Iterable[Mapping[int, int]], arrivals: Iterable[Mapping[int, int]]
    ) -> Span:
        mine = [i for i in self.past if stage.from_ms <= self._middle_ms(i) < stage.to_ms]
        wanted, ran = ([sums.get(i, 0) for i in mine] for sums in users)
        off = [w - r for w, r in zip(wanted, ran, strict=True)]
        return Span(
            clean(stage.name, 100),
            stage.from_ms,
            stage.to_ms,
            sum(wanted),
            sum(ran),
            sum(max(0, ms) for ms in off),
            sum(max(0, -ms) for ms in off),
            *(sum(sums.get(i, 0) for i in mine) for sums in arrivals),
        )

    def _planned(self, name: str, sums: Mapping[int, int]) -> list[int]:
        """Thousandths of users of a curve: as they were added up, and as they are to come."""
        tracks = [t for t in self.plan.tracks if t.name == name and t.unit == USERS]
        return [*self._actual(sums), *self._ahead(tracks)]

    def _ahead(self, tracks: Sequence[Track]) -> list[int]:
        """Thousandths of what the curves want from now on."""
        ahead = self.columns[len(self.past) :]
        return [round(1000 * height_at(tracks, self._middle_ms(i))) if self._is_on(i) else 0 for i in ahead]

    def _is_on(self, column: int) -> bool:
        return self.plan.end_ms is None or self._middle_ms(column) < self.plan.end_ms

    def _middle_ms(self, column: int) -> int:
        return (2 * column + 1) * self.step_s * 500 - self.log.began_ms

    def _actual(self, sums: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(sums.get(i, 0) // self.step_s for i in self.past)

    def _by_class(self, curves: Mapping[str, int]) -> dict[str, int]:
        """Thousandths of users by class, of thousandths by curve."""
        own = {name: milli for name, milli in curves.items() if name}
        wanted = self.log.target_classes
        mixed = tuple(c for c in self.log.classes if c.name not in own and (not wanted or c.name in wanted))
        return {**_shared_milli(mixed, curves.get("", 0)), **own}


def _added(users: Mapping[str, Sums], step_s: int) -> dict[int, int]:
    whole: dict[int, int] = {}
    for sums in users.values():
        for index, amount in sums.by_step(step_s).items():
            whole[index] = whole.get(index, 0) + amount
    return whole


@lru_cache(4_096)
def _shared_milli(classes: tuple[ClassSpec, ...], users_milli: int) -> dict[str, int]:
    users = (users_milli + 500) // 1000
    return {name: 1000 * count for name, count in shared(classes, users).items()}


def shared(classes: Sequence[ClassSpec], users: int, counted_max: int = COUNTED_MAX) -> dict[str, int]:
    """How many of so many users are of each class: by the fixed sequence, of many by weight."""
    fixed = {spec.name: spec.fixed_count for spec in classes if spec.fixed_count > 0}
    if users <= counted_max and sum(fixed.values()) <= counted_max:
        return Mix(classes).counts(users)
    weights = {spec.name: spec.weight for spec in classes if spec.name not in fixed and spec.weight > 0}
    rest = max(0, users - sum(fixed.values()))
    return fixed | {name: round(rest * weight / sum(weights.values())) for name, weight in weights.items()}
