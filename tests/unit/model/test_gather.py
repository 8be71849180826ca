from __future__ import annotations

from typing import Any

import pytest
from draws import BLOCK, built
from histories import T0, block, report, tally
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.codec import ENTRY_BYTES_MAX, pack
from tidal.model.each import Spans
from tidal.model.events import Block, ExceptionTally, FailureTally, GeneratorState, PaceTally, Reported
from tidal.model.gather import (
    BLOCKS_MAX,
    KINDS_MAX,
    ROWS_MAX,
    SPAN_MAX,
    Gathering,
    bytes_at_most,
    fits,
    fitting,
    merge_reports,
)
from tidal.model.pipe import Batch
from tidal.model.reports import WATCHES_MAX, Watch
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.wire import to_wire

FAILURES = st.lists(st.builds(FailureTally, *[st.sampled_from("ab")] * 3, *[st.integers(1, 9)] * 3), max_size=3)
EXCEPTIONS = st.lists(st.builds(ExceptionTally, *[st.sampled_from("ab")] * 2, st.integers(1, 9)), max_size=3)
QUAD = st.tuples(*[st.integers(0, 9)] * 4)
BATCH = st.builds(
    lambda blocks, failures, exceptions, iterations: Batch(
        T0, T0, tuple(blocks), tuple(failures), tuple(exceptions), iterations=iterations
    ),
    st.lists(BLOCK, max_size=3),
    FAILURES,
    EXCEPTIONS,
    QUAD,
)
Sums = tuple[dict[tuple[str, str], Tally], dict[str, int], dict[object, int], dict[object, int], tuple[int, ...]]


def _sums(*parts: Batch | Reported) -> Sums:
    """All that is counted, wherever it stands."""
    tallies: dict[tuple[str, str], Tally] = {}
    user_ms: dict[str, int] = {}
    failures: dict[object, int] = {}
    exceptions: dict[object, int] = {}
    for part in parts:
        for made in part.blocks:
            for key, counted in made.tallies.items():
                tallies.setdefault(key, Tally()).merge(counted)
            for name, ran_ms in made.user_ms.items():
                user_ms[name] = user_ms.get(name, 0) + ran_ms
        for f in part.failures:
            failures[f.method, f.name, f.error] = failures.get((f.method, f.name, f.error), 0) + f.occurrences
        for e in part.exceptions:
            exceptions[e.message, e.traceback] = exceptions.get((e.message, e.traceback), 0) + e.occurrences
    return tallies, user_ms, failures, exceptions, tuple(map(sum, zip(*[p.iterations for p in parts], strict=True)))


def _gathered(*batches: Batch) -> Reported:
    gathering = Gathering(T0)
    for batch in batches:
        gathering.add(batch)
    return gathering.report(T0 + 1_000, {"Buyer": 3}, (), 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(BATCH, min_size=1, max_size=4), st.integers(0, 4))
def test_the_cut_does_not_change_what_is_counted(batches: list[Batch], cut: int) -> None:
    """One report, or two that are merged, or the raw batches: the same sums."""
    whole = _gathered(*batches)
    two = merge_reports(_gathered(*batches[:cut]), _gathered(*batches[cut:]))
    assert _sums(whole) == _sums(two) == _sums(*batches)
    assert [b.second for b in whole.blocks] == sorted(b.second for b in whole.blocks)


@settings(max_examples=60, deadline=None)
@given(BATCH, BATCH)
def test_gathering_leaves_the_batches_alone(one: Batch, two: Batch) -> None:
    """What came over a pipe is not changed by what comes after it."""
    before = pack([to_wire(one), to_wire(two)])
    merge_reports(_gathered(one, two), _gathered(two, one))
    assert pack([to_wire(one), to_wire(two)]) == before


def test_a_report_begins_where_the_last_one_ended() -> None:
    """Nothing is counted twice, and nothing falls between; a clock that ran back makes no negative interval."""
    gathering = Gathering(T0)
    gathering.add(Batch(T0, T0, (block(),)))
    had_something = not gathering.is_empty
    first = gathering.report(T0 + 1_000, {}, (), 0, 0)
    second = gathering.report(T0 + 900, {}, (), 0, 0)
    assert (first.from_ms, first.to_ms, second.from_ms, second.to_ms) == (T0, T0 + 1_000, T0 + 1_000, T0 + 1_000)
    assert (had_something, len(first.blocks), second.blocks, gathering.is_empty) == (True, 1, (), True)


