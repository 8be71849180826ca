"""What two generators do, by one: `python bench/processes.py tidal|plain N` prints two figures as JSON.

`tidal`: a whole run of `tidal run --processes N`, with users that compute for about a millisecond and send nothing, so
that no target takes a part of the cores. `plain`: the same work in N bare processes, which is what the machine gives.

`a_second`: iterations a second of the clock; on a machine that does other work two processes do not get two cores, and
it says little. `a_core`: iterations by second of CPU, of the generator where there is one (what is beside it has the
other core), of the whole tree where there are two, for it has to share their cores. Twice what two say by what one says
is what two cores bring.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from tree import cpu_s, parts_of

from tidal import paths

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS = 6
SETTLED_S = 2.0
WORK = "sum(range(60_000))"
FILE = f"""\
import mmap
import os
import struct
from pathlib import Path
from tidal import User, constant, task

PATH = Path(os.environ["{paths.HOME}"]) / f"{{os.getpid()}}.done"
PATH.write_bytes(bytes(8))
DONE = mmap.mmap(os.open(PATH, os.O_RDWR), 8)


class Busy(User):
    wait_time = constant(0)

    @task
    def work(self):
        {WORK}
        struct.pack_into("q", DONE, 0, struct.unpack_from("q", DONE)[0] + 1)
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
print(done, time.process_time())
"""


def of_tidal(processes: int) -> tuple[float, float]:
    """Of a run of so many generators, once all of it has started."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "locustfile.py").write_text(FILE, "utf-8")
        argv = [sys.executable, "-P", "-m", "tidal", "run", "-f", "locustfile.py", "-u", "8", "-r", "100"]
        argv += ["-t", f"{SECONDS + SETTLED_S + 2:.0f}s", "--processes", str(processes)]
        env = os.environ | {paths.HOME: name}
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=name):
            while sum(count > 0 for count in counts(home)) < processes:
                time.sleep(0.1)
            time.sleep(SETTLED_S)
            parts = parts_of(name)
            counted = [process for process, part in parts.items() if processes > 1 or "generator" in part]
            done, used_s, began_s = sum(counts(home)), cpus_s(counted), time.monotonic()
            time.sleep(SECONDS)
            done, used_s = sum(counts(home)) - done, cpus_s(counted) - used_s
            lasted_s = time.monotonic() - began_s
        return done / lasted_s, done / used_s


def counts(home: Path) -> list[int]:
    """What each process that has loaded the file has done."""
    return [int.from_bytes(path.read_bytes(), "little") for path in home.glob("*.done")]


def cpus_s(processes: Iterable[psutil.Process]) -> float:
    """The CPU that they have used."""
    used_s = 0.0
    for process in processes:
        with suppress(psutil.Error):
            used_s += cpu_s(process)
    return used_s


def of_plain(processes: int) -> tuple[float, float]:
    """Of so many bare processes."""
    argv = [sys.executable, "-P", "-c", PLAIN]
    begun = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    told = [process.communicate()[0].split() for process in begun]
    done = sum(int(number) for number, _ in told)
    return done / SECONDS, done / sum(float(used_s) for _, used_s in told)


if __name__ == "__main__":
    side, number = sys.argv[1:]
    a_second, a_core = {"tidal": of_tidal, "plain": of_plain}[side](int(number))
    print(json.dumps({"a_second": a_second, "a_core": a_core}))
