"""What hypothesis draws: values of every annotation that the schema knows, tallies, whole histories."""

from __future__ import annotations

from struct import pack
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from histories import T0, at, by, life, opened, planned, report, seen, started
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of
from tidal.model.each import EACH_MAX, Spans
from tidal.model.measured import Measured, Transaction
from tidal.model.metrics import KINDS, Metric, parts_of
from tidal.model.pipe import Batch
from tidal.model.stats import Spread, Tally
from tidal.model.struct import fields_of, replace

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = st.integers(0, 1 << 40)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LATENCY_US = st.one_of(st.integers(0, 200), st.integers(0, 10_000_000), st.integers(0, 1_250_000_000_000))
LATE_US = st.one_of(st.none(), st.integers(0, 60_000_000))
SAMPLE = st.tuples(st.one_of(st.none(), LATENCY_US), st.integers(0, 1 << 20), st.booleans(), LATE_US)
SAMPLES = st.lists(SAMPLE, max_size=30)


def tally_of(samples: list[tuple[int | None, int, bool, int | None]]) -> Tally:
    """The tally of raw samples."""
    made = Tally()
    for latency_us, length, failed, late_us in samples:
        made.add(latency_us, length, failed=failed, late_us=late_us)
    return made


def spread_of(times_us: list[int]) -> Spread:
    """The spread of raw times."""
    made = Spread()
    for time_us in times_us:
        made.add(time_us)
    return made


DENSE = st.lists(
    st.tuples(st.integers(900, 1_400), st.integers(0, 99), st.booleans(), st.none()), min_size=9, max_size=40
)
"""Samples that lie close together: their histogram is a window, and travels packed in a block of several seconds."""
TALLY = st.one_of(SAMPLES, DENSE).map(tally_of)
VALUE = st.one_of(st.integers(-9, 9), st.floats(-1e15, 1e15), st.integers(-(10**15), 10**15))
RECORDED = st.lists(st.tuples(VALUE, st.integers(0, 9)), max_size=8)
RUNS = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 9), st.booleans()), max_size=8)


def metric_of(kind: str, recorded: list[tuple[float, int]]) -> Metric:
    """The metric of raw values at moments."""
    made = Metric()
    for value, at_us in recorded:
        made.add(kind, int(value > 0) if kind in {"rate", "check"} else parts_of(value), at_us)
    return made


def transaction_of_runs(runs: list[tuple[int, int, int, bool]]) -> Transaction:
    """The transaction of raw runs: busy and waited µs, requests, whether it failed."""
    made = Transaction()
    for busy_us, waited_us, requests, failed in runs:
        made.add(busy_us + waited_us, waited_us, requests, requests // 2, failed=failed)
    return made


METRICS = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), TEXT, TEXT, TEXT, RECORDED), max_size=3).map(
    lambda rows: {(kind, *names): metric_of(kind, recorded) for kind, *names, recorded in rows}
)
PATH = st.lists(TEXT, min_size=1, max_size=3).map(tuple)
MEASURED = st.builds(
    Measured,
    st.dictionaries(st.tuples(PATH, TEXT), RUNS.map(transaction_of_runs), max_size=3),
    METRICS,
    st.dictionaries(st.tuples(TEXT, TEXT, TEXT), TALLY, max_size=2),
)


def spanned(block: ev.Block, more: list[tuple[int, dict[tuple[str, str], Tally], dict[str, int]]]) -> ev.Block:
    """The block of several seconds of which each is known: this one's, and others after it."""
    block.span, block.second = 1, block.second // EACH_MAX * EACH_MAX
    kind = (block.is_warmup, block.stage, block.user_class)
    others = [ev.Block(block.second + at, 1, tallies, ran_ms, *kind) for at, tallies, ran_ms in more]
    others.sort(key=lambda other: other.second)
    return Spans(EACH_MAX).joined([block, *others])[0]


