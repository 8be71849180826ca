"""Flags that subcommands share, in groups, and the readers of their values."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tidal import address
from tidal.cli import amounts
from tidal.cli.streams import STDOUT
from tidal.errors import UsageError
from tidal.model.struct import replace
from tidal.model.thresholds_read import BadThreshold, thresholds_of
from tidal.options.kinds import user_config

REDIS_URL = address.URL
SIGN_WITH, ACCEPT_SIGNED_BY = "TIDAL_SIGN_WITH", "TIDAL_ACCEPT_SIGNED_BY"
REDIS_FILES = {
    "--redis-password-file": f"a file whose first line is the password, also from {address.PASSWORD_FILE}",
    "--redis-ca": "the CA that signed the certificate of a rediss://, also from TIDAL_REDIS_CA (PEM)",
    "--redis-cert": "a client certificate, where the Redis asks for one, also from TIDAL_REDIS_CERT (PEM)",
    "--redis-key": "its key, also from TIDAL_REDIS_KEY (PEM)",
}
SEEN_BY_ALL = f"""\
tidal: everybody on this machine can see the password in --redis (ps): rather give the URL without it, and
  {address.PASSWORD}, or --redis-password-file FILE, or the whole URL in {REDIS_URL}"""
NEEDED = "none: it must be said"
Taker = argparse._ActionsContainer  # noqa: SLF001 - argparse has no public name for what parsers and groups share
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def add_file(parser: argparse.ArgumentParser) -> None:
    """-f/--locustfile, and --config."""
    parser.add_argument(
        "-f",
        "--locustfile",
        metavar="FILE",
        help="the locustfile; several with commas between, a folder or a URL (default: ./locustfile.py)",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="one more config file as Locust's, .conf or .toml, for flags that are not said"
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    """How much load, for how long, against what."""
    group = parser.add_argument_group("load")
    group.add_argument("-u", "--users", type=amounts.user_count, metavar="N", help="how many users (default: 1)")
    group.add_argument(
        "-r", "--spawn-rate", type=amounts.spawn_rate, metavar="RATE", help="users that start in a second (default: 1)"
    )
    group.add_argument(
        "-t",
        "--run-time",
        type=amounts.positive_span_ms,
        metavar="SPAN",
        help="how long: 20, 20s, 3m, 1h20m (default: until stopped)",
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Where to and with whom."""
    group = parser.add_argument_group("target")
    group.add_argument("-H", "--host", metavar="URL", help="where the load goes, instead of the classes' own hosts")
    group.add_argument(
        "-s",
        "--stop-timeout",
        type=amounts.span_ms,
        metavar="SPAN",
        help="how long a task in flight may go on after a stop (default: 5s)",
    )
    group.add_argument(
        "--config-users",
        type=user_config,
        action="extend",
        nargs="*",
        metavar="JSON",
        help="attributes of user classes, as JSON or a file of it, such as"
        ' \'{"user_class_name": "Shopper", "weight": 3}\'; "fixed_count" says exactly how many',
    )
    group.add_argument("classes", nargs="*", metavar="CLASS", help="user classes to run (default: all of the file)")


def exit_code(text: str) -> int:
    """A code that a process can end with."""
    if not text.isascii() or not text.isdigit() or int(text) > 255:
        raise argparse.ArgumentTypeError(f"{text!r} is not an exit code from 0 to 255")
    return int(text)


def add_meaning(parser: argparse.ArgumentParser) -> None:
    """Which tasks there are, what counts, and what user code logs."""
    group = parser.add_argument_group("tasks and results")
    group.add_argument("-T", "--tags", nargs="*", metavar="TAG", help="only tasks with one of these tags")
    group.add_argument("-E", "--exclude-tags", nargs="*", metavar="TAG", help="no task with one of these tags")
    group.add_argument(
        "--reset-stats", action="store_true", help="count from the moment at which all users were started"
    )
    group.add_argument(
        "--exit-code-on-error",
        type=exit_code,
        default=1,
        metavar="N",
        help="the exit code when anything failed (default: 1)",
    )
    group.add_argument(
        "--allow-suspect",
        action="store_true",
        help="a suspect verdict does not change the exit code; an invalid one always does",
    )
    add_loglevel(group, "INFO")
    group.add_argument(
        "--log-lines",
        type=str.upper,
        choices=(*LEVELS, "OFF"),
        default="WARNING",
        metavar="LEVEL",
        help="from this level on lines of the file's logging go into the run's log, INFO with what it prints; OFF: none"
        " (default: WARNING)",
    )


