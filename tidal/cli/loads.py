"""The words of a subcommand that starts a load: its flags, variables, config files and the file's own arguments.

Variables (LOCUST_…, before them TIDAL_…) and config files are Locust's; they count for flags that the subcommand has.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.cli.parser import Parser
from tidal.errors import NoSuchFile, UsageError
from tidal.options import is_silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.model.pipe import ArgumentSpec

NOT_SHARED = ("json", "json_file", "help", "config", "ship")
"""Flags that mean another thing here, or nothing."""


class LoadParser(Parser):
    """Reads what the words leave open from the environment and config files, and the file's own arguments."""

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments, with `own_words`."""
        shared, own = outside(self.flags(), os.environ, _config(words))
        args, unknown = self.parse_known_intermixed_args([*shared, *own, *words])
        args.own_words = ()
        if unknown:
            args = self._with_own(args, shared, own, words, unknown[0])
        if not args.classes:
            args.classes = os.environ.get("LOCUST_USER_CLASSES", "").split()
        return args

    def _with_own(
        self, args: argparse.Namespace, shared: list[str], own: list[str], words: Sequence[str], unknown: str
    ) -> argparse.Namespace:
        """The arguments once the file has said what it takes; what nobody knows is refused."""
        from tidal.cli.own import add_own, described

        files = _files_there(args)
        if not files:
            self._refuse(unknown)
        specs = described(files).arguments
        add_own(self, specs)
        args, rest = self.parse_known_intermixed_args([*shared, *_unless_in(os.environ, own, specs), *words])
        if rest:
            self._refuse(rest[0])
        args.own_words = tuple(getattr(args, "own_words", ()))
        return args


def _config(words: Sequence[str]) -> str | None:
    """The file of `--config`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config")
    try:
        config: str | None = parser.parse_known_args(words)[0].config
    except argparse.ArgumentError:  # without a value: the whole parser says so
        return None
    return config if config is None else _readable(config)


def _readable(config: str) -> str:
    """A config file's name; UsageError for what is no text."""
    path = Path(config).expanduser()
    try:
        if not path.is_fifo():  # what comes through a pipe can be read once
            path.read_text(encoding="utf8")
    except OSError as error:
        raise UsageError(f"cannot read --config {config}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"--config {config} is no text file") from None
    return config


def outside(flags: Sequence[str], environ: Mapping[str, str], config: str | None) -> tuple[list[str], list[str]]:
    """What variables and config files say, as words: for these flags, and for what may be the file's own."""
    if config is None and is_silent(environ):
        return [], []
    from tidal.cli.locust_words import make
    from tidal.options.flags import defaults, with_tidal_names

    parser = make(allow_abbrev=False)
    words = [] if config is None else ["--config", config]
    found, own = parser.understood(words, with_tidal_names(environ), partly=True)
    own += [word for word in found.user_classes if word.startswith("--")]  # argparse takes what has a space for a name
    usual, shared = defaults(), list[str]()
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        value = getattr(found, action.dest, None)
        flag = next((flag for flag in action.option_strings if flag.startswith("--") and flag in flags), None)
        if flag and action.dest not in NOT_SHARED and value != usual.get(action.dest):
            shared += _spelled(flag, value)
    return shared, own


def _spelled(flag: str, value: Any) -> list[str]:
    if value is True:
        return [flag]
    if flag == "--config-users":  # they were read already
        return [flag, *map(json.dumps, value)]
    return [flag, *value] if isinstance(value, list) else [f"{flag}={value}"]


def _files_there(args: argparse.Namespace) -> list[Path]:
    """The locustfiles, none when there are not any."""
    from tidal.cli.request import locustfiles

    if getattr(args, "take_over", None):
        return []
    try:
        return locustfiles(args.locustfile)
    except (NoSuchFile, UsageError):
        return []


def _unless_in(environ: Mapping[str, str], own: Sequence[str], specs: Sequence[ArgumentSpec]) -> list[str]:
    """Words of config files, without those whose variable is set: a variable counts more."""
    set_ones = {flag for spec in specs if spec.env_var in environ for flag in spec.flag.split(", ")}
    return [word for word in own if word.partition("=")[0] not in set_ones]
