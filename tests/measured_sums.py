"""What was measured, added up over the tags: what tests ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.measured import Transaction
from tidal.model.metrics import Metric
from tidal.model.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.measured import Measured, Path


def transaction_of(measured: Measured, path: Path, tags: str | None = None) -> Transaction:
    """A transaction with any tags, or with just these; an empty one when nothing of it was measured."""
    made = Transaction()
    for (each, with_tags), value in measured.transactions.items():
        if each == path and tags in {None, with_tags}:
            made.merge(value)
    return made


def metric_of(measured: Measured, kind: str, name: str, tags: str | None = None) -> Metric:
    """A metric or check with any tags (and unit), or with just these tags; an empty one when there is none."""
    rows = measured.metrics.items()
    return total_of(m for (k, n, _, t), m in rows if (k, n) == (kind, name) and tags in {None, t})


def tagged_of(measured: Measured, tags: str, endpoint: tuple[str, str] | None = None) -> Tally:
    """All requests, or those of one endpoint (method, name), with these tags."""
    made = Tally()
    for (method, name, each), tally in measured.tagged.items():
        if each == tags and endpoint in {None, (method, name)}:
            made.merge(tally)
    return made


def total_of(metrics: Iterable[Metric]) -> Metric:
    """All of these together."""
    made = Metric()
    for metric in metrics:
        made.merge(metric)
    return made
