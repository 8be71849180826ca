"""When a master reads, counts and decides: at once, unless the fleet is large."""

from __future__ import annotations

import pytest

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.liveness import CROWD
from tidal.model.state import LogHalf
from tidal.rhythm import COUNT_MS, GATHER_MS, GATHERED, Rhythm


def led(workers: int, phase: str = phases.RUNNING) -> LogHalf:
    """The log of a run with so many owners."""
    owners = tuple(f"inc{n}" for n in range(workers))
    return LogHalf(phase=phase, plans=[ev.PlanSet(1, 0, (), None, owners, b"")])


@pytest.mark.parametrize(("workers", "waits"), [(1, False), (GATHERED - 1, False), (GATHERED, True)])
def test_reports_of_many_come_together(workers: int, waits: bool) -> None:  # noqa: FBT001 - a parameter
    """The next read is so much later than the last one; it is never waited for longer."""
    rhythm = Rhythm()
    rhythm.read(5_000)
    found = [rhythm.wait_ms(led(workers), 5_000 + late_ms) for late_ms in (0, GATHER_MS - 1, GATHER_MS, 9_000)]
    assert found == ([GATHER_MS, 1, 0, 0] if waits else [0, 0, 0, 0])


def test_a_large_fleet_is_counted_now_and_then() -> None:
    """And a small one at each turn."""
    small, large = Rhythm(), Rhythm()
    moments = range(5_000, 6_000, 50)
    assert all(small.is_time(led(CROWD), at_ms) for at_ms in moments)
    counted = [at_ms for at_ms in moments if large.is_time(led(CROWD + 1), at_ms)]
    assert counted == list(range(5_000, 6_000, COUNT_MS))


@pytest.mark.parametrize("phase", [phases.WAITING, phases.STOPPING, phases.CLOSED])
def test_beginning_and_end_are_not_waited_for(phase: str) -> None:
    """Whoever looks at the state of a run that is over finds all of it counted."""
    rhythm = Rhythm()
    assert [rhythm.is_time(led(CROWD + 1, phase), at_ms) for at_ms in (5_000, 5_001)] == [True, True]
    assert rhythm.wait_ms(led(CROWD + 1, phase), 5_001) == 0
