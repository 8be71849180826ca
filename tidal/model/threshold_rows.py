"""Thresholds as a screen shows them: what each says, its value now, and whether it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.judged_rows import LimitRow, ProbeRow, ThresholdRow
from tidal.model.judging import added, end_of_s, is_bad, value_of, whole_value
from tidal.model.limit import told
from tidal.model.text import clean
from tidal.model.thresholds import FOR, VERDICT, meaning, value_text, wanted
from tidal.model.thresholds_read import threshold_of
from tidal.model.watched import seconds_of

if TYPE_CHECKING:
    from fractions import Fraction

    from tidal.model.events import ProbeJudged
    from tidal.model.state import LogHalf, State
    from tidal.model.thresholds import Threshold

WAITING, HOLDS, FAILING, PASSED, FAILED, UNJUDGED = "waiting", "holds", "failing", "passed", "failed", "unjudged"


def threshold_rows(state: State) -> tuple[ThresholdRow, ...]:
    """A row for each threshold of the run, in the order in which they were given."""
    return tuple(_row(state, text, threshold_of(text)) for text in state.log.options.thresholds)


def _row(state: State, text: str, one: Threshold | None) -> ThresholdRow:
    if one is None:
        return ThresholdRow(clean(text), "this version of tidal does not know it", UNJUDGED)
    trip = state.log.tripped.get(text)
    value = _value(state, one)
    word = _word(state, one, value)
    from_ms, to_ms = _judged(state.log, one)
    return ThresholdRow(
        text=clean(text),
        meaning=clean(meaning(one)),
        word=word,
        value_milli=None if value is None else int(value),
        value=_told(one, None if value is None else int(value)),
        limit_milli=one.limit,
        unit=one.metric.unit,
        aborts=one.aborts,
        tripped_from_ms=None if trip is None else trip.from_ms,
        tripped_to_ms=None if trip is None else trip.to_ms,
        tripped_value=_told(one, trip.value_milli) if trip is not None else "",
        why=clean(trip.why) if trip is not None else "",
        metric=one.metric.words,
        of=clean(one.of),
        wanted=wanted(one),
        judged_from_ms=from_ms,
        judged_to_ms=to_ms,
    )


def _judged(log: LogHalf, one: Threshold) -> tuple[int, int | None]:
    """The part of plan time that is judged: a stage's own, else what the threshold says."""
    if not one.stage:
        return one.from_ms, one.to_ms
    specs = log.plan.stages if log.plan is not None else log.stages
    own = [spec for spec in specs if spec.name == one.stage]
    return min((s.from_ms for s in own), default=0), max((s.to_ms for s in own), default=0)


def _told(one: Threshold, milli: int | None) -> str:
    return "" if milli is None else value_text(one.metric, milli)


def _word(state: State, one: Threshold, value: Fraction | None) -> str:
    trip = state.log.tripped.get(str(one))
    if trip is not None:
        return UNJUDGED if trip.value_milli is None else FAILED
    if state.log.phase == phases.CLOSED:
        return PASSED if state.log.began_ms else UNJUDGED
    if value is None:
        return WAITING
    return FAILING if is_bad(one, value) else HOLDS


def _value(state: State, one: Threshold) -> Fraction | None:
    """What it is now: of the newest window, of the newest second, of all that is judged."""
    log = state.log
    is_final = log.phase == phases.CLOSED
    if not log.began_ms:
        return None
    from_s, end_s = seconds_of(one, log.began_ms)
    last_s = min(end_s, end_of_s(log) if is_final else log.judged_to_s)
    is_over = is_final and not one.window and not one.has_place  # and known, however short it was
    if last_s <= from_s and one.metric.kind != VERDICT and not is_over:
        return None
    if not one.window:
        return whole_value(state, one, last_s, is_final=is_final)
    record = state.reports.watched.get((one.of, 0, 0))
    length_s = min(1 if one.window == FOR else one.window_s, last_s - from_s)
    if record is None or (one.window != FOR and not is_final and length_s < one.window_s):
        return None
    return value_of(one.metric, added(record.seconds, last_s - length_s, last_s), length_s * 1000)


def limit_row(log: LogHalf) -> LimitRow | None:
    """The search for a limit; None where there is none."""
    spec, found, probe = log.options.limit, log.limit, log.probe
    if spec is None:
        return None
    ones = [threshold_of(text) for text in spec.until]
    is_probing = probe is not None and probe.number > len(log.probes) and log.phase != phases.CLOSED
    return LimitRow(
        unit=clean(spec.unit, 20),
        until=tuple(clean(text) for text in spec.until),
        limits_milli=tuple(one.limit if one is not None else 0 for one in ones),
        probing_milli=probe.level_milli if probe is not None and is_probing else None,
        probes=tuple(_probe(p) for p in log.probes),
        level_milli=found.level_milli if found is not None else None,
        low_milli=found.low_milli if found is not None else 0,
        high_milli=found.high_milli if found is not None else 0,
        confidence_permille=found.confidence_permille if found is not None else 0,
        told=clean(told(spec, found)) if found is not None else "",
    )


def _probe(p: ProbeJudged) -> ProbeRow:
    ones = [(threshold_of(text), value) for text, value in p.values]
    values = tuple(_told(one, value) if one is not None else "" for one, value in ones)
    return ProbeRow(p.number, p.level_milli, p.passed, p.from_ms, p.to_ms, values, tuple(v for _, v in ones))
