"""HTTP users of tidal beside the real Locust's, request by request: what is counted, seen and raised is the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from http_cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """What came of all cases, by side, kind of user and case."""
    argv = [sys.executable, str(HERE.parent / "odd_server.py")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        ports = server.stdout.readline().split()
        yield {side: _side(side, ports) for side in ("locust", "tidal")}
        server.stdin.close()


def _side(side: str, ports: list[str]) -> Any:
    argv = [sys.executable, str(HERE / "http_cases.py"), side, *ports]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT) if side == "tidal" else ""}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=200, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in ("fast", "http") for name in cases(kind)])
def test_the_same_as_locust(told: dict[str, Any], kind: str, name: str) -> None:
    """Type, name, length, URL, context and text of the failure; what the file's code sees; what it must catch."""
    assert told["tidal"][kind][name] == told["locust"][kind][name]
