"""All comparisons, each side in turn, on this machine: prints ratios with their spread, and writes them as a table.

    python bench/run.py [--rows fast-page,http] [--rounds 5] [--seconds 2] [--write docs/speed.md] [--list]

A row is run alone by its name or a part of it. CPU seconds are those of the process that makes the load (user and
system); a ratio is the peer's figure by tidal's, so that more is better, unless the row says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fleet
from compare import Row, by_turns, load
from reconnects import reconnects
from servers import Target, serving
from starts import compile_ours, first_answer
from tree import beside, shares

from tidal.model.state import own_rules

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def cpu_us(side: str, url: str, args: argparse.Namespace, *more: str) -> float:
    """CPU of one request, in µs."""
    done = load(side, url, ["--seconds", str(args.seconds), *more])
    return float(done["cpu_s"] / max(1, done["requests"]) * 1e6)


def per_request(what: str, goal: str, *more: str, tls: bool = False) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares the CPU of a request."""

    def measure(target: Target, args: argparse.Namespace) -> Row:
        url = target.tls_url if tls else target.url
        pairs = by_turns(
            args.rounds, lambda: cpu_us("tidal", url, args, *more), lambda: cpu_us("locust", url, args, *more)
        )
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        return Row(what, goal, [b / a for a, b in pairs], f"{ours:.0f} and {theirs:.0f} µs here")

    return measure


def fixed_rate(what: str, goal: str, rate: int, kind: str) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares the CPU used at a fixed rate, by request: tidal's by the peer's, less is better.

    By request, because a peer that does not reach the rate would seem to need less.
    """

    def share(side: str, target: Target, args: argparse.Namespace) -> tuple[float, float]:
        more = ["--kind", kind, "--rate", str(rate), "--users", "100", "--seconds", str(args.seconds * 2)]
        done = load(side, target.url, more)
        return float(done["cpu_s"] / max(1, done["requests"])), float(done["requests"] / done["wall_s"])

    def measure(target: Target, args: argparse.Namespace) -> Row:
        pairs = by_turns(args.rounds, lambda: share("tidal", target, args), lambda: share("locust", target, args))
        ours, theirs = (statistics.median(pair[side][1] for pair in pairs) for side in (0, 1))
        note = f"of a request; {ours:.0f} and {theirs:.0f} requests/s were reached; less is better"
        return Row(what, goal, [a[0] / b[0] for a, b in pairs], note)

    return measure


def connecting(what: str, goal: str, figure: str, users: int) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares the time, or the memory, of many users that connect and ask once; less is better."""

    def measure(target: Target, args: argparse.Namespace) -> Row:
        def one(side: str) -> float:
            return float(load(side, target.url, ["--connect", "--users", str(users)])[figure])

        pairs = by_turns(args.rounds, lambda: one("tidal"), lambda: one("locust"))
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        return Row(what, goal, [a / b for a, b in pairs], f"{ours:.1f} and {theirs:.1f} {figure} here; less is better")

    return measure


def recording(what: str, goal: str, *more: str) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares the CPU of recording a sample."""

    def one(side: str) -> float:
        argv = [sys.executable, str(ROOT / "bench" / "recording.py"), side, *more]
        return float(json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)["us"])

    def measure(_: Target, args: argparse.Namespace) -> Row:
        pairs = by_turns(args.rounds, lambda: one("tidal"), lambda: one("locust"))
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        return Row(what, goal, [b / a for a, b in pairs], f"{ours:.2f} and {theirs:.2f} µs here")

    return measure


def idling(what: str, goal: str, users: int) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares the memory of users that only wait; less is better."""

    def measure(target: Target, args: argparse.Namespace) -> Row:
        def one(side: str) -> float:
            return float(load(side, target.url, ["--idle", "--users", str(users)])["kb"])

        pairs = by_turns(args.rounds, lambda: one("tidal"), lambda: one("locust"))
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        return Row(what, goal, [a / b for a, b in pairs], f"{ours:.1f} and {theirs:.1f} KB here; less is better")

    return measure


