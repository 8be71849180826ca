"""The ledger: each second balances by itself, in any order of reports, for any length of run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from draws import log_entries, report_entries, woven
from histories import (
    T0,
    T0_S,
    at,
    block,
    by,
    closed,
    entries,
    finished,
    fold_all,
    folded,
    keyframed,
    lost,
    planned,
    report,
    running,
    stopped,
    ticked,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.ledger import (
    GAPS_MAX,
    SEAL_AFTER_S,
    SEAL_EVERY_S,
    Books,
    balance,
    complete_to_ms,
    iterations,
    losses,
    seal,
)
from tidal.model.series import SECONDS_KEPT, Seconds
from tidal.model.struct import replace

if TYPE_CHECKING:
    from histories import Happening

    from tidal.model.codec import Entry
    from tidal.model.state import State


def ran(seq: int, user_ms: int, *, name: str = "w1", span: int = 1, second: int | None = None) -> ev.ByWorker:
    """Report `seq` says that so much user time ran in second seq-1."""
    second = seq - 1 if second is None else second
    one = replace(block(second, user_ms=user_ms), span=span)
    return by(name, seq, report(one, to_ms=seq * 1_000, users={"Buyer": 10}))


def level(*names: str) -> list[Happening]:
    """Ten users from the first moment on."""
    flat = replace(planned(*names, users=10), tracks=(ev.Track("", ((0, 10.0),)),))
    return [*running(*names)[:-1], at(0, flat)]


def sums(books: Books) -> tuple[int, int, int, int]:
    """Planned, ran, missing and surplus in whole user-seconds."""
    of_all = (books.planned_user_ms, books.ran_user_ms, books.missing_user_ms, books.surplus_user_ms)
    return tuple(ms // 1000 for ms in of_all)  # type: ignore[return-value]


def steady(seconds: int, **at_seconds: int) -> State:
    """Ten users from the start on; `s7=4_000`: in second 7 only so much ran."""
    told = [ran(s + 1, at_seconds.get(f"s{s}", 10_000)) for s in range(seconds)]
    return folded(*level("w1"), *told, at(seconds * 1_000, ticked("w1")))


# ------------------------------------------------------------------ laws


def check(books: Books) -> None:
    """Planned + surplus = ran + missing, and nothing is negative."""
    assert books.planned_user_ms + books.surplus_user_ms == books.ran_user_ms + books.missing_user_ms
    assert min(books.planned_user_ms, books.ran_user_ms, books.missing_user_ms, books.surplus_user_ms) >= 0
    assert min(books.after_user_ms, books.unplaced_user_ms) >= 0
    assert all(first < end and missing + surplus > 0 for first, end, missing, surplus in books.gaps)


@settings(max_examples=120, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_it_balances_whatever_the_order(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """Any interleaving of the streams, a keyframe or none: the same books, and they balance."""
    state = fold_all(data.draw(woven(log, reports)))
    other = keyframed(fold_all(data.draw(woven(log, reports))))
    for is_final in (False, True):
        books = balance(state, is_final=is_final)
        check(books)
        assert balance(other, is_final=is_final) == books
    counted = iterations(state)
    ends = (counted.finished, counted.failed, counted.cancelled, counted.in_flight, counted.unknown)
    assert counted.started == sum(ends)
    final = balance(state, is_final=True)
    assert final.planned_user_ms == state.log.planned_user_ms
    assert final.ran_user_ms + final.after_user_ms == state.reports.user_ms


@settings(max_examples=60, deadline=None)
@given(st.data(), report_entries())
def test_the_order_of_reports_does_not_matter(data: st.DataObject, reports: list[Entry]) -> None:
    """Nor which report of a second came first."""
    log = entries(*running("w1", "w2"), at(41_000, ticked()))
    other = data.draw(st.permutations(reports))
    assert balance(fold_all(log + reports), is_final=True) == balance(fold_all(log + other), is_final=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3 * SECONDS_KEPT), st.integers(0, 9)), max_size=40),
    st.randoms(use_true_random=False),
)
def test_the_newest_seconds_are_kept_in_any_order(adds: list[tuple[int, int]], chance: object) -> None:
    """What is kept follows from the latest second alone, and there is an end to it."""
    shuffled = list(adds)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Seconds(), Seconds()
    for second, ms in adds:
        one.add(second, ms)
    for second, ms in shuffled:
        other.add(second, ms)
    assert one == other
    assert len(one.ms) <= SECONDS_KEPT
    kept = [(s, ms) for s, ms in adds if s > one.latest_s - SECONDS_KEPT]
    assert sum(one.ms.values()) == sum(ms for _, ms in kept)


# ------------------------------------------------------------------ what a second says


def test_what_is_missing_in_one_second_is_not_made_good_in_another() -> None:
    """Six user-seconds missing in the third second and six too many in the sixth are both said."""
    books = balance(steady(10, s2=4_000, s5=16_000))
    assert sums(books) == (100, 100, 6, 6)
    assert books.gaps == ((T0_S + 2, T0_S + 3, 6_000, 0), (T0_S + 5, T0_S + 6, 0, 6_000))


def test_seconds_after_each_other_are_one_gap() -> None:
    """A second or two of a worker's loss are told as one; a user that is a little late is none."""
    books = balance(steady(10, s2=4_000, s3=5_000, s4=9_900))
    assert books.gaps == ((T0_S + 2, T0_S + 4, 11_000, 0),)
    assert books.missing_user_ms == 11_100


