"""Users of one side for a while, in this process; prints what they did and what it cost as JSON.

    python bench/load.py tidal|locust|bare --kind fast|http --url URL [--users 50] [--seconds 3] [--rate RPS] …

A closed loop as fast as it goes, or a fixed rate by `constant_throughput`. The user classes are each side's own, told
of by each side's own recorder, as in a run without reports. The bare side is no load tester: a loop that
connects, shakes hands, asks and closes, as Python's ssl does it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from importlib import import_module
from typing import Any

DONE = [0]
"""How often the task that does nothing was done."""


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["tidal", "locust", "bare"])
    parser.add_argument("--kind", choices=["fast", "http"], default="fast")
    parser.add_argument("--url", required=True)
    parser.add_argument("--path", default="/page")
    parser.add_argument("--task", choices=["get", "json", "post", "listened", "params", "pass"], default="get")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--wait", type=float, default=0.0, help="between two tasks, where there is no rate")
    parser.add_argument("--connect", action="store_true", help="time spawning all users and one GET each")
    parser.add_argument("--idle", action="store_true", help="the memory of users that do nothing and wait")
    parser.add_argument("--profile", default="")
    return parser.parse_args()


def tasks(side: str, args: argparse.Namespace, name: str) -> Any:
    """The class of users."""
    package: Any = import_module("tidal" if side == "tidal" else "locust")  # the peer is in another process
    base: Any = package.FastHttpUser if args.kind == "fast" else package.HttpUser
    path = args.path

    def get(user: Any) -> None:
        user.client.get(path)

    def read_json(user: Any) -> None:
        user.client.get(path, headers={"X-Request": "1"}).text  # noqa: B018 - its making is what costs

    def post(user: Any) -> None:
        user.client.post(path, json={"name": "value", "list": [1, 2, 3]})

    def params(user: Any) -> None:
        user.number_of_calls = getattr(user, "number_of_calls", 0) + 1
        user.client.get(f"{path}?id={id(user)}-{user.number_of_calls}", name=path)

    def nothing(_: Any) -> None:
        DONE[0] += 1

    task = {"pass": nothing, "get": get, "json": read_json, "post": post, "listened": get, "params": params}[args.task]
    wait = package.constant_throughput(args.rate / args.users) if args.rate else package.constant(args.wait)
    body = {"host": args.url, "wait_time": wait, "tasks": [task], "abstract": False}
    if args.kind == "http" and args.url.startswith("https"):
        body["on_start"] = lambda user: setattr(user.client, "verify", False)
    return type(name, (base,), body)


def environment(side: str, cls: Any, *, is_listened: bool) -> tuple[Any, Any]:
    """Each side's environment, and what gives its requests and failures so far."""
    env, hooks = ("tidal.generator.environment", "tidal.hooks") if side != "locust" else ("locust.env", "locust.event")
    made: Any = import_module(env).Environment(user_classes=[cls], events=import_module(hooks).Events())
    if is_listened:
        made.events.request.add_listener(lambda **_: None)
    if side == "locust":
        total = made.create_local_runner().stats.total
        return made, lambda: (total.num_requests, total.num_failures)
    from tidal.generator.recorder import Recorder  # noqa: PLC0415 - the peer is in another process

    recorder = Recorder(lambda: time.time_ns() // 1000)
    made.events.request.sink = recorder.sample
    sums = [0, 0]

    def totals() -> tuple[int, int]:
        for block in recorder.take().blocks:
            sums[0] += sum(tally.requests for tally in block.tallies.values())
            sums[1] += sum(tally.failures for tally in block.tallies.values())
        return sums[0], sums[1]

    import gevent  # noqa: PLC0415 - the peer wants to patch first

    gevent.spawn(taking, totals)
    return made, totals


def taking(totals: Any) -> None:
    """Take a batch four times a second, as a generator does."""
    import gevent  # noqa: PLC0415 - the peer wants to patch first

    while True:
        gevent.sleep(0.25)
        totals()


def idle_kb(side: str, cls: Any, users: int) -> float:
    """What a user takes that has done its first task, which is nothing, and waits for the next."""
    import gevent  # noqa: PLC0415 - the peer wants to patch first
    from gevent.pool import Group  # noqa: PLC0415 - as above

    begun: list[Any] = []
    cls.tasks, cls.wait_time = [begun.append], lambda _: 3_600.0
    made, _ = environment(side, cls, is_listened=False)
    group, before_kb = Group(), 0
    for number in range(users + 100):
        if number == 100:  # what the first ones bring along is not theirs
            gevent.sleep(0.1)
            before_kb = memory_kb()
        cls(made).start(group)
    while len(begun) < users + 100:
        gevent.sleep(0.01)
    return (memory_kb() - before_kb) / users


def memory_kb() -> int:
    """What this process holds now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - it is no file
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def bare(url: str, path: str, seconds: float) -> dict[str, float]:
    """A connection each over TLS by blocking sockets, one after the other."""
    import socket  # noqa: PLC0415 - the others patch it first
    import ssl  # noqa: PLC0415 - as above

    host, port = url.removeprefix("https://").split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as both FastHttpUsers
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    done, cpu_s, began_s = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as sock:
            sock.sendall(request)
            sock.recv(16_384)
        done += 1
    return {"requests": done, "cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - began_s}


def main(args: argparse.Namespace) -> None:
    """Do what the arguments say."""
    if args.side == "tidal":
        from gevent import monkey  # noqa: PLC0415 - before anything else, and only here

        monkey.patch_all()
        from tidal.generator.collector import tune_collector  # noqa: PLC0415 - as each generator does

        tune_collector()
    if args.kind == "http" and args.url.startswith("https"):
        import warnings  # noqa: PLC0415 - it says so for every request

        warnings.simplefilter("ignore")
    cls = tasks(args.side, args, "Visitor")
    import gevent  # noqa: PLC0415 - the peer wants to patch first
    from gevent.pool import Group  # noqa: PLC0415 - as above

    if args.idle:
        print(json.dumps({"kb": idle_kb(args.side, cls, args.users)}), flush=True)
        return
    made, totals = environment(args.side, cls, is_listened=args.task == "listened")
    totals = totals if args.task != "pass" else lambda: (DONE[0], 0)
    group = Group()
    began_s, before_kb = time.perf_counter(), memory_kb()
    for _ in range(args.users):
        cls(made).start(group)
    if args.connect:
        while totals()[0] < args.users:
            gevent.sleep(0.01)
        print(
            json.dumps({"s": time.perf_counter() - began_s, "kb": (memory_kb() - before_kb) / args.users}), flush=True
        )
        sys.stdout.flush()
        return
    while totals()[0] < args.users * (1 if args.rate or args.wait else 3):  # connected, warm
        gevent.sleep(0.05)
    if args.profile:
        import cProfile  # noqa: PLC0415 - seldom

        profile = cProfile.Profile()
        profile.enable()
    before, cpu_s, wall_s = totals(), time.process_time(), time.perf_counter()
    gevent.sleep(args.seconds)
    after, cpu_s, wall_s = totals(), time.process_time() - cpu_s, time.perf_counter() - wall_s
    if args.profile:
        profile.disable()
        profile.dump_stats(args.profile)
    done = {"requests": after[0] - before[0], "failures": after[1] - before[1], "cpu_s": cpu_s, "wall_s": wall_s}
    print(json.dumps(done), flush=True)


if __name__ == "__main__":
    asked = arguments()
    if asked.side == "bare":
        print(json.dumps(bare(asked.url, asked.path, asked.seconds)), flush=True)
    else:
        main(asked)
    import os

    os._exit(0)  # the users would go on
