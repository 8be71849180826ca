"""Flags to a launch: which file, which options, where."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.cli.flags import REDIS_URL, redis_url
from tidal.cli.planflags import NO_PLAN
from tidal.cli.verdict_files import summary_file
from tidal.cli.wanted import Wanted
from tidal.errors import NoSuchFile, UsageError
from tidal.launch import LaunchSpec
from tidal.model.events import RunOptions
from tidal.model.thresholds_read import canonical
from tidal.operator import author
from tidal.paths import whole

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from tidal.model.planning import Typed

DEFAULT_FILE = "locustfile.py"


def locustfile(given: str | None) -> Path:
    """The absolute path of the locustfile; NoSuchFile with near names otherwise."""
    path = whole(given or DEFAULT_FILE)
    if not is_text(str(path)):
        raise UsageError(f"{shown(path)}: a name in it is no UTF-8 text here; rename it, or try LANG=C.UTF-8")
    if path.is_file():
        if not os.access(path, os.R_OK):
            raise NoSuchFile(f"cannot read {given or path}: it is not allowed")
        return path
    if given is None:
        raise NoSuchFile(f"no {DEFAULT_FILE} in {path.parent}: name one with -f FILE")
    if path.is_dir():
        raise NoSuchFile(f"{given} is a folder: name a file in it")
    there = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
    near = get_close_matches(path.name, there, 3, 0.5)
    raise NoSuchFile(f"no file {given}" + (f"; near ones: {', '.join(near)}" if near else ""))


def is_text(name: str) -> bool:
    """Whether a name can travel: one that the system does not decode has surrogates in place of its odd bytes."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def shown(path: Path) -> str:
    """A path as text, with a mark for each byte that is none."""
    return os.fsencode(path).decode("utf8", errors="replace")


def locustfiles(given: str | None) -> list[Path]:
    """The absolute paths of the locustfiles: a file, several with commas between, all of a folder, or a URL's."""
    from tidal.options import files

    words = [word.strip() for word in (given or "").split(",") if word.strip()]
    if given is not None and not words:
        raise UsageError("-f is empty: name a locustfile, or leave the flag away")
    found: dict[Path, None] = {}
    for word in words:
        is_plain = not files.is_url(word) and not Path(word).expanduser().is_dir()
        found |= dict.fromkeys([locustfile(word)] if is_plain else files.locustfiles(word))
    return list(found) or [locustfile(None)]


def files_at_end(args: argparse.Namespace) -> Wanted:
    """The files that are written when the run is over."""
    if args.stats_history_enabled and not args.csv_prefix:
        raise UsageError("--csv-full-history requires --csv")
    junit, summary = getattr(args, "junit", None), summary_file(getattr(args, "summary", None))
    return Wanted(args.csv_prefix, args.stats_history_enabled, args.html_file, junit=junit, summary=summary)


def key_file(given: str | None, flag: str) -> str:
    """The absolute path of a key, "" for none; UsageError for a file that holds no key."""
    from tidal.signing import key_in

    if not given:
        return ""
    key_in(given, flag)
    return str(whole(given))


def default_file() -> str:
    """The locustfile of the working folder, "" when there is none: a form can ask."""
    path = Path(DEFAULT_FILE).absolute()
    return str(path) if path.is_file() else ""


def required_redis(args: argparse.Namespace, who: str) -> str:
    """The Redis URL; UsageError for none."""
    url = redis_url(args)
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
        run_time_ms=args.run_time,
        host=args.host or "",
        classes=tuple(args.classes),
        stop_timeout_ms=default.stop_timeout_ms if stop_timeout_ms is None else stop_timeout_ms,
        expect_workers=args.expect_workers,
        expect_workers_max_wait_ms=args.expect_workers_max_wait,
        keep_running=args.keep_running,
        masterless_timeout_ms=args.masterless_timeout,
        isolation_timeout_ms=args.isolation_timeout,
        log_budget_bytes=args.log_budget,
        tags=tuple(args.tags or ()),
        exclude_tags=tuple(args.exclude_tags or ()),
        reset_stats=args.reset_stats,
        exit_code_on_error=args.exit_code_on_error,
        allow_suspect=args.allow_suspect,
        log_level=args.loglevel,
        log_lines=args.log_lines,
        thresholds=canonical(args.thresholds),
        arguments=told(args, ("csv_prefix", "html_file", "stats_history_enabled")),
        class_settings=class_settings(args.config_users, equal_weights=False),
        spacing=args.spacing,
        seed=args.seed,
        max_in_flight=args.max_in_flight,
        fresh_users=args.fresh_users,
        **load_options(args.users, args.spawn_rate, args.plan),
        **_iterations(args),
    )


def load_options(users: int | None, spawn_rate: float | None, plans: Typed) -> dict[str, Any]:
    """How much load: users and a spawn rate, or plans; None and no plan stand for what was not said.

    Raises:
        UsageError: both were said.
    """
    plan = tuple(pair for pair in plans if pair != ("", NO_PLAN))
    said = users is not None or spawn_rate is not None
    if plan and said:
        raise UsageError(
            "--plan says how many users there are: leave --users and --spawn-rate out"
            " (--plan none leaves out what a config file says)"
        )
    default = RunOptions()
    return {
        "users": default.users if users is None else users,
        "spawn_rate": default.spawn_rate if spawn_rate is None else spawn_rate,
        "plan": plan,
        "takes_plan": not said and len(plan) == len(plans),
    }


def class_settings(
    configs: Sequence[Sequence[dict[str, Any]]] | None, *, equal_weights: bool
) -> tuple[tuple[str, str], ...]:
    """`--config-users` and `--equal-weights`, by class; the class "" means all."""
    found: dict[str, dict[str, Any]] = {}
    for config in (config for word in configs or () for config in word):
        values = {name: value for name, value in config.items() if name != "user_class_name"}
        found.setdefault(config["user_class_name"], {}).update(values)
    settings = [(name, json.dumps(values)) for name, values in found.items()]
    return (*settings, *([("", json.dumps({"equal_weights": True}))] if equal_weights else []))


def _iterations(args: argparse.Namespace) -> dict[str, Any]:
    """How much work there is."""
    if args.iterations and args.iterations_per_user:
        raise UsageError("--iterations counts those of all users, --iterations-per-user those of each: say one of them")
    if args.redo_unknown and not (args.iterations or args.iterations_per_user):
        raise UsageError("--redo-unknown goes with --iterations or --iterations-per-user")
    return {
        "iterations": args.iterations,
        "iterations_per_user": args.iterations_per_user,
        "redo_unknown": args.redo_unknown,
    }


def told(args: argparse.Namespace, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What `parsed_options` says of the terminal's own options, as far as it differs from what they are by default."""
    given = ((name, getattr(args, name, None)) for name in names)
    return tuple((name, json.dumps(value)) for name, value in given if value not in (None, False, -1))


def launch_spec(args: argparse.Namespace, files: Sequence[Path | str], run: str = "") -> LaunchSpec:
    """Everything that a supervisor or a master needs to open the run."""
    first, *more = files or [""]
    return LaunchSpec(
        file=str(first),
        more_files=tuple(map(str, more)),
        words=args.own_words,
        options=run_options(args),
        fleet=args.fleet,
        redis_url=redis_url(args),
        processes=getattr(args, "processes", 0),
        ship=tuple(str(whole(name)) for name in args.ship),
        author=author(),
        run=run,
        sign_with=key_file(args.sign_with, "--sign-with"),
    )
