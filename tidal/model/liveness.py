"""Who is alive, from heartbeat keys: lost without false losses.

The master polls the keys (expiry notifications came for 24 of 200 within 9 s when measured). An absent key makes a
worker suspect at once. It is lost only when the view of Redis was healthy for longer than a lease and a beat, so
that every live worker had the time to show itself, and when it is not most of the fleet at once: then the cause is
more likely Redis or the master, and the rule waits for another lease. And somebody must have beaten since: where
nobody does, all are lost together or none, for who takes the users of another must be there. A Redis that answers,
but slowly, holds the rule for ten leases and no longer: who was not seen in all that time is lost.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tidal.model.events import COUNT_MAX, INCARNATION_MAX
from tidal.model.struct import Struct, field
from tidal.model.wire import record_reader

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE_MS = 2_000
BEAT_MS = 500
POLL_MS = 250
POLL_CROWD_MS, CROWD = 500, 300
"""The same of more workers than that, of which each look costs some ms."""
POLL_WAITING_MS = 50
"""The same while the run waits for its workers: whoever is ready is seen at once."""
POLL_FEW_MS, FEW = 5, 4
"""The same for so few workers: to look costs half a millisecond, and nothing else is to be done."""
EAGER_MS = 3_000
"""So long after the run was opened or a worker came the next news is a matter of ms; a wait may last for hours."""
STALLED_MS = 3_000
"""A generator that says nothing for so long is stalled, and so is a worker that is so late."""
PROCESSES_MAX = 4_096
"""Generators of one worker: its weight, too."""
BEAT_TEXT_MAX = 300


def poll_ms(workers: int, *, is_waiting: bool, quiet_ms: int = 0) -> int:
    """How long after a look at the heartbeats the next one is due.

    Args:
        workers: those that are not gone.
        is_waiting: whether the run waits for them.
        quiet_ms: how long ago the run was opened or the last one came.
    """
    if not is_waiting:
        return POLL_CROWD_MS if workers > CROWD else POLL_MS
    return rest_ms(quiet_ms) if workers <= FEW else POLL_WAITING_MS


def rest_ms(quiet_ms: int) -> int:
    """How long a master that waits for workers rests when it has read all there is."""
    return POLL_FEW_MS if quiet_ms < EAGER_MS else POLL_WAITING_MS


class Heartbeat(Struct, frozen=True):
    """What a worker writes into its lease, whole, twice a second."""

    worker: str
    incarnation: str
    host: str
    pid: int
    processes: int
    schema: int
    version: str
    at_ms: int  # Redis time of writing, as the worker knows it
    run: str = ""  # the run it serves; "" while it idles
    state: str = "waiting"  # waiting, loading, ready, running, stalled, draining
    why: str = ""
    users: int = 0
    generators: int = 0
    cpu_permille: int = 0
    memory_bytes: int = 0
    lag_ms: int = 0
    users_max: int = 0  # how many users it takes; 0: any number
    behind_ms: int = 0  # how late its generators act on what is due
    skew_ms: int = 0  # this machine's clock minus Redis'
    epoch: int = 0  # the highest that it has read
    plan: int = 0  # the newest that it has read

    def __post_init__(self) -> None:
        """Refuse what no worker of ours writes: anybody with a worker's rights can write this key."""
        numbers = (*_NUMBERS(self), abs(self.skew_ms))
        if min(numbers) < 0 or max(numbers) >= COUNT_MAX or self.processes > PROCESSES_MAX:
            raise ValueError("a heartbeat's numbers are whole, not negative and not too large")
        if max(map(len, _TEXTS(self))) > BEAT_TEXT_MAX:
            raise ValueError("a heartbeat's texts are short")
        if not 1 <= len(self.worker) <= INCARNATION_MAX or not 1 <= len(self.incarnation) <= INCARNATION_MAX:
            raise ValueError("a heartbeat names its worker and its incarnation")

    @classmethod
    def from_wire(cls, wire: Any) -> Heartbeat:
        """The one that was written: a large fleet's master reads thousands a second, so its types are held at once."""
        if isinstance(wire, dict) and wire.keys() == _KINDS.keys():
            values = [wire[name] for name in _KINDS]
            if [*map(type, values)] == [*_KINDS.values()]:
                return cls(*values)
        return _read_slowly(wire)


