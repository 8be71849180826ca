"""What a request costs: FastHttpUser's client of tidal beside the real Locust's, each in a process of its own.

    python bench/fast_http.py [--users 50] [--seconds 4] [--rounds 3] [--tls] [--kind plain|json|cookies|post]

The sides take turns against one cheap server; a closed loop of users, one core. Said are the requests for each second
of CPU and the median of the rounds' ratios. Absolute numbers drift with the machine: only the ratio is worth quoting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ANSWERS = {
    "plain": b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!",
    "cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: session=0123456789abcdef; Path=/; HttpOnly\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!",
}


class Server(asyncio.Protocol):
    """One answer for whatever ends like a head; a body must come in the same packet."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Remember where to write to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        if b"\r\n\r\n" in data:
            self._transport.write(self._answer)


async def serve(kind: str, *, is_tls: bool) -> None:
    """Serve until killed; the first line on stdout is the port."""
    context = None
    if is_tls:
        with tempfile.TemporaryDirectory() as folder:
            context = certified(Path(folder))
    loop = asyncio.get_running_loop()
    answer = ANSWERS.get(kind, ANSWERS["plain"])
    server = await loop.create_server(lambda: Server(answer), "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def certified(folder: Path) -> ssl.SSLContext:
    """A server's TLS context with a certificate of its own."""
    key, cert = str(folder / "key"), str(folder / "cert")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert]
    subprocess.run([*argv, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def load(side: str, url: str, kind: str, users: int, seconds: float) -> None:
    """Be a closed loop of users for a while; prints requests, failures and CPU seconds."""
    if side == "tidal":
        from gevent import monkey  # noqa: PLC0415 - before anything else, and only here

        monkey.patch_all()
        from tidal import FastHttpUser, constant, task  # noqa: PLC0415 - the peer is in another process
        from tidal.generator.environment import Environment  # noqa: PLC0415 - as above
        from tidal.hooks import Events  # noqa: PLC0415 - as above
    else:
        from locust import FastHttpUser, constant, task  # noqa: PLC0415 - as above
        from locust.env import Environment  # noqa: PLC0415 - as above
        from locust.event import Events  # noqa: PLC0415 - as above
    import gevent  # noqa: PLC0415 - the peer wants to patch first

    class Visitor(FastHttpUser):
        """Asks for one page, again and again."""

        host = url
        wait_time = constant(0)

        @task
        def page(self) -> None:
            """One request."""
            if kind == "json":
                self.client.get("/page", headers={"X-Request": "1"}).json  # noqa: B018 - not called: the text is none
            elif kind == "post":
                self.client.post("/page", json={"name": "value", "list": [1, 2, 3]})
            else:
                self.client.get("/page")

    environment = Environment(user_classes=[Visitor], events=Events())
    counts = count(side, environment)
    group = gevent.pool.Group()
    for _ in range(users):
        Visitor(environment).start(group)
    gevent.sleep(0.7)  # connected, warm
    before, cpu_s = list(counts()), time.process_time()
    gevent.sleep(seconds)
    after, cpu_s = list(counts()), time.process_time() - cpu_s
    print(json.dumps([after[0] - before[0], after[1] - before[1], cpu_s]), flush=True)


def count(side: str, environment: Any) -> Any:
    """What gives the requests and failures so far, counted as each side counts in a run."""
    if side == "locust":
        runner = environment.create_local_runner()
        total = runner.stats.total
        return lambda: (total.num_requests, total.num_failures)
    from tidal.generator.recorder import Recorder  # noqa: PLC0415 - the peer is in another process

    recorder = Recorder(lambda: time.time_ns() // 1000)
    environment.events.request.sink = recorder.sample

    sums = [0, 0]

    def totals() -> list[int]:
        for block in recorder.take().blocks:
            sums[0] += sum(tally.requests for tally in block.tallies.values())
            sums[1] += sum(tally.failures for tally in block.tallies.values())
        return sums

    return totals


def measured(side: str, url: str, args: argparse.Namespace) -> float:
    """Requests for each second of CPU of one side, in a process of its own."""
    argv = [sys.executable, __file__, "--side", side, "--url", url, "--kind", args.kind]
    argv += ["--users", str(args.users), "--seconds", str(args.seconds)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    requests, failures, cpu_s = json.loads(done.stdout.splitlines()[-1])
    if failures:
        raise SystemExit(f"{side}: {failures} of {requests} requests failed\n{done.stderr}")
    return float(requests / cpu_s)


def ratio(url: str, args: argparse.Namespace) -> float:
    """How many times the peer's requests for a CPU second tidal makes, in one round."""
    theirs, ours = measured("locust", url, args), measured("tidal", url, args)
    print(f"locust {theirs:9,.0f}   tidal {ours:9,.0f}   requests/CPU-second   x {ours / theirs:.2f}", flush=True)
    return ours / theirs


def compare(args: argparse.Namespace) -> None:
    """Measure both sides in turn and print the ratio."""
    argv = [sys.executable, __file__, "--serve", "--kind", args.kind, *(["--tls"] if args.tls else [])]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        url = f"{'https' if args.tls else 'http'}://127.0.0.1:{int(server.stdout.readline())}"
        ratios = []
        for _ in range(args.rounds):
            theirs, ours = measured("locust", url, args), measured("tidal", url, args)
            ratios.append(ours / theirs)
            print(f"locust {theirs:9,.0f}   tidal {ours:9,.0f}   requests/CPU-second   x {ratios[-1]:.2f}", flush=True)
        server.terminate()
    print(f"{args.kind}{' over TLS' if args.tls else ''}, {args.users} users: x {statistics.median(ratios):.2f}")


def main() -> None:
    """Read the arguments and do what they say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--kind", choices=["plain", "json", "cookies", "post"], default="plain")
    for hidden in ("--side", "--url"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(args.kind, is_tls=args.tls))
    elif args.side:
        load(args.side, args.url, args.kind, args.users, args.seconds)
    else:
        compare(args)


if __name__ == "__main__":
    main()
