"""Thresholds on transactions, checks and metrics: what they are of, and what they say where nothing was measured."""

from __future__ import annotations

import pytest
from draws import metric_of, transaction_of_runs
from histories import T0, by, folded, opened, report, seen, started, stopped

from tidal.model.events import Block
from tidal.model.judging import final_trips
from tidal.model.measured import Measured
from tidal.model.thresholds_read import canonical

MEASURED = Measured(
    {
        (("checkout",), ""): transaction_of_runs([(400_000, 0, 1, False)] * 3),
        (("checkout", "pay"), "region=eu"): transaction_of_runs([(100_000, 0, 1, False), (100_000, 0, 1, True)]),
        (("checkout", "pay"), "region=us"): transaction_of_runs([(200_000, 0, 1, False)] * 2),
    },
    {
        ("check", "has id", "", ""): metric_of("check", [(1, 0)] * 3 + [(0, 0)]),
        ("check", "is fresh", "", ""): metric_of("check", [(1, 0)] * 4),
        ("counter", "orders", "", "region=eu"): metric_of("counter", [(2.5, 0)]),
        ("counter", "orders", "", "region=us"): metric_of("counter", [(3, 0)]),
        ("gauge", "queue", "jobs", ""): metric_of("gauge", [(9, 1), (-4, 2)]),
        ("rate", "hit", "", ""): metric_of("rate", [(1, 0), (0, 0)]),
        ("trend", "cart", "", ""): metric_of("trend", [(1, 0), (2, 0), (6, 0)]),
    },
)


def tripped(text: str) -> list[tuple[int | None, str]]:
    """What trips at the end of a run with these measures: the value, or why there is none."""
    block = Block(T0 // 1000 + 1, measured=MEASURED)
    history = folded(
        opened(thresholds=canonical([text])), seen("w1"), started(), by("w1", 1, report(block, to_ms=4_000)), stopped()
    )
    return [(trip.value_milli, trip.why) for trip in final_trips(history)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("transaction max of pay < 150ms", 200_000),
        ('transaction max of "checkout / pay" < 150ms', 200_000),
        ('transaction avg of "pay{region=us}" < 150ms', 200_000),
        ("transaction fail% of pay < 20", 25_000),
        ("checks% >= 99", 87_500),
        ('checks% of "has id" >= 99', 75_000),
        ("counter of orders > 6", 5_500),
        ('counter of "orders{region=eu}" > 6', 2_500),
        ("gauge of queue > 0", -4_000),
        ("rate% of hit > 80", 50_000),
        ("trend avg of cart < 3", 3_000),
        ("trend max of cart < 3", 6_000),
        ("trend min of cart > 1", 1_000),
    ],
)
def test_a_bad_value_trips(text: str, value: int) -> None:
    """In thousandths of its unit."""
    assert tripped(text) == [(value, "")]


@pytest.mark.parametrize(
    "text",
    [
        "transaction max of pay < 201ms",
        'checks% of "is fresh" == 100',
        "counter of orders == 5.5",
        "trend p50 of cart < 3",
    ],
)
def test_a_good_one_does_not(text: str) -> None:
    """The run has kept to it."""
    assert tripped(text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("transaction p95 of pai < 1s", "no transaction 'pai' was measured; near ones: pay"),
        ("counter of order > 1", "no counter 'order' was measured; near ones: orders"),
        ("gauge of orders > 1", "no gauge 'orders' was measured"),
        ('trend p95 of "cart{region=eu}" > 1', "no trend 'cart{region=eu}' was measured"),
    ],
)
def test_what_was_not_measured_cannot_be_judged(text: str, why: str) -> None:
    """It is said, with near names."""
    ((value, said),) = tripped(text)
    assert value is None
    assert said.startswith(why)
