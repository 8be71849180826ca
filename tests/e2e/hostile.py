"""What somebody with rights in Redis may write there to hurt a run: garbage, bombs, forgeries, text that is no text."""

from __future__ import annotations

import secrets
import zlib
from typing import TYPE_CHECKING, Any

from tidal.keys import RUNS
from tidal.model.codec import encode, pack
from tidal.model.events import ByMaster, ByOperator, ByWorker, Reported, RunClosed, WantTarget
from tidal.model.liveness import Heartbeat
from tidal.model.samples import Block, ExceptionTally, FailureTally
from tidal.model.stats import Tally
from tidal.model.wire import to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from tidal.keys import FleetKeys, RunKeys

NAMES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "[red]boo[/] [@click=app.quit]x[/]",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "@SUM(A1)",
    '"; DROP TABLE runs; --',
    "\u202eevil\u2066",
    "${jndi:ldap://x}{{7*7}}%s%n\x00",
    "\ud800 lone",
    "x" * 5_000,
    "a,b\r\n=c",
)
MANY = 3_000
"""Endpoint names of one flooder."""


def tally(requests: int = 1) -> Tally:
    """A few requests of 1 ms."""
    return Tally(requests, min_us=1_000, max_us=1_000, total_us=1_000 * requests, histogram={694: requests})


