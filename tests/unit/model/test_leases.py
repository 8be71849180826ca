"""Positions of a counter, lent in blocks: whoever dies, none is handed out twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from histories import at, by, closed, entries, fold_all, folded, keyframed, left, life, lost, running, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import encode, entry_of
from tidal.model.decide import decide
from tidal.model.fold import fold_entry
from tidal.model.leases import COUNTERS_MAX, lend
from tidal.model.pipe import WantBlock
from tidal.model.senses import Senses
from tidal.model.spans import first_of, in_words, merged, shared, total, without
from tidal.model.state import State
from tidal.model.tenant import Stock, Tenants

ROWS = "rows:people.csv"

# ------------------------------------------------------------------ spans

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=8)


def positions(spans: Any) -> set[int]:
    """The positions of spans, one by one."""
    return {position for first, count in spans for position in range(first, first + count)}


@given(SPANS, SPANS, st.integers(0, 40))
def test_spans_are_sets_of_positions(a: Any, b: Any, count: int) -> None:
    """What is done to spans is what is done to the sets."""
    assert positions(merged(a, b)) == positions(a) | positions(b)
    assert positions(shared(a, b)) == positions(a) & positions(b)
    assert positions(without(a, b)) == positions(a) - positions(b)
    assert positions(first_of(merged(a), count)) == set(sorted(positions(a))[:count])
    for made in (merged(a, b), shared(a, b), without(a, b)):
        assert total(made) == len(positions(made))
        assert merged(made) == merged(made, made)


def test_spans_in_words() -> None:
    """As a story says it."""
    assert in_words([(200, 100), (310, 1)]) == "200-299, 310"
    assert in_words([(n * 10, 1) for n in range(8)]).endswith("50, and 2 more")


# ------------------------------------------------------------------ histories


def wanted(name: str, seq: int, ask: int = 1, count: int = 10, size: int = 100, **more: Any) -> ev.ByWorker:
    """A worker's wish for rows."""
    return by(name, seq, ev.BlockWanted(more.pop("counter", ROWS), ask, count, size, **more))


def leased(name: str, ask: int, first: int, count: int, size: int = 100, **more: Any) -> ev.BlockLeased:
    """The answer to a wish."""
    return ev.BlockLeased(ROWS, life(name), ask, first, count, size, **more)


def test_a_wish_is_answered_once() -> None:
    """With a block that nobody has had."""
    history = [running("w1", "w2"), wanted("w1", 1), wanted("w2", 1)]
    assert lend(folded(*history)) == [leased("w1", 1, 0, 10), leased("w2", 1, 10, 10)]
    assert lend(folded(*history, leased("w1", 1, 0, 10), leased("w2", 1, 10, 10))) == []


def test_the_fewer_are_left_the_shorter_are_the_blocks() -> None:
    """So that no worker hoards the last ones while others have none."""
    history = [running("w1", "w2"), wanted("w1", 1, count=1_000)]
    (first,) = lend(folded(*history))
    assert isinstance(first, ev.BlockLeased)
    assert first.count == 25, "a quarter, with two workers"
    history += [leased("w1", 1, 0, 97), wanted("w2", 1, count=50)]
    assert lend(folded(*history)) == [leased("w2", 1, 97, 1)]


def test_when_all_are_handed_out_everybody_is_told_and_the_story_says_it_once() -> None:
    """A block of nothing is the answer."""
    history = [running("w1", "w2"), leased("w1", 1, 0, 100), wanted("w2", 1)]
    assert lend(folded(*history)) == [leased("w2", 1, 100, 0)]
    state = folded(*history, leased("w2", 1, 100, 0), leased("w1", 2, 100, 0))
    assert [row.text for row in state.log.story if "handed out" in row.text] == [
        "all 100 rows of people.csv are handed out"
    ]


def test_a_counter_without_an_end_never_runs_out() -> None:
    """Rows that begin again."""
    assert lend(folded(running("w1"), wanted("w1", 1, size=0))) == [leased("w1", 1, 0, 10, 0)]


