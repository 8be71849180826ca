"""What no clock of a run can have said is left out of a report, and told; the rest of it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import T0, T0_S, block, by, report

from tidal.model.belief import AFTER_MS, Reach, believed

if TYPE_CHECKING:
    from tidal.model import events as ev

HOUR_S = 3_600
AFTER_S = 1 + AFTER_MS // 1_000
"""The last second after T0 that can have been."""


def heard(*seconds: int, to_ms: int = 1_000, **more: object) -> tuple[ev.Reported, str]:
    """What is believed of a report with blocks of these seconds after T0, the first, come one second after T0."""
    event = report(*map(block, seconds), to_ms=to_ms, **more)
    return believed(by("w1", 1, event), Reach(T0, T0 + 1_000))


def kept(event: ev.Reported) -> list[int]:
    """The seconds after T0 of a report's blocks."""
    return [one.second - T0_S for one in event.blocks]


def test_an_hour_before_the_first_report_and_a_minute_after_this_one_are_believed_whole() -> None:
    """Both ends of it, and a report that ends a minute after it came."""
    event, why = heard(-HOUR_S, 0, AFTER_S)
    assert (kept(event), why) == ([-HOUR_S, 0, AFTER_S], "")
    event, why = heard(0, to_ms=1_000 + AFTER_MS)
    assert (kept(event), event.to_ms, why) == ([0], T0 + 1_000 + AFTER_MS, "")


def test_a_block_farther_away_is_left_out_alone() -> None:
    """On either side; the others stay, and how many went is told, with whose they were."""
    event, why = heard(-HOUR_S - 1, -HOUR_S, AFTER_S, AFTER_S + 1)
    assert kept(event) == [-HOUR_S, AFTER_S]
    assert why == f"2 blocks far outside of the run, in a report of w1.1 that came at {T0 + 1_000} ms"


def test_a_report_from_the_future_ends_when_it_came() -> None:
    """Else every other worker would look silent; what was measured before counts."""
    event, why = heard(-HOUR_S + 1, 0, to_ms=1_001 + AFTER_MS)
    assert event.to_ms == T0 + 1_000
    assert kept(event) == [-HOUR_S + 1, 0]
    assert why.startswith("its end far outside of the run, in a report of w1.1 that came at ")


@pytest.mark.parametrize(
    ("second", "is_far"), [(-HOUR_S - 1, True), (-HOUR_S, False), (AFTER_S, False), (AFTER_S + 1, True)]
)
def test_arrivals_of_a_far_second_lose_their_seconds(second: int, *, is_far: bool) -> None:
    """All of the report's: they count, at its end; as far away as blocks may be, they keep them."""
    dated = {T0_S: (1, 0, 0), T0_S + second: (2, 0, 0)}
    event, why = heard(dated=dated, arrivals=(3, 3, 0))
    assert event.arrivals == (3, 3, 0)
    assert event.dated == ({} if is_far else dated)
    assert why.startswith("seconds of arrivals far outside of the run, in a report") if is_far else why == ""
