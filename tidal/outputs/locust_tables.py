"""Tables in Locust's layout: what people know from their terminals, and what scripts of theirs read.

    Type     Name                  # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
    --------|---------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
    GET      /                         32     0(0.00%) |      2       0      25      2 |    8.00        0.00
    --------|---------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
             Aggregated                32     0(0.00%) |      2       0      25      2 |    8.00        0.00

Pure: rows in, lines out. A row is whatever has the attributes of `Row`: an entry of the run's picture, or the
`StatsEntry` of a script. Times are whole ms as in Locust; the average and the
extremes are cut off, percentiles rounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from tidal.model.struct import Struct
from tidal.outputs.layout import shorten, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PERCENTILES = (0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)
NAME_WIDTH, TYPE_WIDTH = 80, 8
CELLS_MAX = 100
"""Terminal cells that a name or a message may take even where its column is narrower, as in Locust; then it is cut."""
ERROR_CELLS_MAX = 500


class Row(Protocol):
    """An endpoint's figures under Locust's names; times in ms."""

    @property
    def method(self) -> str: ...  # noqa: D102 - Locust's names
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def num_requests(self) -> int: ...  # noqa: D102
    @property
    def num_none_requests(self) -> int: ...  # noqa: D102
    @property
    def num_failures(self) -> int: ...  # noqa: D102
    @property
    def fail_ratio(self) -> float: ...  # noqa: D102
    @property
    def avg_response_time(self) -> float: ...  # noqa: D102
    @property
    def min_response_time(self) -> float | None: ...  # noqa: D102
    @property
    def max_response_time(self) -> float: ...  # noqa: D102
    @property
    def median_response_time(self) -> float: ...  # noqa: D102
    @property
    def avg_content_length(self) -> float: ...  # noqa: D102
    @property
    def current_rps(self) -> float: ...  # noqa: D102
    @property
    def current_fail_per_sec(self) -> float: ...  # noqa: D102
    @property
    def total_rps(self) -> float: ...  # noqa: D102
    @property
    def total_fail_per_sec(self) -> float: ...  # noqa: D102
    def response_time_percentiles(self, shares: Sequence[float]) -> list[float]:
        """Percentiles (0…1)."""


class Problem(Protocol):
    """Failed requests of one endpoint with one message."""

    @property
    def occurrences(self) -> int: ...  # noqa: D102 - Locust's names
    def to_name(self) -> str:
        """Method, name and message on one line."""


class Widths(Struct, frozen=True):
    """Columns' widths in terminal cells; Locust takes 80 less than the terminal for the names, at most 80."""

    name: int = NAME_WIDTH
    kind: int = TYPE_WIDTH

    @property
    def short_name(self) -> int:
        """The names' column in the table of requests, which is narrower for it has more columns."""
        return max(self.name - self.kind + 4, 4)


WIDTHS = Widths()
"""As they are when nothing is widened."""


def widths_for(columns: int) -> Widths:
    """The widths for a terminal of so many columns."""
    return Widths(max(min(columns - 80, 80), 0))


def readable(percentiles: Iterable[float]) -> list[str]:
    """Titles of percentiles: `50%`, `99.9%`."""
    return [f"{round(share * 100, 6):g}%" for share in percentiles]


# ------------------------------------------------------------------ requests


def request_lines(rows: Iterable[Row], total: Row, *, current: bool = True, widths: Widths = WIDTHS) -> list[str]:
    """The table of requests, with the rates of the moment or of the whole run."""
    title = _padded("Type", widths.kind) + " " + _padded("Name", widths.short_name)
    title += (
        f" {'# reqs':>7} {'# fails':>12} |{'Avg':>7} {'Min':>7} {'Max':>7}{'Med':>7} | {'req/s':>7} {'failures/s':>11}"
    )
    rule = "|".join("-" * n for n in (widths.kind, widths.short_name, 7, 13, 7, 7, 7, 7, 8, 11))
    body = [request_line(row, current=current, widths=widths) for row in rows]
    return [title, rule, *body, rule, request_line(total, current=current, widths=widths)]


