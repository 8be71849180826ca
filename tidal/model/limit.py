"""The search for a limit: the highest level of load that still meets the thresholds. PURE: probes in, the next one out.

    next_step(spec, probes) → a level to probe, or what was found

A probe holds one level for a while and passes or fails. From the start the level is doubled until one fails (or
quartered until one passes). Then each probe goes where the limit most likely is, and every answer moves that belief:
QUEST (Watson and Pelli 1983), which finds a threshold of perception by the same means. A probe near the limit passes or
fails by chance, so none is believed alone: the chance of passing falls from one to nothing over some per cent around
the limit. How many is not known before, so the belief is in pairs of a limit and such a spread (the psi method of
Kontsevich and Tyler 1999); a few answers are wrong for no reason (`LAPSES`). The search ends when the belief is narrow
enough, and says how much of it lies within the bounds that it names. The limit is the level at which half of such
probes pass: of short ones, for a queue near its end has not grown to its length in them, it is a little too high.

The first probes may be wrong as well, so the belief reaches further than from the last that passed to the first that
failed. Users are whole, so a limit of a few users is told as exactly as users can be.
"""

from __future__ import annotations

from math import ceil, exp, floor, log, log10
from typing import TYPE_CHECKING

from tidal.model.struct import Struct
from tidal.model.thresholds import decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.observations import LimitFound
    from tidal.model.spec import LimitSpec

GROWTH, FALL = 2.0, 4.0
SPREADS = (0.01, 0.02, 0.04)
"""Of the logistic curve: so far above the limit three of four probes fail, and three times as far all but a few."""
LAPSES = 0.04
STEP = 0.008
"""The belief is kept in cells of so much, as a part of the level."""
BEYOND = 1.25
"""The belief reaches so far beyond the probes on both sides."""
USERS, ARRIVALS = "users", "arrivals/s"
LEAST = {USERS: 1.0, ARRIVALS: 0.1}
CONFIDENCE_PERMILLE = 900
AROUND = 3
"""So many probes lie within the tolerance of what is found, at least."""


class Probe(Struct, frozen=True):
    """A level that was held, and whether the thresholds were met."""

    level_milli: int
    passed: bool


class Next(Struct, frozen=True):
    """Hold this level."""

    level_milli: int


class Found(Struct, frozen=True):
    """The end of the search; `level_milli` is None when there is no limit to tell."""

    level_milli: int | None
    low_milli: int = 0
    high_milli: int = 0
    confidence_permille: int = 0
    why: str = ""


def next_step(spec: LimitSpec, probes: Sequence[Probe]) -> Next | Found:
    """What to do after these probes."""
    passed = [p.level_milli for p in probes if p.passed]
    failed = [p.level_milli for p in probes if not p.passed]
    if not passed or not failed:
        step = _outward(spec, passed, failed)
        is_over = isinstance(step, Next) and len(probes) >= spec.probes_max
        return Found(None, why=f"no end of it in {len(probes)} probes") if is_over else step
    belief = Belief.after(probes)
    found = _found(spec, belief, probes)
    if found is not None:
        return found
    return Next(rounded(spec, belief.median))


def _outward(spec: LimitSpec, passed: Sequence[int], failed: Sequence[int]) -> Next | Found:
    """The next level while all probes passed, or all failed."""
    least = round(LEAST[spec.unit] * 1000)
    if failed:
        if min(failed) <= least:
            return Found(None, high_milli=least, why="even the lowest level does not meet the thresholds")
        return Next(max(least, rounded(spec, min(failed) / 1000 / FALL)))
    if not passed:
        return Next(min(spec.most_milli, max(least, spec.start_milli)))
    if max(passed) >= spec.most_milli:
        return Found(None, low_milli=spec.most_milli, why="the highest level allowed still meets the thresholds")
    return Next(min(spec.most_milli, rounded(spec, max(passed) / 1000 * GROWTH)))