@pytest.mark.parametrize("history", [[lost("w2")], [left("w2")]])
def test_what_a_worker_held_is_lost_with_it_and_named(history: list[ev.Event]) -> None:
    """Used or not: nobody gets it again."""
    before = [running("w1", "w2"), leased("w1", 1, 0, 10), leased("w2", 1, 10, 10), *history]
    how = "was lost" if history == [lost("w2")] else "left"
    burned = ev.BlocksLost(ROWS, life("w2"), ((10, 10),), f"w2 {how} with them")
    assert lend(folded(*before)) == [burned]
    state = folded(*before, burned, wanted("w1", 1, ask=2))
    assert state.log.counters[ROWS].lost_count == 10
    assert state.log.story[-1].text == f"rows 10-19 of people.csv are lost: w2 {how} with them; nobody gets them again"
    (answer,) = lend(state)
    assert isinstance(answer, ev.BlockLeased)
    assert answer.first == 20


def test_what_a_worker_had_used_before_its_last_wish_is_not_lost() -> None:
    """Each wish says what is left."""
    history = [running("w1", "w2"), leased("w2", 1, 0, 50), wanted("w2", 1, ask=2, held=((40, 10),)), lost("w2")]
    (burned,) = lend(folded(*history))
    assert isinstance(burned, ev.BlocksLost)
    assert burned.spans == ((40, 10),)


def test_what_a_worker_that_leaves_has_not_used_is_lent_again() -> None:
    """A rolling deploy costs no row."""
    history: list[Any] = [running("w1", "w2"), leased("w2", 1, 0, 50)]
    history.append(wanted("w2", 1, ask=2, count=0, held=((40, 10),), is_last=True, seen=1))
    returned = ev.BlocksReturned(ROWS, life("w2"), 2, ((40, 10),))
    assert lend(folded(*history)) == [returned]
    state = folded(*history, returned, left("w2"), wanted("w1", 1, count=4))
    assert lend(state) == [leased("w1", 1, 40, 4)]
    assert state.log.counters[ROWS].lost_count == 0


def test_an_answer_that_a_leaver_never_read_is_free_again() -> None:
    """It was on its way when the worker left."""
    history: list[Any] = [running("w1", "w2"), leased("w2", 1, 0, 10), leased("w2", 2, 10, 10, kept=((8, 2),))]
    history.append(wanted("w2", 1, ask=3, count=0, held=((9, 1),), is_last=True, seen=1))
    assert lend(folded(*history)) == [ev.BlocksReturned(ROWS, life("w2"), 3, ((9, 11),))]


def test_a_worker_cannot_give_back_what_is_not_its_own() -> None:
    """Or another's rows would be handed out twice."""
    history: list[Any] = [running("w1", "w2"), leased("w1", 1, 0, 10), leased("w2", 1, 10, 10)]
    history.append(wanted("w2", 1, ask=2, held=((0, 20),), is_last=True, seen=1))
    assert lend(folded(*history)) == [ev.BlocksReturned(ROWS, life("w2"), 2, ((10, 10),))]
    forged = ev.BlocksReturned(ROWS, life("w2"), 2, ((0, 20),))
    assert folded(*history, forged).log.counters[ROWS].free == ((10, 10),)


@pytest.mark.parametrize(
    ("first", "count", "held"),
    [(20, 10, ((20, 10),)), (95, 10, ()), (5, 10, ()), (10, 10, ()), (10, 5, ((10, 5),)), (8, 4, ()), (20, 0, ())],
    ids=["new", "past the end", "another's", "half free", "free", "partly free", "nothing"],
)
def test_nobody_holds_what_is_not_there_or_is_another_s(first: int, count: int, held: Any) -> None:
    """Whatever a log says: w1 holds 0 to 9, 10 to 14 are free again, 15 to 19 are used."""
    history: list[Any] = [running("w1", "w2"), leased("w1", 1, 0, 10), leased("w2", 1, 10, 10)]
    history.append(ev.BlocksReturned(ROWS, life("w2"), 2, ((10, 5),)))
    record = folded(*history, leased("w2", 3, first, count)).log.counters[ROWS]
    assert record.leases[life("w2")].spans == held
    assert record.leases[life("w1")].spans == ((0, 10),)


def test_what_was_reached_of_an_endless_counter_is_not_lent_again() -> None:
    """Its end is nowhere, and a worker was lent more than the log that is left tells of."""
    for before in ([], [leased("w1", 1, 0, 10, size=0)]):
        (answer,) = lend(folded(running("w1"), *before, wanted("w1", 1, ask=2, size=0, reached=500)))
        assert (answer.first, answer.size) == (500, 0)  # type: ignore[union-attr]


