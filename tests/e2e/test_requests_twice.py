"""HttpUser's session beside plain requests: thousands of generated requests and answers, and all that can be seen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

SCRIPT = Path(__file__).parent / "requests_twice.py"
BOUNDARY = re.compile(rb"\b[0-9a-f]{32}\b")
WARM = re.compile(rb"GET /warm/(\d+)/(\d+) ")
COUNT = 300


def asked_of(server: ScriptedServer, tries: list[int]) -> list[bytes]:
    """What a server was asked at the last try of each request, without its port and chance."""
    kept, is_last = [], False
    for asked in server.asked:
        if warm := WARM.match(asked):
            is_last = int(warm[2]) == tries[int(warm[1])]
        if is_last:
            kept.append(BOUNDARY.sub(b"", asked.replace(f":{server.port}".encode(), b":PORT")))
    return kept


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_tells_the_short_way_from_requests(seed: int) -> None:
    """Responses, exceptions, cookies, and the bytes that the server gets."""
    theirs, ours = ScriptedServer(seed), ScriptedServer(seed)
    argv = [sys.executable, str(SCRIPT), str(seed), str(COUNT), str(theirs.port), str(ours.port)]
    try:
        env = {**os.environ, "PYTHONPATH": str(SCRIPT.parent.parent)}  # what the unit tests use as well
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    finally:
        theirs.close()
        ours.close()
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["differences"] == []
    assert told["unopened"] == []
    assert asked_of(ours, told["tries"]) == asked_of(theirs, told["tries"])
    assert told["short"] > COUNT / 10  # else nothing was tested
