"""All of one row: every figure, and texts in full. `detail_of` is pure; `DetailScreen` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tidal.model.struct import Struct, replace
from tidal.tui import text
from tidal.tui.screens.steady import Steady
from tidal.tui.widgets import books, logs, measured, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tidal.model.own_rows import SampleRow
    from tidal.model.rows import ExceptionRow, FailureRow, Frame, LogRow, StoryRow
    from tidal.tui.look import Look
    from tidal.tui.widgets.columns import Cell


class Detail(Struct, frozen=True):
    """A title, figures with their names, and lines of text."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    body: tuple[str, ...] = ()


def _failure(row: FailureRow, look: Look) -> Detail:
    pairs = (
        ("occurrences", f"{row.occurrences:,}"),
        ("first", text.clock(row.first_ms, look.zone)),
        ("last", text.clock(row.last_ms, look.zone)),
    )
    return Detail(f"{row.method} {row.name}", pairs, tuple(row.error.splitlines()))


def sample_of(row: SampleRow, look: Look) -> Detail:
    """A failed request and what came back, whole."""
    took = text.NOTHING if row.took_us is None else text.latency(row.took_us)
    pairs = (
        ("error", row.error),
        ("URL", row.url),
        ("status", str(row.status) if row.status else "no answer"),
        ("took", took),
        ("time", f"{text.clock(row.at_ms, look.zone)}, {text.duration(row.offset_ms)} of the load"),
        ("user", f"{row.user} on {row.worker}"),
        *((("transaction", " / ".join(row.transaction)),) if row.transaction else ()),
        *((("tags", row.tags),) if row.tags else ()),
    )
    request = [f"{name}: {value}" for name, value in row.request_headers]
    response = [f"{name}: {value}" for name, value in row.response_headers]
    body = ("REQUEST", *request, "", *row.request_body.splitlines(), "", "RESPONSE", *response, "",
            *row.response_body.splitlines())  # fmt: skip
    return Detail(f"{row.method} {row.name}", tuple(pairs), body)


def _exception(row: ExceptionRow, _look: Look) -> Detail:
    pairs = (("occurrences", f"{row.occurrences:,}"), ("workers", ", ".join(row.workers)))
    return Detail(row.message, pairs, tuple(row.traceback.splitlines()))


def _event(row: StoryRow, look: Look) -> Detail:
    pairs = (
        ("time", text.clock(row.at_ms, look.zone)),
        ("plan time", text.duration(row.offset_ms)),
        ("kind", row.kind),
        ("level", row.level),
    )
    return Detail("event", pairs, tuple(row.text.splitlines()))


def _logged(row: LogRow, look: Look) -> Detail:
    pairs = (
        ("time", text.clock(row.at_ms, look.zone)),
        ("plan time", text.duration(row.offset_ms)),
        ("level", row.level),
        ("logger", row.logger),
    )
    return Detail(f"logged by {row.who}", pairs, tuple(row.text.split("\n")))


def _line(cells: Sequence[Cell]) -> Detail:
    """A line of the ledger: a reason may be longer than the screen is wide."""
    what, amount, more = cells
    return Detail("ledger", ((what.text.strip(), amount.text),), (more.text,))


_KINDS: dict[str, tuple[str, Callable[..., str], Callable[..., Detail]]] = {
    "failures": ("failures", tables.failure_key, _failure),
    "exceptions": ("exceptions", tables.exception_key, _exception),
    "events": ("story", tables.story_key, _event),
}
"""Table → (field of the frame, key of a row, what there is to tell)."""


def detail_of(table: str, frame: Frame, key: str, look: Look) -> Detail | None:
    """Everything about the row of a table that has this key; None when it is gone."""
    if table == "ledger":
        return next((_line(row.cells) for row in books.rows(frame, look) if row.key == key), None)
    if table == "logs":
        lines = (row for known, row in zip(logs.log_keys(frame), frame.logs, strict=True) if known == key)
        return next((_harmless(_logged(row, look), look) for row in lines), None)
    if table == "samples":
        found = (r for n, r in enumerate(frame.samples) if measured.sample_key(n, r) == key)
        return next((_harmless(sample_of(row, look), look) for row in found), None)
    if table not in _KINDS:
        return _any_row(table, frame, key, look)
    field, key_of, tell = _KINDS[table]
    rows: Sequence[Any] = getattr(frame, field)
    row = next((row for row in rows if key_of(row) == key), None)
    if row is None:
        return None
    told: Detail = tell(row, look)
    return _harmless(_with_sample(told, row, frame, look) if table == "failures" else told, look)


def _with_sample(told: Detail, row: FailureRow, frame: Frame, look: Look) -> Detail:
    """A failure with one of its requests, where one was kept."""
    mine = (s for s in frame.samples if (s.method, s.name, s.error) == (row.method, row.name, row.error))
    sample = next(mine, None)
    return replace(told, body=(*told.body, "", *sample_of(sample, look).body)) if sample is not None else told


def _any_row(name: str, frame: Frame, key: str, look: Look) -> Detail | None:
    """The cells of a row under the names of their columns: of tables that have no more to tell."""
    table = tables.TABLES[name]
    row = next((row for row in table.rows(frame, look) if row.key == key), None)
    if row is None:
        return None
    named = zip(table.columns, row.cells, strict=True)
    return Detail(table.title, tuple((c.title or c.key, cell.text) for c, cell in named if cell.text))


def _harmless(detail: Detail, look: Look) -> Detail:
    pairs = tuple((name, look.outside(look.own(value))) for name, value in detail.pairs)
    body = tuple(line for part in detail.body for line in text.clean_lines(part, ascii_only=look.ascii_only) or [""])
    return Detail(look.outside(detail.title), pairs, body)


class DetailScreen(ModalScreen[None], Steady[None]):
    """All of one row, until esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Back"),
    ]

    def __init__(self, detail: Detail) -> None:
        super().__init__()
        self._detail = detail

    def compose(self) -> ComposeResult:
        """A box with the figures above the text."""
        width = max((len(name) for name, _ in self._detail.pairs), default=0)
        with Container(classes="box -large") as box:
            box.border_title = "details"
            box.border_subtitle = "esc back"
            yield Static(Text(self._detail.title, style="bold"), classes="title")
            with VerticalScroll():
                figures = Text()
                for name, value in self._detail.pairs:
                    figures.append(f"{name:<{width}}  ", "dim").append(f"{value}\n")
                yield Static(figures)
                yield Static(Text("\n".join(self._detail.body)))
