"""The two sides of a comparison: the real Locust and tidal, each in processes of its own, and what came of each."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1]))
from ports import own_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headers import Case

HERE = Path(__file__).parent
LIMIT_S = 80
OUT = "out"
"""The prefix of the CSV files."""
INSTALLED = """
import os, runpy, sys, tidal.compat
tidal.compat.install()
sys.argv.pop(0)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], None, "__main__")
"""
"""A script that uses Locust as a library, with tidal's in its place."""


@dataclass
class Outcome:
    """What one side did."""

    exit: int
    stdout: str
    stderr: str
    seconds: float = 0.0
    requests: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    csv: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)

    @property
    def heads(self) -> set[str]:
        """The heads of the tables that were printed."""
        begins = ("Type  ", "# occurrences", "Response time percentiles", "Error report")
        return {line.rstrip() for line in self.stdout.splitlines() if line.startswith(begins)}


class Target:
    """The bundled target: it counts, and begins anew for each run. Each side has one, so that both can run at once."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    def reset(self) -> None:
        """Begin to count anew."""
        self._ask("/__reset")

    def served(self) -> Counter[str]:
        """How many requests came in, by endpoint and by status."""
        told = self._ask("/__counts")
        statuses = {f"status {status}": n for status, n in told["by_status"].items()}
        return Counter({**told["by_endpoint"], **statuses})

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:  # noqa: S310 - our own
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def target() -> Iterator[Target]:
    """A target on a free port."""
    argv = [sys.executable, "-m", "tidal.target", "--port", "0", "--seed", "1"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Target(f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.kill()


def run_peer(case: Case, at: Target, folder: Path) -> Outcome:
    """The real Locust."""
    tally = folder / "tally.json"
    argv = [sys.executable, str(case.path)]
    if case.mode != "script":
        beside = ("", ",peer_tally.py")[case.mode == "run"]
        shutil.copy(HERE / "peer_tally.py", folder)  # for its pytest, this repository's settings would be the file's
        argv = [sys.executable, "-m", "locust", "-f", f"{_file(case)}{beside}", *_flags(case, case.peer, at)]
    port = str(own_port())
    more = {"COMPAT_TALLY": str(tally), "LOCUST_MASTER_BIND_PORT": port, "LOCUST_MASTER_NODE_PORT": port}
    outcome = _run(case, argv, more, at, folder)
    if tally.exists():
        told = json.loads(_text(tally, at))
        outcome.requests = {(method, name): (n, failed) for method, name, n, failed in told["requests"]}
        outcome.failures = Counter({(method, name, error): n for method, name, error, n in told["failures"]})
        for message, n in told["exceptions"]:
            outcome.exceptions[message] += n
    return outcome


def run_ours(case: Case, at: Target, folder: Path, home: Path) -> Outcome:
    """Tidal: what it counted is what its CSV files say."""
    argv = [sys.executable, "-c", INSTALLED, str(case.path)]
    if case.mode != "script":
        argv = [sys.executable, "-m", "tidal", "locust", "-f", _file(case), *_flags(case, case.ours, at)]
    outcome = _run(case, argv, {"TIDAL_HOME": str(home)}, at, folder)
    for row in _rows(folder / f"{OUT}_stats.csv", at):
        if row["Name"] != "Aggregated" or row["Type"]:
            outcome.requests[row["Type"], row["Name"]] = (int(row["Request Count"]), int(row["Failure Count"]))
    for row in _rows(folder / f"{OUT}_failures.csv", at):
        outcome.failures[row["Method"], row["Name"], row["Error"]] += int(row["Occurrences"])
    for row in _rows(folder / f"{OUT}_exceptions.csv", at):
        outcome.exceptions[row["Message"]] += int(row["Count"])
    return outcome


def _file(case: Case) -> str:
    return case.file.replace("{here}", str(case.path.parent)) if case.file else str(case.path)


def _flags(case: Case, own: str, at: Target) -> list[str]:
    said = shlex.split(f"{case.flags} {own}".replace("{here}", str(case.path.parent)).replace("{target}", at.url))
    if case.mode == "print":
        return said
    return ["--headless", "--csv", OUT, *(["-H", at.url] if case.host else []), *said]


def _run(case: Case, argv: list[str], more: dict[str, str], at: Target, folder: Path) -> Outcome:
    notes = folder / "notes"
    if case.conf:
        (folder / "locust.conf").write_text(case.conf.replace("{target}", at.url) + "\n")
    env = {name: text for name, text in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    env |= {name: text.replace("{target}", at.url) for name, text in case.env.items()}
    env |= {"COMPAT_NOTES": str(notes), "COMPAT_TARGET": at.url, "HOME": str(folder), **more}
    at.reset()
    began_s = time.monotonic()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            _interrupt(case, process, at)
            process.wait(LIMIT_S)
        finally:
            process.kill()
            process.wait()
    seconds = time.monotonic() - began_s
    printed = (_text(folder / name, at) for name in ("stdout", "stderr"))
    outcome = Outcome(process.returncode, *printed, seconds, served=at.served())
    outcome.notes = _text(notes, at).splitlines() if notes.exists() else []
    outcome.csv = {path.name: _head(path) for path in sorted(folder.glob("*.csv"))}
    outcome.written = {name: (folder / name).read_bytes() for name in case.writes if (folder / name).is_file()}
    return outcome


def _interrupt(case: Case, process: subprocess.Popen[bytes], at: Target) -> None:
    """Send what the file says, when so many requests were served."""
    if not case.signal:
        return
    name, _, requests = case.signal.partition(" ")
    until_s = time.monotonic() + LIMIT_S
    while at.served().total() < int(requests) and process.poll() is None and time.monotonic() < until_s:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.send_signal(signal.Signals[name])


def _text(path: Path, at: Target) -> str:
    """What a file says; a side's target is as good as the other's."""
    said = path.read_text(errors="replace").replace(at.address, "127.0.0.1:PORT")
    return said.replace(f"port={at.url.rpartition(':')[2]}", "port=PORT")


def _head(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return next(csv.reader(file), [])


def _rows(path: Path, at: Target) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_text(path, at), newline=""))) if path.exists() else []
