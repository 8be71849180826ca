"""Recording: exact counts in the right second and the right batch, and bounds for what user code makes up."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.flow import CatchResponseError
from tidal.generator import recorder as module
from tidal.generator.population import UserGreenlet
from tidal.generator.recorder import STILL_MS, Recorder, failure_text, whole_bytes, whole_us
from tidal.generator.stages import Stages, class_of_caller
from tidal.model.codec import PipeReader, pack_message
from tidal.model.events import StageSpec
from tidal.model.stats import Tally
from tidal.model.words import OTHER

START_US = 1_000_000_000_000


class Clock:
    """Redis time that stands still until it is told."""

    def __init__(self) -> None:
        self.us = START_US

    def __call__(self) -> int:
        """Redis time in µs."""
        return self.us


def recorder() -> tuple[Clock, Recorder]:
    """A recorder at a moment that the clock tells."""
    clock = Clock()
    return clock, Recorder(clock)


def test_a_sample_is_in_the_second_and_batch_of_its_completion() -> None:
    """And in no other."""
    clock, rec = recorder()
    rec.sample("GET", "/", 12.5, 100)
    clock.us += 999_999
    rec.sample("GET", "/", 0.25, 50)
    first = rec.take()
    clock.us += 1
    rec.sample("GET", "/", 3.0, 1, exception=CatchResponseError("bad"))
    second = rec.take()
    ((block,), (later,)) = first.blocks, second.blocks
    tally = block.tallies["GET", "/"]
    assert (block.second, later.second) == (START_US // 1_000_000, START_US // 1_000_000 + 1)
    assert (tally.requests, tally.failures, tally.total_us, tally.min_us, tally.bytes) == (2, 0, 12_750, 250, 150)
    assert later.tallies["GET", "/"].failures == 1
    assert [(f.name, f.error, f.occurrences, f.first_ms) for f in second.failures] == [
        ("/", "bad", 1, clock.us // 1000)
    ]
    assert first.to_ms == second.from_ms


def test_what_users_send_is_taken_as_it_can_be() -> None:
    """No time, not a number, negative, bytes for a name, lone surrogates: counted, and fit for the pipe."""
    _, rec = recorder()
    for time_ms in (None, float("nan"), -5, float("inf"), 1e300):
        rec.sample(b"GET", "/\ud800", time_ms, -3)
    rec.cancel("GET", "/")
    batch = rec.take()
    (block,) = batch.blocks
    assert sum(t.requests for t in block.tallies.values()) == 5
    assert sum(t.untimed for t in block.tallies.values()) == 3
    assert block.tallies["GET", "/"].cancelled == 1
    assert PipeReader().feed(pack_message(batch)) == [batch]


SAMPLES = st.lists(
    st.tuples(
        st.one_of(
            st.floats(0, 100_000),
            st.sampled_from([None, 0.0004, 0.001, 7, math.nan, math.inf, -1.0, 1e12, "3", "soon", [], 10**400]),
        ),
        st.one_of(st.integers(0, 5_000), st.sampled_from([-1, None, True, 1 << 60, math.nan, math.inf, "many"])),
        st.booleans(),
    ),
    max_size=40,
)


@given(SAMPLES, st.integers(1, 1_000))
def test_samples_that_wait_for_their_page_are_counted_as_others(
    samples: list[tuple[Any, Any, bool]], ticks_a_us: int
) -> None:
    """Whatever a sample is, and whichever clock ends the page: the sums are those of one count for each."""
    clock, by_pages, one_by_one = Clock(), Tally(), Tally()
    rec = Recorder(clock, lambda: clock.us * ticks_a_us + 12_345, ticks_a_us)
    expected, found = Counter[int](), Counter[int]()
    for number, (time_ms, length, is_failed) in enumerate(samples):
        clock.us += 100_000
        expected[clock.us // 1_000_000] += 1
        rec.sample("GET", "/", time_ms, length, CatchResponseError("bad") if is_failed else None)
        one_by_one.add(whole_us(time_ms), whole_bytes(length), failed=is_failed)
        if number % 7 == 6 or number == len(samples) - 1:
            for block in rec.take().blocks:
                by_pages.merge(block.tallies["GET", "/"])
                found[block.second] += block.tallies["GET", "/"].requests
    assert by_pages == one_by_one
    assert found == expected


@pytest.mark.parametrize("time_ms", ["soon", [], {}, 10**400, math.nan, math.inf])
def test_a_request_whose_time_is_no_number_is_counted_without_one(time_ms: Any) -> None:
    """It was made, whatever its client says of it: a row without a request would say that it was not."""
    rec = Recorder(Clock())
    rec.sample(["GET"], {"a": 1}, time_ms, "many")
    (block,) = rec.take().blocks
    tally = block.tallies["['GET']", "{'a': 1}"]
    assert (tally.requests, tally.untimed, tally.bytes, tally.histogram) == (1, 1, 0, {})


@pytest.mark.parametrize(("time_ms", "length"), [(5e7, 10), (1e300, 1 << 300)])
def test_whatever_users_say_of_requests_reaches_their_agent(time_ms: float, length: int) -> None:
    """Nanoseconds where milliseconds are meant, ten thousand times: no agent may call that nonsense."""
    rec = Recorder(Clock())
    for _ in range(10_000):
        rec.sample("GET", "/", time_ms, length)
    batch, reader = rec.take(), PipeReader()
    (told,) = reader.feed(pack_message(batch))
    assert told == batch
    tally = batch.blocks[0].tallies["GET", "/"]
    assert tally.average_us == min(time_ms * 1000, 86_400_000_000)
    assert tally.bytes == 10_000 * min(length, 1 << 40)


@given(
    st.lists(
        st.tuples(st.integers(0, 2_000), st.sampled_from(["start", "stop", "take"]), st.sampled_from("AB")), max_size=40
    )
)
def test_user_time_is_exact(steps: list[tuple[int, str, str]]) -> None:
    """However users come and go and batches are cut: the sum is the time that they ran, in whole ms, by second."""
    clock, rec = recorder()
    running, ran, batches, taken_us = {"A": 0, "B": 0}, {"A": 0, "B": 0}, [], clock.us
    for wait_ms, what, name in steps:
        if clock.us + wait_ms * 1000 > taken_us + STILL_MS * 1000:
            batches.append(rec.take())
            taken_us = clock.us
        clock.us += wait_ms * 1000
        for each, users in running.items():
            ran[each] += users * wait_ms
        if what == "take":
            batches.append(rec.take())
        elif what == "start" or running[name]:
            change = 1 if what == "start" else -1
            rec.moved(name, change)
            running[name] += change
    batches.append(rec.take())
    blocks = [b for batch in batches for b in batch.blocks]
    assert {n: sum(b.user_ms.get(n, 0) for b in blocks) for n in running} == ran
    assert all(a.to_ms == b.from_ms for a, b in pairwise(batches))
    by_second: dict[int, int] = {}
    for block in blocks:
        by_second[block.second] = by_second.get(block.second, 0) + block.user_ms.get("A", 0)
    assert all(ms <= 1000 * sum(1 for s in steps if s[1] == "start") for ms in by_second.values())


def test_samples_and_user_time_are_cut_by_stage_and_class() -> None:
    """In the very millisecond at which a stage ends; a sample of a greenlet that is no user's has no class."""
    clock, rec = recorder()
    began_ms = START_US // 1000
    rec.stages.put((StageSpec("up", 0, 300), StageSpec("hold", 300, 900)), began_ms)
    rec.moved("A", 2)
    user = UserGreenlet(rec.sample, "GET", "/", 1.0)
    user.user_class = "A"
    clock.us += 299_999
    rec.sample("GET", "/", 1.0)
    clock.us += 1
    user.start()
    user.join()
    clock.us += 700_000
    blocks = {(b.stage, b.user_class): b for b in rec.take().blocks}
    assert {cut: block.user_ms for cut, block in blocks.items() if block.user_ms} == {
        ("up", "A"): {"A": 600},
        ("hold", "A"): {"A": 1_200},
        ("", "A"): {"A": 200},
    }
    assert sorted(cut for cut, block in blocks.items() if block.tallies) == [("hold", "A"), ("up", "")]