@pytest.mark.parametrize(
    ("users", "missing_ms", "is_gap"),
    [
        (10, 499, False),
        (10, 500, True),
        (2, 400, False),
        (2, 500, True),
        (40, 1_999, False),
        (40, 2_000, True),
    ],
)
def test_a_gap_is_a_twentieth_and_half_a_user_second(users: int, missing_ms: int, is_gap: bool) -> None:  # noqa: FBT001 - of the table
    """Neither a user that is a little late nor a few of a crowd."""
    flat = replace(planned("w1", users=users), tracks=(ev.Track("", ((0, float(users)),)),))
    told = [ran(s + 1, 1_000 * users - (missing_ms if s == 1 else 0)) for s in range(3)]
    books = balance(folded(*running("w1", users=users)[:-1], at(0, flat), *told, at(3_000, ticked("w1"))))
    assert books.missing_user_ms == missing_ms
    assert books.gaps == (((T0_S + 1, T0_S + 2, missing_ms, 0),) if is_gap else ())


def test_what_is_not_completely_reported_is_not_judged() -> None:
    """Two workers, one of them slower with its reports: only what both have told of counts, until the end."""
    told = [ran(s, 5_000) for s in (1, 2, 3)] + [ran(1, 5_000, name="w2")]
    state = folded(*level("w1", "w2"), *told, at(4_000, ticked()))
    assert (sums(balance(state)), balance(state).to_s) == ((10, 10, 0, 0), T0_S + 1)
    assert sums(balance(state, is_final=True)) == (40, 20, 20, 0)


def test_reports_ahead_of_the_master_are_no_surplus() -> None:
    """What ran is not too much only because the master has not looked around since."""
    state = folded(*level("w1"), *[ran(s, 10_000) for s in (1, 2, 3)], at(1_500, ticked()))
    assert sums(balance(state)) == (10, 10, 0, 0)


def test_tasks_that_may_finish_after_the_end_are_no_surplus() -> None:
    """What runs on after the stop is told apart."""
    told = [ran(s + 1, 10_000 if s < 5 else 3_000) for s in range(7)]
    history = [*level("w1"), *told, at(5_200, stopped()), finished("w1", 8)]
    books = balance(folded(*history, at(8_000, closed())))
    assert sums(books) == (52, 52, 0, 0)
    assert books.after_user_ms == 4_000


