"""The search for a limit as a master makes it: a level is held, measured, judged, and the next one follows from all.

    ProbeBegun + PlanSet ──settle──▶ its seconds are complete ──▶ ProbeJudged ──next_step──▶ ProbeBegun … LimitFound

All that it knows is in the log, so a master that takes over goes on with the same probe. A probe that is far beyond the
thresholds is cut short, and arrivals rest before the next one, for what has piled up must be worked off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.judging import EXIT_NOT_MET, EXIT_UNJUDGED, added, is_bad, value_of
from tidal.model.limit import USERS, Found, Next, Probe, next_step, told
from tidal.model.plan import LEAD_MS, value_at
from tidal.model.struct import replace
from tidal.model.target import capped
from tidal.model.thresholds import LATENCY, PERCENT, decimal
from tidal.model.thresholds_read import threshold_of
from tidal.model.verdict import EXIT_SUSPECT

if TYPE_CHECKING:
    from fractions import Fraction

    from tidal.model.spec import LimitSpec
    from tidal.model.state import LogHalf, State

AUTHOR = "limit"
PROBES_KEPT = 200
RAMP_MS = 2_000
"""How long a change of the level takes, where the operator gives no spawn rate."""
REST_PART = 0.25
FAR = 2
"""A value of so many times the limit is far beyond it: the probe need not go on."""
LEAST_S = 3


def fold_begun(log: LogHalf, event: ev.ProbeBegun, _: int) -> None:
    """A level is held."""
    log.probe = event


def fold_judged(log: LogHalf, event: ev.ProbeJudged, _: int) -> None:
    """It passed or failed."""
    if len(log.probes) < PROBES_KEPT:
        log.probes.append(event)


def fold_found(log: LogHalf, event: ev.LimitFound, _: int) -> None:
    """The search is over."""
    log.limit = log.limit or event


def seek(state: State, now_ms: int) -> list[ev.Event]:
    """The next entries of the search; none while a probe goes on, or where nothing is searched for."""
    log = state.log
    spec, plan = log.options.limit, log.plan
    if spec is None or plan is None or now_ms < log.began_ms:
        return []
    if log.limit is not None:
        return [ev.StopOrdered("finished", told(spec, log.limit), AUTHOR, log.options.stop_timeout_ms)]
    if log.probe is not None and log.probe.number > len(log.probes):
        return _judged(state, spec, log.probe)
    step = next_step(spec, [Probe(p.level_milli, p.passed) for p in log.probes])
    if isinstance(step, Found):
        bounds = (step.low_milli, step.high_milli, step.confidence_permille)
        return [ev.LimitFound(step.level_milli, *bounds, step.why)]
    return _begun(log, spec, plan, step, now_ms)


def exit_code_of(log: LogHalf, ordinary: int) -> int:
    """What a search ends with: without a level that meets the thresholds, or before it knows, it has failed."""
    if log.options.limit is None or ordinary not in {0, log.options.exit_code_on_error, EXIT_SUSPECT}:
        return ordinary  # as with other thresholds: an invalid verdict and what user code wants go before
    if log.limit is None:
        return EXIT_UNJUDGED
    if log.limit.level_milli is not None or log.limit.low_milli:
        return ordinary
    return EXIT_NOT_MET if log.limit.high_milli else EXIT_UNJUDGED  # without bounds: the probes ended before it knew


# ------------------------------------------------------------------ a probe begins


def _begun(log: LogHalf, spec: LimitSpec, plan: ev.PlanSet, step: Next, now_ms: int) -> list[ev.Event]:
    level = step.level_milli / 1000
    from_ms = max(now_ms - log.began_ms + LEAD_MS, plan.from_ms + 1)
    points = _points(log, spec, plan, level, from_ms)
    number = len(log.probes) + 1
    measured_ms = log.began_ms + points[-1][0] + spec.settle_ms
    from_s = -(-measured_ms // 1000)
    begun = ev.ProbeBegun(number, step.level_milli, from_s, from_s + spec.probe_ms // 1000)
    why = f"probe {number} at {decimal(step.level_milli)} {spec.unit}"
    track = replace(plan.tracks[0], points=points)
    next_plan = replace(plan, number=plan.number + 1, from_ms=from_ms, tracks=(track,), why=why)
    users = [ev.TargetSet(round(level), log.spawn_rate, AUTHOR)] if spec.unit == USERS else []
    return [begun, *users, next_plan]


def _points(
    log: LogHalf, spec: LimitSpec, plan: ev.PlanSet, level: float, from_ms: int
) -> tuple[tuple[int, float], ...]:
    """The curve with its past, and how it goes on from here."""
    track = plan.tracks[0]
    now = value_at(track.points, from_ms)
    past = [(at_ms, value) for at_ms, value in track.points if at_ms < from_ms]
    points = [*past, (from_ms, now)]
    if spec.unit == USERS:
        users = capped(log, ev.TargetSet(round(level), log.spawn_rate, AUTHOR))
        rate = max(log.spawn_rate, abs(users - now) * 1000 / RAMP_MS)
        return (*points, (from_ms + max(1, round(abs(users - now) * 1000 / rate)), float(users)))
    if log.probes and not log.probes[-1].passed:
        rest = min(now, level) * REST_PART
        points += [(from_ms + 1, rest), (from_ms + 1 + spec.settle_ms, rest)]
    return (*points, (points[-1][0] + RAMP_MS, level))


# ------------------------------------------------------------------ a probe ends


def _judged(state: State, spec: LimitSpec, probe: ev.ProbeBegun) -> list[ev.Event]:
    log = state.log
    to_s = min(probe.to_s, log.judged_to_s)
    if to_s < probe.from_s + LEAST_S and to_s < probe.to_s:
        return []
    values = measured(state, spec, probe.from_s, to_s)
    is_whole = to_s >= probe.to_s
    is_far = (to_s - probe.from_s) * 3 * 1000 >= spec.probe_ms and any(_is_far(text, value) for text, value in values)
    if not is_whole and not is_far:
        return []
    passed = not any(_fails(text, value) for text, value in values)
    span = (max(0, probe.from_s * 1000 - log.began_ms), max(0, to_s * 1000 - log.began_ms))
    told_values = tuple((text, None if value is None else int(value)) for text, value in values)
    return [ev.ProbeJudged(probe.number, probe.level_milli, passed, *span, told_values)]


def measured(state: State, spec: LimitSpec, from_s: int, to_s: int) -> list[tuple[str, Fraction | None]]:
    """Each threshold of the search with its value over these seconds."""
    found: list[tuple[str, Fraction | None]] = []
    for text in spec.until:
        one = threshold_of(text)
        record = state.reports.watched.get((one.of, 0, 0)) if one is not None else None
        value = None
        if one is not None and record is not None:
            value = value_of(one.metric, added(record.seconds, from_s, to_s), (to_s - from_s) * 1000)
        found.append((text, value))
    return found


def _fails(text: str, value: Fraction | None) -> bool:
    """Whether a value does not meet its threshold; without any there is nothing that could."""
    one = threshold_of(text)
    return one is None or value is None or is_bad(one, value)


def _is_far(text: str, value: Fraction | None) -> bool:
    one = threshold_of(text)
    if one is None or value is None or one.metric.kind not in {LATENCY, PERCENT} or one.bad_op not in {">", ">="}:
        return False
    return value > FAR * one.limit + (5_000 if one.metric.kind == PERCENT else 0)