def add_loglevel(parser: Taker, default: str) -> None:
    """-L/--loglevel."""
    parser.add_argument(
        "-L",
        "--loglevel",
        type=str.upper,
        choices=LEVELS,
        default=default,
        metavar="LEVEL",
        help=f"of the file's own logging: DEBUG, INFO, WARNING, ERROR or CRITICAL (default: {default})",
    )


def place(text: str) -> str:
    """A file that will be written, - for standard output: what is in its way is told before anything begins."""
    folder = Path(text).expanduser().parent
    if text != STDOUT and not folder.is_dir():
        raise argparse.ArgumentTypeError(f"cannot write {text}: there is no folder {folder}")
    return text if text == STDOUT else place_with_folders(text)


def place_with_folders(text: str) -> str:
    """A file that will be written, with the folders that it lies in."""
    if not text:
        raise argparse.ArgumentTypeError("a file needs a name")
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"cannot write {text}: it is a folder")
    there = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise argparse.ArgumentTypeError(f"cannot write {text}: it is not allowed")
    return text


def prefix(text: str) -> str:
    """What the names of files begin with."""
    if not text:
        raise argparse.ArgumentTypeError("the files need a name to begin with")
    place_with_folders(f"{text}_stats.csv")
    return text


def threshold(text: str) -> str:
    """A threshold, or several with `and` between."""
    try:
        thresholds_of(text)
    except BadThreshold as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def add_thresholds(parser: argparse.ArgumentParser) -> None:
    """--threshold, --abort-on."""
    kept_to = "what the run has to keep to, such as 'p95<300ms' or 'fail%% > 1 within 30s'; may be said again"
    _add_thresholds(parser, kept_to, "the same, and the run is stopped as soon as it is not kept to")


def add_judged(parser: argparse.ArgumentParser) -> None:
    """The same flags for a run that is over."""
    _add_thresholds(parser, "the same as an EXPR, as tidal run has it", "the same for one that would have stopped it")


def _add_thresholds(parser: argparse.ArgumentParser, kept_to: str, aborts: str) -> None:
    group = parser.add_argument_group("thresholds")
    common: dict[str, Any] = {"action": "append", "default": [], "dest": "thresholds", "metavar": "EXPR"}
    group.add_argument("--threshold", "--fail-on", type=threshold, help=kept_to, **common)
    group.add_argument("--abort-on", type=aborting, help=aborts, **common)


def aborting(text: str) -> str:
    """A threshold that stops the run, or several with `and` between."""
    found = thresholds_of(threshold(text))
    return threshold(str(replace(found[0], aborts=True)) if len(found) == 1 else f"abort: {text}")


def add_verdict_files(parser: argparse.ArgumentParser) -> None:
    """--junit, --summary."""
    parser.add_argument(
        "--junit", type=place, metavar="FILE", help="write thresholds and verdict as JUnit XML; - is standard output"
    )
    parser.add_argument(
        "--summary",
        type=place,
        metavar="FILE",
        nargs="?",
        const="",
        help="add a Markdown summary to FILE (default: what GITHUB_STEP_SUMMARY names)",
    )


def add_files(parser: argparse.ArgumentParser) -> None:
    """--csv and --html, of a run that this terminal sees to its end."""
    parser.add_argument(
        "--csv", type=prefix, metavar="PREFIX", dest="csv_prefix", help="write Locust's CSV files at the end"
    )
    parser.add_argument(
        "--csv-full-history",
        action="store_true",
        dest="stats_history_enabled",
        help="with --csv: every endpoint in the history file",
    )
    parser.add_argument(
        "--html", type=place_with_folders, metavar="FILE", dest="html_file", help="write a report at the end"
    )


def add_redis(parser: Taker, without: str) -> None:
    """--redis; `without` says what happens when there is none."""
    parser.add_argument(
        "--redis", metavar="URL", help=f"the Redis of the fleet, also from {REDIS_URL} (default: {without})"
    )
    for flag, said in REDIS_FILES.items():
        parser.add_argument(flag, metavar="FILE", help=said)


def add_fleet(parser: Taker) -> None:
    """--fleet."""
    parser.add_argument(
        "--fleet", default="default", metavar="NAME", help="workers that share a name (default: %(default)s)"
    )


def add_processes(parser: Taker) -> None:
    """--processes."""
    parser.add_argument(
        "--processes",
        type=amounts.process_count,
        default=0,
        metavar="N",
        help="generators on this machine (default: one per core)",
    )