@pytest.mark.parametrize(("names", "count"), [(("w1",), 50), (("w1", "w2"), 25), (("w1", "w2", "w3"), 17)])
def test_nobody_is_lent_more_than_half_of_its_fair_share(names: tuple[str, ...], count: int) -> None:
    """So that the last ones are where somebody has time for them."""
    (answer,) = lend(folded(running(*names), wanted("w1", 1, count=90)))
    assert answer.count == count  # type: ignore[union-attr]


def test_what_a_generator_held_is_named_with_the_next_wish() -> None:
    """Its worker lives on."""
    history = [running("w1"), leased("w1", 1, 0, 10), wanted("w1", 1, ask=2, held=((0, 4),), lost=((6, 4),))]
    burned, answer = lend(folded(*history))
    assert burned == ev.BlocksLost(ROWS, life("w1"), ((6, 4),), "a generator of w1 died with them")
    assert isinstance(answer, ev.BlockLeased)
    assert folded(*history, burned, answer).log.counters[ROWS].leases[life("w1")].spans == ((0, 4), (10, 10))


def test_workers_with_other_rows_get_none() -> None:
    """One with a file of its own: its row 7 is somebody else."""
    history = [running("w1", "w2"), leased("w1", 1, 0, 10), wanted("w2", 1, size=90)]
    (answer,) = lend(folded(*history))
    assert answer == leased("w2", 1, 0, 0, why="it has 90 where the run has 100")
    story = folded(*history, answer).log.story
    assert story[-1].text == "w2 gets no rows of people.csv: it has 90 where the run has 100"


def test_a_log_that_lost_its_tail_hands_nothing_out_twice() -> None:
    """Workers say how far they were lent."""
    history = [running("w1", "w2"), wanted("w2", 1, ask=3, reached=60), wanted("w1", 1)]
    (answer, _) = lend(folded(*history))
    assert isinstance(answer, ev.BlockLeased)
    assert answer.first == 60


def test_nothing_is_lent_before_the_start_and_after_the_stop() -> None:
    """What is held is given back all the same."""
    state = folded(running("w1", "w2"), leased("w1", 1, 0, 10), stopped(), wanted("w2", 1))
    assert lend(state) == []
    state = folded(running("w1"), leased("w1", 1, 0, 10), stopped(), wanted("w1", 1, ask=2, is_last=True))
    assert isinstance(lend(state)[0], ev.BlocksReturned)
    assert decide(folded(running("w1"), wanted("w1", 1), stopped(), closed()), Senses(0)) == []


def test_no_worker_fills_the_state() -> None:
    """Names of counters are bounded."""
    state = folded(running("w1"), *(wanted("w1", n, counter=f"rows:{n}") for n in range(1, COUNTERS_MAX + 9)))
    assert len(state.reports.incarnations[life("w1")].wants) == COUNTERS_MAX
    assert len(lend(state)) == COUNTERS_MAX
    more = folded(running("w1"), *(ev.BlockLeased(f"rows:{n}", "w1.1", 1, 0, 1) for n in range(COUNTERS_MAX + 9)))
    assert len(more.log.counters) == COUNTERS_MAX


def test_a_keyframe_keeps_who_holds_what() -> None:
    """A successor lends on."""
    state = folded(running("w1"), leased("w1", 1, 0, 10), wanted("w1", 1, ask=2, held=((5, 5),)))
    assert keyframed(state).digest() == state.digest()
    assert lend(keyframed(state)) == lend(state)


# ------------------------------------------------------------------ any sequence of events


class Worker:
    """A worker with two generators, as the agent and its children behave."""

    def __init__(self, name: str) -> None:
        self.name, self.number, self.seq = name, 1, 0
        self.state = State()
        self.read = 0
        self.tenants = Tenants()
        self.stocks = [Stock(0), Stock(0)]
        self.outbox: list[ev.ByWorker] = []
        self.is_left = self.is_dead = False

    @property
    def is_there(self) -> bool:
        """Whether its users run."""
        return not (self.is_left or self.is_dead)


