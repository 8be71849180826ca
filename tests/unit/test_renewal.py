"""What a master does about streams that Redis lost: here, which ids the reports of a new generation get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinyredis import TinyClient, TinyServer, Wire

from tidal.bus import Bus
from tidal.keys import RunKeys
from tidal.lease import Lease
from tidal.model.codec import LOG, REPORTS, EntryId
from tidal.model.state import State
from tidal.renewal import LOOK_MS, Renewal

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = RunKeys("r1")
ENTRY = {b"k": b"rp", b"v": b"1", b"d": b"\x00"}
NOW_MS = 1_764_000_000_000


class Server(TinyServer):
    """One that notes what it was asked."""

    def __init__(self) -> None:
        self.ms = NOW_MS
        self.asked: list[str] = []
        super().__init__(lambda: self.ms * 1_000)

    def do(self, name: str, arguments: Sequence[Any]) -> Any:
        """One command."""
        self.asked.append(name)
        return super().do(name, arguments)


class Keeper:
    """Of a lease that nobody needs to renew."""

    def stop(self) -> None:
        """Nothing to end."""


class Led:
    """A run with its streams, and a master's watch over them."""

    def __init__(self) -> None:
        self.server = Server()
        self.bus = Bus(TinyClient(Wire(self.server), ""), "redis://tiny")
        self.lease = Lease(self.bus, KEYS, lambda _, __: Keeper())  # type: ignore[arg-type,return-value]
        assert self.lease.take()
        self.renewal, self.state = Renewal(self.bus, KEYS), State()
        for key in (KEYS.log, KEYS.reports):
            self.bus.append(key, ENTRY)
        self.read()

    def read(self) -> None:
        """Read both streams to their ends."""
        for name, key in ((LOG, KEYS.log), (REPORTS, KEYS.reports)):
            self.state.position[name] = max(self.bus.last_id(key), self.state.position[name])

    def turn(self, now_ms: int) -> list[str]:
        """What Redis is asked for in a master's turn."""
        self.server.asked.clear()
        self.renewal.look(self.state, now_ms)
        self.renewal.raise_ids(self.lease, self.state)
        return list(self.server.asked)

    def begin(self) -> None:
        """A new generation, of a Redis that came back empty and whose clock went back an hour."""
        self.server.data = {}
        self.server.ms -= 3_600_000
        assert self.lease.take()
        self.renewal.begin(self.lease, self.state, self.server.ms, ENTRY)


def test_streams_that_are_well_are_only_looked_at() -> None:
    """Also between two looks, while reports come that the last one could not know: each turn would ask Redis twice."""
    led = Led()
    assert led.turn(0) == ["XINFO", "XINFO"]
    led.server.ms += 100
    led.bus.append(KEYS.reports, ENTRY)
    led.read()
    assert led.turn(100) == []
    assert led.turn(LOOK_MS) == ["XINFO", "XINFO"]


def test_reports_of_a_new_generation_come_after_those_that_were_read() -> None:
    """A worker may hand in the first before the master looks; what follows is later than all that was read."""
    led = Led()
    led.turn(0)
    led.begin()
    early = led.bus.append(KEYS.reports, ENTRY)
    assert early < led.state.position[REPORTS]
    led.turn(LOOK_MS)
    later = led.bus.append(KEYS.reports, ENTRY)
    assert later > led.state.position[REPORTS]
    led.read()
    assert "XSETID" not in led.turn(LOOK_MS + 1)


def test_a_stream_that_lost_its_end_is_told() -> None:
    """Unless its generation has just begun."""
    led = Led()
    led.state.position[REPORTS] = EntryId(NOW_MS + 5, 0)
    assert led.renewal.look(led.state, 0) == "reports has lost its end"


def test_an_entry_of_ours_that_is_gone_before_we_read_it_is_told() -> None:
    """A worker may have read it; what follows gets ids beyond it, whatever the new server's clock says."""
    led = Led()
    ours = EntryId(NOW_MS + 5_000, 3)
    led.renewal.appended(ours)
    assert led.renewal.look(led.state, 0) == "log has lost its end"
    led.begin()
    assert led.bus.last_id(KEYS.log) > ours
    assert led.renewal.look(led.state, LOOK_MS) == ""
