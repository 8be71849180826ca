"""How long a command line takes to the target's first request, and how long any command takes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE_S = 60.0
FILE = """\
from {package} import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    host = "http://127.0.0.1:{port}"
    wait_time = constant(1)

    @task
    def page(self):
        self.client.get("/page")
"""
COMMANDS = {
    "tidal": ["tidal", "run", "-f", "{file}", "-u", "1", "-r", "1", "-t", "5s"],
    "locust": ["locust", "-f", "{file}", "--headless", "-u", "1", "-r", "1", "-t", "5s"],
}


def compile_ours() -> None:
    """Bytecode as an installation makes it: a checkout may be told to write none (PYTHONDONTWRITEBYTECODE)."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "tidal")], check=True)


def first_answer_s(side: str) -> float:
    """Seconds from the start of a command to the first request that it sends; the run is then seen to its end."""
    return first_answer(side)[0]


def first_answer(side: str) -> tuple[float, float]:
    """The same, and the CPU that all its processes had used by then, in seconds: a busy machine lengthens that less."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as server:
        file = Path(name) / "locustfile.py"
        file.write_text(FILE.format(package=side, port=server.getsockname()[1]), "utf-8")
        argv = [word.format(file=file) for word in COMMANDS[side]]
        argv[0] = str(Path(sys.executable).parent / argv[0])
        asked = _FirstRequest(server, Path(name))
        env = os.environ | {"TIDAL_HOME": name}
        began_s = time.perf_counter()
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=name) as process:
            if not asked.came.wait(PATIENCE_S):
                process.send_signal(signal.SIGINT)
                raise SystemExit(f"{' '.join(argv)} sent nothing within {PATIENCE_S:.0f} s")
        _await_supervisor(Path(name))
        return asked.at_s - began_s, asked.cpu_s


class _FirstRequest:
    """Answers whatever comes to a server, and notes when the first request did, and what it had cost in a home."""

    def __init__(self, server: socket.socket, home: Path) -> None:
        self.came, self.at_s, self.cpu_s = threading.Event(), 0.0, 0.0
        self._home = home
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        with suppress(OSError):  # closed: the measurement is over
            while True:
                threading.Thread(target=self._answer, args=(server.accept()[0],), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while client.recv(65_536):
                if not self.came.is_set():
                    self.at_s, self.cpu_s = time.perf_counter(), _cpu_s(self._home)
                    self.came.set()
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def _cpu_s(home: Path) -> float:
    """What the processes of a home have used, those included that they have seen to their end."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if _works_in(process, home):
                fields = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime and cstime: see proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _await_supervisor(home: Path) -> None:
    """What outlives the command ends soon after it, and writes into its folders until then."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and any(_works_in(pid, home) for pid in Path("/proc").glob("[0-9]*")):
        time.sleep(0.1)


def _works_in(process: Path, home: Path) -> bool:
    with suppress(OSError):
        return f"TIDAL_HOME={home}".encode() in (process / "environ").read_bytes()
    return False
