"""The end of a run: its last reports, its verdict, what it exits with. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.codec import REPORTS, ZERO_ID
from tidal.model.judging import exit_code_with, final_trips, judges_failures
from tidal.model.members import has_finished
from tidal.model.seeking import exit_code_of as search_exit_code
from tidal.model.verdict import exit_code_of, judge

if TYPE_CHECKING:
    from tidal.model.senses import Senses
    from tidal.model.state import State

CLOSE_PATIENCE_MS = 10_000
HOOK_END_PATIENCE_MS = 30_000
"""How long the close waits for the file's listeners of test_stop, quitting and quit on the master's side."""
EXIT_HOOK_FAILED = 2
"""Of a run in which a listener raised, as Locust has it."""
EXIT_LAPSED = 43
"""Of a run that ended before its plan; of tidal.errors, and held to it by a test."""


def finish(state: State, senses: Senses) -> list[ev.Event]:
    """The close, once every last report is in or was waited for long enough."""
    log, stop = state.log, state.log.stop
    if stop is None or not is_measured(state, senses.now_ms, senses.well_ms):
        return []
    waited_ms = senses.now_ms - log.stopped_ms
    patience_ms = stop.stop_timeout_ms + CLOSE_PATIENCE_MS + HOOK_END_PATIENCE_MS
    if senses.has_host and "quit" not in log.hooks_done and waited_ms < patience_ms:
        return []
    reason = stop.reason
    if awaited := _awaited(state):
        reason += f"; no last report from {', '.join(log.incarnations.get(o, o) for o in awaited)}"[:300]
    end = state.position[REPORTS]
    found, code = judge(state, is_final=True), exit_code(state)
    if log.options.exit_by_verdict and stop.exit_code is None:
        code = exit_code_of(found, code, allow_suspect=log.options.allow_suspect)
    tripped = final_trips(state)
    if stop.exit_code is None:
        code = search_exit_code(log, exit_code_with(code, log, [*log.tripped.values(), *tripped]))
    reports_id = str(end) if end != ZERO_ID else ""
    return [*tripped, ev.RunClosed(stop.outcome, reason, code, found.word, found.reasons, reports_id)]


def is_measured(state: State, now_ms: int, well_ms: int = 1 << 40) -> bool:
    """Whether every last report is in, or is waited for no longer; while Redis refuses, none can come (`well_ms`)."""
    log, stop = state.log, state.log.stop
    if stop is None:
        return False
    waited_ms = now_ms - log.stopped_ms
    is_late = waited_ms >= stop.stop_timeout_ms + CLOSE_PATIENCE_MS and well_ms >= CLOSE_PATIENCE_MS
    return not _awaited(state) or is_late


def _awaited(state: State) -> list[str]:
    log = state.log
    owners = log.plan.owners if log.plan is not None else ()
    known = (o for o in state.reports.incarnations if o in log.incarnations and o not in owners)
    others = (o for o in known if state.reports.incarnations[o].ahead)
    return [o for o in (*owners, *others) if o not in log.ended and not _is_complete(state, o)]


def _is_complete(state: State, incarnation: str) -> bool:
    """Whether a worker's last report is in, and every one before it: one that Redis lost is handed in again."""
    return has_finished(state, incarnation) and not state.reports.incarnations[incarnation].ahead


def exit_code(state: State) -> int:
    """What the run ends with: its stop's own, a listener that raised, user code's wish, failures, no answer at all."""
    log, reports = state.log, state.reports
    if log.stop is not None and log.stop.exit_code is not None:
        return log.stop.exit_code
    if log.hook_failures or reports.hook_failures:
        return EXIT_HOOK_FAILED
    if log.exit_code_wanted is not None:
        return log.exit_code_wanted
    if reports.exit_codes:
        return max(reports.exit_codes.values())
    if log.options.exit_by_verdict and not log.began_ms:
        return EXIT_LAPSED  # it was stopped while it waited for workers: nothing passed
    failed = reports.total.failures > 0 and not judges_failures(log)
    hung = log.options.exit_by_verdict and not reports.total.requests and reports.total.cancelled > 0
    return log.options.exit_code_on_error if failed or reports.exceptions or hung else 0
