"""What the screen costs: `python bench/terminal.py [ENDPOINTS WORKERS SECONDS]`.

A synthetic run of so many endpoints and workers, ten minutes long, is shown as a live run would be: pictures of a state
that grows, each folded to a frame and drawn at 200x50 and at 120x30. Printed are the CPU of one core that it took, what
a frame took of it, and how long a key waited while all that went on.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.model.fold import fold
from tidal.model.frame import frame
from tidal.model.plan import Ownership, ramp
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.tui.app import TidalApp
from tidal.tui.look import Look

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.rows import Frame

T0 = 1_790_000_000_000
LENGTH_S = 600


class Growing:
    """A run whose state grows by a second with each picture."""

    is_replay = False

    def __init__(self, endpoints: int, workers: int) -> None:
        self._draw, self._endpoints, self._workers = Random(7), endpoints, workers
        self.state, self.second, self.frames_s = State(), 0, list[float]()
        self._n, self._lock = 0, threading.Lock()
        self._open()
        for _ in range(LENGTH_S):
            self.grow()

    def _master(self, ms: int, event: ev.Event) -> None:
        self._n += 1
        fold(self.state, ev.ByMaster(1, self._n, T0 + ms, event))

    def _open(self) -> None:
        options = ev.RunOptions(users=5_000, spawn_rate=100.0, run_time_ms=3_600_000)
        classes = (ev.ClassSpec("Buyer", host="http://shop"),)
        self._master(0, ev.RunOpened("bench", "default", "ann", "shop.py", (), classes, options))
        for number in range(self._workers):
            self._master(0, ev.WorkerSeen(f"w{number}", f"host-{number}", f"i{number}", f"load-{number}", 100, 4))
        owned = Ownership.of_nobody(4_096).moved_to({f"i{number}": 1 for number in range(self._workers)})
        self._master(0, ev.RunStarted(T0))
        plan = ev.PlanSet(1, 0, (ev.Track("", ramp(0, 0, 5_000, 100.0)),), 3_600_000, owned.owners, owned.table, "")
        self._master(0, plan)

    def grow(self) -> None:
        """Fold what every worker reports of one second."""
        with self._lock:
            self._grow()

    def _grow(self) -> None:
        second, self.second = self.second, self.second + 1
        for number in range(self._workers):
            tallies = {}
            for endpoint in self._draw.sample(range(self._endpoints), max(1, self._endpoints // 10)):
                tally = Tally()
                for _ in range(2):
                    tally.add(round(self._draw.lognormvariate(9.5 + endpoint % 7 / 4, 0.6)), 900, failed=False)
                tallies["GET", f"/api/v1/section-{endpoint % 12}/item-{endpoint}"] = tally
            block = ev.Block(T0 // 1000 + second, 1, tallies, {"Buyer": 50_000})
            states = tuple(ev.GeneratorState(g, 100 + g, "running", 12, 3, {"Buyer": 12}) for g in range(4))
            report = ev.Reported(T0 + 1000 * second, T0 + 1000 * (second + 1), (block,), users={"Buyer": 50},
                                 generators=states, cpu_permille=400)  # fmt: skip
            fold(self.state, ev.ByWorker(f"i{number}", second + 1, second + 1, T0 + 1000 * second + 1000, report))
        beats = tuple(ev.Beat(f"w{number}", 100, 400, 10**8, 3) for number in range(self._workers))
        self._master(1000 * (second + 1), ev.Ticked(beats, 300))

    def frame(self, focus: Focus | None = None) -> Frame:
        """The newest picture."""
        with self._lock:  # as a live feed does
            began_s = time.thread_time()
            made = frame(self.state, T0 + 1000 * self.second, focus)
            self.frames_s.append(time.thread_time() - began_s)
        return made

    def trouble(self) -> str:
        """None."""
        return ""

    def close(self) -> None:
        """Nothing to close."""


async def watch(run: Growing, size: tuple[int, int], seconds: float) -> None:
    """Show the run for so long; print what it took."""
    app = TidalApp(run, look=Look())
    async with app.run_test(size=size) as pilot:
        await pilot.pause(3)
        run.frames_s.clear()
        cpu_s, wall_s, grown_s, waits_ms = time.process_time(), time.perf_counter(), 0.0, list[float]()
        due_s = wall_s
        while time.perf_counter() - wall_s < seconds:
            await asyncio.sleep(0.25)
            if time.perf_counter() >= due_s:  # twice as fast as time goes: no picture is like the one before
                due_s += 0.5
                began_s = time.process_time()
                run.grow()
                grown_s += time.process_time() - began_s
            began_s = time.perf_counter()
            app.simulate_key("down")
            app.call_later(lambda at_s=began_s: waits_ms.append(1000 * (time.perf_counter() - at_s)))
        spent_s, took_s = time.process_time() - cpu_s - grown_s, time.perf_counter() - wall_s
    frames = len(run.frames_s)
    print(
        f"{size[0]}x{size[1]}: {100 * spent_s / took_s:.1f} % of a core, {frames / took_s:.1f} pictures a second; "
        f"a frame {1000 * median(run.frames_s):.1f} ms; "
        f"a key waited {median(waits_ms):.0f} ms, at most {max(waits_ms):.0f} ms"
    )


def main() -> None:
    """Measure."""
    endpoints, workers, seconds = (int(n) for n in (sys.argv[1:] or ("200", "100", "15")))
    run = Growing(endpoints, workers)
    print(f"{endpoints} endpoints, {workers} workers, {LENGTH_S} s of run behind")
    for size in ((200, 50), (120, 30)):
        asyncio.run(watch(run, size, seconds))


if __name__ == "__main__":
    main()
