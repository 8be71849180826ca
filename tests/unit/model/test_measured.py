from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from draws import BLOCK, MEASURED, metric_of, tally_of, transaction_of_runs
from histories import T0, by, folded, opened, report, seen, started
from hypothesis import given, settings
from hypothesis import strategies as st
from measured_sums import metric_of as found_metric
from measured_sums import tagged_of, transaction_of

from tidal.model.codec import pack, unpack
from tidal.model.events import Block, FailedRequest
from tidal.model.failures import FAILED_MAX, FAILED_OF_ONE_MAX
from tidal.model.fold import fold
from tidal.model.frame import frame
from tidal.model.gather import Gathering, fits, fitting, merge_reports
from tidal.model.measured import (
    DEPTH_MAX,
    ROWS_MAX,
    TAG_SETS_MAX,
    Measured,
    crowded,
)
from tidal.model.own_rows import CheckRow, MetricRow, TransactionRow
from tidal.model.pipe import Batch
from tidal.model.struct import replace
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from tidal.model.rows import Frame
    from tidal.model.state import State

NOW_MS = T0 + 5_000
SECOND = T0 // 1000 + 1


def sums(*parts: Measured) -> Measured:
    """All of them together."""
    made = Measured()
    for part in parts:
        made.merge(part)
    return made


def orders(count: int, tags: str = "") -> Measured:
    """So many values of one counter."""
    return Measured(metrics={("counter", "orders", "", tags): metric_of("counter", [(1, 0)] * count)})


def run_of(*blocks: Block, failed: tuple[FailedRequest, ...] = ()) -> State:
    """A run in which w1 reported these."""
    parts = fitting(report(*blocks, to_ms=4_000, failed=failed))
    return folded(opened(), seen("w1"), started(), [by("w1", n, part) for n, part in enumerate(parts, 1)])


def seen_of(measured: Measured) -> Frame:
    """The frame of a run with these."""
    return frame(run_of(Block(SECOND, measured=measured)), NOW_MS)


@settings(deadline=None)
@given(st.lists(MEASURED, max_size=4), st.permutations(range(4)))
def test_sums_know_no_order(parts: list[Measured], order: list[int]) -> None:
    """Whoever measured what, and whatever is added first."""
    assert sums(*parts) == sums(*(parts[i] for i in order if i < len(parts)))


@settings(deadline=None)
@given(MEASURED)
def test_it_survives_the_wire_and_being_halved(measured: Measured) -> None:
    """As msgpack carries it; the halves add up."""
    assert Measured.from_wire(unpack(pack(measured.to_wire()))) == measured
    assert sums(*measured.halves()) == measured


@settings(deadline=None, max_examples=50)
@given(st.lists(BLOCK, min_size=1, max_size=4))
def test_gathering_merging_and_splitting_lose_nothing(blocks: list[Block]) -> None:
    """From batches to reports and on to the fold."""
    whole = sums(*(block.measured for block in blocks))
    gathering = Gathering(T0)
    for block in blocks[1:]:
        gathering.add(Batch(T0, T0, (block,)))
    later = gathering.report(T0, {}, (), 0, 0)
    merged = merge_reports(report(blocks[0]), later)
    parts = [b.measured for part in fitting(merged) for b in part.blocks]
    assert sums(*parts) == whole


def test_a_report_with_much_in_it_goes_in_parts() -> None:
    """Each fits an entry; together they are the whole."""
    names = [f"{n}".rjust(180, "x") for n in range(800)]
    trends = {("trend", n, "", ""): metric_of("trend", [(v * 7.0, 0) for v in range(9)]) for n in names}
    runs = {((n,), ""): transaction_of_runs([(v * 1_000, 5, 1, False) for v in range(9)]) for n in names}
    whole = Measured(runs, trends, {("GET", n, "a=b"): tally_of([(9, 9, True, None)]) for n in names})
    parts = fitting(report(Block(SECOND, measured=whole)))
    assert len(parts) > 1
    assert all(map(fits, parts))
    assert sums(*(block.measured for part in parts for block in part.blocks)) == whole


def test_blocks_of_the_warm_up_are_in_no_figure() -> None:
    """As with requests: the run counts from then on."""
    state = run_of(Block(SECOND, is_warmup=True, measured=orders(5)), Block(SECOND + 1, measured=orders(2)))
    assert found_metric(state.reports.measured, "counter", "orders").count == 2


def test_too_many_tags_are_counted_together_and_that_is_said() -> None:
    """The sum of all stays exact; a remark of the verdict names what is crowded."""
    parts = [orders(2, f"user={n}") for n in range(TAG_SETS_MAX + 30)]
    state = run_of(*(Block(SECOND, measured=part) for part in parts))
    measured = state.reports.measured
    assert found_metric(measured, "counter", "orders").count == 2 * len(parts)
    assert found_metric(measured, "counter", "orders", OTHER).count == 60
    assert list(crowded(measured)) == [("counter orders", 60)]
    assert any(
        "60 of counter orders are counted under (other)" in line for line in frame(state, NOW_MS).verdict.remarks
    )


