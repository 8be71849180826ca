"""What users measure beside requests: transactions, metrics and checks, requests by tags. Sums that merge exactly.

A key ends in the tags that were in force, as text: `region=eu,tier=pro`, by name, "" for none. The figure of all tags
together is the sum over the keys: nothing is counted twice in here. Only requests by tags stand beside the endpoints'
own tallies, which hold every request.

Whoever adds caps: `add_capped` puts what is one too many under "(other)", where it is still counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.model.metrics import KINDS, Metric
from tidal.model.stats import Tally
from tidal.model.struct import Struct, field
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME_MAX = 200
"""Characters of a transaction's, metric's or check's name, and of a unit."""
TAGS_MAX = 400
"""Characters of all tags of one key together."""
DEPTH_MAX = 8
"""Transactions inside each other that are told apart."""
ROWS_MAX = 1_000
"""Keys of each of the four kinds, beside the "(other)" ones."""
TAG_SETS_MAX = 100
"""Combinations of tags that one name is kept apart by."""
COUNT_MAX = 1 << 48

Path = tuple[str, ...]
"""The names of a transaction and of those around it, the outermost first."""
TransactionKey = tuple[Path, str]
"""Path, tags."""
MetricKey = tuple[str, str, str, str]
"""Kind, name, unit, tags."""
TaggedKey = tuple[str, str, str]
"""Method, name, tags."""


class Transaction(Struct):
    """What is known of the runs of one transaction.

    Attributes:
        whole: their times from begin to end; failures are those that failed, cancelled those cut off by a stop.
        busy: the same times without what the user waited meanwhile.
        requests: that ended inside, and how many of them failed.
    """

    whole: Tally = field(default_factory=Tally)
    busy: Tally = field(default_factory=Tally)
    requests: int = 0
    failed_requests: int = 0

    def add(self, whole_us: int, waited_us: int, requests: int, failed_requests: int, *, failed: bool) -> None:
        """Count one run."""
        self.whole.add(whole_us, 0, failed=failed)
        self.busy.add(whole_us - waited_us, 0, failed=failed)
        self.requests += requests
        self.failed_requests += failed_requests

    def merge(self, other: Transaction) -> None:
        """Add another's runs: in integers, in any order."""
        self.whole.merge(other.whole)
        self.busy.merge(other.busy)
        self.requests += other.requests
        self.failed_requests += other.failed_requests

    def copy(self) -> Transaction:
        """One of its own with the same counts."""
        return Transaction(self.whole.copy(), self.busy.copy(), self.requests, self.failed_requests)

    def to_wire(self) -> list[object]:
        """[whole, busy (None where nobody waited), requests, failed requests]."""
        whole, busy = self.whole.to_wire(), self.busy.to_wire()
        return [whole, None if busy == whole else busy, self.requests, self.failed_requests]

    @classmethod
    def from_wire(cls, wire: object) -> Transaction:
        """The one of `to_wire`, checked."""
        whole, busy, requests, failed = _list(wire, 4)
        if not all(type(n) is int and 0 <= n < 1 << 63 for n in (requests, failed)) or failed > requests:
            raise ValueError("a transaction's requests are whole numbers")
        first = Tally.from_wire(whole)
        made = cls(first, first.copy() if busy is None else Tally.from_wire(busy), requests, failed)
        if made.busy.requests != first.requests or made.busy.total_us > first.total_us:
            raise ValueError("a transaction's times do not belong together")
        return made


