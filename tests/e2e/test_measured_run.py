"""What users measure, counted against what the file itself did: two workers, four processes, both clients."""

from __future__ import annotations

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from measured_sums import metric_of, tagged_of, transaction_of
from stage import end_of, folded

from tidal.model.events import RunOptions
from tidal.model.frame import frame
from tidal.model.metrics import PARTS, parts_of
from tidal.outputs.json import frame_json
from tidal.outputs.text import summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SECRETS = ("hunter2", "tok-4f9a1c7d", "cookie-88e1", "DE02120300000000202051", "member-77")

BUYERS = '''
import json
import os
import random
import time

import gevent
import tidal
from tidal import FastHttpUser, HttpUser, User, constant_throughput, task, transaction

tidal.redact("membership", r"/[A-Z]{{2}}\\d{{20}}/")
JOURNAL = os.open({journal!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
SENT = {{"password": "hunter2", "iban of": "DE02120300000000202051", "membership": "member-77", "page": 2}}


def note(**what):
    """Before anything else can run: nobody is stopped between a measurement and its note."""
    os.write(JOURNAL, json.dumps(what).encode() + b"\\n")


class Shopping(User):
    abstract = True
    wait_time = constant_throughput(6)

    @task
    def buy(self):
        region = random.choice(["eu", "us"])
        price, is_hit = round(random.uniform(-5, 50), 2), random.random() < 0.5
        with self.tags(region=region):
            with self.transaction("buy"):
                children = [gevent.spawn(self.look, n) for n in range(2)]
                gevent.joinall(children)
                with self.transaction("pay"):
                    time.sleep(0.02)
            note(buy=region)
            self.metrics.trend("price", unit="EUR").add(price)
            note(price=price)
            self.metrics.counter("spent").add(abs(price), tier="pro")
            note(spent=abs(price))
        self.metrics.rate("hit").add(is_hit)
        note(hit=is_hit)
        self.check("is cheap", price < 20)
        note(cheap=price < 20)
        self.metrics.gauge("number").set(self.number)

    def look(self, n):
        self.client.get(f"/look/{{n}}", name="/look")

    @task
    @transaction("refused")
    def refused(self):
        headers = {{"Authorization": "Bearer tok-4f9a1c7d"}}
        self.client.post("/refused?token=tok-4f9a1c7d&page=2", json=SENT, headers=headers, name="/refused")
        note(refused=1)

    @task
    def raises(self):
        try:
            with self.transaction("raises"):
                raise RuntimeError("no")
        finally:
            note(raises=1)


class Buyer(Shopping, HttpUser):
    pass


class FastBuyer(Shopping, FastHttpUser):
    pass
'''


class Customer(BaseHTTPRequestHandler):
    """A shop that refuses, and says secrets while it does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """All is well."""
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        """Nothing is sold."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(422, json.dumps({"why": "the card is old", "access_token": "tok-4f9a1c7d"}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "session=cookie-88e1; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def shop() -> Iterator[str]:
    """Where it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Customer)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def notes(journal: Path) -> list[dict[str, Any]]:
    """What the file says that it did."""
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_everything_is_counted_exactly(stage: Stage, shop: str) -> None:
    """Over processes and clients, to the billionth; secrets stay where they are."""
    journal, file = stage.folder / "journal", stage.folder / "locustfile.py"
    file.write_text(BUYERS.format(journal=str(journal)), encoding="utf-8")
    for _ in range(2):
        stage.start_worker()
    options = RunOptions(users=8, spawn_rate=50, run_time_ms=6_000, host=shop, expect_workers=2)
    master, answer = stage.start_master(file, options)
    assert master.wait(90) == 0, stage.log_of(master)
    feed = stage.watch(answer["run"])
    live = end_of(feed)
    state = folded(answer["run"])
    shown = frame(state, live.at_ms)
    assert frame_json(shown) == frame_json(live)
    did, measured = notes(journal), state.reports.measured

    prices = [parts_of(row["price"]) for row in did if "price" in row]
    price = metric_of(measured, "trend", "price")
    assert len(prices) > 20
    assert (price.count, price.total) == (len(prices), sum(prices))
    assert (price.low, price.high) == (min(prices), max(prices))
    spent = metric_of(measured, "counter", "spent")
    assert spent.total == sum(parts_of(row["spent"]) for row in did if "spent" in row)
    assert all(tags.endswith("tier=pro") for kind, _, _, tags in measured.metrics if kind == "counter")
    for kind, name, note in (("rate", "hit", "hit"), ("check", "is cheap", "cheap")):
        told = Counter(row[note] for row in did if note in row)
        found = metric_of(measured, kind, name)
        assert (found.total, found.count) == (told[True], told.total())
    assert 0 <= metric_of(measured, "gauge", "number").last <= 3 * PARTS

    regions = Counter(row["buy"] for row in did if "buy" in row)
    for region, count in regions.items():
        buy = transaction_of(measured, ("buy",), f"region={region}")
        assert (buy.whole.requests, buy.whole.failures, buy.requests) == (count, 0, 2 * count)
        assert tagged_of(measured, f"region={region}", ("GET", "/look")).requests >= 2 * count
    pay = transaction_of(measured, ("buy", "pay"))
    assert pay.whole.requests >= regions.total()
    assert pay.whole.total_us - pay.busy.total_us >= pay.whole.requests * 15_000
    refused = transaction_of(measured, ("refused",))
    assert (refused.whole.requests, refused.whole.failures, refused.failed_requests) == (
        (sum("refused" in row for row in did),) * 3
    )
    raises = transaction_of(measured, ("raises",)).whole
    assert raises.requests == raises.failures == sum("raises" in row for row in did)

    assert {row.user for row in shown.samples} == {"Buyer", "FastBuyer"}
    for row in shown.samples:
        assert (row.name, row.status, row.transaction) == ("/refused", 422, ("refused",))
        assert row.url.endswith("/refused?token=[redacted]&page=2")
        assert '"page": 2' in row.request_body or '"page":2' in row.request_body
        assert "the card is old" in row.response_body
        assert "[redacted]" in dict(row.response_headers)["Set-Cookie"]
    told = frame_json(shown) + summary(shown)
    assert not [secret for secret in SECRETS if secret in told]
