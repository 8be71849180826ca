"""Builders of histories, so that a test reads: given what the streams hold, when …, then ….

A history is a list of happenings: a master's events as they are, `at(ms, event)` where the moment matters, a worker's
reports in their envelope. `entries` makes of it what Redis would hold, so that every test goes through the codec.
Worker `w1` in its first life has the incarnation `w1.1`. Times are ms after T0, where plan time begins too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of
from tidal.model.fold import fold_entry
from tidal.model.liveness import Heartbeat
from tidal.model.plan import Ownership, ramp
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import replace

if TYPE_CHECKING:
    from collections.abc import Iterable


T0 = 1_700_000_000_000
T0_S = T0 // 1000
SLOTS = 64

Happening = ev.Event | ev.ByMaster | ev.ByWorker


def life(name: str, number: int = 1) -> str:
    """The incarnation of a worker's n-th life."""
    return f"{name}.{number}"


# ------------------------------------------------------------------ what masters write


def at(ms: int, event: ev.Event, *, epoch: int = 1, n: int = 0) -> ev.ByMaster:
    """A master's event `ms` after T0; n = 0 stands for the next one."""
    return ev.ByMaster(epoch, n, T0 + ms, event)


def opened(users: int = 10, spawn_rate: float = 10.0, **options: object) -> ev.ByMaster:
    """The run is opened ten seconds before T0."""
    made = replace(ev.RunOptions(users=users, spawn_rate=spawn_rate), **options)  # type: ignore[arg-type]
    classes = (ev.ClassSpec("Buyer", 3.0, host="http://shop"), ev.ClassSpec("Reader", 1.0))
    event = ev.RunOpened("r1", "default", "ann@laptop", "locustfile.py", (), classes, made, slots=SLOTS)
    return at(-10_000, event)


def seen(name: str, number: int = 1, processes: int = 1) -> ev.WorkerSeen:
    """A worker's heartbeat was seen for the first time in this life."""
    return ev.WorkerSeen(name, f"host-{name}", life(name, number), "host", 100, processes)


def changed(name: str, state: str = "ready", number: int = 1, *, reporting: bool = False) -> ev.WorkerChanged:
    """A worker's state changed; it is alive, and runs when its state says so."""
    runs = state == "running"
    return ev.WorkerChanged(name, life(name, number), state, alive=True, running=runs, reporting=reporting)


def ready(*names: str) -> list[ev.Event]:
    """Workers came and are ready."""
    return [event for name in names for event in (seen(name), changed(name))]


def lost(name: str, number: int = 1) -> ev.WorkerLost:
    """A worker's lease lapsed."""
    return ev.WorkerLost(name, life(name, number), T0)


def left(name: str, number: int = 1) -> ev.WorkerLeft:
    """A worker left in order."""
    return ev.WorkerLeft(name, life(name, number), "it was told to")


def started() -> ev.ByMaster:
    """Plan time begins at T0."""
    return at(0, ev.RunStarted(T0))


def planned(
    *names: str, users: int = 10, rate: float = 10.0, number: int = 1, from_ms: int = 0, end_ms: int | None = None
) -> ev.PlanSet:
    """A plan that owns its slots evenly among these workers, in their first life unless a name has a dot."""
    owners = {name if "." in name else life(name): 1 for name in names}
    owned = Ownership.of_nobody(SLOTS).moved_to(owners)
    track = ev.Track("", ramp(from_ms, 0, users, rate))
    return ev.PlanSet(number, from_ms, (track,), end_ms, owned.owners, owned.table, "the run starts")


def ticked(*names: str, age_ms: int = 100) -> ev.Ticked:
    """The master looked around and saw these heartbeats."""
    return ev.Ticked(tuple(ev.Beat(name, age_ms, 250, 1 << 20, 3) for name in names), 400)


def stopped(outcome: str = "stopped", exit_code: int | None = None, timeout_ms: int = 5_000) -> ev.StopOrdered:
    """All users are to stop."""
    return ev.StopOrdered(outcome, "an operator's wish", "ann", timeout_ms, exit_code)


def closed(exit_code: int = 0) -> ev.RunClosed:
    """The run is over."""
    return ev.RunClosed("stopped", "an operator's wish", exit_code)


