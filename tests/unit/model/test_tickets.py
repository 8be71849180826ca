"""A run of so many iterations: whoever dies, each ticket is used once at most, and the sums tell all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from histories import T0, by, changed, left, life, lost, opened, planned, seen, started
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.decide import decide
from tidal.model.fold import fold
from tidal.model.pipe import WantTickets
from tidal.model.senses import Senses
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.model.ticketing import Desk, Stock
from tidal.model.tickets import RUN, issue, sums, why_done

NAMES = ("w1", "w2")


def tell(state: State, happenings: Any) -> None:
    """Fold what was said: a master's entries get the next number."""
    for told in happenings:
        if isinstance(told, ev.ByWorker):
            fold(state, told)
        else:
            event, at_ms = (told.event, told.at_ms) if isinstance(told, ev.ByMaster) else (told, T0)
            fold(state, ev.ByMaster(1, state.log.n + 1, at_ms, event))


def limited(users: int = 4, **options: Any) -> State:
    """A run of so many iterations, on two workers that run."""
    state = State()
    tell(state, [opened(users=users, **options)])
    tell(state, [e for name in NAMES for e in (seen(name), changed(name, "running"))])
    tell(state, [started(), planned(*NAMES, users=users)])
    return state


def wants(name: str, seq: int, *totals: int, key: tuple[str, int] = RUN) -> ev.ByWorker:
    """A worker's totals of a key: to be lent, given back, ended, lost."""
    return by(name, seq, ev.TicketsWanted(((*key, *totals),)))


def granted(state: State) -> dict[str, int]:
    """What the master lends now, in all, to each worker; the log has it afterwards."""
    events = issue(state)
    tell(state, list(events))
    return {e.incarnation: e.rows[0][2] for e in events}


def with_one_in_flight_lost(**options: Any) -> State:
    """Ten are to do; w1 was lent five and ended four when it was lost, and w2 wants as many as it can get."""
    state = limited(iterations=10, **options)
    tell(state, [wants("w1", 1, 5, 0, 0, 0)])
    while granted(state):
        pass
    tell(state, [wants("w1", 2, 5, 0, 4, 0), lost("w1"), wants("w2", 1, 9, 0, 0, 0)])
    while granted(state):
        pass
    return state


# ------------------------------------------------------------------ histories


def test_nobody_gets_more_than_there_are() -> None:
    """Two workers want ten each of ten: together they get ten, and the last of them wait."""
    state = limited(iterations=10)
    tell(state, [wants("w1", 1, 10, 0, 0, 0), wants("w2", 1, 10, 0, 0, 0)])
    total: dict[str, int] = {}
    while now := granted(state):
        total |= now
    assert sum(total.values()) == 10
    assert min(total.values()) > 0
    assert not why_done(state)


def test_a_wish_says_how_many_in_all() -> None:
    """What was lent is not lent again, whoever repeats the wish; a smaller one takes nothing back."""
    state = limited(iterations=100)
    tell(state, [wants("w1", 1, 5, 0, 0, 0)])
    assert granted(state) == {life("w1"): 5}
    assert granted(state) == {}
    tell(state, [wants("w1", 2, 7, 0, 0, 0)])
    assert granted(state) == {life("w1"): 7}
    tell(state, [wants("w1", 3, 6, 0, 0, 0)])
    assert granted(state) == {}


def test_the_fewer_are_left_the_less_one_gets_at_once() -> None:
    """Half of a fair share each time, so that the last ones are where somebody has time for them."""
    state = limited(iterations=20)
    tell(state, [wants("w1", 1, 20, 0, 0, 0)])
    lent = []
    while found := granted(state):
        lent.append(found[life("w1")])
    assert lent == [5, 9, 12, 14, 16, 17, 18, 19, 20]
    alone = limited(iterations=20)
    tell(alone, [lost("w2"), wants("w1", 1, 20, 0, 0, 0)])
    assert granted(alone) == {life("w1"): 20}


def test_before_the_plan_nothing_is_counted() -> None:
    """Nobody knows for how many users."""
    state = State()
    tell(state, [opened(users=4, iterations_per_user=3)])
    assert (sums(state).wanted, sums(state).is_done) == (0, False)


