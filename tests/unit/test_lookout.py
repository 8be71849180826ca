"""What a master sees of its fleet: each heartbeat of a few workers, of a crowd who is there, and once a second all."""

from __future__ import annotations

from typing import Any

from tidal.lookout import STALE_MS, Sheaf
from tidal.model import phases
from tidal.model.codec import pack
from tidal.model.liveness import CROWD, Heartbeat
from tidal.model.state import LogHalf, State
from tidal.model.struct import replace
from tidal.model.wire import to_wire

BEAT = Heartbeat("box-1", "inc1", "box", 7, 4, 1, "1.0", 1_000, "r1", "running")


def payload(**changes: Any) -> bytes:
    """As a worker writes it."""
    return pack(to_wire(replace(BEAT, **changes)))


def test_what_is_read_is_as_it_was_written() -> None:
    """Each time anew; a key that lapsed says nothing of the life that was in it, nor does nonsense."""
    sheaf = Sheaf()
    for at_ms in (1_000, 1_500):
        assert sheaf.read({"box-1": payload(at_ms=at_ms)}, at_ms) == {"inc1": replace(BEAT, at_ms=at_ms)}
    assert sheaf.read({"box-1": None, "box-2": payload(incarnation="inc2")}, 2_000).keys() == {"inc2"}
    assert [*sheaf.ids] == ["box-2"]
    assert sheaf.read({"box-1": b"\xc1", "box-2": b""}, 2_500) == {}


def test_who_has_beaten_since_the_look_before_is_fresh() -> None:
    """A key that is still there as it was says nothing of now."""
    sheaf, old, new = Sheaf(), payload(), payload(at_ms=1_500)
    other = payload(worker="box-2", incarnation="inc2")
    sheaf.read({"box-1": old, "box-2": other}, 0)
    assert sheaf.fresh == {"inc1", "inc2"}
    sheaf.read({"box-1": new, "box-2": other}, 0)
    assert sheaf.fresh == {"inc1"}
    sheaf.read({"box-1": new, "box-2": None}, 0)
    assert sheaf.fresh == set()


def test_a_key_that_outlives_its_worker_says_nothing_of_it() -> None:
    """Redis' clock went back, so it lapses a minute late; when it is written again, somebody is there."""
    sheaf, keys = Sheaf(), {"box-1": payload(), "box-2": payload(worker="box-2", incarnation="inc2")}
    sheaf.read(keys, 0)
    keys["box-2"] = payload(worker="box-2", incarnation="inc2", at_ms=1_500)
    assert sheaf.read(keys, STALE_MS).keys() == {"inc1", "inc2"}
    assert sheaf.read(keys, STALE_MS + 1).keys() == {"inc2"}
    assert sheaf.read({"box-1": payload(at_ms=9_000)}, STALE_MS + 2).keys() == {"inc1"}


def running(ticked_ms: int) -> State:
    """A run that ticked then."""
    return State(LogHalf(phase=phases.RUNNING, ticked_ms=ticked_ms))


def read(workers: int) -> tuple[Sheaf, set[str]]:
    """A sheaf of so many, and who they are."""
    sheaf, told = Sheaf(), {f"box-{n}": payload(worker=f"box-{n}", incarnation=f"inc{n}") for n in range(workers)}
    return sheaf, set(sheaf.read(told, 0))


def test_of_a_crowd_it_is_enough_between_two_ticks_that_all_are_there() -> None:
    """For the tick they are read."""
    sheaf, lives = read(CROWD + 1)
    assert sheaf.is_enough(running(5_000), lives, 5_500)
    assert not sheaf.is_enough(running(5_000), lives, 5_900)


def test_of_others_each_heartbeat_is_read() -> None:
    """Of a few workers, of a run that waits or ends, and where somebody is expected who was not there."""
    sheaf, lives = read(CROWD + 1)
    assert not sheaf.is_enough(running(5_000), {*lives, "other"}, 5_500)
    for phase in (phases.WAITING, phases.STOPPING):
        assert not sheaf.is_enough(State(LogHalf(phase=phase, ticked_ms=5_000)), lives, 5_500)
    few, lives = read(CROWD)
    assert not few.is_enough(running(5_000), lives, 5_500)
