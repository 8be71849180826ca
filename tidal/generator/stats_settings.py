"""The knobs of Locust's statistics. Files and plugins set them in `locust.stats`, so they are read at use time."""

from __future__ import annotations

import os
import sys
from typing import Any

from tidal.outputs.locust_tables import PERCENTILES, TYPE_WIDTH, widths_for


def terminal_columns() -> int:
    """The width of the terminal on standard output, now; without one it is wide."""
    try:
        return os.get_terminal_size().columns or 160
    except (OSError, ValueError):
        return 160


STATS_NAME_WIDTH = widths_for(terminal_columns()).name
STATS_TYPE_WIDTH = TYPE_WIDTH
STATS_AUTORESIZE = True
CONSOLE_STATS_INTERVAL_SEC = 2
HISTORY_STATS_INTERVAL_SEC = 5
CSV_STATS_INTERVAL_SEC = 1
CSV_STATS_FLUSH_INTERVAL_SEC = 5
CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW = 10
PERCENTILES_TO_REPORT = list(PERCENTILES)
PERCENTILES_TO_STATISTICS = [0.95, 0.99]
PERCENTILES_TO_CHART = [0.5, 0.95]


def bucket_response_time(response_time: float) -> int:
    """A response time in ms, rounded to two digits from 100 ms on: the keys of `response_times`.

    Percentiles do not depend on it: they come from buckets of their own, 1 % wide.
    """
    if response_time < 100:
        return round(response_time)
    if response_time < 1_000:
        return round(response_time / 10) * 10
    if response_time < 10_000:
        return round(response_time / 100) * 100
    return round(response_time / 1_000) * 1_000


UNHEEDED = (
    "PERCENTILES_TO_REPORT", "PERCENTILES_TO_STATISTICS", "CSV_STATS_INTERVAL_SEC", "CSV_STATS_FLUSH_INTERVAL_SEC",
    "CONSOLE_STATS_INTERVAL_SEC",
)  # fmt: skip
"""Knobs of outputs, which the console writes: what a file sets here, it alone sees."""
_OWN = {name: list(value) if isinstance(value := globals()[name], list) else value for name in UNHEEDED}


def unheeded() -> list[str]:
    """Those of them that a file has set."""
    return [name for name in UNHEEDED if setting(name) != _OWN[name]]


def setting(name: str) -> Any:
    """One of the knobs above as it is now."""
    return getattr(sys.modules.get("locust.stats"), name, globals()[name])