def test_the_gauges_are_of_the_later_report() -> None:
    """Users, generators and CPU are no sums; arrivals and iterations are."""
    states = (GeneratorState(1, 7, "running", 3),)
    one = report(users={"Buyer": 9}, cpu_permille=9, iterations=(1, 1, 0, 0), arrivals=(3, 2, 1))
    two = report(to_ms=2_000, users={"Buyer": 3}, generators=states, iterations=(2, 1, 1, 0), arrivals=(1, 1, 0))
    merged = merge_reports(one, two)
    assert (merged.users, merged.generators, merged.cpu_permille) == ({"Buyer": 3}, states, 0)
    assert (merged.iterations, merged.arrivals) == ((3, 2, 1, 0), (4, 3, 1))
    assert (merged.from_ms, merged.to_ms) == (T0, T0 + 2_000)


def test_seconds_are_kept_apart_up_to_a_bound() -> None:
    """Beyond it the oldest are added together and say so in their span."""
    made = _gathered(*[Batch(T0, T0, (block(second),)) for second in range(BLOCKS_MAX + 30)])
    assert (len(made.blocks), made.blocks[0].span, made.blocks[1].span) == (BLOCKS_MAX, 31, 1)
    assert sum(b.user_ms["Buyer"] for b in made.blocks) == (BLOCKS_MAX + 30) * 1_000


def test_stages_and_classes_are_kept_apart_up_to_a_bound() -> None:
    """What was measured in a stage, or by a class, stays so however much is merged; too many of them become one."""
    second = T0 // 1000
    blocks = [replace(block(s), second=second + s, stage=f"s{s % 2}") for s in range(BLOCKS_MAX + 30)]
    made = _gathered(Batch(T0, T0, tuple(blocks)))
    assert len(made.blocks) == BLOCKS_MAX
    by_stage = [sum(b.user_ms["Buyer"] for b in made.blocks if b.stage == name) for name in ("s0", "s1")]
    assert by_stage == [(BLOCKS_MAX + 30) * 500] * 2
    many = _gathered(Batch(T0, T0, tuple(replace(block(0), user_class=f"C{i}") for i in range(2 * KINDS_MAX))))
    assert len({b.user_class for b in many.blocks}) == KINDS_MAX + 1
    assert sum(b.user_ms["Buyer"] for b in many.blocks if b.user_class == "(other)") == KINDS_MAX * 1_000


def test_many_classes_of_a_large_fleet_know_each_second() -> None:
    """Forty classes of eight seconds are forty blocks when they are put together, however many they were before."""
    gathering, first_s = Gathering(T0), T0 // 8_000 * 8
    for second in range(first_s, first_s + 10):
        made = tuple(Block(second, 1, {}, {f"C{i}": 1_000}, user_class=f"C{i}") for i in range(40))
        gathering.add(Batch(second * 1_000, second * 1_000, made))
    told = gathering.report((first_s + 9) * 1_000, {}, (), 0, 0, spans=Spans(8)).blocks
    assert [(b.second, b.span, b.user_ms) for b in told] == [(first_s, 8, {b.user_class: 8_000}) for b in told]
    assert len([b for b in told if b.each is not None]) == 40
    rest = gathering.report((first_s + 10) * 1_000, {}, (), 0, 0, spans=Spans(8, is_last=True)).blocks
    assert [(b.second, b.span) for b in rest] == [(first_s + 8, 2)] * 40


