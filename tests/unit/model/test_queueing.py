"""Who has least: the queue answers as if everybody was asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidal.model.queueing import Queue

WEIGHTS = st.lists(st.integers(1, 5), min_size=1, max_size=8).map(lambda ws: {f"o{i}": w for i, w in enumerate(ws)})


@given(WEIGHTS, st.lists(st.integers(0, 8), max_size=40))
def test_the_poorest_is_the_first_of_those_who_lack_most(weights: dict[str, int], gifts: list[int]) -> None:
    """After any gifts, to the poorest (8) or to somebody else; who is not of them is given nothing."""
    queue = Queue(weights, sum(weights.values()))
    for rank, gift in enumerate(gifts):
        poorest = queue.poorest(rank)
        assert poorest == max(weights, key=lambda owner: queue.lacking(owner, rank))
        queue.give(poorest if gift == 8 and poorest is not None else f"o{gift}")


def test_of_nobody_nobody_is_poorest() -> None:
    """And there is nothing to give."""
    queue: Queue[str] = Queue({}, 0)
    queue.give("o1")
    assert queue.poorest(0) is None