def test_users_with_a_curve_of_their_own_are_counted_beside_the_others() -> None:
    """Two of a class that has one, and of nine of the mix the one that there can be."""
    state = State()
    begun = opened(users=9, iterations_per_user=2)
    classes = (ev.ClassSpec("Buyer", 1.0), ev.ClassSpec("Reader", 0.0, 1))
    tell(state, [replace(begun, event=replace(begun.event, classes=classes))])  # type: ignore[type-var]
    tell(state, [e for name in NAMES for e in (seen(name), changed(name, "running"))])
    tracks = (ev.Track("", ((0, 9.0),)), ev.Track("Buyer", ((0, 1.5),)), ev.Track("Buyer", ((0, 50.0),), "arrivals/s"))
    tell(state, [started(), replace(planned(*NAMES, users=9), tracks=tracks)])
    assert sums(state).wanted == 2 * (1 + 2)


def test_what_is_given_back_is_lent_to_others() -> None:
    """A worker that leaves with half of its tickets unused leaves them to the other."""
    state = limited(iterations=10)
    tell(state, [wants("w1", 1, 10, 0, 0, 0)])
    while granted(state):
        pass
    tell(state, [wants("w1", 2, 10, 6, 4, 0), wants("w2", 1, 10, 0, 0, 0), left("w1")])
    while granted(state):
        pass
    tell(state, [wants("w2", 2, 10, 0, 6, 0)])
    assert sums(state).completed == 10
    assert why_done(state) == "all 10 iterations are done"


def test_what_a_lost_worker_had_is_unknown() -> None:
    """Four of its five ended, one was in flight: it is not begun anew, and the run says so."""
    state = with_one_in_flight_lost()
    tell(state, [wants("w2", 2, 9, 0, 5, 0)])
    now = sums(state)
    assert (now.completed, now.unknown, now.open) == (9, 1, 0)
    assert why_done(state) == "all 10 iterations are done, 1 of them unknown"


def test_what_is_unknown_is_redone_when_the_run_was_told_to() -> None:
    """With --redo-unknown as many more are lent: ten complete."""
    state = with_one_in_flight_lost(redo_unknown=True)
    tell(state, [wants("w2", 2, 9, 0, 6, 0)])
    now = sums(state)
    assert (now.completed, now.redone, now.open) == (10, 1, 0)
    assert why_done(state) == "all 10 iterations are done"


def test_a_user_that_moves_goes_on_where_its_book_stands() -> None:
    """Buyer 0 did three of five on a worker that was lost with one in flight: one is left for the other worker."""
    state, key = limited(users=1, iterations_per_user=5), ("Buyer", 0)
    tell(state, [wants("w1", 1, 4, 0, 0, 0, key=key)])
    assert granted(state) == {life("w1"): 4}
    tell(state, [wants("w1", 2, 4, 0, 3, 0, key=key), lost("w1"), wants("w2", 1, 9, 0, 0, 0, key=key)])
    assert granted(state) == {life("w2"): 1}


def test_the_run_ends_when_its_work_is_done() -> None:
    """The master orders the stop by itself, and says why; a run of so many needs no viewer."""
    state = limited(iterations=2)
    tell(state, [wants("w1", 1, 2, 0, 0, 0)])
    while granted(state):
        pass
    before = decide(state, Senses(now_ms=T0 + 500, unwatched_ms=10**9))
    assert not [e for e in before if isinstance(e, ev.StopOrdered)]
    tell(state, [wants("w1", 2, 2, 0, 2, 0)])
    (stop,) = [e for e in decide(state, Senses(now_ms=T0 + 900)) if isinstance(e, ev.StopOrdered)]
    assert (stop.outcome, stop.reason) == ("finished", "all 2 iterations are done")


@pytest.mark.parametrize(
    ("weight", "fixed", "users"), [(1.0, 0, 3), (0.0, 3, 9)], ids=["as many as are wanted", "no more than there are"]
)
def test_so_many_for_each_user_are_done_when_every_user_has_done_its_own(weight: float, fixed: int, users: int) -> None:
    """Also one that nobody has heard of yet: the plan says how many there are."""
    state = State()
    begun = opened(users=users, iterations_per_user=2)
    classes = (ev.ClassSpec("Buyer", weight, fixed),)
    tell(state, [replace(begun, event=replace(begun.event, classes=classes))])  # type: ignore[type-var]
    tell(state, [e for name in NAMES for e in (seen(name), changed(name, "running"))])
    tell(state, [started(), planned(*NAMES, users=users)])
    for number, name in enumerate(["w1", "w2", "w1"]):
        assert (sums(state).wanted, sums(state).is_done, why_done(state)) == (6, False, "")
        tell(state, [wants(name, 2 * number + 1, 2, 0, 0, 0, key=("Buyer", number))])
        while granted(state):
            pass
        tell(state, [wants(name, 2 * number + 2, 2, 0, 2, 0, key=("Buyer", number))])
    assert why_done(state) == "all 6 iterations are done"


