"""The run's figures under Locust's names: `environment.stats`, its entries and its errors.

    whoever counts (a `Source`)  ◀──reads── RequestStats ──▶ entries[("/", "GET")], total, errors, history

A view holds no counts of its own: what it shows is computed from the source when somebody looks. In a generator that
is what this process measured, on the master's side the whole run. Percentiles come from tidal's buckets: within 0.5 %,
never outside of the measured minimum and maximum. Current rates are means up to now, so they fall to 0 when a target
stops answering. Times are ms, floats. Attributes may be set on everything here freely: plugins do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from tidal.flow import CatchResponseError
from tidal.generator.stats_entry import StatsEntry
from tidal.generator.stats_error import StatsError
from tidal.generator.stats_settings import setting
from tidal.generator.totals import Totals
from tidal.model.stats import Tally
from tidal.model.window import Window
from tidal.outputs.locust_tables import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidal.model.events import FailureTally

__all__ = ["RequestStats", "Source", "StatsEntry", "StatsError"]

LOOK_S = 0.5
"""Looks at the sums that are nearer to each other are one."""


class Source(Protocol):
    """Whoever counts.

    It may have more: `version` (rises with every change), `spans` (first and last second by endpoint), `seconds`
    (requests and failures by second, by endpoint), `start_time`, `now_s()` (in the time of `recent`), `log_request`,
    `log_error`, `reset`.
    """

    @property
    def endpoints(self) -> Mapping[tuple[str, str], Tally]:
        """Sums by (method, name)."""

    @property
    def failures(self) -> Mapping[tuple[str, str, str], FailureTally]:
        """Failed requests by (method, name, error)."""

    @property
    def recent(self) -> Mapping[int, tuple[int, int]]:
        """Requests and failures of each of the last seconds, of all endpoints."""


class RequestStats:
    """The statistics of this process, or, on the master's side, of the run.

    Args:
        source: who counts; without one, a counter of its own.
        use_response_times_cache: Locust's; taken and not needed.
        clock: Unix time in s, where the source has no `now_s`.
    """

    def __init__(
        self,
        source: Any = None,
        use_response_times_cache: bool = True,  # noqa: FBT001, FBT002 - Locust's
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source: Any = Totals(clock) if source is None or isinstance(source, bool) else source
        self.use_response_times_cache = use_response_times_cache
        self.history: list[dict[str, Any]] = []
        self._clock = clock
        self._entries = _Entries(self)
        self._errors: dict[str, StatsError] = {}
        self._total = StatsEntry(self, "Aggregated", "", shares=True)
        self._begin()

    def __repr__(self) -> str:
        return f"<RequestStats {self.num_requests} requests, {self.num_failures} failures>"

    def _begin(self) -> None:
        self._made_s = self.now_s()
        self._window: Window | None = None
        self._looked_s = -1.0
        self._summed: tuple[int, Tally] | None = None

    # ------------------------------------------------------------------ what was counted

    @property
    def entries(self) -> dict[tuple[str, str], StatsEntry]:
        """By (name, method); asking for one that is not there gives an empty one, as in Locust."""
        for method, name in self.source.endpoints:
            if (name, method) not in self._entries:
                self._entries[name, method]
        return self._entries

    @property
    def total(self) -> StatsEntry:
        """All endpoints together."""
        return self._total

    @property
    def errors(self) -> dict[str, StatsError]:
        """Failed requests by Locust's key (`StatsError.create_key`)."""
        for (method, name, message), tally in self.source.failures.items():
            error = CatchResponseError(message) if is_plain_text(message) else message
            key = StatsError.create_key(method, name, error)
            row = self._errors.setdefault(key, StatsError(method, name, error))
            row.occurrences = tally.occurrences
            row.first_seen, row.last_seen = tally.first_ms / 1000, tally.last_ms / 1000
        return self._errors

    def get(self, name: str, method: str) -> StatsEntry:
        """One endpoint; empty when it is not known."""
        return self._entries[name, method]

    @property
    def num_requests(self) -> int:
        """Finished requests, failed ones too."""
        return self.total.num_requests

    @property
    def num_none_requests(self) -> int:
        """Requests without a response time."""
        return self.total.num_none_requests

    @property
    def num_failures(self) -> int:
        """Failed requests."""
        return self.total.num_failures

    @property
    def last_request_timestamp(self) -> float | None:
        """When the last request finished, to the second; None before the first."""
        return self.total.last_request_timestamp

    @property
    def start_time(self) -> float:
        """Since when is counted."""
        return getattr(self.source, "start_time", 0.0) or self._made_s

    # ------------------------------------------------------------------ counting

    def log_request(self, method: str, name: str, response_time: float | None, content_length: int) -> None:
        """Count a request that no hook told of."""
        self._asked_of_source("log_request")(method, name, response_time, content_length)

    def log_error(self, method: str, name: str, error: Any) -> None:
        """Count a logged request as failed."""
        self._asked_of_source("log_error")(method, name, error)

    def reset_all(self) -> None:
        """Count from zero again."""
        self._asked_of_source("reset")()
        self._entries.clear()
        self._errors = {}
        self.history = []
        self._begin()

    clear_all = reset_all

    def _asked_of_source(self, what: str) -> Callable[..., None]:
        method: Callable[..., None] | None = getattr(self.source, what, None)
        if method is None:
            called = "reset_all" if what == "reset" else what
            raise NotImplementedError(f"stats.{called}(): what is counted here belongs to the run, not to this process")
        return method

    def serialize_stats(self) -> list[dict[str, Any]]:
        """Every endpoint that has counts, as plain values; unlike in Locust nothing is reset by it."""
        return [e.serialize() for e in self.entries.values() if e.num_requests or e.num_failures]

    def serialize_errors(self) -> dict[str, dict[str, Any]]:
        """Every kind of failure as plain values."""
        return {key: error.serialize() for key, error in self.errors.items()}

    # ------------------------------------------------------------------ for the entries

    def now_s(self) -> float:
        """This moment, in the time of the source."""
        now_s = getattr(self.source, "now_s", None)
        return float(now_s()) if now_s is not None else self._clock()

    def observe(self) -> Window:
        """Look at the sums: whoever owns this calls it once a second, for the current figures of single endpoints."""
        now_s = self.now_s()
        if self._window is None:  # not before: only now the source may know since when it counts
            self._window = Window(setting("CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW"), self.start_time)
        if not 0 <= now_s - self._looked_s < LOOK_S:
            self._looked_s = now_s
            self._window.look(now_s, self.source.endpoints)
        return self._window

    def tally(self, key: tuple[str, str] | None) -> Tally:
        """The sums of an endpoint, or of all (None)."""
        if key is not None:
            return self.source.endpoints.get(key) or Tally()
        version = getattr(self.source, "version", None)
        if self._summed is None or version is None or self._summed[0] != version:
            total = Tally()
            for tally in list(self.source.endpoints.values()):
                total.merge(tally)
            self._summed = (version or 0, total)
        return self._summed[1]

    def seconds(self, key: tuple[str, str] | None) -> Mapping[int, tuple[int, int]] | None:
        """Requests and failures by second, of an endpoint or of all (None), as far as the source knows them."""
        if key is None:
            return self.source.recent  # type: ignore[no-any-return]
        known = getattr(self.source, "seconds", None)
        return None if known is None else known.get(key, {})

    def span(self, key: tuple[str, str] | None) -> tuple[int, int] | None:
        """First and last second of the samples of an endpoint, or of all (None)."""
        spans = getattr(self.source, "spans", {})
        found = list(spans.values()) if key is None else [spans[key]] if key in spans else []
        if not found and key is None and self.source.recent:
            found = [(min(self.source.recent), max(self.source.recent))]
        return (min(a for a, _ in found), max(b for _, b in found)) if found else None


class _Entries(dict[tuple[str, str], "StatsEntry"]):
    """Entries by (name, method), made when they are asked for."""

    def __init__(self, stats: RequestStats) -> None:
        super().__init__()
        self._stats = stats

    def __missing__(self, key: tuple[str, str]) -> StatsEntry:
        entry = self[key] = StatsEntry(self._stats, key[0], key[1], shares=True)
        return entry