def test_a_plan_that_changes_what_comes_keeps_what_was() -> None:
    """The stages of a newer plan hold at once; before the first and after the last there is none."""
    stages = Stages()
    stages.put((StageSpec("up", 10, 20),), 1_000)
    assert [stages.at(ms * 1000) for ms in (1_009, 1_010, 1_019, 1_020)] == ["", "up", "up", ""]
    stages.put((StageSpec("up", 10, 15), StageSpec("hold", 15, 40)), 1_000)
    assert [stages.at(ms * 1000) for ms in (1_014, 1_016, 1_040)] == ["up", "hold", ""]
    assert [stages.end_ms(ms) for ms in (1_000, 1_012, 1_020)] == [1_010, 1_015, 1_040]


def test_what_a_users_children_do_is_of_its_class() -> None:
    """However deep; what nobody's child does is nobody's."""
    told: list[str] = []

    def tell(depth: int) -> None:
        told.extend((class_of_caller(), class_of_caller()))
        if depth:
            gevent.spawn(tell, depth - 1).join()

    user = UserGreenlet(tell, 2)
    user.user_class = "Buyer"
    user.start()
    user.join()
    gevent.spawn(tell, 0).join()
    assert told == ["Buyer"] * 6 + [""] * 2


def test_users_of_a_process_that_stands_still_do_not_run() -> None:
    """Frozen, or kept by user code that never yields: nobody was simulated meanwhile."""
    clock, rec = recorder()
    rec.moved("A", 3)
    clock.us += 500_000
    rec.take()
    clock.us += 10_000_000
    assert rec.take().blocks == ()
    clock.us += 250_000
    assert sum(block.user_ms["A"] for block in rec.take().blocks) == 750