@pytest.mark.parametrize("rows", [(("", 0, 1, 2),), (("", -1, 2, 1),), (("", 0, 1 << 50, 1),)])
def test_nonsense_is_refused_where_it_is_born(rows: Any) -> None:
    """More given back than lent, negative numbers, sums out of all bounds."""
    with pytest.raises(ValueError, match="tickets"):
        ev.TicketsLent("w1.1", rows)


# ------------------------------------------------------------------ the whole way, with deaths


@dataclass
class Side:
    """A worker: its desk, the stocks of its generators, and what is on its way to the log."""

    name: str
    desk: Desk = field(default_factory=Desk)
    stocks: dict[int, Stock] = field(default_factory=lambda: {0: Stock(), 1: Stock()})
    in_flight: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    seq: int = 0
    is_lost: bool = False


class World:
    """Two workers of two generators each, and a master that reads what they say."""

    def __init__(self, wanted: int, *, redo: bool) -> None:
        self.state = limited(iterations=wanted, redo_unknown=redo)
        self.sides = [Side(name) for name in NAMES]
        self.begun = self.ended = 0

    def begin(self, side: Side, number: int) -> None:
        """A user begins an iteration, or waits for a ticket."""
        stock = side.stocks.get(number)
        if side.is_lost or stock is None:
            return
        if stock.take(0.0):
            side.in_flight[number] += 1
            self.begun += 1
            stock.waiting = 0
        else:
            stock.waiting = 1
        if stock.wants_more():
            self._say(side, number)

    def end(self, side: Side, number: int) -> None:
        """An iteration ends, and its generator says so."""
        if not side.is_lost and side.in_flight.get(number):
            side.in_flight[number] -= 1
            side.stocks[number].done += 1
            self.ended += 1
            self._say(side, number)

    def kill_generator(self, side: Side, number: int) -> None:
        """A generator dies with what it had; the other one goes on."""
        if not side.is_lost and number in side.stocks and len(side.stocks) > 1:
            del side.stocks[number], side.in_flight[number]
            side.desk.died(number)

    def lose(self, side: Side) -> None:
        """The worker dies, unless it is the last one."""
        if not side.is_lost and not any(other.is_lost for other in self.sides):
            side.is_lost = True
            tell(self.state, [lost(side.name)])

    def turn(self) -> None:
        """Words go to the master, its answer comes back."""
        for side in self.sides:
            for wish in [] if side.is_lost else side.desk.wishes():
                side.seq += 1
                tell(self.state, [by(side.name, side.seq, wish)])
        tell(self.state, list(issue(self.state)))
        for side in self.sides:
            lent = self.state.log.tickets.get(life(side.name), {})
            for number, order in [] if side.is_lost else side.desk.orders(lent):
                side.stocks[number].given = max([side.stocks[number].given, *(row[2] for row in order.rows)])

    def finish(self) -> None:
        """Everybody who lives goes on until the run is done."""
        for _ in range(400):
            for side in self.sides:
                for number in list(side.stocks):
                    self.begin(side, number)
                    while not side.is_lost and side.in_flight.get(number):
                        self.end(side, number)
            self.turn()
            if why_done(self.state):
                return
        raise AssertionError(f"the run does not end: {sums(self.state)}")

    def _say(self, side: Side, number: int) -> None:
        side.desk.heard(number, WantTickets(side.desk.life, (side.stocks[number].row(RUN),)))


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["begin"] * 6 + ["end"] * 4 + ["turn"] * 4 + ["kill_generator", "lose"]),
        st.integers(0, 1),
        st.integers(0, 1),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(st.integers(1, 30), st.booleans(), ACTS)
def test_each_ticket_is_used_once_whoever_dies(wanted: int, redo: bool, acts: list[tuple[str, int, int]]) -> None:  # noqa: FBT001 - hypothesis draws it
    """No more begin than were to; in the end each is completed or unknown, and without a death completed."""
    world = World(wanted, redo=redo)
    for act, who, number in acts:
        side = world.sides[who]
        if act == "turn":
            world.turn()
        elif act == "lose":
            world.lose(side)
        else:
            getattr(world, act)(side, number)
        now = sums(world.state)
        assert world.begun <= wanted + (now.unknown if redo else 0)
    world.finish()
    now = sums(world.state)
    assert now.completed + now.unknown == wanted + now.redone
    assert now.completed <= world.ended
    assert now.redone == (now.unknown if redo else 0)
    if not {"kill_generator", "lose"} & {act for act, _, _ in acts}:
        assert (now.completed, world.begun, world.ended) == (wanted, wanted, wanted)
