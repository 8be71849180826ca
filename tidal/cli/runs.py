"""The runs that this machine and the given Redis know, the latest first: listed, looked for, noted, kept, removed.

  tidal runs                                    all of them
  tidal runs 'p95>300 and file=checkout.py'     those of which this is so
  tidal runs note RUN TEXT                      say something of a run; of one that goes on it is written into its log
  tidal runs tag RUN TAG … [--remove TAG]       find it again by tag=TAG
  tidal runs pin RUN [--as NAME]                keep it; NAME stands for it from now on: tidal diff NAME latest
  tidal runs unpin RUN
  tidal runs prune --older-than 30d --down-to 5GB [--dry-run]    remove the oldest that are not pinned

A condition asks for: run, file, host, author, outcome, verdict, tag, note, name, opened (2026-11-23T12:03:04Z), p50,
p95, p99, average, max (ms), rps, requests, failures, fail%, users, workers, duration, age (s), exit_code, pinned, size.
Operators: = != > >= < <= ~ (has in it) !~, and, or, not, parentheses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidal.cli import amounts, flags
from tidal.errors import UsageError
from tidal.model.words import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from tidal.cli.find import Found
    from tidal.shelf import Shelved

_AGE = re.compile(r"(\d{1,5})([dw])", re.ASCII)
DAY_MS = 86_400_000


def age_ms(text: str) -> int:
    """Milliseconds of an age: 30d, 2w, or a span."""
    match = _AGE.fullmatch(text.strip())
    return int(match[1]) * {"d": DAY_MS, "w": 7 * DAY_MS}[match[2]] if match else amounts.span_ms(text)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="a condition; or note, tag, pin, unpin, prune (above)")
    flags.add_redis(parser, "this machine's alone")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="with tag: take this tag away")
    parser.add_argument("--as", dest="name", default=None, metavar="NAME", help="with pin: what the run is called")
    parser.add_argument("--older-than", type=age_ms, metavar="AGE", help="with prune: 30d, 2w, 12h")
    parser.add_argument(
        "--down-to", type=amounts.size_bytes, metavar="SIZE", help="with prune: until all of them take no more"
    )
    parser.add_argument("--dry-run", action="store_true", help="with prune: only say what would go")


def run(args: argparse.Namespace) -> int:
    """Do what the first word says, else print the table."""
    act = ACTS.get(args.words[0]) if args.words else None
    return act(args, args.words[1:]) if act is not None else _list(args, " ".join(args.words))


# ------------------------------------------------------------------ listing


def _list(args: argparse.Namespace, condition: str) -> int:
    import json
    import sys

    from tidal import shelf
    from tidal.cli.console import columns_of
    from tidal.cli.find import archived, going, noted

    holds = _condition(condition) if condition else None
    known = known_runs(going(flags.redis_url(args)), noted(), archived())
    now_s = shelf.now_ms() / 1000
    shelved = {s.run: s for s in shelf.all_shelved()}
    if holds is not None:
        known = [f for f in known if f.run in shelved and holds(shelved[f.run].facts(now_s))]
    if args.json:
        for found in known:
            print(json.dumps(as_dict(found, shelved.get(found.run)), sort_keys=True))
    elif known:
        print(as_table(known, columns_of(sys.stdout), shelved))
    else:
        print("no run of which this is so" if condition else "no run yet; a first one: tidal demo")
    return 0


def _condition(text: str) -> Callable[..., bool]:
    from tidal.model.terms import BadCondition, condition
    from tidal.shelf import UNITS

    try:
        return condition(text, UNITS).holds
    except BadCondition as error:
        ways = f"a condition, such as 'file~shop', or {', '.join(ACTS)}"
        raise UsageError(f"'runs' takes {ways}: {error}\n  see: tidal runs --help") from None


def known_runs(*sources: list[Found]) -> list[Found]:
    """Every run once, as the first source that knows it says, the latest first."""
    known: dict[str, Found] = {}
    for source in sources:
        for found in source:
            known.setdefault(found.run, found)
    return sorted(known.values(), key=lambda found: (found.opened_ms, found.run), reverse=True)


def as_dict(found: Found, shelved: Shelved | None = None) -> dict[str, object]:
    """A run for programs; the Redis URL, which may hold a password, stays here."""
    from tidal.model.wire import to_wire

    plain: dict[str, object] = {
        "run": found.run,
        "where": found.where,
        "opened_ms": found.opened_ms,
        "file": found.file,
        "phase": found.phase,
        "archive": str(found.archive) if found.archive else "",
    }
    return plain if shelved is None else {**plain, "size": shelved.size, "about": to_wire(shelved.about)}


def as_table(known: list[Found], most: int | None = None, shelved: Mapping[str, Shelved] | None = None) -> str:
    """The runs with what to type next."""
    from tidal.outputs.layout import Column, table

    titles = {"run": 0, "opened": 3, "state": 0, "file": 2, "p95": 4, "failed": 5, "verdict": 6, "tags": 7, "next": 1}
    numbers = {"p95", "failed"}
    columns = [Column(title, number=title in numbers, rank=rank) for title, rank in titles.items()]
    rows = [_row(found, (shelved or {}).get(found.run)) for found in known]
    kept = [i for i in range(len(columns)) if i in {0, 2} or any(row[i] for row in rows)]
    return table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], most=most)


def _row(found: Found, shelved: Shelved | None) -> list[str]:
    from tidal.outputs.layout import day_and_clock, latency, share, shorten

    about = shelved.about if shelved is not None else None
    figures = about.figures if about is not None else None
    opened_ms = (figures.opened_ms if figures else 0) or found.opened_ms
    state = found.phase or ("" if figures is None else "unreadable" if figures.trouble else figures.outcome)
    marks = [] if about is None else [*(["pinned"] if about.pinned else []), *([about.name] * bool(about.name))]
    return [
        shorten(found.run),
        day_and_clock(opened_ms) if opened_ms else "",
        shorten(state, 40),
        shorten((found.file or (figures.file if figures else "")).rpartition("/")[2], 40),
        latency(round(figures.p95 * 1000)) if figures and figures.requests else "",
        share(figures.failures, figures.requests) if figures and figures.requests else "",
        figures.verdict if figures else "",
        shorten(" ".join([*marks, *(about.tags if about else ())]), 40),
        f"tidal {'attach' if found.is_going else 'replay'} {shorten(found.run)}",
    ]


# ------------------------------------------------------------------ saying something, removing


def _meant(words: Sequence[str], least: int, usage: str) -> str:
    """The run that is meant by the first word, of those with an archive here."""
    from tidal.cli.find import archived, pick
    from tidal.shelf import run_named

    if len(words) < least:
        raise UsageError(f"usage: tidal runs {usage}")
    return run_named(words[0]) or pick(words[0], archived(), "archive").run


def _note(args: argparse.Namespace, words: Sequence[str]) -> int:
    from tidal import shelf
    from tidal.cli.find import going, pick
    from tidal.errors import NoSuchRun
    from tidal.operator import author

    text = " ".join(words[1:])
    try:
        found = pick(words[0], going(flags.redis_url(args))) if words else None
    except NoSuchRun:
        found = None
    if found is not None and found.is_going and text:
        from tidal.cli.wish import hand_in
        from tidal.model.events import WantNote

        args.run = found.run
        return hand_in(args, WantNote(text))
    run = _meant(words, 2, "note RUN TEXT")
    shelf.note(run, text, author(), shelf.now_ms())
    print(f"run {run}: noted")
    return 0


def _tag(args: argparse.Namespace, words: Sequence[str]) -> int:
    from tidal import shelf

    run = _meant(words, 1 if args.remove else 2, "tag RUN TAG … [--remove TAG]")
    tags = shelf.tag(run, tuple(words[1:]), tuple(args.remove))
    print(f"run {run}: {', '.join(tags) or 'no tag'}")
    return 0


def _pin(args: argparse.Namespace, words: Sequence[str]) -> int:
    from tidal import shelf

    run = _meant(words, 1, "pin RUN [--as NAME]")
    shelf.pin(run, args.name)
    print(f"run {run}: pinned" + (f" as {args.name}" if args.name else ""))
    return 0


def _unpin(args: argparse.Namespace, words: Sequence[str]) -> int:
    from tidal import shelf

    del args
    run = _meant(words, 1, "unpin RUN")
    shelf.unpin(run)
    print(f"run {run}: not pinned any more")
    return 0


def _prune(args: argparse.Namespace, words: Sequence[str]) -> int:
    from tidal import paths, shelf
    from tidal.cli.find import going
    from tidal.outputs.layout import size

    if words or (args.older_than is None and args.down_to is None):
        raise UsageError("usage: tidal runs prune --older-than AGE and/or --down-to SIZE [--dry-run]")
    busy = {found.run for found in going(flags.redis_url(args)) if found.is_going}
    busy |= {entry.run for entry in paths.local_runs() if entry.is_alive}  # its master may be joining the parts
    now_s = shelf.now_ms() / 1000
    there = [s for s in shelf.all_shelved(with_figures=False) if s.run not in busy]
    here = [s for s in there if not shelf.is_written(s, now_s)]
    older_s = None if args.older_than is None else args.older_than / 1000
    chosen = shelf.to_prune(here, now_s, older_than_s=older_s, down_to_bytes=args.down_to)
    for found in chosen:
        if not args.dry_run:
            shelf.remove(found.run)
            paths.forget_local_run(found.run)
        print(f"{'would remove' if args.dry_run else 'removed'} {found.run}  {size(found.size)}")
    freed, kept = sum(s.size for s in chosen), sum(s.about.pinned for s in here)
    print(f"{len(chosen):,} of {plural(len(here), 'run')}, {size(freed)}; {kept} pinned")
    return 0


ACTS: dict[str, Callable[[argparse.Namespace, Sequence[str]], int]] = {
    "note": _note,
    "tag": _tag,
    "pin": _pin,
    "unpin": _unpin,
    "prune": _prune,
}
