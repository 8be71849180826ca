"""The process of a master: told what to run, it leads until the run is closed, and heeds signals and its lifeline."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
from typing import TYPE_CHECKING

from tidal.bus import Bus, BusError
from tidal.errors import FleetBusy, NotSigned, TidalError
from tidal.keys import FleetKeys
from tidal.launch import LaunchSpec
from tidal.lines import monotonic_ms
from tidal.master import Master
from tidal.model.wire import from_wire
from tidal.opening import begin_inspection, new_run_id, open_run
from tidal.process import READ_BYTES, tell_end
from tidal.rights import require
from tidal.signing import is_signed, key_in
from tidal.standby import Standby

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.launch import Inspection

YOUNG_MAX, OLD_PERIOD = 50_000, 100
"""A report is some hundred new objects, none of them in a cycle; at Python's 700 the collector took half the time."""


def make_master(spec: LaunchSpec, bus: Bus, inspection: Inspection | None = None) -> Master:
    """A master for a new run, whose file is inspected, or for the run that the spec names."""
    if inspection is None:
        return Master(bus, spec.run, file=spec.file)
    fleet = FleetKeys(spec.fleet)
    holder = bus.announced_run(fleet)
    if holder is not None:
        raise FleetBusy(
            f"fleet {spec.fleet!r} is busy with run {holder}: attach to it, stop it, or use another --fleet"
        )
    run = new_run_id(bus.time_us()[1] // 1000)
    return Master(bus, run, open_run(spec, run, inspection), spec.file)


def _check_signature(spec: LaunchSpec, master: Master) -> None:
    """Before the shipped files of a run that is taken over are imported by a hook host."""
    if spec.run and spec.sign_with and not is_signed(key_in(spec.sign_with, "--sign-with"), master.state.log):
        raise NotSigned(f"run {spec.run} is not signed with the key of --sign-with: its files are not run here")


def serve(
    spec: LaunchSpec,
    *,
    watch_fd: int | None = None,
    heard: bytes = b"",
    opened: Callable[[str], object] | None = None,
) -> int:
    """Be the master until the run is closed; returns 0 then.

    Args:
        spec: what to run, or which run to take over.
        watch_fd: at its end of file the run is stopped, as at SIGTERM; a line that comes on it is for the story.
        heard: lines that came on it already.
        opened: called with the run's id once it is in the log.
    """
    with contextlib.ExitStack() as until_open:
        inspection = None if spec.run else until_open.enter_context(contextlib.closing(begin_inspection(spec)))
        bus = Bus.connect(spec.redis_url, role="master")
        require(bus, "master", spec.fleet)
        master = make_master(spec, bus, inspection)
        _heed_signals(master)
        try:
            master.take()
            _check_signature(spec, master)
            master.step(monotonic_ms())  # the fleet is told: a worker that looks now finds the run
            if opened is not None:
                opened(master.run)
            until_open.close()
            lead(master, watch_fd, heard)
        except (TidalError, BusError):
            master.abandon()
            raise
    return 0


def stand_by(url: str | None, fleet: str, run: str = "", *, opened: Callable[[str], object] | None = None) -> int:
    """Wait until nobody leads a run of the fleet, or the one run, and lead it then; returns 0 at SIGTERM.

    A signal that comes while a run is led stops that run, as with any master.
    """

    def take_over(bus: Bus, led: str) -> None:
        master = Master(bus, led)
        masters.append(master)
        try:
            master.take(patience_ms=0)
            if opened is not None:
                opened(led)
            lead(master)
        except (TidalError, BusError):
            master.abandon()
            raise
        finally:
            masters.clear()

    def told(number: int, _frame: object) -> None:
        standby.ended.set()
        for master in masters:
            master.stop_wanted = f"the master was told to stop ({signal.Signals(number).name})"

    masters: list[Master] = []
    standby = Standby(url, fleet, run, take_over)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return standby.serve()


def lead(master: Master, watch_fd: int | None = None, heard: bytes = b"") -> None:
    """Take turns until the run is closed, then close."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 10, OLD_PERIOD)
    _note(master, heard)
    while not master.step(monotonic_ms()):
        said = _heard_on(watch_fd) if watch_fd is not None else None
        if said == b"":
            watch_fd = None
            master.lifeline_cut_ms = monotonic_ms()
            master.stop_wanted = "its supervisor is gone"
        elif said is not None:
            _note(master, said)
    master.close()


def _note(master: Master, said: bytes) -> None:
    """Have lines written into the story."""
    for line in said.decode(errors="replace").splitlines():
        master.note("warning", line)


def _heed_signals(master: Master) -> None:
    def told(number: int, _frame: object) -> None:
        master.stop_wanted = f"the master was told to stop ({signal.Signals(number).name})"

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)


def _heard_on(fd: int) -> bytes | None:
    """What came on the lifeline: lines for the story, nothing when it is cut, None for silence."""
    readable, _, _ = select.select([fd], [], [], 0)
    return os.read(fd, 4096) if readable else None


def main() -> int:
    """The master of a supervisor: the spec is one line of JSON on stdin, the answer one line of JSON on stdout."""
    said = bytearray()
    while b"\n" not in said:
        came = os.read(0, READ_BYTES)
        if not came:
            return 0
        said += came
    line, _, heard = said.partition(b"\n")
    spec: LaunchSpec = from_wire(LaunchSpec, json.loads(line))

    def answer(value: dict[str, str]) -> None:
        os.write(1, json.dumps(value).encode() + b"\n")

    try:
        return tell_end(serve(spec, watch_fd=0, heard=bytes(heard), opened=lambda run: answer({"run": run})))
    except TidalError as error:
        answer({"error": type(error).__name__, "message": str(error)})
        return tell_end(error.exit_code)
    except BusError as error:
        answer({"error": "RedisUnreachable", "message": str(error)})
        return tell_end(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
