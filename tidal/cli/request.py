"""Flags to a launch: which file, which options, where."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli.flags import REDIS_URL, redis_url
from tidal.errors import NoSuchFile, UsageError
from tidal.launch import LaunchSpec
from tidal.model.events import RunOptions
from tidal.operator import author

if TYPE_CHECKING:
    import argparse

DEFAULT_FILE = "locustfile.py"


def locustfile(given: str | None) -> Path:
    """The absolute path of the locustfile; NoSuchFile with near names otherwise."""
    path = Path(given or DEFAULT_FILE).expanduser().absolute()
    if path.is_file():
        return path
    if given is None:
        raise NoSuchFile(f"no {DEFAULT_FILE} in {path.parent}: name one with -f FILE")
    if path.is_dir():
        raise NoSuchFile(f"{given} is a folder: name a file in it")
    there = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
    near = get_close_matches(path.name, there, 3, 0.5)
    raise NoSuchFile(f"no file {given}" + (f"; near ones: {', '.join(near)}" if near else ""))


def default_file() -> str:
    """The locustfile of the working folder, "" when there is none: a form can ask."""
    path = Path(DEFAULT_FILE).absolute()
    return str(path) if path.is_file() else ""


def required_redis(given: str | None, who: str) -> str:
    """The Redis URL; UsageError for none."""
    url = redis_url(given)
    if url is None:
        raise UsageError(
            f"a {who} needs the Redis of its fleet: --redis redis://HOST or {REDIS_URL} in the environment"
        )
    return url


def run_options(args: argparse.Namespace) -> RunOptions:
    """The run's options; what was not said stays at its default."""
    default = RunOptions()
    stop_timeout_ms = getattr(args, "stop_timeout", None)
    return RunOptions(
        users=default.users if args.users is None else args.users,
        spawn_rate=default.spawn_rate if args.spawn_rate is None else args.spawn_rate,
        run_time_ms=args.run_time,
        host=args.host or "",
        classes=tuple(args.classes),
        stop_timeout_ms=default.stop_timeout_ms if stop_timeout_ms is None else stop_timeout_ms,
        expect_workers=args.expect_workers,
        expect_workers_max_wait_ms=args.expect_workers_max_wait,
        keep_running=args.keep_running,
        masterless_timeout_ms=args.masterless_timeout,
        isolation_timeout_ms=args.isolation_timeout,
    )


def launch_spec(args: argparse.Namespace, file: Path | str, run: str = "") -> LaunchSpec:
    """Everything that a supervisor or a master needs to open the run."""
    return LaunchSpec(
        file=str(file),
        options=run_options(args),
        fleet=args.fleet,
        redis_url=redis_url(args.redis),
        processes=getattr(args, "processes", 0),
        ship=tuple(str(Path(name).expanduser().absolute()) for name in args.ship),
        author=author(),
        run=run,
    )
