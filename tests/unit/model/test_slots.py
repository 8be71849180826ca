"""How many slots a run has, and what is said when its workers are more."""

from __future__ import annotations

import pytest
from histories import SLOTS, T0, folded, opened, ready, running

from tidal.model import events as ev
from tidal.model.decide import decide
from tidal.model.plan import SLOTS_A_WORKER, Ownership, slots_for
from tidal.model.senses import Senses


@pytest.mark.parametrize(("workers", "slots"), [(0, 4_096), (1, 4_096), (1_024, 4_096), (1_025, 8_192)])
def test_small_fleets_have_the_same_number_of_slots(workers: int, slots: int) -> None:
    """So a run of few workers, and every recording, is as before."""
    assert slots_for(workers) == slots


@pytest.mark.parametrize("workers", [4_097, 5_000, 8_192])
def test_each_worker_of_a_large_fleet_owns_some(workers: int) -> None:
    """And none much less than another."""
    weights = {f"inc{number}": 1 for number in range(workers)}
    owned = Ownership.of_nobody(slots_for(workers)).moved_to(weights)
    counts = dict.fromkeys(weights, 0)
    for slot in range(slots_for(workers)):
        counts[str(owned.owner(slot))] += 1
    assert min(counts.values()) >= SLOTS_A_WORKER
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_plan_for_ten_thousand_workers_can_be_made() -> None:
    """An event that is too large for an entry would be refused."""
    assert slots_for(10_000) == slots_for(1_000_000) == ev.SLOTS_MAX


def fleet(count: int) -> list[object]:
    """So many workers that are ready."""
    return [happening for number in range(count) for happening in ready(f"w{number}")]


def notes(events: list[ev.Event]) -> list[str]:
    """What is said to people."""
    return [event.text for event in events if isinstance(event, ev.Noted)]


@pytest.mark.parametrize("more", [0, 1, 5])
def test_more_workers_than_slots_are_told_at_the_start(more: int) -> None:
    """With the flag that helps; in a run whose workers all have users nothing is said."""
    state = folded([opened(users=200), *fleet(SLOTS + more)])
    found = decide(state, Senses(T0, {}))
    assert any(isinstance(event, ev.RunStarted) for event in found)
    assert [f"so {more} have no users: say --expect-workers {SLOTS + more}" in text for text in notes(found)] == (
        [True] if more else []
    )


def test_the_worker_that_is_one_too_many_is_told_when_it_comes() -> None:
    """And none after it."""
    names = [f"w{number}" for number in range(SLOTS + 2)]
    at_the_limit = [*running(*names[:SLOTS]), *ready(names[SLOTS])]
    assert len(notes(decide(folded(at_the_limit), Senses(T0 + 5_000, {})))) == 1
    beyond = [*running(*names[: SLOTS + 1]), *ready(names[SLOTS + 1])]
    found = decide(folded(beyond), Senses(T0 + 5_000, {}))
    assert any(isinstance(event, ev.PlanSet) for event in found)
    assert notes(found) == []
