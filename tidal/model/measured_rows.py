"""Rows of what users measure beside requests: the tree of transactions, metrics, checks, tags, failed requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.measured import TAG_SETS_MAX, Transaction, crowded
from tidal.model.metrics import CHECK, COUNTER, GAUGE, PARTS, RATE, TREND, Metric, value_of
from tidal.model.own_rows import CheckRow, MetricRow, SampleRow, TaggedRow, TransactionRow
from tidal.model.text import clean
from tidal.model.words import OTHER, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tidal.model.measured import Measured, Path
    from tidal.model.samples import FailedRequest
    from tidal.model.state import State
    from tidal.model.stats import Tally

BODY_LINES = 60
REMARKS_MAX = 20
_NAME_MAX = 200


def transaction_rows(measured: Measured) -> tuple[TransactionRow, ...]:
    """The tree, depth first and by name; of each the row of all, then those by tags."""
    trees: dict[Path, dict[str, Transaction]] = {}
    for (path, tags), transaction in measured.transactions.items():
        for depth in range(1, len(path)):
            trees.setdefault(path[:depth], {})
        trees.setdefault(path, {})[tags] = transaction
    return tuple(row for path in sorted(trees) for row in _of_path(path, trees[path]))


def _of_path(path: Path, by_tags: Mapping[str, Transaction]) -> Iterator[TransactionRow]:
    whole = Transaction()
    for transaction in by_tags.values():
        whole.merge(transaction)
    yield _transaction(path, "", whole)
    yield from (_transaction(path, tags, by_tags[tags]) for tags in sorted(by_tags) if tags)


def _transaction(path: Path, tags: str, row: Transaction) -> TransactionRow:
    whole, busy = row.whole, row.busy
    return TransactionRow(
        tuple(clean(name, _NAME_MAX) for name in path),
        clean(tags),
        len(path) - 1,
        whole.requests,
        whole.failures,
        whole.cancelled,
        row.requests,
        row.failed_requests,
        *_three(whole),
        whole.average_us,
        whole.min_us,
        whole.max_us,
        *_three(busy),
        busy.average_us,
        busy.max_us,
    )


def _three(tally: Tally) -> tuple[int, int, int]:
    median_us, p95_us, p99_us = tally.percentiles_us(0.5, 0.95, 0.99)
    return median_us, p95_us, p99_us


def metric_rows(measured: Measured, elapsed_ms: int) -> tuple[MetricRow, ...]:
    """By name; of each the row of all, then those by tags."""
    groups: dict[tuple[str, str, str], dict[str, Metric]] = {}
    for (kind, name, unit, tags), metric in measured.metrics.items():
        if kind != CHECK:
            groups.setdefault((name, kind, unit), {})[tags] = metric
    return tuple(_metric(key, tags, m, elapsed_ms) for key in sorted(groups) for tags, m in _with_all(groups[key]))


def _with_all(by_tags: Mapping[str, Metric]) -> Iterator[tuple[str, Metric]]:
    """All together under no tags, then each by its tags."""
    whole = Metric()
    for metric in by_tags.values():
        whole.merge(metric)
    yield "", whole
    yield from ((tags, by_tags[tags]) for tags in sorted(by_tags) if tags)


def _metric(key: tuple[str, str, str], tags: str, metric: Metric, elapsed_ms: int) -> MetricRow:
    name, kind, unit = key
    has_spread = kind in {GAUGE, TREND}
    percentiles = metric.percentiles(0.5, 0.95, 0.99) if kind == TREND else (0, 0, 0)
    median, p95, p99 = map(value_of, percentiles)
    return MetricRow(
        clean(name, _NAME_MAX),
        kind,
        clean(unit, 40),
        clean(tags),
        metric.count,
        metric_value(kind, metric),
        metric.total * 1_000 / (PARTS * elapsed_ms) if kind == COUNTER and elapsed_ms else 0.0,
        metric.total if kind == RATE else 0,
        value_of(metric.low) if has_spread else 0.0,
        value_of(metric.high) if has_spread else 0.0,
        median,
        p95,
        p99,
    )


def metric_value(kind: str, metric: Metric) -> float:
    """The one number that says most: a counter's sum, a gauge's last, a rate's share, a trend's mean."""
    if kind == COUNTER:
        return value_of(metric.total)
    if kind == GAUGE:
        return value_of(metric.last)
    return metric.average if kind == TREND else metric.share


def check_rows(measured: Measured) -> tuple[CheckRow, ...]:
    """By name; of each the row of all, then those by tags."""
    groups: dict[str, dict[str, Metric]] = {}
    for (kind, name, _, tags), metric in measured.metrics.items():
        if kind == CHECK:
            groups.setdefault(name, {})[tags] = metric
    return tuple(
        CheckRow(clean(name, _NAME_MAX), clean(tags), metric.total, metric.count - metric.total)
        for name in sorted(groups)
        for tags, metric in _with_all(groups[name])
    )


def tagged_rows(measured: Measured) -> tuple[TaggedRow, ...]:
    """By endpoint, then by tags."""
    return tuple(
        TaggedRow(
            clean(tags),
            clean(method, 20),
            clean(name),
            tally.requests,
            tally.failures,
            *_three(tally),
            tally.average_us,
            tally.min_us,
            tally.max_us,
        )
        for (method, name, tags), tally in sorted(measured.tagged.items())
    )


def crowd_remarks(measured: Measured) -> tuple[str, ...]:
    """What had to be put under "(other)", in words."""
    told = [
        f"{number(count)} of {clean(what)} are counted under {OTHER}: there are too many names, or more than"
        f" {TAG_SETS_MAX} combinations of tags"
        for what, count in crowded(measured)
    ]
    more = [f"… and {len(told) - REMARKS_MAX} more have too many names or tags"] if len(told) > REMARKS_MAX else []
    return (*told[:REMARKS_MAX], *more)


# ------------------------------------------------------------------ failed requests


def sample_rows(state: State) -> tuple[SampleRow, ...]:
    """In the order of time."""
    rows = [_sample(state, incarnation, failed) for incarnation, failed in state.reports.failed]
    return tuple(sorted(rows, key=lambda row: (row.at_ms, row.worker, row.method, row.name, row.error)))


def _sample(state: State, incarnation: str, failed: FailedRequest) -> SampleRow:
    return SampleRow(
        failed.at_ms,
        max(0, failed.at_ms - state.log.began_ms),
        clean(state.log.incarnations.get(incarnation, "?"), 60),
        clean(failed.method, 20),
        clean(failed.name),
        clean(failed.error),
        clean(failed.url, 1_000),
        failed.status,
        failed.took_us,
        clean(failed.user, 60),
        tuple(clean(name, _NAME_MAX) for name in failed.transaction),
        clean(failed.tags),
        _lines(failed.request_headers),
        _body(failed.request_body),
        _lines(failed.response_headers),
        _body(failed.response_body),
    )


def _lines(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((clean(name, 100), clean(value, 500)) for name, value in headers)


def _body(text: str) -> str:
    """A text of several lines, each made harmless."""
    return "\n".join(clean(line, 2_000) for line in text.splitlines()[:BODY_LINES])
