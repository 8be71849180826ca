"""HttpUser's session beside plain requests: thousands of generated requests and answers, and all that can be seen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

SCRIPT = Path(__file__).parent.parent / "requests_twice.py"
BOUNDARY = re.compile(rb"\b[0-9a-f]{32}\b")
COUNT = 700


def asked_of(server: ScriptedServer, raced: set[int]) -> list[bytes]:
    """What a server was asked, without its port, chance, and what was asked more than once."""
    requests = [BOUNDARY.sub(b"", asked.replace(f":{server.port}".encode(), b":PORT")) for asked in server.asked]
    return [one for one in requests if not any(f"/a/{index}".encode() in one[:100] for index in raced)]


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_tells_the_short_way_from_requests(seed: int) -> None:
    """Responses, exceptions, cookies, and the bytes that the server gets."""
    theirs, ours = ScriptedServer(seed), ScriptedServer(seed)
    argv = [sys.executable, str(SCRIPT), str(seed), str(COUNT), str(theirs.port), str(ours.port)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    finally:
        theirs.close()
        ours.close()
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["differences"] == []
    raced = set(told["raced"])
    assert asked_of(ours, raced) == asked_of(theirs, raced)
    assert told["short"] > COUNT / 10  # else nothing was tested
