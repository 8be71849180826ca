"""List the runs that this machine and the given Redis know, the latest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags

if TYPE_CHECKING:
    import argparse

    from tidal.cli.find import Found


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_redis(parser, "this machine's alone")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    import json
    import sys

    from tidal.cli.console import columns_of
    from tidal.cli.find import archived, going, noted

    known = known_runs(going(flags.redis_url(args)), noted(), archived())
    if args.json:
        for found in known:
            print(json.dumps(as_dict(found), sort_keys=True))
    elif known:
        print(as_table(known, columns_of(sys.stdout)))
    else:
        print("no run yet; a first one: tidal demo")
    return 0


def known_runs(*sources: list[Found]) -> list[Found]:
    """Every run once, as the first source that knows it says, the latest first."""
    known: dict[str, Found] = {}
    for source in sources:
        for found in source:
            known.setdefault(found.run, found)
    return sorted(known.values(), key=lambda found: (found.opened_ms, found.run), reverse=True)


def as_dict(found: Found) -> dict[str, object]:
    """A run for programs; the Redis URL, which may hold a password, stays here."""
    return {
        "run": found.run,
        "where": found.where,
        "opened_ms": found.opened_ms,
        "file": found.file,
        "phase": found.phase,
        "archive": str(found.archive) if found.archive else "",
    }


def as_table(known: list[Found], most: int | None = None) -> str:
    """The runs with what to type next."""
    from tidal.outputs.layout import Column, day_and_clock, shorten, table

    titles = {"run": 0, "opened": 3, "state": 0, "file": 2, "next": 1}
    columns = [Column(title, number=False, rank=rank) for title, rank in titles.items()]
    rows = [
        [
            shorten(found.run),
            day_and_clock(found.opened_ms) if found.opened_ms else "",
            shorten(found.phase, 40),
            shorten(found.file.rpartition("/")[2], 40),
            f"tidal {'attach' if found.is_going else 'replay'} {shorten(found.run)}",
        ]
        for found in known
    ]
    return table(columns, rows, most=most)
