"""What it costs to record a sample: `python bench/recording.py tidal|locust [--hook]` prints µs of CPU as JSON.

Without a hook tidal's client tells the recorder directly; Locust always fires its hook, to which its statistics listen.
With one, the file listens to `request` as well. tidal's figure has the making of the batches in it, one a round.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES, ROUNDS = 50_000, 7
LUCK = Random(1)
TIMES_MS = [LUCK.lognormvariate(2.3, 0.4) for _ in range(SAMPLES)]


def fields(time_ms: float) -> dict[str, Any]:
    """What both clients hand to the hook."""
    return {
        "request_type": "GET", "name": "/page", "response_time": time_ms, "response_length": 500, "exception": None,
        "context": {}, "response": None, "start_time": 1.0, "url": "http://127.0.0.1/page",
    }  # fmt: skip


def tidal(*, has_hook: bool) -> tuple[Callable[[float], object], Callable[[], object]]:
    """One sample, and what ends a round."""
    from tidal.generator.clock import RedisClock  # noqa: PLC0415 - the peer is in another process
    from tidal.generator.recorder import Recorder  # noqa: PLC0415 - as above
    from tidal.hooks import EventHook  # noqa: PLC0415 - as above

    clock = RedisClock()
    clock.set(0)
    recorder = Recorder(clock.now_us, time.monotonic_ns, 1_000)  # as a generator has it
    if not has_hook:
        return lambda time_ms: recorder.sample("GET", "/page", time_ms, 500), recorder.take
    hook = EventHook("request")
    hook.sink = recorder.sample
    hook.add_listener(lambda **_: None)
    return lambda time_ms: hook.fire(**fields(time_ms)), recorder.take


def locust(*, has_hook: bool) -> tuple[Callable[[float], object], Callable[[], object]]:
    """The same of the peer."""
    from locust.env import Environment  # noqa: PLC0415 - as above
    from locust.event import Events  # noqa: PLC0415 - as above

    made = Environment(events=Events())
    made.create_local_runner()
    if has_hook:
        made.events.request.add_listener(lambda **_: None)
    return lambda time_ms: made.events.request.fire(**fields(time_ms)), lambda: None


def main() -> None:
    """Measure one side, in a greenlet as users are; the quickest round counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["tidal", "locust"])
    parser.add_argument("--hook", action="store_true")
    args = parser.parse_args()
    from gevent import monkey  # noqa: PLC0415 - before anything else

    monkey.patch_all()
    import gevent  # noqa: PLC0415 - after the patch

    sample, end = (tidal if args.side == "tidal" else locust)(has_hook=args.hook)

    def measure() -> float:
        began_s = time.process_time()
        for time_ms in TIMES_MS:
            sample(time_ms)
        end()
        return (time.process_time() - began_s) / SAMPLES * 1e6

    def nothing() -> float:
        began_s = time.process_time()
        for time_ms in TIMES_MS:
            empty(time_ms)
        return (time.process_time() - began_s) / SAMPLES * 1e6

    def empty(_: float) -> None:
        """What the loop and the call around a sample cost, which is not theirs."""

    measured = gevent.spawn(lambda: min(measure() for _ in range(ROUNDS)) - min(nothing() for _ in range(ROUNDS)))
    print(json.dumps({"us": measured.get()}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