_KINDS: dict[str, type] = {name: {"str": str, "int": int}[kind] for name, kind in Heartbeat.__annotations__.items()}
_NUMBERS = attrgetter(*(name for name, kind in _KINDS.items() if kind is int and name != "skew_ms"))
_TEXTS = attrgetter(*(name for name, kind in _KINDS.items() if kind is str))
_read_slowly: Callable[[Any], Heartbeat] = record_reader(Heartbeat)
"""For one by another version, and to say what is wrong."""


class Liveness(Struct):
    """Feed polls in, get the lost out. `now_ms` is any clock that only rises."""

    lease_ms: int = LEASE_MS
    beat_ms: int = BEAT_MS
    poll_ms: int = POLL_MS
    rtt_max_ms: int = 500
    confirm_ms: int = 500
    mass_share: float = 0.5
    mass_least: int = 3
    hold_max_leases: int = 10
    _absent_since: dict[str, int] = field(default_factory=dict)
    _healthy_since: int | None = None
    _polled_ms: int | None = None
    _mass_until: int | None = None
    _held_since: int | None = None
    _beaten_ms: int = -1

    def poll_failed(self) -> None:
        """Redis did not answer: nothing can be said, and the healthy time starts anew."""
        self._healthy_since = self._polled_ms = self._mass_until = self._held_since = None

    def held(self, now_ms: int) -> tuple[int, int]:
        """How many are absent and not called lost, because Redis is too slow to tell, and for how many ms by now."""
        return (len(self._absent_since), now_ms - self._held_since) if self._held_since is not None else (0, 0)

    def poll(self, now_ms: int, rtt_ms: int, expected: set[str], present: set[str], fresh: set[str]) -> list[str]:
        """Which of the expected incarnations are lost, given those whose key is there, and who has written it anew."""
        healthy_ms = self._healthy_ms(now_ms, rtt_ms)
        if not expected.isdisjoint(fresh):
            self._beaten_ms = now_ms
        for incarnation in [i for i in self._absent_since if i in present or i not in expected]:
            del self._absent_since[incarnation]
        for incarnation in expected - present:
            self._absent_since.setdefault(incarnation, now_ms)
        if healthy_ms < self.lease_ms + self.beat_ms:
            return self._unseen(now_ms)
        self._held_since = None
        lost = sorted(i for i, since in self._absent_since.items() if now_ms - since >= self.confirm_ms)
        if len(lost) < len(expected):
            lost = [i for i in lost if self._absent_since[i] < self._beaten_ms]
        return [] if self._is_mass(now_ms, len(self._absent_since), len(expected)) else lost

    def _healthy_ms(self, now_ms: int, rtt_ms: int) -> int:
        """For how long all looks have been good ones, this one among them."""
        gap_ms = now_ms - self._polled_ms if self._polled_ms is not None else 0
        slept = gap_ms > 4 * self.poll_ms + self.rtt_max_ms  # the master itself was paused
        if self._healthy_since is None or slept or rtt_ms > self.rtt_max_ms:
            self._healthy_since, self._mass_until = now_ms, None
        self._polled_ms = now_ms
        return now_ms - self._healthy_since

    def _unseen(self, now_ms: int) -> list[str]:
        """Those who were absent for as long as a slow Redis may hold the rule."""
        hold_ms = self.hold_max_leases * self.lease_ms
        if not self._absent_since:
            self._held_since = None
            return []
        self._held_since = self._held_since if self._held_since is not None else now_ms
        return sorted(i for i, since in self._absent_since.items() if now_ms - max(since, self._held_since) >= hold_ms)

    def _is_mass(self, now_ms: int, absent: int, expected: int) -> bool:
        """Whether most are absent at once; suspects count, for keys lapse one after the other, a beat apart."""
        if absent < max(self.mass_least, self.mass_share * expected):
            self._mass_until = None
            return False
        if self._mass_until is None:
            self._mass_until = now_ms + self.lease_ms
        return now_ms < self._mass_until


class LastWord(Struct):
    """For how long a master has said nothing, by a worker's own clock: Redis' jumps when another server takes over."""

    _told_ms: int = 0
    _heard_ms: int = 0

    def silent_ms(self, told_ms: int, now_ms: int, redis_ms: int) -> int:
        """Since when, given the moment of its newest word (Redis time) and ours; the first may be an old one."""
        if told_ms != self._told_ms:
            old_ms = 0 if self._told_ms else max(0, redis_ms - told_ms)
            self._told_ms, self._heard_ms = told_ms, now_ms - old_ms
        return now_ms - self._heard_ms
