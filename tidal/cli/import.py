# ruff: noqa: N999 - the module's name is the word that is typed
"""Take a run in from an archive file, or make a locustfile of what was recorded (a HAR file, curl commands).

`tidal import FILE`: `tidal replay`, `report`, `diff` and all others know the run by its id from then on. What is whole
of a damaged file comes in with --salvage. Nothing in the file is executed.

`tidal import har FILE` takes what a browser saved (developer tools, network, "save all as HAR"), `tidal import curl
'curl …'` what it copied ("copy as cURL (bash)"), one command or many; SOURCE - is standard input. The locustfile runs
under Locust as well: requests in their order with the pauses of the recording, ids in paths under one name, secrets as
variables of the environment, and a TODO where a value came with an earlier answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli import recordings
from tidal.errors import NoSuchRun, UsageError, cannot_write
from tidal.model.words import plural

if TYPE_CHECKING:
    import argparse

    from tidal.portable import Written


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", metavar="FILE|har|curl", help="the archive, or what kind of recording it is")
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="the HAR file, or the curl command in quotes")
    group = parser.add_argument_group("an archive")
    group.add_argument("--as", dest="name", default="", metavar="RUN", help="under this id instead of its own")
    group.add_argument("--salvage", action="store_true", help="take in what is whole of a damaged archive")
    recordings.add_flags(parser.add_argument_group("a recording"))


def run(args: argparse.Namespace) -> int:
    """Take the run in, or write the locustfile."""
    if args.file in recordings.KINDS:
        return recordings.run(args)
    if args.source is not None:
        raise UsageError(f"{args.file!r} is no kind of recording: har or curl")
    if args.file.endswith(".har"):
        raise UsageError(f"{args.file} is a recording: tidal import har {args.file}")
    return _take_in(args)


def _take_in(args: argparse.Namespace) -> int:
    """Copy it, and say how it is called."""
    from tidal.outputs.layout import size
    from tidal.portable import take_in

    path = Path(args.file).expanduser()
    if args.file and path.is_dir():
        raise NoSuchRun(f"{args.file} is a folder: name an archive in it")
    if not path.is_file():
        raise NoSuchRun(f"no archive file {args.file or 'without a name'}")
    written = _salvaged(path, args.name) if args.salvage else take_in(path, args.name)
    taken = f"{plural(written.entries, 'entry', 'entries')}, {size(written.size)}"
    print(f"run {written.run}: {taken}; see: tidal replay {written.run}")
    return 0


def _salvaged(path: Path, name: str) -> Written:
    """What is whole of it, by way of a file beside the archives."""
    from tidal import paths
    from tidal.portable import salvage, take_in

    draft = paths.runs_dir() / f".{path.name[:100]}.salvage"
    draft.unlink(missing_ok=True)
    try:
        _, damaged = salvage(path, draft)
        written = take_in(draft, name)
    except OSError as error:
        raise cannot_write(draft, error) from None
    finally:
        draft.unlink(missing_ok=True)
    print(f"{plural(damaged, 'damaged place')} left out")
    return written
