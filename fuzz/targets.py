"""What hostile bytes may reach, each as a function of bytes that must raise nothing.

Everything that comes from Redis, a file or a pipe is believed or refused with the error that is documented; it never
stops the fold, never makes a state that cannot be kept or shown, and never leads a master to write what it cannot read.
`run.py` feeds these with atheris, `tests/unit/test_fuzz.py` with hypothesis.
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import http_bytes

from tidal.archive import Archive, ArchiveWriter
from tidal.errors import TidalError
from tidal.lookout import heartbeat_of
from tidal.model import events as ev
from tidal.model.codec import (
    INTENTS,
    LOG,
    REPORTS,
    BadEntry,
    Entry,
    EntryId,
    PipeReader,
    decode,
    encode,
    entry_of,
    pack,
    pack_message,
    unpack,
    unpacked_secrets,
)
from tidal.model.decide import decide
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.liveness import Heartbeat
from tidal.model.pipe import Batch, Loaded, Message
from tidal.model.plan import Ownership, ramp
from tidal.model.senses import Senses
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.target import grant
from tidal.model.wire import to_wire
from tidal.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T0 = 1_700_000_000_000
STREAMS = (LOG, REPORTS, INTENTS)
KINDS = {
    LOG: [e.KIND for e in ev.MASTER_EVENTS],
    REPORTS: [e.KIND for e in ev.WORKER_EVENTS],
    INTENTS: [e.KIND for e in ev.OPERATOR_EVENTS],
}
STATE_BYTES_MAX = 1 << 28
CPU_S_MAX = 5.0
"""No input may keep the reader busy for longer; a good entry takes a ten-thousandth of it."""


def good_entries() -> list[Entry]:
    """A small run: what mutations begin from."""
    owned = Ownership.of_nobody(8).moved_to({"w1.1": 1})
    tally = Tally()
    for latency_us in (900, 12_000, 2_000_000):
        tally.add(latency_us, 99, failed=latency_us > 1_000_000)
    block = ev.Block(T0 // 1000, 1, {("GET", "/"): tally}, {"Buyer": 1_000})
    masters: list[ev.Event] = [
        ev.MasterTook("host", 1, "0.1.0"),
        ev.RunOpened("r1", "default", "ann", "f.py", (), (ev.ClassSpec("Buyer", 2.0),), ev.RunOptions(5, 5.0), slots=8),
        ev.WorkerSeen("w1", "host-1", "w1.1", "host", 2, 1),
        ev.WorkerChanged("w1", "w1.1", "ready", alive=True, running=False, reporting=False),
        ev.RunStarted(T0),
        ev.PlanSet(1, 0, (ev.Track("", ramp(0, 0, 5, 5.0)),), None, owned.owners, owned.table, "the run starts"),
        ev.TargetSet(7, 2.0, "ann"),
        ev.Ticked((ev.Beat("w1", 20, 250, 1 << 20, 3),), 300),
        ev.IntentAccepted("i1", "ann", "stop"),
        ev.Noted("ann", "info", "a note"),
        ev.StopOrdered("stopped", "enough", "ann", 1_000),
    ]
    workers: list[ev.Event] = [
        ev.Reported(T0, T0 + 1_000, (block,), (ev.FailureTally("GET", "/", "boom", 1, T0, T0),), users={"Buyer": 5}),
        ev.GeneratorLost(0, 7, T0, T0 + 500, "signal 9", 5),
        ev.LoadFailed("FileImportError", "no such module"),
        ev.WorkerFinished("the run stopped", 1),
    ]
    log = [encode(ev.ByMaster(1, n, T0 + n * 10, event)) for n, event in enumerate(masters, 1)]
    reports = [encode(ev.ByWorker("w1.1", n, n, T0 + n * 1_000, event)) for n, event in enumerate(workers, 1)]
    told = [(LOG, fields) for fields in log] + [(REPORTS, fields) for fields in reports]
    return [entry_of(stream, EntryId(T0, number), fields) for number, (stream, fields) in enumerate(told)]


def folded(entries: list[Entry]) -> State:
    """The state after these."""
    state = State()
    for one in entries:
        fold_entry(state, one)
    return state


def check_state(state: State) -> None:
    """It can be kept, read back, shown and decided upon; and what is decided can be written and read."""
    packed = state.packed()
    assert State.from_wire(unpack(packed, STATE_BYTES_MAX)).packed() == packed
    frame(state, T0 + 5_000)
    for n, event in enumerate(decide(state, Senses(T0 + 5_000, {}, looked=True)), 1):
        written = encode(ev.ByMaster(min(state.log.epoch + 1, (1 << 63) - 1), n, T0 + 5_000, event))
        assert decode(entry_of(LOG, EntryId(T0, n), written)) is not None
    grant(state, [ev.TargetSet(3, 1.0, "shape")], T0 + 5_000)


@cache
def good_heartbeat() -> Any:
    """What a worker writes."""
    beat = Heartbeat("host-9", "w9.1", "host", 9, 1, ev.SCHEMA_VERSION, "0.1.0", T0, "r1", "ready", users=3)
    return to_wire(beat)


@cache
def good_keyframe() -> Any:
    """A stored state."""
    return folded(good_entries()).to_wire()


@cache
def good_archive() -> bytes:
    """A small file, with a keyframe in the middle."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.tidal"
        writer = ArchiveWriter(path, {"run": "r1"})
        for number, one in enumerate(good_entries()):
            writer.add(one)
            if number == 8:
                writer.keyframe(pack(good_keyframe()), EntryId(T0, 0), EntryId(0, 0), T0)
        writer.sync()
        writer.close(final=True)
        return path.read_bytes()


