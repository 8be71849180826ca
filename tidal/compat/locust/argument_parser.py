"""Locust's `locust.argument_parser`: its parser with its flags, for files and scripts that build one themselves."""

import argparse
import os
from collections.abc import Sequence
from typing import Any

from tidal.generator.arguments import form_arguments
from tidal.hooks import events
from tidal.options import DEFAULT_FILES
from tidal.options.files import locustfiles
from tidal.options.flags import add_flags, empty_parser
from tidal.options.kinds import above_zero, positive_integer, timespan, user_config
from tidal.options.parser import LocustArgumentParser

from .rpc import Message
from .util.directory import get_abspaths_in
from .util.timespan import parse_timespan
from .util.url import is_url

__all__ = [
    "DEFAULT_CONFIG_FILES",
    "LocustArgumentParser",
    "Message",
    "default_args_dict",
    "get_abspaths_in",
    "get_empty_argument_parser",
    "get_locustfiles_locally",
    "get_parser",
    "is_url",
    "json_user_config",
    "parse_locustfile_option",
    "parse_locustfile_paths",
    "parse_options",
    "parse_timespan",
    "positive_integer",
    "setup_parser_arguments",
    "timespan",
    "ui_extra_args_dict",
]

DEFAULT_CONFIG_FILES = DEFAULT_FILES
json_user_config = user_config
gt_zero = above_zero


def get_empty_argument_parser(
    add_help: bool = True,  # noqa: FBT001, FBT002 - Locust's
    default_config_files: Sequence[str] = DEFAULT_CONFIG_FILES,
) -> LocustArgumentParser:
    """A parser of `-f` and `--config` alone."""
    return empty_parser(add_help=add_help, config_files=default_config_files)


def setup_parser_arguments(parser: LocustArgumentParser) -> None:
    """Add every other flag of Locust's."""
    add_flags(parser, os.environ)


def get_parser(default_config_files: Sequence[str] = DEFAULT_CONFIG_FILES) -> LocustArgumentParser:
    """The whole parser, with what listeners of `init_command_line_parser` add."""
    parser = get_empty_argument_parser(default_config_files=default_config_files)
    setup_parser_arguments(parser)
    events.init_command_line_parser.fire(parser=parser)
    return parser


def parse_options(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line (Locust calls this deprecated)."""
    parser = get_parser()
    found = parser.parse_args(args)
    if found.stats_history_enabled and found.csv_prefix is None:
        parser.error("'--csv-full-history' requires '--csv'.")
    return found


def default_args_dict() -> dict[str, Any]:
    """What Locust's own options are when nothing is said."""
    parser = get_empty_argument_parser(default_config_files=())
    setup_parser_arguments(parser)
    return vars(parser.parse_args([]))


def ui_extra_args_dict(args: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The file's own arguments, as a form shows them."""
    return form_arguments(events, args)


def parse_locustfile_option(args: Sequence[str] | None = None) -> argparse.Namespace:
    """`-f` out of a command line; the other words are left aside."""
    return get_empty_argument_parser(add_help=False).parse_known_args(args)[0]


def parse_locustfile_paths(paths: Sequence[str]) -> list[str]:
    """The files that these paths, folders and URLs mean."""
    return [str(path) for word in paths for path in locustfiles(word)]


def get_locustfiles_locally(options: argparse.Namespace) -> list[str]:
    """The files that `-f` means."""
    return [str(path) for path in locustfiles(options.locustfile)]
