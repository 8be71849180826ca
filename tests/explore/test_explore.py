"""The protocol under random schedules, and each law shown to be able to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from actors import SimCrew, SimMaster, SimService, SimWorker, SimWriter
from explore import OUTAGES, Schedule, broken, run, search, shortened
from world import Parts

from tidal.model import events as ev
from tidal.model.codec import REPORTS, EntryId, decode, encode, entry_of
from tidal.model.fold import fold_entry
from tidal.model.liveness import Liveness
from tidal.model.struct import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.codec import Entry
    from tidal.model.state import State

COUNT, SLICES = 240, 4
TRIES = 80
"""Schedules among which a broken part must show."""


@pytest.mark.parametrize("part", range(SLICES))
def test_every_law_holds(part: int) -> None:
    """In so many schedules; `make explore N=200000` runs more."""
    found = search(range(part * COUNT // SLICES, (part + 1) * COUNT // SLICES))
    assert [(s.seed, law) for s, law in found] == []


def test_a_seed_is_a_schedule() -> None:
    """The same seed gives the same steps and the same reports of the same users."""
    schedule = Schedule.drawn(7)
    assert schedule == Schedule.drawn(7)
    first, second = (run(schedule, Parts()).folded() for _ in range(2))
    assert first.reports == second.reports
    assert [row.text for row in first.log.story] == [row.text for row in second.log.story]


# ------------------------------------------------------------------ broken parts


class StubbornCrew(SimCrew):
    """It heeds its first share for ever."""

    def tell_share(self, plan: ev.PlanSet, *rest: Any) -> None:
        """Hand on the first one alone."""
        if not self._last_split:
            super().tell_share(plan, *rest)


class LazyCrew(SimCrew):
    """It takes over nobody's users."""

    def tell_share(self, plan: ev.PlanSet, *rest: Any) -> None:
        """Hand on every plan but those after a loss."""
        if "is gone" not in plan.why:
            super().tell_share(plan, *rest)


class RenumberingService(SimService):
    """What it hands in once more it numbers anew."""

    is_done = False

    def step(self, now_ms: int, redis_ms: int, offset_us: int) -> None:
        """Put the bytes of an attempt that was sent under another number as well."""
        outbox = self.outboxes[-1]
        if outbox._frozen and outbox._attempted == outbox._confirmed and not self.is_done:
            fields = dict(outbox._frozen[0][1])
            signed = decode(entry_of(REPORTS, EntryId(1, 0), fields))
            if isinstance(signed, ev.ByWorker) and isinstance(signed.event, ev.Reported) and signed.event.blocks:
                self.is_done = True
                again = encode(replace(signed, first=outbox._next, last=outbox._next))
                outbox._frozen.append((outbox._next, again))
                outbox._next += 1
        super().step(now_ms, redis_ms, offset_us)


class LyingWriter(SimWriter):
    """It says that all is on the disk; nothing is."""

    def sync(self) -> None:
        """Say yes."""


class Trust(Liveness):
    """Nobody is ever lost."""

    def poll(self, now_ms: int, rtt_ms: int, expected: set[str], present: set[str], fresh: set[str]) -> list[str]:
        """See nothing."""
        return []


class Haste(Liveness):
    """Whoever is silent is lost, whether or not anybody else still speaks."""

    def poll(self, now_ms: int, rtt_ms: int, expected: set[str], present: set[str], fresh: set[str]) -> list[str]:
        """See nobody's silence but one's own."""
        return super().poll(now_ms, rtt_ms, expected, present, fresh | present)


class Panic(Liveness):
    """Everybody is lost who is expected, some time."""

    def poll(self, now_ms: int, rtt_ms: int, expected: set[str], present: set[str], fresh: set[str]) -> list[str]:
        """See ghosts."""
        return sorted(expected)[:1] if now_ms // 1000 % 7 == 0 else []


class TrustingMaster(SimMaster):
    """It declares nobody lost."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lookout._liveness = Trust()


class HastyMaster(SimMaster):
    """It gives users to who may be cut off as well."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lookout._liveness = Haste()


class PanickyMaster(SimMaster):
    """It declares lost who is there."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lookout._liveness = Panic()


class MeddlingMaster(SimMaster):
    """It changes its state beside the log."""

    def turn(self) -> None:
        """Remember something that no entry says."""
        super().turn()
        self.state.log.hook_failures = 1


class EndlessMaster(SimMaster):
    """It never closes a run."""

    def _append(self, events: Sequence[ev.Event]) -> None:
        super()._append([e for e in events if not isinstance(e, ev.RunClosed)])


class DatedMaster(SimMaster):
    """It leaves the plan where it was in Redis' time."""

    def _append(self, events: Sequence[ev.Event]) -> None:
        is_again = bool(self.state.log.began_ms)
        super()._append([e for e in events if not (is_again and isinstance(e, ev.RunStarted))])


class OblivousWorker(SimWorker):
    """It does not read that it was declared lost, so it goes on under its old name."""

    def _heed_end(self, service: Any) -> None:
        """Go on."""


def unfenced(state: State, entry: Entry) -> None:
    """A fold that heeds every master."""
    if entry.stream != REPORTS:
        state.log.epoch = 0
    fold_entry(state, entry)


def crossing(state: State, entry: Entry) -> None:
    """A fold of reports that looks at the log."""
    fold_entry(state, entry)
    if entry.stream == REPORTS:
        state.reports.messages += state.log.n


def forgetful(state: State) -> State:
    """A keyframe without what came out of order."""
    for record in state.reports.incarnations.values():
        record.watermark = 0
    return state


BROKEN = {
    "one user, one place": Parts(crew=StubbornCrew),
    "one user, one place, when all were cut off": Parts(master=HastyMaster),
    "planned = running": Parts(crew=LazyCrew),
    "planned = running, too": Parts(master=TrustingMaster),
    "each sample once": Parts(service=RenumberingService),
    "an acknowledged report is in the archive": Parts(writer=LyingWriter),
    "a fenced master changes nothing": Parts(fold=unfenced, whole_share=1.0),
    "any interleaving": Parts(fold=crossing, whole_share=1.0),
    "a keyframe stands for what it covers": Parts(keyframe=forgetful, whole_share=1.0),
    "live = replay": Parts(master=MeddlingMaster),
    "a stop closes the run": Parts(master=EndlessMaster),
    "no false loss": Parts(master=PanickyMaster),
    "plan time does not go back": Parts(master=DatedMaster),
}


@pytest.mark.parametrize("law", BROKEN)
def test_each_law_can_fail(law: str) -> None:
    """A part that breaks it is found within a few schedules."""
    parts = BROKEN[law]
    seeds = range(OUTAGES - 1, TRIES * OUTAGES, OUTAGES) if "cut off" in law else range(TRIES)
    laws = (found.law for seed in seeds if (found := broken(Schedule.drawn(seed), parts)))
    assert any(law.startswith(found) for found in laws)


def test_a_schedule_is_shortened() -> None:
    """What is left breaks the same law, and no step of it can go."""
    parts = BROKEN["one user, one place"]
    found = next(s for seed in range(TRIES) if broken(s := Schedule.drawn(seed), parts))
    law = broken(found, parts)
    assert law is not None
    short = shortened(found, law.law, parts)
    assert len(short.steps) <= len(found.steps)
    again = broken(short, parts)
    assert again is not None
    assert again.law == law.law