def add_distribution(parser: argparse.ArgumentParser, *, local: bool = True) -> None:
    """Everything about Redis, workers and what happens when one is missing; `local`: a worker here may be meant."""
    group = parser.add_argument_group("distribution")
    add_redis(group, "a server of its own and a local worker" if local else NEEDED)
    add_fleet(group)
    if local:
        add_processes(group)
    group.add_argument(
        "--expect-workers",
        type=amounts.user_count,
        default=1,
        metavar="N",
        help="start when N workers are ready (default: 1)",
    )
    group.add_argument(
        "--expect-workers-max-wait",
        type=amounts.span_ms,
        default=60_000,
        metavar="SPAN",
        help="give up when they are not there by then (default: 1m)",
    )
    group.add_argument(
        "--ship", action="append", default=[], metavar="FILE", help="one more file that the locustfile needs"
    )
    group.add_argument(
        "--sign-with",
        metavar="FILE",
        default=os.environ.get(SIGN_WITH),
        help=f"sign the run with this key, for workers that ask for it, also from {SIGN_WITH}",
    )
    group.add_argument("--keep-running", action="store_true", help="go on without an end and without a viewer")
    group.add_argument(
        "--masterless-timeout",
        type=amounts.span_ms,
        default=600_000,
        metavar="SPAN",
        help="an endless load stops when no master was there for so long (default: 10m)",
    )
    group.add_argument(
        "--isolation-timeout",
        type=amounts.span_ms,
        default=60_000,
        metavar="SPAN",
        help="a worker cut off from Redis goes on for so long (default: 1m)",
    )
    group.add_argument(
        "--log-budget",
        type=amounts.size_bytes,
        default=512 << 20,
        metavar="SIZE",
        help="above this what is in the archive is trimmed from Redis (default: 512MB)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json FILE|-."""
    parser.add_argument(
        "--json",
        type=place,
        metavar="FILE",
        nargs="?",
        const="-",
        help="write the final figures as JSON; without a FILE, or with -, to standard output: tables then go to stderr",
    )


def add_headless(parser: argparse.ArgumentParser) -> None:
    """--headless."""
    parser.add_argument("--headless", action="store_true", help="no screen, even in a terminal")


def add_screen(parser: argparse.ArgumentParser, *, serves: bool = True) -> None:
    """--theme, --charts, --serve."""
    group = parser.add_argument_group("screen")
    group.add_argument(
        "--theme", metavar="NAME", help="its colours: tidal, tidal-light, tidal-contrast, ansi-dark, ansi-light, nord …"
    )
    if serves:
        group.add_argument(
            "--serve",
            nargs="?",
            const="",
            metavar="HOST:PORT",
            help="show it in a browser instead; on loopback unless a HOST is named, and then with a token "
            "(needs textual-serve; default: 127.0.0.1:8090)",
        )
    group.add_argument("--charts", choices=["braille", "block", "ascii"], help="what charts are drawn with")


def add_run(parser: argparse.ArgumentParser) -> None:
    """RUN: the run that is meant."""
    parser.add_argument(
        "run", nargs="?", default="latest", metavar="RUN", help="the run's id or a part of it (default: latest)"
    )


def add_recording(parser: argparse.ArgumentParser) -> None:
    """RUN|FILE: the recording that is meant."""
    parser.add_argument(
        "run",
        nargs="?",
        default="latest",
        metavar="RUN|FILE",
        help="the run's id, a part of it or its name, latest~1 for the last but one, or an archive's path"
        " (default: latest)",
    )


def redis_url(args: argparse.Namespace, *, of_environment: bool = True) -> str | None:
    """The whole Redis URL, from the flags or the environment; None for neither. A visible password is warned of once.

    Raises:
        UsageError: the URL will not do, or a file that is named beside it.
    """
    if not hasattr(args, "whole_redis_url"):
        args.whole_redis_url = _whole_url(args, os.environ.get(REDIS_URL) if of_environment else None)
    url: str | None = args.whole_redis_url
    return url


def _whole_url(args: argparse.Namespace, of_environment: str | None) -> str | None:
    given = getattr(args, "redis", None)
    beside = {flag: getattr(args, flag.lstrip("-").replace("-", "_"), None) for flag in REDIS_FILES}
    if given == "":
        raise UsageError("--redis is empty: name a Redis, or leave the flag away")
    url = given or of_environment
    if not url:
        if said := [flag for flag, value in beside.items() if value]:
            raise UsageError(f"{said[0]} needs a Redis to go to: --redis URL, or {REDIS_URL}")
        return None
    whole = address.whole(url, os.environ, beside)
    if given and address.has_password(given) and any(given in word for word in sys.argv):  # not from a config file
        print(SEEN_BY_ALL, file=sys.stderr)
    return whole


def starts_at_once(args: argparse.Namespace) -> bool:
    """Whether the load was said on the command line, so that no form needs to ask."""
    said = any(getattr(args, name, None) is not None for name in ("users", "spawn_rate", "run_time", "host"))
    return said or bool(getattr(args, "plan", ()))
