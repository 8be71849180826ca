"""Users that come by themselves: an iteration begins when its arrival is due, whether or not earlier ones came back.

    Timetable ──due──▶ meet ──▶ a guest at rest ──▶ one visit ──▶ at rest, until another arrival takes it
                         ├───▶ nobody at rest: a new user: on_start, one visit …
                         └───▶ too many in flight: dropped, and counted

Users are pooled and keep their session and their number; with `fresh_users` each arrival has a user of its own, made,
started, stopped. A user that is at rest may be stopped at once, one in a visit within the stop timeout.
"""
# ruff: noqa: SLF001 - a user's state has Locust's private name

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent
from gevent.event import Event as Flag

from tidal.flow import RUNNING, STOPPING, WAITING, StopUser
from tidal.generator.population import SPAWNS_AT_ONCE, Member, Population
from tidal.generator.scheduler import Owned
from tidal.generator.timetable import Timetable
from tidal.model.plan import in_bitmap
from tidal.visits import one_visit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.generator.clock import RedisClock
    from tidal.generator.environment import Environment
    from tidal.generator.recorder import Recorder
    from tidal.generator.scheduler import Key
    from tidal.generator.timetable import Arrival
    from tidal.model.pipe import SetShare
    from tidal.users import User

LOOK_S = 0.5
"""The longest sleep."""


class Guest(Member):
    """A user that makes visits.

    Attributes:
        arrival: the one that it serves; None while it is at rest.
        is_fresh: whether this visit is its only one.
    """

    def __init__(self, key: Key, arrival: Arrival, *, is_fresh: bool) -> None:
        super().__init__(key)
        self.arrival: Arrival | None = arrival
        self.is_fresh = is_fresh
        self.called = Flag()
        self.wanted = False  # nobody comes back without an arrival

    @property
    def is_idle(self) -> bool:
        """Whether it is at rest: a visit goes on through its waits, as long as the stop timeout lets it."""
        return self.arrival is None

    def tell(self, state: str) -> None:
        """A user in a visit does not hear of a stop: it may finish, and comes to no other."""
        if state != STOPPING or self.kills:
            super().tell(state)


class Numbers:
    """The numbers of pooled users of one class: the lowest that lies in an own slot and is nobody's."""

    def __init__(self, order: SetShare, first: int) -> None:
        self._owned, self._next = Owned(order.mine, order.slots, first), 0
        self._mine, self._slots, self._first = order.mine, order.slots, first
        self._back: list[int] = []

    @property
    def is_empty(self) -> bool:
        """Whether nobody belongs here."""
        return self._owned.is_empty

    def take(self, used: set[int]) -> int:
        """A number, now used."""
        while self._back:
            number = self._back.pop()
            if number not in used:
                return number
        while (number := self._owned[self._next]) in used:
            self._next += 1
        self._next += 1
        return number

    def give(self, number: int) -> None:
        """A number that nobody has any more."""
        if self.owns(number):
            self._back.append(number)

    def owns(self, number: int) -> bool:
        """Whether a user of this number belongs here."""
        return in_bitmap(self._mine, (number + self._first) % self._slots)