def test_classes_keep_their_names_however_many_seconds_their_blocks_have() -> None:
    """After an outage there are blocks of one second and of many; the bound is on stages and classes alone."""
    first_s = T0 // 8_000 * 8
    names = [f"C{i}" for i in range(KINDS_MAX // 2)]
    reports = []
    for begin_s, span_s in ((first_s, 8), (first_s + 8, 4), (first_s + 16, 2)):
        seconds = [Block(begin_s + s, 1, {}, {n: 9}, user_class=n) for n in names for s in range(span_s)]
        reports.append(report(*Spans(8).joined(seconds)))
    merged = merge_reports(merge_reports(*reports[:2]), reports[2])
    assert {b.user_class for b in merged.blocks} == set(names)
    assert sorted(b.span for b in merged.blocks) == [span for span in (2, 4, 8) for _ in names]


def test_a_clock_that_jumped_makes_no_span_that_is_refused() -> None:
    """Seconds that lie decades apart are added together all the same; the span is cut."""
    gathering = Gathering(0)
    gathering.add(Batch(T0, T0, tuple(Block(i << 30, 1, {}, {"Buyer": 1}) for i in range(BLOCKS_MAX + 1))))
    (oldest, *_) = gathering.report(T0, {}, (), 0, 0).blocks
    assert Block.from_wire(to_wire(oldest)).span == SPAN_MAX


def test_distinct_failures_and_exceptions_are_bounded() -> None:
    """An id in a message does not make a report of megabytes: the rest is counted under one row."""
    failures = tuple(FailureTally("GET", "/", f"no {i}", 1, i, i) for i in range(ROWS_MAX + 9))
    exceptions = tuple(ExceptionTally(f"boom {i}", "", 2) for i in range(ROWS_MAX + 9))
    made = _gathered(Batch(T0, T0, (), failures, exceptions))
    assert (len(made.failures), made.failures[-1].error, made.failures[-1].occurrences) == (ROWS_MAX + 1, "(other)", 9)
    assert (len(made.exceptions), made.exceptions[-1].occurrences) == (ROWS_MAX + 1, 18)


# ------------------------------------------------------------------ sizes


def _wide(seconds: int, endpoints: int) -> Reported:
    samples = tally([1_000 + 60 * i for i in range(60)])
    rows = {("GET", f"/a/path/{i}"): samples for i in range(endpoints)}
    return report(*[Block(T0 // 1000 + s, 1, rows, {"Buyer": 9}) for s in range(seconds)], iterations=(4, 4, 0, 0))


def test_merging_adds_seconds_together_rather_than_outgrow_an_entry() -> None:
    """Two halves of a hundred seconds of forty endpoints fit in one entry, with less detail and no count less."""
    one, two = _wide(50, 40), _wide(50, 40)
    two = replace(two, blocks=tuple(replace(b, second=b.second + 50) for b in two.blocks))
    merged = merge_reports(one, two)
    assert fits(merged)
    assert len(merged.blocks) < 100
    assert merged.blocks[0].span > 1
    assert _sums(merged) == _sums(one, two)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3), st.integers(0, 1_500), st.integers(0, 200), st.integers(0, 40))
def test_parts_fit_and_add_up(seconds: int, endpoints: int, failures: int, exceptions: int) -> None:
    """However large a report is, its parts fit in entries and count what it counted."""
    made = replace(
        _wide(seconds, endpoints),
        failures=tuple(FailureTally("GET", "/", f"{i} " * 600, 1, 1, 1) for i in range(failures)),
        exceptions=tuple(ExceptionTally(f"{i}", "line\n" * 1_600, 1) for i in range(exceptions)),
    )
    parts = fitting(made)
    assert _sums(*parts) == _sums(made)
    assert all(len(pack(to_wire(part))) < ENTRY_BYTES_MAX for part in parts)
    assert [part.users for part in parts] == [made.users] * len(parts)


@settings(max_examples=150, deadline=None)
@given(built(Reported))
def test_no_report_is_larger_than_it_is_thought(made: Reported) -> None:
    """What is thought to fit is not packed to see whether it does: an entry that is too large would be refused."""
    assert len(pack(to_wire(made))) <= bytes_at_most(made)


@pytest.mark.parametrize(
    "more",
    [
        {"pacing": tuple(PaceTally(f"{i} {'Buyer' * 20}", 1 << 40, 1 << 40, 1 << 40) for i in range(1_000))},
        {"watch": tuple(Watch(f"{i} {'é' * 1_000}", 60) for i in range(WATCHES_MAX))},
        {
            "generators": tuple(
                GeneratorState(i, 1, "up", 1, 0, {f"{n}": 1 << 40 for n in range(99)}) for i in range(40)
            )
        },
        {"arrivals": (99, 99, 0), "dated": {T0 // 1_000 + n: (1, 0, 0) for n in range(99)}},
        {"users": {f"{i} {'é' * 99}": 1 << 40 for i in range(1_000)}},
    ],
    ids=["paces", "watches", "classes of generators", "seconds", "users"],
)
def test_no_part_of_a_report_is_forgotten(more: dict[str, Any]) -> None:
    """Of what there can be hundreds in one."""
    made = report(**more)
    assert len(pack(to_wire(made))) <= bytes_at_most(made)


def test_an_ordinary_report_goes_as_it_is() -> None:
    """No copy, no parts."""
    made = _wide(2, 20)
    (part,) = fitting(made)
    assert part is made


def test_merged_failures_say_when_the_first_and_the_last_was() -> None:
    """Whichever of the reports has them."""

    def told(count: int, first_ms: int, last_ms: int) -> Reported:
        return report(failures=(FailureTally("GET", "/", "no", count, T0 + first_ms, T0 + last_ms),))

    for one, other in ((told(2, 100, 400), told(3, 50, 900)), (told(3, 50, 900), told(2, 100, 400))):
        assert merge_reports(one, other).failures == told(5, 50, 900).failures
