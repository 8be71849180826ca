"""A run cut into phases by its plan, and what was measured in each, second by second: what a comparison works on.

A phase is a named stage of the plan, or where there is none, a stretch in which the plan wants the same (steady) or
goes to another height (ramp). Pieces are tallies of one endpoint in one step of plan time. The step is a second and
doubles when there would be too many pieces: memory is flat in the length of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import words
from tidal.model.plan import count_at, height_at
from tidal.model.stats import merge_histogram
from tidal.model.struct import Struct, field
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tidal.model.events import Block, PlanSet, StageSpec
    from tidal.model.stats import Histogram, Tally

PIECES_MAX = 20_000
"""Some 100 MB at the worst."""
ENDPOINTS_MAX = 200
OTHER = ("", words.OTHER)
TOTAL = ("", "")
STEADY_LEAST_S = 5
"""A level that is held for less is a part of a ramp: shapes go in steps."""
SAMPLES_MAX = 4_000
"""Moments at which the plan is looked at."""
LEVEL_PART = 200
"""Levels within half a per cent are one."""
PHASES_MAX = 60

Key = tuple[str, str]


class Phase(Struct, frozen=True):
    """A stretch of plan time in which the load was of one kind."""

    name: str
    from_ms: int
    to_ms: int
    is_steady: bool
    stage: str = ""  # of the plan, of which it is


def phases_of(plans: Sequence[PlanSet], end_ms: int, stages: Sequence[StageSpec] = ()) -> list[Phase]:
    """The phases of the load up to `end_ms` of plan time, in order, each name once."""
    if stages:
        cut = [(s.name, s.from_ms, min(s.to_ms, end_ms), True) for s in stages if s.from_ms < end_ms]
    else:
        cut = _by_level(plans, end_ms)
    seen: dict[str, int] = {}
    found = []
    for name, from_ms, to_ms, is_steady in cut[:PHASES_MAX]:
        seen[name] = seen.get(name, 0) + 1
        told = name if seen[name] == 1 else f"{name} ({seen[name]})"
        found.append(Phase(told, from_ms, to_ms, is_steady, name if stages else ""))
    return found


def _by_level(plans: Sequence[PlanSet], end_ms: int) -> list[tuple[str, int, int, bool]]:
    if not plans or end_ms <= 0:
        return []
    step_ms = max(1_000, -(-end_ms // SAMPLES_MAX // 1_000) * 1_000)
    moments = range(0, end_ms, step_ms)
    levels = [_level(plans, ms) for ms in moments]
    stretches: list[list[int]] = []
    for index, level in enumerate(levels):
        if stretches and _is_alike(levels[stretches[-1][0]], level):
            stretches[-1][1] = index + 1
        else:
            stretches.append([index, index + 1])
    least = max(1, STEADY_LEAST_S * 1_000 // step_ms)
    found: list[tuple[str, int, int, bool]] = []
    for first, end in stretches:
        is_steady = end - first >= least
        from_ms, to_ms = moments[first], min(end_ms, moments[end - 1] + step_ms)
        if found and not is_steady and not found[-1][3]:
            found[-1] = (found[-1][0], found[-1][1], to_ms, False)
        else:
            found.append((_told(levels[first]) if is_steady else "", from_ms, to_ms, is_steady))
    return _named(found, _told(levels[-1]))


def _named(found: list[tuple[str, int, int, bool]], last: str) -> list[tuple[str, int, int, bool]]:
    """A ramp is called by where it goes."""
    names = [name for name, *_ in found[1:]] + [last]
    return [
        (name if is_steady else f"ramp to {goal}", from_ms, to_ms, is_steady)
        for (name, from_ms, to_ms, is_steady), goal in zip(found, names, strict=True)
    ]


def _level(plans: Sequence[PlanSet], plan_ms: int) -> tuple[int, float]:
    """Users and arrivals a second that are wanted at a moment."""
    plan = next((p for p in reversed(plans) if p.from_ms <= plan_ms), plans[0])
    arrivals = height_at((t for t in plan.tracks if t.unit != "users"), plan_ms)
    return count_at(plan.tracks, plan_ms), arrivals


def _is_alike(one: tuple[int, float], other: tuple[int, float]) -> bool:
    return all(abs(a - b) * LEVEL_PART <= max(abs(a), abs(b)) for a, b in zip(one, other, strict=True))


def _told(level: tuple[int, float]) -> str:
    users, arrivals = level
    parts = [plural(users, "user")] if users or not arrivals else []
    return " and ".join([*parts, *([f"{arrivals:g} arrivals/s"] if arrivals else [])])


# ------------------------------------------------------------------ pieces


class Piece(Struct):
    """What was counted of an endpoint in one step."""

    requests: int = 0
    failures: int = 0
    histogram: Histogram = field(default_factory=dict)
    response: Histogram = field(default_factory=dict)  # from the intended start; empty without a schedule

    def add_times(self, tally: Tally) -> None:
        """Add a tally's latencies."""
        merge_histogram(self.histogram, tally.histogram)
        if tally.response is not None:
            merge_histogram(self.response, tally.response.histogram)

    def count(self, requests: int, failures: int) -> None:
        """Add counts."""
        self.requests += requests
        self.failures += failures

    def merge(self, other: Piece) -> None:
        """Add another piece."""
        self.count(other.requests, other.failures)
        merge_histogram(self.histogram, other.histogram)
        merge_histogram(self.response, other.response)