def test_what_runs_on_after_the_plans_own_end_is_no_surplus_and_before_it_is() -> None:
    """Nobody stopped it: its last entry says when it ends."""
    flat = replace(planned("w1", users=10, end_ms=5_000), tracks=(ev.Track("", ((0, 10.0),)),))
    told = [ran(s + 1, {3: 12_000, 5: 3_000}.get(s, 10_000 if s < 5 else 0)) for s in range(7)]
    books = balance(folded(*running("w1")[:-1], at(0, flat), *told, at(7_000, ticked("w1"))))
    assert sums(books) == (50, 52, 0, 2)
    assert books.after_user_ms == 3_000


def test_where_nobody_is_left_everything_reported_is_judged() -> None:
    """Up to the last that any of them said."""
    told = [ran(s, 5_000) for s in (1, 2, 3)] + [ran(1, 5_000, name="w2")]
    history = [*level("w1", "w2"), *told, at(4_000, ticked()), at(4_000, lost("w1")), at(4_000, lost("w2"))]
    assert complete_to_ms(folded(*history)) == T0 + 3_000
    assert complete_to_ms(folded(*history[:-1])) == T0 + 1_000


def test_a_second_that_nobody_knows_any_more_fills_what_is_missing() -> None:
    """A worker without Redis has merged three seconds into one block: its user time is no surplus anywhere."""
    told = [ran(1, 10_000), ran(2, 30_000, span=3), ran(5, 10_000, second=4)]
    state = folded(*level("w1"), *told, at(5_000, ticked()), at(5_000, stopped()))
    books = balance(state, is_final=True)
    assert (sums(books), books.unplaced_user_ms) == ((50, 50, 0, 0), 30_000)


# ------------------------------------------------------------------ long runs


def long_run(seconds: int, **at_seconds: int) -> State:
    """A run whose master ticks each second and seals what is due."""
    state = folded(*level("w1"))
    for s in range(seconds):
        more: list[ev.ByMaster | ev.ByWorker] = [
            ran(s + 1, at_seconds.get(f"s{s}", 10_000)),
            at((s + 1) * 1_000, ticked("w1"), n=state.log.n + 1),
        ]
        fold_all(entries(*more), state)
        for event in seal(state):
            fold_all(entries(at((s + 1) * 1_000, event, n=state.log.n + 1)), state)
    return state


def test_old_seconds_are_sealed_and_stay_exact() -> None:
    """Twice as many seconds as are kept one by one: no second was netted with another, and memory is flat."""
    seconds = 2 * SECONDS_KEPT
    state = long_run(seconds, s20=4_000, s21=16_000, s1500=0)
    assert state.log.sealed is not None
    assert seconds - SEAL_AFTER_S - SEAL_EVERY_S <= state.log.sealed.to_s - T0_S <= seconds - SEAL_AFTER_S
    books = balance(state)
    assert sums(books) == (seconds * 10, seconds * 10 - 10, 16, 6)
    assert [(first - T0_S, missing, surplus) for first, _, missing, surplus in books.gaps] == [
        (20, 6_000, 6_000), (1_500, 10_000, 0)
    ]  # fmt: skip
    assert len(state.log.planned_s.ms) == SECONDS_KEPT
    assert len(state.reports.ran_s.ms) == SECONDS_KEPT


def test_a_report_that_comes_after_its_second_was_sealed_fills_it() -> None:
    """A worker that was cut off for ten minutes hands in what it measured: nothing is missing any more."""
    state = long_run(500, s20=4_000)
    assert balance(state).missing_user_ms == 6_000
    fold_all(entries(ran(501, 6_000, second=20)), state)
    books = balance(state, is_final=True)
    assert (books.missing_user_ms, books.unplaced_user_ms, books.surplus_user_ms) == (0, 6_000, 0)


def test_without_seals_what_is_old_is_netted_and_still_balances() -> None:
    """The master was away for longer than seconds are kept: the sums hold, the detail of the old ones is gone."""
    seconds = 2 * SECONDS_KEPT
    told = [ran(s + 1, 10_000) for s in range(seconds)]
    state = folded(*level("w1"), *told, at(seconds * 1_000, ticked()))
    books = balance(state)
    check(books)
    assert books.planned_user_ms == books.ran_user_ms + books.missing_user_ms
    assert books.missing_user_ms == 0


