"""Users that wait share a timer: each is woken in its turn and never early, and whatever interrupts a wait does so."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gevent
import pytest
from gevent import get_hub
from gevent.event import AsyncResult
from gevent.pool import Group
from gevent.socket import socketpair

from tidal import User, constant, task
from tidal.generator.environment import Environment
from tidal.generator.sleepers import Sleepers, rest
from tidal.hooks import Events
from tidal.users import made_user

LONG_S = 3_600.0
PATIENCE_S = 30.0


def sleepers() -> Sleepers:
    """Those of this thread; there must have been a wait."""
    rest(0.001)
    hub: Any = get_hub()
    found: Sleepers = hub.tidal_sleepers
    return found


def let_begin() -> None:
    """Let what was spawned come to its first wait."""
    for _ in range(3):
        gevent.sleep(0)


@pytest.fixture(autouse=True)
def _loop_knows_the_time() -> None:
    """A loop that has not run for minutes thinks it is then, and a timeout of joinall's counts from there."""
    gevent.sleep(0)


def test_no_wait_is_shorter_than_asked() -> None:
    """Of hundreds at once, of lengths that share milliseconds or not; they end by their length."""
    chosen = random.Random(7)
    woken: list[float] = []

    def one(seconds: float) -> None:
        began_s = time.monotonic()
        rest(seconds)
        woken.append((time.monotonic() - began_s) - seconds)

    lives = [gevent.spawn(one, chosen.uniform(0.0001, 0.2)) for _ in range(300)]
    gevent.joinall(lives, timeout=PATIENCE_S)
    assert len(woken) == 300
    assert min(woken) >= 0


def test_any_number_is_a_length() -> None:
    """Also one of a kind that a clock's seconds do not add to."""
    for seconds in (Decimal("0.001"), Fraction(1, 1000)):
        rest(seconds)  # type: ignore[arg-type]


def test_they_wake_in_the_order_of_their_ends() -> None:
    """Not in that of their beginnings."""
    woken: list[float] = []

    def one(seconds: float) -> None:
        end_s = time.monotonic() + seconds
        rest(seconds)
        woken.append(end_s)

    lives = [gevent.spawn(one, seconds) for seconds in (0.15, 0.05, 0.1)]
    gevent.joinall(lives, timeout=PATIENCE_S)
    assert len(woken) == 3
    assert woken == sorted(woken)


def test_many_waits_are_one_timer() -> None:
    """Of the event loop, however many sleep for however long."""
    waiting = sleepers()
    before = get_hub().loop.activecnt
    lives = [gevent.spawn(rest, LONG_S + number) for number in range(200)]
    let_begin()
    assert get_hub().loop.activecnt <= before + 1
    assert repr(waiting).startswith("<Sleepers 200 in ")
    gevent.killall(lives, timeout=PATIENCE_S)


def test_who_is_killed_in_a_wait_leaves_nothing_behind() -> None:
    """Neither its place nor its moment, though that is an hour away; the others of the moment are woken."""
    waiting = sleepers()
    ends: list[str] = []

    def one(seconds: float) -> None:
        try:
            rest(seconds)
            ends.append("woken")
        except gevent.GreenletExit:
            ends.append("killed")

    spared = [gevent.spawn(one, 0.5) for _ in range(5)]
    for _ in range(5):  # on a busy machine who is due in half a second may be so before it is killed
        lives = [gevent.spawn(one, LONG_S + number) for number in range(500)] + [gevent.spawn(one, 0.5)]
        let_begin()
        gevent.killall(lives, timeout=PATIENCE_S)
    gevent.joinall(spared, timeout=PATIENCE_S)
    assert len(ends) == 2_510
    assert ends.count("killed") >= 2_500
    assert ends.count("woken") >= 5
    assert repr(waiting) == "<Sleepers 0 in 0 buckets>"
    assert len(waiting._ticks) < 600


def test_a_timeout_of_the_file_ends_a_wait_and_only_that() -> None:
    """The next wait lasts as long as it should: the moment of the first one does not end it."""
    told: AsyncResult[list[str]] = AsyncResult()

    def one() -> None:
        said = []
        try:
            with gevent.Timeout(0.01):
                rest(0.2)
        except gevent.Timeout:
            said.append("timeout")
        began_s = time.monotonic()
        rest(0.5)
        said.append("early" if time.monotonic() - began_s < 0.5 else "whole")
        told.set(said)

    gevent.spawn(one)
    assert told.get(timeout=PATIENCE_S) == ["timeout", "whole"]


