"""The users of other protocols against real servers: tidal counts what the real Locust counts, under the same names."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

HERE = Path(__file__).parent
USERS, RUN_S = 6, 5  # as many of each class


@dataclass
class Counted:
    """What one side counted, of each name and of each failure."""

    exit: int
    requests: dict[tuple[str, str], int]
    failures: Counter[tuple[str, str, str]]
    bytes: dict[tuple[str, str], int]
    exceptions: list[str]
    said: str
    csv: list[dict[str, str]] = field(default_factory=list)


def locust(file: Path, folder: Path, env: dict[str, str]) -> Counted:
    """The real Locust."""
    tally = folder / "tally.json"
    argv = [sys.executable, "-m", "locust", "-f", f"{file},{HERE / 'peer_tally.py'}", "--headless", *_load()]
    done = _run(argv, folder, {**env, "COMPAT_TALLY": str(tally)})
    told = json.loads(tally.read_text())
    return Counted(
        done.returncode,
        {(method, name): n for method, name, n, _ in told["requests"]},
        Counter({(method, name, error): n for method, name, error, n in told["failures"]}),
        {(method, name): int(size) for method, name, size in told["sizes"]},
        [message for message, _ in told["exceptions"]],
        done.stdout + done.stderr,
        _rows(folder),
    )


def tidal(file: Path, folder: Path, env: dict[str, str], *words: str) -> Counted:
    """The same file under tidal."""
    argv = [sys.executable, "-m", "tidal", "run", "-f", str(file), *_load(), *(words or ["--processes", "1"])]
    done = _run([*argv, "--json", "end.json"], folder, {**env, "TIDAL_HOME": str(folder)})
    said = done.stdout + done.stderr
    assert (folder / "end.json").exists(), said
    frame = json.loads((folder / "end.json").read_text())
    return Counted(
        done.returncode,
        {(row["method"], row["name"]): row["requests"] for row in frame["endpoints"]},
        Counter({(row["method"], row["name"], row["error"]): row["occurrences"] for row in frame["failures"]}),
        {(row["method"], row["name"]): row["average_bytes"] for row in frame["endpoints"]},
        [row["message"].partition(": ")[2] for row in frame["exceptions"]],  # ours begins with the type
        said,
        _rows(folder),
    )


def _load() -> list[str]:
    return ["-u", str(USERS), "-r", "10", "-t", f"{RUN_S}s"]


def _run(argv: list[str], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    return subprocess.run(
        argv,
        cwd=folder,
        env=env | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "requests.csv"
    return list(csv.DictReader(path.open(newline=""))) if path.exists() else []


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as name:  # short: a socket's path is bounded
        for side in ("peer", "ours"):
            (Path(name) / side).mkdir()
        yield Path(name) / "peer", Path(name) / "ours"


def both(name: str, env: dict[str, str]) -> tuple[Counted, Counted]:
    """One after the other: two loads at once would disturb each other."""
    file = HERE / "contrib" / f"{name}.py"
    with _folders() as (peer, ours):
        return locust(file, peer, env), tidal(file, ours, env)


SERVED: list[tuple[str, Callable[[], Any], str]] = [
    ("postgres_user", servers.postgres, "COMPAT_POSTGRES"),
    ("mqtt_user", servers.mosquitto, "COMPAT_MQTT"),
    ("socketio_user", servers.socketio_server, "COMPAT_SOCKETIO"),
    ("dns_user", servers.name_server, "COMPAT_DNS"),
]


@pytest.mark.parametrize(("name", "server", "variable"), SERVED, ids=[name for name, _, _ in SERVED])
def test_a_protocol_is_counted_as_locust_counts_it(name: str, server: Callable[[], Any], variable: str) -> None:
    """Types, names, counts, failures and exceptions."""
    with server() as address:
        peer, ours = both(name, {variable: str(address)})
    assert ours.requests == peer.requests, ours.said
    assert ours.bytes == peer.bytes
    assert ours.failures == peer.failures
    assert ours.exceptions == peer.exceptions
    assert ours.exit == peer.exit