def running(*names: str, users: int = 10, rate: float = 10.0, **options: object) -> list[Happening]:
    """A run that these workers have served from T0 on."""
    plan = planned(*names, users=users, rate=rate, end_ms=options.get("run_time_ms"))  # type: ignore[arg-type]
    return [opened(users, rate, **options), *ready(*names), started(), at(0, plan)]


# ------------------------------------------------------------------ what workers write


def tally(latencies_us: Iterable[int] = (1_000,), failures: int = 0, length: int = 10) -> Tally:
    """Samples of one endpoint, the first ones failed."""
    made = Tally()
    for index, latency_us in enumerate(latencies_us):
        made.add(latency_us, length, failed=index < failures)
    return made


def block(second: int = 0, requests: int = 1, name: str = "/", failures: int = 0, user_ms: int = 1_000) -> ev.Block:
    """A second (after T0) with requests of 1 ms to one endpoint."""
    return ev.Block(T0_S + second, 1, {("GET", name): tally([1_000] * requests, failures)}, {"Buyer": user_ms})


def by(name: str, seq: int, event: ev.Event, *, last: int | None = None, number: int = 1) -> ev.ByWorker:
    """A worker's event in its envelope."""
    return ev.ByWorker(life(name, number), seq, last or seq, T0 + seq * 1_000, event)


def report(*blocks: ev.Block, to_ms: int = 1_000, **more: object) -> ev.Reported:
    """What was measured in a second up to `to_ms` after T0."""
    return ev.Reported(T0 + to_ms - 1_000, T0 + to_ms, blocks, **more)  # type: ignore[arg-type]


def reported(
    name: str, seq: int, requests: int = 1, failures: int = 0, *, number: int = 1, users: int = 5
) -> ev.ByWorker:
    """Report `seq` of a worker covers second seq-1 after T0."""
    event = report(block(seq - 1, requests, failures=failures), to_ms=seq * 1_000, users={"Buyer": users})
    return by(name, seq, event, number=number)


def finished(name: str, seq: int, number: int = 1) -> ev.ByWorker:
    """A worker's users have stopped."""
    return by(name, seq, ev.WorkerFinished("the run stopped"), number=number)


# ------------------------------------------------------------------ what the shell senses


def beat(name: str, number: int = 1, **more: object) -> Heartbeat:
    """A heartbeat as the worker wrote it."""
    plain = Heartbeat(f"host-{name}", life(name, number), "host", 100, 1, ev.SCHEMA_VERSION, "0.1.0", T0, "r1", "ready")
    return replace(plain, **more)  # type: ignore[arg-type]


def beats(*all_of_them: Heartbeat) -> dict[str, Heartbeat]:
    """Heartbeats by incarnation."""
    return {one.incarnation: one for one in all_of_them}


# ------------------------------------------------------------------ folding


def entries(*happenings: Happening | Sequence[Happening]) -> list[Entry]:
    """What the two streams hold, in the order told; each stream's ids rise."""
    flat = [h for item in happenings for h in (item if isinstance(item, Sequence) else [item])]
    numbers: dict[int, int] = {}
    result, now_ms = [], T0 - 10_000
    for index, happening in enumerate(flat):
        signed = happening if isinstance(happening, ev.ByMaster | ev.ByWorker) else ev.ByMaster(1, 0, now_ms, happening)
        now_ms = max(now_ms, signed.at_ms)
        if isinstance(signed, ev.ByMaster):
            numbers[signed.epoch] = signed.n or numbers.get(signed.epoch, 0) + 1
            signed = replace(signed, n=numbers[signed.epoch])
        stream = LOG if isinstance(signed, ev.ByMaster) else REPORTS
        result.append(entry_of(stream, EntryId(now_ms, index), encode(signed)))
    return result


def fold_all(history: Iterable[Entry], state: State | None = None) -> State:
    """The state after these entries."""
    state = state or State()
    for entry in history:
        fold_entry(state, entry)
    return state


def folded(*happenings: Happening | Sequence[Happening]) -> State:
    """The state after a history."""
    return fold_all(entries(*happenings))


def keyframed(state: State) -> State:
    """The state as a successor reads it from a keyframe."""
    return State.unpacked(state.packed())
