"""Recorded runs without chance or clock: a shop under load, of any length, written as a master writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from math import exp, sin
from typing import TYPE_CHECKING

from tidal.archive import ArchiveWriter
from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of
from tidal.model.files import chunks_of, spec_of
from tidal.model.fold import fold_entry
from tidal.model.measured import Measured, Transaction
from tidal.model.metrics import Metric, parts_of
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.thresholds_read import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T0 = 1_790_000_000_000
BEGAN_MS = 1_000
"""After T0."""
SOURCE = b'from tidal import HttpUser, task\n\n\nclass Shopper(HttpUser):\n    host = "http://shop"\n'
UNTIL = ("p95 < 300ms", "fail% < 5")
ENDPOINTS = (("GET", "/", 9), ("GET", "/product/[id]", 17), ("POST", "/cart", 24), ("POST", "/checkout", 110))


@dataclass(frozen=True)
class Shop:
    """What a recorded run is like.

    Attributes:
        seconds: how long its load went on.
        said: text wherever text from outside can be; "" for ordinary text.
    """

    seconds: int = 120
    workers: int = 3
    users: int = 60
    said: str = ""
    host: str = "http://ann:s3cret@shop.example"
    is_closed: bool = True
    measures: bool = False  # transactions, metrics, checks, tags, failed requests besides
    judges: bool = False  # thresholds, and the search for a limit
    source: bytes = SOURCE
    endpoints: tuple[tuple[str, str, int], ...] = field(default=ENDPOINTS)

    def text(self, usual: str) -> str:
        """The ordinary text, or what was said."""
        return f"{self.said}{usual}" if self.said else usual


def entries(shop: Shop) -> Iterator[Entry]:
    """The run as the master read it."""
    numbers = count(1)
    yield from (_of_master(next(numbers), ms, event) for ms, event in _opening(shop))
    end_ms = BEGAN_MS + shop.seconds * 1000
    for second in range(shop.seconds):
        for worker in range(shop.workers):
            yield _report(shop, second, worker)
        at_ms = BEGAN_MS + second * 1000 + 900
        if second == shop.seconds // 2:
            lost = ev.WorkerLost("w1", "inc0", T0 + at_ms - 2_000)
            yield _of_master(next(numbers), at_ms, lost)
        if second % 10 == 9:
            last = f"{T0 + at_ms + 100}-{shop.workers - 1}"
            judged_to_s = (T0 + at_ms + 100) // 1000
            yield _of_master(next(numbers), at_ms + 1, ev.Ticked((), 400, last, judged_to_s))
    if shop.judges:
        yield from (_of_master(next(numbers), end_ms - 50, event) for event in _judged(shop))
    if shop.is_closed:
        why = shop.text("the run time is over")
        yield _of_master(next(numbers), end_ms, ev.StopOrdered("finished", why, "", 0))
        yield _of_master(next(numbers), end_ms + 500, ev.RunClosed("finished", why, 1))


def _of_master(number: int, ms: int, event: ev.Event) -> Entry:
    return entry_of(LOG, EntryId(T0 + ms, number), encode(ev.ByMaster(1, number, T0 + ms, event)))


def _opening(shop: Shop) -> Iterator[tuple[int, ev.Event]]:
    run_time_ms = shop.seconds * 1000
    path = shop.text("locustfile.py")
    options = ev.RunOptions(users=shop.users, spawn_rate=5.0, run_time_ms=run_time_ms, host=shop.host)
    if shop.judges:
        limit = ev.LimitSpec(UNTIL, "users", 5_000)
        options = replace(options, thresholds=canonical([*UNTIL, _of_one(shop)]), limit=limit)
    classes = (ev.ClassSpec(shop.text("Shopper"), 3.0, tasks=((shop.text("browse"), 1.0),)), ev.ClassSpec("Buyer"))
    files = (spec_of(path, shop.source),)
    versions = (("tidal", "0.1.0"), ("python", "3.13.1"))
    run, author = "20260921-141320-shop", shop.text("ann@laptop")
    yield 0, ev.RunOpened(run, "default", author, path, files, classes, options, versions)
    yield from ((10, chunk) for chunk in chunks_of(shop.source))
    for worker in range(shop.workers):
        yield 100, ev.WorkerSeen(f"w{worker + 1}", "box", f"inc{worker}", shop.text("box"), 100 + worker, 2)
    owners = tuple(f"inc{worker}" for worker in range(shop.workers))
    table = b"".join((slot % shop.workers).to_bytes(2, "big") for slot in range(4096))
    curve = ev.Track("", ((0, 0.0), (12_000, float(shop.users))))
    yield 900, ev.PlanSet(1, 0, (curve,), run_time_ms, owners, table, "the run starts")
    yield 950, ev.RunStarted(T0 + BEGAN_MS)
    yield 980, ev.Noted("warning", shop.text("ann"), shop.text("the cache is cold"))


def _of_one(shop: Shop) -> str:
    name = shop.text("/nowhere").replace("\x1b", "")
    return f'p95 of "{name}" < 1s'


def _judged(shop: Shop) -> Iterator[ev.Event]:
    """A search of twelve probes whose latency has a knee at 40 users, and a threshold that tripped."""
    for number, users in enumerate((5, 10, 20, 40, 80, 56, 44, 40, 41, 42, 41, 40), 1):
        p95_us = 40_000 + round(12_000 * exp((users - 20) / 7))
        values = ((UNTIL[0], p95_us), (UNTIL[1], 1000 * max(0, users - 40)))
        from_ms = number * 5_000
        yield ev.ProbeJudged(number, users * 1000, p95_us < 300_000, from_ms, from_ms + 4_000, values)
    yield ev.LimitFound(41_000, 39_000, 42_000, 900)
    yield ev.ThresholdTripped(UNTIL[0], 0, 70_000, 412_000)
    yield ev.ThresholdTripped(_of_one(shop), 0, 90_000, None, shop.text("no such endpoint was seen"))


def _report(shop: Shop, second: int, worker: int) -> Entry:
    users = min(shop.users, second * 5) // shop.workers
    slow = 1 + 2 * exp(-(((second - shop.seconds * 0.6) / (shop.seconds * 0.05)) ** 2))
    tallies = {}
    for method, name, median_ms in shop.endpoints:
        tally = tallies[method, shop.text(name)] = Tally()
        for sample in range(max(1, users // 4)):
            spread = 1 + 0.6 * sin(sample * 2.4 + second) + (4 if (sample + second) % 29 == 0 else 0)
            tally.add(round(median_ms * 1000 * slow * spread), 420, failed="checkout" in name and second % 7 == 0)
    ms = BEGAN_MS + second * 1000
    failures = tuple(
        ev.FailureTally(method, name, shop.text("503 Service Unavailable"), tally.failures, T0 + ms, T0 + ms)
        for (method, name), tally in tallies.items()
        if tally.failures
    )
    raised = (ev.ExceptionTally(shop.text("ValueError('x')"), shop.text("Traceback\n  line"), 1),) if not second else ()
    measured = _measured(shop, second) if shop.measures else Measured()
    block = ev.Block((T0 + ms) // 1000, 1, tallies, {"Shopper": users * 1000}, measured=measured)
    failed = tuple(_failed(shop, failure) for failure in failures) if shop.measures else ()
    reported = ev.Reported(
        T0 + ms, T0 + ms + 1000, (block,), failures, raised, users={"Shopper": users}, cpu_permille=430, failed=failed
    )
    signed = ev.ByWorker(f"inc{worker}", second + 1, second + 1, T0 + ms + 1000, reported)
    return entry_of(REPORTS, EntryId(T0 + ms + 1000, worker), encode(signed))


def _measured(shop: Shop, second: int) -> Measured:
    """A tree of transactions by region, a metric of every kind, two checks."""
    made, region = Measured(), shop.text(f"region={'eu' if second % 2 else 'us'}")
    pay = (shop.text("checkout"), shop.text("pay"))
    for path, us in ((pay[:1], 180_000), (pay, 110_000), ((shop.text("browse"),), 30_000)):
        run = made.transactions[path, region] = Transaction()
        run.add(us + second * 1_000, 20_000, 2, int(second % 7 == 0), failed=second % 7 == 0)
    for kind, name, value in (("counter", "orders", 1), ("gauge", "queue", second % 9), ("trend", "cart", second % 5)):
        metric = made.metrics[kind, shop.text(name), shop.text("") or "items", ""] = Metric()
        metric.add(kind, parts_of(value), (T0 + second * 1000) * 1000)
    for kind, name in (("rate", "hit"), ("check", "has an id"), ("check", "is fresh")):
        metric = made.metrics[kind, shop.text(name), "", ""] = Metric()
        metric.add(kind, int(second % 4 > 0))
    tally = made.tagged["POST", shop.text("/checkout"), region] = Tally()
    tally.add(110_000, 420, failed=second % 7 == 0)
    return made


def _failed(shop: Shop, failure: ev.FailureTally) -> ev.FailedRequest:
    return ev.FailedRequest(
        failure.first_ms,
        failure.method,
        failure.name,
        failure.error,
        url=shop.text("http://shop.example/checkout"),
        status=503,
        took_us=110_000,
        user=shop.text("Shopper"),
        transaction=(shop.text("checkout"), shop.text("pay")),
        tags=shop.text("region=eu"),
        request_headers=((shop.text("Accept"), shop.text("*/*")),),
        request_body=shop.text('{"card": "[redacted]"}'),
        response_headers=((shop.text("Server"), shop.text("shop/1")),),
        response_body=shop.text("the payment service\nis busy"),
    )


def record(path: Path, shop: Shop) -> Path:
    """Write the run's archive, with keyframes."""
    state = State()
    writer = ArchiveWriter(path, {"run": "20260921-141320-shop"})
    for number, entry in enumerate(entries(shop)):
        writer.add(entry)
        fold_entry(state, entry)
        if number % 400 == 399:
            writer.keyframe(state.packed(), state.position[LOG], state.position[REPORTS], entry.id.ms)
    writer.close(final=shop.is_closed)
    return path
