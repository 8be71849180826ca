"""What two generators do, by one: `python bench/processes.py tidal|plain N` prints iterations a second as JSON.

`tidal`: a whole run of `tidal run --processes N`, with users that compute for about a millisecond and send nothing, so
that no target takes a part of the cores. `plain`: the same work in N bare processes, which is what the machine gives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 6
WORK = "sum(range(60_000))"
FILE = f"""\
from tidal import User, constant, task


class Busy(User):
    wait_time = constant(0)

    @task
    def work(self):
        {WORK}
        self.environment.events.request.fire(
            request_type="CPU", name="work", response_time=1.0, response_length=0, exception=None, context={{}}
        )
"""
PLAIN = f"""\
import time
done, end_s = 0, time.monotonic() + {SECONDS}
while time.monotonic() < end_s:
    {WORK}
    done += 1
print(done)
"""


def of_tidal(processes: int) -> float:
    """Of a run of so many generators. Its exit code says, rightly, that they were the bottleneck."""
    with tempfile.TemporaryDirectory() as name:
        file, result = Path(name) / "locustfile.py", Path(name) / "result.json"
        file.write_text(FILE, "utf-8")
        argv = [sys.executable, "-P", "-m", "tidal", "run", "-f", str(file), "-u", "8", "-r", "8", "-t", f"{SECONDS}s"]
        argv += ["--processes", str(processes), "--json", str(result)]
        subprocess.run(argv, check=False, capture_output=True, env=os.environ | {"TIDAL_HOME": name}, cwd=name)
        return float(json.loads(result.read_text("utf-8"))["total"]["requests"]) / SECONDS


def of_plain(processes: int) -> float:
    """Of so many bare processes."""
    argv = [sys.executable, "-P", "-c", PLAIN]
    begun = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(processes)]
    return sum(int(process.communicate()[0]) for process in begun) / SECONDS


if __name__ == "__main__":
    side, number = sys.argv[1:]
    print(json.dumps({"a_second": {"tidal": of_tidal, "plain": of_plain}[side](int(number))}))
