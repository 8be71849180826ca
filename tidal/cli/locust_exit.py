"""How Locust ends when it cannot begin: its exit codes for what tidal has finer ones for."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from tidal.errors import (
    FileImportError,
    FileSyntaxError,
    NoHost,
    NoSuchFile,
    NotShipped,
    NoUserClass,
    NoWorkers,
    TidalError,
    TooLarge,
    UnknownUserClass,
    WorkerLoadError,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

AS_ONE = (
    FileImportError,
    FileSyntaxError,
    NoHost,
    NoSuchFile,
    NotShipped,
    NoUserClass,
    NoWorkers,
    TooLarge,
    UnknownUserClass,
    WorkerLoadError,
)
"""Errors that each have a code of their own elsewhere, and all end Locust with 1."""
IN_LOCUST_S_WORDS = {
    NoHost: "You must specify the base host. Either in the host attribute in the User class, or on the command line"
    " using the --host option: ",
    NoUserClass: "No User class found! ",
}
"""What scripts look for in the output, before tidal's own words."""
BAD_COMBINATION = 255


def leave(message: str, exit_code: int) -> NoReturn:
    """Say why, and end with Locust's code for it."""
    print(f"tidal: {message}", file=sys.stderr)
    raise SystemExit(exit_code)


@contextmanager
def as_locust_ends(args: argparse.Namespace | None = None) -> Iterator[None]:
    """Errors of the block end the process as they end Locust; those that Locust does not know stay as they are."""
    try:
        yield
    except AS_ONE as error:
        words = next((said for kind, said in IN_LOCUST_S_WORDS.items() if isinstance(error, kind)), "")
        leave(f"{words}{error}", BAD_COMBINATION if _is_of_settings(error, args) else 1)


def _is_of_settings(error: TidalError, args: argparse.Namespace | None) -> bool:
    """Whether it is --config-users that names a class which is not there."""
    if not isinstance(error, UnknownUserClass) or args is None or not args.config_users:
        return False
    named = {config["user_class_name"] for configs in args.config_users for config in configs}
    return any(repr(name) in str(error) for name in named - set(args.user_classes))
