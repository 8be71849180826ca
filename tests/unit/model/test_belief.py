"""What no clock of a run can have said is left out of a report or drawn in, and told; the rest of it counts."""

from __future__ import annotations

import pytest
from histories import T0, T0_S, block, by, report

from tidal.model import events as ev
from tidal.model.belief import AFTER_MS, BEFORE_MS, Reach, believed
from tidal.model.struct import replace

CAME_S = 100
REACH = Reach(T0, T0 + 1_000 * CAME_S)
"""The run's first report came at T0, the one that is looked at a hundred seconds later."""
FIRST_S, LAST_S = -BEFORE_MS // 1_000, CAME_S + AFTER_MS // 1_000
"""The first and the last second that it can tell of."""


def heard(event: ev.Event) -> tuple[ev.Event, str]:
    """What is believed of a worker's event, and what was left out."""
    kept, why = believed(by("w1", 1, event), REACH)
    tail = f" far outside of the run, in a report of w1.1 that came at {REACH.came_ms} ms"
    assert why == "" or why.endswith(tail)
    return kept, why.removesuffix(tail)


def told(*blocks: ev.Block, to_ms: int = 1_000, **more: object) -> tuple[ev.Reported, str]:
    """The same of a report."""
    kept, why = heard(report(*blocks, to_ms=to_ms, **more))
    assert isinstance(kept, ev.Reported)
    return kept, why


def seconds(event: ev.Reported) -> list[int]:
    """The seconds after T0 of a report's blocks."""
    return [one.second - T0_S for one in event.blocks]


def test_all_that_can_have_been_is_believed() -> None:
    """From an hour before the first report to a minute after this one came, both ends with it."""
    assert told(block(FIRST_S), block(0), block(LAST_S), to_ms=1_000 * LAST_S) == (
        report(block(FIRST_S), block(0), block(LAST_S), to_ms=1_000 * LAST_S),
        "",
    )


def test_a_block_farther_away_is_left_out_alone() -> None:
    """On either side, and also when only its last second is; the others stay, and how many went is told."""
    long = ev.Block(T0_S + LAST_S - 1, 3, {}, {"Buyer": 1})
    kept, why = told(block(FIRST_S - 1), block(FIRST_S), block(LAST_S), block(LAST_S + 1), long)
    assert (seconds(kept), why) == ([FIRST_S, LAST_S], "3 blocks")
    kept, why = told(ev.Block(T0_S + LAST_S - 1, 2, {}, {"Buyer": 1}))
    assert (seconds(kept), why) == ([LAST_S - 1], "")


@pytest.mark.parametrize(
    ("to_ms", "ends"),
    [
        (1_000 * LAST_S, (1_000 * (LAST_S - 1), 1_000 * LAST_S, "")),
        (1_000 * LAST_S + 1, (1_000 * (LAST_S - 1) + 1, 1_000 * CAME_S, "its end")),
        (1_000 * (FIRST_S + 1), (1_000 * FIRST_S, 1_000 * (FIRST_S + 1), "")),
        (1_000 * FIRST_S - 1, (0, 0, "its end")),
    ],
)
def test_an_end_that_cannot_have_been_is_the_nearer_end_of_the_run(to_ms: int, ends: tuple[int, int, str]) -> None:
    """Else every other worker would look silent; it never lies before the beginning."""
    kept, why = told(block(0), to_ms=to_ms)
    assert (kept.from_ms - T0, kept.to_ms - T0, why) == (min(ends[0], ends[1]), *ends[1:])
    assert seconds(kept) == [0]


def test_a_beginning_that_cannot_have_been_is_drawn_in_and_no_news() -> None:
    """What was measured says itself when it was."""
    event = ev.Reported(T0 + 1_000 * FIRST_S - 1, T0 + 5_000, (block(4),))
    kept, why = heard(event)
    assert isinstance(kept, ev.Reported)
    assert (kept.from_ms, kept.to_ms, seconds(kept), why) == (T0, T0 + 5_000, [4], "")


@pytest.mark.parametrize(
    ("second", "is_far"), [(FIRST_S - 1, True), (FIRST_S, False), (LAST_S, False), (LAST_S + 1, True)]
)
def test_arrivals_of_a_far_second_lose_their_seconds(second: int, *, is_far: bool) -> None:
    """All of the report's: they count, at its end."""
    dated = {T0_S: (1, 0, 0), T0_S + second: (2, 0, 0)}
    kept, why = told(dated=dated, arrivals=(3, 3, 0))
    assert (kept.arrivals, kept.dated) == ((3, 3, 0), {} if is_far else dated)
    assert why == ("seconds of arrivals" if is_far else "")


def test_moments_of_failures_and_of_what_a_generator_lost_are_drawn_in() -> None:
    """They are told with whatever else went."""
    failure = ev.FailureTally("GET", "/", "no", 2, T0 - BEFORE_MS - 1, T0 + 10**12)
    kept, why = told(block(LAST_S + 1), failures=(failure,))
    assert [(one.first_ms, one.last_ms, one.occurrences) for one in kept.failures] == [(T0, REACH.came_ms, 2)]
    assert why == "1 block and moments of failures"
    lost = ev.GeneratorLost(2, 7, T0 - BEFORE_MS - 1, T0 + 10**12, "signal 9", 5)
    assert heard(lost) == (replace(lost, from_ms=T0, to_ms=REACH.came_ms), "what a generator lost")
    assert heard(ev.WorkerFinished("it was told to")) == (ev.WorkerFinished("it was told to"), "")
