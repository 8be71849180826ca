"""Launch a run and follow it on a console: what `run`, and `tui` and `demo` without a terminal, do.

Whatever serves a run on this machine is imported once, while the slowest part of the start is under way; the supervisor
and what it starts are forks of this process. What follows a run is imported when it is open and the others are at work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli.streams import lines_to
from tidal.launch import launching
from tidal.uncollected import uncollected

if TYPE_CHECKING:
    from typing import IO

    from tidal.cli.session import Session
    from tidal.cli.wanted import Wanted
    from tidal.embedded import EmbeddedServer
    from tidal.launch import LaunchSpec

OPENED_S = 3.0
"""How long the opening entry of a run that is in the log may take to come here."""


def run_headless(spec: LaunchSpec, json_file: str | None, files: Wanted | None = None) -> int:
    """Open the run that the spec describes and stay with it; its exit code. `files` are written at its end."""
    out = lines_to(json_file)
    with contextlib.ExitStack() as until_end:
        with launching(spec, prepare=_prepare, supervise=_supervise) as launched:
            with contextlib.suppress(OSError):  # nobody reads, or the disk is full: whoever follows deals with that
                print(
                    f"run {launched.run}  {Path(spec.file).name}  (tidal attach {launched.run})", file=out, flush=True
                )
            from tidal.cli.console import finish
            from tidal.cli.session import session
            from tidal.cli.verdict_files import write_at_end

            followed = until_end.enter_context(session(launched.redis_url, launched.run, launched.supervisor_pid))
            _show_plan(followed, out)
        frame = followed.follow(out)
    code = finish(frame, json_file)
    if files is not None:
        write_at_end(frame, files)
    return code


def _prepare() -> None:
    """Import what supervisor, master and worker need; what this process needs besides can wait until they run."""
    with uncollected(stays=True):  # the collector of a fork does not look through what it shares
        from tidal.supervisor import prepare

        prepare()


def _supervise(arguments: list[str], begun: EmbeddedServer | None) -> int:
    from tidal.supervisor import main

    return main(arguments, begun=begun)


def _show_plan(followed: Session, out: IO[str]) -> None:
    """The run's plan as a curve, where it has one, before it starts."""
    from tidal.model.planning import planned, typed_of
    from tidal.outputs.curve import plan_lines

    pause, until_s = threading.Event(), time.monotonic() + OPENED_S
    while (frame := followed.feed.frame()) is None or not frame.run.opened_ms:
        if time.monotonic() > until_s:
            return
        pause.wait(0.05)
    if frame.run.plan:
        lines = plan_lines(planned(typed_of(frame.run.plan.splitlines()), frame.run.planned_ms))
        with contextlib.suppress(OSError):
            print("\n".join(["", *lines, ""]), file=out, flush=True)
