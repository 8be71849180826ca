"""What must be true of a whole log, whatever happened: looked at when a schedule has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors import KEYS

from tidal.model import events as ev
from tidal.model import phases
from tidal.model.codec import LOG, REPORTS, BadEntry, Entry, decode, encode, entry_of
from tidal.model.state import State
from tidal.model.struct import replace

if TYPE_CHECKING:
    import random

    from actors import SimWorker
    from world import World


class Broken(AssertionError):
    """A law does not hold."""

    def __init__(self, law: str, detail: str) -> None:
        super().__init__(f"{law}: {detail}")
        self.law = law


def check_books(world: World, chance: random.Random) -> None:
    """Everything that can be said of the whole log."""
    state = world.folded()
    _check_live_is_replay(world, state)
    if chance.random() < world.parts.whole_share:  # three more folds of everything
        _check_weave(world, state, chance)
        _check_keyframe(world, state, chance)
        _check_fence(world, chance)
    _check_samples(world, state)
    _check_acks(world)
    _check_losses(world)


def _check_live_is_replay(world: World, state: State) -> None:
    for master in world.masters:
        is_done = (
            not master.is_fenced and master.state.log.phase == phases.CLOSED and master.state.position == state.position
        )
        if is_done and _compared(world, master.state) != _compared(world, state):
            raise Broken("live = replay", f"{master} ended in another state than its log")


def _compared(world: World, state: State) -> bytes:
    """A state's bytes; where Redis lost something another master may have archived what the leader never read.

    The workers hand it in again: what came twice is dropped, and one of the two has more to drop.
    """
    if not world.was_damaged:
        return state.packed()
    return State(state.log, replace(state.reports, repeats=0), position=state.position).packed()


def _check_weave(world: World, state: State, chance: random.Random) -> None:
    left, right, woven = world.entries(LOG), world.entries(REPORTS), State()
    left.reverse()
    right.reverse()
    while left or right:
        take = left if not right or (left and chance.random() < 0.5) else right
        world.parts.fold(woven, take.pop())
    if woven.packed() != state.packed():
        raise Broken("any interleaving", "the log and the reports, woven otherwise, fold to another state")


def _check_keyframe(world: World, state: State, chance: random.Random) -> None:
    entries = sorted([*world.entries(LOG), *world.entries(REPORTS)], key=lambda e: (e.id, e.stream))
    cut, again = chance.randrange(len(entries) + 1), State()
    for entry in entries[:cut]:
        world.parts.fold(again, entry)
    again = world.parts.keyframe(again)
    for entry in entries[cut:]:
        world.parts.fold(again, entry)
    if again.packed() != state.packed():
        raise Broken("a keyframe stands for what it covers", f"cut at {cut} of {len(entries)}")


def _check_fence(world: World, chance: random.Random) -> None:
    """Whatever an older epoch says after the newest one has spoken changes nothing."""
    entries, state = world.entries(LOG), State()
    for entry in entries:
        world.parts.fold(state, entry)
    before = _but_counters(state)
    for entry in chance.sample(entries, min(3, len(entries))):
        signed = signed_of(entry)
        if signed is not None:
            old = ev.ByMaster(state.log.epoch - 1, 1 << 40, signed.at_ms, signed.event)
            world.parts.fold(state, entry_of(LOG, entry.id, encode(old)))
    if _but_counters(state) != before:
        raise Broken("a fenced master changes nothing", "an entry of an older epoch changed the state")


def _check_samples(world: World, state: State) -> None:
    """Who handed everything in is counted exactly; nobody is counted beyond what it measured."""
    for worker in world.workers:
        for kid in worker.kids:
            tally = state.reports.endpoints.get(kid.gen.name)
            counted = tally.tally.requests if tally is not None else 0
            heard = worker.heard.get(kid.gen.name, 0)
            if counted > heard:
                raise Broken("each sample once", f"{kid.gen} of {worker}: {counted} counted, {heard} measured")
            if counted < heard and _must_be_whole(worker, state):
                raise Broken("each sample once", f"{kid.gen} of {worker}: {counted} counted of {heard}")


def _must_be_whole(worker: SimWorker, state: State) -> bool:
    """Whether the run waited for everything of this worker."""
    last = state.reports.incarnations.get(worker.identity.incarnation)
    return last is not None and last.finished and not (worker.is_dead and last.ahead)


def _check_acks(world: World) -> None:
    """What was acknowledged is in an archive, fsynced."""
    kept: dict[str, list[tuple[int, int]]] = {}
    for record in (r for m in world.masters for r in m.records):
        for entry in record.file.entries[: record.file.safe]:
            signed = signed_of(entry)
            if isinstance(signed, ev.ByWorker):
                kept.setdefault(signed.incarnation, []).append((signed.first, signed.last))
    for name, value in world.server.do_hgetall(KEYS.ack).items():
        reached = 0
        for first, last in sorted(kept.get(name.decode(), [])):
            reached = max(reached, last) if first <= reached + 1 else reached
        if reached < int(value):
            raise Broken("an acknowledged report is in the archive", f"{name!r}: {int(value)} told, {reached} kept")


def _check_losses(world: World) -> None:
    """Nobody is declared lost who was never silent for a lease."""
    for entry in world.entries(LOG):
        signed = signed_of(entry)
        lost = signed.event if signed is not None else None
        if isinstance(lost, ev.WorkerLost) and lost.incarnation not in world.silent:
            raise Broken("no false loss", f"{lost.incarnation} was never silent for so long")


def signed_of(entry: Entry) -> Any:
    """An entry decoded; None for nonsense and unknown kinds."""
    try:
        return decode(entry)
    except BadEntry:
        return None


def _but_counters(state: State) -> bytes:
    """A state's bytes without what counts the fenced and where the stream is."""
    log = replace(state.log, fenced=0, repeats=0)
    return State(log, state.reports).packed()