class Pieces(Struct):
    """The pieces of a run, by phase and endpoint.

    Attributes:
        step_s: how long a piece is.
        by_key: phase's name and endpoint → index of the step → piece. TOTAL is all endpoints together.
        folded: endpoints beyond the bound, which are counted as one.
        across: requests whose latencies are in no phase, for they were reported together with seconds of another.
        cut_off: requests that a cut took along at its edges, for the same reason.
        kept_ms: how much of each phase a cut left, by name; without a cut all of it.
    """

    phases: Sequence[Phase]
    began_ms: int
    step_s: int = 1
    by_key: dict[tuple[str, Key], dict[int, Piece]] = field(default_factory=dict)
    folded: set[Key] = field(default_factory=set)
    across: int = 0
    cut_off: int = 0
    kept_ms: dict[str, int] = field(default_factory=dict)
    _count: int = 0
    _known: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Steps wide enough for the longest phase, ages by a clock that jumped: empty ones are pieces, too."""
        longest_s = max((phase.to_ms - phase.from_ms for phase in self.phases), default=0) // 1_000
        while longest_s > PIECES_MAX * self.step_s:
            self.step_s *= 2

    def add(self, block: Block) -> None:
        """Count a block: requests and failures by the second, latencies where all of it lies in one phase.

        Of a block of several seconds nobody knows which latency was when. One that lies across the edge of a phase has
        its latencies in none; where its seconds are not known either, its requests neither.
        """
        phases = self._phases_of(block)
        whole = phases[0] if all(phase is phases[0] for phase in phases) else None
        counted = phases if block.each is not None else [whole]
        for key, tally in block.tallies.items():
            if whole is None and any(phases):
                self.across += tally.requests
            for one in (self._bounded(key), TOTAL) if any(counted) else ():
                for phase, (second, *counts) in zip(counted, block.counts_of(key), strict=True):
                    if phase is not None and any(counts):
                        self._piece(phase.name, one, second).count(*counts)
                if whole is not None:
                    self._piece(whole.name, one, block.second).add_times(tally)
        while self._count > PIECES_MAX or (block.each is not None and self.step_s < block.span):
            self._coarsen()

    def _phases_of(self, block: Block) -> list[Phase | None]:
        """The phase of each second of a block; where these are not known, of the first and the last one."""
        last_s = block.second + block.span - 1
        seconds = (block.second, last_s) if block.each is None else range(block.second, last_s + 1)
        from_ms = block.second * 1_000 - self.began_ms
        for phase in self.phases if block.stage else ():
            is_near = phase.from_ms < from_ms + block.span * 1_000 and from_ms < phase.to_ms
            if phase.stage == block.stage and is_near:
                return [phase] * len(seconds)
        return [self._phase_at(second) for second in seconds]

    def _phase_at(self, second: int) -> Phase | None:
        plan_ms = (second - self.began_ms // 1_000) * 1_000
        return next((p for p in self.phases if p.from_ms <= plan_ms < p.to_ms), None)

    def _bounded(self, key: Key) -> Key:
        if key not in self._known:
            if len(self._known) >= ENDPOINTS_MAX:
                if len(self.folded) < ENDPOINTS_MAX:
                    self.folded.add(key)
                return OTHER
            self._known.add(key)
        return key

    def _piece(self, phase: str, key: Key, second: int) -> Piece:
        index = (second - self.began_ms // 1_000) // self.step_s
        pieces = self.by_key.setdefault((phase, key), {})
        if index not in pieces:
            pieces[index] = Piece()
            self._count += 1
        return pieces[index]

    def _coarsen(self) -> None:
        self.step_s *= 2
        self._count = 0
        for where, pieces in self.by_key.items():
            merged: dict[int, Piece] = {}
            for index, piece in pieces.items():
                if index // 2 in merged:
                    merged[index // 2].merge(piece)
                else:
                    merged[index // 2] = piece
            self.by_key[where] = merged
            self._count += len(merged)

    def lasted_ms(self, phase: Phase) -> int:
        """How long a phase was, as far as it is not left out."""
        return self.kept_ms.get(phase.name, phase.to_ms - phase.from_ms)

    def row(self, phase: Phase, key: Key) -> list[Piece]:
        """The pieces of an endpoint in a phase, in order, empty ones between them."""
        pieces: Mapping[int, Piece] = self.by_key.get((phase.name, key), {})
        first, end = phase.from_ms // 1_000 // self.step_s, -(-phase.to_ms // 1_000 // self.step_s)
        last = max([end - 1, *pieces])
        return [pieces.get(index, Piece()) for index in range(min([first, *pieces]), last + 1)]

    def keys(self, phase: Phase) -> list[Key]:
        """The endpoints that were called in a phase, the total first."""
        return sorted(key for name, key in self.by_key if name == phase.name)


def add_all(pieces: Pieces, blocks: Iterable[Block]) -> None:
    """Count blocks; those of a warm-up are left out, as everywhere."""
    for block in blocks:
        if not block.is_warmup:
            pieces.add(block)