def test_another_servers_clock_is_followed() -> None:
    """A jump back loses no user and invents no time."""
    clock, rec = recorder()
    rec.moved("A", 1)
    clock.us -= 3_600_000_000
    assert rec.take().blocks == ()
    clock.us += 500_000
    batch = rec.take()
    assert sum(b.user_ms["A"] for b in batch.blocks) == 500
    assert batch.from_ms <= batch.to_ms


def test_what_users_can_make_up_is_bounded() -> None:
    """Endpoints, failures and exceptions beyond their bounds are counted as (other)."""
    _, rec = recorder()
    for n in range(module.ENDPOINTS_MAX + 50):
        rec.sample("GET", f"/{n}", 1.0, 0, exception=f"error {n}")
    firsts = sum(rec.error(ValueError(f"mistake {n}")) for n in range(module.EXCEPTIONS_MAX + 50))
    batch = rec.take()
    tallies = batch.blocks[0].tallies
    assert len(tallies) == module.ENDPOINTS_MAX + 1
    assert tallies["", OTHER].requests == 50
    assert sum(f.occurrences for f in batch.failures) == module.ENDPOINTS_MAX + 50
    assert len(batch.failures) <= module.FAILURES_MAX + 1
    assert firsts == module.EXCEPTIONS_MAX
    assert {e.message: e.occurrences for e in batch.exceptions}[OTHER] == 50


def mistaken() -> None:
    """What user code does."""
    raise KeyError("mine")


def test_exceptions_are_grouped_and_begin_at_the_users_line() -> None:
    """Same message, same place: one row."""
    _, rec = recorder()
    for _ in range(3):
        try:
            mistaken()
        except KeyError as error:
            rec.error(error)
    (tally,) = rec.take().exceptions
    assert (tally.message, tally.occurrences) == ("KeyError: 'mine'", 3)
    assert 'raise KeyError("mine")' in tally.traceback


def test_a_traceback_names_the_file_as_the_user_does() -> None:
    """Not by the folder of one worker, which is gone later and different on each: it would split the row."""
    _, rec = recorder()
    for folder in ("/tmp/tidal-run-a1b2/", "/var/tmp/tidal-run-c3/"):  # noqa: S108 - nothing is written there
        try:
            exec(compile("raise KeyError('mine')", f"{folder}shop/users.py", "exec"), {})  # noqa: S102 - user code
        except KeyError as error:
            rec.error(error)
    tracebacks = {tally.traceback for tally in rec.take().exceptions}
    assert len(tracebacks) == 1
    assert 'File "shop/users.py", line 1' in tracebacks.pop()


def test_a_failures_text_has_no_addresses_and_a_bound() -> None:
    """Else every occurrence would be a row of its own."""
    assert failure_text(OSError("<Connection at 0x7f6a5c0b1d30>: refused")) == "OSError('<Connection at 0x…>: refused')"
    assert failure_text("plain") == "plain"
    assert len(failure_text("x" * 9_999)) == module.MESSAGE_MAX


def test_iterations_are_those_since_the_last_batch() -> None:
    """The list is shared with the users."""
    _, rec = recorder()
    rec.iterations[:] = [4, 2, 1, 0]
    assert rec.take().iterations == (4, 2, 1, 0)
    assert rec.take().iterations == (0, 0, 0, 0)
