"""What changed when, in words: a run's post-mortem as a timeline, purely from the folded state.

    happened     what the log says: losses, takeovers, operators, generations, the end
    changed      where the level of latency or of failures changes (PELT, `changes.py`), and where the throughput stops
                 rising with the users (segmented regression)
    pressed      generators that lagged or stood still, spikes with whom the data put them down to, gaps of the load

Each finding has its evidence in figures, so that a reader may disagree. The limits below which a change is none are
named beside them; `docs/explain.md` says why.
"""

from __future__ import annotations

from itertools import pairwise
from math import asin, exp, log, sqrt
from statistics import median
from typing import TYPE_CHECKING

from tidal.model.changes import burstiness, change_points, knee
from tidal.model.ledger import balance
from tidal.model.spikes import GENERATORS, NETWORK, TARGET, blame, found_spikes
from tidal.model.stats import percentiles_us
from tidal.model.strain import lags, stalls
from tidal.model.struct import Struct, replace
from tidal.model.text import clean
from tidal.model.words import moment, plural, user_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.rows import StoryRow
    from tidal.model.series import Point
    from tidal.model.spikes import Blame
    from tidal.model.state import State

RUN, OPERATOR, LOSS, ERRORS, LATENCY, THROUGHPUT, SATURATION, SPIKE, LOAD = (
    "run", "operator", "loss", "errors", "latency", "throughput", "generator", "spike", "load",
)  # fmt: skip
ANOMALY, NOTE, THRESHOLD = "anomaly", "note", "threshold"
GROUPS = {
    **dict.fromkeys((ERRORS, LATENCY, THROUGHPUT, SATURATION, SPIKE, LOAD), ANOMALY),
    LOSS: LOSS,
    OPERATOR: NOTE,
}
"""What a replay jumps to, by the kind of a finding."""

REQUESTS_LEAST = 5
"""Of a point of the series: the percentiles of fewer say nothing."""
LATENCY_NOISE = 0.05
"""In ln: changes that disappear in 5 % of noise are none, however still the series is."""
LATENCY_FACTOR, LATENCY_LEAST_US = 1.25, 2_000
"""A level is another one when it is a quarter higher or lower, and 2 ms at least."""
SHARE_NOISE = 0.02
SHARE_LEAST, SHARE_FACTOR = 0.01, 2.0
"""Failures began or ceased where their share changed by a hundredth of the requests, and by the factor two."""
KNEE_SLOPE, KNEE_USERS = 0.35, 1.2
"""Throughput has stopped rising when a further user brings a third of what one brought before, a fifth beyond it."""
NEAR_MS = (12_000, 3_000)
"""What lies so long before a change, or after it (a loss is noticed late), may have to do with it."""
ROWS_MAX = 300
CAUSES = frozenset({"wl", "gl", "ts", "gn", "mt", "do", "wg", "ws", "nt"})
"""Kinds of the story that may have to do with a change: losses, new users, takeovers, drains, joins, notes."""
_KINDS = {
    **dict.fromkeys(("wl", "gl", "bx", "wr", "gn", "mt"), LOSS),
    **dict.fromkeys(("ts", "nt", "do", "ir", "ia"), OPERATOR),
    **dict.fromkeys(("ro", "rs", "so", "rc", "wg", "hd"), RUN),
}
_SHAPE_AUTHORS = ("shape", "the shape")


class Finding(Struct, frozen=True):
    """One line of the timeline.

    Attributes:
        at_ms: plan time.
        until_ms: where it ended, of what lasts; None of a moment.
        kind: run, operator, loss, errors, latency, throughput, generator, spike, load.
        level: info, good, warning, error.
        evidence: the figures that it follows from, a line each.
        whom: what a rise of latency is put down to: target, generators, network; "" where nothing is.
    """

    at_ms: int
    kind: str
    level: str
    text: str
    evidence: tuple[str, ...] = ()
    until_ms: int | None = None
    whom: str = ""


