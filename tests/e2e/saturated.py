"""A client that is busy all the time against a server that takes 50 ms: prints what it saw of each latency, as JSON.

    python saturated.py fast|http|tls PORT

It reads nothing for a while after its requests were answered, again and again: what saturation is to a client.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after the patch
import sys  # noqa: E402 - as above
import time  # noqa: E402 - as above

import gevent  # noqa: E402 - as above

from tidal.generator.fasthttp import FastHttpSession  # noqa: E402 - as above
from tidal.generator.http import HttpSession  # noqa: E402 - as above
from tidal.generator.recorder import Recorder  # noqa: E402 - as above
from tidal.hooks import EventHook  # noqa: E402 - as above
from tidal.model.stats import Tally  # noqa: E402 - as above

USERS, TURNS, BUSY_S = 8, 5, 0.4


def main() -> None:
    """Send from all users, be busy until long after the answers came, read them."""
    kind, port = sys.argv[1], sys.argv[2]
    url = f"{'https' if kind == 'tls' else 'http'}://127.0.0.1:{port}"
    recorder = Recorder(lambda: time.time_ns() // 1000)
    hook = EventHook("request")
    clients = [HttpSession(url, hook) if kind == "http" else FastHttpSession(url, hook) for _ in range(USERS)]
    for client in clients:
        client.trust_env = False
        client.get("/")  # connected
    hook.sink = recorder.sample
    for _ in range(TURNS):
        asking = [gevent.spawn(client.get, "/") for client in clients]
        gevent.sleep(0)  # all are sent
        until_s = time.perf_counter() + BUSY_S
        while time.perf_counter() < until_s:
            pass
        gevent.joinall(asking)
    batch = recorder.take()
    tally = Tally()
    for block in batch.blocks:
        for part in block.tallies.values():
            tally.merge(part)
    naive = tally.percentiles_us(0.5, 0.99)
    known = batch.undelayed.percentiles_us(0.5, 0.99) if batch.undelayed else None
    print(json.dumps({"naive": naive, "undelayed": known, "answers": batch.delay.count if batch.delay else 0}))


if __name__ == "__main__":
    main()
