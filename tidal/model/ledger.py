"""Planned against done, second by second: planned + surplus = ran + missing, in integers, exactly.

    Ticked, PlanSet, StopOrdered ──▶ add_up_plan ─┐
    Reported ──▶ add_up_ran ──────────────────────┴─▶ balance(state) ──▶ Books ──▶ LedgerSealed, frame, verdict

What is missing in one second is not made good by a surplus in another. A second is judged once every worker that is
expected to has reported beyond it; seconds older than five minutes are added up by the master (`LedgerSealed`), so the
sums stay exact and memory flat. User time whose second nobody knows any more (a report that comes after its second was
sealed, seconds that a worker without Redis has merged) fills what is missing first. What runs on after the end of the
plan, a task that may finish, is neither planned nor surplus: it is counted as `after`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.events import LedgerSealed, PlanSet
from tidal.model.held import note_planned
from tidal.model.plan import count_at, next_change_ms
from tidal.model.series import SECONDS_KEPT
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.samples import Block
    from tidal.model.state import LogHalf, ReportHalf, State

SEAL_AFTER_S = 300
"""A second is sealed when it is so old: a worker cut off from Redis hands in again within a minute or so."""
SEAL_EVERY_S = 60
GAPS_MAX = 50
"""Gaps that are kept apart, those in which most is missing or too much; the sums count all."""
GAP_PART, GAP_LEAST_MS = 20, 500
"""A second belongs to a gap when a twentieth of its plan is missing or too much, and half a user-second at least."""
EVER_S = 1 << 50
POINT_MS_MAX = 3_600_000
"""Of a jump, which may lead to the year 4199, so much is added up by the second where the series' points are wider."""

Gap = tuple[int, int, int, int]
"""First second, the one after its last, missing and surplus user-milliseconds."""


# ------------------------------------------------------------------ what was planned


def plan_at(log: LogHalf, plan_ms: int) -> PlanSet | None:
    """The plan in force at a moment of plan time."""
    return next((p for p in reversed(log.plans) if p.from_ms <= plan_ms), None)


def planned_users(log: LogHalf, plan_ms: int) -> int:
    """How many users the plan wants at a moment, 0 before the start and after the end."""
    plan = plan_at(log, plan_ms)
    if plan is None or plan_ms < 0 or (plan.end_ms is not None and plan_ms >= plan.end_ms):
        return 0
    return count_at(plan.tracks, plan_ms)


def add_up_plan(log: LogHalf, at_ms: int) -> None:
    """Add the user-time planned since the last time; nothing is planned once a stop was ordered."""
    if not log.began_ms or log.stop is not None:
        return
    until_ms = at_ms - log.began_ms
    while log.planned_to_ms < until_ms:
        from_ms = log.planned_to_ms
        next_ms = min(until_ms, _next_step_ms(log, from_ms), _part_end_ms(log, from_ms, until_ms))
        user_ms = planned_users(log, from_ms) * (next_ms - from_ms)
        second = (log.began_ms + next_ms - 1) // 1000
        log.planned.at(second).user_ms += user_ms
        log.planned_s.add(second, user_ms)
        log.planned_user_ms += user_ms
        note_planned(log.held, plan_at(log, from_ms), from_ms, second, next_ms - from_ms)
        log.planned_to_ms = next_ms


