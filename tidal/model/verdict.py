"""May the figures be believed? *valid*, *suspect* or *invalid*, with reasons in words. Pure: it follows from the state.

Each finding is a reason of a weight; the heaviest is the verdict. What is judged, and why each limit lies where it
does, is in `docs/verdict.md`. The master writes the verdict into `RunClosed`; frames of a run that goes on say the one
so far.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.arrivalbook import not_begun
from tidal.model.clock import BACK_MS
from tidal.model.delays import read_late
from tidal.model.findings import weight_of
from tidal.model.ledger import Books, Loss, balance, losses
from tidal.model.paces import began_late, not_reached
from tidal.model.strain import lagging, standing_still
from tidal.model.struct import Struct
from tidal.model.text import clean
from tidal.model.words import moment, number, part, plural, user_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.model.findings import Finding
    from tidal.model.ledger import Gap
    from tidal.model.state import LogHalf, State

VALID, SUSPECT, INVALID = "valid", "suspect", "invalid"
WORDS = (VALID, SUSPECT, INVALID)
EXIT_INVALID, EXIT_SUSPECT = 60, 61
"""Of tidal.errors, repeated here because the model imports no shell; a test holds them together."""

GRACE_MS = 250
"""Of the full load, on top: users start a little late on a busy machine, which a short run would not forgive."""
TAIL_GRACE_MS = 1_000
"""A worker declared lost goes on for so long without being called a double: it reads the log each beat."""
NEAR_LOSS_MS = (1_000, 5_000)
"""What is missing so long before a worker's last sign and after its loss was declared is put down to the loss."""
REASONS_MAX, OF_A_KIND = 30, 5


class Verdict(Struct, frozen=True):
    """The word, and why it is not `valid`."""

    word: str = ""
    reasons: tuple[str, ...] = ()


def judge(state: State, *, is_final: bool = False, books: Books | None = None) -> Verdict:
    """The verdict so far; `is_final`: of the whole run, for nothing more will be reported.

    `books` are those of the run so far, where they are at hand.
    """
    if not state.log.began_ms or not (state.log.planned_user_ms or state.reports.user_ms or state.log.arrivals_planned):
        return Verdict()
    is_final = is_final or state.log.phase == phases.CLOSED
    books = books if books is not None and not is_final else balance(state, is_final=is_final)
    found = [
        *_of_load(state, books),
        *_of_doubles(state, books),
        *standing_still(state),
        *lagging(state),
        *not_begun(state, is_final=is_final),
        *began_late(state.reports),
        *read_late(state.reports),
        *not_reached(state.reports, state.log.planned_to_ms),
        *_of_numbers(state, is_final=is_final),
    ]
    found.sort(key=lambda finding: -finding[0])  # the heaviest first, else in the order of the rules
    word = WORDS[max((weight for weight, _ in found), default=0)]
    return Verdict(word, tuple(reason for _, reason in found[:REASONS_MAX]))


def added_together(state: State) -> Iterator[str]:
    """What is worth knowing of requests whose second nobody knows."""
    requests, seconds = state.reports.together
    if requests:
        yield (
            f"{plural(requests, 'request')} stood in charts at the first of up to {plural(seconds, 'second')}; these "
            "were added together where reports waited long for Redis or were large; sums and percentiles are exact"
        )


def exit_code_of(verdict: Verdict, ordinary: int, *, allow_suspect: bool) -> int:
    """What a judged run ends with: no pass is one on numbers that may not be believed."""
    if verdict.word == INVALID:
        return EXIT_INVALID
    return EXIT_SUSPECT if verdict.word == SUSPECT and not allow_suspect else ordinary


# ------------------------------------------------------------------ the load


def _of_load(state: State, books: Books) -> Iterator[Finding]:
    """Losses by name, then what else is missing or too much."""
    planned_ms, grace_ms = books.planned_user_ms, _peak_users(state) * GRACE_MS
    explained: set[Gap] = set()
    for loss in losses(state)[:OF_A_KIND]:
        near = _gaps_near(state.log, books, loss)
        explained |= near
        yield 1, _told_loss(state.log, loss, _missing(near), planned_ms)
    for incarnation in _told_in_the_end(state)[:OF_A_KIND]:
        loss = Loss(state.log.incarnations.get(incarnation, incarnation), 0, 0, "lost", incarnation, is_worker=True)
        near = _gaps_near(state.log, books, loss) - explained
        if _missing(near) > grace_ms:
            explained |= near
            yield 1, f"{_lost_at(state.log, loss)}, {_amount(_missing(near), planned_ms)} not generated"
    missing_ms = max(0, books.missing_user_ms - _let_go_ms(state, books))
    weight = weight_of(missing_ms, planned_ms, grace_ms)
    if weight and (weight > 1 or missing_ms - _missing(explained) > grace_ms):
        yield weight, f"{_amount(missing_ms, planned_ms)} not generated{_where(state.log, books, 2)}{_ended(state)}"
    weight = weight_of(books.surplus_user_ms, planned_ms, grace_ms + _tail_ms(state))
    if weight:
        yield weight, f"{_amount(books.surplus_user_ms, planned_ms)} too many{_where(state.log, books, 3)}"


def _amount(user_ms: int, planned_ms: int) -> str:
    return f"{user_seconds(user_ms)} ({part(user_ms, planned_ms)})"


def _peak_users(state: State) -> int:
    """The most users that the plan had over a point of the series; a run of less than a second has its user, too."""
    planned = state.log.planned
    return math.ceil(max((p.user_ms for p in planned.points.values()), default=0) / (1000 * planned.step_s))