def starting(what: str, goal: str, ours: list[str], theirs: list[str]) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares how long a command takes; less is better."""

    def one(argv: list[str]) -> float:
        began_s = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        return time.perf_counter() - began_s

    def measure(_: Target, args: argparse.Namespace) -> Row:
        pairs = by_turns(args.rounds, lambda: one(ours), lambda: one(theirs))
        return Row(what, goal, [a / b for a, b in pairs], "less is better")

    return measure


def answering(what: str, goal: str) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares how long a run takes from its command to its first request; less is better."""

    def measure(_: Target, args: argparse.Namespace) -> Row:
        compile_ours()
        pairs = by_turns(args.rounds, lambda: first_answer("tidal"), lambda: first_answer("locust"))
        ours, theirs, our_cpu, their_cpu = (
            statistics.median(pair[side][figure] for pair in pairs) for figure in (0, 1) for side in (0, 1)
        )
        note = f"{ours:.2f} and {theirs:.2f} s here, of CPU {our_cpu:.2f} and {their_cpu:.2f} s; less is better"
        return Row(what, goal, [a[0] / b[0] for a, b in pairs], note)

    return measure


def generators(what: str, goal: str) -> Callable[[Target, argparse.Namespace], Row]:
    """A row that compares what a run does with two generators and with one; more is better."""

    def done_by(side: str, processes: str) -> dict[str, float]:
        argv = [sys.executable, str(ROOT / "bench" / "processes.py"), side, processes]
        return dict(json.loads(subprocess.run(argv, check=True, capture_output=True).stdout))

    def measure(_: Target, args: argparse.Namespace) -> Row:
        sides = [(side, number) for side in ("tidal", "plain") for number in ("2", "1")]
        rounds = [[done_by(*side) for side in sides] for _ in range(args.rounds)]
        by_clock = [two["a_second"] / one["a_second"] for two, one, *_ in rounds]
        by_cpu = [2 * two["a_core"] / one["a_core"] for two, one, *_ in rounds]
        bare = [two["a_second"] / one["a_second"] for *_, two, one in rounds]
        told = [f"{statistics.median(some):.2f}x ({min(some):.2f} to {max(some):.2f})" for some in (by_cpu, bare)]
        return Row(
            what, goal, by_clock, f"by CPU, if nobody else used the two cores: {told[0]}; bare processes: {told[1]}"
        )

    return measure


def ceiling(_: str) -> Callable[[Target, argparse.Namespace], Row]:
    """Wrk's CPU for a request by that of FastHttpUser: how far the physical ceiling is; less is better."""

    def wrk(target: Target, args: argparse.Namespace) -> float:
        argv = ["wrk", "-t1", "-c50", f"-d{max(1, round(args.seconds))}s", f"{target.url}/page"]
        before = os.times()
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        after = os.times()
        requests = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return used / requests * 1e6

    def measure(target: Target, args: argparse.Namespace) -> Row:
        pairs = by_turns(args.rounds, lambda: cpu_us("tidal", target.url, args), lambda: wrk(target, args))
        return Row("FastHttpUser by wrk, 50 users, 13 bytes", "", [a / b for a, b in pairs], "less is better")

    return measure


def handshakes(what: str, goal: str) -> Callable[[Target, argparse.Namespace], Row]:
    """Locust's CPU by that of a bare loop over OpenSSL: what no client in Python can exceed."""

    def measure(target: Target, args: argparse.Namespace) -> Row:
        more = ("--path", "/close")
        pairs = by_turns(
            args.rounds,
            lambda: cpu_us("bare", target.tls_url, args, *more),
            lambda: cpu_us("locust", target.tls_url, args, *more),
        )
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        return Row(what, goal, [b / a for a, b in pairs], f"{ours:.0f} and {theirs:.0f} µs here")

    return measure


