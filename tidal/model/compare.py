"""Two runs against each other: which differences of percentiles and failures are more than noise.

    a percentile's uncertainty   Woodruff's interval (JASA 47, 1952): that of the share below it, turned into times
    of a share                   from means over batches of seconds (batch means), for seconds resemble each other;
                                 what the batches still do so widens it
    a difference                 Welch's t on the logarithms, so a change is a factor
    of many differences          Holm's procedure (1979): all alarms of a comparison together err once in twenty

`docs/compare.md` says what that can and cannot know: the noise within two runs, not that between any two runs.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from math import exp, floor
from typing import TYPE_CHECKING

from tidal.model.segments import OTHER, TOTAL, Phase, Piece, Pieces
from tidal.model.stats import BUCKETS_PER_E, merge_histogram
from tidal.model.struct import Struct, replace
from tidal.model.students import critical, root, two_sided, welch
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.segments import Key
    from tidal.model.stats import Histogram

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
FAILURES, RATE = "fail%", "req/s"
ALPHA = 0.05
BATCH_S, BATCHES_MIN, BATCHES_MAX = 10, 8, 30
"""Batches of ten seconds where there is time for it: what a load does within them is averaged out."""
BATCHES_LEAST = 5
SAMPLES_LEAST, TAIL_LEAST = 100, 10
"""Requests, and requests beyond the percentile, without which nothing is said."""
ALIKE_MAX = 0.6
BUCKET_HAIR = 0.15
"""Of a bucket: a percentile is known no better, for buckets are 1 % wide."""
TOLERANCE = 0.05
FAILURES_TOLERANCE = 0.001
SLOWER, FASTER, SAME, UNKNOWN, MORE = "regression", "improvement", "same", "too little", "changed"


class Row(Struct, frozen=True):
    """One figure of one endpoint in one phase, in both runs.

    Attributes:
        metric: p50, p95, p99 (ms), fail% (per cent), req/s.
        ratio: b over a; of failures the difference in per cent points.
        low, high: of the ratio, with 95 % confidence.
        chance: of such a difference or a larger one by noise alone; None where nothing was tested.
        outcome: regression, improvement, same, changed (req/s), too little.
    """

    phase: str
    method: str
    name: str
    metric: str
    a: float
    b: float
    ratio: float = 1.0
    low: float = 1.0
    high: float = 1.0
    chance: float | None = None
    outcome: str = SAME
    why: str = ""


class Comparison(Struct, frozen=True):
    """What came of comparing a run with a baseline.

    Attributes:
        phases: those that both have, in order.
        only: those that only one of them has, told.
        remarks: what of a run is not in the figures as they are called.
        tested: how many differences were tested together.
    """

    rows: tuple[Row, ...]
    phases: tuple[str, ...]
    only: tuple[str, ...] = ()
    tested: int = 0
    tolerance: float = TOLERANCE
    remarks: tuple[str, ...] = ()

    @property
    def regressions(self) -> tuple[Row, ...]:
        """The rows in which b is worse than a, beyond noise and tolerance."""
        return tuple(row for row in self.rows if row.outcome == SLOWER)


# ------------------------------------------------------------------ one figure


class Known(Struct, frozen=True):
    """An estimate with its standard errors below and above it, and the degrees of freedom of these."""

    value: float
    below: float
    above: float
    freedom: float


def batches_of(pieces: Sequence[Piece], step_s: int) -> list[Piece]:
    """The pieces joined in order into few enough parts that these hardly resemble each other."""
    wanted = min(BATCHES_MAX, max(BATCHES_MIN, len(pieces) * step_s // BATCH_S))
    count = min(wanted, len(pieces))
    edges = [len(pieces) * i // count for i in range(count + 1)] if count else [0]
    joined = []
    for first, end in pairwise(edges):
        batch = Piece()
        for piece in pieces[first:end]:
            batch.merge(piece)
        joined.append(batch)
    return joined


def share_error(parts: Sequence[tuple[float, int]], share: float) -> float:
    """The standard error of a share, from (how many of it, of how many) by batch: a ratio estimate's (Cochran)."""
    total, count = sum(n for _, n in parts), len(parts)
    off = [some - share * n for some, n in parts]
    squares = sum(d * d for d in off)
    alike = sum(a * b for a, b in pairwise(off)) / squares if squares else 0.0
    alike = min(ALIKE_MAX, max(0.0, alike + (1 + 3 * alike) / count))  # of few, it comes out too small: Kendall 1954
    among = squares * count / (count - 1) / total**2 * (1 + alike) / (1 - alike)
    return root(max(among, share * (1 - share) / total))