def _tail_ms(state: State) -> int:
    """User time that tasks may run on after the plan took their users away: stop timeouts, where it fell."""
    planned = state.log.planned
    users = [planned.points[i].user_ms // (1000 * planned.step_s) for i in sorted(planned.points)]
    falls = sum(max(0, before - after) for before, after in pairwise(users))
    return falls * state.log.options.stop_timeout_ms


def _let_go_ms(state: State, books: Books) -> int:
    """User time that is missing because users ended by themselves and were to be let go: the operator's choice."""
    reports, log = state.reports, state.log
    end_ms = min(log.stopped_ms or log.ticked_ms, books.to_s * 1000)
    return max(0, reports.ended[2] * end_ms - reports.let_go_ms)


def _ended(state: State) -> str:
    ended, restarted, _ = state.reports.ended
    out = [counter.partition(":")[2] for counter, record in state.log.counters.items() if record.is_exhausted]
    if out:
        return f"; {clean(', '.join(sorted(out)), 100)} ran out, and its users stopped"
    if not ended:
        return ""
    return f"; {plural(ended, 'time')} a user ended by itself" + (
        f", {number(restarted)} restarted" if restarted else ""
    )


def _where(log: LogHalf, books: Books, column: int) -> str:
    """The gap in which most of it lies."""
    worst = max(books.gaps, key=lambda gap: gap[column], default=None)
    if worst is None or not worst[column]:
        return ""
    return f", most of it from {_told_second(log, worst[0])} to {_told_second(log, worst[1])}"


def _told_second(log: LogHalf, second: int) -> str:
    return moment(second * 1000 - log.began_ms)


def _gaps_near(log: LogHalf, books: Books, loss: Loss) -> set[Gap]:
    """The gaps that are put down to a loss."""
    before_ms, after_ms = NEAR_LOSS_MS
    seen_ms, lost_ms = log.losses.get(loss.incarnation, (0, 0)) if loss.is_worker else (loss.from_ms, loss.to_ms)
    near = range((seen_ms - before_ms) // 1000, (lost_ms + after_ms) // 1000)
    return {gap for gap in books.gaps if gap[0] < near.stop and gap[1] > near.start}


def _missing(gaps: Iterable[Gap]) -> int:
    return sum(missing_ms for _, _, missing_ms, _ in gaps)


def _told_in_the_end(state: State) -> list[str]:
    """The lost that came back and handed in all that they had measured: their users did not run meanwhile."""
    untold = {loss.incarnation for loss in losses(state)}
    lost = sorted((lost_ms, incarnation) for incarnation, (_, lost_ms) in state.log.losses.items())
    return [incarnation for _, incarnation in lost if incarnation not in untold]


def _lost_at(log: LogHalf, loss: Loss) -> str:
    return f"worker {loss.who} lost at {moment(log.losses[loss.incarnation][1] - log.began_ms)}"


def _told_loss(log: LogHalf, loss: Loss, missing_ms: int, planned_ms: int) -> str:
    untold_s = f"{max(0, loss.to_ms - loss.from_ms) / 1000:.1f}"
    if loss.is_worker:
        text = _lost_at(log, loss)
    else:
        text = f"{loss.who} died at {moment(loss.to_ms - log.began_ms)} ({loss.why})"
    short = f", {_amount(missing_ms, planned_ms)} not generated" if missing_ms else ""
    return f"{text}{short}, its last {untold_s} s were never reported"


def _of_doubles(state: State, books: Books) -> Iterator[Finding]:
    """Workers whose users went on after they were declared lost, while others ran them, too."""
    log = state.log
    for incarnation, (_, lost_ms) in log.losses.items():
        record = state.reports.incarnations.get(incarnation)
        end_s = record.ran_to_s if record is not None else 0
        twice_ms = _surplus_within(books, lost_ms // 1000, end_s)
        if end_s * 1000 > lost_ms + TAIL_GRACE_MS and twice_ms:
            name, on_s = log.incarnations.get(incarnation, incarnation), end_s - lost_ms // 1000
            text = f"worker {name} was taken for lost at {moment(lost_ms - log.began_ms)} and went on for {on_s} s"
            yield 1, f"{text}: {user_seconds(twice_ms)} ran twice"


def _surplus_within(books: Books, from_s: int, to_s: int) -> int:
    return sum(surplus_ms for first, end, _, surplus_ms in books.gaps if first < to_s and end > from_s)


# ------------------------------------------------------------------ the numbers


def _of_numbers(state: State, *, is_final: bool) -> Iterator[Finding]:
    """What was counted and never came, or came and was not believed."""
    log, reports = state.log, state.reports
    silent = [o for o in _owners(log) if o not in log.ended and not _has_finished(state, o)] if is_final else []
    if silent:
        yield 1, f"no last report from {', '.join(log.incarnations.get(o, o) for o in silent[:OF_A_KIND])}"
    gaps = {i: len(r.ahead) for i, r in reports.incarnations.items() if r.ahead} if is_final else {}
    for incarnation in sorted(gaps)[:OF_A_KIND]:
        name = log.incarnations.get(incarnation, incarnation)
        yield 1, f"reports of {name} are missing in {plural(gaps[incarnation], 'place')}: others after them came"
    refused = log.refused.count + reports.refused.count
    if refused:
        one, many = "entry was refused; what it counted is", "entries were refused; what they counted is"
        yield 1, f"{plural(refused, one, many)} missing: {state.reports.refused.why or state.log.refused.why}"
    if log.clock_back_ms >= BACK_MS:
        yield 1, f"Redis' clock went back by {log.clock_back_ms / 1000:.1f} s: seconds are not what they were"


def _owners(log: LogHalf) -> tuple[str, ...]:
    return log.plan.owners if log.plan is not None else ()


def _has_finished(state: State, incarnation: str) -> bool:
    record = state.reports.incarnations.get(incarnation)
    return record is not None and record.finished
