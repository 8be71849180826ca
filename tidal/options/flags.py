"""Locust's own flags: one entry each, in Locust's groups.

--flag   LOCUST_VARIABLE   type, default   attribute of `parsed_options`
"""

from __future__ import annotations

import argparse
import platform
import re
from typing import TYPE_CHECKING, Any

from tidal import __version__
from tidal.options import DEFAULT_FILES, LOCUST_VERSION
from tidal.options.config import ConfigReader
from tidal.options.kinds import above_zero, positive_integer, timespan, user_config
from tidal.options.parser import LocustArgumentParser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Taker = argparse._ActionsContainer  # noqa: SLF001 - argparse has no public name for what parsers and groups share
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
HIDDEN = argparse.SUPPRESS
USER_CLASSES = "LOCUST_USER_CLASSES"
RENAMED = {
    "--slave": "The --slave parameter has been renamed --worker",
    "--expect-slaves": "The --expect-slaves parameter has been renamed --expect-workers",
    "--web-auth": "The --web-auth parameters has been replaced with --web-login",
    "--legacy-ui": "--legacy-ui is no longer supported, remove the parameter to continue",
}


def empty_parser(
    *,
    add_help: bool = True,
    config_files: Sequence[str] = DEFAULT_FILES,
    kind: type[LocustArgumentParser] = LocustArgumentParser,
    **more: Any,
) -> LocustArgumentParser:
    """A parser that knows `-f` and `--config`, and where config files are."""
    words: dict[str, Any] = {
        "prog": "locust",
        "default_config_files": list(config_files),
        "config_file_parser_class": ConfigReader,
        "add_env_var_help": False,
        "add_config_file_help": False,
        "add_help": add_help,
        **more,
    }
    parser = kind(**words)
    add = _adder(parser)
    add(
        "-f --locustfile",
        "LOCUST_LOCUSTFILE",
        "the test: a file, several with commas between, a folder, a package or a URL (default: %(default)s)",
        metavar="<filename>",
        default="locustfile.py",
    )
    add("--config", None, "one more config file, .conf or .toml", metavar="<filename>", is_config_file_arg=True)
    return parser


def add_flags(parser: LocustArgumentParser, environ: Mapping[str, str]) -> None:
    """Every flag of Locust's but `-f` and `--config`; `environ` may name user classes."""
    parser._optionals.title = "Common options"  # noqa: SLF001 - argparse gives it no other name
    _load(parser)
    web = parser.add_argument_group("Web UI options")
    _web(web)
    _master(parser.add_argument_group("Master options"))
    _worker(parser.add_argument_group("Worker options"))
    _tags(parser.add_argument_group("Tag options"))
    _stats(parser.add_argument_group("Request statistics options"))
    _logging(parser.add_argument_group("Logging options"))
    _other(parser.add_argument_group("Other options"))
    parser.add_argument_group("User classes").add_argument(
        "user_classes",
        nargs="*",
        metavar="<UserClass1 UserClass2>",
        default=environ.get(USER_CLASSES, "").split(),
        help=f"user classes to run, also from {USER_CLASSES} (default: all)",
    )


def defaults() -> dict[str, Any]:
    """What every option is when nothing is said."""
    parser = empty_parser(add_help=False, config_files=())
    add_flags(parser, {})
    return vars(parser.understood([], {})[0])


def _adder(taker: Taker) -> Callable[..., None]:
    """`add("-x --xyz", "LOCUST_XYZ", "help", …)`; without a metavar and a type it is a switch."""

    def add(names: str, variable: str | None, said: str, **more: Any) -> None:
        if "metavar" not in more and "action" not in more:
            more = {"action": "store_true", **more}
        taker.add_argument(*names.split(), help=said, env_var=variable, **more)

    return add


