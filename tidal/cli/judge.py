"""Judge a run that was recorded by thresholds: `tidal judge latest 'p99 of "GET /cart" > 1s for 10s'`.

Says of each whether it was kept to, and when it would have tripped, at the very entry of the log at which a live run
would have. Without an expression or a flag that gives one the run is judged by its own thresholds. No Redis is needed.
The exit code is 0 when all are kept to, 62 when one is not, 63 when one cannot be judged, 60 for a run whose verdict
is invalid, 43 for one that did not come to its end or whose recording does not.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tidal.cli import flags
from tidal.errors import RunLapsed, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tidal.model.rejudge import Rejudged
    from tidal.model.rows import Frame


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN|FILE EXPR",
        help="the run's id, a part of it or an archive's path (default: latest), then thresholds (default: its own)",
    )
    flags.add_judged(parser)
    parser.add_argument("--allow-suspect", action="store_true", help="a suspect verdict does not change the exit code")
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def run(args: argparse.Namespace) -> int:
    """Fold the archive, print the table, return the code."""
    from tidal.cli.console import columns_of
    from tidal.cli.replay import archive_of
    from tidal.cli.streams import lines_to, show
    from tidal.cli.verdict_files import summary_file, write_verdict
    from tidal.judge import judged
    from tidal.model.frame import frame
    from tidal.outputs.thresholds import threshold_table
    from tidal.replay import demand_run

    summary_file(args.summary)
    name, texts = split(args.words, args.thresholds)
    path = archive_of(name)
    found, at_ms = judged(path, texts or None)
    demand_run(found.state, path)
    if not found.state.log.options.thresholds:
        raise UsageError(f"run {found.state.log.run} has no thresholds of its own: name one, such as 'p95<300ms'")
    seen = frame(found.state, at_ms)
    out = lines_to(args.json)
    show("\n".join([threshold_table(seen, columns_of(out)), *_entries(seen, found), *_end(seen)]), out)
    code = exit_code(seen, allow_suspect=args.allow_suspect)
    if args.json is not None:
        _put_json(as_dict(seen, found, code), args.json)
    write_verdict(seen, args.junit, args.summary)
    return code


def split(words: Sequence[str], flagged: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The run and the thresholds, with those of flags: the first word is the run's, unless it is a threshold itself."""
    from tidal.model.thresholds_read import BadThreshold, canonical, thresholds_of

    first = list(words[:1])
    try:
        thresholds_of(first[0] if first else "")
    except BadThreshold:
        name, rest = (first or ["latest"])[0], words[1:]
    else:
        name, rest = "latest", words
    try:
        return name, canonical([*rest, *flagged])
    except BadThreshold as error:
        raise UsageError(str(error)) from None


def exit_code(seen: Frame, *, allow_suspect: bool) -> int:
    """The code of a judgement: figures that may not be believed pass nothing, nor does a part of a run."""
    from tidal.model.judging import EXIT_NOT_MET, EXIT_UNJUDGED
    from tidal.model.phases import IN_ORDER
    from tidal.model.verdict import EXIT_INVALID, EXIT_SUSPECT

    words = {row.word for row in seen.thresholds}
    if seen.verdict.word == "invalid":
        return EXIT_INVALID
    if words & {"failed", "failing"}:
        return EXIT_NOT_MET
    if words & {"unjudged", "waiting"}:
        return EXIT_UNJUDGED
    if seen.run.exit_code is None or seen.run.outcome not in IN_ORDER:
        return RunLapsed.exit_code
    return EXIT_SUSPECT if seen.verdict.word == "suspect" and not allow_suspect else 0


def _entries(seen: Frame, found: Rejudged) -> list[str]:
    from tidal.outputs.layout import shorten

    rows = [row for row in seen.thresholds if row.text in found.entries and row.word == "failed"]
    return ["", *(f"{shorten(row.text, 60)} trips at entry {found.entries[row.text]} of the log" for row in rows)]


def _end(seen: Frame) -> list[str]:
    from tidal.outputs.judged import verdict_lines

    state = "" if seen.run.exit_code is not None else "The run was not closed: this is how it stood.\n"
    return [f"{state}Run {seen.run.run}", *verdict_lines(seen)]


def as_dict(seen: Frame, found: Rejudged, code: int) -> dict[str, Any]:
    """What `--json` writes."""
    from tidal.model.wire import to_wire

    rows = [{**to_wire(row), "entry": str(found.entries.get(row.text, ""))} for row in seen.thresholds]
    verdict = to_wire(seen.verdict)
    return {"schema": 1, "run": seen.run.run, "exit_code": code, "verdict": verdict, "thresholds": rows}


def _put_json(value: dict[str, Any], place: str) -> None:
    from tidal.cli.report import put

    text = json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
    else:
        put(text, place)
