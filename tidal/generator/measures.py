"""Where a process counts what its users measure beside requests, until the recorder's next batch.

    transaction, metric, check, tags  ──▶  Measures  ──▶  the `Measured` of the current second

Names and combinations of tags come from user code and may be without end: each name keeps so many combinations apart,
and there are so many names. What is one too many counts under "(other)", and the first time a line of the log says so.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tidal.model.measured import TAG_SETS_MAX, Measured, Transaction
from tidal.model.metrics import Metric
from tidal.model.stats import Tally
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tidal.generator.scopes import Run, Scope

logger = logging.getLogger("tidal.measures")

NAMES_MAX = 200
"""Of transactions, of metrics and of tagged endpoints each."""
SETS_MAX = 1_000
"""Names and combinations of tags together, of each of the three."""
TIME_MAX_US = 86_400_000_000


class Known:
    """Which names and tags are counted apart in this process.

    Args:
        what: they are names of, for the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._sets: dict[Hashable, set[str]] = {}
        self._count = 0
        self._told: set[Hashable] = set()

    def __repr__(self) -> str:
        return f"<Known {len(self._sets)} {self._what}, {self._count} with tags>"

    def place(self, name: Hashable, tags: str) -> tuple[bool, str]:
        """Whether there is room for the name, and the tags to count it under."""
        sets = self._sets.get(name)
        if sets is None:
            if len(self._sets) >= NAMES_MAX:
                self._tell(None, "more than %d %s: further ones are counted under (other)", NAMES_MAX, self._what)
                return False, ""
            sets = self._sets[name] = set()
        if tags in sets or not tags:
            return True, tags
        if len(sets) >= TAG_SETS_MAX or self._count >= SETS_MAX:
            text = "%s of %s: too many combinations of tags, such as %s: further ones are counted under (other)"
            self._tell(name, text, self._what, name, tags)
            return True, OTHER
        sets.add(tags)
        self._count += 1
        return True, tags

    def _tell(self, name: Hashable, text: str, *values: object) -> None:
        if name not in self._told:
            self._told.add(name)
            logger.warning(text, *values)


class Measures:
    """Counts what is measured.

    Args:
        now_us: Redis time in µs.
        at: what counts the second of such a moment.
    """

    def __init__(self, now_us: Callable[[], int], at: Callable[[int], Measured]) -> None:
        self._now_us = now_us
        self._at = at
        self._transactions = Known("transactions")
        self._metrics = Known("metrics")
        self._endpoints = Known("endpoints with tags")
        self._kinds: dict[str, tuple[str, str]] = {}

    def __repr__(self) -> str:
        return f"<Measures {self._transactions} {self._metrics} {self._endpoints}>"

    def declare(self, kind: str, name: str, unit: str) -> str:
        """Note what a name stands for; returns its unit. ValueError when it stands for something else already."""
        known_kind, known_unit = self._kinds.get(name, (kind, unit))
        if known_kind != kind:
            raise ValueError(f"{name!r} is a {known_kind} already: a {kind} needs a name of its own")
        if unit and known_unit != unit:
            told = f"has the unit {known_unit!r}" if known_unit else "has no unit"
            raise ValueError(f"the {kind} {name!r} {told} already: it cannot have {unit!r}")
        if name not in self._kinds and len(self._kinds) < SETS_MAX:
            self._kinds[name] = (kind, unit)
        return known_unit

    def record(self, kind: str, name: str, unit: str, tags: str, parts: int) -> None:
        """Count one value of a metric, in billionths (of a rate or check 1 or 0)."""
        has_room, tags = self._metrics.place((kind, name), tags)
        key = (kind, name, unit, tags) if has_room else (kind, OTHER, "", "")
        now_us = self._now_us()
        metrics = self._at(now_us).metrics
        metric = metrics.get(key)
        if metric is None:
            metric = metrics[key] = Metric()
        metric.add(kind, parts, now_us)

    def ended(self, run: Run, whole_us: int, *, cancelled: bool) -> None:
        """Count one run of a transaction."""
        has_room, tags = self._transactions.place(run.path, run.scope.tags)
        transactions = self._at(self._now_us()).transactions
        key = (run.path, tags) if has_room else ((OTHER,), "")
        transaction = transactions.get(key)
        if transaction is None:
            transaction = transactions[key] = Transaction()
        if cancelled:
            transaction.whole.cancelled += 1
            return
        whole_us = min(whole_us, TIME_MAX_US)
        waited_us = min(run.waited_us, whole_us)
        transaction.add(whole_us, waited_us, run.requests, run.failed_requests, failed=run.is_failed)

    def request(
        self, scope: Scope, key: tuple[str, str], now_us: int, latency_us: int | None, length: int, *, failed: bool
    ) -> None:
        """Count a finished request for the transactions around it, and under its tags."""
        if scope.run is not None:
            scope.run.count(failed=failed)
        if scope.tags:
            has_room, tags = self._endpoints.place(key, scope.tags)
            tagged = self._at(now_us).tagged
            place = (*key, tags) if has_room else ("", OTHER, OTHER)
            tally = tagged.get(place)
            if tally is None:
                tally = tagged[place] = Tally()
            tally.add(latency_us, length, failed=failed)


class Alone(Measures):
    """Of a process that sends no batches: a script that uses tidal as a library.

    Attributes:
        total: what was measured since the beginning.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.total = Measured()
        super().__init__(now_us, lambda _: self.total)