def terminal(what: str, goal: str, endpoints: int, workers: int) -> Callable[[Target, argparse.Namespace], Row]:
    """What the screen takes of one core, in percent, at 200x50."""
    argv = [sys.executable, str(ROOT / "bench" / "terminal.py"), str(endpoints), str(workers)]

    def one(args: argparse.Namespace) -> tuple[float, float]:
        seconds = str(max(5, round(args.seconds * 4)))
        done = subprocess.run([*argv, seconds], check=True, capture_output=True, text=True)
        share, key_ms = re.search(
            r"^200x50: ([\d.]+) %.* a key waited .*at most (\d+) ms", done.stdout, re.MULTILINE
        ).groups()  # type: ignore[union-attr]
        return float(share), float(key_ms)

    def measure(_: Target, args: argparse.Namespace) -> Row:
        shares, keys_ms = zip(*(one(args) for _ in range(args.rounds)), strict=True)
        return Row(what, goal, list(shares), f"a key waited at most {max(keys_ms):.0f} ms", " %")

    return measure


def leading(what: str, goal: str, workers: int, figure: str, unit: str) -> Callable[[Target, argparse.Namespace], Row]:
    """What a master of so many simulated workers costs; the rows of a fleet share one measurement, of a minute."""

    def measure(_: Target, __: argparse.Namespace) -> Row:
        cost = fleet.measure(workers)
        return Row(f"{what}, {workers:,} workers, 20 endpoints", goal, getattr(cost, figure), cost.note, unit)

    return measure


def replaying(what: str, goal: str, figure: str) -> Callable[[Target, argparse.Namespace], Row]:
    """What an hour of 100 workers takes to open, or to seek in, in ms; it is recorded once for a shape of the state."""
    path = Path(tempfile.gettempdir()) / f"tidal-hour-{own_rules()}.tidal"
    argv = [sys.executable, str(ROOT / "bench" / "replay_hour.py"), "--json", "--keep", str(path)]

    def one() -> tuple[float, float]:
        done = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
        if figure == "open":
            return done["open_ms"], done["open_ms"]
        jumps = [elapsed for elapsed, _ in done["seek_ms"][figure]]
        return statistics.median(jumps), max(jumps)

    def measure(_: Target, args: argparse.Namespace) -> Row:
        medians, worst = zip(*(one() for _ in range(args.rounds)), strict=True)
        return Row(what, goal, list(medians), f"the worst took {max(worst):.0f} ms", " ms")

    return measure


def reconnecting(what: str, goal: str, users: int, *sides: str) -> Callable[[Target, argparse.Namespace], Row]:
    """The share of requests that opened a connection though their user had one; the first side's, the others' noted."""

    def measure(_: Target, args: argparse.Namespace) -> Row:
        rounds = [[reconnects(side, "fast", users, args.seconds * 2) for side in sides] for _ in range(args.rounds)]
        found = dict(zip(sides, map(list, zip(*rounds, strict=True)), strict=True))
        ours, *others = found.items()  # the sides in turn
        note = ", ".join(f"{side}: {statistics.median(shares):.0f} %" for side, shares in others)
        return Row(f"{what} at {users:,} users", goal, ours[1], note, " %")

    return measure


def beside_generators(what: str, goal: str, *, is_shown: bool) -> Callable[[Target, argparse.Namespace], Row]:
    """What a local run at 2,000 requests/s takes of a core, all processes but the generator and the target."""

    def measure(target: Target, args: argparse.Namespace) -> Row:
        told = [shares(target.url, 20, 2_000, is_shown=is_shown) for _ in range(max(1, args.rounds - 1))]
        parts = ", ".join(f"{part} {share:.1f}" for part, share in sorted(told[-1].items(), key=lambda i: -i[1]))
        return Row(what, goal, [beside(one) for one in told], parts, " %")

    return measure


def bin_of(name: str) -> str:
    """A program beside this Python."""
    return str(Path(sys.executable).parent / name)