def _load(taker: Taker) -> None:
    add = _adder(taker)
    add("-H --host", "LOCUST_HOST", "where the load goes: https://www.example.com", metavar="<base url>")
    add("-u --users", "LOCUST_USERS", "how many users at most", metavar="<int>", type=int, dest="num_users")
    add("-r --spawn-rate", "LOCUST_SPAWN_RATE", "users that start in a second", metavar="<float>", type=above_zero)
    add(
        "-t --run-time",
        "LOCUST_RUN_TIME",
        "how long: 300s, 20m, 3h, 1h30m (default: until stopped)",
        metavar="<time string>",
        type=timespan,
    )
    add("-l --list", None, "list the user classes and exit", dest="list_commands")
    add(
        "--config-users",
        "LOCUST_CONFIG_USERS",
        "attributes of user classes, as JSON or a file of it",
        metavar="<json>",
        type=user_config,
        nargs="*",
    )


def _web(taker: Taker) -> None:
    add = _adder(taker)
    add("--web-host", "LOCUST_WEB_HOST", "where a web interface would listen", metavar="<ip>", default="")
    add("--web-host-display-name", "LOCUST_WEB_HOST_DISPLAY_NAME", HIDDEN, metavar="<name>")
    add("--web-port -P", "LOCUST_WEB_PORT", "the same: its port", metavar="<port number>", type=int, default=8089)
    add("--headless", "LOCUST_HEADLESS", "no interface: start at once")
    add("--autostart", "LOCUST_AUTOSTART", "start at once, with the interface")
    add(
        "--autoquit",
        "LOCUST_AUTOQUIT",
        "with --autostart: leave so long after the end (default: never)",
        metavar="<seconds>",
        type=int,
        default=-1,
    )
    add("--headful", "LOCUST_HEADFUL", HIDDEN)
    _refused(taker, "--web-auth", "LOCUST_WEB_AUTH", dest="web_auth", metavar="<username:password>", type=str)
    add("--web-login", "LOCUST_WEB_LOGIN", "a web interface with a login page", default=False)
    add("--tls-cert", "LOCUST_TLS_CERT", "a web interface's certificate", metavar="<filename>", default="")
    add("--tls-key", "LOCUST_TLS_KEY", "and its key", metavar="<filename>", default="")
    add("--class-picker", "LOCUST_USERCLASS_PICKER", "choose user classes in the interface", default=False)
    add("--build-path", "LOCUST_BUILD_PATH", HIDDEN, metavar="<folder>", type=str, default="")
    _refused(taker, "--legacy-ui", "LOCUST_LEGACY_UI", default=False, nargs=0)
    add("--web-base-path", "LOCUST_WEB_BASE_PATH", "a web interface's base path", metavar="<path>", default="")


def _master(taker: Taker) -> None:
    add = _adder(taker)
    add("--master", "LOCUST_MODE_MASTER", "lead a run over workers elsewhere")
    add("--master-bind-host", "LOCUST_MASTER_BIND_HOST", "where Locust's master listens", metavar="<ip>", default="*")
    add(
        "--master-bind-port",
        "LOCUST_MASTER_BIND_PORT",
        "and its port",
        metavar="<port number>",
        type=int,
        default=5557,
    )
    add(
        "--expect-workers",
        "LOCUST_EXPECT_WORKERS",
        "start when so many workers are there (default: %(default)s)",
        metavar="<int>",
        type=positive_integer,
        default=1,
    )
    add(
        "--expect-workers-max-wait",
        "LOCUST_EXPECT_WORKERS_MAX_WAIT",
        "give up after so many seconds (default: never)",
        metavar="<int>",
        type=int,
        default=0,
    )
    add("--enable-rebalancing", None, "move users when workers come and go: always so here", default=False)
    _refused(taker, "--expect-slaves", None, nargs=0)


def _worker(taker: Taker) -> None:
    add = _adder(taker)
    add("--worker", "LOCUST_MODE_WORKER", "serve a master elsewhere")
    add("--processes", "LOCUST_PROCESSES", "how many generators; -1: one per core", metavar="<int>", type=int)
    _refused(taker, "--slave", None, nargs=0)
    host = "LOCUST_MASTER_NODE_HOST"
    add("--master-host", host, "where Locust's master is", metavar="<hostname>", default="127.0.0.1")
    port = "LOCUST_MASTER_NODE_PORT"
    add("--master-port", port, "and its port", metavar="<port number>", type=int, default=5557)


