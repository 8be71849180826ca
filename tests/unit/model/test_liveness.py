from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from histories import beat

from tidal.model.events import COUNT_MAX, INCARNATION_MAX
from tidal.model.liveness import (
    BEAT_MS,
    BEAT_TEXT_MAX,
    CROWD,
    EAGER_MS,
    LEASE_MS,
    POLL_CROWD_MS,
    POLL_FEW_MS,
    POLL_MS,
    POLL_WAITING_MS,
    PROCESSES_MAX,
    Heartbeat,
    LastWord,
    Liveness,
    poll_ms,
    rest_ms,
)
from tidal.model.wire import to_wire

WORKERS = 60
FOUND_WITHIN_MS = LEASE_MS + BEAT_MS + 4 * POLL_MS


@dataclass
class Fleet:
    """Workers that beat, a Redis that keeps their keys, a master that polls: in milliseconds of a clock of its own."""

    size: int = WORKERS
    now_ms: int = 0
    rtt_ms: int = 1
    keys: dict[str, int] = field(default_factory=dict)  # incarnation → when its key lapses
    dead: set[str] = field(default_factory=set)
    away_until: dict[str, int] = field(default_factory=dict)  # who has not connected again yet
    lost: dict[str, int] = field(default_factory=dict)  # incarnation → when it was found lost
    seen: dict[str, int] = field(default_factory=dict)  # the keys as the last poll found them
    liveness: Liveness = field(default_factory=Liveness)

    @property
    def names(self) -> list[str]:
        """Everybody."""
        return [f"i{n}" for n in range(self.size)]

    def run(self, for_ms: int, *, redis: bool = True, master: bool = True) -> None:
        """Time passes; Redis answers or not, the master runs or not."""
        end_ms = self.now_ms + for_ms
        while self.now_ms < end_ms:
            self.now_ms += 50
            if redis:
                self._beat()
            if master and self.now_ms % POLL_MS == 0:
                self._poll(redis=redis)

    def _beat(self) -> None:
        for number, name in enumerate(self.names):
            due = (self.now_ms + 50 * number) % BEAT_MS == 0
            if due and name not in self.dead and self.now_ms >= self.away_until.get(name, 0):
                self.keys[name] = self.now_ms + LEASE_MS

    def _poll(self, *, redis: bool) -> None:
        if not redis:
            self.liveness.poll_failed()
            return
        present = {name for name, until_ms in self.keys.items() if until_ms > self.now_ms}
        expected = set(self.names) - set(self.lost)
        fresh = {name for name in present if self.keys[name] != self.seen.get(name)}
        self.seen = self.keys.copy()
        for name in self.liveness.poll(self.now_ms, self.rtt_ms, expected, present, fresh):
            self.lost[name] = self.now_ms

    def kill(self, count: int) -> set[str]:
        """`kill -9` for the first ones."""
        self.dead |= set(self.names[:count])
        return set(self.names[:count])

    def pause_redis(self, for_ms: int) -> None:
        """SIGSTOP: nothing is answered, and keys lapse meanwhile; the first poll comes before any beat."""
        self.run(for_ms, redis=False)

    def reconnect_within(self, ms: int) -> None:
        """The workers come back one after the other."""
        self.away_until = {name: self.now_ms + ms * n // self.size for n, name in enumerate(self.names)}


def _healthy(size: int = WORKERS) -> Fleet:
    fleet = Fleet(size)
    fleet.run(10_000)
    return fleet


def test_a_healthy_fleet_loses_nobody() -> None:
    """However long."""
    fleet = _healthy()
    fleet.run(60_000)
    assert fleet.lost == {}


@pytest.mark.parametrize("count", [1, 25])
def test_the_dead_are_found_within_a_lease_and_a_second(count: int) -> None:
    """They and nobody else. Twenty-five of sixty are many, but not most of the fleet: no waiting for another lease."""
    fleet = _healthy()
    died_ms, dead = fleet.now_ms, fleet.kill(count)
    fleet.run(10_000)
    assert set(fleet.lost) == dead
    assert max(fleet.lost.values()) - died_ms <= FOUND_WITHIN_MS


def test_when_most_are_gone_another_lease_is_waited_for() -> None:
    """Then they are lost all the same."""
    fleet = _healthy()
    died_ms, dead = fleet.now_ms, fleet.kill(40)
    fleet.run(FOUND_WITHIN_MS)
    assert fleet.lost == {}
    fleet.run(LEASE_MS + 1_000)
    assert set(fleet.lost) == dead
    assert max(fleet.lost.values()) - died_ms <= FOUND_WITHIN_MS + LEASE_MS + POLL_MS


def test_a_fleet_of_two_that_dies_is_no_mass() -> None:
    """Below three nobody waits."""
    fleet = _healthy(2)
    died_ms, dead = fleet.now_ms, fleet.kill(2)
    fleet.run(10_000)
    assert set(fleet.lost) == dead
    assert max(fleet.lost.values()) - died_ms <= FOUND_WITHIN_MS


@pytest.mark.parametrize("size", [2, 3, 60])
@pytest.mark.parametrize("apart_ms", [0, 700, 1_900])
def test_all_that_are_cut_off_are_lost_together(size: int, apart_ms: int) -> None:
    """Their leases lapse one after the other; but none is lost while those that would take its users may be."""
    fleet = _healthy(size)
    fleet.keys = {name: fleet.now_ms + LEASE_MS - apart_ms * n // (size - 1) for n, name in enumerate(fleet.names)}
    fleet.kill(size)
    fleet.run(10_000)
    assert set(fleet.lost) == set(fleet.names)
    assert len(set(fleet.lost.values())) == 1


def test_who_is_silent_is_lost_as_soon_as_another_has_beaten() -> None:
    """An old heartbeat whose lease has not lapsed yet says nothing of now."""
    liveness = Liveness()
    for now_ms in range(0, 6_000, POLL_MS):
        assert liveness.poll(now_ms, 1, {"a", "b"}, {"a", "b"}, {"a", "b"}) == []
    for now_ms in range(6_000, 7_500, POLL_MS):
        assert liveness.poll(now_ms, 1, {"a", "b"}, {"a"}, set()) == []
    assert liveness.poll(7_500, 1, {"a", "b"}, {"a"}, {"a"}) == ["b"]


def test_a_pause_of_redis_loses_nobody() -> None:
    """Five seconds of SIGSTOP: all keys lapsed, the workers come back over 2.5 s."""
    fleet = _healthy()
    fleet.pause_redis(5_000)
    fleet.reconnect_within(LEASE_MS)
    fleet.run(30_000)
    assert fleet.lost == {}


def test_who_died_in_a_pause_of_redis_is_found_after_it() -> None:
    """The two, and nobody who lives."""
    fleet = _healthy()
    fleet.pause_redis(3_000)
    dead = fleet.kill(2)
    fleet.pause_redis(2_000)
    fleet.reconnect_within(LEASE_MS)
    fleet.run(10_000)
    assert set(fleet.lost) == dead


def test_a_redis_that_came_back_empty_loses_nobody() -> None:
    """Kill -9 and an append-only file whose leases lapsed long ago: 60 of 60 by a naive rule."""
    fleet = _healthy()
    fleet.run(5_000, redis=False)
    fleet.keys.clear()
    fleet.reconnect_within(LEASE_MS)
    fleet.run(30_000)
    assert fleet.lost == {}


def test_keys_that_are_gone_at_once_are_waited_for() -> None:
    """A FLUSHALL: each worker writes its key again within a beat."""
    fleet = _healthy()
    fleet.keys.clear()
    fleet.run(30_000)
    assert fleet.lost == {}


def test_a_master_that_was_paused_believes_nothing_at_first() -> None:
    """Its own gap between two polls starts the healthy time anew."""
    fleet = _healthy()
    fleet.run(6_000, master=False)
    fleet.keys.clear()
    fleet.reconnect_within(LEASE_MS)
    fleet.run(30_000)
    assert fleet.lost == {}


def test_a_slow_redis_says_nothing_about_workers() -> None:
    """While a poll takes longer than half a second, absence proves nothing; afterwards it does."""
    fleet = _healthy()
    dead = fleet.kill(1)
    fleet.rtt_ms = 700
    fleet.run(20_000)
    assert fleet.lost == {}
    fleet.rtt_ms = 1
    fleet.run(10_000)
    assert set(fleet.lost) == dead


def test_a_redis_that_stays_slow_holds_the_rule_for_ten_leases() -> None:
    """Then who was never seen in all that time is lost, and nobody else; until then it is told how many are absent."""
    fleet = _healthy()
    dead = fleet.kill(1)
    fleet.rtt_ms = 700
    fleet.run(12_000)
    assert fleet.lost == {}
    count, held_ms = fleet.liveness.held(fleet.now_ms)
    assert (count, held_ms > 5_000) == (1, True)
    fleet.run(13_000)
    assert set(fleet.lost) == dead
    fleet.rtt_ms = 1
    fleet.run(10_000)
    assert set(fleet.lost) == dead
    assert fleet.liveness.held(fleet.now_ms) == (0, 0)


def test_a_redis_that_is_back_after_a_minute_loses_nobody() -> None:
    """Every key lapsed long ago; the workers come back one after the other."""
    fleet = _healthy()
    fleet.pause_redis(60_000)
    fleet.reconnect_within(LEASE_MS)
    fleet.run(30_000)
    assert fleet.lost == {}


def test_a_key_that_is_back_in_time_is_no_loss() -> None:
    """Absent for less than half a second is suspect and no more; absent again counts from anew."""
    liveness = Liveness()
    for now_ms in range(0, 20_000, POLL_MS):
        present = {"a", "b"} if now_ms % 500 else {"b"}
        assert liveness.poll(now_ms, 1, {"a", "b"}, present, present) == []


def test_workers_that_are_cut_off_are_lost() -> None:
    """All of them for twelve seconds: unreachable is lost, after the second lease; that is right."""
    fleet = _healthy()
    fleet.away_until = dict.fromkeys(fleet.names, fleet.now_ms + 12_000)
    fleet.run(12_000)
    assert set(fleet.lost) == set(fleet.names)


SLOW_MS = 501
"""A look that takes so long says nothing of workers."""


def looked(
    liveness: Liveness, from_ms: int, to_ms: int, gone: str = "", *, of: str = "ab", rtt_ms: int = 1
) -> dict[str, int]:
    """Who is found lost when, by looks up to `to_ms`; each letter is a worker, and who is not gone beats each time."""
    found: dict[str, int] = {}
    for now_ms in range(from_ms, to_ms, POLL_MS):
        there = set(of) - set(gone)
        for name in liveness.poll(now_ms, rtt_ms, set(of) - set(found), there, there):
            found[name] = now_ms
    return found


def test_a_look_that_redis_did_not_answer_begins_the_healthy_time_anew() -> None:
    """A lease and a beat later whoever lives has shown itself, and who has not is lost; no sooner."""
    liveness = Liveness()
    assert looked(liveness, 0, 10_000) == {}
    liveness.poll_failed()
    assert looked(liveness, 10_250, 14_000, "b") == {"b": 10_250 + LEASE_MS + BEAT_MS}


@pytest.mark.parametrize(("pause_ms", "until_lost_ms"), [(1_500, 500), (1_501, LEASE_MS + BEAT_MS)])
def test_a_master_that_missed_five_looks_was_paused(pause_ms: int, until_lost_ms: int) -> None:
    """By four looks and the longest answer nobody is; a shorter gap puts nothing off."""
    liveness = Liveness()
    looked(liveness, 0, 5_000)
    back_ms = 5_000 - POLL_MS + pause_ms
    assert looked(liveness, back_ms, back_ms + 4_000, "b") == {"b": back_ms + until_lost_ms}


@pytest.mark.parametrize(("rtt_ms", "found"), [(SLOW_MS - 1, {"b": 5_500}), (SLOW_MS, {})])
def test_an_answer_after_more_than_half_a_second_is_slow(rtt_ms: int, found: dict[str, int]) -> None:
    """Up to that it is believed."""
    liveness = Liveness()
    looked(liveness, 0, 5_000)
    assert looked(liveness, 5_000, 7_000, "b", rtt_ms=rtt_ms) == found


def test_a_hold_is_told_while_somebody_is_absent() -> None:
    """Of nobody there is none; who comes back ends it, and so does a Redis that is quick again."""
    liveness = Liveness()
    looked(liveness, 0, 5_000)
    looked(liveness, 5_000, 6_000, rtt_ms=SLOW_MS)
    assert liveness.held(6_000) == (0, 0)
    looked(liveness, 6_000, 8_000, "b", rtt_ms=SLOW_MS)
    assert liveness.held(8_000) == (1, 2_000)
    looked(liveness, 8_000, 8_250, rtt_ms=SLOW_MS)
    assert liveness.held(8_250) == (0, 0)
    looked(liveness, 8_250, 9_000, "b", rtt_ms=SLOW_MS)
    assert liveness.held(9_000) == (1, 750)
    assert looked(liveness, 9_000, 11_500, "b") == {"b": 8_750 + LEASE_MS + BEAT_MS}
    assert liveness.held(11_500) == (0, 0)


def test_a_hold_is_counted_from_the_absence_within_it() -> None:
    """Ten leases of a slow Redis, whenever each of them was seen last; and in order."""
    liveness, everybody = Liveness(), "abcdefghijklmnopqrstuvwxyz"
    looked(liveness, 0, 4_750, of=everybody)
    looked(liveness, 4_750, 5_000, "x", of=everybody)
    assert looked(liveness, 5_000, 6_000, "x", of=everybody, rtt_ms=SLOW_MS) == {}
    found = looked(liveness, 6_000, 26_250, "hgfexba", of=everybody, rtt_ms=SLOW_MS)
    assert [*found.items()] == [("x", 25_000), *((name, 26_000) for name in "abefgh")]


def test_half_of_a_fleet_is_most_of_it() -> None:
    """It is waited for once more, each time anew; of fewer nobody is, and they are lost in order."""
    liveness, everybody = Liveness(), "abcdefghijklmnop"
    looked(liveness, 0, 5_000, of=everybody)
    assert looked(liveness, 5_000, 6_000, "hgfedcba", of=everybody) == {}
    looked(liveness, 6_000, 9_000, of=everybody)
    assert [*looked(liveness, 9_000, 12_000, "hgfedcba", of=everybody).items()] == [
        (name, 9_000 + LEASE_MS) for name in "abcdefgh"
    ]
    looked(liveness, 12_000, 15_000, of=everybody)
    assert [*looked(liveness, 15_000, 17_000, "hgfedcb", of=everybody)] == [*"bcdefgh"]


def test_a_stranger_is_not_expected() -> None:
    """Absence is counted only for those who are expected, from when they were."""
    liveness = Liveness()
    for now_ms in range(0, 6_000, POLL_MS):
        assert liveness.poll(now_ms, 1, {"a"}, {"a", "stranger"}, {"a"}) == []
    assert liveness.poll(6_000, 1, {"a", "b"}, {"a"}, {"a"}) == []
    assert liveness.poll(6_250, 1, {"a", "b"}, {"a"}, {"a"}) == []
    assert liveness.poll(6_500, 1, {"a", "b"}, {"a"}, {"a"}) == ["b"]


def test_few_workers_are_looked_for_more_often_before_the_start() -> None:
    """A large fleet costs too much for that, and once users run, nobody waits for a heartbeat."""
    waiting = [poll_ms(workers, is_waiting=True) for workers in (0, 4, 5, 1_000)]
    assert waiting == [POLL_FEW_MS, POLL_FEW_MS, POLL_WAITING_MS, POLL_WAITING_MS]
    running = [poll_ms(workers, is_waiting=False) for workers in (0, CROWD, CROWD + 1)]
    assert running == [POLL_MS, POLL_MS, POLL_CROWD_MS]


def test_a_long_wait_is_a_slow_one() -> None:
    """Workers may be waited for for hours: to look 200 times a second then is a core's tenth for nothing."""
    moments = (0, EAGER_MS - 1, EAGER_MS, 3_600_000)
    assert [rest_ms(quiet_ms) for quiet_ms in moments] == [POLL_FEW_MS, POLL_FEW_MS, POLL_WAITING_MS, POLL_WAITING_MS]
    assert [poll_ms(4, is_waiting=True, quiet_ms=quiet_ms) for quiet_ms in moments] == [*map(rest_ms, moments)]
    assert {poll_ms(5, is_waiting=True, quiet_ms=quiet_ms) for quiet_ms in moments} == {POLL_WAITING_MS}
    assert {poll_ms(4, is_waiting=False, quiet_ms=quiet_ms) for quiet_ms in moments} == {POLL_MS}


def test_a_masters_silence_is_counted_by_the_workers_own_clock() -> None:
    """A server whose clock is ten minutes ahead, or behind, changes nothing; each new word counts from when it came."""
    last = LastWord()
    assert last.silent_ms(100_000, 5_000, 100_040) == 40
    assert last.silent_ms(100_000, 6_000, 700_000) == 1_040
    assert last.silent_ms(101_000, 6_500, 701_000) == 0
    assert last.silent_ms(101_000, 9_500, 40_000) == 3_000


def test_a_master_that_was_silent_before_the_worker_came_has_been_so_for_long() -> None:
    """Whoever comes late reads when it spoke last."""
    assert LastWord().silent_ms(100_000, 5_000, 400_000) == 300_000


@pytest.mark.parametrize(
    ("name", "most", "too_much"),
    [
        ("worker", "w" * INCARNATION_MAX, "w" * (INCARNATION_MAX + 1)),
        ("worker", "w", ""),
        ("incarnation", "i" * INCARNATION_MAX, "i" * (INCARNATION_MAX + 1)),
        ("incarnation", "i", ""),
        ("why", "?" * BEAT_TEXT_MAX, "?" * (BEAT_TEXT_MAX + 1)),
        ("processes", PROCESSES_MAX, PROCESSES_MAX + 1),
        ("users", COUNT_MAX - 1, COUNT_MAX),
        ("pid", 0, -1),
        ("skew_ms", 1 - COUNT_MAX, -COUNT_MAX),
        ("state", "running", 7),
    ],
)
def test_a_heartbeat_is_one_up_to_its_bounds(name: str, most: object, too_much: object) -> None:
    """Anybody with a worker's rights can write the key: beyond them it is none, and the error says so."""
    wire = to_wire(beat("w1"))
    assert getattr(Heartbeat.from_wire(wire | {name: most}), name) == most
    with pytest.raises(ValueError, match=r"heartbeat|int where str"):
        Heartbeat.from_wire(wire | {name: too_much})
