from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from draws import BLOCK, built
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model import pipe, trial
from tidal.model.stats import Tally
from tidal.model.struct import fields_of
from tidal.model.wire import from_wire, to_wire

ALL = (*ev.MASTER_EVENTS, *ev.WORKER_EVENTS, *ev.OPERATOR_EVENTS)
SECONDS = st.integers(0, 9)


def test_every_kind_is_two_letters_and_stands_once() -> None:
    """An entry's kind names one class in all three streams."""
    kinds = [event.KIND for event in ALL]
    assert len(set(kinds)) == len(kinds)
    assert all(len(kind) == 2 and kind.isascii() and kind.islower() for kind in kinds)


def test_every_event_is_in_the_registry() -> None:
    """A kind that was forgotten there could be written and never read."""
    here = {v for v in vars(ev).values() if isinstance(v, type) and issubclass(v, ev.Event) and v is not ev.Event}
    assert here == set(ALL)
    both = [*vars(pipe).values(), *vars(trial).values()]
    messages = {v for v in both if isinstance(v, type) and issubclass(v, ev.Event) and v is not ev.Event}
    assert messages == {*pipe.ORDERS, *pipe.ANSWERS}


@pytest.mark.parametrize("cls", [*ALL, *pipe.ORDERS, *pipe.ANSWERS], ids=lambda cls: cls.__name__)
def test_an_event_is_a_frozen_fact_that_explains_itself(cls: Any) -> None:
    """Frozen, documented, and with a readable type on each field."""
    assert cls.__struct_config__.frozen
    assert cls.__doc__
    assert {f.name for f in fields_of(cls)} <= set(get_type_hints(cls))


@pytest.mark.parametrize(("first", "last", "incarnation"), [(0, 1, "a"), (-1, -1, "a"), (2, 1, "a"), (1, 1, "")])
def test_a_report_without_an_identity_raises_as_it_is_built(first: int, last: int, incarnation: str) -> None:
    """Nonsense is refused where it is born."""
    with pytest.raises(ValueError, match="range"):
        ev.ByWorker(incarnation, first, last, 0, ev.WorkerFinished(""))


def test_a_report_that_ends_before_it_begins_raises_as_it_is_built() -> None:
    """The fold never asks."""
    with pytest.raises(ValueError, match="covers"):
        ev.Reported(2, 1, ())


@settings(max_examples=60, deadline=None)
@given(st.lists(BLOCK, max_size=3), st.data())
def test_blocks_add_up_in_any_order(blocks: list[ev.Block], data: st.DataObject) -> None:
    """Merging is commutative, and the merged blocks are left alone."""
    before = [to_wire(b) for b in blocks]
    one, other = ev.Block(0), ev.Block(0)
    for made in blocks:
        one.merge(made)
    for made in data.draw(st.permutations(blocks)):
        other.merge(made)
    assert one == other
    one.merge(one_more := ev.Block(0, 1, {("GET", "/"): Tally(1, 0, 0, 1)}, {"Buyer": 1}))
    assert [to_wire(b) for b in blocks] == before
    assert one_more.tallies["GET", "/"].requests == 1


@settings(max_examples=60, deadline=None)
@given(BLOCK)
def test_a_block_survives_its_columns(made: ev.Block) -> None:
    """`from_wire` is the inverse of `to_wire`."""
    assert ev.Block.from_wire(made.to_wire()) == made


@settings(max_examples=60, deadline=None)
@given(st.one_of(*map(built, (ev.RunOptions, ev.ClassSpec, ev.FileSpec, ev.Track, ev.Beat, ev.GeneratorState))))
def test_the_parts_of_events_survive_the_wire(part: object) -> None:
    """Each equal to what was written."""
    assert from_wire(type(part), to_wire(part)) == part
