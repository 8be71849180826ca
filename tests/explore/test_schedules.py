"""Schedules that once broke a law, as short as the search left them: each is run for ever after."""

from __future__ import annotations

import pytest
from explore import Schedule, run
from world import Parts, Step


def rounds(count: int) -> list[Step]:
    """Everybody does what it does, so many times."""
    return [("round", seed) for seed in range(count)]


FOUND: dict[str, tuple[int, list[Step]]] = {
    "a keyframe beside the log covered entries that were in no archive yet": (
        2,
        [("round", 122282455), ("round", 112063942), ("round", 639002519), ("round", 787438380), ("master_turn", 1),
         ("kill_master", 0)],
    ),
    "told the plan in force anew, a generator forgot the one between it and the newest": (
        3,
        [("round", 457012143), ("round", 22579817), ("round", 533181885), ("round", 562566841), ("kill", 1),
         ("round", 895120896), ("join",), ("drain", 4)],
    ),
    "the same after a new target": (
        3,
        [*rounds(11), ("drain", 2), *rounds(3), ("want", 7, 50.0), *rounds(3)],
    ),
    "every worker had stopped by itself, and the run went on for ever": (
        1,
        [*rounds(5), ("kill_master", 0), ("pass", 9_000), ("pass", 5_000), ("pass", 9_000)],
    ),
    "the same, and those that idled had begun new lives": (
        2,
        [*rounds(5), ("pass", 9_000), ("freeze", 1), ("pass", 9_000), ("freeze", 2), ("save",), ("begin_master",),
         ("rollback", 82376667), *rounds(3), ("want", 5, 3.0), ("want", 3, 1.0)],
    ),
    "a master woke up, took the lease and led on without what Redis had lost meanwhile": (
        3,
        [("stop",), ("freeze_master", 1), ("pass", 9_000), ("begin_master",), *rounds(1), ("empty", 65117167)],
    ),
    "Redis came back empty before the master had read that the run is open": (
        2,
        [("forget",), *rounds(8), ("want", 5, 50.0), *rounds(3)],
    ),
    "a run closed on a full disk, and its keyframe covered what was in no archive": (
        2,
        [*rounds(6), ("disk_full",), ("stop",), *rounds(6), ("begin_master",)],
    ),
    "a replica had the lease of the master before, and the newest took itself for fenced": (
        2,
        [("round", 525339071), ("round", 14754955), ("pass", 5_000), ("round", 525553175), ("begin_master",),
         ("failover", 8236970, -45_000)],
    ),
    "a replica's clock was ahead, and the workers stopped, for no master had spoken for so long": (
        3,
        [*rounds(8), ("failover", 851996441, 60_000), *rounds(4), ("failover", 375614717, -45_000)],
    ),
    "a replica did not have what a worker had read of it before the master, and its clock was behind": (
        3,
        [("round", 305075790), ("failover", 991099875, -45_000)],
    ),
    "a replica's clock was behind, and until it had caught up nobody ticked or reported": (
        2,
        [*rounds(8), ("failover", 1, -45_000)],
    ),
    "a replica's clock was behind, and the plan that an operator had just wanted lay in the future": (
        2,
        [*rounds(10), ("want", 7, 50.0), *rounds(4), ("failover", 1, -45_000)],
    ),
    "the same, and nobody ran the users of a worker that died then": (
        1,
        [("round", 520531701), ("round", 22664166), ("round", 625516990), ("round", 136510607),
         ("failover", 576585448, 60_000), ("want", 7, 3.0), ("round", 233753999), ("failover", 242033041, -45_000),
         ("kill", 2)],
    ),
    "a replica's clock was behind, and the heartbeat of a worker that had died lapsed as much later": (
        3,
        [*rounds(9), ("kill", 1), ("failover", 1, -45_000)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", FOUND)
def test_what_was_found_stays_mended(story: str) -> None:
    """Every law holds in it."""
    workers, steps = FOUND[story]
    run(Schedule(1, workers, None, tuple(steps)), Parts())


def test_a_master_that_was_cut_off_reads_on_past_a_generation_and_the_end_and_stops() -> None:
    """Another had begun the streams anew and closed the run; the first took it for its own."""
    steps: list[Step] = [
        ("round", 299722274), ("round", 857581125), ("round", 485670732), ("round", 640987199), ("round", 214548207),
        ("cut_master", 2), ("pass", 5_000), ("begin_master",), ("empty", 293705011),
    ]  # fmt: skip
    run(Schedule(201594, 2, 6_000, tuple(steps)), Parts())


def test_what_a_replica_lost_of_a_worker_that_had_left_the_plan_is_waited_for() -> None:
    """A machine that slept ends its plan before the others do, and a report of it is handed in again."""
    steps: list[Step] = [
        ("round", 1055984430), ("round", 1059198484), ("round", 473177346), ("round", 46588768), ("suspend", 3),
        ("round", 131188410), ("round", 108339709), ("wake", 3), ("pass", 2_600), ("failover", 663891621, -1_500),
    ]  # fmt: skip
    run(Schedule(203400, 2, 6_000, tuple(steps)), Parts())
