"""What a local run takes beside its generators: supervisor, server, guard, master, agent, console or terminal.

    python bench/tree.py URL [--seconds 20] [--terminal] [--rate 2000] [--each]

A run of `FastHttpUser`s at a steady rate, from the real command line, its processes found by their home. Said is their
CPU in percent of a core; the generators' and the target's are left out.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tidal import paths

FILE = """
from tidal import FastHttpUser, constant_throughput, task

class Visitor(FastHttpUser):
    wait_time = constant_throughput({each})

    @task
    def page(self):
        self.client.get("/page")
"""
USERS = 100
SETTLED_S = 6.0
ROWS_COLUMNS = (50, 200)


def shares(url: str, seconds: float, rate: float, *, is_shown: bool) -> dict[str, float]:
    """The CPU of each part of a run at a steady rate, in percent of a core, and "rate": the requests of a second."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "locustfile.py").write_text(FILE.format(each=rate / USERS), encoding="utf-8")
        words = ["tui" if is_shown else "run", "-f", "locustfile.py", "-H", url, "-u", str(USERS), "-r", str(USERS)]
        words += ["-t", "10m", "--processes", "1"]
        env = {**os.environ, paths.HOME: home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        front, back = pty.openpty()
        fcntl.ioctl(back, termios.TIOCSWINSZ, struct.pack("HHHH", *ROWS_COLUMNS, 0, 0))
        argv = [str(Path(sys.executable).parent / "tidal"), *words]
        shell = subprocess.Popen(argv, stdin=back, stdout=back, stderr=back, env=env, cwd=home, start_new_session=True)
        threading.Thread(target=_drain, args=(front,), daemon=True).start()
        try:
            return _measured(home, seconds)
        finally:
            _end(shell, home)
            os.close(back)
            os.close(front)


def _drain(fd: int) -> None:
    """Read what is drawn, as a terminal does."""
    with suppress(OSError):
        while os.read(fd, 65_536):
            pass


def _measured(home: str, seconds: float) -> dict[str, float]:
    end_s = time.monotonic() + 60
    while not any("generator" in part for part in parts_of(home).values()):
        if time.monotonic() > end_s:
            raise SystemExit("the run does not start")
        time.sleep(0.2)
    time.sleep(SETTLED_S)
    parts = parts_of(home)
    before, began_s = {process: cpu_s(process) for process in parts}, time.monotonic()
    time.sleep(seconds)
    lasted_s = time.monotonic() - began_s
    told: dict[str, float] = {}
    for process, part in parts.items():
        told[part] = told.get(part, 0.0) + (cpu_s(process) - before[process]) / lasted_s * 100
    return told


def parts_of(home: str) -> dict[psutil.Process, str]:
    """Every process of a home, with the part that it is."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            # a Redis server writes its title over its environment: it is known by where it works
            if process.environ().get(paths.HOME) == home or process.cwd().startswith(f"{home}/"):
                found[process] = _part(" ".join(process.cmdline()))
    return found


def _part(command: str) -> str:
    named = re.search(r"tidal\.(\w+(\.\w+)?)|(\w+-server)|tidal (tui|run)", command)
    return named[0] if named else command[:60]


def cpu_s(process: psutil.Process) -> float:
    """The CPU that a process has used; raises psutil.Error when it is gone."""
    used = process.cpu_times()
    return float(used.user + used.system)


def _end(shell: subprocess.Popen[bytes], home: str) -> None:
    """Stop the run, and whatever is left of it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in parts_of(home):
            with suppress(psutil.Error):
                process.send_signal(number)
        until_s = time.monotonic() + 15
        while parts_of(home) and time.monotonic() < until_s:
            shell.poll()
            time.sleep(0.2)


def beside(told: dict[str, float]) -> float:
    """All but the generators."""
    return sum(share for part, share in told.items() if "generator" not in part)


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=2_000)
    parser.add_argument("--terminal", action="store_true")
    args = parser.parse_args()
    told = shares(args.url, args.seconds, args.rate, is_shown=args.terminal)
    for part, share in sorted(told.items(), key=lambda item: -item[1]):
        print(f"{share:6.1f} %  {part}")
    print(f"{beside(told):6.1f} %  beside the generators")


if __name__ == "__main__":
    main()
