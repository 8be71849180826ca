"""Locust's options to a launch: what each means for a run of tidal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tidal.cli.amounts import SPAN_MAX_MS
from tidal.cli.flags import REDIS_URL, SIGN_WITH, redis_url
from tidal.cli.locust_exit import BAD_COMBINATION, leave
from tidal.cli.request import class_settings, key_file, told
from tidal.errors import UsageError
from tidal.launch import LaunchSpec
from tidal.model.events import RunOptions
from tidal.operator import author
from tidal.options.flags import defaults

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

TOLD = (
    "autoquit",
    "autostart",
    "class_picker",
    "csv_prefix",
    "equal_weights",
    "html_file",
    "json",
    "json_file",
    "logfile",
    "only_summary",
    "print_stats",
    "processes",
    "skip_log_setup",
    "stats_history_enabled",
)
"""Options that concern this terminal alone, but that user code may read in `parsed_options`."""
WEB = {
    "web_host": "--web-host",
    "web_port": "--web-port",
    "web_host_display_name": "--web-host-display-name",
    "web_base_path": "--web-base-path",
    "web_login": "--web-login",
    "tls_cert": "--tls-cert",
    "tls_key": "--tls-key",
    "class_picker": "--class-picker",
    "build_path": "--build-path",
}
ADDRESSES = {
    "master_bind_host": "--master-bind-host",
    "master_bind_port": "--master-bind-port",
    "master_host": "--master-host",
    "master_port": "--master-port",
}


def check_roles(args: argparse.Namespace) -> None:
    """Refuse what does not go together, with Locust's words and codes."""
    if args.autoquit != -1 and not args.autostart:
        leave("--autoquit is only meaningful in combination with --autostart", 1)
    if args.processes is not None and args.processes < -1:
        leave(f"Invalid --processes count {args.processes}", 1)
    if args.processes and args.master:
        leave("--master cannot be combined with --processes: with workers elsewhere, give --processes to them", 1)
    if args.master and args.worker:
        leave("The --master argument cannot be combined with --worker", BAD_COMBINATION)


def fleet_redis(args: argparse.Namespace) -> str | None:
    """The Redis where master and workers meet; None for a run of this machine alone."""
    if not (args.master or args.worker):
        return redis_url(args, of_environment=False)
    url = redis_url(args)
    if url is None:
        flag = "--master" if args.master else "--worker"
        raise UsageError(
            f"{flag}: master and workers meet at a Redis, not at the master's port:"
            f" give all of them --redis redis://HOST or {REDIS_URL}"
        )
    return url


def launch_spec(args: argparse.Namespace) -> LaunchSpec:
    """Everything that a supervisor needs to open the run."""
    first, *more = args.files
    return LaunchSpec(
        file=str(first),
        more_files=tuple(map(str, more)),
        words=args.own_words,
        options=run_options(args),
        fleet=getattr(args, "fleet", None) or "default",
        redis_url=fleet_redis(args),
        processes=generators(args.processes),
        ship=shipped(getattr(args, "ship", None) or ()),
        author=author(),
        sign_with=key_file(os.environ.get(SIGN_WITH), SIGN_WITH),
        heeded=args.heeded,
    )


def shipped(names: Iterable[str]) -> tuple[str, ...]:
    """The absolute paths of `--ship`."""
    from tidal.paths import whole

    return tuple(str(whole(name)) for name in names)


def generators(processes: int | None) -> int:
    """How many generators: one, as Locust has one process, unless --processes says otherwise (0: one per core)."""
    return 0 if processes == -1 else processes or 1


def run_options(args: argparse.Namespace) -> RunOptions:
    """The run's options; what was not said is as in Locust."""
    wait_s = args.expect_workers_max_wait
    return RunOptions(
        users=1 if args.num_users is None else args.num_users,
        spawn_rate=1.0 if args.spawn_rate is None else args.spawn_rate,
        run_time_ms=args.run_time * 1000 if args.run_time else None,
        host=args.host or "",
        classes=tuple(dict.fromkeys(args.user_classes)),
        stop_timeout_ms=args.stop_timeout * 1000,
        expect_workers=args.expect_workers if args.master else 1,
        expect_workers_max_wait_ms=wait_s * 1000 if wait_s > 0 and args.master else _patience_ms(args),
        arguments=told(args, TOLD),
        tags=tuple(args.tags or ()),
        exclude_tags=tuple(args.exclude_tags or ()),
        class_settings=class_settings(args.config_users, equal_weights=args.equal_weights),
        reset_stats=args.reset_stats,
        exit_code_on_error=args.exit_code_on_error,
        exit_by_verdict=False,  # Locust has no verdict: it is printed
        log_level=args.loglevel,
        use_otel=args.otel,
        profile=args.profile or "",
        restart_users=False,  # as in Locust: a user that stops itself is gone
    )


def _patience_ms(args: argparse.Namespace) -> int:
    """How long a start may wait for workers: for ever, as in Locust, when they come from elsewhere."""
    return SPAN_MAX_MS if args.master else RunOptions().expect_workers_max_wait_ms


def said_flags(args: argparse.Namespace, among: dict[str, str]) -> list[str]:
    """Which of these flags were given another value than they have by default."""
    usual = defaults()
    return [flag for name, flag in among.items() if getattr(args, name) != usual[name]]