class World:
    """A log, its master, and workers; messages go one by one, when the schedule says."""

    def __init__(self, size: int, workers: int) -> None:
        names = [f"w{n}" for n in range(1, workers + 1)]
        self.size = size
        self.log = entries(running(*names))
        self.state = fold_all(self.log)
        self.workers = [Worker(name) for name in names]
        for worker in self.workers:
            worker.stocks = [Stock(size), Stock(size)]
        self.used: Counter[int] = Counter()

    def append(self, signed: ev.ByMaster | ev.ByWorker) -> None:
        """One more entry."""
        stream = "log" if isinstance(signed, ev.ByMaster) else "reports"
        entry = entry_of(stream, self.log[-1].id._replace(seq=len(self.log)), encode(signed))
        self.log.append(entry)
        fold_entry(self.state, entry)

    def lead(self) -> None:
        """A turn of the master."""
        for event in lend(self.state):
            self.append(ev.ByMaster(1, self.state.log.n + 1, 1_700_000_000_000, event))

    def use(self, worker: Worker, number: int) -> None:
        """A user takes a row, or begins to wait for one."""
        stock = worker.stocks[number]
        position = stock.take(0.0)
        if position is not None:
            self.used[position] += 1
        elif not stock.is_over:
            stock.waiting += 1
        self.ask(worker, number)

    def ask(self, worker: Worker, number: int) -> None:
        """A generator asks its agent, when it needs to."""
        stock = worker.stocks[number]
        if count := stock.wish():
            worker.tenants.asked(number, WantBlock(ROWS, count, self.size, stock.spans))

    def turn(self, worker: Worker) -> None:
        """The agent reads the log, serves its generators, says what it needs; users that waited get theirs."""
        for entry in self.log[worker.read :]:
            if entry.stream == "log":
                fold_entry(worker.state, entry)
        worker.read = len(self.log)
        if worker.state.log.ended.get(life(worker.name, worker.number)) == "lost":
            worker.number, worker.seq = worker.number + 1, 0
            self._give(worker, worker.tenants.reborn())
            self.append(self._seen(worker))
        self._give(worker, worker.tenants.orders(worker.state.log, life(worker.name, worker.number)))
        self._put(worker, worker.tenants.wishes())

    def _seen(self, worker: Worker) -> ev.ByMaster:
        seen = ev.WorkerSeen(worker.name, f"host-{worker.name}", life(worker.name, worker.number), "host", 1, 1)
        return ev.ByMaster(1, self.state.log.n + 1, 1_700_000_000_000, seen)

    def _put(self, worker: Worker, wishes: list[ev.BlockWanted]) -> None:
        for wish in wishes:
            worker.seq += 1
            worker.outbox.append(by(worker.name, worker.seq, wish, number=worker.number))

    def _give(self, worker: Worker, orders: Any) -> None:
        for number, order in orders:
            stock = worker.stocks[number]
            stock.put(order)
            waiting, stock.waiting = stock.waiting, 0
            for _ in range(waiting if not stock.is_over else 0):
                self.use(worker, number)

    def hand_in(self, worker: Worker, *, again: bool = False) -> None:
        """What the worker says reaches the reports, perhaps twice."""
        for signed in worker.outbox * (2 if again else 1):
            self.append(signed)
        worker.outbox.clear()

    def lose(self, worker: Worker) -> None:
        """The master takes the worker for lost; whether it is dead is another matter."""
        incarnation = life(worker.name, worker.number)
        if incarnation not in self.state.log.ended:
            event = ev.WorkerLost(worker.name, incarnation, 0)
            self.append(ev.ByMaster(1, self.state.log.n + 1, 1_700_000_000_000, event))

    def leave(self, worker: Worker) -> None:
        """A worker goes in order."""
        for number, stock in enumerate(worker.stocks):
            worker.tenants.asked(number, WantBlock(ROWS, 0, self.size, stock.spans))
        self._put(worker, worker.tenants.farewells())
        worker.is_left = True

    def crash(self, worker: Worker, number: int) -> None:
        """A generator dies with what it holds."""
        worker.tenants.died(number)
        worker.stocks[number] = Stock(self.size)

    def happen(self, kind: str, worker: Worker, number: int) -> None:  # noqa: C901 - a table of what can happen
        """One step of a schedule."""
        if kind == "lead":
            self.lead()
        elif kind == "round":
            self.round()
        elif kind in {"hand in", "hand in twice"}:
            if not worker.is_dead:
                self.hand_in(worker, again=kind == "hand in twice")
        elif kind == "false loss":
            self.lose(worker)
        elif not worker.is_there:
            return
        elif kind == "use":
            self.use(worker, number)
        elif kind == "turn":
            self.turn(worker)
        elif kind == "leave":
            self.leave(worker)
        elif kind == "crash":
            self.crash(worker, number)
        elif kind == "die":
            worker.is_dead = True
            worker.outbox.clear()
            self.lose(worker)

    def round(self) -> None:
        """Every message arrives."""
        for worker in self.workers:
            if worker.is_there:
                self.turn(worker)
            if not worker.is_dead:
                self.hand_in(worker)
        self.lead()
        for worker in self.workers:
            if worker.is_there:
                self.turn(worker)

    def check(self) -> None:
        """Nobody has what another has, and nothing was used twice."""
        assert all(times == 1 for times in self.used.values())
        record = self.state.log.counters.get(ROWS)
        if record is None:
            assert not self.used
            return
        groups = [record.free, *(lease.spans for lease in record.leases.values())]
        assert sum(map(total, groups)) == total(merged(*groups)), "two have the same"
        assert not shared(record.lost, merged(*groups)), "what is lost is lent"
        assert all(sum(span) <= record.next <= (self.size or 1 << 62) for group in groups for span in group)
        assert all(position < record.next for position in self.used)


