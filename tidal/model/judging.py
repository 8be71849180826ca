"""Thresholds against the folded state: pure, and the same for the master, a screen and a run that is long over.

    each tick   whole seconds that every worker has reported, up to `Ticked.judged_to_s`
                windows that end in the new ones ──▶ ThresholdTripped
    at the end  everything else ──▶ ThresholdTripped, exit code

What a tick judges depends on the reports up to `Ticked.reports_id` and on the seconds named in it, so whoever folds the
log up to that entry, and the reports up to that id, finds the same (`tidal judge`).
"""

from __future__ import annotations

import operator
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING

from tidal.model.events import ThresholdTripped
from tidal.model.ledger import complete_to_ms, plan_end_s
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.text import clean
from tidal.model.threshold_measures import TRANSACTION, measured_transaction, measured_value, names_of
from tidal.model.thresholds import (
    COUNT,
    FOR,
    LATENCY,
    PERCENT,
    RATE,
    THRESHOLDS_MAX,
    USERS,
    VERDICT,
    WITHIN,
    Threshold,
)
from tidal.model.thresholds_read import threshold_of
from tidal.model.verdict import EXIT_SUSPECT, WORDS, judge
from tidal.model.watched import LAG_S, Seen, is_of, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tidal.model.state import LogHalf, State
    from tidal.model.thresholds import Metric