def _tags(taker: Taker) -> None:
    add = _adder(taker)
    add("-T --tags", "LOCUST_TAGS", "only tasks with one of these tags", metavar="<tag>", nargs="*")
    add("-E --exclude-tags", "LOCUST_EXCLUDE_TAGS", "no task with one of these tags", metavar="<tag>", nargs="*")


def _stats(taker: Taker) -> None:
    add = _adder(taker)
    add("--csv", "LOCUST_CSV", "write CSV files whose names begin so", metavar="<filename>", dest="csv_prefix")
    add(
        "--csv-full-history",
        "LOCUST_CSV_FULL_HISTORY",
        "with --csv: every endpoint in the history file",
        default=False,
        dest="stats_history_enabled",
    )
    add("--print-stats", "LOCUST_PRINT_STATS", "tables while it runs, also beside an interface")
    add("--only-summary", "LOCUST_ONLY_SUMMARY", "no tables while it runs")
    add("--reset-stats", "LOCUST_RESET_STATS", "count from the moment at which all users were started")
    add(
        "--html",
        "LOCUST_HTML",
        "write a report; {u}, {r} and {t} in its name are users, spawn rate and run time",
        metavar="<filename>",
        dest="html_file",
    )
    add("--json", None, "the final figures as JSON on standard output", default=False)
    add("--json-file", None, "the same into a file; .json is added", metavar="<filename>", dest="json_file")


def _logging(taker: Taker) -> None:
    add = _adder(taker)
    add("--skip-log-setup", "LOCUST_SKIP_LOG_SETUP", "leave logging as Python has it", default=False)
    add(
        "--loglevel -L",
        "LOCUST_LOGLEVEL",
        "DEBUG, INFO, WARNING, ERROR or CRITICAL (default: %(default)s)",
        metavar="<level>",
        default="INFO",
        choices=LEVELS,
        type=str.upper,
    )
    add("--logfile", "LOCUST_LOGFILE", "log lines go there instead of standard error", metavar="<filename>")


def _other(taker: Taker) -> None:
    add = _adder(taker)
    add("--show-task-ratio", None, "print each class's tasks with their shares and exit")
    add("--show-task-ratio-json", None, "the same as JSON")
    add("--version -V", None, "print the version and exit", action="version", version=version_line())
    add(
        "--exit-code-on-error",
        "LOCUST_EXIT_CODE_ON_ERROR",
        "the exit code when anything failed (default: %(default)s)",
        metavar="<int>",
        type=int,
        default=1,
    )
    add(
        "-s --stop-timeout",
        "LOCUST_STOP_TIMEOUT",
        "how long a task in flight may go on after a stop (default: %(default)s s)",
        metavar="<number>",
        default="0",
        type=timespan,
    )
    add("--equal-weights", None, "all user classes weigh the same", default=False)
    add("--profile", None, "a word that groups runs", metavar="<word>", type=str)
    add("--otel", "LOCUST_ENABLE_OPENTELEMETRY", "instrument with OpenTelemetry")


def _refused(taker: Taker, name: str, variable: str | None, **more: Any) -> None:
    """A flag that Locust once had: it fails with what it is called now."""
    _adder(taker)(name, variable, HIDDEN, action=_refusal(RENAMED[name]), **more)


def _refusal(says: str) -> type[argparse.Action]:
    class Refusal(argparse.Action):
        def __call__(self, *_: object) -> None:
            raise argparse.ArgumentError(self, says)

    return Refusal


def version_line() -> str:
    """What `--version` prints: Locust's, and who it is."""
    return f"locust {LOCUST_VERSION} from tidal {__version__} (Python {platform.python_version()})"


def with_tidal_names(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which every `LOCUST_` variable may be spelled with TIDAL instead, which goes before it."""
    ours = {"LOCUST_" + name.removeprefix("TIDAL_"): value for name, value in environ.items() if _SPELLING(name)}
    return {**environ, **ours}


_SPELLING = re.compile(r"TIDAL_[A-Z_]+").fullmatch
