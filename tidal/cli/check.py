"""Try a locustfile out: what it has, then one user of each class doing each of its tasks once.

Prints users, tasks, weights, tags and arguments, then every request with status, time, size and what failed, and
exceptions with your own lines. Tasks run in the order of their declaration, without waits; a set of tasks is entered
once, a sequence done once; on_start and on_stop are called. Nothing else is started and no Redis is needed. The exit
code is 0 when nothing failed, 1 when something did, 10 to 16 when the file is wrong.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tidal.cli import amounts, flags

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from tidal.model.events import RunOptions
    from tidal.model.trial import Try

STARTS_LOAD = True
WITHIN_MS = 60_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_file(parser)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help="user classes to try (default: all of the file)")
    parser.add_argument("-H", "--host", metavar="URL", help="where to send it, instead of the classes' own hosts")
    parser.add_argument("-T", "--tags", nargs="*", metavar="TAG", help="only tasks with one of these tags")
    parser.add_argument("-E", "--exclude-tags", nargs="*", metavar="TAG", help="no task with one of these tags")
    parser.add_argument("--list", action="store_true", help="only tell what the file has: nothing is sent")
    parser.add_argument("--trace", action="store_true", help="print headers and bodies, without secrets")
    parser.add_argument(
        "--redact",
        action="append",
        default=[],
        metavar="RULE",
        help="one more secret: the name of a header or field, or /a regular expression/",
    )
    parser.add_argument(
        "--within",
        type=amounts.positive_span_ms,
        default=WITHIN_MS,
        metavar="SPAN",
        help="what is not done by then is ended (default: 1m)",
    )
    flags.add_loglevel(parser, "WARNING")
    flags.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Try it, telling what happens as it happens."""
    from tidal.cli.console import write_text
    from tidal.cli.streams import lines_to, show
    from tidal.options import ONLY_DESCRIBE
    from tidal.outputs.trial import Account
    from tidal.trying import outline, tried

    files, options, order = _files(args), _options(args), _order(args)
    account, lines = Account(is_traced=args.trace), lines_to(args.json)
    words = args.own_words
    events = outline(files, options, words or ONLY_DESCRIBE) if args.list else tried(files, options, order, words)
    for event in events:
        for line in account.take(event):
            show(line, lines)
    if not args.list:
        show("\n".join(["", *account.ending()]), lines)
    if args.json:
        write_text(json.dumps(account.as_dict(), indent=2) + "\n", args.json)
    return account.exit_code


def _files(args: argparse.Namespace) -> list[Path]:
    """The locustfiles; a file may stand where classes do."""
    from tidal.cli.request import locustfiles

    if args.locustfile is None and args.classes and args.classes[0].endswith(".py"):
        args.locustfile, *args.classes = args.classes
    return locustfiles(args.locustfile)


def _options(args: argparse.Namespace) -> RunOptions:
    from tidal.model.events import RunOptions

    return RunOptions(
        host=(args.host or "").rstrip("/"),
        classes=tuple(args.classes),
        tags=tuple(args.tags or ()),
        exclude_tags=tuple(args.exclude_tags or ()),
        log_level=args.loglevel,
    )


def _order(args: argparse.Namespace) -> Try:
    from tidal.errors import UsageError
    from tidal.model.redact import Redactor
    from tidal.model.trial import Try

    try:
        Redactor.of(args.redact)
    except ValueError as error:
        raise UsageError(f"--redact: {error}") from None
    return Try(args.within, is_traced=args.trace, redact=tuple(args.redact))