EXIT_NOT_MET, EXIT_UNJUDGED = 62, 63
"""Of tidal.errors, repeated here because the model imports no shell; a test holds them together."""
_COMPARE: dict[str, Callable[[Fraction, int], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def fold_tripped(log: LogHalf, event: ThresholdTripped, _: int) -> None:
    """Remember what tripped; the first time counts."""
    if len(log.tripped) < THRESHOLDS_MAX:
        log.tripped.setdefault(event.text, event)


def reached_s(state: State) -> int:
    """Redis time in whole seconds up to which thresholds can be judged now: all of it is reported, and was planned."""
    log = state.log
    if not log.began_ms:
        return 0
    return max(log.judged_to_s, min(complete_to_ms(state) // 1000, plan_end_s(log)))


def is_bad(threshold: Threshold, value: Fraction) -> bool:
    """Whether a value is one that the threshold does not allow."""
    return _COMPARE[threshold.bad_op](value, threshold.limit)


# ------------------------------------------------------------------ what trips


def trips(state: State, to_s: int) -> list[ThresholdTripped]:
    """What trips in the seconds up to `to_s` that were not judged before."""
    return [trip for one in _open(state.log) if (trip := _tripped(state, one, to_s)) is not None]


def final_trips(state: State) -> list[ThresholdTripped]:
    """What trips at the end, when nothing more will be reported."""
    if not state.log.began_ms or state.log.stop is None:
        return []
    return [trip for one in _open(state.log) if (trip := _finally(state, one)) is not None]


def _open(log: LogHalf) -> Iterator[Threshold]:
    """The thresholds that have not tripped; a text of a newer tidal cannot be judged."""
    if log.began_ms:
        found = (threshold_of(text) for text in log.options.thresholds if text not in log.tripped)
        yield from (one for one in found if one is not None)


def _tripped(state: State, one: Threshold, to_s: int) -> ThresholdTripped | None:
    log = state.log
    from_s, end_s = seconds_of(one, log.began_ms)
    last_s = min(to_s, end_s)
    if one.window:
        return next(_bad_windows(state, one, from_s, last_s), None)
    is_over = log.judged_to_s < end_s <= to_s
    if last_s <= from_s or one.metric.kind == VERDICT or not (one.aborts or is_over):
        return None
    value = whole_value(state, one, last_s)
    return _trip(log, one, from_s, last_s, value) if value is not None and is_bad(one, value) else None


def _finally(state: State, one: Threshold) -> ThresholdTripped | None:
    log = state.log
    from_s, end_s = seconds_of(one, log.began_ms)
    last_s = min(end_s, end_of_s(log))
    value = whole_value(state, one, last_s, is_final=True)
    if value is None:
        return ThresholdTripped(str(one), 0, _plan_ms(log, last_s), None, _why_nothing(state, one))
    if one.window and last_s - from_s >= one.window_s:
        return next(_bad_windows(state, one, from_s, last_s), None)
    is_judged = one.window != FOR and (last_s > from_s or not one.has_place)
    return _trip(log, one, from_s, last_s, value) if is_judged and is_bad(one, value) else None


def _trip(log: LogHalf, one: Threshold, from_s: int, to_s: int, value: Fraction) -> ThresholdTripped:
    from_ms = _plan_ms(log, from_s) if one.window or one.has_place else 0
    return ThresholdTripped(str(one), from_ms, max(from_ms, _plan_ms(log, to_s)), int(value))


def _plan_ms(log: LogHalf, second: int) -> int:
    return max(0, second * 1000 - log.began_ms)


def end_of_s(log: LogHalf) -> int:
    """The second in which the load ended; the last one of which all is known."""
    return min(plan_end_s(log), log.stopped_ms // 1000) if log.stop is not None else log.judged_to_s


def _why_nothing(state: State, one: Threshold) -> str:
    if one.metric.source:
        return _why_unmeasured(one, names_of(state.reports.measured, one.metric.source))
    if one.stage and one.stage not in state.reports.stages:
        return f"no request was in stage {clean(one.stage, 60)!r}{_near(one.stage, state.reports.stages)}"
    if not one.of or any(is_of(key, one.of) for key in state.reports.endpoints):
        return "nothing was measured"
    names = {name for key in state.reports.endpoints for name in (key[1], f"{key[0]} {key[1]}".strip())}
    return f"no endpoint {clean(one.of, 60)!r} was seen{_near(one.of, names)}"


def _why_unmeasured(one: Threshold, names: set[str]) -> str:
    return f"no {one.metric.source} {clean(one.of, 60)!r} was measured{_near(one.of, names)}"


def _near(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(names), 3, 0.4)
    return f"; near ones: {', '.join(clean(one, 60) for one in near)}" if near else ""


# ------------------------------------------------------------------ windows


def _bad_windows(state: State, one: Threshold, from_s: int, to_s: int) -> Iterator[ThresholdTripped]:
    """Windows that end in a second not judged before, and are bad; of seconds that are kept no more nobody knows."""
    record = state.reports.watched.get((one.of, 0, 0))
    if record is None:
        return
    from_s = max(from_s, record.latest_s - record.keep_s + 1)
    to_s = min(to_s, record.latest_s + one.window_s + 1)  # all later windows are as empty as that one
    for end_s in range(max(state.log.judged_to_s + 1, from_s + one.window_s), to_s + 1):
        found = (_within if one.window == WITHIN else _lasting)(record.seconds, one, end_s, from_s)
        if found is not None:
            begin_s, value = found
            yield _trip(state.log, one, begin_s, end_s, value)


def _within(seconds: dict[int, Seen], one: Threshold, end_s: int, _: int) -> tuple[int, Fraction] | None:
    """The window before `end_s`, when it is bad."""
    begin_s = end_s - one.window_s
    value = value_of(one.metric, added(seconds, begin_s, end_s), one.window_s * 1000)
    return (begin_s, value) if value is not None and is_bad(one, value) else None


def _lasting(seconds: dict[int, Seen], one: Threshold, end_s: int, from_s: int) -> tuple[int, Fraction] | None:
    """The bad seconds before `end_s`, when they last long enough: those in which nothing was measured do not count."""
    bad: list[Fraction] = []
    for second in range(end_s - 1, from_s - 1, -1):
        value = value_of(one.metric, seconds.get(second, _NOTHING), 1000)
        if (value is None and not bad) or (value is not None and not is_bad(one, value)):
            return None
        bad += [value] if value is not None else []
        if value is not None and second <= end_s - one.window_s:
            return second, _mildest(one, bad)
    return None


_NOTHING = Seen()


def _mildest(one: Threshold, bad: Sequence[Fraction]) -> Fraction:
    """The value that all of them reached."""
    return min(bad) if one.bad_op in {">", ">="} else max(bad)


def added(seconds: dict[int, Seen], from_s: int, to_s: int) -> Seen:
    """What came in the seconds from one up to another."""
    total = Seen()
    for second in range(from_s, to_s):
        if second in seconds:
            total.merge(seconds[second])
    return total


# ------------------------------------------------------------------ values


def value_of(metric: Metric, seen: Seen, length_ms: int) -> Fraction | None:
    """In thousandths of the metric's unit, over so long; None when there was nothing to measure."""
    if metric.kind == LATENCY:
        return _latency(metric, seen.tally)
    if metric.kind == PERCENT:
        return Fraction(100_000 * seen.failures, seen.requests) if seen.requests else None
    if metric.kind == COUNT:
        return Fraction(1000 * (seen.failures if metric.name == "failures" else seen.requests))
    if length_ms <= 0:
        return None
    if metric.kind == USERS:
        return Fraction(1000 * seen.user_ms, length_ms)
    return Fraction(1_000_000 * seen.requests, length_ms) if metric.kind == RATE else None


def _latency(metric: Metric, tally: Tally) -> Fraction | None:
    response = tally.response
    times, count = (tally, tally.timed) if not metric.is_response else (response, response.count if response else 0)
    if times is None or not count:
        return None
    if metric.quantile:
        return Fraction(times.percentiles_us(metric.quantile)[0])
    named = {"min": times.min_us, "max": times.max_us}
    return Fraction(named[metric.name]) if metric.name in named else Fraction(times.total_us, count)


def whole_value(state: State, one: Threshold, to_s: int, *, is_final: bool = False) -> Fraction | None:
    """The value over the part of the run that is judged, up to a second; None: there is none (yet)."""
    if one.metric.kind == VERDICT:
        word = judge(state, is_final=is_final).word
        return Fraction(WORDS.index(word)) if word else None
    if one.metric.source:
        return _of_measured(state, one)
    if one.stage:
        return _of_stage(state, one)
    log, reports = state.log, state.reports
    from_s, end_s = seconds_of(one, log.began_ms)
    if one.has_place and not one.window:
        record = reports.watched.get((one.of, from_s, end_s))
        seen, length_ms = (
            (record.seconds.get(from_s, _NOTHING) if record is not None else _NOTHING),
            (to_s - from_s) * 1000,
        )
    else:
        seen = _of_run(state, one.of)
        length_ms = (log.load_ended_ms if is_final else to_s * 1000) - log.began_ms
    if one.of and not any(is_of(key, one.of) for key in reports.endpoints):
        return None
    return value_of(one.metric, _up_to(state, one, seen, to_s, is_final=is_final), length_ms)


def _of_measured(state: State, one: Threshold) -> Fraction | None:
    """Of what users measure beside requests."""
    if one.metric.source != TRANSACTION:
        return measured_value(state.reports.measured, one)
    return value_of(one.metric, Seen.of(measured_transaction(state.reports.measured, one.of).whole), 0)


def _of_stage(state: State, one: Threshold) -> Fraction | None:
    """Of the requests of one stage of the plan, as far as they are reported."""
    record, whole = state.reports.stages.get(one.stage), Tally()
    for key, tally in record.endpoints.items() if record is not None else ():
        if is_of(key, one.of):
            whole.merge(tally)
    return value_of(one.metric, Seen.of(whole), 0) if whole.requests else None


def _of_run(state: State, of: str) -> Seen:
    if not of:
        return Seen.of(state.reports.total, state.reports.user_ms)
    whole = Tally()
    for key, record in state.reports.endpoints.items():
        if is_of(key, of):
            whole.merge(record.tally)
    return Seen.of(whole, state.reports.user_ms)


def _up_to(state: State, one: Threshold, seen: Seen, to_s: int, *, is_final: bool) -> Seen:
    """Without what came after a second, for what is counted over time: the reports of those seconds are not all in."""
    record = state.reports.watched.get((one.of, 0, 0))
    if one.metric.kind not in {RATE, USERS} or record is None or (is_final and not one.has_place):
        return seen
    _, end_s = seconds_of(one, state.log.began_ms)
    late = added(record.seconds, to_s, min(record.latest_s + 1, end_s, to_s + LAG_S))
    return replace(seen, requests=max(0, seen.requests - late.requests), user_ms=max(0, seen.user_ms - late.user_ms))


# ------------------------------------------------------------------ the end


def aborting(log: LogHalf) -> ThresholdTripped | None:
    """A threshold that tripped and stops the run."""
    found = (log.tripped.get(text) for text in log.options.thresholds)
    return next((trip for trip in found if trip is not None and _aborts(trip.text)), None)


def _aborts(text: str) -> bool:
    one = threshold_of(text)
    return one is not None and one.aborts


def judges_failures(log: LogHalf) -> bool:
    """Whether a threshold says how many requests may fail: then one that fails does not spoil the run by itself."""
    found = [threshold_of(text) for text in log.options.thresholds]
    if log.options.limit is not None:
        return True  # beyond the limit requests may well fail
    whole = [one for one in found if one is not None and not (one.of or one.stage or one.has_place)]
    return any(one.metric.name in {"fail%", "failures"} for one in whole)


def exit_code_with(ordinary: int, log: LogHalf, tripped: Iterable[ThresholdTripped]) -> int:
    """What a run ends with, its thresholds weighed in: a code that user code wants and an invalid verdict go before."""
    values = [trip.value_milli for trip in tripped]
    if not values or ordinary not in {0, log.options.exit_code_on_error, EXIT_SUSPECT}:
        return ordinary
    return EXIT_UNJUDGED if all(value is None for value in values) else EXIT_NOT_MET
