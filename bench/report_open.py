"""How long the report of a run of an hour takes to open in a browser, beside one of two minutes; needs Chromium."""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / part) for part in ("", "e2e")]

from browser import BINARY, Browser  # noqa: E402 - the tests' own helpers
from recordings import Shop, record  # noqa: E402 - the tests' own helpers

from tidal.report import write_html  # noqa: E402 - the tests' own helpers

ROUNDS = 7
TOOK_MS = "performance.getEntriesByType('navigation')[0].loadEventStart"


def main() -> None:
    """Open both in turn, from the first byte to the last chart."""
    if not BINARY:
        print("no Chromium on this machine (.ci/chromium installs one)")
        return
    took: dict[int, list[float]] = {120: [], 3_600: []}
    with tempfile.TemporaryDirectory() as name, Browser() as browser:
        for seconds in took:
            shop = Shop(seconds=seconds, workers=1, users=8)
            write_html(record(Path(name, f"{seconds}.tidal"), shop), Path(name, f"{seconds}.html"))
        for _ in range(ROUNDS):
            for seconds, times in took.items():
                browser.open(Path(name, f"{seconds}.html"))
                times.append(float(str(browser.ask(TOOK_MS))))
    print(f"{platform.processor() or platform.machine()}, medians of {ROUNDS} interleaved openings")
    for seconds, times in took.items():
        print(f"{seconds:>5} s of a run: {statistics.median(times):5.0f} ms")


if __name__ == "__main__":
    main()