def _part_end_ms(log: LogHalf, from_ms: int, until_ms: int) -> int:
    """Where the second of a moment ends, or, long before the end, the series' point: a clock's jump is few steps."""
    step_ms = log.planned.step_s * 1_000
    left_ms = until_ms - from_ms - SECONDS_KEPT * 1_000
    if left_ms < min(step_ms, POINT_MS_MAX):
        step_ms = 1_000
    end_ms = ((log.began_ms + from_ms) // step_ms + 1) * step_ms - log.began_ms
    return end_ms if step_ms == 1_000 else min(end_ms, from_ms + left_ms)


def _next_step_ms(log: LogHalf, plan_ms: int) -> int:
    """The next moment at which the number of planned users may change."""
    steps = [p.from_ms for p in log.plans if p.from_ms > plan_ms]
    plan = plan_at(log, plan_ms)
    if plan is not None:
        steps += [t for t in (next_change_ms(plan.tracks, plan_ms), plan.end_ms) if t is not None and t > plan_ms]
    return min(steps, default=1 << 62)


def add_up_ran(reports: ReportHalf, block: Block, user_ms: int) -> None:
    """Add user time that a block says ran; of one whose detail was merged away no second is known."""
    reports.user_ms += user_ms
    by_second = [user_ms] if block.span == 1 else block.each.ran_ms() if block.each is not None else []
    for second, ran_ms in enumerate(by_second, block.second):
        reports.ran_s.add(second, ran_ms)


# ------------------------------------------------------------------ what is known so far


def expected(state: State) -> list[str]:
    """The incarnations whose reports a complete figure needs: those that own slots and are not gone."""
    plan = state.log.plan
    return [o for o in plan.owners if o not in state.log.ended] if plan is not None else []


def complete_to_ms(state: State) -> int:
    """Redis time up to which every expected worker has reported; 0: not all of them have said anything."""
    owners, known = expected(state), state.reports.incarnations
    if not owners:
        return max((r.to_ms for r in known.values()), default=0)
    return min(known[o].to_ms if o in known else 0 for o in owners)


def judged_to_s(state: State) -> int:
    """The first second that is not completely reported yet; none once the run is closed."""
    log = state.log
    if log.phase == phases.CLOSED:
        return EVER_S
    reached_ms = complete_to_ms(state)
    if log.stop is None:
        reached_ms = min(reached_ms, log.began_ms + log.planned_to_ms)
    return reached_ms // 1000


def plan_end_s(log: LogHalf) -> int:
    """The second in which the plan ends or the stop was ordered: what runs from there on is winding down."""
    ends = [log.stopped_ms] if log.stop is not None else []
    if log.plan is not None and log.plan.end_ms is not None:
        ends.append(log.began_ms + log.plan.end_ms)
    return min(ends, default=EVER_S * 1000) // 1000


# ------------------------------------------------------------------ the books


class Books(Struct, frozen=True):
    """The ledger of user time, in user-milliseconds."""

    to_s: int = 0  # seconds before this one are judged
    planned_user_ms: int = 0
    ran_user_ms: int = 0
    missing_user_ms: int = 0
    surplus_user_ms: int = 0
    after_user_ms: int = 0  # ran on after the end of the plan; not in the sums above
    unplaced_user_ms: int = 0  # of what ran: its second is not known, so it filled what was missing
    gaps: tuple[Gap, ...] = ()


def balance(state: State, *, is_final: bool = False) -> Books:
    """The books of the seconds that are judged; `is_final`: of all, for nothing more will be reported."""
    log, reports = state.log, state.reports
    to_s = EVER_S if is_final else judged_to_s(state)
    books, after_ms = _opened(log), 0
    rows = _unsealed(state)
    end_s = plan_end_s(log)
    for second, planned_ms, ran_ms in rows:
        if second < to_s:
            extra_ms = max(0, ran_ms - planned_ms) if second >= end_s else 0
            after_ms += extra_ms
            books.add(second, planned_ms, ran_ms - extra_ms, is_open=second < end_s)
    left_ms = log.planned_user_ms - books.sealed_planned_ms - sum(row[1] for row in rows)
    left_ms -= reports.user_ms - books.sealed_ran_ms - sum(row[2] for row in rows)
    return books.closed(to_s, after_ms, left_ms, is_over=to_s >= EVER_S)


def _opened(log: LogHalf) -> _Adding:
    if log.sealed is None:
        return _Adding()
    seal = log.sealed
    sums = (seal.planned_user_ms, seal.ran_user_ms, seal.missing_user_ms, seal.surplus_user_ms)
    return _Adding(*sums, seal.planned_user_ms, seal.ran_user_ms, list(seal.gaps))


def _unsealed(state: State) -> list[tuple[int, int, int]]:
    """Second, planned and ran, of every second that is known by itself and not sealed."""
    planned, ran = state.log.planned_s.ms, state.reports.ran_s.ms
    from_s = state.log.sealed.to_s if state.log.sealed is not None else 0
    return [(s, planned.get(s, 0), ran.get(s, 0)) for s in sorted(planned.keys() | ran.keys()) if s >= from_s]


class _Adding(Struct):
    """Books that are being written."""

    planned_ms: int = 0
    ran_ms: int = 0
    missing_ms: int = 0
    surplus_ms: int = 0
    sealed_planned_ms: int = 0
    sealed_ran_ms: int = 0
    gaps: list[Gap] | None = None

    def add(self, second: int, planned_ms: int, ran_ms: int, *, is_open: bool = True) -> None:
        """One second, balanced by itself; `is_open`: the plan goes on in it."""
        missing_ms, surplus_ms = max(0, planned_ms - ran_ms), max(0, ran_ms - planned_ms)
        self.planned_ms += planned_ms
        self.ran_ms += ran_ms
        self.missing_ms += missing_ms
        self.surplus_ms += surplus_ms
        off_ms = missing_ms + surplus_ms
        if is_open and off_ms >= GAP_LEAST_MS and off_ms * GAP_PART >= planned_ms:
            self.gaps = self.gaps or []
            _note_gap(self.gaps, (second, second + 1, missing_ms, surplus_ms))

    def closed(self, to_s: int, after_ms: int, left_ms: int, *, is_over: bool) -> Books:
        """The books, with what no second is known of: planned and not run (above 0), or run (below)."""
        unplaced_ms = min(max(0, -left_ms), self.missing_ms)
        extra_ms = max(0, -left_ms) - unplaced_ms if is_over else 0  # else its plan may only not be added up yet
        lacking_ms = max(0, left_ms)
        return Books(
            to_s,
            self.planned_ms + lacking_ms,
            self.ran_ms + unplaced_ms + extra_ms,
            self.missing_ms - unplaced_ms + lacking_ms,
            self.surplus_ms + extra_ms,
            after_ms,
            unplaced_ms,
            tuple(self.gaps or ()),
        )


def _note_gap(gaps: list[Gap], gap: Gap) -> None:
    """Add a second to the gap that it continues, or as a new one; the smallest goes when there are too many."""
    if gaps and gaps[-1][1] == gap[0]:
        first_s, _, missing_ms, surplus_ms = gaps[-1]
        gaps[-1] = (first_s, gap[1], missing_ms + gap[2], surplus_ms + gap[3])
        return
    gaps.append(gap)
    if len(gaps) > GAPS_MAX:
        del gaps[min(range(len(gaps) - 1), key=lambda i: (gaps[i][2] + gaps[i][3], gaps[i]))]


def seal(state: State) -> list[LedgerSealed]:
    """The books of seconds of which nobody will report any more, once a minute's worth has come together."""
    log = state.log
    if log.phase != phases.RUNNING or not log.began_ms:
        return []
    from_s = log.sealed.to_s if log.sealed is not None else log.began_ms // 1000
    to_s = min(log.planned_s.latest_s - SEAL_AFTER_S, judged_to_s(state), plan_end_s(log))
    if to_s - from_s < SEAL_EVERY_S:
        return []
    books = _opened(log)
    for second, planned_ms, ran_ms in _unsealed(state):
        if second < to_s:
            books.add(second, planned_ms, ran_ms)
    sums = (books.planned_ms, books.ran_ms, books.missing_ms, books.surplus_ms)
    return [LedgerSealed(to_s, *sums, tuple(books.gaps or ()))]


# ------------------------------------------------------------------ iterations, losses


class Iterations(Struct, frozen=True):
    """Begun iterations and what became of them: the first is the sum of the others."""

    started: int
    finished: int
    failed: int
    cancelled: int
    in_flight: int
    unknown: int  # of generators and workers that were lost


def iterations(state: State) -> Iterations:
    """What became of the iterations; at the end nothing is in flight any more."""
    started, finished, failed, cancelled = state.reports.iterations
    is_over = state.log.phase == phases.CLOSED
    here = started - finished - failed - cancelled
    lost = (
        max(0, record.in_flight) if is_over or name in state.log.ended else record.in_flight_lost
        for name, record in state.reports.incarnations.items()
    )
    unknown = min(max(0, here), sum(lost))
    return Iterations(started, finished, failed, cancelled, here - unknown, unknown)


class Loss(Struct, frozen=True):
    """An interval of which something was never told, and by whom."""

    who: str  # "w2", "generator 1 of w3"
    from_ms: int
    to_ms: int
    why: str
    incarnation: str
    is_worker: bool


def losses(state: State) -> list[Loss]:
    """Every interval that a killed generator or a lost worker never reported, in order."""
    log, reports = state.log, state.reports
    found = [
        Loss(f"generator {number} of {log.incarnations.get(who, who)}", from_ms, to_ms, why, who, is_worker=False)
        for (to_ms, who, number), (from_ms, why) in reports.lost_intervals.items()
    ]
    for incarnation, (seen_ms, lost_ms) in log.losses.items():
        record = reports.incarnations.get(incarnation)
        reached_ms = record.to_ms if record is not None and record.to_ms else log.began_ms
        if _had_users(state, incarnation) and reached_ms < lost_ms:
            name = log.incarnations.get(incarnation, incarnation)
            found.append(Loss(name, reached_ms, max(seen_ms, reached_ms), "lost", incarnation, is_worker=True))
    return sorted(found, key=lambda loss: (loss.to_ms, loss.who, loss.from_ms))


def _had_users(state: State, incarnation: str) -> bool:
    """Whether it was to run users at all: the loss of one that waited is none."""
    record = state.reports.incarnations.get(incarnation)
    return (record is not None and record.user_ms > 0) or incarnation in owners_ever(state.log.plans)


def owners_ever(plans: Iterable[PlanSet]) -> set[str]:
    """Everybody who owns slots by one of these plans."""
    return {owner for plan in plans for owner in plan.owners}
