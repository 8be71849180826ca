"""The files and JSON that Locust writes for a run: while it goes, and at its end from the archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tidal import paths
from tidal.archive import Archive
from tidal.cli.wanted import Wanted
from tidal.errors import TidalError, cannot_write
from tidal.outputs.locust_csv import Files
from tidal.outputs.locust_json import entries_json, seconds_of
from tidal.outputs.locust_rows import picture
from tidal.replay import Replay
from tidal.report import write_html

if TYPE_CHECKING:
    import argparse

    from tidal.outputs.locust_rows import Picture

STEP_MS = 1_000


def wanted(args: argparse.Namespace) -> Wanted:
    """What Locust's flags ask for."""
    return Wanted(args.csv_prefix, args.stats_history_enabled, html_name(args), args.json, args.json_file)


def html_name(args: argparse.Namespace) -> str | None:
    """The report's name, with users, spawn rate and run time in the place of {u}, {r} and {t}."""
    name: str | None = args.html_file
    for mark, value in (("{u}", args.num_users), ("{r}", args.spawn_rate), ("{t}", args.run_time)):
        if name and value is not None:
            name = name.replace(mark, f"{int(value) if float(value).is_integer() else value}")
    return name


def open_csv(files: Wanted) -> Files | None:
    """The CSV files, begun; UsageError where they cannot be."""
    if not files.csv_prefix:
        return None
    try:
        return Files(files.csv_prefix, full_history=files.full_history)
    except OSError as error:
        raise cannot_write(f"{files.csv_prefix}_stats.csv", error) from None


def write_csv(archive_path: Path, files: Wanted) -> None:
    """The CSV files of a run that is over, second by second from its archive."""
    csv = open_csv(files)
    if csv is None:
        return
    with Archive.open(archive_path) as archive:
        replay = Replay(archive)
        for at_ms in range(archive.first_ms, archive.last_ms, STEP_MS):
            state = replay.state_at(at_ms)
            if state.log.opened_ms:
                csv.write(picture(state, at_ms))
        csv.close(picture(replay.final(), archive.last_ms))


def write_rest(run: str, last: Picture | None, files: Wanted) -> None:
    """JSON and the report, at the end."""
    archive_path = paths.archive_path(run)
    if files.html:
        path = _place(files.html)
        write_html(archive_path, path)
    if not files.json and not files.json_file:
        return
    text = _json(archive_path, last)
    if files.json:
        print(text, flush=True)
    if files.json_file:
        path = _place(f"{files.json_file}.json")
        try:
            path.write_text(text, encoding="utf8")
        except OSError as error:
            raise cannot_write(path, error) from None


def _json(archive_path: Path, last: Picture | None) -> str:
    try:
        with Archive.open(archive_path) as archive:
            seen = last or picture(Replay(archive).final(), archive.last_ms)
            return entries_json(seen, seconds_of(archive.entries()))
    except TidalError:
        if last is None:
            raise
        return entries_json(last, {})  # without an archive nobody knows the seconds


def _place(name: str) -> Path:
    """The file's path, with its folder made."""
    path = Path(name).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(name, error) from None
    return path


def write_all(run: str, files: Wanted) -> None:
    """Everything, of a run that a screen showed."""
    write_csv(paths.archive_path(run), files)
    write_rest(run, None, files)
    sys.stdout.flush()