_TALLIES = st.dictionaries(st.tuples(TEXT, TEXT), TALLY, max_size=3)
_PLAIN = st.builds(
    ev.Block,
    st.integers(0, 1 << 39),
    st.integers(1, 1 << 19),
    _TALLIES,
    st.dictionaries(TEXT, COUNT, max_size=2),
    st.booleans(),
    TEXT,
    TEXT,
    measured=st.one_of(st.builds(Measured), st.builds(Measured), MEASURED),
)
_SECONDS = st.tuples(st.integers(1, EACH_MAX - 1), _TALLIES, st.dictionaries(TEXT, COUNT, max_size=2))
BLOCK = st.one_of(_PLAIN, st.builds(spanned, _PLAIN, st.lists(_SECONDS, min_size=1, max_size=3)))
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: COUNT,
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: TEXT,
    bytes: st.binary(max_size=12),
    bool: st.booleans(),
    Tally: TALLY,
    Spread: st.lists(LATENCY_US, max_size=9).map(spread_of),
    ev.Block: BLOCK,
}


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of an annotation."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if origin in (Union, UnionType):
        return st.one_of(st.none(), *(drawn(a) for a in args if a is not NoneType))
    if origin is tuple and args[1:] == (...,):
        return st.lists(drawn(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(drawn, args))
    if origin is dict:
        return st.dictionaries(drawn(args[0]), drawn(args[1]), max_size=2)
    return built(kind)


def built(cls: Any) -> st.SearchStrategy[Any]:
    """Any value of a dataclass, fields with defaults now and then left out."""
    hints = get_type_hints(cls)
    if cls is ev.Reported:
        return st.deferred(lambda: _reported_as_it_may_be(hints))
    if cls is Batch:
        more = {f.name: drawn(hints[f.name]) for f in fields_of(cls) if f.name not in {"from_ms", "to_ms"}}
        return st.builds(lambda moments, **rest: cls(*moments, **rest), st.tuples(COUNT, COUNT).map(sorted), **more)
    if cls is ev.LedgerSealed:
        return st.builds(_balanced, COUNT, COUNT, COUNT, COUNT, drawn(hints["gaps"]))
    if cls in _WITH_RULES:
        return _WITH_RULES[cls]()
    if cls is ev.FailureTally:
        moments = st.tuples(COUNT, COUNT).map(sorted)
        return st.builds(lambda m, n, e, o, t: cls(m, n, e, o, *t), TEXT, TEXT, TEXT, COUNT, moments)
    needed = {f.name: drawn(hints[f.name]) for f in fields_of(cls) if f.is_required}
    more = {f.name: drawn(hints[f.name]) for f in fields_of(cls) if f.name not in needed}
    return st.one_of(st.builds(cls, **needed), st.builds(cls, **needed, **more))


MOMENT_MS = st.integers(0, (1 << 46) - 1)
RATE = st.floats(0.001, 1e6)
TRACK = st.builds(
    ev.Track,
    TEXT,
    st.lists(st.tuples(MOMENT_MS, st.floats(0, 1e7)), max_size=3).map(lambda points: tuple(sorted(points))),
    st.sampled_from(["users", "arrivals/s"]),
    COUNT,
    COUNT,
)
STAGE = st.builds(
    lambda name, moments: ev.StageSpec(name, *moments),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.tuples(MOMENT_MS, MOMENT_MS).map(sorted),
)


def _plans() -> st.SearchStrategy[ev.PlanSet]:
    tables = st.lists(st.sampled_from([0, 1, 65_535]), max_size=6).map(lambda t: pack(f">{len(t)}H", *t))
    return st.builds(
        ev.PlanSet,
        COUNT,
        MOMENT_MS,
        st.lists(TRACK, max_size=2).map(tuple),
        st.none() | MOMENT_MS,
        st.lists(TEXT, min_size=2, max_size=3).map(tuple),
        tables,
        TEXT,
        st.lists(STAGE, max_size=2).map(tuple),
    )


def _openings() -> st.SearchStrategy[ev.RunOpened]:
    hints = get_type_hints(ev.RunOpened)
    shapes = {f.name: drawn(hints[f.name]) for f in fields_of(ev.RunOpened)}
    options = st.builds(
        lambda o, u, r: replace(o, users=u, spawn_rate=r), drawn(ev.RunOptions), st.integers(0, 99), RATE
    )
    classes = st.lists(st.builds(ev.ClassSpec, TEXT, st.floats(0, 9), st.integers(0, 9)), max_size=2).map(tuple)
    return st.builds(ev.RunOpened, **shapes | {"options": options, "classes": classes, "slots": st.integers(1, 32_768)})


WATCH = st.one_of(
    st.builds(ev.Watch, TEXT, st.integers(1, 900)),
    st.builds(lambda of, span: ev.Watch(of, 0, span[0], span[1] + 1), TEXT, st.tuples(COUNT, COUNT).map(sorted)),
)
TRIPPED = st.builds(
    lambda text, span, value, why: ev.ThresholdTripped(text, *span, value, why),
    TEXT,
    st.tuples(MOMENT_MS, MOMENT_MS).map(sorted),
    st.none() | COUNT,
    TEXT,
)
LIMIT = st.builds(
    lambda until, unit, start, more: ev.LimitSpec(tuple(until), unit, start, start + more),
    st.lists(TEXT, max_size=2),
    st.sampled_from(["users", "arrivals/s"]),
    st.integers(1, 99_000),
    st.integers(0, 99_000),
)
PROBE = st.builds(
    lambda number, level, span: ev.ProbeBegun(number, level, *span), COUNT, COUNT, st.tuples(COUNT, COUNT).map(sorted)
)
LINE = st.builds(
    ev.LogLine,
    MOMENT_MS,
    st.sampled_from(["debug", "info", "warning", "error", "critical"]),
    TEXT,
    TEXT,
    st.integers(-1, 99),
    st.sampled_from([0, 0, 0, 7]),
)
_WITH_RULES: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
    ev.PaceTally: lambda: st.builds(
        lambda name, n, wanted, late: ev.PaceTally(name, n + late, wanted, late), TEXT, *3 * [COUNT]
    ),
    ev.TicketsLent: lambda: st.builds(
        lambda who, name, n, totals: ev.TicketsLent(who, ((name, n, totals[1], totals[0]),)),
        TEXT,
        TEXT,
        COUNT,
        st.tuples(COUNT, COUNT).map(sorted),
    ),
    ev.Track: lambda: TRACK,
    ev.StageSpec: lambda: STAGE,
    ev.PlanSet: _plans,
    ev.RunOpened: _openings,
    ev.Watch: lambda: WATCH,
    ev.LogLine: lambda: LINE,
    ev.ThresholdTripped: lambda: TRIPPED,
    ev.LimitSpec: lambda: LIMIT,
    ev.ProbeBegun: lambda: PROBE,
}
"""Classes that refuse most of what their annotations allow."""


