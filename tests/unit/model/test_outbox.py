from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from histories import T0, T0_S, block, by, folded, report, running
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.codec import REPORTS, EntryId, decode, entry_of
from tidal.model.events import Block, ExceptionTally, FailureTally, GeneratorLost, Reported, WorkerFinished
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.gather import BLOCKS_MAX, merge_reports
from tidal.model.outbox import BATCH_MAX, CONFIRMED_MAX, STALLED_ACK_MS, UNSENT_MAX, Fields, Outbox
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.verdict import added_together


@dataclass
class World:
    """An outbox, a stream that may swallow replies, a master that folds, and who knows what."""

    outbox: Outbox = field(default_factory=lambda: Outbox("w1.1"))
    stream: list[Fields] = field(default_factory=list)
    state: State = field(default_factory=State)
    folded: int = 0
    put: int = 0
    now_ms: int = 0

    def measure(self, requests: int = 1) -> None:
        """The worker measured a second."""
        self.outbox.put(report(block(self.put % 50, requests), to_ms=1_000 * self.put + 1_000), T0)
        self.put += 1

    def hand_in(self, *, taken: bool = True, answered: bool = True) -> None:
        """An attempt; Redis took it or not, and its answer came or not."""
        self.now_ms += 250
        attempt = self.outbox.attempt(self.now_ms)
        assert len(attempt) <= BATCH_MAX
        if taken:
            self.stream += attempt
        if taken and answered:
            self.outbox.confirmed(self.safe, self.now_ms)
        else:
            self.outbox.failed()

    def fold(self) -> None:
        """The master folds and acknowledges what the stream holds."""
        for fields in self.stream[self.folded :]:
            fold_entry(self.state, entry_of(REPORTS, EntryId(T0 + 1_000 * self.put, 0), fields))
        self.folded = len(self.stream)

    @property
    def safe(self) -> int:
        """The watermark that the master acknowledged."""
        record = self.state.reports.incarnations.get("w1.1")
        return record.watermark if record else 0

    def drain(self) -> None:
        """Everything works again."""
        for _ in range(60):
            self.fold()
            self.hand_in()
            if self.outbox.is_empty:
                return
        raise AssertionError(f"{self.outbox} does not empty")

    @property
    def requests(self) -> int:
        """How many samples reached the state."""
        return sum(e.tally.requests for e in self.state.reports.endpoints.values())

    def held(self) -> int:
        """How many reports the outbox holds."""
        return len(self.outbox._unsent) + len(self.outbox._frozen)


ACTS = ["put", "put", "many", "sent", "unanswered", "down", "fold", "wait", "event"]
STEPS = st.lists(st.sampled_from(ACTS), max_size=40)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_sample_is_folded_exactly_once(steps: list[str]) -> None:
    """Whatever Redis and the masters do: losing attempts, losing answers, acknowledging late, staying away."""
    world, events = World(), 0
    for step in steps:
        if step in {"put", "many"}:
            for _ in range(1 if step == "put" else 45):
                world.measure()
        elif step == "event":
            world.outbox.put(GeneratorLost(1, 7, T0, T0 + events, "killed"), T0)
            events += 1
        elif step == "fold":
            world.fold()
        elif step == "wait":
            world.now_ms += STALLED_ACK_MS
        else:
            world.hand_in(taken=step != "down", answered=step == "sent")
        assert len(world.outbox._unsent) <= UNSENT_MAX + events
        assert world.held() <= UNSENT_MAX + events + CONFIRMED_MAX + BATCH_MAX
    world.drain()
    assert (world.requests, world.state.reports.lost_count) == (world.put, events)
    assert world.state.reports.refused.count == 0
    assert world.state.reports.user_ms == world.put * 1_000


def test_what_was_attempted_is_handed_in_again_byte_for_byte() -> None:
    """Nobody knows whether Redis has it: the fold must be able to tell the repeat by its identity."""
    world = World()
    world.measure()
    first = world.outbox.attempt(1_000)
    world.outbox.failed()
    world.measure()
    assert world.outbox.attempt(2_000)[:1] == first


def test_what_is_acknowledged_is_let_go() -> None:
    """Safe means folded, archived and fsynced: then the worker forgets it."""
    world = World()
    world.measure()
    world.hand_in()
    assert (world.outbox.is_sent, world.outbox.is_empty) == (True, False)
    world.fold()
    world.hand_in()
    assert (world.outbox.is_sent, world.outbox.is_empty) == (True, True)


@pytest.mark.parametrize("every_ms", [250, 1_000, 2_000])
def test_missing_acknowledgements_do_not_stop_appending(every_ms: int) -> None:
    """Without a master for minutes, reports still reach Redis soon; old confirmed ones are let go."""
    world, many = World(), 2 * (UNSENT_MAX + CONFIRMED_MAX)
    for _ in range(many):
        world.measure()
        world.now_ms += every_ms - 250
        world.hand_in()
        assert len(world.outbox._unsent) <= 2 * BATCH_MAX
        assert world.held() <= UNSENT_MAX + CONFIRMED_MAX + BATCH_MAX
    world.drain()
    assert world.requests == many


