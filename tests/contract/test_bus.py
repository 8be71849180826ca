"""What the bus promises, held against the fake and a real server alike."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import fakeredis
import pytest
from tinyredis import TinyClient, TinyServer, Wire

from tidal.address import mask
from tidal.beacons import WORKERS_MAX
from tidal.bus import Bus, BusError
from tidal.errors import Fenced, RedisDenied, RedisTooOld, RedisUnreachable, UsageError
from tidal.keys import RUN_TTL_MS, RUNS, FleetKeys, RunKeys
from tidal.model.codec import ENTRY_BYTES_MAX, ZERO_ID, EntryId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

KEYS = RunKeys("r1")
FLEET = FleetKeys("default")
LONG_MS = 60_000
"""Of a lease that lasts as long as its test, however busy the machine."""


def fields(text: str) -> dict[bytes, bytes]:
    """An entry that is told by its data."""
    return {b"k": b"xx", b"v": b"1", b"d": text.encode()}


@pytest.fixture(params=["fakeredis", "tiny", "redis"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty Redis: the fake one, the one of the search through schedules, and the real one."""
    if request.param == "redis":
        yield request.getfixturevalue("real_redis")
        return
    if request.param == "tiny":
        yield TinyClient(Wire(TinyServer(lambda: time.time_ns() // 1_000)))
        return
    fake = fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2)
    yield fake
    fake.close()


@pytest.fixture
def bus(client: redis.Redis) -> Bus:
    """A bus on it."""
    return Bus.connect(role="test", client=client)


def appended(bus: Bus, key: str, count: int) -> list[EntryId]:
    """So many entries more in a stream, with the data 0, 1, 2 …: their ids."""
    return [bus.append(key, fields(str(i))) for i in range(count)]


def texts(bus: Bus, key: str) -> list[str]:
    """The data of a stream's entries, in order."""
    return [f[b"d"].decode() for _, f in bus.range(key, ZERO_ID)]


# ------------------------------------------------------------------ streams


def test_append_then_read(bus: Bus) -> None:
    """What is appended is read in order, after the cursor, with binary data intact."""
    data = bytes(range(256)) * 3
    ids = [bus.append(KEYS.log, {b"k": b"xx", b"v": b"1", b"d": data}) for _ in range(3)]
    assert ids == sorted(set(ids))
    got = bus.read({KEYS.log: ids[0]}, block_ms=None, count=10)
    assert [(key, entry_id, f[b"d"]) for key, entry_id, f in got] == [(KEYS.log, i, data) for i in ids[1:]]


def test_read_takes_several_streams(bus: Bus) -> None:
    """Streams are read together, each in its order and up to the count."""
    appended(bus, KEYS.log, 5)
    appended(bus, KEYS.reports, 1)
    got = bus.read({KEYS.log: ZERO_ID, KEYS.reports: ZERO_ID}, block_ms=None, count=3)
    assert [f[b"d"] for key, _, f in got if key == KEYS.log] == [b"0", b"1", b"2"]
    assert [f[b"d"] for key, _, f in got if key == KEYS.reports] == [b"0"]


def test_read_of_nothing(bus: Bus) -> None:
    """Without entries a read gives nothing, at once or after the block; a block of 0 is not for ever."""
    for block_ms in (None, 0, 5):
        assert bus.read({KEYS.log: ZERO_ID}, block_ms=block_ms, count=10) == []


def test_range_is_open_below_and_closed_above(bus: Bus) -> None:
    """A range leaves out where it begins and holds where it ends."""
    ids = appended(bus, KEYS.log, 6)
    assert [i for i, _ in bus.range(KEYS.log, ids[1], ids[3], 10)] == ids[2:4]
    assert [i for i, _ in bus.range(KEYS.log, ids[1], None, 2)] == ids[2:4]
    assert bus.range("tidal:{none}:log", ZERO_ID, None, 10) == []


def test_last_id(bus: Bus, client: redis.Redis) -> None:
    """The last id is the one given out last, even when the entry is gone; zero without a stream."""
    assert bus.last_id(KEYS.log) == ZERO_ID
    last = appended(bus, KEYS.log, 3)[-1]
    assert bus.last_id(KEYS.log) == last
    client.xdel(KEYS.log, str(last))
    assert bus.last_id(KEYS.log) == last


def test_a_long_read_is_whole_and_in_order(bus: Bus) -> None:
    """However many portions it takes, and no more than asked for."""
    ids = appended(bus, KEYS.log, 700)
    appended(bus, KEYS.reports, 3)
    got = bus.read({KEYS.log: ZERO_ID, KEYS.reports: ZERO_ID}, block_ms=None, count=600)
    assert [i for key, i, _ in got if key == KEYS.log] == ids[:600]
    assert len([key for key, _, _ in got if key == KEYS.reports]) == 3
    assert [i for _, i, _ in bus.read({KEYS.log: ids[599]}, block_ms=None, count=600)] == ids[600:]


def test_a_read_of_large_entries_ends_early(bus: Bus, client: redis.Redis) -> None:
    """Their bytes are bounded, not only their number; reading on brings the rest."""
    large = b"x" * (1 << 20)
    for _ in range(90):
        client.xadd(KEYS.reports, {b"d": large})
    sizes, at = [], ZERO_ID
    while got := bus.read({KEYS.reports: at}, block_ms=None, count=1_000):
        sizes.append(len(got))
        at = got[-1][1]
    assert sum(sizes) == 90
    assert sizes[0] == 64
    assert max(sizes[1:]) <= 17


def test_huge_entries_are_cut(bus: Bus, client: redis.Redis) -> None:
    """A hostile entry is cut just above what the codec refuses, and stays refused."""
    client.xadd(KEYS.reports, {b"d": b"x" * (4 * ENTRY_BYTES_MAX), b"n" * 999: b"", b"v": b"9" * 999})
    ((_, _, got),) = bus.read({KEYS.reports: ZERO_ID}, block_ms=None, count=1)
    assert len(got[b"d"]) == ENTRY_BYTES_MAX + 1
    assert max(map(len, got)) <= 16
    assert got[b"v"] == b"9" * 16


def test_wrong_type_is_an_error_not_a_crash(bus: Bus, client: redis.Redis) -> None:
    """A key of another type is a refusal with the server's words and without the data."""
    client.set(KEYS.log, "x")
    with pytest.raises(BusError, match="wrong kind of value") as caught:
        bus.append(KEYS.log, fields("secret-data"))
    assert caught.value.kind == "other"
    assert "secret-data" not in str(caught.value)


def test_time(bus: Bus) -> None:
    """One exchange gives Redis time in µs between two readings of the monotonic clock."""
    before_us, redis_us, after_us = bus.time_us()
    assert before_us <= after_us
    assert redis_us > 1_600_000_000_000_000
    assert bus.ping_us() >= 0


# ------------------------------------------------------------------ the lease


def test_a_lease_that_was_superseded_is_nobodys(bus: Bus) -> None:
    """A replica that took over may have it still: who has read a later epoch in the log takes it at once."""
    old = bus.take_lease(KEYS, "one", LONG_MS)
    assert old is not None
    assert bus.take_lease(KEYS, "two", LONG_MS, above=old) is None
    new = bus.take_lease(KEYS, "two", LONG_MS, above=old + 10**9)
    assert new == old + 10**9 + 1
    assert bus.take_lease(KEYS, "one", LONG_MS, above=old) is None


def test_lease_is_taken_once(bus: Bus) -> None:
    """The second master gets none; the first, asking again, keeps its epoch."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch
    assert bus.take_lease(KEYS, "two", LONG_MS) is None
    assert bus.take_lease(KEYS, "one", LONG_MS) == epoch
    assert bus.take_lease(KEYS, "on", LONG_MS) is None


def test_epoch_rises(bus: Bus, client: redis.Redis) -> None:
    """Each life has a greater epoch: at least Redis time, and above a stored one even if that lies in the future."""
    now_ms = bus.time_us()[1] // 1000
    first = bus.take_lease(KEYS, "one", LONG_MS)
    assert first is not None
    assert first >= now_ms
    assert bus.release_lease(KEYS, "one", first)
    client.set(KEYS.epoch, first + 10**9)
    assert bus.take_lease(KEYS, "two", LONG_MS) == first + 10**9 + 1
    client.delete(KEYS.epoch, KEYS.lease)
    third = bus.take_lease(KEYS, "three", LONG_MS)
    assert third is not None
    assert third >= now_ms


@pytest.mark.parametrize("rubbish", ["", "-5", "abc", "9" * 400])
def test_epoch_survives_rubbish(bus: Bus, client: redis.Redis, rubbish: str) -> None:
    """A stored epoch that is none is not believed."""
    client.set(KEYS.epoch, rubbish)
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    assert 1_600_000_000_000 < epoch < 1 << 62


@pytest.mark.parametrize("rubbish", ["", "abc", "me:", "me:-5", "me:x", "me:" + "9" * 400])
def test_rubbish_is_no_lease(bus: Bus, client: redis.Redis, rubbish: str) -> None:
    """What no master can have written keeps no master away, even when it never lapses."""
    client.set(KEYS.lease, rubbish)
    assert not bus.is_led(KEYS)
    assert bus.take_lease(KEYS, "one", LONG_MS)
    assert bus.is_led(KEYS)


def test_a_lease_that_never_lapses_is_none(bus: Bus, client: redis.Redis) -> None:
    """A master's always does, within seconds."""
    client.set(KEYS.lease, "me:5")
    assert not bus.is_led(KEYS)
    assert bus.take_lease(KEYS, "one", LONG_MS)
    client.set(KEYS.lease, "me:5", px=10**12)
    assert bus.take_lease(KEYS, "two", LONG_MS)
    client.set(KEYS.lease, "me:5", px=LONG_MS)
    assert bus.is_led(KEYS)
    assert bus.take_lease(KEYS, "three", LONG_MS) is None


def test_values_of_another_type_are_none(bus: Bus, client: redis.Redis) -> None:
    """A keyframe and secrets that are no text stop neither a viewer nor a worker."""
    for key in (KEYS.keyframe, KEYS.brief, KEYS.secrets):
        client.rpush(key, "x")
    assert (bus.load_keyframe(KEYS), bus.load_brief(KEYS), bus.load_secrets(KEYS)) == (None, None, None)


def test_lease_has_a_ttl(bus: Bus, client: redis.Redis) -> None:
    """The lease lapses by itself; renewing begins its time anew, and only the holder may."""
    epoch = bus.take_lease(KEYS, "one", 30_000)
    assert epoch is not None
    assert 0 < client.pttl(KEYS.lease) <= 30_000
    assert bus.renew_lease(KEYS, "one", epoch, LONG_MS)
    assert client.pttl(KEYS.lease) > 30_000
    assert not bus.renew_lease(KEYS, "two", epoch)
    assert not bus.renew_lease(KEYS, "one", epoch - 1)
    assert not bus.release_lease(KEYS, "two", epoch)
    client.delete(KEYS.lease)
    assert not bus.renew_lease(KEYS, "one", epoch)


def test_two_masters_at_once(client: redis.Redis) -> None:
    """Of many masters that try at the same moment one gets the lease."""
    buses = [Bus.connect(role="test", client=client) for _ in range(8)]
    for turn in range(10):
        keys, start = RunKeys(f"race{turn}"), threading.Barrier(8)

        def take(n: int, keys: RunKeys = keys, start: threading.Barrier = start) -> int | None:
            start.wait()
            return buses[n].take_lease(keys, f"token{n}", LONG_MS)

        with ThreadPoolExecutor(8) as pool:
            epochs = [epoch for epoch in pool.map(take, range(8)) if epoch is not None]
        assert len(epochs) == 1


def test_fenced_append(bus: Bus, client: redis.Redis) -> None:
    """The holder appends; who does not hold the lease is fenced, and nothing of its batch is there."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    ids = bus.append_fenced(KEYS, "one", epoch, [fields("a"), fields("b")])
    assert ids == [i for i, _ in bus.range(KEYS.log, ZERO_ID)]
    assert bus.append_fenced(KEYS, "one", epoch, []) == []
    with pytest.raises(Fenced, match="r1"):
        bus.append_fenced(KEYS, "two", epoch, [fields("c")])
    client.delete(KEYS.lease)
    with pytest.raises(Fenced):
        bus.append_fenced(KEYS, "one", epoch, [fields("d")])
    assert texts(bus, KEYS.log) == ["a", "b"]


def test_old_master_is_fenced(bus: Bus) -> None:
    """A frozen master that wakes up after its successor came can neither append, acknowledge nor store."""
    old = bus.take_lease(KEYS, "old", LONG_MS)
    assert old is not None
    bus.release_lease(KEYS, "old", old)
    new = bus.take_lease(KEYS, "new", LONG_MS)
    assert new is not None
    assert new > old
    for attempt in (
        lambda: bus.append_fenced(KEYS, "old", old, [fields("late")]),
        lambda: bus.acknowledge(KEYS, "old", old, {"inc": 7}),
        lambda: bus.store_keyframe(KEYS, "old", old, b"old"),
    ):
        with pytest.raises(Fenced):
            attempt()
    assert texts(bus, KEYS.log) == []
    assert bus.send_reports(KEYS, "inc", []) == 0
    assert bus.load_keyframe(KEYS) is None


def test_renewal_in_the_middle_of_an_append(bus: Bus) -> None:
    """A renewal by another thread aborts the transaction, which is then done once: not twice and not never."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    renewals = []

    def queue(pipe: redis.client.Pipeline) -> None:
        if len(renewals) < 3:
            renewals.append(bus.renew_lease(KEYS, "one", epoch, LONG_MS))
        pipe.xadd(KEYS.log, fields("a"))

    assert len(bus._fenced(KEYS, "one", epoch, queue)) == 1
    assert renewals == [True, True, True]
    assert texts(bus, KEYS.log) == ["a"]


def test_successor_in_the_middle_of_an_append(bus: Bus) -> None:
    """A successor that takes the lease between look and deed fences the deed."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None

    def queue(pipe: redis.client.Pipeline) -> None:
        bus.release_lease(KEYS, "one", epoch)
        assert bus.take_lease(KEYS, "two", LONG_MS)
        pipe.xadd(KEYS.log, fields("late"))

    with pytest.raises(Fenced):
        bus._fenced(KEYS, "one", epoch, queue)
    assert texts(bus, KEYS.log) == []


def test_endless_disturbance_ends(bus: Bus) -> None:
    """A key that changes at every look is an error in the end, not a hang."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    with pytest.raises(BusError, match="changed 20 times"):
        bus._fenced(KEYS, "one", epoch, lambda _: bus.renew_lease(KEYS, "one", epoch, LONG_MS))


def test_acknowledgements(bus: Bus, client: redis.Redis) -> None:
    """A watermark is read by the incarnation that it is for; rubbish counts as none."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    bus.acknowledge(KEYS, "one", epoch, {"a": 3, "b": 9})
    bus.acknowledge(KEYS, "one", epoch, {})
    client.hset(KEYS.ack, "c", "many")
    assert [bus.send_reports(KEYS, inc, []) for inc in ("a", "b", "c", "d")] == [3, 9, 0, 0]


def test_reports_bring_back_the_watermark(bus: Bus) -> None:
    """Handing reports in tells what is safe, also with nothing to hand in."""
    assert bus.send_reports(KEYS, "a", [fields("1"), fields("2")]) == 0
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    bus.acknowledge(KEYS, "one", epoch, {"a": 2})
    assert bus.send_reports(KEYS, "a", []) == 2
    assert texts(bus, KEYS.reports) == ["1", "2"]


def test_keyframe_keeps_the_run(bus: Bus, client: redis.Redis) -> None:
    """Storing the state gives every lasting key of the run its seven days."""
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    assert bus.load_keyframe(KEYS) is None
    bus.append_fenced(KEYS, "one", epoch, [fields("a")])
    bus.send_reports(KEYS, "a", [fields("1")])
    bus.append(KEYS.intents, fields("i"))
    bus.acknowledge(KEYS, "one", epoch, {"a": 1})
    bus.store_secrets(KEYS, b"hush")
    bus.store_keyframe(KEYS, "one", epoch, b"\x00state", b"half")
    assert bus.load_keyframe(KEYS) == b"\x00state"
    assert all(RUN_TTL_MS - 60_000 < client.pttl(key) <= RUN_TTL_MS for key in KEYS.lasting)


def test_secrets_are_forgotten(bus: Bus) -> None:
    """What the log must not hold goes when nobody needs it any more."""
    assert bus.load_secrets(KEYS) is None
    bus.store_secrets(KEYS, b"hush")
    assert bus.load_secrets(KEYS) == b"hush"
    bus.forget_secrets(KEYS)
    assert bus.load_secrets(KEYS) is None


# ------------------------------------------------------------------ fleets, viewers, runs


def test_a_flood_of_ids_hides_no_worker(bus: Bus, client: redis.Redis) -> None:
    """Known workers are looked at each time, whoever came before them in the alphabet; new ones within a few turns."""
    bus.beat(FLEET, "old", b"beat", 600_000)  # a busy machine takes its time for so many
    bus.beat(FLEET, "young", b"beat", 600_000)
    client.sadd(FLEET.workers, *(f"0{n}" for n in range(2 * WORKERS_MAX)))
    turns = [bus.beats(FLEET, {"old", "gone"}, turn) for turn in range(3)]
    assert all(beats["old"] == b"beat" for beats in turns)
    assert all("gone" not in beats for beats in turns)
    assert [beats["young"] for beats in turns if "young" in beats] == [b"beat"]
    assert max(map(len, turns)) <= WORKERS_MAX + 1


def test_beats(bus: Bus, client: redis.Redis) -> None:
    """A beat is there with its TTL; a lapsed one is None; a forgotten worker is gone; a strange id is left out."""
    before_us, redis_us, after_us, run = bus.beat(FLEET, "w-1", b"\x81", 60_000)
    assert (before_us <= after_us, run) == (True, None)
    assert redis_us > 1_600_000_000_000_000
    bus.beat(FLEET, "w-2", b"two", 60_000)
    client.sadd(FLEET.workers, "}:evil\x1b[2J", b"\xff\xfe")
    assert 0 < client.pttl(FLEET.beat("w-1")) <= 60_000
    client.delete(FLEET.beat("w-2"))
    assert bus.beats(FLEET) == {"w-1": b"\x81", "w-2": None}
    bus.forget_worker(FLEET, "w-2")
    assert list(bus.beats(FLEET)) == ["w-1"]
    assert bus.beats(FleetKeys("empty")) == {}
    assert [bus.are_all_alive(FLEET, ids) for ids in (["w-1"], ["w-1", "w-2"], [])] == [True, False, False]


def test_fleet_serves_one_run(bus: Bus, client: redis.Redis) -> None:
    """The first run gets the fleet; another learns whose it is; only the run itself lets it go."""
    assert bus.announced_run(FLEET) is None
    assert bus.announce_run(FLEET, "r1", 30_000) == "r1"
    assert bus.announce_run(FLEET, "r2", 30_000) == "r1"
    assert bus.announce_run(FLEET, "r1", 60_000) == "r1"
    assert client.pttl(FLEET.run) > 30_000
    assert bus.beat(FLEET, "w", b"", 1_000)[3] == "r1"
    assert not bus.withdraw_run(FLEET, "r2")
    assert bus.withdraw_run(FLEET, "r1")
    assert bus.announce_run(FLEET, "r2", 1_000) == "r2"


def test_announced_rubbish_is_no_run(bus: Bus, client: redis.Redis) -> None:
    """A value that could not be a run's id is not handed on."""
    client.set(FLEET.run, "}\x1b[2J")
    assert bus.announced_run(FLEET) is None
    assert bus.beat(FLEET, "w", b"", 1_000)[3] is None
    assert bus.announce_run(FLEET, "r1", 1_000) == "r1"


def test_presence(bus: Bus, client: redis.Redis) -> None:
    """A viewer is seen until its sign lapses."""
    assert not bus.is_watched(KEYS)
    bus.show_presence(KEYS)
    assert bus.is_watched(KEYS)
    assert 0 < client.pttl(KEYS.viewer) <= 5_000


def test_list_of_runs(bus: Bus, client: redis.Redis) -> None:
    """Runs are listed with their summaries; those whose log has lapsed leave the list when the next is put."""
    client.hset(RUNS, "}bad\x1b", b"x")
    bus.append(RunKeys("r1").log, fields("a"))
    bus.put_run_summary("r1", b"one")
    bus.put_run_summary("r2", b"two")
    assert bus.list_runs() == {"r1": b"one", "r2": b"two"}
    bus.put_run_summary("r1", b"uno")
    assert client.hgetall(RUNS) == {b"r1": b"uno"}


# ------------------------------------------------------------------ failures


def test_outage_of_the_fake() -> None:
    """An outage is an error at once, and the next call after it works."""
    server = fakeredis.FakeServer()
    bus = Bus.connect(role="test", client=fakeredis.FakeRedis(server=server, protocol=2))
    server.connected = False
    for call in (lambda: bus.append(KEYS.log, fields("a")), lambda: bus.take_lease(KEYS, "one", LONG_MS), bus.time_us):
        with pytest.raises(BusError) as caught:
            call()
        assert caught.value.kind == "unreachable"
    with pytest.raises(RedisUnreachable):
        Bus.connect(role="test", client=fakeredis.FakeRedis(server=server, protocol=2))
    server.connected = True
    assert bus.append(KEYS.log, fields("b"))
    assert texts(bus, KEYS.log) == ["b"]


class Proxy:
    """A TCP address before the real server; when told, it lets a request through, swallows the answer and hangs up."""

    def __init__(self, target: str) -> None:
        self._target = target.removeprefix("unix://")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut_after = b""
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self.cut_after == b"close":
                near.close()
                return
            self._threads.append(threading.Thread(target=self._serve, args=(near,), daemon=True))
            self._threads[-1].start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(self._target)
            while request := near.recv(1 << 16):
                self.requests.append(request)
                far.sendall(request)
                answer = far.recv(1 << 16)
                if self.cut_after and self.cut_after in request:
                    self.cut_after = b""
                    return
                near.sendall(answer)

    def close(self) -> None:
        """Stop listening; what is open ends with its client."""
        self.cut_after = b"close"
        socket.create_connection(self._listener.getsockname()).close()
        self._threads[0].join()
        self._listener.close()


@pytest.fixture
def proxy(real_redis: redis.Redis, redis_url: str) -> Iterator[Proxy]:
    """A proxy before the real server."""
    proxy = Proxy(redis_url)
    yield proxy
    proxy.close()


def test_lost_answer_of_an_append(proxy: Proxy) -> None:
    """An append whose answer was lost is an error, is there once, and the next call connects anew."""
    bus = Bus.connect(proxy.url, role="test")
    proxy.cut_after = b"XADD"
    with pytest.raises(BusError) as caught:
        bus.append(KEYS.log, fields("once"))
    assert caught.value.kind == "unreachable"
    assert texts(bus, KEYS.log) == ["once"]
    assert sum(b"XADD" in request for request in proxy.requests) == 1
    bus.close()


def test_lost_answer_of_a_fenced_append(proxy: Proxy) -> None:
    """redis-py calls a lost EXEC a `WatchError`; it must not be taken for an abort and done again."""
    bus = Bus.connect(proxy.url, role="test")
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    proxy.cut_after = b"EXEC"
    with pytest.raises(BusError) as caught:
        bus.append_fenced(KEYS, "one", epoch, [fields("once")])
    assert caught.value.kind == "unreachable"
    assert texts(bus, KEYS.log) == ["once"]
    bus.close()


def test_lost_answer_of_a_lease(proxy: Proxy) -> None:
    """A lease whose answer was lost is ours when it is asked for again, in the same epoch."""
    bus = Bus.connect(proxy.url, role="test")
    proxy.cut_after = b"EXEC"
    with pytest.raises(BusError):
        bus.take_lease(KEYS, "one", LONG_MS)
    (stored,) = bus._run(("GET", KEYS.lease))
    assert f"one:{bus.take_lease(KEYS, 'one', LONG_MS)}".encode() == stored
    bus.close()


@pytest.mark.parametrize("lost", [b"WATCH", b"GET"])
def test_lost_answer_before_exec(proxy: Proxy, lost: bytes) -> None:
    """A connection lost while looking is an error too, and nothing was written."""
    bus = Bus.connect(proxy.url, role="test")
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    proxy.cut_after = lost
    with pytest.raises(BusError) as caught:
        bus.append_fenced(KEYS, "one", epoch, [fields("never")])
    assert caught.value.kind == "unreachable"
    assert texts(bus, KEYS.log) == []
    bus.close()


def test_silent_server_is_a_timeout(tmp_path: Path) -> None:
    """A server that accepts and never answers is a timeout, not a hang."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/s.sock")
        silent.listen()
        with pytest.raises(RedisUnreachable, match="imeout"):
            Bus.connect(f"unix://{tmp_path}/s.sock", role="test", timeout_s=0.05)


def test_nothing_listens(tmp_path: Path) -> None:
    """Nobody there: the masked URL and what to do."""
    with pytest.raises(RedisUnreachable, match=r"unix://.*none\.sock.*Is it running.*TIDAL_REDIS_URL") as caught:
        Bus.connect(f"unix://{tmp_path}/none.sock?password=hunter2", role="test")
    assert "hunter2" not in str(caught.value)


def test_something_else_listens() -> None:
    """A web server at the address is no Redis."""
    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            near, _ = web.accept()
            with near:
                near.recv(1 << 16)
                near.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RedisUnreachable, match=r"127\.0\.0\.1"):
            Bus.connect(f"redis://127.0.0.1:{web.getsockname()[1]}", role="test", timeout_s=1)
        thread.join()


def test_url_query_cannot_bring_back_retries_over_tcp(proxy: Proxy) -> None:
    """Over TCP redis-py has more of its own mind (maintenance notifications, RESP3); a plain RESP2 login comes out."""
    bus = Bus.connect(f"{proxy.url}?protocol=3&socket_timeout=60", role="test")
    assert bus.append(KEYS.log, fields("a"))
    assert not any(b"HELLO" in request or b"MAINT" in request for request in proxy.requests)
    bus.close()


def test_wrong_password(real_redis: redis.Redis, redis_url: str) -> None:
    """A refused login names the masked URL and what to do, never the password."""
    with pytest.raises(RedisDenied, match=r"unix://.*Check user and password") as caught:
        Bus.connect(f"{redis_url}?username=nobody&password=hunter2", role="test")
    assert "hunter2" not in str(caught.value)


def test_small_rights(real_redis: redis.Redis, redis_url: str) -> None:
    """INFO may be denied; a denied command later is told as that."""
    real_redis.acl_setuser("small", enabled=True, passwords=["+pw"], commands=["+ping", "+client|setname"], reset=True)
    bus = Bus.connect(f"{redis_url}?username=small&password=pw", role="test")
    with pytest.raises(BusError, match="permissions") as caught:
        bus.append(KEYS.log, fields("a"))
    assert (caught.value.kind, caught.value.exit_code) == ("denied", RedisDenied.exit_code)
    bus.close()
    real_redis.acl_deluser("small")


def test_full_memory(real_redis: redis.Redis, redis_url: str) -> None:
    """A server that is full refuses appends; inside a transaction too, and nothing is half done."""
    bus = Bus.connect(redis_url, role="test")
    epoch = bus.take_lease(KEYS, "one", LONG_MS)
    assert epoch is not None
    real_redis.config_set("maxmemory", "1")
    try:
        for append in (
            lambda: bus.append(KEYS.log, fields("a")),
            lambda: bus.append_fenced(KEYS, "one", epoch, [fields("b")]),
            lambda: bus.send_reports(KEYS, "inc", [fields("c")]),
        ):
            with pytest.raises(BusError) as caught:
                append()
            assert caught.value.kind == "oom"
    finally:
        real_redis.config_set("maxmemory", "0")
    assert texts(bus, KEYS.log) == []
    bus.close()


class OldRedis(fakeredis.FakeRedis):
    """A fake that says it is 5.0."""

    def info(self, section: str | None = None, *args: object, **kwargs: object) -> dict[str, str]:
        """The version, and nothing else."""
        return {"redis_version": "5.0.14"}


def test_too_old() -> None:
    """Below 6.2 tidal says so at once."""
    with pytest.raises(RedisTooOld, match=r"5\.0\.14.*6\.2"):
        Bus.connect(role="test", client=OldRedis(protocol=2))


def test_url_cannot_change_the_rules(redis_url: str) -> None:
    """Options in the URL do not bring back retries, RESP3, decoded answers or long timeouts."""
    url = f"{redis_url}?protocol=3&decode_responses=yes&socket_timeout=99&retry_on_timeout=yes"
    bus = Bus.connect(url, role="a b")
    options = bus._client.connection_pool.connection_kwargs
    assert (options["protocol"], options["socket_timeout"], options["client_name"]) == (2, 2.0, "tidal-a-b")
    connection = bus._client.connection_pool.get_connection()
    assert connection.retry.get_retries() == 0
    bus._client.connection_pool.release(connection)
    assert isinstance(bus._run(("GET", "none"))[0] or b"", bytes)
    bus.close()


def test_url_is_needed() -> None:
    """Without a URL, and with one that is none, the words on the command line are off."""
    assert not os.environ.get("TIDAL_REDIS_URL")
    for url in (None, "", "http://x", "localhost:6379"):
        with pytest.raises(UsageError):
            Bus.connect(url, role="test")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:pw@localhost/0", "redis://:***@localhost/0"),
        ("redis://me:pw@localhost/0", "redis://me:***@localhost/0"),
        ("redis://pw@localhost/0", "redis://:***@localhost/0"),
        ("redis://me:p@ss/w#rd?x@localhost/0", "redis://me:***@localhost/0"),
        ("rediss://me:pw@h:1/0?ssl_password=pw&db=1", "rediss://me:***@h:1/0?ssl_password=***&db=1"),
        ("unix:///tmp/x.sock?password=pw&username=me", "unix:///tmp/x.sock?password=***&username=me"),
        ("me:pw@localhost", "me:***@localhost"),
        ("redis://h/\x07x", "redis://h/x"),
    ],
)
def test_mask(url: str, shown: str) -> None:
    """No password and no control character reaches a screen, however the URL is written."""
    assert mask(url) == shown


def test_ids_are_ordered_as_redis_orders_them(bus: Bus) -> None:
    """A sequence number of two digits is greater than one of one digit."""
    ids = appended(bus, KEYS.log, 30)
    assert [i for i, _ in bus.range(KEYS.log, ZERO_ID)] == sorted(ids)
    assert EntryId.parse(b"5-10") > EntryId.parse("5-9")