def _found(spec: LimitSpec, belief: Belief, probes: Sequence[Probe]) -> Found | None:
    low, high = belief.interval(CONFIDENCE_PERMILLE / 1000)
    tolerance = spec.tolerance_permille / 1000
    is_narrow = high / low <= 1 + tolerance or (spec.unit == USERS and floor(high) <= ceil(low))
    middle = belief.median
    near = sum(abs(p.level_milli / 1000 / middle - 1) <= max(tolerance, 0.5 / middle) for p in probes)
    is_over = len(probes) >= spec.probes_max
    if not is_over and not (is_narrow and near >= AROUND):
        return None
    why = "" if is_narrow else f"not narrower after {len(probes)} probes"
    level = rounded(spec, middle)
    bounds = (min(level, rounded(spec, low)), max(level, rounded(spec, high)))
    return Found(level, *bounds, CONFIDENCE_PERMILLE, why)


def rounded(spec: LimitSpec, level: float) -> int:
    """A level that can be held, in thousandths: whole users, arrivals with three digits that count."""
    if spec.unit == USERS:
        return max(1, round(level)) * 1000
    digits = 2 - floor(log10(max(level, 0.001)))
    return max(1, round(round(level, digits) * 1000))


def told(spec: LimitSpec, found: LimitFound) -> str:
    """What was found, in words."""
    if found.level_milli is None:
        return f"no limit is told: {found.why}"
    bounds = f"{decimal(found.low_milli)} to {decimal(found.high_milli)}"
    sure = f"{bounds} with {found.confidence_permille // 10} % confidence"
    doubt = f"; {found.why}" if found.why else ""
    return f"the limit is {decimal(found.level_milli)} {spec.unit}, {sure}{doubt}"


class Belief:
    """How likely each level is to be the limit, on a scale of equal ratios, with each spread."""

    def __init__(self, low: float, high: float) -> None:
        count = max(2, ceil(log(high / low) / STEP))
        self.levels = [low * exp(STEP * i) for i in range(count + 1)]
        self._logs = {spread: [0.0] * len(self.levels) for spread in SPREADS}

    @classmethod
    def after(cls, probes: Sequence[Probe]) -> Belief:
        """What these probes leave to believe, when any level was as likely as another before."""
        levels = [p.level_milli / 1000 for p in probes]
        belief = cls(min(levels) / BEYOND, max(levels) * BEYOND)
        for probe in probes:
            belief.learn(probe.level_milli / 1000, passed=probe.passed)
        return belief

    def learn(self, level: float, *, passed: bool) -> None:
        """Weigh one answer in."""
        for spread, logs in self._logs.items():
            for i, limit in enumerate(self.levels):
                chance = chance_to_pass(level, limit, spread)
                logs[i] += log(chance if passed else 1 - chance)

    @property
    def shares(self) -> list[float]:
        """The belief in each level, whatever the spread; the sum is 1."""
        highest = max(max(logs) for logs in self._logs.values())
        columns = zip(*self._logs.values(), strict=True)
        weights = [sum(exp(value - highest) for value in column) for column in columns]
        total = sum(weights)
        return [weight / total for weight in weights]

    @property
    def median(self) -> float:
        """The level that the limit is as likely above as below."""
        return self._level_at(0.5)

    def interval(self, share: float) -> tuple[float, float]:
        """The levels between which the limit lies with this share of the belief, as much left out on either side."""
        return self._level_at((1 - share) / 2), self._level_at((1 + share) / 2)

    def _level_at(self, share: float) -> float:
        reached = 0.0
        for level, part in zip(self.levels, self.shares, strict=True):
            reached += part
            if reached >= share:
                return level
        return self.levels[-1]


def chance_to_pass(level: float, limit: float, spread: float) -> float:
    """How likely a probe of a level passes, were this the limit."""
    distance = max(-40.0, min(40.0, (log(level) - log(limit)) / spread))
    return LAPSES / 2 + (1 - LAPSES) / (1 + exp(distance))