def test_too_many_names_are_counted_together() -> None:
    """By kind: what is added up must be of one kind."""
    state = run_of(
        *(
            Block(SECOND, measured=Measured({((f"t{n}",), ""): transaction_of_runs([(5, 0, 0, False)])}))
            for n in range(ROWS_MAX + 7)
        ),
        *(
            Block(SECOND, measured=Measured(metrics={("rate", f"m{n}", "", ""): metric_of("rate", [(1, 0)])}))
            for n in range(ROWS_MAX + 5)
        ),
        *(
            Block(SECOND, measured=Measured(tagged={("GET", f"/{n}", "a=b"): tally_of([(5, 0, False, None)])}))
            for n in range(ROWS_MAX + 3)
        ),
    )
    measured = state.reports.measured
    assert transaction_of(measured, (OTHER,)).whole.requests == 7
    assert found_metric(measured, "rate", OTHER).count == 5
    assert tagged_of(measured, OTHER).requests == 3
    assert measured.size == 3 * (ROWS_MAX + 1)


# ------------------------------------------------------------------ rows


def test_transactions_are_a_tree() -> None:
    """Depth first, whoever has not ended yet stands there for those inside."""
    runs = {
        (("shop", "pay"), ""): transaction_of_runs([(2_000, 500, 2, True)]),
        (("browse",), ""): transaction_of_runs([(1_000, 0, 1, False)]),
        (("browse",), "region=eu"): transaction_of_runs([(3_000, 0, 1, False)]),
    }
    rows = seen_of(Measured(runs)).transactions
    told = [(row.path, row.tags, row.depth, row.times, row.failures, row.requests, row.failed_requests) for row in rows]
    assert told == [
        (("browse",), "", 0, 2, 0, 2, 0),
        (("browse",), "region=eu", 0, 1, 0, 1, 0),
        (("shop",), "", 0, 0, 0, 0, 0),
        (("shop", "pay"), "", 1, 1, 1, 2, 1),
    ]
    pay: TransactionRow = rows[3]
    assert (pay.max_us, pay.busy_max_us, pay.median_us, pay.busy_median_us) == (2_500, 2_000, 2_500, 2_000)


def test_metrics_say_what_their_kind_has() -> None:
    """And zero where it has none."""
    metrics = {
        ("counter", "orders", "", ""): metric_of("counter", [(2, 0), (1.5, 0)]),
        ("gauge", "queue", "jobs", ""): metric_of("gauge", [(9, 1), (4, 2)]),
        ("rate", "hits", "", ""): metric_of("rate", [(1, 0), (0, 0), (0, 0), (1, 0)]),
        ("trend", "size", "", ""): metric_of("trend", [(2, 0), (4, 0)]),
    }
    rows = seen_of(Measured(metrics=metrics)).metrics
    assert rows == (
        MetricRow("hits", "rate", "", "", 4, 0.5, 0.0, 2, 0.0, 0.0, 0.0, 0.0, 0.0),
        MetricRow("orders", "counter", "", "", 2, 3.5, 0.7, 0, 0.0, 0.0, 0.0, 0.0, 0.0),
        MetricRow("queue", "gauge", "jobs", "", 2, 4.0, 0.0, 0, 4.0, 9.0, 0.0, 0.0, 0.0),
        MetricRow("size", "trend", "", "", 2, 3.0, 0.0, 0, 2.0, 4.0, rows[3].median, rows[3].p95, rows[3].p99),
    )
    assert abs(rows[3].median - 2) <= 0.01
    assert abs(rows[3].p99 - 4) <= 0.02


def test_checks_have_rows_of_their_own() -> None:
    """With tags below all of them."""
    checks = {
        ("check", "has id", "", ""): metric_of("check", [(1, 0), (0, 0)]),
        ("check", "has id", "", "region=eu"): metric_of("check", [(1, 0)]),
    }
    shown = seen_of(Measured(metrics=checks))
    assert shown.checks == (CheckRow("has id", "", 2, 1), CheckRow("has id", "region=eu", 1, 0))
    assert not shown.metrics


def test_requests_by_tags_stand_beside_the_endpoints() -> None:
    """Their own rows do not change."""
    tally = tally_of([(5_000, 1, False, None), (7_000, 1, True, None)])
    block = Block(SECOND, 1, {("GET", "/"): tally}, measured=Measured(tagged={("GET", "/", "region=eu"): tally}))
    shown = frame(run_of(block), NOW_MS)
    (row,) = shown.tagged
    assert (row.tags, row.name, row.requests, row.failures) == ("region=eu", "/", 2, 1)
    assert shown.total.requests == 2


