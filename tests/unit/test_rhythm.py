"""When a master reads, counts and decides: at once, unless the fleet is large."""

from __future__ import annotations

import pytest

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.liveness import CROWD, EAGER_MS, FEW, POLL_FEW_MS, POLL_MS, POLL_WAITING_MS
from tidal.model.state import LogHalf, WorkerRecord
from tidal.rhythm import DECIDE_MS, GATHER_MS, GATHERED, Rhythm, keyframe_ms, look_ms, start_rest_ms


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


def test_in_a_large_fleet_something_is_decided_now_and_then() -> None:
    """And in a small one at each turn."""
    small, large = Rhythm(), Rhythm()
    moments = range(5_000, 6_000, 50)
    assert all(small.is_time(led(CROWD), at_ms) for at_ms in moments)
    decided = [at_ms for at_ms in moments if large.is_time(led(CROWD + 1), at_ms)]
    assert decided == list(range(5_000, 6_000, DECIDE_MS))


def test_a_large_fleet_is_counted_more_seldom() -> None:
    """Where nothing looks at figures whenever something is decided, as thresholds do, a search and the end."""
    moments = range(5_000, 8_000, DECIDE_MS)

    def counted(log: LogHalf) -> list[int]:
        rhythm = Rhythm()
        return [at_ms for at_ms in moments if rhythm.is_count(log, at_ms)]

    large, judged, sought, stopped = (led(CROWD + 1) for _ in range(4))
    judged.options = ev.RunOptions(thresholds=("p95 < 300ms",))
    sought.options = ev.RunOptions(limit=ev.LimitSpec(("p95 < 300ms",), "users", 1, 9))
    stopped.stop = ev.StopOrdered("stopped", "enough", "", 0)
    assert counted(large) == [5_000, 6_000, 7_000]
    assert [counted(log) for log in (led(CROWD), judged, sought, stopped)] == [[*moments]] * 4


@pytest.mark.parametrize("phase", [phases.WAITING, phases.STOPPING, phases.CLOSED])
def test_beginning_and_end_are_not_waited_for(phase: str) -> None:
    """Whoever looks at the state of a run that is over finds all of it counted."""
    rhythm = Rhythm()
    assert [rhythm.is_time(led(CROWD + 1, phase), at_ms) for at_ms in (5_000, 5_001)] == [True, True]
    assert rhythm.wait_ms(led(CROWD + 1, phase), 5_001) == 0


@pytest.mark.parametrize(
    ("workers", "entries", "due_ms"),
    [(1, 20, 10_000), (100, 249, 10_000), (100, 250, 3_000), (CROWD + 1, 9_000, 10_000)],
)
def test_keyframes_come_sooner_where_a_seek_has_much_to_fold(workers: int, entries: int, due_ms: int) -> None:
    """But not in a crowd, whose state takes long to pack."""
    assert keyframe_ms(led(workers), entries) == due_ms


OPENED_MS = 1_700_000_000_000


def waiting(*seen_after_ms: int, gone: int = 0) -> LogHalf:
    """The log of a run that waits, with workers that came so long after its opening, and some that are gone."""
    seen = [*((0, "lost") for _ in range(gone)), *((after_ms, "waiting") for after_ms in seen_after_ms)]
    workers = {
        f"w{n}": WorkerRecord(f"w{n}", "h", f"w{n}.1", "box", 1, 1, state, seen_ms=OPENED_MS + after_ms)
        for n, (after_ms, state) in enumerate(seen)
    }
    return LogHalf(opened_ms=OPENED_MS, workers=workers)


def test_a_run_that_waits_is_eager_while_its_workers_come() -> None:
    """After its opening, and again after each of them; the rest of a wait is a slow one."""
    alone, served = waiting(), waiting(10_000, 60_000)
    for how_often in (start_rest_ms, look_ms):
        assert how_often(LogHalf(), OPENED_MS) == POLL_FEW_MS
        assert [how_often(alone, OPENED_MS + ms) for ms in (0, EAGER_MS - 1, EAGER_MS)] == [5, 5, POLL_WAITING_MS]
        assert how_often(served, OPENED_MS + 59_000) == POLL_FEW_MS
        assert how_often(served, OPENED_MS + 60_000 + EAGER_MS) == POLL_WAITING_MS


def test_who_is_gone_is_not_looked_for() -> None:
    """Few that are there are few, whoever was there before; once users run, nobody waits for a heartbeat."""
    assert look_ms(waiting(0, gone=FEW), OPENED_MS) == POLL_FEW_MS
    assert look_ms(waiting(*[0] * (FEW + 1)), OPENED_MS) == POLL_WAITING_MS
    assert look_ms(led(1), OPENED_MS) == POLL_MS