class Explanation(Struct, frozen=True):
    """A run, explained.

    Attributes:
        summary: sentences, the most important first.
        findings: in the order of time.
        step_s: how fine the series was: changes are known to so many seconds.
    """

    summary: tuple[str, ...]
    findings: tuple[Finding, ...]
    step_s: int


class Reading(Struct, frozen=True):
    """One point of the series, as far as it is explained."""

    at_s: int  # Redis time
    requests: int
    failures: int
    users: float
    p50_us: int
    p95_us: int


def explain(state: State, story: Sequence[StoryRow], *, has_books: bool = True) -> Explanation:
    """The timeline.

    Args:
        state: at the end of what is explained.
        story: the frame's, which joins both halves of the state.
        has_books: planned and ran can be compared; not so of what a cut left, which lacks what it took out.
    """
    read, began_ms = readings(state), state.log.began_ms or state.log.opened_ms
    story = [replace(row, offset_ms=row.at_ms - began_ms) for row in story]  # those before the start knew of none
    found = [
        *_happened(story),
        *_errors(state, read, story),
        *_latency(state, read, story),
        *_knee(state, read),
        *_spikes(state),
        *_pressed(state),
        *(_gaps(state) if has_books else ()),
    ]
    found = sorted(_without_echoes(found), key=lambda f: (f.at_ms, f.kind, f.text))[:ROWS_MAX]
    return Explanation(_summary(state, found), tuple(found), state.reports.series.step_s)


def readings(state: State) -> list[Reading]:
    """The points in which the load ran, in order; what is still being reported is left out."""
    series, log = state.reports.series, state.log
    end_ms = log.stopped_ms or log.closed_ms or 1 << 60
    rows = []
    for index, point in sorted(series.points.items()):
        at_s = index * series.step_s
        if (at_s + series.step_s) * 1000 > end_ms or at_s * 1000 < log.began_ms - 1000 * series.step_s:
            continue
        p50, p95 = percentiles_us(point.histogram, (0.5, 0.95), 0, 1 << 62)
        users = point.user_ms / 1000 / series.step_s
        rows.append(Reading(at_s, point.requests, point.failures, users, p50, p95))
    return rows


# ------------------------------------------------------------------ for a replay


class Mark(Struct, frozen=True):
    """A moment that a replay can jump to."""

    at_ms: int  # Redis time
    group: str  # anomaly, loss, note, threshold
    level: str
    text: str


def marks(explained: Explanation, began_ms: int, story: Sequence[StoryRow] = ()) -> tuple[Mark, ...]:
    """The moments of an explained run worth going to, in order; of its story the thresholds that tripped."""
    found = [
        Mark(began_ms + max(0, f.at_ms), GROUPS[f.kind], f.level, f.text)
        for f in explained.findings
        if f.kind in GROUPS and f.level != "good"
    ]
    found += [Mark(row.at_ms, THRESHOLD, row.level, row.text) for row in story if row.kind == "tt"]
    return tuple(sorted(found, key=lambda mark: (mark.at_ms, mark.group, mark.text)))


def idle(state: State, news_ms: Sequence[int] = (), least_s: int = 10) -> tuple[tuple[int, int], ...]:
    """Stretches of Redis time in ms without a request, a user or news (`news_ms`): a replay may skip them."""
    series, log_ = state.reports.series, state.log
    last_ms = log_.closed_ms or log_.stopped_ms or (series.last_s or 0) * 1000
    busy = [(i * series.step_s * 1000, (i + 1) * series.step_s * 1000) for i, p in series.points.items() if _is_busy(p)]
    busy += [(ms, ms + 1000) for ms in (*news_ms, log_.opened_ms, last_ms)]
    found, reached_ms = [], log_.opened_ms
    for from_ms, to_ms in sorted(busy):
        if from_ms - reached_ms >= least_s * 1000:
            found.append((reached_ms, from_ms))
        reached_ms = max(reached_ms, to_ms)
    return tuple(found)


