"""A frame with everything that a run has only sometimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frames import BEGAN_MS, HOSTILE, frame

from tidal.model.judged_rows import ThresholdRow
from tidal.model.own_rows import CheckRow, MetricRow, SampleRow, TaggedRow, TransactionRow
from tidal.model.rows import LatenessRow, PacingRow, StageRow
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.rows import Frame


def transaction(path: tuple[str, ...], tags: str = "", times: int = 812) -> TransactionRow:
    """A row of the tree."""
    figures = (118_000, 340_000, 610_000, 140_000, 41_000, 1_250_000)
    busy = (80_000, 210_000, 400_000, 96_000, 900_000)
    return TransactionRow(path, tags, len(path) - 1, times, 4, 1, times * 3, 5, *figures, *busy)


def measured() -> Frame:
    """Stages, thresholds, transactions, checks, metrics, tags, samples, pace, arrivals."""
    now = frame()
    checkout = now.failures[0]
    sample = SampleRow(
        BEGAN_MS + 201_000, 201_000, "w1", checkout.method, checkout.name, checkout.error,
        "https://shop.example.com/checkout?card=[hidden]", 503, 148_200, "Shopper", ("purchase", "pay"), "region=eu",
        (("Authorization", "[hidden]"), ("Content-Type", "application/json")), '{"card": "[hidden]"}',
        (("Retry-After", "2"),), "busy, come back later",
    )  # fmt: skip
    return replace(
        now,
        run=replace(now.run, arrivals_milli=40_000),
        stages=(
            StageRow("warmup", 0, 60_000, 60_000, is_on=False, ran_user_ms=15_000_000, total=now.total),
            StageRow("steady", 60_000, 540_000, 192_000, is_on=True, ran_user_ms=96_000_000, total=now.total),
        ),
        thresholds=(
            ThresholdRow(
                "p95 < 500ms", "", "holds", 148_000, "148 ms", 500_000, "ms", metric="p95", wanted="p95 < 500ms"
            ),
            ThresholdRow(
                "fail% < 0.01%",
                "",
                "failing",
                40,
                "0.04 %",
                10,
                "%",
                aborts=True,
                tripped_from_ms=120_000,
                tripped_to_ms=132_000,
                tripped_value="1.2 %",
                metric="fail%",
                wanted="fail% < 0.01%",
            ),
            ThresholdRow("verdict is valid", "", "unjudged", why="nothing was planned"),
        ),
        transactions=(
            transaction(("purchase",)),
            transaction(("purchase", "pay")),
            transaction(("purchase", "pay"), "region=eu", 401),
            transaction(("browse",), times=0),
        ),
        checks=(CheckRow("total is right", "", 811, 1), CheckRow("cart is there", "", 2_140, 0)),
        metrics=(
            MetricRow("basket", "trend", "EUR", "", 812, 61.25, 0, 0, 1.5, 412.0, 48.0, 190.5, 301.25),
            MetricRow("orders", "counter", "", "", 812, 812.0, 3.22, 0, 0, 0, 0, 0, 0),
            MetricRow("cache", "rate", "", "", 9_000, 0.934, 0, 8_406, 0, 0, 0, 0, 0),
            MetricRow("stock", "gauge", "", "", 14, 1.25e13, 0, 0, 0, 0, 0, 0, 0),
        ),
        tagged=(TaggedRow("region=eu", "GET", "/cart", 9_000, 3, 14_000, 44_000, 99_000, 19_000, 5_000, 220_000),),
        samples=(sample, replace(sample, status=0, took_us=None, error="ReadTimeout: no answer within 5.0 s")),
        pacing=(PacingRow("Shopper", 25_200, 100_000, 97_100, 971, 12),),
        lateness=LatenessRow(25_000, 310, 400, 4_100, 9_200, 88_000),
        ledger=replace(now.ledger, arrivals_planned=25_010, arrivals_started=25_000, arrivals_dropped=10),
    )


def hostile_measured() -> Frame:
    """The same with every text out to break the terminal."""
    now, long = measured(), HOSTILE * 20
    return replace(
        now,
        stages=tuple(replace(row, name=long) for row in now.stages),
        thresholds=tuple(
            replace(row, text=long, word=HOSTILE, value=long, unit=HOSTILE, why=long) for row in now.thresholds
        ),
        transactions=tuple(replace(row, path=(long,) * len(row.path), tags=long) for row in now.transactions),
        checks=tuple(replace(row, name=long, tags=long) for row in now.checks),
        metrics=tuple(replace(row, name=long, kind=HOSTILE, unit=long, tags=long) for row in now.metrics),
        tagged=tuple(replace(row, tags=long, method=HOSTILE, name=long) for row in now.tagged),
        samples=tuple(
            replace(row, url=long, error=long, user=long, response_body=long, request_headers=((long, long),))
            for row in now.samples
        ),
        pacing=tuple(replace(row, user_class=long) for row in now.pacing),
    )  # fmt: skip
