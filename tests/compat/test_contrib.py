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

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

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

    @property
    def figures(self) -> tuple[Any, ...]:
        """What is compared."""
        return self.exit, self.requests, self.failures, self.bytes, self.exceptions


def locust(file: Path, folder: Path, env: dict[str, str], run_s: int = RUN_S) -> Counted:
    """The real Locust."""
    tally = folder / "tally.json"
    argv = [sys.executable, "-m", "locust", "-f", f"{file},{HERE / 'peer_tally.py'}", "--headless", *_load(run_s)]
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


def tidal(file: Path, folder: Path, env: dict[str, str], *words: str, run_s: int = RUN_S) -> Counted:
    """The same file under tidal."""
    argv = [
        sys.executable,
        "-m",
        "tidal",
        "run",
        "--allow-suspect",
        "-f",
        str(file),
        *_load(run_s),
        *(words or ["--processes", "1"]),
    ]
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


def _load(run_s: int) -> list[str]:
    return ["-u", str(USERS), "-r", "10", "-t", f"{run_s}s"]


def _run(argv: list[str], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    return subprocess.run(
        argv,
        cwd=folder,
        env=env | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "requests.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as name:  # short: a socket's path is bounded
        for side in ("peer", "ours"):
            (Path(name) / side).mkdir()
        yield Path(name) / "peer", Path(name) / "ours"


def both(name: str, env: dict[str, str]) -> tuple[Counted, Counted]:
    """One after the other: two loads at once would disturb each other. What differs is run once more, for longer."""
    file = HERE / "contrib" / f"{name}.py"
    for run_s in (RUN_S, 6 * RUN_S):
        with _folders() as (peer_folder, folder):
            peer, ours = locust(file, peer_folder, env, run_s), tidal(file, folder, env, run_s=run_s)
        if ours.figures == peer.figures:
            break
    return peer, ours


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


def test_a_row_for_each_request_of_every_process() -> None:
    """The same rows as Locust's, and one file with one header, however many generators there are."""
    file = HERE / "contrib" / "csv_log.py"
    with _folders() as (peer, ours):
        (ours / "requests.csv").write_text("what an earlier run left\n" * 100)
        wanted = locust(file, peer, {"COMPAT_CSV": str(peer / "requests.csv")}).csv
        found = tidal(file, ours, {"COMPAT_CSV": str(ours / "requests.csv")}, "--processes", "2").csv
    assert len(found) == USERS * 4
    assert sorted(map(str, found)) == sorted(map(str, wanted))


HIDDEN = [
    ("dns", "dns", "DNSUser needs dnspython"),
    ("mqtt", "paho", "MqttUser needs paho-mqtt"),
    ("postgres", "psycopg", "PostgresUser needs psycopg"),
    ("socketio", "socketio", "SocketIOUser needs python-socketio"),
]


@pytest.mark.parametrize(("module", "package", "says"), HIDDEN, ids=[module for module, _, _ in HIDDEN])
def test_a_missing_package_is_named_with_its_extra(module: str, package: str, says: str, tmp_path: Path) -> None:
    """One line that says what to type."""
    told = _import(f"locust.contrib.{module}", tmp_path, hidden=package)
    assert told == f"ImportError: {says}, which is not installed: pip install 'tidal[{module}]'"


@pytest.mark.parametrize("module", ["milvus", "mongodb", "oai", "qdrant"])
def test_what_tidal_does_not_have_is_said(module: str, tmp_path: Path) -> None:
    """Not that a module is missing: that tidal has none."""
    assert _import(f"locust.contrib.{module}", tmp_path).endswith(f"tidal does not have locust.contrib.{module}")


def test_a_file_whose_package_is_missing_is_refused(tmp_path: Path) -> None:
    """Before the run, in one line."""
    (tmp_path / "locustfile.py").write_text("from locust.contrib.mqtt import MqttUser\n")
    done = _run(
        [sys.executable, "-m", "tidal", "run"], tmp_path, {"TIDAL_HOME": str(tmp_path), **_hide(tmp_path, "paho")}
    )
    assert done.returncode == 12
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("MqttUser needs paho-mqtt, which is not installed: pip install 'tidal[mqtt]'\n")


def _import(module: str, folder: Path, hidden: str = "") -> str:
    """The last line that importing a module prints."""
    argv = [sys.executable, "-c", f"import tidal.compat; tidal.compat.install(); import {module}"]
    return _run(argv, folder, _hide(folder, hidden) if hidden else {}).stderr.splitlines()[-1]


def _hide(folder: Path, package: str) -> dict[str, str]:
    """The variable with which a package cannot be imported, as if it were not installed."""
    fake = folder / "hidden" / package
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {package}', name={package!r})\n")
    return {"PYTHONPATH": str(fake.parent)}
