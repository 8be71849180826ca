"""A fleet that was cut off whole and comes back: what its workers ran meanwhile stays theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import Happening, at, changed, entries, fold_all, folded, life, lost, running, seen
from test_decide import _plan, decided, senses

from tidal.model.plan import Ownership
from tidal.model.sharing import RETURN_MS

if TYPE_CHECKING:
    from tidal.model import events as ev

AWAY: list[Happening] = [*running("w1", "w2", "w3"), *(at(5_000, lost(name)) for name in ("w1", "w2", "w3"))]


def back(name: str, ms: int, state: str = "running") -> list[Happening]:
    """A worker is seen in its second life, and how it is then."""
    return [at(ms, seen(name, 2)), at(ms, changed(name, state, 2))]


def owner_of(plan: ev.PlanSet, slot: int) -> str:
    """The worker that has a slot, whichever its life."""
    return (Ownership(plan.owners, plan.table).owner(slot) or "").partition(".")[0]


def test_the_first_that_is_back_takes_nothing_from_those_on_their_way() -> None:
    """They run their users: given to it, these would run twice until the others have read so."""
    state = folded(*AWAY, *back("w2", 20_000))
    assert decided(state, senses(20_100)) == []
    assert decided(state, senses(20_000 + RETURN_MS - 1)) == []


def test_once_all_are_back_everybody_has_what_it_had() -> None:
    """In their new lives; no user moves."""
    state = folded(*AWAY, *back("w2", 20_000), *back("w3", 20_900), *back("w1", 21_000))
    before = state.log.plan
    assert before is not None
    plan = _plan(decided(state, senses(21_100)))
    assert set(plan.owners) == {life(name, 2) for name in ("w1", "w2", "w3")}
    assert plan.why == "w1 came back, w2 came back, w3 came back"
    assert [owner_of(plan, slot) for slot in range(64)] == [owner_of(before, slot) for slot in range(64)]
    fold_all(entries(at(21_100, plan, epoch=2, n=1)), state)
    assert decided(state, senses(21_200)) == []


def test_who_is_seen_and_not_yet_known_to_run_is_waited_for() -> None:
    """Its first heartbeat and its state are two entries."""
    state = folded(*AWAY, *back("w2", 20_000), *back("w3", 20_000), at(20_500, seen("w1", 2)))
    assert decided(state, senses(20_600)) == []


def test_who_does_not_come_has_its_users_run_elsewhere() -> None:
    """The others keep theirs."""
    state = folded(*AWAY, *back("w2", 20_000), *back("w3", 20_900))
    before = state.log.plan
    assert before is not None
    plan = _plan(decided(state, senses(20_000 + RETURN_MS)))
    assert plan.from_ms == 20_000 + RETURN_MS
    assert set(plan.owners) == {life("w2", 2), life("w3", 2)}
    kept = [slot for slot in range(64) if owner_of(before, slot) != "w1"]
    assert [owner_of(plan, slot) for slot in kept] == [owner_of(before, slot) for slot in kept]


def test_a_stranger_that_comes_before_any_of_them_takes_all_at_once() -> None:
    """Nobody is known to run anything: they may be dead."""
    state = folded(*AWAY, at(9_000, seen("w4")), changed("w4"))
    assert _plan(decided(state, senses(9_000))).owners == (life("w4"),)


@pytest.mark.parametrize("state_word", ["running", "ready"])
def test_the_only_worker_has_nobody_to_wait_for(state_word: str) -> None:
    """Back or restarted, it goes on at once."""
    state = folded(*running("w1"), at(5_000, lost("w1")), *back("w1", 6_000, state_word))
    plan = _plan(decided(state, senses(6_000)))
    assert (plan.from_ms, plan.owners) == (6_000, (life("w1", 2),))


def test_who_comes_back_before_its_users_went_to_others_keeps_them() -> None:
    """One plan for both: its old life is gone, its new one is the same process."""
    state = folded(*running("w1", "w2", "w3"), at(5_000, lost("w2")), *back("w2", 5_000))
    before = state.log.plan
    assert before is not None
    plan = _plan(decided(state, senses(5_000)))
    assert plan.why == "w2 came back"
    assert [owner_of(plan, slot) for slot in range(64)] == [owner_of(before, slot) for slot in range(64)]