def _is_busy(point: Point) -> bool:
    return bool(point.requests or point.user_ms)


# ------------------------------------------------------------------ what the log says


def _happened(story: Sequence[StoryRow]) -> Iterator[Finding]:
    for row in story:
        kind = _KINDS.get(row.kind)
        is_news = row.kind != "mt" or row.level == "warning"
        is_of_people = row.kind != "ts" or not row.text.startswith(_SHAPE_AUTHORS)
        if kind is not None and is_news and is_of_people:
            yield Finding(row.offset_ms, kind, row.level, row.text)


def _near(story: Sequence[StoryRow], plan_ms: int) -> tuple[str, ...]:
    """What the log says of the moments about a change."""
    before_ms, after_ms = NEAR_MS
    rows = [r for r in story if r.kind in CAUSES and r.offset_ms > 0]
    rows = [r for r in rows if plan_ms - before_ms <= r.offset_ms <= plan_ms + after_ms]
    rows = [r for r in rows if r.kind != "mt" or r.level == "warning"]
    return tuple(f"{moment(r.offset_ms)} {r.text}" for r in rows[-4:])


# ------------------------------------------------------------------ where levels change


def _errors(state: State, read: Sequence[Reading], story: Sequence[StoryRow]) -> Iterator[Finding]:
    rows = [r for r in read if r.requests >= REQUESTS_LEAST]
    shares = [asin(sqrt(min(1.0, r.failures / r.requests))) for r in rows]
    edges = [0, *change_points(shares, max(SHARE_NOISE, burstiness(shares))), len(rows)] if rows else []
    parts = [rows[a:b] for a, b in pairwise(edges)]
    before = 0.0
    for number_, part in enumerate(parts):
        share = sum(r.failures for r in part) / sum(r.requests for r in part)
        is_more = share >= before + SHARE_LEAST and share >= SHARE_FACTOR * before
        is_less = share <= before - SHARE_LEAST and share * SHARE_FACTOR <= before
        if is_more or (is_less and number_):
            yield _errors_changed(state, part, (before, share), story)
        if is_more or is_less or not number_:
            before = share


def _errors_changed(
    state: State, part: Sequence[Reading], shares: tuple[float, float], story: Sequence[StoryRow]
) -> Finding:
    before, share = shares
    first = next((r for r in part if r.failures), part[0]) if share > before else part[0]
    at_ms = max(0, first.at_s * 1000 - state.log.began_ms)
    verb = "failures began" if before < SHARE_LEAST / 2 else "failures grew" if share > before else "failures fell"
    verb = "failures ceased" if share < SHARE_LEAST / 2 else verb
    evidence = [*_which(state, first.at_s) * (share > before), *_near(story, at_ms)]
    level = "error" if share > before else "good"
    return Finding(at_ms, ERRORS, level, f"{verb}: {_percent(before)} → {_percent(share)} of requests", tuple(evidence))


def _which(state: State, at_s: int) -> list[str]:
    """The failures that began about then, else those that there are most of."""
    step_ms = state.reports.series.step_s * 1000
    rows = [(key, r) for key, r in state.reports.failures.items() if abs(r.first_ms - at_s * 1000) <= 3_000 + step_ms]
    rows = rows or list(state.reports.failures.items())
    rows.sort(key=lambda item: (-item[1].occurrences, item[0]))
    told = (f"{plural(r.occurrences, 'time')} {m} {n}: {e}" for (m, n, e), r in rows[:3])
    return [clean(text, 200) for text in told]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.995 else f"{100 * share:.0f} %"