def test_names_are_made_harmless() -> None:
    """They come from user code."""
    evil = "\x1b[31mred\u202e"
    shown = seen_of(
        Measured(
            {((evil,), evil): transaction_of_runs([(1, 0, 0, False)])},
            {
                ("trend", evil, evil, evil): metric_of("trend", [(1, 0)]),
                ("check", evil, "", ""): metric_of("check", []),
            },
        )
    )
    assert {row.path for row in shown.transactions} == {("red",)}
    assert {row.name for row in shown.metrics} == {"red"}
    assert {row.name for row in shown.checks} == {"red"}


# ------------------------------------------------------------------ failed requests


def failed_request(n: int, error: str = "boom", **more: Any) -> FailedRequest:
    """A failed request."""
    return FailedRequest(T0 + n, "GET", "/cart", error, status=500, **more)


def test_a_few_failed_requests_are_kept_and_the_rest_is_counted() -> None:
    """Of one endpoint and message, and of the run."""
    state = run_of(failed=tuple(failed_request(n) for n in range(FAILED_OF_ONE_MAX + 3)))
    assert len(state.reports.failed) == FAILED_OF_ONE_MAX
    many = tuple(failed_request(n, f"error {n}") for n in range(FAILED_MAX))
    fold(state, by("w1", 2, report(to_ms=4_500, failed=many)))
    shown = frame(state, NOW_MS)
    assert len(shown.samples) == FAILED_MAX
    assert shown.samples_dropped == 3 + FAILED_OF_ONE_MAX
    assert (shown.samples[0].worker, shown.samples[0].offset_ms, shown.samples[0].status) == ("w1", 0, 500)


def test_their_characters_are_bounded_too() -> None:
    """In the state, in a report, in one of them."""
    large = replace(failed_request(0), response_body="x" * 15_900)
    state = run_of(failed=tuple(replace(large, error=f"e{n}") for n in range(100)))
    assert state.reports.failed_chars <= 1_000_000
    assert state.reports.failed_dropped > 0
    gathering = Gathering(T0)
    gathering.add(Batch(T0, T0, (), failed=(large,) * 50))
    assert fits(gathering.report(T0, {}, (), 0, 0))
    with pytest.raises(ValueError, match="characters"):
        replace(large, response_body="x" * 16_001)


def test_a_body_keeps_its_lines_and_nothing_that_steers() -> None:
    """A terminal shows it."""
    body = "a\n\x1b]0;title\x07b\tc\n" + "y" * 3_000
    (row,) = frame(
        run_of(failed=(failed_request(1, response_body=body, response_headers=(("X\x1b[1m", "v\n"),)),)), NOW_MS
    ).samples
    assert row.response_body.split("\n")[:2] == ["a", "b c"]
    assert len(row.response_body) < 2_100
    assert row.response_headers == (("X", "v⏎"),)


# ------------------------------------------------------------------ hostile


RUN: list[Any] = [[["a"], "", transaction_of_runs([(5, 5, 2, True)]).to_wire()]]


@pytest.mark.parametrize(
    "wire",
    [
        None,
        [],
        [[], []],
        [[[[], "", RUN[0][2]]], [], []],
        [[[["a"] * (DEPTH_MAX + 1), "", RUN[0][2]]], [], []],
        [[[["a", 1], "", RUN[0][2]]], [], []],
        [[[["a"], "", [*RUN[0][2][:2], 1, 2]]], [], []],
        [[[["a"], "", [*RUN[0][2][:2], -1, 0]]], [], []],
        [[[["a"], "", [RUN[0][2][0], tally_of([(99, 0, False, None)]).to_wire(), 0, 0]]], [], []],
        [[], [["sum", "a", "", "", metric_of("trend", []).to_wire()]], []],
        [[], [["trend", 1, "", "", metric_of("trend", []).to_wire()]], []],
        [[], [[["trend"], "a", "", "", metric_of("trend", []).to_wire()]], []],
        [[], [], [["GET", "/", tally_of([]).to_wire()]]],
    ],
)
def test_what_is_no_measured_is_refused(wire: Any) -> None:
    """Wherever a hostile worker bends it."""
    assert Measured.from_wire([RUN, [], []])
    with pytest.raises(ValueError, match=r"\w"):
        Measured.from_wire(wire)


def test_a_second_holds_no_more_than_a_run_can_add_up() -> None:
    """A block with such counts is refused as a whole."""
    wire = Block(SECOND, measured=Measured(tagged={("GET", "/", "a=b"): tally_of([(5, 1, False, None)])})).to_wire()
    assert Block.from_wire(wire).measured
    wire[4]["measured"][2][0][3][4] = 1 << 48  # type: ignore[index] # the sum of the latencies
    with pytest.raises(ValueError, match="one second"):
        Block.from_wire(wire)
