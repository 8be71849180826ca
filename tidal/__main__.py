"""`tidal`: words in, exit code out. The one place that prints an error and returns its code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING

from tidal import __version__
from tidal.cli.parser import HELP, VERSION, overview, parser_of, subcommand
from tidal.cli.streams import drop_output, open_streams
from tidal.errors import NO_ROOM, RedisUnreachable, TidalError, Unwritable, UsageError
from tidal.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    if argv is None and "_ARGCOMPLETE" in os.environ:  # a shell wants to complete a word: completing.ASKED
        from tidal.cli.completing import complete  # noqa: PLC0415 - of a tab alone

        complete()
    words = list(sys.argv[1:] if argv is None else argv)
    open_streams()
    try:
        return flushed(dispatch(words))
    except SystemExit as leaving:  # argparse, after --help
        return leaving.code if isinstance(leaving.code, int) else 0
    except TidalError as error:
        return fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader had enough: `tidal runs | head`
        drop_output()
        return 0
    except Exception as error:  # noqa: BLE001 - the end of the line for whatever nobody expected
        return unexpected(error)


def flushed(code: int) -> int:
    """The code, once all is written: what cannot be is told by us, not by Python as it ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader had enough, and the code holds all the same
        drop_output()
    return code


def dispatch(words: list[str]) -> int:
    """Hand over to the subcommand."""
    if not words or words[0] in HELP:
        print(overview() if len(words) < 2 else parser_of(subcommand(words[1])).format_help())
        return 0
    if words[0] in VERSION:
        print(f"tidal {__version__}")
        return 0
    with uncollected(stays=True):
        parser = parser_of(subcommand(words[0]))
        args = parser.read(words[1:])
    return parser.run(args)


def fail(message: str, exit_code: int) -> int:
    """Say what went wrong, in one place and one form."""
    print(f"tidal: {message}", file=sys.stderr)
    return exit_code


def unexpected(error: Exception) -> int:
    """An error of Redis in the middle of something, or a mistake of ours with all that a report needs."""
    bus = sys.modules.get("tidal.bus")
    if bus is not None and isinstance(error, bus.BusError):
        return fail(f"Redis: {error}", getattr(error, "exit_code", RedisUnreachable.exit_code))
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        drop_output()
        return fail(f"cannot write: {error.strerror}", Unwritable.exit_code)
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        name = str(error.filename)
        return fail(f"{name[:40]!r} … of {len(name):,} characters: too long for a file's name", UsageError.exit_code)
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of `Path.expanduser`, wherever a path is
        return fail("a path begins with ~NAME, and no user of this machine has that name", UsageError.exit_code)
    traceback.print_exception(error)
    return fail(f"{TidalError.meaning} ({type(error).__name__})", TidalError.exit_code)


if __name__ == "__main__":
    sys.exit(main())
