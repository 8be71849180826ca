"""What `tidal locust` does: list the classes, print their ratios, serve a fleet, or run the load."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tidal.cli.locust_exit import leave
from tidal.cli.locust_spec import (
    ADDRESSES,
    WEB,
    check_roles,
    fleet_redis,
    generators,
    launch_spec,
    said_flags,
)
from tidal.cli.request import class_settings
from tidal.errors import NoUserClass, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

NO_WEB = "tidal has no web interface"
INSTEAD = "a run is shown on this terminal, and on any other by `tidal attach`"


def list_classes(files: Sequence[Path]) -> int:
    """--list: the user classes, as Locust prints them."""
    from tidal.cli.own import described

    try:
        names = [cls.name for cls in described(files).classes]
    except NoUserClass:
        names = []
    print("\n".join(["Available Users:", *(f"    {name}" for name in names)]))
    return 0


def show_ratio(args: argparse.Namespace) -> int:
    """--show-task-ratio(-json): a child imports the files and prints."""
    from tidal.lodging import here
    from tidal.model.codec import pack_message
    from tidal.model.events import RunOptions
    from tidal.model.pipe import Load
    from tidal.opening import shipped_root
    from tidal.process import python_argv

    root = shipped_root(*args.files)
    file, *more = (path.relative_to(root).as_posix() for path in args.files)
    settings = class_settings(args.config_users, equal_weights=False)
    options = RunOptions(classes=tuple(args.user_classes), class_settings=settings)
    order = Load(str(root), file, options, side="ratio", more_files=tuple(more), cwd=here())
    form = "json" if args.show_task_ratio_json and not args.show_task_ratio else "table"
    users = [str(args.num_users)] if args.num_users else []
    sys.stdout.flush()
    argv = python_argv("tidal.generator.ratio", form, *users)
    return subprocess.run(argv, input=pack_message(order), check=False).returncode


def start(args: argparse.Namespace) -> int:
    """The load, with a screen or without; or a worker's service."""
    check_roles(args)
    if args.worker:
        return _serve(args)
    spec = launch_spec(args)
    if spec.redis_url:
        _name_addresses(args)
    if args.headless or not _wants_screen(args):
        from tidal.cli.locust_console import run_headless

        return run_headless(spec, args)
    from tidal.cli import screen
    from tidal.cli.locust_files import wanted

    show = screen.launched if args.autostart else screen.form
    return show(spec, None, files=wanted(args))


def _wants_screen(args: argparse.Namespace) -> bool:
    """Without --headless: a screen where there is a terminal; --autostart goes without one, too."""
    from tidal.cli.console import is_terminal

    if flags := said_flags(args, WEB):
        print(f"tidal: {', '.join(flags)}: {NO_WEB}; {INSTEAD}", file=sys.stderr)
    if args.autostart and (args.autoquit != -1 or not is_terminal()):
        return False
    if not is_terminal():
        raise UsageError(f"{NO_WEB}, and no terminal is here to show the run: add --headless (or --autostart)")
    return True


def _name_addresses(args: argparse.Namespace) -> None:
    """Nobody listens on Locust's ports here: say so to whoever names one."""
    if flags := said_flags(args, ADDRESSES):
        print(f"tidal: {', '.join(flags)}: not used, master and workers meet at the Redis", file=sys.stderr)


def _serve(args: argparse.Namespace) -> int:
    """--worker: serve one run of the fleet, then leave, as Locust's worker leaves with its master."""
    from tidal.service import WorkerSpec
    from tidal.worker import serve

    url = fleet_redis(args)
    _name_addresses(args)
    if len(args.files) > 1:
        leave("--worker takes one locustfile of its own; leave -f away, and it gets the master's", 2)
    spec = WorkerSpec(
        redis_url=url,
        fleet=getattr(args, "fleet", None) or "default",
        processes=generators(args.processes),
        file=str(args.files[0]) if args.files else "",
        once=True,
    )
    return serve(spec)
