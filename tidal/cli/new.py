"""Write a first locustfile.

Without --host it loads the demo's shop (python -m tidal.target), whose pages it knows. It runs under Locust as well.
A file that is there is never written over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

DEFAULT_FILE = "locustfile.py"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", nargs="?", default=DEFAULT_FILE, metavar="FILE", help=f"default: ./{DEFAULT_FILE}")
    parser.add_argument("-H", "--host", metavar="URL", default="", help="where its load goes")
    parser.add_argument("--fast", action="store_true", help="with FastHttpUser, which costs a part of the CPU")


def run(args: argparse.Namespace) -> int:
    """Write it, and say what to do next."""
    from tidal.cli.written import checked_host, write_new
    from tidal.drafting.first import DEMO_HOST, first_file

    host = checked_host(args.host)
    name = args.file if re.fullmatch(r"[\w./-]+", args.file) else DEFAULT_FILE
    path = write_new(args.file, first_file(name, host, is_fast=args.fast))
    if not host:
        print(f"{path}: visitors of the demo's shop at {DEMO_HOST} (python -m tidal.target serves it)")
    else:
        print(f"{path}: visitors of {host}")
    print(f"next: tidal check -f {path}")
    return 0