KINDS = ["use"] * 24 + ["round"] * 16 + ["turn"] * 8 + ["lead"] * 4 + ["hand in"] * 4
FAULTS = ["hand in twice", "false loss", "crash", "die", "leave"]


@st.composite
def schedules(draw: Any, faults: list[str]) -> Any:
    """A size, a number of workers, and what happens to whom."""
    workers = draw(st.integers(1, 3))
    step = st.tuples(st.sampled_from(KINDS + faults), st.integers(0, workers - 1), st.integers(0, 1))
    size = draw(st.sampled_from([0, 1, 7, 40, 200]))
    return size, workers, draw(st.lists(step, min_size=draw(st.integers(0, 80)), max_size=120))


@given(schedules(FAULTS))
@settings(max_examples=120, deadline=None)
def test_each_position_is_used_at_most_once_whatever_happens(schedule: Any) -> None:
    """Leases, repeats, losses true and false, generators that die, workers that leave: in any order."""
    size, workers, steps = schedule
    world = World(size, workers)
    for kind, worker, number in steps:
        world.happen(kind, world.workers[worker], number)
        world.check()


@given(schedules(["hand in twice"]))
@settings(max_examples=25, deadline=None)
def test_without_faults_every_position_is_used_exactly_once(schedule: Any) -> None:
    """To the last one, when the users go on asking."""
    size, workers, steps = schedule
    world = World(size, workers)
    for kind, worker, number in steps:
        world.happen(kind, world.workers[worker], number)
    for _ in range(size + 20):
        for worker in world.workers:
            for number in (0, 1):
                world.use(worker, number)
            world.turn(worker)
            world.hand_in(worker)
        world.lead()
    world.check()
    if size:
        assert set(world.used) == set(range(size))
        assert all(stock.is_over for worker in world.workers for stock in worker.stocks)


@given(schedules(FAULTS))
@settings(max_examples=60, deadline=None)
def test_whatever_is_neither_used_nor_lost_is_free_or_held(schedule: Any) -> None:
    """Nothing vanishes: when all workers have left, what is not used and not named as lost is free."""
    size, workers, steps = schedule
    world = World(size, workers)
    for kind, worker, number in steps:
        if kind != "false loss":
            world.happen(kind, world.workers[worker], number)
    for worker in world.workers:
        for _ in range(3):
            world.lead()
            if worker.is_there:
                world.turn(worker)
            world.hand_in(worker)
        if worker.is_there:
            world.leave(worker)
            world.hand_in(worker)
    world.lead()
    world.lead()
    record = world.state.log.counters.get(ROWS)
    if record is None:
        return
    gone = positions(record.lost) | positions(record.free) | set(world.used)
    assert gone >= set(range(record.next)), "a row is nowhere"
    assert not positions(record.free) & set(world.used)


def test_a_leases_moment_does_not_matter() -> None:
    """The two halves of the state commute."""
    wish, answer = wanted("w1", 1), leased("w1", 1, 0, 10)
    one, other = folded(running("w1"), wish, answer), folded(running("w1"), at(0, answer), wish)
    assert (one.log, one.reports) == (other.log, other.reports)