class Visitors(Population):
    """The users of this process that serve arrivals.

    Args:
        environment: what each user is given.
        recorder: counts arrivals, and how late they begin.
        clock: Redis time.
    """

    def __init__(self, environment: Environment, recorder: Recorder, clock: RedisClock) -> None:
        super().__init__(environment, recorder, clock.now_ms, lambda _: None)
        self._clock = clock
        self._timetable = Timetable()
        self._resting: dict[str, list[Guest]] = {}
        self._used: dict[str, set[int]] = {}
        self._numbers: dict[str, Numbers] = {}
        self._order: SetShare | None = None
        self.in_flight = 0

    def __repr__(self) -> str:
        return f"<Visitors {self.in_flight} in flight, {self.count} users>"

    # ------------------------------------------------------------------ turns

    def put(self, order: SetShare) -> None:
        """A new share."""
        self._timetable.put(order)

    def skip(self) -> None:
        """What is due now is others'."""
        self._timetable.skip(self._clock.now_us())
        self._heed_share()

    def turn(self) -> float:
        """Begin what is due; returns for how many seconds there is nothing to do."""
        self.meet(self._timetable.due(self._clock.now_us()))
        next_us = self._timetable.next_us()
        return LOOK_S if next_us is None else min(LOOK_S, max(0.0, (next_us - self._clock.now_us()) / 1e6))

    def meet(self, arrivals: Iterable[Arrival]) -> None:
        """Begin these."""
        self._heed_share()
        most = self._order.max_in_flight if self._order is not None else 0
        for done, arrival in enumerate(arrivals, 1):
            if self.in_flight >= most or arrival.name not in self.classes:
                self._recorder.begun.drop()
                continue
            self.in_flight += 1
            self._recorder.begun.start()
            self._recorder.visiting[arrival.name] = self._recorder.visiting.get(arrival.name, 0) + 1
            self._serve(arrival)
            if done % SPAWNS_AT_ONCE == 0:
                gevent.sleep(0)

    def _serve(self, arrival: Arrival) -> None:
        resting = self._resting.get(arrival.name, [])
        while resting:
            guest = resting.pop()
            if guest.deadline_ms is None:
                guest.arrival = arrival
                guest.called.set()
                return
        is_fresh = self._numbers[arrival.name].is_empty or (self._order is not None and self._order.fresh_users)
        number = arrival.index if is_fresh else self._number(arrival.name)
        self._spawn(Guest((arrival.name, number), arrival, is_fresh=is_fresh))

    def _number(self, name: str) -> int:
        used = self._used.setdefault(name, set())
        number = self._numbers[name].take(used)
        used.add(number)
        return number

    # ------------------------------------------------------------------ shares

    def _heed_share(self) -> None:
        """When another share holds, users whose numbers are not of it any more are let go."""
        current = self._timetable.current
        if current is None or current.order is self._order:
            return
        order = self._order = current.order
        self._numbers = {spec.name: Numbers(order, 1 + place) for place, spec in enumerate(order.mix)}
        for name, guests in self._resting.items():
            away = [g for g in guests if not self._numbers[name].owns(g.number)]
            self._resting[name] = [g for g in guests if g not in away]
            self.stop([g.key for g in away], 0)

    # ------------------------------------------------------------------ a guest's life

    def _note(self, member: Member, change: int) -> None:
        """User time is not planned where arrivals are; what is in flight is counted as it begins."""

    def _run(self, member: Member, user: User) -> None:
        if not isinstance(member, Guest):
            raise TypeError(f"{member!r} makes no visits")
        user._visits = True
        user._drive = lambda: self._visit_on(member, user)  # type: ignore[method-assign] # instead of tasks without end
        self._begin(member, user)
        user.run()

    def _begin(self, guest: Guest, user: User) -> None:
        """The visit begins: how late?"""
        due_us = guest.arrival.due_us if guest.arrival is not None else self._clock.now_us()
        user._late_us = max(0, self._clock.now_us() - due_us)
        self._recorder.begun.note_late(user._late_us)

    def _visit_on(self, guest: Guest, user: User) -> None:
        """Visit after visit."""
        while True:
            one_visit(user)
            if guest.is_fresh or guest.deadline_ms is not None:
                raise StopUser
            self._rest(guest, user)
            self._begin(guest, user)

    def _rest(self, guest: Guest, user: User) -> None:
        """Until another arrival takes this user."""
        self._ended_visit(guest)
        if guest.name in self._numbers and not self._numbers[guest.name].owns(guest.number):
            raise StopUser
        user._state, user._late_us = WAITING, None
        guest.called.clear()
        self._resting.setdefault(guest.name, []).append(guest)
        guest.called.wait()
        user._state = RUNNING

    def _ended_visit(self, guest: Guest) -> None:
        if guest.arrival is not None:
            guest.arrival = None
            self.in_flight -= 1
            self._recorder.visiting[guest.name] -= 1

    def _gone(self, member: Member) -> None:
        super()._gone(member)
        if not isinstance(member, Guest):
            return
        self._ended_visit(member)
        if member in (resting := self._resting.get(member.name, [])):
            resting.remove(member)
        if not member.is_fresh:
            self._used.get(member.name, set()).discard(member.number)
            if member.name in self._numbers:
                self._numbers[member.name].give(member.number)