FAST, HTTP = ("--kind", "fast"), ("--kind", "http")
ROWS: dict[str, Callable[[Target, argparse.Namespace], Row]] = {
    "fast-page-50": per_request("`FastHttpUser`, 50 users, 13 bytes", "≥ 4", *FAST),
    "fast-page-200": per_request("`FastHttpUser`, 200 users, 13 bytes", "≥ 4", *FAST, "--users", "200"),
    "fast-big-50": per_request("`FastHttpUser`, 50 users, 10 KB", "≥ 4", *FAST, "--path", "/big"),
    "fast-big-200": per_request("`FastHttpUser`, 200 users, 10 KB", "≥ 4", *FAST, "--users", "200", "--path", "/big"),
    "fast-cookies": per_request("`FastHttpUser`, a cookie in each answer", "", *FAST, "--path", "/cookies"),
    "fast-post": per_request("`FastHttpUser`, POST with JSON", "", *FAST, "--task", "post"),
    "fast-params": per_request("`FastHttpUser`, another URL each time", "", *FAST, "--task", "params"),
    "fast-listened": per_request("`FastHttpUser`, the file listens to `request`", "", *FAST, "--task", "listened"),
    "fast-tls": per_request("`FastHttpUser`, HTTPS, kept alive", "≥ 2", *FAST, tls=True),
    "fast-tls-close": per_request(
        "`FastHttpUser`, HTTPS, a connection each", "≥ 2", *FAST, "--path", "/close", tls=True
    ),
    "bare-tls-close": handshakes("the same by a bare loop over OpenSSL: the most there is", ""),
    "fast-close": per_request("`FastHttpUser`, a connection each", "≥ 2", *FAST, "--path", "/close"),
    "http-page-50": per_request("`HttpUser`, 50 users, 13 bytes", "≥ 6", *HTTP),
    "http-page-200": per_request("`HttpUser`, 200 users, 13 bytes", "≥ 6", *HTTP, "--users", "200"),
    "http-big-50": per_request("`HttpUser`, 50 users, 10 KB", "≥ 6", *HTTP, "--path", "/big"),
    "http-big-200": per_request("`HttpUser`, 200 users, 10 KB", "≥ 6", *HTTP, "--users", "200", "--path", "/big"),
    "http-cookies": per_request("`HttpUser`, a cookie in each answer", "", *HTTP, "--path", "/cookies"),
    "http-post": per_request("`HttpUser`, POST with JSON", "", *HTTP, "--task", "post"),
    "http-params": per_request("`HttpUser`, another URL each time", "", *HTTP, "--task", "params"),
    "http-listened": per_request("`HttpUser`, the file listens to `request`", "", *HTTP, "--task", "listened"),
    "http-tls": per_request("`HttpUser`, HTTPS, kept alive", "≥ 2", *HTTP, tls=True),
    "http-tls-close": per_request("`HttpUser`, HTTPS, a connection each", "≥ 2", *HTTP, "--path", "/close", tls=True),
    "http-close": per_request("`HttpUser`, a connection each", "≥ 2", *HTTP, "--path", "/close"),
    "rate-fast-500": fixed_rate("`FastHttpUser` at 500 requests/s, CPU", "≤ 0.6", 500, "fast"),
    "rate-fast-2000": fixed_rate("`FastHttpUser` at 2,000 requests/s, CPU", "≤ 0.4", 2_000, "fast"),
    "rate-http-500": fixed_rate("`HttpUser` at 500 requests/s, CPU", "≤ 0.6", 500, "http"),
    "rate-http-2000": fixed_rate(
        "`HttpUser` at 2,000 requests/s, CPU of a request (Locust does not get there)", "≤ 0.4", 2_000, "http"
    ),
    "loop": per_request(
        "a task that does nothing, `constant(1)`, 2,000 users",
        "≥ 1",
        "--task",
        "pass",
        "--wait",
        "1",
        "--users",
        "2000",
    ),
    "loop-busy": per_request("the same without a wait, 50 users", "≥ 1", "--task", "pass"),
    "processes": generators("`--processes 2` by 1, tasks that compute for 1 ms", "≥ 1.8"),
    "connect-time": connecting("10,000 `FastHttpUser`s: spawned, connected, one GET, time", "≤ 0.5", "s", 10_000),
    "connect-memory": connecting("memory of a `FastHttpUser` with its connection", "≤ 0.7", "kb", 3_000),
    "record": recording("recording a sample", "≥ 4.4"),
    "record-hook": recording("recording a sample, the file listens to `request`", "≥ 0.94", "--hook"),
    "idle-memory": idling("memory of an idle `FastHttpUser`", "≤ 0.9", 3_000),
    "help": starting("`--help`, time", "≤ 0.3", [bin_of("tidal"), "--help"], [bin_of("locust"), "--help"]),
    "first-answer": answering("headless, from the command to the first request, time", "≤ 1"),
    "replay-open": replaying("an hour of 100 workers, opened, with the first picture", "≤ 1000 ms", "open"),
    "replay-seek": replaying("a seek forward in it, to the picture", "≤ 200 ms", "forward"),
    "replay-back": replaying("a seek back in it", "≤ 200 ms", "back"),
    "terminal": terminal("the screen, 200 endpoints and 100 workers, of a core", "≤ 15 %", 200, 100),
    "reconnects-3000": reconnecting("`FastHttpUser`, reconnects", "0", 3_000, "tidal", "locust"),
    "reconnects-10000": reconnecting("`FastHttpUser`, reconnects", "0", 10_000, "tidal"),
    "tree": beside_generators("a local run beside its generators, of a core", "≤ 10 %", is_shown=False),
    "tree-terminal": beside_generators("the same with the terminal at 200x50", "≤ 10 %", is_shown=True),
    "fleet-1000": leading("a master's CPU, of a core", "≤ 20 %", 1_000, "cpu", " %"),
    "fleet-1000-p99": leading("from a report's append to its fold, p99", "≤ 100 ms", 1_000, "p99_ms", " ms"),
    "fleet-1000-memory": leading("the log of an hour in Redis, untrimmed", "≤ 5 GB", 1_000, "gb_hour", " GB"),
    "fleet-5000": leading("a master's CPU, of a core", "< 50 %", 5_000, "cpu", " %"),
    "fleet-5000-p99": leading("from a report's append to its fold, p99", "", 5_000, "p99_ms", " ms"),
} | ({"ceiling": ceiling("wrk")} if shutil.which("wrk") else {})


