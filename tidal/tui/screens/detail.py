"""All of one row: every figure, and texts in full. `detail_of` is pure; `DetailScreen` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tidal.tui import text
from tidal.tui.look import WORKERS, Look, mark_of
from tidal.tui.widgets import books, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tidal.model.rows import EndpointRow, ExceptionRow, FailureRow, Frame, StoryRow, WorkerRow
    from tidal.tui.widgets.columns import Cell


@dataclass(frozen=True, slots=True)
class Detail:
    """A title, figures with their names, and lines of text."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    body: tuple[str, ...] = ()


def _endpoint(row: EndpointRow, _look: Look) -> Detail:
    pairs = (
        ("requests", f"{row.requests:,}"),
        ("failures", f"{row.failures:,}  ({text.percent(row.failures, row.requests)})"),
        ("cancelled", f"{row.cancelled:,}"),
        ("median", text.latency_of(row, row.median_us)),
        ("p95", text.latency_of(row, row.p95_us)),
        ("p99", text.latency_of(row, row.p99_us)),
        ("average", text.latency_of(row, row.average_us)),
        ("minimum", text.latency_of(row, row.min_us)),
        ("maximum", text.latency_of(row, row.max_us)),
        ("average size", f"{row.average_bytes:,} B"),
        ("requests/s", f"{text.rate(row.rps_milli)} now, {text.rate(row.total_rps_milli)} over the run"),
        ("failures/s", f"{text.rate(row.failures_milli)} now"),
    )
    return Detail(f"{row.method} {row.name}", pairs)


def _worker(row: WorkerRow, _look: Look) -> Detail:
    users = ", ".join(f"{name} {count:,}" for name, count in row.users_by_class)
    lamps = (row.alive and "alive", row.running and "runs", row.reporting and "reports")
    pairs = (
        ("worker", row.worker),
        ("host, process", f"{row.host}, {row.pid}"),
        ("incarnation", row.incarnation),
        ("state", mark_of(WORKERS, row.state)[1]),
        ("lamps", ", ".join(lamp for lamp in lamps if lamp) or "none lit"),
        ("users", f"{row.users:,}{f'  ({users})' if users else ''}"),
        ("generators", f"{row.generators_alive} of {row.generators} alive"),
        ("CPU", f"{row.cpu_permille / 10:.1f} % of one core"),
        ("memory", f"{row.memory_bytes / 1_000_000:,.1f} MB"),
        ("lag", f"{row.lag_ms:,} ms"),
        ("heartbeat", f"{text.seconds(row.heartbeat_age_ms)} s ago"),
        ("last report", f"{text.seconds(row.report_age_ms)} s ago"),
        ("share", f"{row.share_permille / 10:.1f} % of the users"),
    )
    return Detail(f"worker {row.name}", pairs, (row.why,) if row.why else ())


def _failure(row: FailureRow, look: Look) -> Detail:
    pairs = (
        ("occurrences", f"{row.occurrences:,}"),
        ("first", text.clock(row.first_ms, look.zone)),
        ("last", text.clock(row.last_ms, look.zone)),
    )
    return Detail(f"{row.method} {row.name}", pairs, tuple(row.error.splitlines()))


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


def _line(cells: Sequence[Cell]) -> Detail:
    """A line of the ledger: a reason may be longer than the screen is wide."""
    what, amount, more = cells
    return Detail("ledger", ((what.text.strip(), amount.text),), (more.text,))


_KINDS: dict[str, tuple[str, Callable[..., str], Callable[..., Detail]]] = {
    "requests": ("endpoints", tables.endpoint_key, _endpoint),
    "workers": ("workers", tables.worker_key, _worker),
    "failures": ("failures", tables.failure_key, _failure),
    "exceptions": ("exceptions", tables.exception_key, _exception),
    "events": ("story", tables.story_key, _event),
}
"""Table → (field of the frame, key of a row, what there is to tell)."""


def detail_of(table: str, frame: Frame, key: str, look: Look) -> Detail | None:
    """Everything about the row of a table that has this key; None when it is gone."""
    if table == "ledger":
        return next((_line(row.cells) for row in books.rows(frame, look) if row.key == key), None)
    field, key_of, tell = _KINDS[table]
    rows: Sequence[object] = getattr(frame, field)
    return next((_harmless(tell(row, look), look) for row in rows if key_of(row) == key), None)


def _harmless(detail: Detail, look: Look) -> Detail:
    pairs = tuple((name, look.outside(look.own(value))) for name, value in detail.pairs)
    body = tuple(line for part in detail.body for line in text.clean_lines(part, ascii_only=look.ascii_only) or [""])
    return Detail(look.outside(detail.title), pairs, body)


class DetailScreen(ModalScreen[None]):
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
