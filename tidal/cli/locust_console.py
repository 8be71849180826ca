"""`tidal locust --headless`: a run on a console as Locust shows it.

Log lines and tables go to standard error as in Locust, JSON and what the file prints to standard output. CSV files are
written each second and whole at the end; the report and the JSON are made from the archive once the run is closed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import socket
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tidal import __version__, paths
from tidal.archive import Archive
from tidal.cli.console import Console
from tidal.cli.session import session
from tidal.cli.tail import Tail
from tidal.errors import RunLapsed, TidalError, UsageError
from tidal.launch import launch
from tidal.options import LOCUST_VERSION
from tidal.outputs import locust_csv, locust_tables
from tidal.outputs.locust_json import entries_json, seconds_of
from tidal.outputs.locust_log import Line, LocustLog, closing_line, opening_lines
from tidal.outputs.locust_rows import Picture, picture

if TYPE_CHECKING:
    import argparse

    from tidal.cli.session import Session
    from tidal.launch import LaunchSpec
    from tidal.live import LiveFeed

CSV_S = 1.0


class LocustConsole(Console):
    """Follows one run to its end, in Locust's words.

    Args:
        followed: the run.
        args: Locust's flags.
        log: where log lines go; None: nowhere.
        out: where tables go; None: nowhere.
    """

    def __init__(self, followed: Session, args: argparse.Namespace, log: IO[str] | None, out: IO[str] | None) -> None:
        super().__init__(
            followed.feed,
            followed.operator,
            supervisor_pid=followed.supervisor_pid,
            is_alive=followed.is_alive,
            out=out,
        )
        self._args, self._log = args, log
        self._live: LiveFeed = followed.feed
        self._words = LocustLog(is_distributed=bool(args.master))
        self._tail = Tail(paths.logs_dir(), followed.run)
        self._csv = csv_files(args)
        self._csv_due_s = 0.0
        self._level = logging.getLevelNamesMapping().get(str(args.loglevel).upper(), logging.INFO)

    def begin(self, spec: LaunchSpec) -> None:
        """What Locust says before the run: its version, the limit, an empty table."""
        for line in opening_lines(LOCUST_VERSION, __version__, spec.options.run_time_ms):
            self.log(line)
        if not self._args.only_summary:
            self._tell_tables([], None)

    # ------------------------------------------------------------------ while it runs

    def _tell_interval(self) -> None:
        seen = self._live.look(picture)
        if seen is not None and seen.frame.run.began_ms and not self._args.only_summary:
            self._tell_tables(list(seen.entries), seen.total)
        self._check_life(seen.frame if seen is not None else None)

    def _tell_tables(self, rows: list[locust_tables.Row], total: locust_tables.Row | None) -> None:
        total = total or _nothing()
        for line in [*locust_tables.request_lines(rows, total, widths=_widths()), ""]:
            self._say(line)

    def _tell_news(self) -> None:
        trouble = self._feed.trouble()
        if trouble and not self._trouble:
            self.log(Line("WARNING", "tidal.run", trouble))
        self._trouble = trouble
        for line in self._live.look(self._words.lines) or ():
            self.log(line)
        self._tell_user_code()
        if self._csv is not None and time.monotonic() >= self._csv_due_s:
            self._csv_due_s = time.monotonic() + CSV_S
            seen = self._live.look(picture)
            if seen is not None and seen.frame.run.began_ms:
                self._csv.write(seen)

    def _tell_user_code(self, *, all_of_it: bool = False) -> None:
        """What the file logs and prints on this machine."""
        for is_logging, text in self._tail.lines(all_of_it=all_of_it):
            stream = (self._log if self._log is not None else None) if is_logging else sys.stdout
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    print(text, file=stream, flush=True)

    def log(self, line: Line) -> None:
        """One line of the log, unless its level is too low."""
        level = logging.getLevelNamesMapping().get(line.level, logging.INFO)
        if self._log is None or level < self._level:
            return
        now = datetime.now().astimezone()
        stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03}"
        with contextlib.suppress(BrokenPipeError):
            print(
                f"[{stamp}] {socket.gethostname()}/{line.level}/{line.logger}: {line.text}", file=self._log, flush=True
            )

    # ------------------------------------------------------------------ the end

    def close(self) -> Picture:
        """The last words, the last tables and files; the last picture."""
        seen = self._live.look(picture)
        if seen is None:
            raise RunLapsed("the run closed before it began")
        self._tell_user_code(all_of_it=True)
        self.log(closing_line(code_of(seen)))
        if self._csv is not None:
            self._csv.close(seen)
        return seen

    def tell_summary(self, seen: Picture) -> None:
        """The final tables."""
        widths = _widths()
        rows: list[locust_tables.Row] = list(seen.entries)
        lines = [*locust_tables.request_lines(rows, seen.total, current=False, widths=widths), ""]
        lines += [*locust_tables.percentile_lines(rows, seen.total, widths=widths), ""]
        if seen.problems:
            lines += locust_tables.error_lines(seen.problems, widths)
        for line in lines:
            self._say(line)


def _widths() -> locust_tables.Widths:
    return locust_tables.widths_for(shutil.get_terminal_size((160, 24)).columns)


def _nothing() -> locust_tables.Row:
    from tidal.model.stats import Tally
    from tidal.outputs.locust_rows import AGGREGATED, Entry

    return Entry("", AGGREGATED, Tally(), (0.0, 0.0), 0.0)


def code_of(seen: Picture) -> int:
    """The run's exit code."""
    code = seen.frame.run.exit_code
    return RunLapsed.exit_code if code is None else code


