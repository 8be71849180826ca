"""What `environment.stats` shows in a run: sums of what this process measured, or of what the master told.

The source of a `RequestStats` view: `version` changes with every change of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.model.events import Block, FailureTally
from tidal.model.stats import Tally
from tidal.model.struct import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.generator.recorder import Recorder
    from tidal.model.pipe import View

RECENT_S = 30
"""Seconds of counts that are kept for current rates."""


class Sums:
    """Sums over the run.

    Attributes:
        endpoints: by (method, name).
        failures: by (method, name, error).
        recent: second of Redis time → requests, failures.
        spans: by (method, name): the first and the last second with a sample.
        start_time: when the run began, as far as a view told; 0: not yet.
    """

    def __init__(self) -> None:
        self.start_time = 0.0
        self.endpoints: dict[tuple[str, str], Tally] = {}
        self.failures: dict[tuple[str, str, str], FailureTally] = {}
        self.recent: dict[int, tuple[int, int]] = {}
        self.spans: dict[tuple[str, str], tuple[int, int]] = {}
        self.version = 0

    def __repr__(self) -> str:
        return f"<Sums of {len(self.endpoints)} endpoints, version {self.version}>"

    def reset(self) -> None:
        """Forget everything: user code asked for it. The log does not forget."""
        self.endpoints.clear()
        self.failures.clear()
        self.recent.clear()
        self.spans.clear()
        self.version += 1

    def add(self, blocks: Mapping[Any, Block], failures: Mapping[tuple[str, str, str], FailureTally]) -> None:
        """Add what a batch carries."""
        for block in blocks.values():
            if not block.is_warmup:
                self._add_block(block)
        for key, failure in failures.items():
            known = self.failures.setdefault(key, FailureTally(*key, 0, failure.first_ms, failure.last_ms))
            known.occurrences += failure.occurrences
            known.last_ms = failure.last_ms
        self._forget()
        self.version += 1

    def _add_block(self, block: Block) -> None:
        requests = failures = 0
        for key, tally in block.tallies.items():
            total = self.endpoints.get(key)
            if total is None:
                total = self.endpoints[key] = Tally()
            total.merge(tally)
            first_s, _ = self.spans.get(key, (block.second, 0))
            self.spans[key] = (first_s, block.second)
            requests += tally.requests
            failures += tally.failures
        before = self.recent.get(block.second, (0, 0))
        self.recent[block.second] = (before[0] + requests, before[1] + failures)

    def take(self, view: View) -> None:
        """Replace what a view of the whole run tells anew."""
        for row in view.endpoints:
            self.endpoints[row.method, row.name] = row.tally
            self.spans[row.method, row.name] = (row.first_s, row.last_s)
        for failure in view.failures:
            self.failures[failure.method, failure.name, failure.error] = failure
        self.recent.update({second: (requests, failures) for second, requests, failures in view.recent})
        self.start_time = view.began_ms / 1000
        self._forget()
        self.version += 1

    def _forget(self) -> None:
        latest_s = max(self.recent, default=0)
        for second in [s for s in self.recent if s <= latest_s - RECENT_S]:
            del self.recent[second]

    def copy(self) -> Sums:
        """The same sums, to be added to."""
        copied = Sums()
        copied.endpoints = {key: tally.copy() for key, tally in self.endpoints.items()}
        copied.failures = {key: replace(failure) for key, failure in self.failures.items()}
        copied.recent, copied.spans = dict(self.recent), dict(self.spans)
        copied.version = self.version
        return copied


class LiveSums:
    """A recorder's sums with what is in no batch yet, put together when somebody looks."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._seen: tuple[int, Sums] = (-1, Sums())

    @property
    def version(self) -> int:
        """Changes with every request."""
        blocks, _ = self._recorder.pending()
        requests = sum(tally.requests for block in blocks.values() for tally in block.tallies.values())
        return self._recorder.sums.version << 40 | requests

    def _now(self) -> Sums:
        version = self.version
        if self._seen[0] != version:
            together = self._recorder.sums.copy()
            together.add(*self._recorder.pending())
            self._seen = (version, together)
        return self._seen[1]

    @property
    def endpoints(self) -> Mapping[tuple[str, str], Tally]:
        """By (method, name)."""
        return self._now().endpoints

    @property
    def failures(self) -> Mapping[tuple[str, str, str], FailureTally]:
        """By (method, name, error)."""
        return self._now().failures

    @property
    def recent(self) -> Mapping[int, tuple[int, int]]:
        """Second of Redis time → requests, failures."""
        return self._now().recent

    @property
    def spans(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        """By (method, name): the first and the last second with a sample."""
        return self._now().spans

    def reset(self) -> None:
        """Forget everything: user code asked for it."""
        self._recorder.sums.reset()
