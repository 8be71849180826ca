"""What if a worker, an endpoint, a class of users or a stretch of time had not been there? Cut out, and counted anew.

Histograms merge exactly, so what is left gives the very figures of a run that measured only that. What users did is not
undone: the others had the load that they had. Seconds are cut whole, by the Redis time at which they begin; those that
were reported together stay only where all of them do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.dated import dated_of
from tidal.model.frame import frame
from tidal.model.judged_rows import VerdictRow
from tidal.model.measured import Measured
from tidal.model.measured_rows import metric_rows
from tidal.model.paces import pacing_rows
from tidal.model.rows import LedgerRow
from tidal.model.series import Series
from tidal.model.struct import Struct, replace
from tidal.model.text import clean
from tidal.model.words import moment, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidal.model.closeup import Focus
    from tidal.model.events import StageSpec
    from tidal.model.rows import EndpointRow, Frame, StageRow
    from tidal.model.state import State

Window = tuple[int, int]


class Cut(Struct, frozen=True):
    """What is left out; moments are plan time in ms.

    Attributes:
        workers: names, such as w2.
        endpoints: a name (`/cart`), or method and name (`GET /cart`).
        classes: user classes.
        windows: stretches of time.
        between: all time outside of this one is left out; None for none.
    """

    workers: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    between: Window | None = None

    def __bool__(self) -> bool:
        return self != Cut()

    @property
    def told(self) -> str:
        """In words."""
        names = [*self.workers, *self.endpoints, *(f"class {name}" for name in self.classes)]
        names += [f"{moment(a)} to {moment(b)}" for a, b in self.windows]
        parts = [f"without {', '.join(names)}"] if names else []
        parts += [f"between {moment(self.between[0])} and {moment(self.between[1])}"] if self.between else []
        return ", ".join(parts)

    def has_moment(self, plan_ms: int) -> bool:
        """Whether what began at a moment is kept."""
        is_within = self.between is None or self.between[0] <= plan_ms < self.between[1]
        return is_within and not any(a <= plan_ms < b for a, b in self.windows)

    def has_seconds(self, plan_ms: int, count: int) -> bool | None:
        """Whether seconds in a row are kept, the first of which begins then; None: some are, and some are not."""
        edges_ms = [ms for window in (*self.windows, self.between or (0, 0)) for ms in window]
        turns = {-(-(ms - plan_ms) // 1_000) for ms in edges_ms}  # the first second that begins there or later
        kept = {self.has_moment(plan_ms + 1_000 * n) for n in {0, *turns} if 0 <= n < count}
        return kept.pop() if len(kept) == 1 else None

    def has_endpoint(self, method: str, name: str) -> bool:
        """Whether an endpoint is kept."""
        return name not in self.endpoints and f"{method} {name}" not in self.endpoints

    def kept_ms(self, load_ms: int) -> int:
        """How much of a load of so long is kept."""
        low, high = self.between or (0, load_ms)
        low, high = max(0, low), min(load_ms, high)
        gone, reached = 0, low
        for a, b in sorted(self.windows):
            a, b = max(a, reached), min(b, high)  # noqa: PLW2901 - clipped to what is left
            gone += max(0, b - a)
            reached = max(reached, b)
        return max(0, high - low - gone)


class Knife:
    """Cuts what workers wrote; `names`: of the workers, by incarnation.

    Attributes:
        across: requests that went only because they were reported together with seconds that go.
    """

    def __init__(self, cut: Cut, names: Mapping[str, str], began_ms: int) -> None:
        self.cut = cut
        self.across = 0
        self._names, self._began_ms = names, began_ms

    def __repr__(self) -> str:
        return f"<Knife {self.cut.told}>"

    def of(self, signed: ev.ByWorker) -> ev.ByWorker | None:
        """What is left of a worker's entry; None when it goes whole."""
        if self._names.get(signed.incarnation, signed.incarnation) in self.cut.workers:
            return None
        return replace(signed, event=self._report(signed.event)) if isinstance(signed.event, ev.Reported) else signed

    def _report(self, event: ev.Reported) -> ev.Reported:
        """A report's blocks and arrivals by second; what knows none, failures and errors say, by its middle."""
        if not self.cut.has_moment((event.from_ms + event.to_ms) // 2 - self._began_ms):
            event = _silenced(event)
        failures = [f for f in event.failures if self.cut.has_endpoint(f.method, f.name)]
        failed = [f for f in event.failed if self.cut.has_endpoint(f.method, f.name) and self._has_failed(f)]
        return replace(
            self._dated(event),
            blocks=tuple(self._blocks(event.blocks)),
            failures=() if self.cut.classes else tuple(failures),  # whose user failed is not known of a message
            failed=tuple(failed),
            users={name: n for name, n in event.users.items() if name not in self.cut.classes},
            pacing=tuple(pace for pace in event.pacing if pace.user_class not in self.cut.classes),
        )

    def _has_failed(self, request: ev.FailedRequest) -> bool:
        return request.user not in self.cut.classes and self.cut.has_moment(request.at_ms - self._began_ms)

    def _dated(self, event: ev.Reported) -> ev.Reported:
        """A report with the arrivals that are kept, and the users that were let go."""
        sums = dated_of(event)
        dated = {second: row for second, row in sums.items() if self.cut.has_moment(second * 1000 - self._began_ms)}
        if len(dated) == len(sums):
            return event
        begun, dropped, let_go = map(sum, zip((0, 0, 0), *dated.values(), strict=True))
        arrivals, ended = (event.arrivals[0], begun, dropped), (*event.ended[:2], let_go)
        return replace(event, arrivals=arrivals, ended=ended, dated=dated)

    def _blocks(self, blocks: Iterable[ev.Block]) -> Iterable[ev.Block]:
        for block in blocks:
            user_ms = {name: ms for name, ms in block.user_ms.items() if name not in self.cut.classes}
            is_cut = bool(block.user_class) and block.user_class in self.cut.classes
            tallies = {} if is_cut else {k: t for k, t in block.tallies.items() if self.cut.has_endpoint(*k)}
            is_kept = self.cut.has_seconds(block.second * 1000 - self._began_ms, block.span)
            if is_kept is None:
                self.across += self._kept(block, tallies)
            if not is_kept:
                continue
            each = block.each.only(tallies, user_ms) if block.each is not None else None
            measured = Measured() if is_cut else self._measured(block.measured)
            yield replace(block, tallies=tallies, user_ms=user_ms, measured=measured, each=each)

    def _measured(self, measured: Measured) -> Measured:
        """What users measured themselves, without the endpoints that go."""
        tagged = {key: tally for key, tally in measured.tagged.items() if self.cut.has_endpoint(*key[:2])}
        return replace(measured, tagged=tagged) if len(tagged) < len(measured.tagged) else measured

    def _kept(self, block: ev.Block, keys: Iterable[tuple[str, str]]) -> int:
        """A block's requests in seconds that are kept by themselves; where these are not known, all of them."""
        if block.each is None:
            return sum(block.tallies[key].requests for key in keys)
        counts = (count for key in keys for count in block.counts_of(key))
        return sum(n for second, n, _ in counts if self.cut.has_moment(second * 1000 - self._began_ms))


def _silenced(event: ev.Reported) -> ev.Reported:
    """A report without what is only known of all of it together."""
    silent = replace(event, failures=(), exceptions=(), iterations=(0, 0, 0, 0), hook_failures=0, pacing=())
    return replace(silent, lateness=None, late=0, delay=None, undelayed=None)


def cut_frame(state: State, at_ms: int, cut: Cut, focus: Focus | None = None, across: int = 0) -> Frame:
    """The picture of a state that was folded from what a cut left: rates are those of the time that is left.

    The books and the verdict are of the whole run, so there are none here; what was cut stands in the remarks, and
    `across`, as the knife counted.
    """
    planned = _narrowed(state.log.planned, cut, state.log.began_ms)
    shown = frame(replace(state, log=replace(state.log, planned=planned)), at_ms, focus)
    lasted_ms = shown.run.elapsed_ms
    kept_ms = cut.kept_ms(lasted_ms)
    specs = state.log.plan.stages if state.log.plan is not None else state.log.stages
    return replace(
        shown,
        total=_rated(shown.total, kept_ms),
        endpoints=tuple(_rated(row, kept_ms) for row in shown.endpoints),
        classes=tuple(replace(row, total=_rated(row.total, kept_ms)) for row in shown.classes),
        stages=tuple(_stage(row, _kept_of(cut, specs, row.name, lasted_ms)) for row in shown.stages),
        pacing=pacing_rows(state.reports, kept_ms),
        metrics=metric_rows(state.reports.measured, kept_ms),
        ledger=LedgerRow(),
        verdict=VerdictRow("", (), (f"what if: {cut.told}{_lost(across)}",)),
    )


def _lost(across: int) -> str:
    """What went with the seconds that were to go: of a large fleet, or of reports that were added together."""
    why = "they were reported together with seconds that are left out"
    return f"; {plural(across, 'request')} at its edges had to be left out, too, for {why}" if across else ""


def _rated(row: EndpointRow, kept_ms: int) -> EndpointRow:
    return replace(row, total_rps_milli=row.requests * 1_000_000 // kept_ms if kept_ms else 0)


def _stage(row: StageRow, kept_ms: int) -> StageRow:
    endpoints = tuple(_rated(each, kept_ms) for each in row.endpoints)
    return replace(row, lasted_ms=kept_ms, total=_rated(row.total, kept_ms), endpoints=endpoints)


def _kept_of(cut: Cut, specs: Iterable[StageSpec], name: str, load_ms: int) -> int:
    """How much of a stage is left, as far as the load came."""
    own = [spec for spec in specs if clean(spec.name, 100) == name and spec.from_ms < load_ms]
    return sum(cut.kept_ms(min(spec.to_ms, load_ms)) - cut.kept_ms(spec.from_ms) for spec in own)


def _narrowed(planned: Series, cut: Cut, began_ms: int) -> Series:
    """A chart of what is left begins and ends with it."""
    if cut.between is None:
        return planned
    low, high = ((began_ms + ms) // 1000 // planned.step_s for ms in cut.between)
    points = {i: p for i, p in planned.points.items() if low <= i <= high}
    if not points:
        return Series(planned.step_s)
    return Series(planned.step_s, points, min(points) * planned.step_s, max(points) * planned.step_s)