def machine(target: Target) -> str:
    """What it is measured on."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; the"
        f" target: {target.name} on the same machine; medians of interleaved rounds."
    )


def write(path: Path, rows: list[Row], target: Target) -> None:
    """Put the rows where the page has its table; those that were not measured now stay as they are."""
    page = path.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    known, _, after = rest.partition(END)
    lines = {line.split("|")[1].strip(): line for line in known.splitlines() if line.startswith("|")}
    lines |= {row.what: row.markdown() for row in rows}
    head = ["", machine(target), "", "| what | goal | ratio | spread |", "|---|---|---|---|"]
    told = [line for what, line in lines.items() if what not in ("what", "---")]
    path.write_text(f"{before}{BEGIN}" + "\n".join([*head, *told, END]) + after, "utf-8")


def main() -> None:
    """Measure the rows that were asked for."""
    parser = argparse.ArgumentParser(description="Compare tidal with Locust on this machine.")
    parser.add_argument("--rows", default="", help="parts of names, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--write", type=Path, help="the page whose table is to be written anew")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    args: Any = parser.parse_args()
    wanted = [part for part in args.rows.split(",") if part]
    names = [name for name in ROWS if not wanted or any(part in name for part in wanted)]
    if args.list:
        print("\n".join(names))
        return
    rows = []
    with serving() as target:
        for name in names:
            try:
                rows.append(ROWS[name](target, args))
            except SystemExit as error:  # too much for this machine, or something is not installed: others may go
                print(f"{name:16} not measured here: {error}", flush=True)
                continue
            print(f"{name:16} {rows[-1]}", flush=True)
        if args.write:
            write(args.write, rows, target)


if __name__ == "__main__":
    main()