def _latency(state: State, read: Sequence[Reading], story: Sequence[StoryRow]) -> Iterator[Finding]:
    """Shifts of the median and of the p95; where both shift at once, one finding."""
    rows = [r for r in read if r.requests >= REQUESTS_LEAST and r.p50_us]
    columns = {"median": [log(max(1, r.p50_us)) for r in rows], "p95": [log(max(1, r.p95_us)) for r in rows]}
    shifts: dict[int, dict[str, tuple[int, int]]] = {}
    for name, values in columns.items():
        for at, before, after in _shifts(values):
            near = next((i for i in shifts if abs(i - at) <= 2), at)
            shifts.setdefault(near, {})[name] = (before, after)
    for index, moved in sorted(shifts.items()):
        yield _shifted(state, rows, index, moved, story)


def _shifts(values: Sequence[float]) -> Iterator[tuple[int, int, int]]:
    """Index, level before and level after in µs, where they differ enough."""
    edges = [0, *change_points(values, LATENCY_NOISE), len(values)] if values else []
    levels = [(a, median(values[a:b])) for a, b in pairwise(edges)]
    known = levels[0][1] if levels else 0.0
    for at, level in levels[1:]:
        before, after = round(exp(known)), round(exp(level))
        if abs(level - known) >= log(LATENCY_FACTOR) and abs(after - before) >= LATENCY_LEAST_US:
            yield at, before, after
            known = level


def _shifted(
    state: State, rows: Sequence[Reading], index: int, moved: dict[str, tuple[int, int]], story: Sequence[StoryRow]
) -> Finding:
    at_s, log_ = rows[index].at_s, state.log
    at_ms = max(0, at_s * 1000 - log_.began_ms)
    parts = [f"{name} {_ms(a)} → {_ms(b)} ({b / max(1, a):.1f} times)" for name, (a, b) in moved.items()]
    before, after = moved.get("p95") or moved["median"]
    evidence, whom, level = [], "", "good"
    if after > before:
        found = blame(state, at_s, at_s + 10 * state.reports.series.step_s, after - before)
        evidence, whom, level = [_evidence(found)], found.whom, "warning"
    users = [round(r.users) for r in (rows[max(0, index - 5)], rows[min(len(rows) - 1, index + 5)])]
    if users[0] * 1.2 < users[1] or users[1] * 1.2 < users[0]:
        evidence.append(f"users went from {users[0]} to {users[1]} about then")
    verb = "latency rose" if after > before else "latency fell"
    text, evidence = f"{verb}: {', '.join(parts)}", [*evidence, *_near(story, at_ms)]
    return Finding(at_ms, LATENCY, level, text, tuple(evidence), None, whom)


def _ms(us: int) -> str:
    return f"{us / 1000:.1f} ms" if us < 100_000 else f"{us / 1000:.0f} ms" if us < 10_000_000 else f"{us / 1e6:.1f} s"


def _evidence(found: Blame) -> str:
    told = {
        TARGET: "put down to the target",
        GENERATORS: "put down to the generators",
        NETWORK: "put down to the machine or the network",
    }[found.whom]
    redis = f"Redis answered in {found.redis_us / 1000:.1f} ms" if found.redis_us else "nothing is known of Redis"
    return f"{told}: generators' timers were {found.lag_us / 1000:.1f} ms late, {redis}"


def _knee(state: State, read: Sequence[Reading]) -> Iterator[Finding]:
    """Where more users brought no more requests, on the way up."""
    peak = max((r.users for r in read), default=0.0)
    top = next((i for i, r in enumerate(read) if r.users >= 0.98 * peak), 0)
    rising = [r for r in read[: top + 1] if r.users >= 1]
    step_s = state.reports.series.step_s
    found = knee([(r.users, r.requests / step_s) for r in rising])
    if found is None or found.slope_before <= 0 or peak < KNEE_USERS * found.at:
        return
    if found.slope_after > KNEE_SLOPE * found.slope_before:
        return
    at = next((r for r in rising if r.users >= found.at), rising[-1])
    beyond = [r for r in rising if r.users > found.at]
    rates = [r.requests / step_s for r in beyond]
    slopes = f"{found.slope_before:.2f} requests/s more, beyond that {found.slope_after:.2f}"
    evidence = (
        f"up to {found.at:.0f} users each brought {slopes}",
        f"beyond it {min(rates):.0f} to {max(rates):.0f} requests/s, p95 {_ms(at.p95_us)} → {_ms(beyond[-1].p95_us)}",
    )
    text = f"throughput stopped rising at {found.at:.0f} users and {found.height:.0f} requests/s: the knee"
    yield Finding(max(0, at.at_s * 1000 - state.log.began_ms), THROUGHPUT, "warning", text, evidence)


