"""Write a run into one file for a ticket, another machine or a colleague; `tidal import FILE` takes it in.

The file alone replays, without Redis: log, keyframes, hashes, the shipped files, configuration, versions. --redact
takes out what strangers should not read: hosts (the same host keeps the same new name), headers (and bodies) of
requests that were kept as samples, arguments (values of the file's own), logs (what lines of logging say), or all of
these. --strip-files leaves out the source. How endpoints are named, and what errors say, stays: look at it before you
send it. The secret arguments of a file are in no archive at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli import flags
from tidal.errors import UsageError
from tidal.model.words import plural

if TYPE_CHECKING:
    import argparse

CHOICES = ("hosts", "headers", "arguments", "logs", "all")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=flags.place_with_folders,
        metavar="FILE",
        help="the new file (default: RUN.tidal in this folder)",
    )
    parser.add_argument(
        "--redact",
        action="append",
        default=[],
        metavar="WHAT",
        help="hosts, headers, arguments, logs or all; commas join",
    )
    parser.add_argument("--strip-files", action="store_true", help="leave out the files that the run shipped")


def run(args: argparse.Namespace) -> int:
    """Write the file and say what it is."""
    from tidal.archive import Archive
    from tidal.cli.replay import archive_of
    from tidal.cli.streams import say
    from tidal.outputs.layout import size
    from tidal.portable import export, run_of

    kinds = masked(args.redact, strip_files=args.strip_files)
    path = archive_of(args.run)
    with Archive.open(path) as archive:
        name, early = args.output or f"{run_of(archive) or 'run'}.tidal", archive.early_end()
    out = Path(name).expanduser()
    written = export(path, out, kinds)
    say(early)
    without = f", without {', '.join(kinds)}" if kinds else ""
    print(f"written: {out} ({plural(written.entries, 'entry', 'entries')}, {size(written.size)}{without})")
    if written.dropped:
        print(f"left out, for they cannot be read and so not redacted: {plural(written.dropped, 'entry', 'entries')}")
    return 0


def masked(words: list[str], *, strip_files: bool) -> tuple[str, ...]:
    """What is taken out, by the words of --redact."""
    said = {word.strip() for words_ in words for word in words_.split(",") if word.strip()}
    for word in said:
        if word not in CHOICES:
            raise UsageError(f"--redact {word}: it takes {', '.join(CHOICES)}")
    kinds = [kind for kind in CHOICES[:-1] if kind in said or "all" in said]
    return (*kinds, *(["files"] if strip_files else []))
