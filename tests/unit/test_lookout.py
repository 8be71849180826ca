"""What a master sees of its fleet: each heartbeat of a few workers, of a crowd who is there, and once a second all."""

from __future__ import annotations

from typing import Any

import pytest

from tidal.lookout import Sheaf
from tidal.model.codec import pack
from tidal.model.liveness import Heartbeat
from tidal.model.struct import replace
from tidal.model.wire import to_wire

BEAT = Heartbeat("box-1", "inc1", "box", 7, 4, 1, "1.0", 1_000, "r1", "running")


def payload(**changes: Any) -> bytes:
    """As a worker writes it."""
    return pack(to_wire(replace(BEAT, **changes)))


def test_what_is_read_in_full_is_as_it_was_written() -> None:
    """Each time anew."""
    sheaf = Sheaf()
    for at_ms in (1_000, 1_500):
        assert sheaf.read({"box-1": payload(at_ms=at_ms)}, in_full=True) == {"inc1": replace(BEAT, at_ms=at_ms)}


def test_in_between_a_life_that_goes_on_is_there_as_it_was() -> None:
    """The next full look says what has changed meanwhile."""
    sheaf, later = Sheaf(), {"box-1": payload(at_ms=1_500, state="draining")}
    sheaf.read({"box-1": payload()}, in_full=True)
    assert sheaf.read(later, in_full=False) == {"inc1": BEAT}
    assert sheaf.read(later, in_full=True)["inc1"].state == "draining"


@pytest.mark.parametrize(
    "changes", [{"incarnation": "inc2"}, {"host": "other"}, {"processes": 5}, {"version": "1.1"}, {"worker": "box-2"}]
)
def test_another_life_is_seen_at_once(changes: dict[str, Any]) -> None:
    """Also under the id of the one before."""
    sheaf = Sheaf()
    sheaf.read({"box-1": payload()}, in_full=True)
    found = sheaf.read({"box-1": payload(at_ms=1_500, **changes)}, in_full=False)
    assert list(found.values()) == [replace(BEAT, at_ms=1_500, **changes)]


def test_who_came_is_seen_at_once_and_who_is_gone_is_not_there() -> None:
    """A key that lapsed says nothing of the life that was in it, nor does nonsense."""
    sheaf = Sheaf()
    sheaf.read({"box-1": payload()}, in_full=True)
    assert sheaf.read({"box-1": None, "box-2": payload(incarnation="inc2")}, in_full=False).keys() == {"inc2"}
    assert sheaf.read({"box-1": payload(at_ms=2_000)}, in_full=False)["inc1"].at_ms == 2_000
    assert sheaf.read({"box-1": b"\xc1", "box-2": b""}, in_full=False) == {}


@pytest.mark.parametrize("in_full", [True, False])
def test_who_has_beaten_since_the_look_before_is_fresh(*, in_full: bool) -> None:
    """A key that is still there as it was says nothing of now."""
    sheaf, old, new = Sheaf(), payload(), payload(at_ms=1_500)
    other = payload(worker="box-2", incarnation="inc2")
    sheaf.read({"box-1": old, "box-2": other}, in_full=True)
    assert sheaf.fresh == {"inc1", "inc2"}
    sheaf.read({"box-1": new, "box-2": other}, in_full=in_full)
    assert sheaf.fresh == {"inc1"}
    sheaf.read({"box-1": new, "box-2": None}, in_full=in_full)
    assert sheaf.fresh == set()