def good_messages() -> bytes:
    """What a generator says."""
    told = [Loaded(()), Batch(T0, T0 + 250, ()), Message("hello", pack({"a": 1}))]
    return b"".join(map(pack_message, told))


# ------------------------------------------------------------------ targets


def entry(data: bytes) -> None:
    """An entry of a stream in the middle of a run: the first byte picks stream and kind."""
    stream = STREAMS[data[0] % 3] if data else LOG
    kinds = KINDS[stream]
    kind = kinds[data[0] // 3 % len(kinds)] if data else ""
    hostile = Entry(stream, EntryId(T0 + 3_000, 0), kind, 1, data[1:])
    if stream == INTENTS:
        try:
            decode(hostile)
        except BadEntry:
            return
        return
    state = folded(good_entries()[:-5])
    fold_entry(state, hostile)
    fold_entry(state, hostile)
    check_state(state)


def intent(data: bytes) -> None:
    """What an operator's rights can write: accepted or refused, and the run goes on."""
    for kind in KINDS[INTENTS]:
        try:
            signed = decode(Entry(INTENTS, EntryId(T0, 0), kind, 1, data))
        except BadEntry:
            continue
        if isinstance(signed, ev.ByOperator):
            state = folded(good_entries()[:10])
            events = decide(state, Senses(T0 + 4_000, {}, intents=(signed,)))
            for n, event in enumerate(events, 1):
                fold_entry(state, entry_of(LOG, EntryId(T0, n), encode(ev.ByMaster(2, n, T0 + 4_000, event))))
            check_state(state)


def heartbeat(data: bytes) -> None:
    """The value of a worker's lease."""
    beat = heartbeat_of(data)
    if beat is None:
        return
    state = folded(good_entries()[:10])
    for turn in range(3):
        events = decide(state, Senses(T0 + 4_000 + turn * 1_000, {beat.incarnation: beat}, looked=True))
        for n, event in enumerate(events, 1):
            written = encode(ev.ByMaster(2 + turn, n, T0 + 4_000 + turn, event))
            fold_entry(state, entry_of(LOG, EntryId(T0 + turn, n), written))
    check_state(state)


def keyframe(data: bytes) -> None:
    """A stored state: ValueError, or one that goes on."""
    try:
        state = State.from_wire(unpack(data, STATE_BYTES_MAX))
    except ValueError:
        return
    for one in good_entries():
        fold_entry(state, one)
    check_state(state)


def messages(data: bytes) -> None:
    """The pipe from a generator, where user code can write: messages, or BadEntry."""
    reader = PipeReader()
    try:
        for at in range(0, len(data), 7):
            reader.feed(data[at : at + 7])
    except BadEntry:
        return


def secrets(data: bytes) -> None:
    """Arguments beside the log: those that can be read."""
    unpacked_secrets(data)


def archive(data: bytes) -> None:
    """A file that somebody sent: opened and replayed, or refused in one line."""
    handle, name = tempfile.mkstemp(suffix=".tidal")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        for salvage in (False, True):
            _replay(Path(name), salvage=salvage)
    finally:
        Path(name).unlink()


def _replay(path: Path, *, salvage: bool) -> None:
    try:
        opened = Archive.open(path, salvage=salvage)
    except TidalError:
        return
    try:
        check_state(Replay(opened).final())
    except TidalError:
        return
    finally:
        opened.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "entry": entry,
    "intent": intent,
    "heartbeat": heartbeat,
    "keyframe": keyframe,
    "messages": messages,
    "secrets": secrets,
    "archive": archive,
    "answer": http_bytes.answer,
}


def timed(target: Callable[[bytes], None], data: bytes) -> None:
    """Feed a target, and hold it to its time."""
    began_s = time.process_time()
    target(data)
    spent_s = time.process_time() - began_s
    assert spent_s < CPU_S_MAX, f"{spent_s:.1f} s for {len(data)} bytes"


# ------------------------------------------------------------------ mutations with structure


def places(wire: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a plain value are."""
    yield path
    items = wire.items() if isinstance(wire, dict) else enumerate(wire) if isinstance(wire, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def replaced(wire: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The plain value with another one at a place."""
    if not path:
        return value
    copied = dict(wire) if isinstance(wire, dict) else list(wire)
    copied[path[0]] = replaced(wire[path[0]], path[1:], value)
    return copied


def tagged(stream: str, kind: str, wire: Any) -> bytes:
    """The input of `entry` that stands for a plain value in a stream."""
    kinds = KINDS[stream]
    first = STREAMS.index(stream) + 3 * kinds.index(kind)
    return bytes([first]) + b"\x00" + pack(wire)


def corpus(name: str) -> list[bytes]:
    """Good inputs of a target, for a fuzzer to begin from."""
    if name == "entry":
        return [tagged(e.stream, e.kind, None)[:1] + e.data for e in good_entries()]
    if name == "answer":
        return list(http_bytes.GOOD)
    whole = {
        "heartbeat": lambda: pack(good_heartbeat()),
        "keyframe": lambda: pack(good_keyframe()),
        "messages": good_messages,
        "archive": good_archive,
    }
    return [whole[name]()] if name in whole else []