# ------------------------------------------------------------------ pressed


def _spikes(state: State) -> Iterator[Finding]:
    began_ms = state.log.began_ms
    for spike in found_spikes(state, 10):
        at_ms, until_ms = spike.first_s * 1000 - began_ms, spike.end_s * 1000 - began_ms
        text = f"p95 spiked to {_ms(spike.peak_us)} (usually {_ms(spike.usual_us)}) until {moment(until_ms)}"
        yield Finding(max(0, at_ms), SPIKE, "warning", text, (_evidence(spike.blame),), until_ms, spike.blame.whom)


def _pressed(state: State) -> Iterator[Finding]:
    for found in (*lags(state), *stalls(state)):
        level = "error" if found.weight > 1 else "warning"
        at_ms = max(0, found.from_ms)
        yield Finding(at_ms, SATURATION, level, found.text, (), max(at_ms, found.to_ms), GENERATORS)


def _gaps(state: State) -> Iterator[Finding]:
    """Seconds in which the load was not the plan's, the largest."""
    log_ = state.log
    gaps = sorted(balance(state).gaps, key=lambda gap: (-(gap[2] + gap[3]), gap))[:5]
    for first_s, end_s, missing_ms, surplus_ms in gaps:
        from_ms, to_ms = max(0, first_s * 1000 - log_.began_ms), max(0, end_s * 1000 - log_.began_ms)
        parts = [f"{user_seconds(ms)} {word}" for ms, word in ((missing_ms, "missing"), (surplus_ms, "too much")) if ms]
        text = f"the load was not the plan's until {moment(to_ms)}: {', '.join(parts)}"
        yield Finding(from_ms, LOAD, "warning", text, (), to_ms)


# ------------------------------------------------------------------ all together


def _without_echoes(found: Sequence[Finding]) -> Iterator[Finding]:
    """A shift of latency that lies in a spike says the same again."""
    spikes = [(f.at_ms, f.until_ms or f.at_ms) for f in found if f.kind == SPIKE]
    for finding in found:
        is_echo = finding.kind == LATENCY and any(a - 3_000 <= finding.at_ms <= b + 3_000 for a, b in spikes)
        if not is_echo:
            yield finding


def _summary(state: State, found: Sequence[Finding]) -> tuple[str, ...]:
    """What somebody wants to hear who has ten seconds."""
    closed = state.log.closed
    told = []
    if closed is not None:
        verdict = f", its verdict is {closed.verdict}" if closed.verdict else ""
        told.append(clean(f"The run ended: {closed.outcome}, {closed.reason}{verdict}.", 300))
    kinds = (ERRORS, SPIKE, LATENCY, THROUGHPUT, SATURATION, LOSS, LOAD)
    for kind in kinds:
        worst = [f for f in found if f.kind == kind and f.level in {"warning", "error"}]
        if worst:
            first = worst[0]
            more = f" ({len(worst)} such findings)" if len(worst) > 1 else ""
            told.append(f"{moment(first.at_ms)} {first.text}{_put_down(first)}{more}.")
    if len(told) <= (closed is not None):
        told.append("Nothing stood out: no level of latency or failures changed, nobody was lost.")
    return tuple(told)


def _put_down(finding: Finding) -> str:
    names = {TARGET: "the target", GENERATORS: "the generators themselves", NETWORK: "the machine or the network"}
    return f", put down to {names[finding.whom]}" if finding.whom in names and finding.kind != SATURATION else ""
