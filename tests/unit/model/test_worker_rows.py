"""What heartbeats say of a worker beside its lamps: lateness, clock, whose plan it goes by."""

from __future__ import annotations

import pytest
from histories import T0, at, beat, beats, folded, planned, running

from tidal.model import events as ev
from tidal.model.attendance import tick
from tidal.model.frame import frame
from tidal.model.senses import Senses
from tidal.model.struct import replace

NOW_MS = T0 + 5_000


def told(**more: int) -> ev.Ticked:
    """The master looked and saw w1 like this."""
    return ev.Ticked((ev.Beat("w1", 100, **more),))


def test_a_heartbeat_reaches_the_row() -> None:
    """By way of the master's look around."""
    state = folded(*running("w1"))
    seen = beat("w1", run="r1", behind_ms=12, skew_ms=-40, epoch=1, plan=1, at_ms=NOW_MS - 90)
    (ticked,) = tick(state, Senses(NOW_MS, beats(seen), looked=True))
    assert ticked.beats == (ev.Beat("w1", 90, behind_ms=12, skew_ms=-40, epoch=1, plan=1),)
    (row,) = frame(folded(*running("w1"), at(5_000, ticked)), NOW_MS).workers
    assert (row.behind_ms, row.skew_ms, row.epoch, row.plan, row.is_current) == (12, -40, 1, 1, True)


def test_without_a_heartbeat_nothing_is_claimed() -> None:
    """Its clock may be right or wrong."""
    (row,) = frame(folded(*running("w1")), NOW_MS).workers
    assert (row.skew_ms, row.epoch, row.plan, row.is_current) == (None, 0, 0, True)


@pytest.mark.parametrize(
    ("said", "current"),
    [
        ({"epoch": 1, "plan": 1}, False), ({"epoch": 1, "plan": 2}, True),
        ({}, True),  # a worker of before this was said
    ],
)  # fmt: skip
def test_who_has_not_read_the_newest_plan_is_behind(said: dict[str, int], current: bool) -> None:  # noqa: FBT001 - a column of the table above
    """The plan in force may be another one than the worker's."""
    history = [*running("w1"), at(3_000, planned("w1", number=2, from_ms=3_500)), at(4_000, told(**said))]
    (row,) = frame(folded(*history), NOW_MS).workers
    assert row.is_current == current


def test_who_heeds_an_older_master_is_behind() -> None:
    """Until it has read what the new one wrote."""
    history = [*running("w1"), at(3_000, ev.MasterTook("host", 7, "1"), epoch=2)]
    old, new = (
        frame(folded(*history, at(4_000, told(epoch=epoch, plan=1), epoch=2)), NOW_MS).workers[0] for epoch in (1, 2)
    )
    assert (old.is_current, new.is_current) == (False, True)


def test_a_clock_may_go_after() -> None:
    """A skew is the one figure of a heartbeat that may be negative."""
    assert replace(beat("w1"), skew_ms=-5).skew_ms == -5
