"""Loaded by the real Locust beside a file: writes what it counted when it quits.

Its CSV files lack their last second, so they cannot be asked.
"""

import json
import os
from pathlib import Path
from typing import Any

from locust import events
from locust.runners import WorkerRunner
from locust.stats import StatsError


@events.init.add_listener
def _remember(environment: Any, **_: Any) -> None:
    def tell(**_: Any) -> None:
        if not isinstance(environment.runner, WorkerRunner):
            Path(os.environ["COMPAT_TALLY"]).write_text(json.dumps(_tally(environment)))

    environment.events.quitting.add_listener(tell)


def _tally(environment: Any) -> dict[str, Any]:
    stats = environment.stats
    return {
        "requests": [[e.method, e.name, e.num_requests, e.num_failures] for e in stats.entries.values()],
        "sizes": [[e.method, e.name, e.avg_content_length] for e in stats.entries.values()],
        "failures": [[e.method, e.name, StatsError.parse_error(e.error), e.occurrences] for e in stats.errors.values()],
        "exceptions": [[e["msg"], e["count"]] for e in environment.runner.exceptions.values()],
    }