def report(now_ms: int, names: tuple[str, ...], **more: Any) -> Reported:
    """A report that is right in its form."""
    block = Block(now_ms // 1000, tallies={("GET", name): tally() for name in names})
    return Reported(now_ms - 1_000, now_ms, (block,), **more)


def entry(data: bytes, kind: bytes = b"rp") -> dict[bytes, bytes]:
    """An entry with data as it is."""
    return {b"k": kind, b"v": b"1", b"d": data}


def raw_reports(now_ms: int) -> Iterator[dict[bytes, bytes]]:
    """Entries of the reports' stream that must be refused, each for another reason."""
    inc, good = "f" * 16, to_wire(report(now_ms, ("/x",)))
    yield entry(b"\x01" + zlib.compress(bytes(200 << 20), 9))  # a bomb: 200 MB
    yield entry(b"\x00" + bytes(300_000))
    yield entry(b"\x00" + secrets.token_bytes(2 << 20))
    yield entry(b"\x00" + b"\x91" * 100_000)  # nested 100,000 deep
    yield entry(b"\x00" + b"\xdd\xff\xff\xff\xff")  # a list of 4 G, they say
    yield entry(b"\x00" + b"\xc1" * 50)
    yield entry(b"\x02rubbish")
    yield entry(b"")
    yield entry(b"\x00" + pack([inc, 1, 1, now_ms]))
    yield {b"nonsense": b"x" * 10_000}
    yield {b"k": b"rp", b"v": b"-7", b"d": b"x"}
    yield {b"k": b"rp", b"v": b"99", b"d": b"x"}
    yield {b"k": b"\xff\xfe", b"v": b"1", b"d": b"x"}
    for bad in (
        {"from_ms": float("nan")},
        {"from_ms": -5},
        {"to_ms": 1 << 62},
        {"users": {"V": -9}},
        {"cpu_permille": "many"},
        {"blocks": [[now_ms // 1000, 1, [["GET", "/", [1, 0, 0, 0, 5, 5, 5, 5, b"\xff" * 9, b"\x01"]]], {}]]},
        {"blocks": [[now_ms // 1000, 1, [["GET", "/", [-1, 0, 0, 0, 5, 5, 5, 5, b"", b""]]], {}]]},
        {"blocks": [[1 << 50, 1, [], {}]]},
        {"blocks": {"a": 1}},
        {"hook_failures": float("inf")},
    ):
        yield entry(b"\x00" + pack([inc, 1, 1, now_ms, {**good, **bad}]))


REFUSED_LEAST = 23
"""So many of them at least are to be counted: all above."""


def forged_reports(now_ms: int) -> Iterator[ByWorker]:
    """Reports of workers that are none: right in their form, believed, and yet harmless."""
    failures = tuple(FailureTally("GET", name, name, 1, now_ms, now_ms) for name in NAMES)
    exceptions = tuple(ExceptionTally(name, f"Traceback\n{name}", 1) for name in NAMES)
    more: dict[str, Any] = {"failures": failures, "exceptions": exceptions, "users": dict.fromkeys(NAMES, 3)}
    yield ByWorker("forged\x1b[31m", 1, 1, now_ms, report(now_ms, NAMES, **more))
    for first in range(0, MANY, 500):
        names = tuple(f"/flood/{number}" for number in range(first, first + 500))
        yield ByWorker("flooder", first + 1, first + 1, now_ms, report(now_ms, names))
    for number in range(400):  # gaps without end
        yield ByWorker("gaps", 2 * number + 2, 2 * number + 2, now_ms, report(now_ms, ()))


def beats(now_ms: int) -> Iterator[bytes]:
    """Heartbeats that are none, and forged ones of workers that only look."""
    yield b""
    yield secrets.token_bytes(100_000)
    yield pack({"worker": 5})
    yield pack(["x"] * 1_000)
    for name in NAMES:
        short = name[:60]
        beat = Heartbeat(short, secrets.token_hex(8), short, 1, 1, 1, short, now_ms, state="loading", why=short)
        wire = to_wire(beat)
        yield pack(wire)
        yield pack(wire | {"host": name, "why": name, "pid": -1, "processes": 1 << 40})


def as_worker(client: redis.Redis, run: RunKeys, fleet: FleetKeys, now_ms: int) -> None:
    """All that a worker's rights allow."""
    for fields in raw_reports(now_ms):
        client.xadd(run.reports, fields)
    for forged in forged_reports(now_ms):
        client.xadd(run.reports, encode(forged))
    for number, beat in enumerate(beats(now_ms)):
        client.sadd(fleet.workers, f"h{number}")
        client.set(fleet.beat(f"h{number}"), beat, px=60_000)
    client.sadd(fleet.workers, *(f"0{number:05}" for number in range(20_000)))
    client.sadd(fleet.workers, "a b", "\x1b[2J", "}x{", "y" * 5_000)


def as_operator(client: redis.Redis, run: RunKeys, now_ms: int) -> None:
    """Intents that are none, or that nobody may have."""
    for fields in raw_reports(now_ms):
        client.xadd(run.intents, fields)
    for users in (-5, 1 << 60):
        client.xadd(run.intents, encode(ByOperator(secrets.token_hex(8), NAMES[0], now_ms, WantTarget(users, 1.0))))
    wild = {"users": 5, "spawn_rate": float("nan")}
    client.xadd(run.intents, entry(b"\x00" + pack(["id", "me", now_ms, wild]), b"wt"))


def as_master(client: redis.Redis, run: RunKeys, fleet: FleetKeys, now_ms: int) -> None:
    """Garbage where masters alone write. Who may do that could end the run; nonsense must not."""
    for fields in raw_reports(now_ms):
        client.xadd(run.log, fields)
    client.xadd(run.log, encode(ByMaster(1, 1, now_ms, RunClosed("finished", "by an old master", 0))))
    client.set(run.keyframe, secrets.token_bytes(100_000))
    client.rpush(run.secrets, "of another type")
    client.set(run.lease, "nobody")  # without an end
    client.hset(run.ack, "nobody", "garbage")
    client.hset(run.ack, NAMES[0], "9" * 400)
    client.hset(RUNS, "x\x1b[2J", "y")
    client.hset(RUNS, "20260101-000000-abcd", secrets.token_bytes(50_000))
    client.hset(RUNS, "20260101-000000-efgh", pack({"file": NAMES[0] + NAMES[2], "phase": NAMES[1], "opened_ms": -1}))
    client.set(fleet.run, "\x1b[2J not a run")
    client.set(run.viewer, secrets.token_bytes(1_000))