def csv_files(args: argparse.Namespace) -> locust_csv.Files | None:
    """The CSV files that --csv asks for; UsageError when they cannot be written."""
    if not args.csv_prefix:
        return None
    try:
        return locust_csv.Files(args.csv_prefix, full_history=bool(args.stats_history_enabled))
    except OSError as error:
        raise UsageError(f"--csv {args.csv_prefix}: {error.strerror}") from None


@contextlib.contextmanager
def log_stream(args: argparse.Namespace):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a context of a stream or nothing
    """Where log lines go: --logfile, standard error, or nowhere with --skip-log-setup."""
    if args.skip_log_setup:
        yield None
    elif args.logfile:
        try:
            path = Path(args.logfile).expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf8") as file:
                yield file
        except OSError as error:
            raise UsageError(f"--logfile {args.logfile}: {error.strerror}") from None
    else:
        yield sys.stderr


def run_headless(spec: LaunchSpec, args: argparse.Namespace) -> int:
    """Open the run that the spec describes and stay with it; its exit code."""
    with log_stream(args) as log:
        launched = launch(spec)
        with session(launched.redis_url, launched.run, launched.supervisor_pid) as followed:
            console = LocustConsole(followed, args, log, None if args.skip_log_setup else sys.stderr)
            console.begin(spec)
            followed.followed_by(console)
            seen = console.close()
        if args.json:
            print(json_of(launched.run, seen), flush=True)
        else:
            console.tell_summary(seen)
        write_files(launched.run, seen, args)
    if args.autoquit > 0:
        threading.Event().wait(args.autoquit)
    return code_of(seen)


def write_files(run: str, seen: Picture, args: argparse.Namespace) -> None:
    """--json-file and --html; UsageError for what cannot be written."""
    try:
        if args.json_file:
            path = Path(f"{args.json_file}.json").expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json_of(run, seen), encoding="utf8")
        if args.html_file:
            from tidal.report import write_html

            path = Path(html_name(args)).expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            write_html(paths.archive_path(run), path)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None


def json_of(run: str, seen: Picture) -> str:
    """Locust's JSON, with the counts of each second from the archive; without it, without them."""
    try:
        with Archive.open(paths.archive_path(run)) as archive:
            return entries_json(seen, seconds_of(archive.entries()))
    except TidalError:
        return entries_json(seen, {})


def html_name(args: argparse.Namespace) -> str:
    """--html with its places filled in: {u} users, {r} spawn rate, {t} run time."""
    said = {"{u}": args.num_users or 1, "{r}": args.spawn_rate or 1, "{t}": args.run_time or 0}
    name = str(args.html_file)
    for place, value in said.items():
        name = name.replace(place, json.dumps(value).strip('"'))
    return name