def test_what_redis_confirmed_is_handed_in_again_when_no_acknowledgement_comes() -> None:
    """A silent rollback behind a failover looks like this; the fold drops what it has."""
    world = World()
    world.measure()
    world.hand_in()
    world.stream.clear()  # the new primary never had it
    world.now_ms += STALLED_ACK_MS
    world.hand_in()
    assert len(world.stream) == 1


def test_what_was_never_attempted_is_merged() -> None:
    """Redis stays away: the oldest two become one with a range, then the next two, and no sample is lost."""
    world = World()
    for _ in range(UNSENT_MAX + 5):
        world.measure()
    assert world.held() == UNSENT_MAX
    signed = decode(entry_of(REPORTS, EntryId(1, 0), world.outbox.attempt(0)[0]))
    assert signed is not None
    assert (getattr(signed, "first", 0), getattr(signed, "last", 0)) == (1, 2)


def test_a_last_word_is_never_merged() -> None:
    """Only reports are; what happened keeps its place in the order."""
    world = World()
    for index in range(3 * UNSENT_MAX):
        world.measure()
        if index % 30 == 0:
            world.outbox.put(GeneratorLost(1, 7, T0, T0 + index, "killed"), T0)
    world.outbox.put(WorkerFinished("stopped"), T0)
    world.drain()
    assert world.state.reports.lost_count == 6
    assert world.state.reports.incarnations["w1.1"].finished
    assert world.requests == 3 * UNSENT_MAX


def _wide(second: int, endpoints: int, prefix: str = "/a/path") -> Block:
    tallies = {}
    for number in range(endpoints):
        made = Tally()
        for step in range(40):
            made.add(1_000 + 50 * step * (number + 1), 100, failed=False)
        tallies["GET", f"{prefix}/{number}"] = made
    return Block(T0_S + second, 1, tallies, {"Buyer": 1_000})


def _delivered(*events: Reported) -> State:
    outbox, state = Outbox("w1.1"), State()
    for event in events:
        outbox.put(event, T0)
    while attempt := outbox.attempt(0):
        for fields in attempt:
            fold_entry(state, entry_of(REPORTS, EntryId(T0 + 3_600_000, 0), fields))
        outbox.confirmed(0, 0)
    assert state.reports.refused.count == 0, state.reports.refused.why
    return state


def test_a_long_outage_makes_no_report_that_is_too_large_to_be_believed() -> None:
    """Ten minutes of twenty endpoints, merged: each entry stays below what the fold accepts, and all is counted."""
    one = _wide(0, 20)
    state = _delivered(*[report(replace(one, second=T0_S + s), to_ms=1_000 * s + 1_000) for s in range(600)])
    assert sum(e.tally.requests for e in state.reports.endpoints.values()) == 600 * 20 * 40
    assert state.reports.user_ms == 600 * 1_000


def test_seconds_that_were_added_together_are_counted_and_said() -> None:
    """Whose second nobody knows stands somewhere in a chart: a picture says how many. None is without an outage."""
    one, two = (report(*map(block, range(n, n + 100)), to_ms=1_000 * (n + 100)) for n in (0, 100))
    state = _delivered(merge_reports(one, two))
    requests, seconds = state.reports.together
    assert 200 - BLOCKS_MAX < requests < 200
    assert 1 < seconds <= 200
    (remark,) = added_together(state)
    assert remark.startswith(f"{requests} requests stood in charts at the first of up to {seconds} seconds")
    assert [*added_together(_delivered(one, two))] == []
    merged = report(replace(block(0, requests=7), span=4), replace(block(9), is_warmup=True), to_ms=4_000)
    shown = frame(folded(running("w1"), [by("w1", 1, merged), by("w1", 1, merged)]), T0 + 9_000)
    assert shown.verdict.remarks[0].startswith("7 requests stood in charts at the first of up to 4 seconds")


def test_a_report_of_very_many_endpoints_is_handed_in_in_parts() -> None:
    """An id in each name, and texts as long as allowed: more than one entry, every count in one of them."""
    failures = tuple(FailureTally("GET", f"/{i}", "no " * 500, 2, T0, T0) for i in range(300))
    exceptions = tuple(ExceptionTally(f"boom {i}", "line\n" * 1_500, 3) for i in range(60))
    event = report(
        _wide(0, 1_500, "/a/rather/long/path/with/an/id/in/it"),
        _wide(1, 1_500),
        failures=failures,
        exceptions=exceptions,
        users={"Buyer": 7},
        iterations=(5, 4, 1, 0),
    )
    reports = _delivered(event).reports
    assert sum(e.tally.requests for e in reports.endpoints.values()) == 2 * 1_500 * 40
    assert sum(f.occurrences for f in reports.failures.values()) == 600
    assert sum(sum(e.occurrences.values()) for e in reports.exceptions.values()) == 180
    assert (reports.user_ms, reports.iterations) == (2_000, (5, 4, 1, 0))
    assert reports.incarnations["w1.1"].users == {"Buyer": 7}
