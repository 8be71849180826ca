# ruff: noqa: N999 - the module's name is the word that is typed
"""Take a run in from an archive file: `tidal replay`, `report`, `diff` and all others know it by its id from then on.

What is whole of a damaged file comes in with --salvage. Nothing in the file is executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.errors import NoSuchRun, UsageError

if TYPE_CHECKING:
    import argparse

    from tidal.portable import Written


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", metavar="FILE", help="the archive")
    parser.add_argument("--as", dest="name", default="", metavar="RUN", help="under this id instead of its own")
    parser.add_argument("--salvage", action="store_true", help="take in what is whole of a damaged archive")


def run(args: argparse.Namespace) -> int:
    """Copy it, and say how it is called."""
    from tidal.outputs.layout import size
    from tidal.portable import take_in

    path = Path(args.file).expanduser()
    if not path.is_file():
        raise NoSuchRun(f"no archive file {args.file}")
    written = _salvaged(path, args.name) if args.salvage else take_in(path, args.name)
    print(f"run {written.run}: {written.entries:,} entries, {size(written.size)}; see: tidal replay {written.run}")
    return 0


def _salvaged(path: Path, name: str) -> Written:
    """What is whole of it, by way of a file beside the archives."""
    from tidal import paths
    from tidal.archive import salvage
    from tidal.portable import take_in

    draft = paths.runs_dir() / f".{path.name[:100]}.salvage"
    draft.unlink(missing_ok=True)
    try:
        _, damaged = salvage(path, draft)
        written = take_in(draft, name)
    except OSError as error:
        raise UsageError(f"cannot write {draft}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    print(f"{damaged} damaged place(s) left out")
    return written
