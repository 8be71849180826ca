"""Locust's four CSV files: `P_stats.csv`, `P_failures.csv`, `P_exceptions.csv`, `P_stats_history.csv`.

    picture ──stats_rows, failure_rows, exception_rows, history_row──▶ cells      pure
    pictures, one a second ──Files.write──▶ … ──Files.close──▶ the files          whole, also at the end

Percentiles are whole ms as in Locust. A text from outside is on one line, and one that a spreadsheet would take for a
formula (it begins with = + - or @) gets an apostrophe before it.
"""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tidal.errors import cannot_write
from tidal.model.text import clean
from tidal.model.window import Window
from tidal.outputs.layout import iso
from tidal.outputs.locust_tables import PERCENTILES, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tidal.model.rows import ExceptionRow
    from tidal.outputs.locust_rows import Picture
    from tidal.outputs.locust_tables import Row

WINDOW_S = 10.0
TEXT_MAX = 1_000
NOT_YET = "N/A"
FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""How a spreadsheet knows a formula; the last four are their full-width forms."""

STATS_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
)  # fmt: skip
FAILURE_COLUMNS = ("Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen")
EXCEPTION_COLUMNS = ("Count", "Message", "Traceback", "Nodes")
HISTORY_COLUMNS = ("Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s")
HISTORY_TOTALS = (
    "Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time",
    "Total Min Response Time", "Total Max Response Time", "Total Average Content Size",
)  # fmt: skip

Cells = list[Any]


class Failed(Protocol):
    """Failed requests of one kind."""

    @property
    def method(self) -> str: ...  # noqa: D102 - Locust's names
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def error(self) -> str: ...  # noqa: D102
    @property
    def occurrences(self) -> int: ...  # noqa: D102
    @property
    def first_seen(self) -> float | None: ...  # noqa: D102
    @property
    def last_seen(self) -> float | None: ...  # noqa: D102


# ------------------------------------------------------------------ cells


def cell(text: str) -> str:
    """A text from outside as a cell: on one line, and no formula."""
    return _no_formula(clean(text, TEXT_MAX))


def _no_formula(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) else text


def stats_columns(percentiles: Sequence[float] = PERCENTILES) -> Cells:
    """The titles of `P_stats.csv`."""
    return [*STATS_COLUMNS, *readable(percentiles)]


def history_columns(percentiles: Sequence[float] = PERCENTILES) -> Cells:
    """The titles of `P_stats_history.csv`."""
    return [*HISTORY_COLUMNS, *readable(percentiles), *HISTORY_TOTALS]


def stats_rows(rows: Iterable[Row], total: Row, percentiles: Sequence[float] = PERCENTILES) -> Iterator[Cells]:
    """The rows of `P_stats.csv`; the total is the last."""
    for row in (*rows, total):
        figures = _Figures(row, percentiles)
        rates = [row.total_rps, row.total_fail_per_sec]
        yield [cell(row.method or ""), cell(row.name), *figures.totals, *rates, *figures.percentiles]


class _Figures:
    """A row's totals and percentiles, from one look at its histogram."""

    def __init__(self, row: Row, percentiles: Sequence[float]) -> None:
        median, *rest = row.response_time_percentiles([0.5, *percentiles])
        self.percentiles: Cells = [round(ms) for ms in rest] if row.num_requests else [NOT_YET] * len(rest)
        self.totals: Cells = [
            row.num_requests,
            row.num_failures,
            median,
            row.avg_response_time,
            row.min_response_time or 0,
            row.max_response_time,
            row.avg_content_length,
        ]


def failure_rows(problems: Iterable[Failed]) -> Iterator[Cells]:
    """The rows of `P_failures.csv`."""
    for problem in problems:
        seen = [iso(at_s) if at_s is not None else "" for at_s in (problem.first_seen, problem.last_seen)]
        yield [cell(problem.method), cell(problem.name), cell(problem.error), problem.occurrences, *seen]


def exception_rows(exceptions: Iterable[ExceptionRow]) -> Iterator[Cells]:
    """The rows of `P_exceptions.csv`; a traceback keeps its lines."""
    for row in exceptions:
        trace = row.traceback.rstrip("\n")
        nodes = ", ".join(row.workers)
        yield [row.occurrences, cell(_message(row.message, trace)), _lines(trace), cell(nodes)]


def _message(message: str, trace: str) -> str:
    """What the exception says, without its class where the traceback tells it."""
    kind, colon, said = message.partition(": ")
    heads = (line.partition(": ")[0] for line in trace.split("\n") if not line[:1].isspace())
    told = any(head.rpartition(".")[2] == kind for head in heads)  # there with its module
    return said if colon and told else message


def _lines(trace: str) -> str:
    return _no_formula("".join(f"{clean(line, TEXT_MAX)}\n" for line in trace.split("\n")) if trace else "")


