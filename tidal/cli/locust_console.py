"""`tidal locust --headless`: a run on plain lines as Locust shows it.

Log lines and tables go to standard error as in Locust, JSON and what the file prints to standard output. CSV files are
written each second and whole at the end; the report and the JSON are made from the archive once the run is closed.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from tidal import __version__, paths
from tidal.bus import BusError
from tidal.cli import keys
from tidal.cli.console import Console
from tidal.cli.locust_files import open_csv, wanted, write_rest
from tidal.cli.locust_out import LocustOut
from tidal.cli.session import session
from tidal.cli.tail import Tail
from tidal.errors import RunLapsed, TidalError
from tidal.launch import launching
from tidal.model.events import WantTarget
from tidal.model.stats import Tally
from tidal.model.view import is_complete
from tidal.options import LOCUST_VERSION
from tidal.outputs.layout import shorten
from tidal.outputs.locust_log import MAIN, OWN, ROOT, Line, LocustLog, closing_line, opening_lines
from tidal.outputs.locust_rows import AGGREGATED, Entry, picture
from tidal.outputs.locust_tables import error_lines, percentile_lines, request_lines

if TYPE_CHECKING:
    import argparse

    from tidal.cli.session import Session
    from tidal.launch import LaunchSpec
    from tidal.live import LiveFeed
    from tidal.outputs.locust_csv import Files
    from tidal.outputs.locust_rows import Picture


class LocustConsole(Console):
    """Follows a run to its end and says it in Locust's words.

    Args:
        followed: the run.
        out: where lines and tables go.
        csv: files that go along, or None.
        has_tables: a table every two seconds.
        is_distributed: workers come from elsewhere, and each is worth a line.

    Attributes:
        has_keys: whether this terminal's keys ask for more or fewer users.
    """

    def __init__(
        self, followed: Session, out: LocustOut, csv: Files | None, *, has_tables: bool, is_distributed: bool
    ) -> None:
        end, alive = followed.end_at_once, followed.is_alive
        super().__init__(followed.feed, followed.operator, end_at_once=end, is_alive=alive)
        self._live: LiveFeed = followed.feed
        self._lines = LocustLog(is_distributed=is_distributed)
        self._said, self._csv, self._has_tables = out, csv, has_tables
        self._tail = Tail(paths.logs_dir(), followed.run)
        self._followed, self.has_keys = followed, False

    def _tell_interval(self) -> None:
        seen = self._live.look(picture)
        if seen is not None and self._has_tables and seen.frame.run.began_ms and not self._live.is_closed:
            self._said.table(request_lines(seen.entries, seen.total, widths=self._said.widths()))
        self._check_life(None if seen is None else seen.frame)

    def _tell_news(self) -> None:
        self._obey_keys()
        self._tell_own()
        trouble = self._live.trouble()
        if bool(trouble) != bool(self._trouble):
            self._said.line(Line("WARNING", OWN, trouble or "Redis answers again"))
        self._trouble = trouble
        for line in self._live.look(self._lines.lines) or ():
            self._said.line(line)
        if self._csv is not None and (seen := self._live.look(picture)):
            self._csv.write(seen)  # which writes once a second

    def _obey_keys(self) -> None:
        """More or fewer users, as Locust's keys say; not while they are still coming or going."""
        for step in keys.pressed() if self.has_keys else ():
            at = self._live.look(lambda state, at_ms: (state.log.users, is_complete(state, at_ms)))
            if at is None:
                continue
            users, is_settled = at
            if not is_settled:
                self._said.line(Line("WARNING", ROOT, "Already spawning users, can't spawn more right now"))
                return
            with contextlib.suppress(BusError):
                self._followed.operator.want(WantTarget(max(0, users + step), keys.RATE))

    def _tell_own(self, *, all_of_it: bool = False) -> None:
        """What the user code logs and prints on this machine."""
        for is_logging, text in self._tail.lines(all_of_it=all_of_it):
            if is_logging:
                self._said.raw(text)
            else:
                self._print(text)

    def _print(self, text: str) -> None:
        """On standard output; whose reader has gone ends the run."""
        if self._out is None:
            return
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:
            self._out = None
            self._ask_to_stop("nobody reads the output any more")

    def _say(self, line: str) -> None:
        """A word of the plain console's own: that the run is being stopped."""
        self._said.line(Line("INFO", MAIN, line.strip(" .")))

    def end(self) -> Picture:
        """The rest of what there is to say, and the last picture."""
        self._tell_own(all_of_it=True)
        seen = self._live.look(picture)
        if seen is None:
            raise RunLapsed("the run closed before it began")
        if self._csv is not None:
            self._csv.close(seen)
        return seen


def run_headless(spec: LaunchSpec, args: argparse.Namespace) -> int:
    """Open the run and stay with it as `locust --headless` does; its exit code."""
    csv = open_csv(wanted(args))
    out = LocustOut(args.loglevel, args.logfile, skip=args.skip_log_setup)
    with contextlib.closing(out):
        last, run = _followed(spec, args, out, csv)
        code = code_of(last)
        for reason in last.frame.verdict.reasons:
            out.line(Line("WARNING", OWN, f"the run is {last.frame.verdict.word}: {shorten(reason, 200)}"))
        out.line(closing_line(code))
        _finish(last, run, args, out)
    if args.autoquit > 0:
        threading.Event().wait(args.autoquit)
    return code


def code_of(last: Picture) -> int:
    """The run's exit code; 1 for what Locust has no code of its own for."""
    run = last.frame.run
    if run.exit_code is None:
        return RunLapsed.exit_code
    return 1 if run.outcome in {"refused", "lapsed", "failed"} else run.exit_code


def _followed(spec: LaunchSpec, args: argparse.Namespace, out: LocustOut, csv: Files | None) -> tuple[Picture, str]:
    """The last picture of the run, and its id."""
    has_tables = not args.only_summary
    with contextlib.ExitStack() as until_end:
        with launching(spec) as launched:
            for line in opening_lines(LOCUST_VERSION, __version__, spec.options.run_time_ms):
                out.line(line)
            out.line(Line("DEBUG", OWN, f"run {launched.run}: tidal attach {launched.run}"))
            if launched.warning:
                out.line(Line("WARNING", OWN, launched.warning))
            if has_tables:
                out.table(request_lines([], Entry("", AGGREGATED, Tally(), (0.0, 0.0), 0.0), widths=out.widths()))
            begun = session(launched.redis_url, launched.run, launched.supervisor_pid)
            followed = until_end.enter_context(begun)
        console = LocustConsole(
            followed, out, csv, has_tables=has_tables, is_distributed=bool(args.master or args.processes)
        )
        with keys.listening() as console.has_keys:
            followed.followed_by(console)
        return console.end(), launched.run


def _finish(last: Picture, run: str, args: argparse.Namespace, out: LocustOut) -> None:
    """Files, JSON and tables; a file that cannot be written does not take the tables away."""
    failed = ""
    try:
        write_rest(run, last, wanted(args))
    except TidalError as error:
        failed = shorten(str(error), 300)
    if not args.json_file:  # with it Locust prints none
        widths = out.widths()
        out.table(request_lines(last.entries, last.total, current=False, widths=widths))
        out.table(percentile_lines(last.entries, last.total, widths=widths))
        if last.problems:
            out.table(error_lines(last.problems, widths)[:-1])
    if failed:
        print(f"tidal: {failed}", file=sys.stderr)
