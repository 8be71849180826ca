"""Words of Locust's command line to arguments: Locust's flags, tidal's few, and the file's own between them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NoReturn

from tidal.cli.amounts import SPAN_MAX_MS, USERS_MAX
from tidal.cli.flags import REDIS_FILES, REDIS_URL
from tidal.cli.flowing import Help
from tidal.cli.locust_exit import as_locust_ends
from tidal.errors import TidalError, UsageError
from tidal.options.files import FROM_MASTER, locustfiles
from tidal.options.flags import add_flags, empty_parser, with_tidal_names
from tidal.options.parser import LocustArgumentParser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tidal.model.pipe import ArgumentSpec

HELP = ("-h", "--help")
OWN_WORDS = "own_words"
SETS_DEFAULTS = b"set_defaults"


class LocustParser(LocustArgumentParser):
    """Locust's flags; mistakes are UsageErrors, and what is unknown may be the file's own."""

    run: Callable[[argparse.Namespace], int]

    def flags(self) -> list[str]:
        """Every flag, short and long."""
        return list(self._option_string_actions)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End after `--version`; raise what argparse would print before it ends."""
        if not status:
            raise SystemExit(0)
        raise UsageError(f"{(message or '').strip().removeprefix(f'{self.prog}: error: ')}\n  see: {self.prog} --help")

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments, with `files` (absolute paths) and `own_words` (those of the file's own arguments)."""
        if any(word in HELP for word in words):
            print(with_files_own(words).format_help(), end="")
            raise SystemExit(0)
        with as_locust_ends():
            return self._read(words, with_tidal_names(os.environ))

    def _read(self, words: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
        # without abbreviations first: what looks like one may be a flag of the file's own
        args, unknown = make(allow_abbrev=False).understood(words, environ, partly=True)
        args.files = self._files(args)
        heeded: tuple[str, ...] = ()
        if args.files and (unknown or any(SETS_DEFAULTS in file.read_bytes() for file in args.files)):
            from tidal.cli.own import described

            files, loaded = args.files, described(args.files)
            parser = make(loaded.arguments)
            parser.set_defaults(**{name: json.loads(text) for name, text in loaded.defaults})
            args, unknown = parser.understood(words, environ)[0], []
            args.files, heeded = files, tuple(name for name, _ in loaded.defaults)
        if unknown:  # a worker that has no file of its own knows no arguments of one
            make().understood(words, environ)
        args.own_words, args.heeded = tuple(getattr(args, OWN_WORDS, ())), heeded
        return check(args)

    def _files(self, args: argparse.Namespace) -> list[Path]:
        """The locustfiles; none for a worker that gets them from the log."""
        if args.worker and args.locustfile in (FROM_MASTER, self.get_default("locustfile")):
            return []
        return locustfiles(args.locustfile)


def make(own: Sequence[ArgumentSpec] = (), *, allow_abbrev: bool = True, description: str = "") -> LocustParser:
    """The parser, with the arguments of a file."""
    parser = empty_parser(
        add_help=False,
        kind=LocustParser,
        prog="tidal locust",
        description=description,
        formatter_class=Help,
        allow_abbrev=allow_abbrev,
    )
    assert isinstance(parser, LocustParser)  # noqa: S101 - empty_parser makes what it is told
    parser.add_argument("-h", "--help", action="help", help="print this, with the file's own arguments after -f FILE")
    add_flags(parser, with_tidal_names(os.environ))
    if own:
        from tidal.cli.own import add_own

        add_own(parser, own, variables=True)
    _add_tidals(parser)
    return parser


def _add_tidals(parser: LocustParser) -> None:
    """Tidal's own flags, as far as the file has none of the same name."""
    group = parser.add_argument_group("tidal's own")
    taken = parser._option_string_actions  # noqa: SLF001 - argparse has no public list of them
    said = {
        "--redis": ("URL", f"where master and workers meet, also from {REDIS_URL} (default: none, all runs here)"),
        **{flag: ("FILE", text) for flag, text in REDIS_FILES.items()},
        "--fleet": ("NAME", "workers that share a name (default: default)"),
        "--ship": ("FILE", "one more file that the locustfile needs; may be said again"),
    }
    for flag, (metavar, text) in said.items():
        if flag not in taken:
            action = "append" if flag == "--ship" else "store"
            group.add_argument(flag, metavar=metavar, help=text, action=action)


def with_files_own(words: Sequence[str]) -> LocustParser:
    """The parser for a help text: with the file's own arguments when `-f` names one that can be imported."""
    from tidal.cli import locust

    own: Sequence[ArgumentSpec] = ()
    plain = [word for word in words if word not in HELP]
    args, _ = make(allow_abbrev=False).understood(plain, os.environ, partly=True)
    if any(word.startswith(("-f", "--locustfile")) for word in plain):
        from tidal.cli.own import described

        try:
            own = described(locustfiles(args.locustfile)).arguments
        except TidalError as error:
            print(f"({args.locustfile}: {error})")
    return make(own, description=locust.__doc__ or "")


def check(args: argparse.Namespace) -> argparse.Namespace:
    """What no single flag can say: combinations, and bounds of tidal's own."""
    if args.stats_history_enabled and args.csv_prefix is None:
        raise UsageError("'--csv-full-history' requires '--csv'.")
    if args.num_users is not None and not 0 <= args.num_users <= USERS_MAX:
        raise UsageError(f"argument -u/--users: {args.num_users} is not a number from 0 to {USERS_MAX:,}")
    for flag, value_s in (("-t/--run-time", args.run_time), ("-s/--stop-timeout", args.stop_timeout)):
        if value_s and value_s * 1_000 > SPAN_MAX_MS:
            raise UsageError(f"argument {flag}: longer than a year")
    if args.headful:
        args.headless = False
    return args
