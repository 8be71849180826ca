"""Tickets in a generator: nobody begins an iteration without one, and each is used, put back or handed over once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
import pytest

from tidal.generator.environment import Environment
from tidal.generator.tickets import Tickets
from tidal.hooks import Events
from tidal.model.pipe import TakeTickets, WantTickets
from tidal.tasks import RUNNING, WAITING
from tidal.users import User, made_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Buyer(User):
    """A user class."""


class Office:
    """The agent's end of the pipe: keeps what it is told, hands out when told."""

    def __init__(self, *, per_user: bool = False) -> None:
        self.told: list[Any] = []
        self.tickets = Tickets(self.told.append, per_user=per_user)
        self._environment = Environment(user_classes=[Buyer], events=Events())
        self.begun: list[gevent.Greenlet] = []

    def user(self, number: int = 0) -> Any:
        """One that runs."""
        made = made_user(Buyer, self._environment, number)
        made._state = RUNNING
        return made

    def begins(self, user: Any) -> gevent.Greenlet:
        """A user wants to begin an iteration; whether it has."""
        self.begun.append(gevent.spawn(self.tickets.take, user))
        gevent.idle()
        return self.begun[-1]

    def gives(self, given: int, *, key: tuple[str, int] = ("", 0), life: int = 0) -> None:
        """So many in all; whoever waited goes on."""
        self.tickets.order(TakeTickets(life, ((*key, given),)))
        gevent.idle()

    def rows(self) -> list[tuple[Any, ...]]:
        """What was told since: to be given, given back, ended; the key where it is not the run's."""
        gevent.idle()
        news, self.told[:] = self.told[:], []
        return [row[2:] if row[0] == "" else row for want in news for row in want.rows]


@pytest.fixture
def office() -> Iterator[Callable[..., Office]]:
    """Makes offices; nobody waits on afterwards."""
    made: list[Office] = []

    def make(**more: Any) -> Office:
        made.append(Office(**more))
        return made[-1]

    yield make
    gevent.killall([one for each in made for one in each.begun])


def test_a_user_waits_for_its_ticket_and_may_be_stopped_meanwhile(office: Callable[..., Office]) -> None:
    """As between two tasks; whoever waits next gets it."""
    at = office()
    one, other = at.user(), at.user(1)
    first, second = at.begins(one), at.begins(other)
    assert [one._state, other._state] == [WAITING, WAITING]
    assert at.rows() == [(2, 0, 0), (3, 0, 0)], "for who waits, and one ahead"
    first.kill()
    at.gives(1)
    assert second.successful()
    assert (one._ticket, other._ticket is None, other._state) == (None, False, RUNNING)


def test_what_became_of_an_iteration_is_told(office: Callable[..., Office]) -> None:
    """Done counts; one that was cut off puts its ticket back, and the next user begins with it."""
    at = office()
    one, other = at.user(), at.user(1)
    at.gives(9)
    at.begins(one)
    at.gives(1)
    at.tickets.ended(one, is_done=False)
    assert at.begins(other).successful()
    at.tickets.ended(other, is_done=True)
    at.tickets.ended(other, is_done=True)
    assert at.rows()[-1][2] == 1
    assert not at.begins(one).ready()


def test_each_user_has_a_book_of_its_own(office: Callable[..., Office]) -> None:
    """When so many are wanted of each: another's tickets are nothing to it."""
    at = office(per_user=True)
    one, other = at.user(3), at.user(4)
    first, second = at.begins(one), at.begins(other)
    at.gives(1, key=("Buyer", 4))
    assert (first.ready(), second.ready()) == (False, True)
    assert {row[:2] for row in at.rows()} == {("Buyer", 3), ("Buyer", 4)}
    at.gives(2, key=("Buyer", 4))
    at.tickets.left(("Buyer", 4), is_last=False)
    assert at.rows()[-1][:4] == ("Buyer", 4, 2, 1)


def test_the_last_user_hands_over_what_is_left(office: Callable[..., Office]) -> None:
    """Not before, when others here share it; what comes afterwards goes back at once."""
    at = office()
    at.begins(at.user())
    at.gives(5)
    at.rows()
    at.tickets.left(("Buyer", 0), is_last=False)
    assert at.rows() == []
    at.tickets.left(("Buyer", 0), is_last=True)
    assert [row[1] for row in at.rows()] == [4]
    at.gives(7)
    assert [row[1] for row in at.rows()] == [6]


def test_when_all_have_gone_everything_is_given_back_at_once(office: Callable[..., Office]) -> None:
    """The generator ends: nothing is said later."""
    at = office()
    at.begins(at.user())
    at.gives(3)
    at.rows()
    at.tickets.give_back()
    assert [row[1] for want in at.told for row in (r[2:] for r in want.rows)] == [2]


def test_another_life_of_the_worker_begins_with_nothing(office: Callable[..., Office]) -> None:
    """What it had is another's: an iteration that was begun with it counts no more, and who waits asks anew."""
    at = office()
    begun, waits = at.user(), at.user(1)
    at.begins(begun)
    at.gives(1)
    waiting = at.begins(waits)
    at.rows()
    at.tickets.order(TakeTickets(1, ()))
    gevent.idle()
    (want,) = at.told
    assert isinstance(want, WantTickets)
    assert (want.life, want.rows) == (1, (("", 0, 2, 0, 0),))
    at.rows()
    at.tickets.ended(begun, is_done=True)
    assert at.rows() == []
    assert not waiting.ready()
    at.gives(1, life=1)
    assert waiting.successful()
