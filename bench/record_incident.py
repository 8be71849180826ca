"""Record the incident that ships with the package: `python bench/record_incident.py [OUT.tidal]`; some two minutes.

A real run on this machine: three workers under a small shop of its own, which this script makes ill.

    0:35  a worker is killed with SIGKILL
    0:50  an operator notes that checkout 2.4 is deployed; from 0:52 on it takes six times as long, and one in six fails
    1:18  it is rolled back, and noted
    1:30  the users are doubled
    1:40  the whole shop stands still for three seconds

Then it is exported without hosts. It is recorded again, five times at most, until nothing but this happened in it: a
busy machine adds spikes and gaps of its own. At last what it replays to and docs/postmortem.md are written anew.

Needed only when the format of the log changes. A new shape of the state wants no more than `tests/golden.py --refold`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tidal.address import URL
from tidal.cli.parser import parser_of
from tidal.embedded import start_server
from tidal.paths import HOME

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from golden import write_down, write_page
from postmortem import wrong_with

OUT = Path(__file__).resolve().parents[1] / "tidal" / "demo" / "incident.tidal"
USERS, RATE, RUN_TIME_S = 30, 10, 130
TRIES = 5
SHOP = '''"""Visitors of a shop whose checkout is deployed in the middle of the day."""

from tidal import HttpUser, between, task


class Visitor(HttpUser):
    """Looks around, and buys now and then."""

    wait_time = between(0.3, 1.2)

    @task(6)
    def look(self) -> None:
        """Open the front page, then a product."""
        self.client.get("/")
        self.client.get("/products/7", name="/products/N")

    @task(3)
    def buy(self) -> None:
        """Put it into the cart, and pay."""
        self.client.post("/cart", json={"product": 7})
        self.client.post("/checkout", json={"card": "4242"})
'''
USUAL_MS = {"/": 8, "/products/7": 14, "/cart": 18, "/checkout": 35}


class Shop(BaseHTTPRequestHandler):
    """Answers after a while; `ill` and `frozen` are its illnesses."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer in one packet
    ill = False
    frozen = threading.Event()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if Shop.frozen.is_set():
            time.sleep(3)
        is_checkout = self.path == "/checkout"
        usual_ms = USUAL_MS.get(self.path, 10) * (6 if Shop.ill and is_checkout else 1)
        time.sleep(usual_ms / 1000 * random.lognormvariate(0, 0.3))
        failed = is_checkout and Shop.ill and random.random() < 1 / 6
        body = b"the payment service does not answer" if failed else b"ok" * 200
        self.send_response(503 if failed else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - the names that the library calls

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def tidal(*words: object) -> list[str]:
    """A command line of ours."""
    return [sys.executable, "-m", "tidal", *map(str, words)]


def main() -> None:
    """Record until it is the incident, then write down what follows from it."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    draft = out.with_suffix(".draft")
    for attempt in range(1, TRIES + 1):
        record(draft)
        wrong = wrong_with(draft)
        print(f"attempt {attempt}: " + ("; ".join(wrong) or "this is it"), flush=True)
        if not wrong:
            break
    else:
        raise SystemExit(f"none of {TRIES} recordings will do; the last is {draft}")
    draft.replace(out)
    if out == OUT:
        write_down(out)
        write_page()


def record(out: Path) -> None:
    """One attempt."""
    Shop.ill = False
    shop = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME] = str(Path(folder, "home"))
        Path(folder, "shop.py").write_text(SHOP, encoding="utf8")
        _record(Path(folder), f"http://127.0.0.1:{shop.server_port}")
        out.unlink(missing_ok=True)
        export = parser_of("export")
        export.run(export.read(["latest", "-o", str(out), "--redact", "hosts"]))
    shop.shutdown()
    shop.server_close()


def _record(folder: Path, host: str) -> None:
    server = start_server()
    os.environ[URL] = server.url  # it holds the password: not for a command line
    workers = [subprocess.Popen(tidal("worker", "--processes", 1), stderr=subprocess.DEVNULL) for _ in range(3)]
    words = ("-f", "shop.py", "-H", host, "-u", USERS, "-r", RATE, "-t", RUN_TIME_S, "--expect-workers", 3)
    run = subprocess.Popen(tidal("run", *words), cwd=folder)
    try:
        _while_it_goes(run, workers)
        run.wait(60)
    finally:
        for process in (run, *workers):
            process.terminate()
            process.wait(20)
        server.stop()


def _while_it_goes(run: subprocess.Popen[bytes], workers: list[subprocess.Popen[bytes]]) -> None:
    began_s = time.monotonic() + 4  # workers come, files travel
    time.sleep(4)

    def at(second: float) -> None:
        time.sleep(max(0.0, began_s + second - time.monotonic()))

    def say(*words: object) -> None:
        subprocess.run(tidal(*words), check=True)

    at(35)
    workers[1].send_signal(signal.SIGKILL)
    at(50)
    say("runs", "note", "latest", "deploy of checkout 2.4 began")
    at(52)
    Shop.ill = True
    at(78)
    Shop.ill = False
    say("runs", "note", "latest", "checkout 2.4 rolled back")
    at(90)
    say("set", "latest", f"users={2 * USERS}", "rate=20")
    at(100)
    Shop.frozen.set()
    at(103)
    Shop.frozen.clear()
    assert run.poll() is None, "the run ended too early"  # noqa: S101 - a script


if __name__ == "__main__":
    main()