def history_row(
    at_s: int, users: int, row: Row, percentiles: Sequence[float] = PERCENTILES, now: Cells | None = None
) -> Cells:
    """A row of `P_stats_history.csv`; `now`: the percentiles of the last seconds instead of those of the run."""
    figures = _Figures(row, percentiles)
    rates = [f"{row.current_rps:.6f}", f"{row.current_fail_per_sec:.6f}"]
    shares = figures.percentiles if now is None or not row.num_requests else now
    return [at_s, users, cell(row.method or ""), cell(row.name), *rates, *shares, *figures.totals]


def text_of(*rows: Iterable[Any]) -> str:
    """Rows as CSV, as Python's `csv` writes it by default."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


# ------------------------------------------------------------------ files


class Files:
    """Writes the four files from pictures; each is whole at any moment.

    Args:
        prefix: of the files' names, with their folder.
        full_history: a row for each endpoint, with the percentiles of the last ten seconds, instead of one for the run.
    """

    def __init__(self, prefix: str, *, full_history: bool = False) -> None:
        self.prefix = prefix
        self._full = full_history
        self._window: Window | None = None
        self._second = 0
        self._last: Picture | None = None
        Path(f"{prefix}_").parent.mkdir(parents=True, exist_ok=True)
        for name, columns in self._columns().items():
            self._path(name).write_text(text_of(columns), encoding="utf8", newline="")

    def __repr__(self) -> str:
        return f"<Files {self.prefix}_*.csv at {self._second}>"

    def _path(self, name: str) -> Path:
        return Path(f"{self.prefix}_{name}.csv")

    def _columns(self) -> dict[str, Sequence[str]]:
        return {
            "stats": stats_columns(),
            "failures": FAILURE_COLUMNS,
            "exceptions": EXCEPTION_COLUMNS,
            "stats_history": history_columns(),
        }

    def write(self, seen: Picture) -> None:
        """Take in a picture; to be called oftener than once a second while the run goes on.

        A second's row of the history is its newest picture; the other files are written once a second. A file that
        cannot be written now (a full disk) is tried again; `close` says it when it stays so.
        """
        with contextlib.suppress(OSError):
            is_due = not self._second or seen.frame.at_ms // 1000 > self._second
            self._keep_history(seen)
            if is_due:
                self._write_whole(seen)

    def _write_whole(self, seen: Picture) -> None:
        columns = self._columns()
        bodies: dict[str, Iterable[Cells]] = {
            "stats": stats_rows(seen.entries, seen.total),
            "failures": failure_rows(seen.problems),
            "exceptions": exception_rows(seen.frame.exceptions),
        }
        for name, rows in bodies.items():
            self._replace(self._path(name), text_of(columns[name], *rows))

    def close(self, seen: Picture) -> None:
        """Write the last picture: everything that the run reported. UsageError when it cannot be written."""
        try:
            self._keep_history(seen)
            self._append_last()
            self._write_whole(seen)
        except OSError as error:
            raise cannot_write(f"{self.prefix}_*.csv", error) from None

    def _replace(self, path: Path, text: str) -> None:
        """Nobody ever reads half a file."""
        new = path.with_name(f".{path.name}.new")
        new.write_text(text, encoding="utf8", newline="")
        new.replace(path)

    # ------------------------------------------------------------------ history

    def _keep_history(self, seen: Picture) -> None:
        """One set of rows a second: of the newest picture of the second, written when the next one begins."""
        if not seen.frame.run.began_ms:
            return
        second = seen.frame.at_ms // 1000
        if second > self._second:
            self._append_last()
        self._second = max(self._second, second)
        self._last = seen

    def _append_last(self) -> None:
        if self._last is None:
            return
        rows = text_of(*self._history_rows(self._last))
        with self._path("stats_history").open("a", encoding="utf8", newline="") as file:
            file.write(rows)
        self._last = None

    def _history_rows(self, seen: Picture) -> Iterator[Cells]:
        users = seen.frame.run.users_running
        window = self._looked(seen) if self._full else None
        for row in (*seen.entries, seen.total) if self._full else (seen.total,):
            key = None if row is seen.total else (row.method, row.name)
            now = None if window is None else self._current(window, key)
            yield history_row(self._second, users, row, now=now)

    def _looked(self, seen: Picture) -> Window:
        if self._window is None:
            self._window = Window(WINDOW_S, seen.frame.run.began_ms / 1000)
        self._window.look(seen.frame.at_ms / 1000, {(e.method, e.name): e.tally for e in seen.entries})
        return self._window

    def _current(self, window: Window, key: tuple[str, str] | None) -> Cells:
        return [round(us / 1000) for us in window.of(key).percentiles_us(*PERCENTILES)]
