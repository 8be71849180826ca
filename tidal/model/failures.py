"""Folding what went wrong: failures by message, exceptions of user code, a few failed requests to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tidal.model.samples import TEXT_MAX, TRACEBACK_MAX
from tidal.model.state import ExceptionRecord, FailureRecord
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.reports import Reported
    from tidal.model.samples import FailedRequest, FailureTally
    from tidal.model.state import ReportHalf

FAILURES_MAX = 2_000
"""Distinct failures and exceptions kept; further ones are counted under OTHER."""
FAILED_OF_ONE_MAX, FAILED_MAX, FAILED_CHARS_MAX = 5, 200, 1_000_000
"""Failed requests with their answers: of one endpoint and message, of the run, and their characters."""

_K = TypeVar("_K")


def fold_failures(reports: ReportHalf, incarnation: str, event: Reported) -> None:
    """Fold what one report says went wrong."""
    for failure in event.failures:
        _count_failure(reports, failure)
    for exception in event.exceptions:
        key = (exception.message[:TEXT_MAX], exception.traceback[:TRACEBACK_MAX])
        place = bounded(reports.exceptions, key, (OTHER, ""), FAILURES_MAX)
        counts = reports.exceptions.setdefault(place, ExceptionRecord()).occurrences
        who = bounded(counts, incarnation, OTHER, FAILURES_MAX)
        counts[who] = counts.get(who, 0) + exception.occurrences
    for failed in event.failed:
        _keep(reports, incarnation, failed)


def _count_failure(reports: ReportHalf, failure: FailureTally) -> None:
    key = (failure.method[:TEXT_MAX], failure.name[:TEXT_MAX], failure.error[:TEXT_MAX])
    record = reports.failures.setdefault(
        bounded(reports.failures, key, ("", OTHER, OTHER), FAILURES_MAX), FailureRecord(first_ms=failure.first_ms)
    )
    record.occurrences += failure.occurrences
    record.first_ms = min(record.first_ms, failure.first_ms)
    record.last_ms = max(record.last_ms, failure.last_ms)


def _keep(reports: ReportHalf, incarnation: str, failed: FailedRequest) -> None:
    """Keep one to be read, as long as there is room for it; what is left out is counted."""
    alike = sum(1 for _, each in reports.failed if _kind_of(each) == _kind_of(failed))
    is_full = len(reports.failed) >= FAILED_MAX or reports.failed_chars + failed.size > FAILED_CHARS_MAX
    if is_full or alike >= FAILED_OF_ONE_MAX:
        reports.failed_dropped += 1
        return
    reports.failed.append((incarnation, failed))
    reports.failed_chars += failed.size


def _kind_of(failed: FailedRequest) -> tuple[str, str, str]:
    return failed.method, failed.name, failed.error


def bounded(known: Mapping[_K, object], key: _K, other: _K, limit: int) -> _K:
    """The key while there is room for it, else that of all others."""
    return key if key in known or len(known) < limit else other