def _balanced(to_s: int, both: int, missing: int, surplus: int, gaps: tuple[Any, ...]) -> ev.LedgerSealed:
    return ev.LedgerSealed(to_s, both + missing, both + surplus, missing, surplus, gaps)


def _reported_as_it_may_be(hints: dict[str, Any]) -> st.SearchStrategy[Any]:
    more = {f.name: drawn(hints[f.name]) for f in fields_of(ev.Reported) if f.name not in {"from_ms", "to_ms", "dated"}}
    return st.builds(_reported, st.tuples(COUNT, COUNT).map(sorted), st.booleans(), **more)


def _reported(moments: list[int], says_when: bool, **rest: Any) -> ev.Reported:  # noqa: FBT001 - drawn
    """A report whose arrivals are in two seconds, when it says so."""
    made = ev.Reported(*moments, **rest)
    sums = (*made.arrivals[1:], made.ended[2])
    halves = {7: tuple(n // 2 for n in sums), 8: tuple(n - n // 2 for n in sums)}
    dated = {second: each for second, each in halves.items() if any(each)}
    return replace(made, dated=dated) if says_when else made


# ------------------------------------------------------------------ whole histories

NAMES = ("w1", "w2", "w3")
_MASTERS: list[st.SearchStrategy[ev.Event]] = [
    st.builds(seen, st.sampled_from(NAMES), st.integers(1, 3), st.integers(1, 4)),
    st.builds(
        lambda name, number, state: ev.WorkerChanged(name, life(name, number), state, True, True, False),  # noqa: FBT003
        st.sampled_from(NAMES),
        st.integers(1, 3),
        st.sampled_from(["loading", "ready", "running", "stalled"]),
    ),
    st.builds(lambda n, i: ev.WorkerLost(n, life(n, i), T0), st.sampled_from(NAMES), st.integers(1, 3)),
    st.builds(lambda n, i: ev.WorkerLeft(n, life(n, i), "bye"), st.sampled_from(NAMES), st.integers(1, 3)),
    st.builds(
        lambda names, users, number, from_ms: planned(*sorted(names), users=users, number=number, from_ms=from_ms),
        st.sets(st.sampled_from(NAMES), max_size=3),
        st.integers(0, 40),
        st.integers(1, 9),
        st.integers(0, 9_000),
    ),
    st.builds(
        lambda names, judged_s: ev.Ticked(tuple(ev.Beat(n, 5) for n in sorted(names)), 0, "", T0 // 1000 + judged_s),
        st.sets(st.sampled_from(NAMES)),
        st.integers(0, 9),
    ),
    st.builds(
        lambda rate, number, from_ms: replace(
            planned("w1", number=number, from_ms=from_ms),
            tracks=(ev.Track("", ((from_ms, rate),), "arrivals/s"),),
            stages=(ev.StageSpec("up", 0, 5_000),),
        ),
        st.integers(0, 90).map(float),
        st.integers(1, 9),
        st.integers(0, 9_000),
    ),
    st.builds(ev.TargetSet, st.integers(0, 50), st.just(2.0), st.just("ann")),
    st.builds(ev.IntentAccepted, st.sampled_from("abc"), st.just("ann"), st.just("stop")),
    st.builds(ev.IntentRefused, st.sampled_from("abc"), st.just("ann"), st.just("stop"), st.just("no")),
    st.builds(ev.EntryRefused, st.just(REPORTS), st.just("1-1"), st.just("nonsense"), st.integers(1, 5)),
    st.builds(ev.StopOrdered, st.just("stopped"), st.just("enough"), st.just("ann"), st.just(5_000)),
    st.builds(ev.Noted, st.just("ann"), st.just("info"), TEXT),
    st.builds(ev.Logged, st.lists(LINE, max_size=3).map(tuple)),
    st.builds(ev.ThresholdTripped, st.sampled_from(["p95 < 1ms", "?"]), st.just(0), st.just(9), st.just(5)),
    st.builds(ev.RunClosed, st.just("stopped"), st.just("enough"), st.just(0)),
]


@st.composite
def log_entries(draw: st.DrawFn) -> list[Entry]:
    """A log: opened, perhaps started, then anything, by one or two masters, with repeats and nonsense."""
    first = [opened().event, seen("w1"), seen("w2"), started().event, planned("w1", "w2", end_ms=12_000)]
    events = first[: draw(st.sampled_from([5, 5, 5, 1]))] + draw(st.lists(st.one_of(_MASTERS), min_size=3, max_size=9))
    signed, n, epoch, now_ms = [], 0, 1, -1_000
    for event in events:
        if draw(st.integers(0, 9)) == 0:
            epoch, n = epoch + 1, 0
        n, now_ms = n + 1, now_ms + draw(st.integers(0, 1_500))
        signed.append(at(now_ms, event, epoch=epoch, n=n))
    return _as_entries(draw, LOG, [encode(s) for s in signed])


_FAILURE = st.builds(
    lambda error, n, ms: ev.FailureTally("GET", "/", error, n, T0 + ms, T0 + ms + 5),
    st.sampled_from("ab"),
    st.integers(1, 5),
    st.integers(0, 9_000),
)
_LATENCIES = st.lists(
    st.tuples(st.sampled_from([900, 1_000, 5_000, 250_000]), st.sampled_from([None, 0, 7_000])), min_size=1, max_size=4
)


@st.composite
def _block(draw: st.DrawFn) -> ev.Block:
    names = draw(st.sets(st.sampled_from(["/", "/buy"]), min_size=1))
    few = {("GET", n): tally_of([(us, 7, us > 9_000, late) for us, late in draw(_LATENCIES)]) for n in sorted(names)}
    tallies = few | {("GET", n): tally_of(draw(DENSE)) for n in draw(st.sets(st.sampled_from(["/", "/a", "/b"])))}
    second, ran = T0 // 1000 + draw(st.integers(0, 40)), {"Buyer": draw(st.integers(0, 3_000))}
    made = ev.Block(second, 1, tallies, ran, measured=draw(st.one_of(st.builds(Measured), MEASURED)))
    made.stage, made.user_class = draw(st.sampled_from(["", "up", "hold"])), draw(st.sampled_from(["", "Buyer"]))
    return made


_WORKERS: list[st.SearchStrategy[ev.Event]] = [
    st.builds(
        lambda blocks, span_s, failures, to_ms, users, iterations, watch, lines: report(
            *Spans(span_s).joined(sorted(blocks, key=lambda each: each.second)),
            to_ms=to_ms,
            failures=tuple(failures),
            users={"Buyer": users},
            iterations=iterations,
            arrivals=(0, users, iterations[0]),
            dated={T0 // 1_000 - 3: (users, iterations[0], 0)} if span_s > 1 and users else {},
            watch=tuple(watch),
            lines=tuple(lines),
        ),
        st.lists(_block(), max_size=3),
        st.sampled_from([1, 1, 2, 8]),
        st.lists(_FAILURE, max_size=2),
        st.integers(0, 40_000),
        st.integers(0, 9),
        st.tuples(*[st.integers(0, 9)] * 4),
        st.lists(st.sampled_from([ev.Watch("", 5), ev.Watch("/buy", 9), ev.Watch("", 0, T0 // 1000, T0 // 1000 + 9)])),
        st.lists(LINE, max_size=2),
    ),
    st.builds(lambda t: report(exceptions=(ev.ExceptionTally("boom", t, 2),)), st.sampled_from("ab")),
    st.builds(lambda n, ms: ev.GeneratorLost(n, 7, T0, T0 + ms, "killed"), st.integers(0, 3), st.integers(0, 9_000)),
    st.builds(ev.LoadFailed, st.just("FileImportError"), TEXT),
    st.just(ev.WorkerFinished("stopped")),
]


@st.composite
def report_entries(draw: st.DrawFn) -> list[Entry]:
    """Reports of several lives, merged ranges among them, handed in out of order and more than once."""
    signed = []
    for name in NAMES[: draw(st.integers(1, 3))]:
        number, seq = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 1, 2]))  # 2: the first is still to come
        for event in draw(st.lists(st.one_of(_WORKERS), min_size=2, max_size=5)):
            last = seq + draw(st.sampled_from([0, 0, 0, 2]))
            signed.append(by(name, seq, event, last=last, number=number))
            seq = last + 1
    return _as_entries(draw, REPORTS, [encode(s) for s in draw(st.permutations(signed))])


def _as_entries(draw: st.DrawFn, stream: str, all_fields: list[dict[bytes, bytes]]) -> list[Entry]:
    """The entries of a stream, some of them repeated later, some of them nonsense or of a kind unknown."""
    told = list(all_fields)
    for index in draw(st.lists(st.integers(0, max(0, len(told) - 1)), max_size=3)) if told else []:
        told.append(told[index])
    nonsense = [{b"k": b"zz", b"v": b"1", b"d": b"\x00\x90"}, {b"k": b"rp", b"v": b"1", b"d": b"?"}, {b"x": b""}]
    for fields_ in draw(st.lists(st.sampled_from(nonsense), max_size=2)):
        told.insert(draw(st.integers(0, len(told))), fields_)
    return [entry_of(stream, EntryId(T0 + i, 0), f) for i, f in enumerate(told)]


@st.composite
def woven(draw: st.DrawFn, first: list[Entry], second: list[Entry]) -> list[Entry]:
    """An interleaving of two streams that keeps the order of each."""
    left, right, result = list(first), list(second), []
    while left and right:
        result.append((left if draw(st.booleans()) else right).pop(0))
    return result + left + right