def test_there_is_an_end_to_gaps() -> None:
    """The largest are kept, the sums count all."""
    seconds = 2 * GAPS_MAX + 40
    dents = {f"s{s}": 4_000 - s for s in range(0, 2 * GAPS_MAX + 20, 2)}
    books = balance(steady(seconds, **dents))
    assert len(books.gaps) == GAPS_MAX
    assert books.missing_user_ms == sum(10_000 - ms for ms in dents.values())


@pytest.mark.parametrize("numbers", [(1, -1, 0, 0), (5, 5, 1, 0), (5, 5, 0, 1)])
def test_books_that_do_not_balance_are_no_event(numbers: tuple[int, int, int, int]) -> None:
    """They are refused where they are born."""
    with pytest.raises(ValueError, match="ledger"):
        ev.LedgerSealed(T0_S, *numbers)


def test_a_seal_is_not_taken_back() -> None:
    """A master that comes late cannot open books that were closed further."""
    first, second = ev.LedgerSealed(T0_S + 60, 1, 1, 0, 0), ev.LedgerSealed(T0_S + 120, 2, 2, 0, 0)
    assert folded(*running("w1"), second, first).log.sealed == second


# ------------------------------------------------------------------ iterations, losses


def test_iterations_of_the_lost_are_unknown() -> None:
    """Begun is the sum of what became of them: of a dead generator and of a lost worker nobody knows."""
    one = by("w1", 1, report(iterations=(10, 6, 1, 0)))
    died = by("w1", 2, ev.GeneratorLost(1, 7, T0, T0 + 900, "signal 9", 2, in_flight=2))
    two = by("w2", 1, report(iterations=(5, 1, 0, 1)))
    history = [*running("w1", "w2"), one, died, two]
    counted = iterations(folded(*history))
    assert (counted.started, counted.in_flight, counted.unknown) == (15, 4, 2)
    counted = iterations(folded(*history, at(5_000, lost("w2"))))
    assert (counted.in_flight, counted.unknown) == (1, 5)
    assert iterations(folded(*history, at(7_000, stopped()), at(8_000, closed()))).unknown == 6


def test_losses_are_named_with_what_was_never_told() -> None:
    """The generator with its interval, the worker from its last report to its last sign of life."""
    died = by("w1", 2, ev.GeneratorLost(1, 7, T0 + 500, T0 + 900, "signal 9", 2))
    gone = at(5_000, ev.WorkerLost("w2", "w2.1", T0 + 3_400))
    history = [*running("w1", "w2"), ran(1, 5_000), died, ran(1, 5_000, name="w2"), gone]
    told = [(x.who, x.from_ms - T0, x.to_ms - T0) for x in losses(folded(*history))]
    assert told == [("generator 1 of w1", 500, 900), ("w2", 1_000, 3_400)]
    late = [ran(s, 5_000, name="w2") for s in range(2, 7)]
    assert [x.who for x in losses(folded(*history, *late))] == ["generator 1 of w1"]


def test_who_waited_and_went_is_no_loss() -> None:
    """A worker that never had a slot."""
    idle = [ev.WorkerSeen("w9", "host-w9", "w9.1", "host", 1, 1), lost("w9")]
    assert losses(folded(*running("w1"), planned("w1"), *idle)) == []


def test_a_jump_of_two_thousand_years_is_added_up_and_its_last_seconds_are_known() -> None:
    """A clock gone mad, or a hostile log: the sum is exact, and nobody walks there second by second."""
    age_ms = 2_000 * 365 * 86_400_000
    log = folded(level("w1"), at(age_ms, stopped())).log
    assert log.planned_user_ms == 10 * age_ms
    assert len(log.planned_s.ms) == SECONDS_KEPT
    assert {*log.planned_s.ms.values()} == {10_000}
