"""The part of `tidal import` that makes locustfiles: HAR files and curl commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from tidal.cli.flags import Taker
    from tidal.drafting.choose import Wanted
    from tidal.drafting.exchange import Recording

KINDS = ("har", "curl")


def add_flags(group: Taker) -> None:
    """What goes into the file, and where it is written."""
    group.add_argument("-o", "--output", metavar="FILE", help="write the locustfile there (default, and -: print it)")
    group.add_argument("--replace", action="store_true", help="with -o: also over a file that is there")
    group.add_argument("--static", action="store_true", help="images, styles, scripts and fonts, too")
    group.add_argument("--all-hosts", action="store_true", help="requests to whatever host, not only the site's own")
    group.add_argument("--all-headers", action="store_true", help="also headers that only say how a browser works")
    group.add_argument(
        "--redact",
        action="append",
        default=[],
        metavar="RULE",
        help="one more secret: the name of a header or field, or /a regular expression/",
    )


def run(args: argparse.Namespace) -> int:
    """Read, draft, write."""
    import sys

    from tidal.cli.written import write_new
    from tidal.drafting.draft import draft

    recording = _recording(args)
    text = draft(recording, _wanted(args))
    if args.output in (None, "-"):
        print(text, end="")
        return 0
    path = write_new(args.output, text, may_replace=args.replace)
    for why, count in recording.left_out.items():
        print(f"left out: {count} {why}", file=sys.stderr)
    print(f"next: tidal check -f {path}", file=sys.stderr)
    return 0


def _recording(args: argparse.Namespace) -> Recording:
    from tidal.drafting.curl import read_curl
    from tidal.drafting.har import read_har

    if args.file == "curl":
        return read_curl(_stdin().decode("utf-8", "replace") if args.source in (None, "-") else args.source)
    if args.source in (None, "-"):
        return read_har(_stdin(), "stdin")
    return read_har(_content(args.source), _name(args.source))


def _stdin() -> bytes:
    import sys

    from tidal.drafting.har import FILE_BYTES_MAX
    from tidal.errors import UsageError

    if sys.stdin.isatty():
        raise UsageError("nothing to import: name a file, or give it on standard input")
    return sys.stdin.buffer.read(FILE_BYTES_MAX + 1)


def _content(source: str) -> bytes:
    from pathlib import Path

    from tidal.drafting.har import FILE_BYTES_MAX
    from tidal.errors import BadRecording

    try:
        with Path(source).expanduser().open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise BadRecording(f"cannot read {source}: {error.strerror}") from None


def _name(source: str) -> str:
    from pathlib import Path

    return Path(source).name


def _wanted(args: argparse.Namespace) -> Wanted:
    from tidal.drafting.choose import Wanted
    from tidal.errors import UsageError
    from tidal.model.redact import Redactor

    try:
        redactor = Redactor.of(args.redact)
    except ValueError as error:
        raise UsageError(f"--redact: {error}") from None
    return Wanted(args.static, args.all_hosts, args.all_headers, redactor)
