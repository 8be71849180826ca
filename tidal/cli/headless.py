"""Launch a run and follow it on a console: what `run`, and `tui` and `demo` without a terminal, do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli.console import finish, lines_to
from tidal.cli.session import session
from tidal.cli.verdict_files import write_verdict
from tidal.launch import launch

if TYPE_CHECKING:
    from tidal.cli.wanted import Wanted
    from tidal.launch import LaunchSpec


def run_headless(spec: LaunchSpec, json_file: str | None, files: Wanted | None = None) -> int:
    """Open the run that the spec describes and stay with it; its exit code. `files` are written at its end."""
    out = lines_to(json_file)
    launched = launch(spec)
    print(f"run {launched.run}  {Path(spec.file).name}  (tidal attach {launched.run})", file=out, flush=True)
    with session(launched.redis_url, launched.run, launched.supervisor_pid) as followed:
        frame = followed.follow(out)
    code = finish(frame, json_file)
    if files is not None:
        write_verdict(frame, files.junit, files.summary)
    if files is not None and files.is_any:
        from tidal.cli.locust_files import write_all

        write_all(launched.run, files)
    return code