def test_a_bare_greenlet_that_fails_as_it_wakes_harms_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    """It is told of, as gevent does; whoever is due with it wakes."""
    woken: list[int] = []

    def bad() -> None:
        rest(0.05)
        raise ValueError("bare")

    def good() -> None:
        rest(0.05)
        woken.append(1)

    for _ in range(3):
        gevent.spawn_raw(bad)
    lives = [gevent.spawn(good) for _ in range(3)]
    gevent.joinall(lives, timeout=PATIENCE_S)
    assert woken == [1, 1, 1]
    assert capfd.readouterr().err.count("ValueError: bare") == 3


def test_a_herd_lets_the_network_have_its_turn() -> None:
    """Users that are due at once and busy each do not run all before an answer that lies ready is read."""
    ours, theirs = socketpair()
    turns: list[str] = []

    def one() -> None:
        rest(0.05)
        until_s = time.monotonic() + 0.004
        while time.monotonic() < until_s:
            pass
        turns.append("user")

    def reader() -> None:
        ours.recv(1)
        turns.append("answer")

    lives = [gevent.spawn(one) for _ in range(50)] + [gevent.spawn(reader)]
    let_begin()
    theirs.send(b"x")
    gevent.joinall(lives, timeout=PATIENCE_S)
    ours.close()
    theirs.close()
    assert turns.count("user") == 50
    assert turns[-1] == "user"


@pytest.mark.parametrize("seconds", [0, 0.0, -1, float("nan")])
def test_no_wait_is_a_turn_for_the_others(seconds: float) -> None:
    """As ever."""
    turns: list[str] = []

    def one() -> None:
        turns.append("first")
        rest(seconds)
        turns.append("last")

    lives: list[Any] = [gevent.spawn(one), gevent.spawn(turns.append, "other")]
    gevent.joinall(lives, timeout=PATIENCE_S)
    assert turns == ["first", "other", "last"]


def test_a_wait_without_end_can_be_ended() -> None:
    """`inf` is a wait as well."""
    life = gevent.spawn(rest, float("inf"))
    let_begin()
    assert not life.dead
    life.kill(timeout=PATIENCE_S)
    assert life.dead


def test_a_user_that_waits_is_stopped_at_once() -> None:
    """Its `on_stop` runs, and it does not wake any more."""
    seen: list[str] = []

    class Sleeper(User):
        wait_time = constant(LONG_S)

        @task
        def nothing(self) -> None:
            seen.append("task")

        def on_stop(self) -> None:
            seen.append("stop")

    user: Any = made_user(Sleeper, Environment(user_classes=[Sleeper], events=Events()), 0)
    life = user.start(Group())
    let_begin()
    assert user.stop()
    gevent.joinall([life], timeout=PATIENCE_S)
    assert life.dead
    assert seen == ["task", "stop"]


def test_the_last_who_is_killed_leaves_no_timer() -> None:
    """A loop with nothing else to do would go on for it, for an hour; who sleeps next is woken all the same."""
    sleepers()
    before = get_hub().loop.activecnt
    life = gevent.spawn(rest, LONG_S)
    let_begin()
    assert get_hub().loop.activecnt == before + 1
    life.kill(timeout=PATIENCE_S)
    assert get_hub().loop.activecnt == before
    rest(0.001)


def test_the_last_who_is_killed_while_others_wake_leaves_no_timer() -> None:
    """It was due later; those who were due now woke, and one of them ended it."""
    sleepers()
    before = get_hub().loop.activecnt
    last = gevent.spawn(rest, LONG_S)

    def one() -> None:
        rest(0.05)
        last.kill(block=False)

    gevent.joinall([gevent.spawn(one), last], timeout=PATIENCE_S)
    assert last.dead
    gevent.sleep(0)
    assert get_hub().loop.activecnt == before


def test_who_is_killed_in_a_turn_for_the_others_is_not_woken_later() -> None:
    """What would have switched to it is taken back."""
    ends: list[str] = []

    def one() -> None:
        try:
            rest(0)
        except gevent.GreenletExit:
            ends.append("killed")
        rest(0.01)
        ends.append("slept")

    life = gevent.spawn(one)
    get_hub().loop.run_callback(life.throw, gevent.GreenletExit)  # after its beginning, before its next turn
    gevent.joinall([life], timeout=PATIENCE_S)
    assert ends == ["killed", "slept"]