class _Curve(Struct):
    """A histogram as a distribution, linear within a bucket of the logarithm."""

    indexes: list[int]
    reached: list[int]

    @classmethod
    def of(cls, histogram: Histogram) -> _Curve:
        indexes = sorted(histogram)
        return cls(indexes, list(accumulate(histogram[i] for i in indexes)))

    @property
    def total(self) -> int:
        return self.reached[-1] if self.reached else 0

    def at(self, quantile: float) -> float:
        """Where in the logarithm, in buckets, so much lies below."""
        rank = min(max(quantile, 0.0), 1.0) * self.total
        place = min(bisect_left(self.reached, rank), len(self.indexes) - 1)
        before = self.reached[place - 1] if place else 0
        return self.indexes[place] + (rank - before) / (self.reached[place] - before)


def _below(histogram: Histogram, place: float) -> float:
    """How many samples lie below a place in the logarithm."""
    whole = floor(place)
    return sum(n for i, n in histogram.items() if i < whole) + histogram.get(whole, 0) * (place - whole)


def quantile_of(batches: Sequence[Histogram], quantile: float) -> Known | None:
    """A percentile in buckets of the logarithm, with Woodruff's errors; None where there is too little."""
    whole: Histogram = {}
    for batch in batches:
        merge_histogram(whole, batch)
    curve = _Curve.of(whole)
    used = [batch for batch in batches if batch]
    too_few = curve.total < SAMPLES_LEAST or curve.total * (1 - quantile) < TAIL_LEAST
    if len(used) < BATCHES_LEAST or too_few:
        return None
    place = curve.at(quantile)
    error = share_error([(_below(b, place), sum(b.values())) for b in used], quantile)
    below, above = place - curve.at(quantile - error), curve.at(quantile + error) - place
    return Known(place, max(below, BUCKET_HAIR), max(above, BUCKET_HAIR), len(used) - 1)


def failures_of(batches: Sequence[Piece]) -> Known | None:
    """The share of failed requests, with its error; None where there is too little."""
    used = [b for b in batches if b.requests]
    requests, failures = sum(b.requests for b in used), sum(b.failures for b in used)
    if len(used) < BATCHES_LEAST or requests < SAMPLES_LEAST:
        return None
    share, guess = failures / requests, (failures + 1) / (requests + 2)  # none of few is not certainly none
    error = share_error([(b.failures, b.requests) for b in used], share)
    error = max(error, root(guess * (1 - guess) / requests))
    return Known(share, error, error, len(used) - 1)


def _difference(a: Known, b: Known) -> tuple[float, float, float]:
    """The way from a to b, its standard error, the degrees of freedom: each with the error towards the other."""
    errors = (a.above, b.below) if b.value >= a.value else (a.below, b.above)
    variances = (errors[0] ** 2, errors[1] ** 2)
    return b.value - a.value, root(sum(variances)), welch(variances, (a.freedom, b.freedom))


# ------------------------------------------------------------------ a comparison


def compare(a: Pieces, b: Pieces, tolerance: float = TOLERANCE) -> Comparison:
    """What differs in b from the baseline a, by phase, endpoint and figure."""
    named = {phase.name: phase for phase in b.phases}
    shared = [(phase, named[phase.name]) for phase in a.phases if phase.name in named]
    rows = [row for in_a, in_b in shared for row in _of_phase((a, in_a), (b, in_b))]
    tested = [row.chance for row in rows if row.chance is not None]
    limit = _holm(tested)
    judged = tuple(_judged(row, limit, tolerance) for row in rows)
    names = [phase.name for phase, _ in shared]
    only = [f"{word}: {p.name}" for word, s in (("a", a), ("b", b)) for p in s.phases if p.name not in names]
    remarks = tuple(remark for word, side in (("a", a), ("b", b)) for remark in _remarks(word, side))
    return Comparison(judged, tuple(names), tuple(only), len(tested), tolerance, remarks)


