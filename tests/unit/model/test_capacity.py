"""Workers that take so many users: nobody gets more, the sum is the whole while there is room, and little moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.capacity import fitted, lacking, peak, slot_loads
from tidal.model.plan import Ownership

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS = 64


def loaded(owned: Ownership, loads: Sequence[int]) -> dict[str | None, int]:
    """Users by owner."""
    found: dict[str | None, int] = {}
    for slot, load in enumerate(loads):
        found[owned.owner(slot)] = found.get(owned.owner(slot), 0) + load
    return found


def level(users: int, name: str = "") -> ev.Track:
    """A curve that never changes."""
    return ev.Track(name, ((0, float(users)),))


@pytest.mark.parametrize("users", [0, 1, 63, 64, 65, 1_000])
def test_the_loads_of_slots_are_the_users(users: int) -> None:
    """All of them, evenly, from a class's own slot on."""
    classes = (ev.ClassSpec("Buyer"), ev.ClassSpec("Seller"))
    loads = slot_loads((level(users), level(5, "Seller")), classes, SLOTS)
    assert sum(loads) == users + 5 == peak((level(users), level(5, "Seller")))
    assert slot_loads((level(2, "Seller"),), classes, SLOTS)[:5] == [0, 0, 1, 1, 0]


@given(
    users=st.integers(0, 300),
    limits=st.lists(st.integers(0, 200), min_size=1, max_size=5),
    weights=st.lists(st.integers(1, 4), min_size=5, max_size=5),
)
def test_nobody_has_more_than_it_takes(users: int, limits: list[int], weights: list[int]) -> None:
    """0 is no limit; who had fewer keeps all its slots; what fits is placed, what does not is nobody's."""
    names = [f"w{n}" for n in range(len(limits))]
    weight, most = dict(zip(names, weights, strict=False)), {n: m for n, m in zip(names, limits, strict=True) if m}
    loads = slot_loads((level(users),), (), SLOTS)
    before = Ownership.of_nobody(SLOTS).moved_to(weight)
    after = fitted(before, most, weight, loads)
    now = loaded(after, loads)
    assert all(now.get(name, 0) <= limit for name, limit in most.items())
    assert sum(now.values()) == users
    if len(most) < len(names):
        assert now.get(None, 0) == 0
    if users <= SLOTS:  # slots of one user each: every place is taken
        assert now.get(None, 0) == lacking(users, limits)
    assert fitted(after, most, weight, loads).table == after.table
    had = loaded(before, loads)
    for name in names:
        if had.get(name, 0) <= most.get(name, users):
            assert set(before.slots_of(name)) <= set(after.slots_of(name))


def plainly_fitted(
    owned: Ownership, limits: dict[str, int], weights: dict[str, int], loads: Sequence[int]
) -> list[str | None]:
    """Who has each slot, by asking everybody about each one that does not fit."""
    owners = [owned.owner(slot) for slot in range(len(loads))]
    taken = dict.fromkeys(weights, 0)
    free = []
    for slot, owner in enumerate(owners):
        if owner is not None and taken[owner] + loads[slot] <= limits.get(owner, 1 << 60):
            taken[owner] += loads[slot]
        else:
            free.append(slot)
    for slot in free:
        able = [o for o in weights if taken[o] + loads[slot] <= limits.get(o, 1 << 60)]
        owners[slot] = min(able, key=lambda o: (taken[o] / max(1, weights[o]), o), default=None)
        if owners[slot] is not None:
            taken[owners[slot]] += loads[slot]
    return owners


@given(
    heights=st.lists(st.integers(0, 400), min_size=1, max_size=4),
    limits=st.lists(st.integers(0, 120), min_size=1, max_size=9),
    weights=st.lists(st.integers(0, 4), min_size=9, max_size=9),
    nobody=st.sets(st.integers(0, SLOTS - 1)),
)
def test_whoever_has_least_for_its_weight_takes_what_does_not_fit(
    heights: list[int], limits: list[int], weights: list[int], nobody: set[int]
) -> None:
    """As if each was asked about each slot, which thousands of workers have no time for."""
    names = [f"w{n}" for n in range(len(limits))]
    weight, most = dict(zip(names, weights, strict=False)), {n: m for n, m in zip(names, limits, strict=True) if m}
    classes = tuple(ev.ClassSpec(f"C{n}") for n in range(len(heights)))
    loads = slot_loads([level(users, f"C{n}") for n, users in enumerate(heights)], classes, SLOTS)
    moved = Ownership.of_nobody(SLOTS).moved_to({name: max(1, value) for name, value in weight.items()})
    table = b"".join(b"\xff\xff" if slot in nobody else moved.table[2 * slot : 2 * slot + 2] for slot in range(SLOTS))
    before = Ownership(moved.owners, table)
    after = fitted(before, most, weight, loads)
    if after is not before:
        assert [after.owner(slot) for slot in range(SLOTS)] == plainly_fitted(before, most, weight, loads)
    else:
        assert all(limit >= sum(loads) for limit in most.values())


def test_what_workers_cannot_take() -> None:
    """One that takes any number takes all."""
    assert lacking(500, [300]) == 200
    assert lacking(500, [300, 0]) == 0
    assert lacking(500, [300, 200]) == 0
    assert lacking(500, []) == 0
