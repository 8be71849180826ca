"""Locust's `locust.main`, as far as files and plugins import from it."""

import argparse
from importlib import import_module
from typing import Any, NoReturn

from tidal.generator.environment import Environment, NotSupported
from tidal.hooks import Events

from .argument_parser import get_locustfiles_locally, get_parser, parse_locustfile_option
from .html import get_html_report, process_html_filename
from .log import greenlet_exception_logger, setup_logging
from .user.inspectuser import print_task_ratio, print_task_ratio_json

__all__ = [
    "COMMON_OPTIONS",
    "create_environment",
    "get_html_report",
    "get_locustfiles_locally",
    "get_parser",
    "greenlet_exception_logger",
    "load_locustfile",
    "main",
    "parse_locustfile_option",
    "print_task_ratio",
    "print_task_ratio_json",
    "process_html_filename",
    "setup_logging",
]

COMMON_OPTIONS = {"num_users": "users", "spawn_rate": "spawn-rate", "run_time": "run-time"}
"""What a LoadTestShape replaces, unless it says `use_common_options`."""


def main() -> NoReturn:
    """Locust's command line cannot be started from within a file."""
    raise NotSupported("locust.main.main(): start `tidal locust …` instead")


def create_environment(
    user_classes: list[Any], options: argparse.Namespace, events: Events | None = None, **more: Any
) -> Environment:
    """An Environment as the options say."""
    return Environment(
        user_classes=user_classes,
        events=events,
        host=options.host,
        reset_stats=options.reset_stats,
        parsed_options=options,
        profile=options.profile,
        **more,
    )


def load_locustfile(path: str) -> tuple[dict[str, Any], list[Any]]:
    """The user classes of a file by name, and its load shapes."""
    found: tuple[dict[str, Any], list[Any]] = import_module("locust.util.load_locustfile").load_locustfile(path)
    return found
