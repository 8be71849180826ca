"""The terminal's app around a run: started by a form, launched at once, or attached to; and what is said after it."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from tidal.cli.console import finish, is_in_browser, is_terminal, write_json
from tidal.cli.desk import Desk
from tidal.cli.find import to_follow
from tidal.cli.remember import app_of, config_path, settings_of
from tidal.cli.rewound import Rewindable, past_of
from tidal.cli.session import Session, open_session, session
from tidal.cli.streams import lines_to
from tidal.cli.terminal import end_as_told, end_with_terminal, show
from tidal.cli.verdict_files import summary_file, write_at_end
from tidal.cli.wanted import Wanted
from tidal.errors import TerminalUnfit, TidalError
from tidal.keys import RunKeys
from tidal.launch import launch, stopped_by_ctrl_c
from tidal.model.events import WantStop
from tidal.outputs.layout import shorten

if TYPE_CHECKING:
    import argparse

    from tidal.launch import LaunchSpec
    from tidal.model.rows import Frame
    from tidal.tui.app import TidalApp
    from tidal.tui.feed import Feed, Operator


LEAST = (60, 16)
"""Columns and lines of the smallest terminal that the screens fit into."""
END_S = 15.0
"""The stop timeout and some: how long a run that is being stopped is waited for."""


def form(
    spec: LaunchSpec, json_file: str | None, *, files: Wanted | None = None, args: argparse.Namespace | None = None
) -> int:
    """Ask for the load on a form, then show the run; `files` are written when it is over."""
    desk = Desk(spec, opened)
    try:
        return _show(app_of(args, desk=desk), json_file, files=files)
    finally:
        desk.close()


def opened(spec: LaunchSpec) -> tuple[Feed, Operator]:
    """Launch a run: how to watch and steer it."""
    begun = launch(spec)
    found = open_session(begun.redis_url, begun.run, begun.supervisor_pid)
    return _rewindable(found, begun.redis_url), found.operator


def _rewindable(opened: Session, url: str) -> Rewindable:
    return Rewindable(opened.feed, lambda: past_of(url, RunKeys(opened.run)))


def _check_room() -> None:
    """Refuse to start a load that nobody could see."""
    if is_in_browser():
        return
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if 0 < columns < LEAST[0] or 0 < lines < LEAST[1]:
        least = f"{LEAST[0]}x{LEAST[1]}"
        raise TerminalUnfit(f"the terminal is {columns}x{lines}; enlarge it to {least}, or use: tidal run")


def launched(
    spec: LaunchSpec,
    json_file: str | None,
    *,
    may_outlive: bool = True,
    files: Wanted | None = None,
    args: argparse.Namespace | None = None,
) -> int:
    """Open the run and show it; unless it may outlive the terminal it ends with it."""
    _check_room()
    settings_of(config_path())  # a mistake in it is told before any load begins
    begun = launch(spec)
    with stopped_by_ctrl_c(begun.run):
        if not may_outlive:
            end_with_terminal(begun.run)
        opened = open_session(begun.redis_url, begun.run, begun.supervisor_pid)
        app = app_of(args, _rewindable(opened, begun.redis_url), opened.operator, outlives=may_outlive)
    return _show(app, json_file, may_outlive=may_outlive, files=files)


def _end_run(app: TidalApp) -> None:
    """Stop the run that was left and wait for its end: what it loads is about to go."""
    frame = app.feed.frame() if app.feed is not None else None
    if frame is None or frame.run.exit_code is not None or app.feed is None or app.operator is None:
        return
    print("the shop closes with its demo: stopping the run …", flush=True)
    app.operator.want(WantStop("the demo ended"))
    pause, until_s = threading.Event(), time.monotonic() + END_S
    while frame is not None and frame.run.exit_code is None and time.monotonic() < until_s:
        pause.wait(0.1)
        frame = app.feed.frame()


def attach(args: argparse.Namespace, *, may_steer: bool) -> int:
    """Show a run that is there already, on a screen or on plain lines."""
    files = Wanted(junit=args.junit, summary=summary_file(args.summary))
    found = to_follow(args)
    with session(found.url, found.run, found.supervisor_pid, may_stop=may_steer) as followed:
        if args.headless or not is_terminal():
            frame = followed.follow(lines_to(args.json))
            code = finish(frame, args.json)
            if frame.run.exit_code is not None:
                write_at_end(frame, files)
            return code
        feed, operator = _rewindable(followed, found.url), followed.operator if may_steer else None
        app = app_of(args, feed, operator, read_only=not may_steer)
        return _show(app, args.json, files=files)


def _show(app: TidalApp, json_file: str | None, *, may_outlive: bool = True, files: Wanted | None = None) -> int:
    """Run the app; then, on the screen that was there before, say how it went."""
    try:
        outcome = show(app)
        if is_in_browser():  # what comes out now would be taken for a picture
            sys.stdout = sys.stderr
        if app.feed is None:
            return app.return_code or 0
        if isinstance(app.feed, Rewindable):
            app.feed.return_to_now()
        if not may_outlive:
            _end_run(app)
        frame = app.feed.frame()
        code = _afterwards(frame, outcome, json_file, app.return_code or 0)
        if files is not None and frame is not None and frame.run.exit_code is not None:
            write_at_end(frame, files)
        return code
    finally:
        if app.feed is not None:
            app.feed.close()
        sys.stdout.flush()
        end_as_told(app)


def _afterwards(frame: Frame | None, outcome: str | None, json_file: str | None, return_code: int) -> int:
    """The summary of a run that is over, a pointer to one that goes on."""
    if frame is None:
        return return_code
    if outcome is None:  # the app died: the run does not care
        print("the screen ended, the run did not: please report it", file=sys.stderr)
    if frame.run.exit_code is not None:
        code = finish(frame, json_file)
        return code if outcome is not None else TidalError.exit_code
    write_json(frame, json_file)
    name = shorten(frame.run.run)
    print(f"run {name} goes on; come back: tidal attach {name}, end it: tidal stop {name}", file=lines_to(json_file))
    return return_code