def request_line(row: Row, *, current: bool = True, widths: Widths = WIDTHS) -> str:
    """One row of the table of requests."""
    rates = (row.current_rps, row.current_fail_per_sec) if current else (row.total_rps, row.total_fail_per_sec)
    fails = f"{row.num_failures}({row.fail_ratio * 100:.2f}%)"
    times = (int(row.avg_response_time), int(row.min_response_time or 0), int(row.max_response_time))
    return (
        f"{_method(row, widths)} {_padded(shorten(row.name, max(CELLS_MAX, widths.short_name)), widths.short_name)}"
        f" {row.num_requests:>7} {fails:>12} |{times[0]:>7} {times[1]:>7} {times[2]:>7}"
        f"{round(row.median_response_time):>7} | {rates[0]:>7.2f} {rates[1]:>11.2f}"
    )


def _method(row: Row, widths: Widths) -> str:
    return _padded(f"{shorten(row.method, 20)} " if row.method else "", widths.kind)


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))


# ------------------------------------------------------------------ percentiles


def percentile_lines(
    rows: Iterable[Row],
    total: Row,
    percentiles: Sequence[float] = PERCENTILES,
    widths: Widths = WIDTHS,
) -> list[str]:
    """The table of percentiles; endpoints without a response time have no row."""
    titles = [*readable(percentiles), "# reqs"]
    name = max(widths.name, 1)
    rule = "|".join(["-" * widths.kind, "-" * name, "-" * 8, *["-" * 6] * len(percentiles)])
    timed = [row for row in rows if row.num_requests > row.num_none_requests]
    body = [percentile_line(row, percentiles, widths) for row in timed]
    last = [percentile_line(total, percentiles, widths)] if total.num_requests > total.num_none_requests else []
    head = f"{_padded('Type', widths.kind)} {_padded('Name', name)} {_numbers(titles)}"
    return ["Response time percentiles (approximated)", head, rule, *body, rule, *last]


def percentile_line(row: Row, percentiles: Sequence[float] = PERCENTILES, widths: Widths = WIDTHS) -> str:
    """One row of the table of percentiles."""
    name = _padded(shorten(row.name, max(CELLS_MAX, widths.name)), max(widths.name, 1))
    cells = [*(str(round(ms)) for ms in row.response_time_percentiles(percentiles)), str(row.num_requests)]
    return f"{_padded(shorten(row.method, 20), widths.kind)} {name} {_numbers(cells)}"


def _numbers(cells: Sequence[str]) -> str:
    return " ".join([f"{cells[0]:>8}", *(f"{cell:>6}" for cell in cells[1:])])


# ------------------------------------------------------------------ errors

_OF_AN_EXCEPTION = re.compile(
    r"[A-Za-z_][\w.]*\(.*|<[A-Za-z_][\w.]* (?:of RPC that|object at 0x).*|\(other\)", re.DOTALL
)
"""What the repr of one begins with: `ValueError(`, gRPC's `<_InactiveRpcError of RPC that`; and never `<html>`."""


def is_plain_text(message: str) -> bool:
    """Whether a failure's message is a text of the file's own (`failure("too slow")`): where exceptions have a name.

    tidal keeps such a text as it is, where Locust puts `CatchResponseError('…')` around it.
    """
    return _OF_AN_EXCEPTION.fullmatch(message) is None


def error_lines(problems: Iterable[Problem], widths: Widths = WIDTHS) -> list[str]:
    """The report of failed requests; it ends in an empty line."""
    rule = f"{'-' * 18}|{'-' * (61 + widths.name)}"
    body = [f"{row.occurrences:<18} {shorten(row.to_name(), ERROR_CELLS_MAX):<100}" for row in problems]
    return ["Error report", f"{'# occurrences':<18} {'Error':<100}", rule, *body, rule, ""]
