from __future__ import annotations

import pytest

from tidal.model import events as ev
from tidal.model import phases


def test_every_move_is_made_by_a_masters_event() -> None:
    """And leads to a phase that has moves of its own."""
    kinds = {event.KIND for event in ev.MASTER_EVENTS}
    for moves in phases.RUN_MOVES.values():
        assert set(moves) <= kinds
        assert set(moves.values()) <= set(phases.RUN_MOVES)


def test_there_is_a_way_to_the_end_from_everywhere_and_none_back() -> None:
    """Closed is the only end."""
    order = [phases.WAITING, phases.RUNNING, phases.STOPPING, phases.CLOSED]
    assert list(phases.RUN_MOVES) == order
    assert [p for p in order if not phases.RUN_MOVES[p]] == [phases.CLOSED]
    for phase, moves in phases.RUN_MOVES.items():
        assert all(order.index(after) > order.index(phase) for after in moves.values())


@pytest.mark.parametrize(
    ("phase", "kind", "after"),
    [
        (phases.WAITING, "rs", phases.RUNNING),
        (phases.WAITING, "so", phases.STOPPING),
        (phases.RUNNING, "so", phases.STOPPING),
        (phases.STOPPING, "rc", phases.CLOSED),
        (phases.RUNNING, "rc", phases.RUNNING),
        (phases.STOPPING, "rs", phases.STOPPING),
        (phases.CLOSED, "rs", phases.CLOSED),
        (phases.WAITING, "nt", phases.WAITING),
    ],
)
def test_moves(phase: str, kind: str, after: str) -> None:
    """An event that is no legal move leaves the phase as it is."""
    assert phases.after(phase, kind) == after


def test_a_worker_is_not_able_when_it_is_gone() -> None:
    """The sets are of known states and do not meet."""
    assert set(phases.WORKER_STATES) >= phases.GONE | phases.ABLE
    assert not phases.GONE & phases.ABLE
