"""Thresholds on what users measure beside requests: transactions, checks, metrics, with any tags or with some.

    transaction p95 of "checkout / pay" < 300ms      the path, or the transaction's own name
    checks% of "has id" >= 99                        without `of`: all checks
    trend p95 of "cart_size{region=eu}" < 10         with these tags only

Values are exact fractions of whole numbers, so that a threshold is judged alike wherever the run is folded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tidal.model.measured import Transaction
from tidal.model.metrics import CHECK, COUNTER, GAUGE, PARTS, RATE, Metric

if TYPE_CHECKING:
    from tidal.model.measured import Measured
    from tidal.model.thresholds import Threshold

TRANSACTION = "transaction"


def measured_value(measured: Measured, one: Threshold) -> Fraction | None:
    """In thousandths of the metric's unit; None when nothing of it was measured. Not for transactions."""
    metric = Metric()
    for (kind, name, _, tags), found in measured.metrics.items():
        if kind == one.metric.source and is_meant(name, tags, one.of):
            metric.merge(found)
    return _value(one, metric) if metric.count else None


def _value(one: Threshold, metric: Metric) -> Fraction:
    source = one.metric.source
    if source in {CHECK, RATE}:
        return Fraction(100_000 * metric.total, metric.count)
    if source == COUNTER:
        return Fraction(1_000 * metric.total, PARTS)
    if source == GAUGE:
        return Fraction(1_000 * metric.last, PARTS)
    if one.metric.quantile:
        return Fraction(1_000 * metric.percentiles(one.metric.quantile)[0], PARTS)
    named = {"min": metric.low, "max": metric.high}
    if one.metric.name in named:
        return Fraction(1_000 * named[one.metric.name], PARTS)
    return Fraction(1_000 * metric.total, PARTS * metric.count)


def measured_transaction(measured: Measured, of: str) -> Transaction:
    """The transaction that is meant, by its path or by its own name."""
    made = Transaction()
    for (path, tags), transaction in measured.transactions.items():
        if is_meant(" / ".join(path), tags, of) or is_meant(path[-1], tags, of):
            made.merge(transaction)
    return made


def is_meant(name: str, tags: str, of: str) -> bool:
    """Whether a threshold's words mean this name with any tags, or with just these in braces; "" means all."""
    return not of or of in {name, f"{name}{{{tags}}}"}


def names_of(measured: Measured, source: str) -> set[str]:
    """What could have been meant."""
    if source == TRANSACTION:
        return {name for path, _ in measured.transactions for name in (path[-1], " / ".join(path))}
    return {name for kind, name, _, _ in measured.metrics if kind == source}