def _remarks(word: str, side: Pieces) -> Iterator[str]:
    """What of a run is not in the figures as they are called."""
    if side.across:
        yield (
            f"{word}: the latencies of {plural(side.across, 'request')} are in no percentile: they were reported "
            "together with seconds of another phase"
        )
    if side.cut_off:
        yield (
            f"{word}: {plural(side.cut_off, 'request')} at the edges of the cut had to be left out, too: reported "
            "together with seconds that are left out"
        )
    if side.folded:
        yield f"{word}: {len(side.folded)} endpoints or more are counted as {OTHER[1]}"


def _holm(chances: Sequence[float]) -> float:
    """The greatest chance that is still an alarm, so that all alarms together err with ALPHA; below 0: none is."""
    limit = -1.0
    for index, chance in enumerate(sorted(chances)):
        if chance > ALPHA / (len(chances) - index):
            break
        limit = chance
    return limit


def _judged(row: Row, limit: float, tolerance: float) -> Row:
    if row.chance is None or row.chance > limit:
        return row
    if row.metric == FAILURES:
        is_large, is_worse = abs(row.ratio) >= 100 * FAILURES_TOLERANCE, row.ratio > 0
    else:
        is_large, is_worse = max(row.ratio, 1 / row.ratio) >= 1 + tolerance, row.ratio > 1
    return replace(row, outcome=(SLOWER if is_worse else FASTER) if is_large else SAME)


Side = tuple[Pieces, Phase]


def _of_phase(a: Side, b: Side) -> Iterator[Row]:
    keys = sorted({*a[0].keys(a[1]), *b[0].keys(b[1])}, key=lambda key: (key != TOTAL, key))
    for key in keys:
        yield from _of_endpoint(a, b, key)


def _of_endpoint(a: Side, b: Side, key: Key) -> Iterator[Row]:
    both = [batches_of(pieces.row(phase, key), pieces.step_s) for pieces, phase in (a, b)]
    is_response = all(any(batch.response for batch in batches) for batches in both)
    times = [[batch.response if is_response else batch.histogram for batch in batches] for batches in both]
    for metric, quantile in QUANTILES.items():
        known = [quantile_of(histograms, quantile) for histograms in times]
        if key == TOTAL and not all(known):
            yield Row(a[1].name, *key, metric, 0, 0, outcome=UNKNOWN, why="too few requests or too short")
        elif known[0] is not None and known[1] is not None:
            yield _of_times(a[1].name, key, metric, known[0], known[1])
    failed = [failures_of(batches) for batches in both]
    if failed[0] is not None and failed[1] is not None:
        yield _of_failures(a[1].name, key, failed[0], failed[1])
    yield _of_rates(a, b, key, both)


def _of_times(phase: str, key: Key, metric: str, a: Known, b: Known) -> Row:
    off, error, freedom = _difference(a, b)
    wide = critical(ALPHA, freedom) * error
    ratio, low, high = (exp(buckets / BUCKETS_PER_E) for buckets in (off, off - wide, off + wide))
    before_ms, after_ms = (exp(known.value / BUCKETS_PER_E) / 1000 for known in (a, b))
    return Row(phase, *key, metric, before_ms, after_ms, ratio, low, high, two_sided(off / error, freedom))


def _of_failures(phase: str, key: Key, a: Known, b: Known) -> Row:
    off, error, freedom = _difference(a, b)
    wide = critical(ALPHA, freedom) * error
    chance = two_sided(off / error, freedom) if a.value or b.value else None
    figures = (100 * a.value, 100 * b.value, 100 * off, 100 * (off - wide), 100 * (off + wide))
    return Row(phase, *key, FAILURES, *figures, chance)


def _of_rates(a: Side, b: Side, key: Key, both: Sequence[Sequence[Piece]]) -> Row:
    """Requests a second: told, not judged, for in a closed load they follow from the latency."""
    rates = []
    for (pieces, phase), batches in zip((a, b), both, strict=True):
        seconds = max(0.001, pieces.lasted_ms(phase) / 1000)
        rates.append(sum(batch.requests for batch in batches) / seconds)
    ratio = rates[1] / rates[0] if rates[0] and rates[1] else 1.0
    return Row(a[1].name, *key, RATE, rates[0], rates[1], ratio, ratio, ratio, None, "")