class Measured(Struct):
    """Sums by key."""

    transactions: dict[TransactionKey, Transaction] = field(default_factory=dict)
    metrics: dict[MetricKey, Metric] = field(default_factory=dict)
    tagged: dict[TaggedKey, Tally] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.transactions or self.metrics or self.tagged)

    @property
    def size(self) -> int:
        """How many keys there are."""
        return len(self.transactions) + len(self.metrics) + len(self.tagged)

    def merge(self, other: Measured) -> None:
        """Add another's sums."""
        for mine, theirs in zip(self._maps(), other._maps(), strict=True):
            for key, value in theirs.items():
                _add(mine, key, value)

    def _maps(self) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
        return self.transactions, self.metrics, self.tagged

    def add_capped(self, other: Measured) -> None:
        """Add another's sums, what is one too many under "(other)"."""
        for path, value in other.transactions.items():
            _add(self.transactions, transaction_key(self.transactions, *path), value)
        for metric, more in other.metrics.items():
            _add(self.metrics, metric_key(self.metrics, *metric), more)
        for request, tally in other.tagged.items():
            _add(self.tagged, tagged_key(self.tagged, *request), tally)

    def halves(self) -> tuple[Measured, Measured]:
        """Two that add up to this one, about as large as each other."""
        pairs = [_halves(mine) for mine in self._maps()]
        return Measured(*(first for first, _ in pairs)), Measured(*(second for _, second in pairs))

    def texts(self) -> list[str]:
        """Every text in its keys: what it weighs."""
        texts = [text for path, tags in self.transactions for text in (*path, tags)]
        return texts + [text for key in (*self.metrics, *self.tagged) for text in key]

    @property
    def cells(self) -> int:
        """How many buckets its histograms have."""
        tallies = [tally for each in self.transactions.values() for tally in (each.whole, each.busy)]
        tallies += self.tagged.values()
        metrics = sum(len(metric.histogram) for metric in self.metrics.values())
        return metrics + sum(len(tally.histogram) for tally in tallies)

    def to_wire(self) -> list[object]:
        """Rows in order: [[[path …], tags, transaction] …], [[kind, name, unit, tags, metric] …], [[…, tally] …]."""
        rows = [[[list(path), tags, row.to_wire()] for (path, tags), row in sorted(self.transactions.items())]]
        flat: tuple[Mapping[Any, Any], ...] = (self.metrics, self.tagged)
        return [*rows, *([[*key, mine[key].to_wire()] for key in sorted(mine)] for mine in flat)]

    @classmethod
    def from_wire(cls, wire: object) -> Measured:
        """The sums of `to_wire`, checked."""
        transactions, metrics, tagged = _list(wire, 3)
        made = cls()
        for path, tags, row in (_list(item, 3) for item in _list(transactions)):
            names = tuple(_text(name) for name in _list(path))
            if not 1 <= len(names) <= DEPTH_MAX:
                raise ValueError(f"a transaction has 1 to {DEPTH_MAX} names")
            made.transactions[names, _text(tags, TAGS_MAX)] = Transaction.from_wire(row)
        for kind, name, unit, tags, row in (_list(item, 5) for item in _list(metrics)):
            if type(kind) is not str or kind not in KINDS:
                raise ValueError("no kind of metric")
            made.metrics[kind, _text(name), _text(unit), _text(tags, TAGS_MAX)] = Metric.from_wire(row)
        for method, name, tags, row in (_list(item, 4) for item in _list(tagged)):
            made.tagged[_text(method, 2_000), _text(name, 2_000), _text(tags, TAGS_MAX)] = Tally.from_wire(row)
        return made

    def check_modest(self) -> None:
        """Raise ValueError when one second cannot have so much: the sums of a run would not hold it."""
        tallies = [*self.tagged.values(), *(each.whole for each in self.transactions.values())]
        counts = [max(t.requests, t.cancelled, t.total_us, t.max_us, t.bytes) for t in tallies]
        counts += [each.requests for each in self.transactions.values()]
        if max([*counts, *(metric.count for metric in self.metrics.values())], default=0) >= COUNT_MAX:
            raise ValueError("counts are too large for one second")


def _add(into: dict[Any, Any], key: Any, value: Any) -> None:
    mine = into.get(key)
    if mine is None:
        into[key] = value.copy()
    else:
        mine.merge(value)


def _halves(mine: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    rows = list(mine.items())
    middle = (len(rows) + 1) // 2
    return dict(rows[:middle]), dict(rows[middle:])


def _list(wire: object, length: int | None = None) -> list[Any]:
    if not isinstance(wire, list) or (length is not None and len(wire) != length):
        raise ValueError("not a list of the right length")
    return wire


def _text(value: object, most: int = NAME_MAX) -> str:
    if not isinstance(value, str):
        raise ValueError("names and tags are text")  # noqa: TRY004 - the one exception that the codec awaits
    return value[:most]


# ------------------------------------------------------------------ caps


def transaction_key(known: Mapping[TransactionKey, object], path: Path, tags: str) -> TransactionKey:
    """The key to count under: the own one while there is room, else that of the other tags, else that of all others."""
    if (path, tags) in known:
        return path, tags
    if tags and sum(1 for each, _ in known if each == path) >= TAG_SETS_MAX:
        tags = OTHER
    return (path, tags) if len(known) < ROWS_MAX or (path, tags) in known else ((OTHER,), "")


def metric_key(known: Mapping[MetricKey, object], kind: str, name: str, unit: str, tags: str) -> MetricKey:
    """As `transaction_key`."""
    key = (kind, name, unit, tags)
    if key in known:
        return key
    if tags and sum(1 for each in known if each[:3] == key[:3]) >= TAG_SETS_MAX:
        key = (kind, name, unit, OTHER)
    return key if len(known) < ROWS_MAX or key in known else (kind, OTHER, "", "")


def tagged_key(known: Mapping[TaggedKey, object], method: str, name: str, tags: str) -> TaggedKey:
    """As `transaction_key`."""
    key = (method, name, tags)
    if key in known:
        return key
    if sum(1 for each in known if each[:2] == key[:2]) >= TAG_SETS_MAX:
        key = (method, name, OTHER)
    return key if len(known) < ROWS_MAX or key in known else ("", OTHER, OTHER)


def crowded(measured: Measured) -> Iterator[tuple[str, int]]:
    """What had to be put under "(other)", by name, and how often: to be said aloud."""
    for (path, tags), transaction in sorted(measured.transactions.items()):
        if OTHER in {tags, path[0]}:
            yield f"transaction {' / '.join(path)}", transaction.whole.requests + transaction.whole.cancelled
    for (kind, name, _, tags), metric in sorted(measured.metrics.items()):
        if OTHER in {tags, name}:
            yield f"{kind} {name}", metric.count
    for (method, name, tags), tally in sorted(measured.tagged.items()):
        if tags == OTHER:
            yield f"requests {method} {name}", tally.requests + tally.cancelled
