"""The log of a run as lines, one an entry: what was ordered, seen and reported, from the archive or from Redis.

--where picks entries by what they carry: kind=worker_lost, 'worker=w2 and fail%>1', 'level=error or text~"cache"'.
Names: at (seconds of the load), kind, level, worker, text, stream, requests, failures, users and every plain field of
an entry (docs/reference/schema.md); operators: = != > >= < <= ~ (has in it) !~, and, or, not, parentheses. --json
writes each entry with all that it carries.
"""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from tidal.cli import amounts, flags
from tidal.cli.streams import say
from tidal.errors import NoSuchRun, UsageError
from tidal.model.words import moment, plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tidal.cli.find import Found
    from tidal.model.codec import Entry
    from tidal.model.telling import Line

NO_TIME = "       "
MARKS = {"good": "+", "warning": "!", "error": "✖"}
READ_COUNT, BLOCK_MS = 2_000, 500


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    parser.add_argument(
        "--from", type=amounts.moment_ms, dest="from_ms", metavar="SPAN", help="from this moment of the load on"
    )
    parser.add_argument(
        "--to", type=amounts.moment_ms, dest="to_ms", metavar="SPAN", help="up to this moment of the load"
    )
    parser.add_argument("--where", metavar="EXPR", help="only the entries of which this is so (see above)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with all that the entry carries")
    parser.add_argument("--follow", action="store_true", help="go on with what a run that goes on writes, to its end")
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Print the lines."""
    from tidal.model.telling import UNITS, Teller, facts

    if None not in (args.from_ms, args.to_ms) and args.from_ms >= args.to_ms:
        raise UsageError("--to is not after --from")
    chosen = _condition(args.where, UNITS) if args.where else None
    teller, entries, shown = Teller(), 0, 0
    for entry in _entries(args):
        line = teller.tell(entry)
        entries += 1
        if _is_within(line, args.from_ms, args.to_ms) and (chosen is None or chosen(facts(line))):
            shown += 1
            print(_told(line, as_json=args.json), flush=args.follow)
    if not shown:
        say(f"none of {plural(entries, 'entry', 'entries')} fits")
    return 0


def _condition(text: str, units: dict[str, str]) -> Callable[..., bool]:
    from tidal.model.terms import BadCondition, condition

    try:
        return condition(text, units).holds
    except BadCondition as error:
        raise UsageError(f"--where: {error}") from None


def _is_within(line: Line, from_ms: int | None, to_ms: int | None) -> bool:
    if line.offset_ms is None:
        return from_ms is None
    return (from_ms is None or line.offset_ms >= from_ms) and (to_ms is None or line.offset_ms <= to_ms)


def _told(line: Line, *, as_json: bool) -> str:
    from tidal.model.telling import as_json as jsonable

    if as_json:
        return json.dumps(jsonable(line), ensure_ascii=False, sort_keys=True)
    when = NO_TIME if line.offset_ms is None else _clock(line.offset_ms)
    return f"{when}  {MARKS.get(line.level, ' ')} {line.kind:<2}  {line.who:<4}  {line.text}".rstrip()


def _clock(plan_ms: int) -> str:
    """Plan time to the tenth: 1:02.5, -0:10.0."""
    sign = "-" if plan_ms <= -100 else ""
    return f"{sign}{moment(abs(plan_ms))}.{abs(plan_ms) // 100 % 10}".rjust(7)


# ------------------------------------------------------------------ where the entries come from


def _entries(args: argparse.Namespace) -> Iterator[Entry]:
    """Of the archive; of Redis when the run goes on and is to be followed, or when there is no archive here."""
    from tidal.cli.replay import archive_of

    found = _there(args) if args.redis or args.follow else None
    if args.follow and found is not None and found.is_going:
        return _from_redis(found, follow=True)
    # with --redis a run of that Redis is meant, if it knows one: the archive of this very run, or its streams
    name = found.run if args.redis and found is not None else args.run
    try:
        return _from_archive(archive_of(name))
    except NoSuchRun:
        found = found or _there(args)
        if found is None or not found.is_going:
            raise
        return _from_redis(found, follow=args.follow)


def _from_archive(path: Path) -> Iterator[Entry]:
    from tidal.archive import Archive

    with Archive.open(path) as archive:
        archive.demand_entries()
        yield from archive.entries()
        say(archive.early_end())


def _there(args: argparse.Namespace) -> Found | None:
    """The run, as far as Redis knows it."""
    from tidal.cli.find import to_follow

    with suppress(NoSuchRun):
        return to_follow(args)
    return None


def _from_redis(found: Found, *, follow: bool) -> Iterator[Entry]:
    """Both streams as they are now, and what comes when they are followed; a break in the connection ends it."""
    from tidal.bus import Bus
    from tidal.keys import RunKeys
    from tidal.model.codec import LOG, REPORTS, ZERO_ID, entry_of

    keys = RunKeys(found.run)
    bus = Bus.connect(found.url, role="viewer")
    streams = {keys.log: LOG, keys.reports: REPORTS}
    cursors = dict.fromkeys(streams, ZERO_ID)
    try:
        for _ in count():
            read = bus.read(cursors, block_ms=BLOCK_MS if follow else None, count=READ_COUNT)
            cursors |= {key: entry_id for key, entry_id, _ in read}
            entries = sorted((entry_of(streams[key], at, fields) for key, at, fields in read), key=lambda e: e.id)
            yield from entries
            if _is_over(entries) or not (read or follow):
                return
    finally:
        bus.close()


def _is_over(entries: Iterable[Entry]) -> bool:
    from tidal.model.events import RunClosed

    return any(entry.kind == RunClosed.KIND for entry in entries)
