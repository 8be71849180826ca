"""`--otel`: what a collector gets from tidal and from the real Locust."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from collector import Collector, collector
from sides import target

from tidal.generator.otel import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = Path(__file__).parent / "contrib" / "otel_user.py"
LOAD = ["--headless", "-u", "4", "-r", "20", "--only-summary"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A shop for both sides."""
    with target() as shop:
        yield shop.url


def send(side: list[str], url: str, run_s: int = 4, **more: str) -> tuple[Collector, str]:
    """Run the file with `--otel`; what the collector has afterwards, and what was printed."""
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as home, collector() as got:
        env = {name: text for name, text in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_", "OTEL_"))}
        env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": got.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        env |= {"OTEL_METRIC_EXPORT_INTERVAL": "500", "TIDAL_HOME": home, **more}
        argv = [sys.executable, "-m", *side, "-f", str(FILE), *LOAD, "-t", f"{run_s}s", "-H", url, "--otel"]
        done = subprocess.run(argv, env=env, cwd=home, capture_output=True, text=True, timeout=100, check=False)
        return got, done.stdout + done.stderr


def series(got: Collector) -> Counter[tuple[str, str]]:
    """How many records the series of request times have."""
    points = got.points("locust.client.duration")
    told: Counter[tuple[str, str]] = Counter()
    for _, attributes, point in points:
        assert set(attributes) <= {"name", "error.type"}
        told[attributes["name"], attributes.get("error.type", "")] += point.count
    return told


def test_a_collector_gets_what_it_gets_from_locust(url: str) -> None:
    """Series, their attributes and counts, the users, the log; spans too, which Locust has by other packages only."""
    for run_s in (4, 30):  # four seconds may be over before a busy machine has done it all
        peer, _ = send(["locust"], url, run_s)
        ours, said = send(["tidal", "locust"], url, run_s)
        if series(ours).total() == series(peer).total() and ours.users() == peer.users():
            break
    assert series(ours).total() == series(peer).total() == 2 * 2 + 2 * 25, said
    assert len({name for name, _ in series(ours)}) == len({name for name, _ in series(peer)}) == 21
    assert {error for _, error in series(ours)} == {error for _, error in series(peer)} == {"", "HTTPError"}
    assert ours.users() == peer.users() == {"Visitor": 2, "Many": 2}
    assert "the shop opens" in ours.lines()
    assert "the shop opens" in peer.lines()
    assert Counter(span.name for span in ours.spans())["GET /missing/[id]"] == 2
    assert {r["service.name"] for r in ours.resources()} == {r["service.name"] for r in peer.resources()} == {"locust"}


def test_the_console_exporter_prints_and_none_is_silent(url: str) -> None:
    """What is asked for, and nothing else."""
    got, _ = send(
        ["tidal", "locust"],
        url,
        OTEL_TRACES_EXPORTER="none",
        OTEL_METRICS_EXPORTER="console",
        OTEL_LOGS_EXPORTER="none",
    )
    assert not got.got


def test_what_cannot_be_exported_to_is_named_before_the_run(url: str) -> None:
    """One line, and no run."""
    _, said = send(["tidal", "locust"], url, OTEL_METRICS_EXPORTER="prometheus")
    assert "OTEL_METRICS_EXPORTER=prometheus: tidal has otlp, console and none" in said
    _, said = send(["tidal", "locust"], url, OTEL_EXPORTER_OTLP_PROTOCOL="smoke")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=smoke: tidal has http/protobuf and grpc" in said


def test_refusals() -> None:
    """What the variables say is checked by signal; what is switched off is not."""
    off = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": " none , console"}
    assert refusal({**off, "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}) is None
    assert refusal({}) is None
    wrong = refusal({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert wrong == "--otel with grpc needs a package more: pip install opentelemetry-exporter-otlp-proto-grpc"
